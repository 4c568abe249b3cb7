"""DART: what happened is queued once, delivered once whatever goes wrong, and nothing depends on it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from pytest_django import Settings

from approvals.services import sign
from tests.cast import PASSWORD
from tests.dart import BOARD, TOKEN, StandIn, standing_in
from tests.world import World
from tracking.models import SubworkflowTask
from v7migration.errors import V7Error
from v7migration.ledger.models import DartDelivery, Event
from v7migration.pipeline import sign_off, tasks
from v7migration.pipeline.criteria import criteria
from v7migration.pipeline.integrate.dart import content
from v7migration.pipeline.integrate.dart.client import Place
from v7migration.pipeline.integrate.dart.delivering import deliver
from v7migration.pipeline.integrate.dart.recording import record
from v7migration.pipeline.rollback import find_run
from v7migration.pipeline.runs import standing_run

PATIENCE = 3.0
State = DartDelivery.State


@pytest.fixture
def dart(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    """A stand-in that the settings name, with its token in the environment."""
    with standing_in() as held:
        settings.V7_DART_URL, settings.V7_DART_DARTBOARD = held.origin, BOARD
        monkeypatch.setenv("V7_DART_TOKEN", TOKEN)
        yield held


def passed(world: World, name: str = "") -> dict[str, Any]:
    """Make one pass, in the name of somebody or of nobody."""
    return deliver(actor=world.actor(name) if name else None, is_dry=False, patience=PATIENCE)


def now(**which: Any) -> None:
    """Make what waits due."""
    DartDelivery.objects.filter(state=State.QUEUED, **which).update(next_try_at="2020-01-01T00:00Z")


def test_a_frozen_changeset_is_submitted_to_the_architect(frozen: World, dart: StandIn) -> None:
    changeset = frozen.changeset()
    waiting = DartDelivery.objects.get(kind="review")
    assert (waiting.state, waiting.subject, waiting.queued_by) == (State.QUEUED, changeset.digest, "lena")
    passed(frozen)
    task = dart.one("Review changeset")
    assert (task["assignees"], task["dartboard"], task["status"]) == (["ada@example.org"], BOARD, "To-do")
    assert changeset.digest in task["description"]
    waiting.refresh_from_db()
    assert (waiting.state, waiting.dart_id) == (State.DELIVERED, task["id"])
    assert Event.objects.filter(kind="dart.delivered", subject=changeset.digest).exists()
    passed(frozen)
    assert len(dart.titled("Review changeset")) == 1
    assert dart.refused == []


def test_every_task_gets_its_twin_and_its_id(home: World, dart: StandIn) -> None:
    passed(home)
    rows = list(SubworkflowTask.objects.order_by("parent_phase", "task_number"))
    assert len(rows) > 8
    for task in rows:
        twin = dart.tasks[task.dart_task_id or ""]
        assert twin["title"] == f"{task.document_number} {task.task_name}"
        assert twin["status"] == content.status_title(task.status, dart.statuses)
        assert "v7-assessment" in twin["tags"]
        assert task.dart_task_url == twin["htmlUrl"]
    first = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=2)
    assert dart.tasks[first.dart_task_id or ""]["assignees"] == ["lena@example.org"]
    before = len(dart.asked)
    passed(home)
    assert dart.asked_for("POST", "/tasks") == len(dart.tasks)
    assert [method for method, _ in dart.asked[before:] if method != "GET"] == []
    assert dart.refused == []


def integration_verified(world: World) -> None:
    """Sign the seats after the execution up to Integration Verified."""
    run = find_run()
    facts = replace(sign_off.run_facts(run), prerequisites=())
    for seat, name in (("validation", "sam"), ("validation-countersign", "ada"), ("integration", "dev")):
        sign(
            subject=facts.subject, seat=seat, person=world.user(name), password=PASSWORD, decision="approved",
            reason="", address="", facts=facts, shown_digest=facts.digest,
        )  # fmt: skip


def test_the_kickoff_follows_integration_verified_and_meets_criterion_9(executed: World, dart: StandIn) -> None:
    passed(executed)
    assert dart.titled("kickoff") == []
    assert not criteria()[8].met
    integration_verified(executed)
    assert DartDelivery.objects.get(kind="kickoff").state == State.QUEUED
    assert not criteria()[8].met
    passed(executed)
    task = dart.one("Phase 5 kickoff")
    criterion = criteria()[8]
    assert (criterion.met, criterion.by, criterion.page) == (True, "dev", "/dart/")
    assert task["id"] in criterion.said


def test_without_dart_a_person_records_the_kickoff_by_hand(executed: World) -> None:
    integration_verified(executed)
    row = DartDelivery.objects.get(kind="kickoff")
    setup = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=8)
    assert not tasks.proofs(setup)[3].met
    record(delivery=row, actor=executed.actor("dev"), dart_id="abcDEF123456")
    connected = tasks.proofs(setup)[3]
    assert (connected.met, connected.by, "abcDEF123456" in connected.said) == (True, "dev", True)
    criterion = criteria()[8]
    assert (criterion.met, criterion.by) == (True, "dev")
    assert "by hand" in criterion.said
    with pytest.raises(V7Error, match="already"):
        record(delivery=row, actor=executed.actor("dev"), dart_id="abcDEF123457")


def test_the_page_takes_ids_by_hand_from_those_who_may(executed: World) -> None:
    integration_verified(executed)
    row = DartDelivery.objects.get(kind="kickoff")
    posted = {"delivery": row.pk, "dart_id": "abcDEF123456"}
    assert executed.client("otto").post("/dart/record/", posted).status_code == 403
    dev = executed.client("dev")
    for nonsense in ("", "short", "abcDEF12345!", "abcDEF123456\n7", "x" * 400, "<script>"):
        answer = dev.post("/dart/record/", posted | {"dart_id": nonsense})
        assert (answer.status_code, "This is no DART id" in answer.content.decode()) == (409, True)
    for number in ("", "-1", "x", "9" * 17, "٣"):
        assert dev.post("/dart/record/", posted | {"delivery": number}).status_code == 404
    address = "https://app.example/t/abcDEF123456-phase-5-kickoff"
    assert dev.post("/dart/record/", posted | {"dart_id": address}).status_code == 302
    row.refresh_from_db()
    assert (row.state, row.dart_id, row.recorded_by) == (State.DELIVERED, "abcDEF123456", "dev")
    page = executed.client("otto").get("/dart/").content.decode()
    assert ("by hand, dev" in page, "no token here" in page, 'name="dart_id"' in page) == (True, True, False)


def test_a_task_takes_an_id_by_hand_and_no_other_has_it(home: World) -> None:
    first, second = (SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=n) for n in (1, 2))
    ada = home.client("ada")
    assert ada.post(f"/tasks/{first.pk}/dart/", {"dart_id": "abcDEF123456"}).status_code == 302
    page = ada.get(f"/tasks/{first.pk}/").content.decode()
    assert f'href="{Place.configured().link("abcDEF123456")}"' in page
    answer = ada.post(f"/tasks/{second.pk}/dart/", {"dart_id": "abcDEF123456"})
    assert (answer.status_code, "has the DART id" in answer.content.decode()) == (409, True)
    assert home.client("otto").post(f"/tasks/{second.pk}/dart/", {"dart_id": "abcDEF123457"}).status_code == 403
    assert ada.post(f"/tasks/{first.pk}/dart/", {"dart_id": ""}).status_code == 302
    first.refresh_from_db()
    assert (first.dart_task_id, first.dart_task_url) == (None, None)


def test_without_a_token_no_task_waits(world: World) -> None:
    world.finish_task(1, "ada")
    assert not DartDelivery.objects.filter(kind="task").exists()
    with pytest.raises(V7Error, match="V7_DART_TOKEN is not set"):
        Place.configured() and passed(world)
    assert standing_run() is None
