"""Who may call the API: tokens and sessions, what they never do, and how every error is said."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from django.db import OperationalError, connections
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse

from approvals import tokens
from approvals.models import PersonalToken, Signature
from approvals.services import withdraw
from tests.api import JSON, ROOT, Caller, bearing, caller, secret_of, session
from tests.cast import PASSWORD
from tests.tracked import an_impact
from tests.world import World
from tracking.models import GlobalImpact
from v7migration.api import problems
from v7migration.api.v1 import api
from v7migration.ledger.models import Event

IMPACT = {"change_type": "enum", "impact_description": "Two status types become one."}
LOGINS = ("/login/", "/admin/login/")
OPEN_TO_ALL = (*LOGINS, "/logout/", "/admin/logout/", "/admin/jsi18n/")
EVERYTHING_IN_PLACE = frozenset({"summary", "description", "operationId", "tags", "security"})


def refuses(world: World, statement: str) -> bool:
    """Say whether the server refuses a statement of the web role in the control plane."""
    with world.web("default") as web:
        try:
            web.execute(statement)
        except (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation):
            return True
    return False


# -- tokens ----------------------------------------------------------------------------------------------------------


def test_a_token_is_shown_once_and_only_its_digest_is_kept(rolled_back: World) -> None:
    browser = rolled_back.client("dana")
    page = browser.post(reverse("tokens"), {"name": "nightly", "days": 7, "password": PASSWORD})
    found = re.search(r"v7t_[\w-]{43}", page.content.decode())
    assert (page.status_code, found is not None) == (201, True)
    secret = found.group() if found else ""
    token = PersonalToken.objects.get()
    assert (token.sha256, token.expires_at - token.created_at) == (tokens.digest_of(secret), timedelta(days=7))
    assert secret not in browser.get(reverse("tokens")).content.decode()
    assert bearing(secret).get("me")["username"] == "dana"
    token.refresh_from_db()
    assert token.last_used_at is not None
    assert secret not in json.dumps(list(Event.objects.values("kind", "payload")), default=str)
    assert Event.objects.filter(kind="token.created", actor="dana").exists()


def test_the_page_of_tokens_asks_for_the_password_and_loads_no_script(rolled_back: World) -> None:
    browser = rolled_back.client("dana")
    page = browser.get(reverse("tokens"))
    assert "<script" not in page.content.decode()
    assert "default-src 'none'" in page["Content-Security-Policy"]
    for sent, status in (
        ({"name": "x", "days": 7, "password": "wrong"}, 403),
        ({"name": "", "days": 7, "password": PASSWORD}, 400),
        ({"name": "x", "days": 91, "password": PASSWORD}, 400),
        ({"name": "x", "days": 0, "password": PASSWORD}, 400),
    ):
        answer = browser.post(reverse("tokens"), sent)
        assert (answer.status_code, PASSWORD in answer.content.decode()) == (status, False), sent
    assert not PersonalToken.objects.exists()


def test_a_token_ends_by_time_by_revocation_with_the_password_and_with_the_account(migrated: World) -> None:
    expired, revoked, outlived, left = (secret_of(migrated, name) for name in ("dana", "dana", "lena", "sam"))
    with migrated.control_owner() as owner:
        owner.execute("ALTER TABLE approvals_personaltoken DISABLE TRIGGER USER")
        owner.execute(
            "UPDATE approvals_personaltoken SET created_at = now() - interval '9 days', "
            "expires_at = now() - interval '1 second' WHERE sha256 = %s", [tokens.digest_of(expired)]
        )  # fmt: skip
        owner.execute("ALTER TABLE approvals_personaltoken ENABLE ALWAYS TRIGGER approvals_token_stands")
    assert bearing(revoked).get("me")["username"] == "dana"
    of_dana = PersonalToken.objects.get(sha256=tokens.digest_of(revoked))
    migrated.client("sam").post(reverse("token-revoke", args=[of_dana.pk]))
    assert bearing(revoked).get("me")["username"] == "dana", "another person's token is not hers to revoke"
    migrated.client("dana").post(reverse("token-revoke", args=[of_dana.pk]))
    lena, sam = migrated.user("lena"), migrated.user("sam")
    lena.set_password("Another-Horse-42")
    lena.save()
    sam.is_active = False
    sam.save()
    for secret in (expired, revoked, outlived, left, "v7t_unknown", "", "ü"):
        answer = bearing(secret).get("me", expect=401)
        assert "token" in answer["detail"]
    sam.is_active = True
    sam.save()
    bearing(left).get("me", expect=401)


def test_a_token_carries_the_personas_that_its_person_holds_now(migrated: World) -> None:
    program, impact = caller(migrated, "dana"), an_impact()
    assert program.get("me")["personas"] == ["Data Sentinel"]
    withdraw(persona="Data Sentinel", user=migrated.user("dana"), by=None)
    assert program.get("me")["personas"] == []
    program.post(f"impacts/{impact.pk}/review", {}, expect=403)


def test_the_web_role_neither_prolongs_nor_revives_nor_removes_a_token(migrated: World) -> None:
    secret = secret_of(migrated, "dana")
    tokens.token_revoke(person=migrated.user("dana"), token_id=PersonalToken.objects.get().pk)
    for statement in (
        "UPDATE approvals_personaltoken SET expires_at = expires_at + interval '1 day'",
        "UPDATE approvals_personaltoken SET user_id = user_id",
        "UPDATE approvals_personaltoken SET revoked_at = NULL",
        "UPDATE approvals_personaltoken SET revoked_at = now() + interval '1 day'",
        "DELETE FROM approvals_personaltoken",
        "TRUNCATE approvals_personaltoken",
    ):
        assert refuses(migrated, statement), statement
    assert not refuses(migrated, "UPDATE approvals_personaltoken SET last_used_at = now()")
    bearing(secret).get("me", expect=401)


def test_a_token_never_signs_and_opens_no_page(frozen: World) -> None:
    secret, digest = secret_of(frozen, "lena"), frozen.changeset().digest
    program = Client(headers={"Authorization": f"Bearer {secret}"})
    form = {"decision": "approved", "password": PASSWORD, "reason": "", "shown_digest": digest}
    for name in ("changeset-sign", "changeset-revoke"):
        answer = program.post(reverse(name, args=[digest, "script-review"]), form)
        assert (answer.status_code, answer["Location"].startswith("/login/")) == (302, True)
    for page in ("/", "/admin/", reverse("tokens"), reverse("api-docs"), "/impacts/new/"):
        assert program.get(page)["Location"].startswith(("/login/", "/admin/login/")), page
    assert program.post(reverse("tokens"), {"name": "x", "days": 1, "password": PASSWORD}).status_code == 302
    assert not Signature.objects.exists()
    assert PersonalToken.objects.count() == 1
    operations = [path for path in api.get_openapi_schema()["paths"] if "sign" in path or "revoke" in path]
    assert operations == []


def addresses(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield an address of every page that is not the API's."""
    for entry in resolver.url_patterns:
        route = prefix + str(entry.pattern).removeprefix("^").removesuffix("$")
        if isinstance(entry, URLResolver):
            yield from addresses(entry, route) if entry.namespace != "api-v1" else ()
        else:
            route = re.sub(r"<uuid:[^>]+>|\(\?P<form>[^)]*\)", str(UUID(int=7)), route)
            yield "/" + re.sub(r"<int:[^>]+>", "4", re.sub(r"<[^>]+>", "execution", route)).replace("\\", "")


