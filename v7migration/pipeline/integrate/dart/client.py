"""DART over HTTP with its official client: explicit address, token and time limit, and answers whose types are checked.

The client's models take any type and its own configuration file beats the environment, so neither is relied upon.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from v7migration.errors import Refused, UsageError, V7Error
from v7migration.pipeline.integrate.dart import secret

OFFICIAL = "app.dartai.com"
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
API = "/api/v0/public"
PATIENCE = 15.0
"""Seconds for which DART may keep one request waiting."""
PAGE = 100
MOST_PAGES = 20
LONGEST_PAUSE = 86_400
DUID = re.compile(r"[A-Za-z0-9]{12}")
TRANSIENT = frozenset({408, 425, 429})
Reader = Callable[[Any], Any]


class DartError(V7Error):
    """DART did not do what it was asked, and why."""


class Unreachable(DartError):
    """No whole answer came, or a failure of DART's own. ``is_sent``: DART may have done it all the same."""

    def __init__(self, why: str, *, is_sent: bool, status: int = 0) -> None:
        self.is_sent, self.status = is_sent, status
        super().__init__(f"DART gave no whole answer: {why}.", "Nothing is lost: what waits is sent by a later pass.")


class Limited(DartError):
    """DART asks to wait for some ``seconds`` (429)."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(f"DART asks to wait for {seconds} s (429).", "Nothing is lost: run the command again then.")


class TokenRefused(DartError):
    """DART does not accept the token (401, 403)."""

    def __init__(self, status: int) -> None:
        super().__init__(
            f"DART refuses the token ({status}).",
            "Set V7_DART_TOKEN to a valid one. Nothing is lost: what waits is sent by a later pass.",
        )


class Rejected(DartError):
    """DART understood and refuses: the same words will be refused again."""

    def __init__(self, status: int, said: str) -> None:
        self.status = status
        super().__init__(f"DART refuses it ({status}){f': {said}' if said else ''}.", "Correct it, then retry it.")


class Unknown(Rejected):
    """DART knows no such id (404)."""


@dataclass(frozen=True)
class Place:
    """Where DART is: the origin of its address, and the title of the dartboard with ``{phase}`` in it, if anything."""

    origin: str
    dartboard: str

    @classmethod
    def configured(cls) -> Place:
        """Return the place that the settings name.

        Raises:
            UsageError: an address that no token may be sent to.
        """
        try:
            parts = urlsplit(settings.V7_DART_URL or f"https://{OFFICIAL}")
            host, port = (parts.hostname or "").lower(), parts.port
        except ValueError:
            raise UsageError("V7_DART_URL is no address.", f"The host of DART is {OFFICIAL}.") from None
        if host not in {OFFICIAL} | LOOPBACK or parts.username or parts.password or parts.query or parts.fragment:
            raise UsageError("V7_DART_URL names no host that the token may be sent to.", f"It is {OFFICIAL}.")
        if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
            raise UsageError("V7_DART_URL is not https.", "Only a loopback address may be plain http.")
        if parts.path not in ("", "/"):
            raise UsageError("V7_DART_URL holds more than scheme, host and port.", "Leave the path away.")
        where = f"[{host}]" if ":" in host else host
        return cls(f"{parts.scheme}://{where}{f':{port}' if port else ''}", settings.V7_DART_DARTBOARD)

    def board(self, phase: int) -> str:
        """Return the title of the dartboard for a phase, empty for DART's default."""
        return self.dartboard.replace("{phase}", str(phase))

    def link(self, duid: str) -> str:
        """Return the address of a task in DART's pages."""
        return f"{self.origin}/t/{duid}"


@dataclass(frozen=True)
class Workspace:
    """What DART's workspace offers: titles of dartboards, statuses, and people as (name, email)."""

    dartboards: tuple[str, ...]
    statuses: tuple[str, ...]
    people: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Seen:
    """A task as DART has it. ``assignees``: names or emails; ``several``: the workspace allows more than one."""

    duid: str
    url: str
    title: str
    status: str
    description: str
    dartboard: str
    tags: tuple[str, ...]
    assignees: tuple[str, ...]
    several: bool | None
    start_at: str
    due_at: str
    completed_at: str

    def as_dict(self) -> dict[str, Any]:
        """Return what is compared and shown, as JSON-able data."""
        return {
            "title": self.title, "status": self.status, "assignees": list(self.assignees), "tags": list(self.tags),
            "start_at": self.start_at, "due_at": self.due_at, "completed_at": self.completed_at, "url": self.url,
        }  # fmt: skip


