"""Attacks through the browser: forged forms, foreign sites, injected text, stolen sessions, rank in the admin."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from approvals.models import AccountChange, Signature
from tests.cast import PASSWORD
from tests.world import World
from tracking.services import impact_create
from v7migration.ledger.models import Changeset, Event, Incident, Rehearsal, Run, Script, Snapshot

PAYLOAD = "</textarea></script><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7|add:7 }}\"'><svg onload=a()>"
EXECUTABLE = re.compile(r"<script>alert|onerror=alert\(1\)>|<svg onload|<img src=x", re.I)
EVENT_ATTRIBUTE = re.compile(r"^on[a-z]+$")


class Looker(HTMLParser):
    """Collects what could run: scripts, handlers, javascript addresses."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.scripts: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in ("script", "iframe", "object", "embed", "base"):
            self.scripts.append(tag)
        for name, value in attrs:
            if (
                EVENT_ATTRIBUTE.match(name)
                or name.startswith(("x-", "hx-", "@"))
                or "javascript:" in (value or "").lower()
            ):
                self.handlers.append(f"{tag} {name}")


@pytest.fixture(autouse=True)
def _fresh_cache() -> Iterator[None]:
    cache.clear()
    yield


def sign_url(world: World, seat: str = "script-review") -> str:
    return f"/changesets/{world.changeset().digest}/sign/{seat}/"


def form(world: World, **changes: str) -> dict[str, str]:
    return {
        "decision": "approved",
        "password": PASSWORD,
        "reason": "",
        "shown_digest": world.changeset().digest,
    } | changes


# -- forged requests -------------------------------------------------------------------------------------------


def test_who_signs_as_what_when_and_what_is_never_read_from_the_form(frozen: World) -> None:
    forged = {
        "person": "ada", "person_id": "1", "persona": "The Architect", "seat": "execution", "signed_at": "2000-01-01",
        "digest": "0" * 64, "statement": "x", "round": "9", "username": "ada", "address": "203.0.113.9", "nonce": "x",
    }  # fmt: skip
    answer = frozen.client("lena").post(
        sign_url(frozen), form(frozen, **forged), headers={"X-Forwarded-For": "203.0.113.9"}
    )
    assert answer.status_code == 302
    signature = Signature.objects.get()
    assert (signature.person.username, signature.persona, signature.seat) == ("lena", "DB Team Lead", "script-review")
    assert signature.digest == frozen.changeset().digest
    assert (signature.round, signature.address) == (0, "127.0.0.1")
    assert signature.signed_at.year > 2000


@pytest.mark.parametrize(
    ("name", "seat", "changes", "status"),
    [
        ("ada", "script-review", {}, 403),
        ("root", "script-review", {}, 403),
        ("lena", "execution", {}, 403),
        ("ada", "execution", {}, 403),
        ("lena", "script-review", {"password": "wrong"}, 403),
        ("lena", "script-review", {"password": ""}, 400),
        ("lena", "script-review", {"decision": "granted"}, 400),
        ("lena", "script-review", {"decision": "rejected"}, 400),
        ("lena", "script-review", {"shown_digest": "0" * 64}, 409),
        ("lena", "no-such-seat", {}, 404),
        ("lena", "rollback", {}, 404),
    ],
)
def test_a_forged_signature_form_is_refused_and_leaves_no_signature(
    frozen: World, name: str, seat: str, changes: dict[str, str], status: int
) -> None:
    answer = frozen.client(name).post(sign_url(frozen, seat), form(frozen, **changes))
    assert answer.status_code == status
    assert not Signature.objects.exists()