def test_with_a_token_alone_every_page_is_closed(rolled_back: World) -> None:
    """Whoever adds a page that signs, or any other, cannot forget it: all addresses are asked."""
    program = Client(headers={"Authorization": f"Bearer {secret_of(rolled_back, 'ada')}"})
    found = sorted(set(addresses(get_resolver())))
    assert len(found) > 100
    assert sum("/sign/" in address for address in found) >= 4
    for address in found:
        for method in ("GET", "POST"):
            answer = program.generic(method, address, f"password={PASSWORD}&decision=approved&seat=execution")
            where = answer.get("Location", "")
            open_to_all = address in OPEN_TO_ALL and "ada" not in answer.content.decode()
            is_closed = answer.status_code in (302, 301) and (where.startswith(LOGINS) or where == address + "/")
            assert is_closed or open_to_all or answer.status_code in (403, 404, 405), (method, address, answer)
            assert "sessionid" not in answer.cookies or not answer.cookies["sessionid"].value
    assert not Signature.objects.exists()


def test_neither_a_token_nor_a_session_approves_a_phase(rolled_back: World) -> None:
    for name, move in (("lena", "start"), ("lena", "submit_for_review")):
        session(rolled_back, name).post(f"phases/4/{move}", {})
    for program in (caller(rolled_back, "ada"), session(rolled_back, "ada")):
        refused = program.post("phases/4/approve", {}, expect=403)
        assert "approved by a signature" in refused["detail"]
    assert session(rolled_back, "ada").get("phases/4")["status"] == "review"


# -- sessions --------------------------------------------------------------------------------------------------------