def _library(name: str) -> Any:
    """Return a module of the client, or of what it stands on: both are an extra."""
    try:
        return import_module(name)
    except ImportError as error:
        raise Refused(
            f"The client of DART cannot be loaded: {error.name or 'dart-tools'} is missing.",
            "Install it into the environment: python -m pip install dart-tools. Ids can be recorded by hand at /dart/.",
        ) from error


def _generated(name: str) -> Any:
    return _library(f"dart.generated{name}")


class Gateway:
    """One conversation with DART. Its representation and its errors never hold the token."""

    def __init__(self, place: Place, *, patience: float = PATIENCE) -> None:
        self.place = place
        self.several: bool | None = None
        client, httpx = _generated("").AuthenticatedClient, _library("httpx")
        fresh = httpx.Limits(max_keepalive_connections=0)  # a kept one may be closed already: its request would be lost
        is_local = urlsplit(place.origin).hostname in LOOPBACK
        self._client = client(
            base_url=place.origin + API, token=secret.token(), timeout=httpx.Timeout(patience),
            follow_redirects=False, headers={"Origin": place.origin},
            httpx_args={"trust_env": not is_local, "limits": fresh},
        )  # fmt: skip

    def __repr__(self) -> str:
        return f"<Gateway to {self.place.origin}>"

    def close(self) -> None:
        """End the conversation."""
        self._client.get_httpx_client().close()

    def workspace(self) -> Workspace:
        """Return what the workspace offers; the first question of a pass, because it proves address and token."""
        found = self._ask("config", "get_config")
        with _whole():
            people = tuple((_text(user.name), _optional(user.email)) for user in _list(found.assignees))
            return Workspace(_texts(found.dartboards), _texts(found.statuses), people)

    def task(self, duid: str) -> Seen:
        """Return a task; raises :class:`Unknown`."""
        return self._seen(self._ask("task", "get_task", duid).item)

    def create(self, content: Mapping[str, Any]) -> Seen:
        """Create a task from the fields of the client's ``TaskCreate``."""
        models = _generated(".models")
        body = models.WrappedTaskCreate(item=models.TaskCreate(**content))
        return self._seen(self._ask("task", "create_task", body=body).item)

    def update(self, duid: str, content: Mapping[str, Any]) -> Seen:
        """Change the given fields of a task; raises :class:`Unknown`."""
        models = _generated(".models")
        body = models.WrappedTaskUpdate(item=models.TaskUpdate(id=duid, **content))
        return self._seen(self._ask("task", "update_task", duid, body=body).item)

    def comment(self, duid: str, text: str) -> str:
        """Add a comment to a task and return its id."""
        models = _generated(".models")
        body = models.WrappedCommentCreate(item=models.CommentCreate(task_id=duid, text=text))
        found = self._ask("comment", "add_task_comment", body=body).item
        with _whole():
            return _text(found.id)

    def find_task(self, marker: str, *, title: str, board: str, since: datetime, known: frozenset[str]) -> Seen | None:
        """Return the task whose description holds a marker, None where none does.

        Args:
            title: tasks of this title are looked into first.
            board: title of the dartboard that is searched, empty for all.
            since: those created earlier are left out.
            known: ids that belong to something else.
        """
        where: dict[str, Any] = {"dartboard": board} if board else {}
        listed = []
        for item in self._pages("task", "list_tasks", created_at_after=since, no_defaults=True, **where):
            with _whole():
                listed.append((_text(item.title) != title, _text(item.id)))
        for _, duid in sorted(listed):
            if duid in known:
                continue
            try:
                found = self.task(duid)
            except Unknown:
                continue
            if marker in found.description:
                return found
        return None

    def find_comment(self, duid: str, marker: str) -> str:
        """Return the id of the comment of a task that holds a marker, empty where none does."""
        for item in self._pages("comment", "list_comments", task_id=duid):
            with _whole():
                if marker in _text(item.text):
                    return _text(item.id)
        return ""

    def _pages(self, group: str, name: str, **wanted: Any) -> Iterator[Any]:
        for number in range(MOST_PAGES):
            page = self._ask(group, name, limit=PAGE, offset=number * PAGE, **wanted)
            with _whole():
                results = _list(page.results)
            yield from results
            if len(results) < PAGE:
                return

    def _ask(self, group: str, name: str, *words: str, **options: Any) -> Any:
        """Send one request and return the parsed answer; everything else becomes one of the errors above."""
        call = _generated(f".api.{group}.{name}").sync_detailed
        sends, httpx = options.get("body") is not None, _library("httpx")
        try:
            answer = call(*words, client=self._client, **options)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            raise Unreachable(_reason(error), is_sent=False) from None
        except httpx.HTTPError as error:
            raise Unreachable(_reason(error), is_sent=sends) from None
        except (ValueError, KeyError, TypeError, AttributeError) as error:  # what the client's parsing lets through
            raise Unreachable(f"half an answer ({type(error).__name__})", is_sent=sends) from None
        return self._judged(answer, sends)

    def _judged(self, answer: Any, sends: bool) -> Any:
        status = int(answer.status_code)
        if status == 200 and answer.parsed is not None:
            return answer.parsed
        if status in (401, 403):
            raise TokenRefused(status)
        if status == 429:
            raise Limited(_pause(answer.headers.get("Retry-After", "")))
        if status == 404:
            raise Unknown(status, "it knows no such id")
        if 400 <= status < 500 and status not in TRANSIENT:
            raise Rejected(status, _said(answer.content))
        raise Unreachable(f"status {status}", is_sent=sends and status >= 500, status=status)

    def _seen(self, item: Any) -> Seen:
        with _whole():
            duid = _text(item.id)
            if not DUID.fullmatch(duid):
                raise TypeError("id")
            several = isinstance(item.assignees, list)
            if several or isinstance(item.assignee, str | None):
                self.several = several
            people = _texts(item.assignees) if several else tuple(filter(None, [_optional(item.assignee)]))
            return Seen(
                duid=duid, url=self._url(duid, _text(item.html_url)), title=_text(item.title),
                status=_text(item.status), description=_text(item.description), dartboard=_text(item.dartboard),
                tags=_texts(item.tags) if item.tags else (), assignees=people, several=self.several,
                start_at=_optional(item.start_at)[:10], due_at=_optional(item.due_at)[:10],
                completed_at=_moment(item.completed_at),
            )  # fmt: skip

    def _url(self, duid: str, told: str) -> str:
        """Return the address that DART told if it is DART's, else the one that is made from the id."""
        try:
            parts = urlsplit(told)
        except ValueError:
            return self.place.link(duid)
        ours = f"{parts.scheme}://{parts.netloc}" == self.place.origin and len(told) <= 500
        return told if ours and not re.search(r"\s", told) else self.place.link(duid)


