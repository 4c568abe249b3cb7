"""Try the API as the application would: over HTTP with a personal token, every answer through the Pydantic models."""

from __future__ import annotations

import json
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping
from http import HTTPStatus
from ipaddress import ip_address
from types import ModuleType
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib.auth.models import User
from pydantic import BaseModel, ValidationError

from tracking.models import TestResult
from v7migration.errors import Refused, UsageError
from v7migration.pipeline.integrate.generating import generate_pydantic
from v7migration.pipeline.integrate.proving import provable_run, record

READ: Mapping[str, str] = {
    "phases": "PhaseRead",
    "tasks": "SubworkflowTaskRead",
    "impacts": "GlobalImpactRead",
    "enum-migrations": "EnumMigrationRead",
    "test-results": "TestResultRead",
    "files": "FileAuditV7Read",
    "views/migration-dashboard": "MigrationDashboardRead",
    "views/enum-consolidation-status": "EnumConsolidationStatusRead",
    "views/file-migration-readiness": "FileMigrationReadinessRead",
}
"""The lists of the API and the generated model that takes their rows."""
ROWS = 200
"""Rows of a list that are read; the API gives no more at once."""
PATIENCE = 30.0
COMPONENT = "v7_integrate api"
MODULE = "v7_application_schemas"


class _Failed(Exception):
    """An answer that is not what the API promises; the message says which."""


def prove_api(*, url: str, token: str, person: User) -> dict[str, Any]:
    """Read every list of the API, put each row through the generated models; record, read, change and delete a result.

    Args:
        url: the site's address, such as ``https://v7.example.org/``; plain HTTP only to this machine.
        token: a personal token of this person.
        person: who proves it, a holder of Dev Team.

    Returns:
        ``kind`` (``api``), ``ok``, ``said``, ``url`` and ``rows`` (how many of each list).

    Raises:
        UsageError: no token, or no address that a token may be sent to.
        TransitionRefused, Refused: see ``provable_run``; or the site does not answer at all.
    """
    base = _address(url)
    if not token:
        raise UsageError("There is no token.", "Make one at /account/tokens/ and set V7_API_TOKEN to it.")
    run, api = provable_run(person), _Api(base, token)
    rows: dict[str, int] = {}
    try:
        _is_the_same_person(api, person)
        schemas = _schemas()
        for path, model in READ.items():
            rows[path] = _read(api, path, getattr(schemas, model))
        _live(api, schemas.TestResultRead)
        total = sum(rows.values())
        ok, said = (
            bool(rows["phases"]),
            f"The API returns V7 data: {total} rows of {len(rows)} lists, each valid; a row",
        )
        said += " was recorded, read, changed and deleted."
    except _Failed as failed:
        ok, said = False, f"The API does not do what it promises: {failed}"
    return record(run=run, person=person, kind="api", ok=ok, said=said, evidence={"url": base, "rows": rows})


def _address(url: str) -> str:
    parts = urlsplit(url)
    is_here = parts.hostname == "localhost" or _is_loopback(parts.hostname or "")
    if "@" in parts.netloc or not parts.hostname or parts.scheme not in ("http", "https"):
        raise UsageError(f"{url!r} is no address of a site.", "Write it as https://v7.example.org/.")
    if parts.scheme == "http" and not is_here:
        raise UsageError("A token is not sent over plain HTTP to another machine.", "Use the site's https address.")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}/"


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would carry the token elsewhere."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow none."""


class _Api:
    """One token at one site."""

    def __init__(self, base: str, token: str) -> None:
        self.base, self._token = base, token
        self._opener = urllib.request.build_opener(_NoRedirect)

    def ask(self, method: str, path: str, content: Any = None, *, expected: int = HTTPStatus.OK, **query: Any) -> Any:
        """Return the JSON of an answer, None of an empty one.

        Raises:
            _Failed: another status, or no JSON.
            Refused: no answer.
        """
        address = f"{self.base}api/v1/{path}" + (f"?{urlencode(query)}" if query else "")
        body = None if content is None else json.dumps(content).encode()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(address, data=body, headers=headers, method=method)  # noqa: S310 (http or https)
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                status, text = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            status, text = error.code, error.read()
        except (OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Refused(f"{self.base} does not answer: {reason}.", "Start the site, or correct --url.") from error
        if status != expected:
            said = text[:200].decode(errors="replace")
            raise _Failed(f"{method} {path} answers {status}, not {int(expected)}: {said}")
        try:
            return json.loads(text) if text else None
        except ValueError as error:
            raise _Failed(f"{method} {path} answers what is no JSON.") from error


def _is_the_same_person(api: _Api, person: User) -> None:
    me = api.ask("GET", "me")
    if me.get("username") != person.get_username():
        raise UsageError(
            f"The token is {me.get('username')}'s, not {person.get_username()}'s.", "Use a token of your own."
        )


def _schemas() -> ModuleType:
    """Return the generated Pydantic module, made from its own text."""
    module = ModuleType(MODULE)
    sys.modules[MODULE] = module  # Pydantic looks up annotations there
    try:
        exec(compile(generate_pydantic()["text"], MODULE, "exec"), module.__dict__)  # noqa: S102 (our own text)
    finally:
        del sys.modules[MODULE]
    return module


def _read(api: _Api, path: str, model: type[BaseModel]) -> int:
    """Read a list, put its rows through their model and back; return how many."""
    document = api.ask("GET", path, **({} if path.startswith("views/") else {"limit": ROWS}))
    rows = document if isinstance(document, list) else document["items"]
    for row in rows:
        _valid(model, row, path)
    if path == "phases" and not rows:
        raise _Failed("it returns no phase.")
    return len(rows)


def _valid(model: type[BaseModel], row: Any, path: str) -> None:
    try:
        read = model.model_validate_json(json.dumps(row))
        model.model_validate(json.loads(read.model_dump_json()))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _Failed(f"a row of {path} is no {model.__name__}: {where}: {first['msg']}.") from error


def _live(api: _Api, model: type[BaseModel]) -> None:
    """Record a result, read it, change it, delete it; its history stays."""
    content = {"test_type": "smoke", "component_tested": COMPONENT, "test_status": "pass"}
    made = api.ask("POST", "test-results", content, expected=HTTPStatus.CREATED)
    if not TestResult.objects.filter(pk=made["id"]).exists():
        raise _Failed("what it records is not in this target: the site works on another one.")
    path = f"test-results/{made['id']}"
    _valid(model, api.ask("GET", path), path)
    change = {"updated_at": made["updated_at"], "notes": "A row to try the API with; it is deleted again."}
    changed = api.ask("PATCH", path, change)
    query = {"updated_at": changed["updated_at"], "reason": "The trial is over."}
    api.ask("DELETE", path, expected=HTTPStatus.NO_CONTENT, **query)
    api.ask("GET", path, expected=HTTPStatus.NOT_FOUND)