def test_a_session_writes_only_with_its_csrf_token(rolled_back: World) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(rolled_back.user("dana"), backend="django.contrib.auth.backends.ModelBackend")
    answer = browser.post(f"{ROOT}impacts", IMPACT, content_type=JSON)
    assert (answer.status_code, "X-CSRFToken" in answer.json()["next_step"]) == (403, True)
    assert not GlobalImpact.objects.exists()
    page = browser.get(reverse("api-docs")).content.decode()
    value = re.search(r'data-csrf-token="(\w+)"', page)
    assert value is not None
    sent = browser.post(f"{ROOT}impacts", IMPACT, content_type=JSON, headers={"X-CSRFToken": value.group(1)})
    assert sent.status_code == 201


def test_a_wrong_token_is_refused_although_a_session_would_do(rolled_back: World) -> None:
    browser = rolled_back.client("dana")
    for header in ("Bearer v7t_wrong", "Basic ZGFuYTp4", "Bearer", "nonsense"):
        assert browser.get(f"{ROOT}me", headers={"Authorization": header}).status_code == 401, header


def test_a_stranger_is_told_how_to_come_in(rolled_back: World) -> None:
    for method, address in (("GET", "impacts"), ("POST", "impacts"), ("GET", "openapi.json"), ("DELETE", "phases/1")):
        answer = Caller(Client()).send(method, address, None)
        assert (answer.status_code, answer["WWW-Authenticate"]) == (401, 'Bearer realm="V7 Migration"')
        assert "/account/tokens/" in answer.json()["next_step"]


def test_events_need_the_right_to_view_them(rolled_back: World) -> None:
    rolled_back.user("otto").groups.clear()
    caller(rolled_back, "otto").get("events", expect=403)
    assert caller(rolled_back, "dana").get("events?kind=token.created")["count"] == 2


# -- errors ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        ("{", JSON, 400),
        ("", JSON, 422),
        ("[]", JSON, 422),
        ("NaN", JSON, 400),
        ('{"change_type": "enum", "impact_description": "x", "change_detail": {"a": Infinity}}', JSON, 400),
        ("[" * 100_000, JSON, 400),
        (b"\xff\xfe{", JSON, 400),
        ("change_type=enum", "application/x-www-form-urlencoded", 415),
        ('{"change_type": "enum"}', "text/plain", 415),
        ('{"impact_description": "x", "change_type": "none"}', JSON, 422),
        ('{"impact_description": "x\\u0000", "change_type": "enum"}', JSON, 422),
        ('{"impact_description": "x\\ud800", "change_type": "enum"}', JSON, 422),
        ('{"impact_description": "   ", "change_type": "enum"}', JSON, 422),
        ('{"impact_description": "x", "change_type": "enum", "change_detail": {"a": "\\u0000"}}', JSON, 422),
        ('{"impact_description": "x", "change_type": "enum", "change_detail": {"a": "\\ud800"}}', JSON, 422),
        ('{"impact_description": "x", "change_type": "enum", "change_detail": {"a": 1e999}}', JSON, 422),
        ('{"impact_description": "x", "change_type": "enum", "change_detail": []}', JSON, 422),
        ('{"change_type": "enum", "change_detail": ' + '{"a": ' * 101 + "1" + "}" * 102, JSON, 422),
        ('{"impact_description": "x", "change_type": "enum", "affected_layers": [99999999999]}', JSON, 422),
        ('{"impact_description": "x", "change_type": "enum", "affected_layers": [77]}', JSON, 422),
        ('{"impact_description": "x", "change_type": "enum", "reason": 5}', JSON, 422),
        ('{"impact_description": "%s", "change_type": "enum"}' % ("x" * 20_001), JSON, 422),
        ('{"impact_description": "%s", "change_type": "enum"}' % ("x" * 3_000_000), JSON, 413),
    ],
    ids=lambda value: str(value)[-60:],
)  # fmt: skip
def test_hostile_bodies_are_refused_as_problems(rolled_back: World, body: Any, kind: str, status: int) -> None:
    client = caller(rolled_back, "dana").client
    answer = client.generic("POST", f"{ROOT}impacts", body, content_type=kind)
    assert (answer.status_code, answer["Content-Type"]) == (status, problems.MEDIA_TYPE), answer.content
    assert answer.json()["next_step"]
    assert not GlobalImpact.objects.exists()