@contextmanager
def _whole() -> Iterator[None]:
    """Turn a value of the wrong type in an answer into the error that says so. What was sent may have been done."""
    try:
        yield
    except (TypeError, AttributeError, ValueError) as error:
        raise Unreachable(f"an answer of another shape ({type(error).__name__})", is_sent=True) from None


def _text(value: Any) -> str:
    if type(value) is not str:
        raise TypeError
    return value


def _optional(value: Any) -> str:
    """Return a text; empty where the answer has null or nothing."""
    return "" if value is None or type(value).__name__ == "Unset" else _text(value)


def _moment(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else _optional(value)


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError
    return value


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_text(value) for value in _list(values))


def _reason(error: Exception) -> str:
    said = secret.redacted(" ".join(str(error).split()))[:200]
    return f"{type(error).__name__}{f': {said}' if said else ''}"


def _said(content: bytes) -> str:
    return secret.redacted(" ".join(content.decode("utf-8", "replace").split()))[:300]


def _pause(retry_after: str) -> int:
    """Return the seconds that Retry-After asks for (a number or a date), at least 1; a minute without one."""
    if retry_after.strip().isdigit():
        return min(max(int(retry_after.strip()[:9]), 1), LONGEST_PAUSE)
    try:
        until = parsedate_to_datetime(retry_after)
    except ValueError:
        return 60
    wait = (until - timezone.now()).total_seconds() if until.tzinfo else 60
    return min(max(int(wait), 1), LONGEST_PAUSE)


def mails(people: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Return how DART calls each of its people, by their email and by their name, in lower case."""
    named = {name.lower(): email or name for name, email in people if name}
    return named | {email.lower(): email for _, email in people if email}