def test_a_post_without_a_token_is_refused_everywhere_and_a_get_signs_nothing(frozen: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(frozen.user("lena"), backend="django.contrib.auth.backends.ModelBackend")
    for path in (
        sign_url(frozen),
        sign_url(frozen) + "revoke/",
        "/impacts/new/",
        "/login/",
        "/logout/",
        "/admin/logout/",
    ):
        assert client.post(path, form(frozen)).status_code == 403, path
    assert client.get(sign_url(frozen), form(frozen)).status_code == 200
    assert client.get(sign_url(frozen) + "revoke/").status_code in (302, 405)
    assert client.get("/logout/").status_code == 405
    assert not Signature.objects.exists()


def _patterns(patterns: list[URLPattern | URLResolver], prefix: str = "") -> Iterator[tuple[str, URLPattern]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _patterns(pattern.url_patterns, prefix + str(pattern.pattern))
        else:
            yield prefix + str(pattern.pattern), pattern


def test_no_page_is_open_to_a_stranger_and_no_get_changes_a_row(frozen: World) -> None:
    some = {"digest": frozen.changeset().digest, "seat": "script-review", "pk": "1", "number": "4", "name": "complete"}
    task = "0c6f8b9a-31a8-4a43-9d3f-0123456789ab"
    lena, stranger, events = frozen.client("lena"), Client(), Event.objects.count()
    for route, _ in _patterns(get_resolver().url_patterns):
        if route.startswith("admin/") or "(?P" in route or "^" in route:
            continue
        path = "/" + re.sub(r"<(\w+):(\w+)>", lambda m: task if m[1] == "uuid" else some.get(m[2], "phase"), route)
        answer = stranger.get(path)
        if path.startswith("/api/v1/") and path != "/api/v1/docs":
            assert answer.status_code in (401, 404, 405), path
            continue
        assert answer.status_code in (302, 404, 405) or path == "/login/", path
        if answer.status_code == 302:
            assert answer["Location"].startswith("/login/"), path
        assert lena.get(path).status_code in (200, 302, 404, 405), path
    assert Event.objects.count() == events
    for path in ("/admin/", "/admin/approvals/signature/", "/admin/auth/user/"):
        assert stranger.get(path)["Location"].startswith(("/admin/login/", "/login/"))


@pytest.mark.parametrize(
    "address", ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)"]
)
@pytest.mark.parametrize("page", ["/login/", "/admin/login/"])
def test_signing_in_leads_to_no_other_site(migrated: World, page: str, address: str) -> None:
    client = Client()
    answer = client.post(f"{page}?next={address}", {"username": "ada", "password": PASSWORD, "next": address})
    assert answer.status_code in (200, 302)
    assert "evil" not in answer.get("Location", "") and "javascript" not in answer.get("Location", "")
    again = client.get(page, {"next": address})
    assert "evil" not in again.get("Location", "") and "javascript" not in again.get("Location", "")


def test_a_foreign_host_and_a_walk_out_of_the_static_files_find_nothing(migrated: World) -> None:
    client = migrated.client("ada")
    assert client.get("/", headers={"Host": "evil.example"}).status_code == 400
    for path in ("../settings.py", "..%2fsettings.py", "%2e%2e/%2e%2e/etc/passwd", "v7/../../manage.py", "/etc/passwd"):
        answer = client.get(f"/static/{path}")
        assert answer.status_code in (301, 404), path
        assert b"SECRET" not in answer.content and b"root:" not in answer.content


# -- injected text ---------------------------------------------------------------------------------------------


def test_text_that_people_type_is_shown_and_never_run(frozen: World) -> None:
    impact = impact_create(
        actor=frozen.actor("dana"), change_type="enum", impact_description=PAYLOAD, mitigation_strategy=PAYLOAD,
        change_detail={PAYLOAD: PAYLOAD},
    )  # fmt: skip
    User.objects.filter(username="lena").update(first_name=PAYLOAD[:100], last_name="x")
    frozen.rehearse()
    changeset = frozen.freeze()
    frozen.sign("script-review", "lena", "rejected", reason=PAYLOAD)
    client, root = frozen.client("ada"), frozen.client("root")
    page = f"/changesets/{changeset.digest}/"
    paths = [
        "/", "/impacts/", f"/impacts/{impact.pk}/", f"/impacts/{impact.pk}/edit/", "/changesets/",
        page, f"{page}sign/script-review/", f"/history/impact/{impact.pk}/",
        "/impacts/?search=" + PAYLOAD.replace("&", ""), "/tasks/?q=" + PAYLOAD, f"/nowhere/{PAYLOAD}",
    ]  # fmt: skip
    admin = [
        "/admin/", "/admin/tracking/globalimpact/", f"/admin/tracking/globalimpact/{impact.pk}/change/",
        "/admin/approvals/signature/", f"/admin/ledger/changeset/{changeset.digest}/change/", "/admin/auth/user/",
        "/admin/ledger/event/", "/admin/tracking/globalimpact/?q=" + PAYLOAD,
    ]  # fmt: skip
    shown = 0
    for browser, path in [*((client, p) for p in paths), *((root, p) for p in admin)]:
        answer = browser.get(path)
        assert answer.status_code in (200, 302, 404), path
        html = answer.content.decode()
        assert not EXECUTABLE.search(html), path
        shown += "&lt;script&gt;alert(1)" in html
    assert shown >= 6


def test_a_signing_page_runs_nothing_and_says_so_to_the_browser(frozen: World) -> None:
    client = frozen.client("lena")
    for answer in (
        client.get(sign_url(frozen)),
        client.post(sign_url(frozen), form(frozen, password="wrong")),
        client.post(sign_url(frozen) + "revoke/", {"reason": "x", "password": "y"}),
    ):
        looked = Looker(answer.content.decode())
        assert (looked.scripts, looked.handlers) == ([], [])
        policy = answer["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "script-src" not in policy and "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy and "base-uri 'none'" in policy and "form-action 'self'" in policy
        assert answer["X-Frame-Options"] == "DENY"
        assert "no-store" in answer["Cache-Control"]
        assert PASSWORD not in answer.content.decode()
    sign_in = Client().get("/login/")
    assert "script-src" not in sign_in["Content-Security-Policy"]
    looked = Looker(sign_in.content.decode())
    assert (looked.scripts, looked.handlers) == ([], [])


def test_every_page_refuses_frames_and_names_its_policy(frozen: World) -> None:
    client = frozen.client("root")
    for path in ("/", "/admin/", "/impacts/", "/nowhere/", f"/changesets/{frozen.changeset().digest}/"):
        answer = client.get(path)
        assert answer["X-Frame-Options"] == "DENY"
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Referrer-Policy"] == "same-origin"
        assert "frame-ancestors 'none'" in answer["Content-Security-Policy"]
        assert "object-src 'none'" in answer["Content-Security-Policy"]


def test_an_error_page_tells_a_stranger_nothing(frozen: World, monkeypatch: pytest.MonkeyPatch) -> None:
    from v7migration.views import changesets

    def broken(*_: object, **__: object) -> object:
        raise RuntimeError("the secret word is owl")

    monkeypatch.setattr(changesets, "standing", broken)
    client = frozen.client("ada")
    client.raise_request_exception = False
    answer = client.get(f"/changesets/{frozen.changeset().digest}/")
    assert answer.status_code == 500
    assert b"owl" not in answer.content and b"Traceback" not in answer.content


# -- sessions and passwords --------------------------------------------------------------------------------------


def test_a_session_is_short_its_cookie_closed_and_its_key_new_after_each_password(frozen: World) -> None:
    client = Client()
    client.get("/login/")
    client.post("/login/", {"username": "lena", "password": PASSWORD})
    cookie = client.cookies["sessionid"]
    assert cookie["httponly"] and cookie["samesite"] == "Lax" and not cookie["max-age"]
    first = cookie.value
    assert client.session.get_expiry_age() <= 15 * 60
    assert client.post(sign_url(frozen), form(frozen)).status_code == 302
    assert client.cookies["sessionid"].value != first
    stolen = Client()
    stolen.cookies["sessionid"] = first
    assert stolen.get("/").status_code == 302


def test_guessing_the_password_on_the_signing_form_locks_out_there_and_at_the_sign_in(frozen: World) -> None:
    client = frozen.client("lena")
    for _ in range(6):
        assert client.post(sign_url(frozen), form(frozen, password="guess")).status_code == 403
    assert client.post(sign_url(frozen), form(frozen)).status_code == 403
    assert Client().post("/login/", {"username": "lena", "password": PASSWORD}).status_code in (403, 429)
    assert not Signature.objects.exists()
    assert Event.objects.filter(kind="signature.refused").count() == 7
    incident = Incident.objects.get()
    assert "lena was locked" in incident.title and not incident.blocking
    assert frozen.client("ada").get(f"/incidents/{incident.pk}/").status_code == 200
    assert frozen.client("ada").get("/incidents/").status_code == 200


def test_staff_who_reset_a_password_or_give_a_persona_in_the_admin_gain_no_signature(frozen: World) -> None:
    root, lena = frozen.client("root"), frozen.user("lena")
    new = "a-brand-new-password-9"
    answer = root.post(
        f"/admin/auth/user/{lena.pk}/password/", {"password1": new, "password2": new, "usable_password": "true"}
    )
    assert answer.status_code == 302
    assert AccountChange.objects.filter(user=lena, kind="password", changed_by="root").exists()
    taken = Client()
    assert taken.post("/login/", {"username": "lena", "password": new}).status_code == 302
    answer = taken.post(sign_url(frozen), form(frozen, password=new))
    assert answer.status_code == 403 and b"was changed (password)" in answer.content
    assert not Signature.objects.exists()


# -- rank in the admin ---------------------------------------------------------------------------------------------


def test_a_superuser_changes_no_record_by_any_post_in_the_admin(signed: World) -> None:
    root = signed.client("root")
    for model in (Script, Snapshot, Rehearsal, Changeset, Event, Signature, Run, Incident, AccountChange):
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        row = model.objects.first()
        before = model.objects.count()
        bulk = {"action": "delete_selected", "_selected_action": str(row.pk) if row else "1", "post": "yes"}
        paths = [base, base + "add/"]
        if row is not None:
            paths += [f"{base}{row.pk}/{verb}/" for verb in ("change", "delete", "history")]
        for path in paths:
            assert root.post(path, bulk).status_code in (403, 404, 405), path
        assert model.objects.count() == before
    assert root.get("/admin/sessions/").status_code == 404