def test_hostile_addresses_are_refused_as_problems(rolled_back: World) -> None:
    dana = caller(rolled_back, "dana")
    for address, status in (
        ("impacts/not-a-uuid", 422),
        ("impacts/00000000-0000-0000-0000-000000000000", 404),
        ("impacts?q=%00", 422),
        ("impacts?workflow=%00", 422),
        ("impacts?layer=99999999999999999999", 422),
        ("impacts?updated_since=0000-00-00", 422),
        ("impacts?updated_since=2026-01-01T00:00:00", 422),
        ("files/99999999999", 422),
        ("files/0", 422),
        ("phases/8", 422),
        ("events?after=99999999999999999999", 422),
        ("gate?changeset=%25", 422),
        ("impacts?limit=1&limit=200", 400),
        ("events?after=1&after=", 400),
        ("impacts?" + "&".join(f"p{n}=" for n in range(1_001)), 400),
        ("nothing", 404),
        ("impacts/", 404),
        ("../v2/", 404),
    ):
        dana.get(address, expect=status)
    answer = dana.send("PUT", "impacts", {})
    assert (answer.status_code, set(answer["Allow"].split(", "))) == (405, {"GET", "POST"})


def test_a_condition_in_a_header_is_refused_before_somebody_relies_on_it(rolled_back: World) -> None:
    dana, impact = caller(rolled_back, "dana").client, an_impact()
    for name in ("If-Match", "If-Unmodified-Since", "If-None-Match"):
        for value in ("*", '"nonsense"', "\x7f"):
            answer = dana.delete(f"{ROOT}impacts/{impact.pk}", headers={name: value})
            assert (answer.status_code, "updated_at" in answer.json()["next_step"]) == (400, True)
            assert dana.get(f"{ROOT}impacts/{impact.pk}", headers={name: value}).status_code == 200


def test_a_database_that_does_not_answer_is_a_503_with_a_next_step(
    rolled_back: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    dana = caller(rolled_back, "dana")

    def silent(*_: object, **__: object) -> None:
        raise OperationalError("the server closed the connection")

    monkeypatch.setattr("tracking.api.impacts.page", silent)
    assert "v7_postgres" in dana.get("impacts", expect=503)["next_step"]
    monkeypatch.setattr("tracking.home.read", silent)
    client = dana.client
    client.raise_request_exception = False
    answer = client.get(f"{ROOT}impacts")
    assert (answer.status_code, answer["Content-Type"]) == (503, problems.MEDIA_TYPE)


def test_a_fault_of_ours_is_a_500_without_a_traceback(rolled_back: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr("tracking.api.impacts.page", broken)
    assert "secret" not in json.dumps(caller(rolled_back, "dana").get("impacts", expect=500))


def test_a_target_without_file_audit_is_said_so(migrated: World) -> None:
    assert "does not hold" in caller(migrated, "dana").get("files", expect=409)["detail"]
    assert caller(migrated, "dana").get("views/migration-dashboard")
    connections.close_all()


# -- the document and its page ---------------------------------------------------------------------------------------


def examples(document: dict[str, Any], schema: dict[str, Any]) -> Any:
    """Return the examples of a schema, or of the rows of a page or a list."""
    found = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]] if "$ref" in schema else schema
    inner: dict[str, Any] = found.get("items") or next(
        (field["items"] for field in found.get("properties", {}).values() if "$ref" in field.get("items", {})), {}
    )
    return found.get("examples") or (inner and examples(document, inner))


def test_every_operation_says_what_it_does_and_what_it_answers() -> None:
    document = api.get_openapi_schema()
    seen: list[str] = []
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            place = f"{method} {path}"
            assert set(operation) >= EVERYTHING_IN_PLACE, place
            seen.append(operation["operationId"])
            answers = operation["responses"]
            assert {400, 401, 409, 422, 503} <= set(answers), place
            for status, answer in answers.items():
                if int(status) >= 400:
                    assert list(answer["content"]) == [problems.MEDIA_TYPE], place
                    assert answer["content"][problems.MEDIA_TYPE]["example"]["next_step"], place
            if "requestBody" in operation:
                assert {413, 415} <= set(answers), place
                for media in operation["requestBody"]["content"].values():
                    assert media.get("example") or examples(document, media["schema"]), place
            good = [
                answer["content"][JSON]["schema"] for answer in answers.values() if JSON in answer.get("content", ())
            ]
            assert all(examples(document, schema) for schema in good), place
    assert len(seen) == len(set(seen))
    assert len(seen) == 56


def test_the_page_to_try_it_loads_only_files_of_this_server(rolled_back: World) -> None:
    page = rolled_back.client("otto").get(reverse("api-docs"))
    html, policy = page.content.decode(), page["Content-Security-Policy"]
    assert page.status_code == 200
    assert all(source.startswith("/static/") for source in re.findall(r'(?:src|href)="([^"]+)"', html))
    assert "'unsafe-eval'" not in policy
    assert "http" not in policy
    assert "<script>" not in html
    assert session(rolled_back, "otto").get("openapi.json")["openapi"] == "3.1.0"
