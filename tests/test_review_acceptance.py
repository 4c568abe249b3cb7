"""Reviews are kept, findings accepted by name for exactly these bytes, and the freeze waits for that."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.cast import PASSWORD
from tests.world import World
from v7migration.errors import AppendOnlyRefused, AuthenticationFailed, GateClosed, TransitionRefused, UsageError
from v7migration.ledger.models import Acceptance, Event, Modification, Review
from v7migration.ledger.services import store_script
from v7migration.pipeline import acceptance, gatekeeper, inventory, review, sign


def own() -> bytes:
    """Return the product's own script with the planning rows of now."""
    return gatekeeper.rendered_script(gatekeeper.source_bytes())


def recorded(world: World) -> Review:
    """Review the product's own script as the DB Team Lead."""
    return review.record(own(), person=world.user("lena"))


def keys(found: Review) -> list[str]:
    """Return the keys of what waits to be accepted."""
    return [acceptance.key_of(f) for f in acceptance.waiting(found.script_id, found.document["findings"])]


@pytest.fixture
def ready(world: World) -> World:
    """Everything that a freeze needs but the acceptances."""
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    world.rehearse()
    return world


def test_the_freeze_stays_closed_until_each_finding_is_accepted_by_name(ready: World) -> None:
    lena = ready.user("lena")
    with pytest.raises(GateClosed, match="V7S216 in line") as closed:
        sign.freeze(person=lena)
    assert len(closed.value.reasons) == 6 and "v7_review --as" in closed.value.next_step
    found = recorded(ready)
    first, *others = keys(found)
    acceptance.accept(review=found, person=lena, keys=[first], reason="It only refuses.")
    with pytest.raises(GateClosed) as closed:
        sign.freeze(person=lena)
    assert len(closed.value.reasons) == 5 and f"/reviews/{found.pk}/" in closed.value.next_step
    acceptance.accept(review=found, person=lena, keys=others, reason="It only refuses jumps.")
    acceptance.require_modification(review=found, person=lena, text="Line 1: name the ticket.")
    manifest = gatekeeper.manifest(sign.freeze(person=lena))
    assert [(row["id"], row["by"]) for row in manifest["acceptances"]] == [("V7S216", "lena")] * 6
    assert {row["reason"] for row in manifest["acceptances"]} == {"It only refuses.", "It only refuses jumps."}
    assert [row["text"] for row in manifest["modifications"]] == ["Line 1: name the ticket."]


def test_the_gate_and_the_status_say_what_waits(ready: World) -> None:
    found, out = recorded(ready), StringIO()
    call_command("v7_status", json=True, stdout=out)
    assert f"/reviews/{found.pk}/" in json.loads(out.getvalue())["next_action"]["sentence"]
    with pytest.raises(GateClosed, match="V7S216 in line"):
        call_command("v7_gate", json=True, stdout=StringIO())


def test_a_changed_byte_voids_acceptances_and_a_person_may_carry_them_over(
    ready: World, settings: Settings, tmp_path: Path
) -> None:
    ready.accept_findings("It only refuses.")
    script = tmp_path / "changed.sql"
    script.write_bytes(b"-- another first line\n" + settings.V7_SCRIPT.read_bytes())
    settings.V7_SCRIPT = script
    ready.rehearse()
    with pytest.raises(GateClosed, match="is not accepted"):
        sign.freeze(person=ready.user("lena"))
    found = recorded(ready)
    assert len(acceptance.carried(found)) == 6
    with pytest.raises(TransitionRefused):
        acceptance.carry_over(review=found, person=ready.user("sam"))
    answer = ready.client("lena").post(f"/reviews/{found.pk}/", {"action": "carry"}, follow=True)
    assert "6 acceptances were carried over" in answer.content.decode()
    assert keys(found) == []
    assert all("carried over from" in row.reason for row in Acceptance.objects.filter(script=found.script))
    sign.freeze(person=ready.user("lena"))


def test_a_changed_statement_is_not_carried_over(ready: World, settings: Settings, tmp_path: Path) -> None:
    ready.accept_findings()
    text = settings.V7_SCRIPT.read_text()
    changed = text.replace(
        "CREATE TRIGGER gate_2_jump BEFORE UPDATE OF v7_workflow_status ON public.file_audit",
        "CREATE TRIGGER gate_2_jump BEFORE UPDATE OF v7_workflow_status, v7_impact_score ON public.file_audit",
    )
    assert changed != text
    settings.V7_SCRIPT = tmp_path / "changed.sql"
    settings.V7_SCRIPT.write_text(changed)
    found = recorded(ready)
    assert len(keys(found)) == 6
    assert len(acceptance.carried(found)) == 5


def test_only_a_db_team_lead_accepts_with_a_reason_and_by_name(world: World) -> None:
    found = recorded(world)
    for name in ("ada", "sam", "dana", "root"):
        with pytest.raises(TransitionRefused):
            acceptance.accept(review=found, person=world.user(name), keys=keys(found), reason="x")
    for chosen, reason in ((keys(found), "  "), ([], "x"), (["0" * 64], "x")):
        with pytest.raises(UsageError):
            acceptance.accept(review=found, person=world.user("lena"), keys=chosen, reason=reason)
    with pytest.raises(TransitionRefused):
        review.record(own(), person=world.user("sam"))
    assert not Acceptance.objects.exists()


def test_who_accepts_first_keeps_it_and_nothing_of_it_can_be_changed(world: World) -> None:
    found = recorded(world)
    chosen = keys(found)
    for reason in ("first", "second"):
        acceptance.accept(review=found, person=world.user("lena"), keys=chosen, reason=reason)
    rows = list(Acceptance.objects.all())
    assert {row.reason for row in rows} == {"first"} and len(rows) == 6
    assert Event.objects.filter(kind="finding.accepted").count() == 6
    for row in (found, rows[0], acceptance.require_modification(review=found, person=world.user("lena"), text="x")):
        with pytest.raises(AppendOnlyRefused):
            row.delete()
        with pytest.raises(AppendOnlyRefused):
            row.__class__._base_manager.all().update(by="sam")


def test_the_command_keeps_a_review_of_a_db_team_lead(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V7_PASSWORD", PASSWORD)
    out = StringIO()
    call_command("v7_review", as_username="lena", json=True, stdout=out)
    document = json.loads(out.getvalue())
    kept = Review.objects.get(pk=document["review"])
    assert (kept.by, kept.verdict, kept.document["findings"]) == ("lena", "accept", document["findings"])
    assert {"id", "severity", "section", "line", "message", "hint", "accepted_by"} <= document["findings"][0].keys()
    with pytest.raises(AuthenticationFailed):
        call_command("v7_review", as_username="sam", json=True, stdout=StringIO())
    call_command("v7_review", json=True, stdout=StringIO())
    assert Review.objects.count() == 1


def test_the_page_shows_each_finding_at_its_line_and_takes_acceptances(world: World) -> None:
    found = recorded(world)
    url = f"/reviews/{found.pk}/"
    reader, lena = world.client("sam"), world.client("lena")
    page = reader.get(url).content.decode()
    line = next(f["line"] for f in found.document["findings"] if f["severity"] == "accept")
    after = page.split(f'id="L{line}"')[1].split('<li id="L')[0]
    assert "V7S216" in after and "to be accepted" in after
    assert 'name="finding"' not in page
    assert reader.post(url, {"finding": keys(found), "reason": "x"}).status_code == 403
    assert lena.post(url, {"action": "accept", "finding": keys(found)}).status_code == 400
    answer = lena.post(url, {"action": "accept", "finding": keys(found), "reason": "<b>read</b>"}, follow=True)
    assert "accepted by lena" in answer.content.decode() and "&lt;b&gt;read" in answer.content.decode()
    lena.post(url, {"action": "modify", "text": "Line 3 must go."})
    assert Modification.objects.get().text == "Line 3 must go."
    assert "Line 3 must go." in reader.get(url).content.decode()
    assert str(found.pk) in reader.get("/reviews/").content.decode()


def test_acceptances_stand_on_the_changesets_page_and_where_it_is_signed(frozen: World) -> None:
    digest = frozen.changeset().digest
    for url in (f"/changesets/{digest}/", f"/changesets/{digest}/sign/script-review/"):
        page = frozen.client("lena").get(url).content.decode()
        assert "Findings accepted by name" in page and "It was read and may stand." in page


@pytest.mark.parametrize(
    "content",
    [lambda: b"", lambda: b"\0" * 10, lambda: b"\xff\xfe", lambda: b"SELECT '", lambda: b"SELECT 1;\n" * 5_000,
     lambda: b"x" * (10 * 1024 * 1024)],
    ids=["empty", "NUL", "no text", "open quote", "5,000 lines", "10 MiB"],
)  # fmt: skip
def test_the_page_shows_any_bytes(content: Callable[[], bytes], rolled_back: World) -> None:
    found = review.record(content(), person=rolled_back.user("lena"))
    started = time.monotonic()
    answer = rolled_back.client("sam").get(f"/reviews/{found.pk}/")
    assert answer.status_code == 200
    assert time.monotonic() - started < 30


def test_the_evidence_names_the_bytes(rolled_back: World) -> None:
    found = review.record(b"SELECT 1;", person=rolled_back.user("lena"))
    assert bytes(found.script.content) == b"SELECT 1;"
    assert store_script(b"SELECT 1;").pk == found.script_id
