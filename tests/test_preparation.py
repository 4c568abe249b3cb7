"""Tasks 2.1.1 to 2.1.3 complete from their evidence, in the name of whoever left the last piece of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.world import World
from tracking.models import SubworkflowTask
from tracking.services import task_block, task_complete, task_submit, task_unblock
from v7migration.errors import TransitionRefused
from v7migration.ledger.models import Baseline
from v7migration.pipeline import coverage, gatekeeper, inventory, review, tasks


def the_task(number: int) -> SubworkflowTask:
    """Return a pre-execution task as the database has it now."""
    return SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=number)


def lacking(number: int) -> list[str]:
    """Return the actions of a task that have no evidence."""
    return [proof.action for proof in tasks.proofs(the_task(number)) if not proof.met]


def test_the_inventory_of_the_architect_completes_the_documentation(world: World) -> None:
    assert len(lacking(1)) == 6
    inventory.take(actor=world.actor("ada"))
    task = the_task(1)
    assert (task.status, lacking(1)) == ("completed", [])
    assert task.started_at is not None and task.completed_at is not None
    assert [row.history_user_id for row in task.history.all()][:3] == ["ada"] * 3
    assert "The schema export matches production." in task.history.first().history_change_reason


@pytest.mark.parametrize("name", ["sam", None])
def test_an_inventory_of_somebody_else_completes_nothing(world: World, name: str | None) -> None:
    inventory.take(actor=world.actor(name) if name else None)
    assert the_task(1).status == "pending"
    assert len(lacking(1)) == 6
    assert f"It was taken by {name or 'nobody by name'}." in tasks.proofs(the_task(1))[0].said


def test_a_part_of_an_inventory_starts_the_documentation_and_the_last_part_completes_it(world: World) -> None:
    inventory.take(actor=world.actor("ada"), only="dependencies")
    assert the_task(1).status == "in_progress"
    for part in ("enums", "baseline"):
        inventory.take(actor=world.actor("ada"), only=part)
    assert lacking(1) == [
        "Export complete database schema snapshot",
        "Archive current state in version control",
        "Schema export matches production database",
    ]
    inventory.take(actor=world.actor("ada"), only="snapshot")
    assert the_task(1).status == "completed"


def test_a_measurement_after_a_run_is_no_baseline(executed: World) -> None:
    run = Baseline.objects.exclude(run=None).first()
    assert tasks.proofs(the_task(1))[3].met
    assert run is None or Baseline.objects.filter(run=None).exists()


def test_nobody_completes_a_proven_task_by_hand(world: World) -> None:
    inventory.take(actor=world.actor("ada"), only="dependencies")
    for service in (task_submit, task_complete):
        with pytest.raises(TransitionRefused, match="completes from its evidence"):
            service(task=the_task(1), actor=world.actor("ada"))
    page = world.client("ada").get(f"/tasks/{the_task(1).pk}/").content.decode()
    assert "/submit/" not in page and "/complete/" not in page
    answer = world.client("ada").post(f"/tasks/{the_task(1).pk}/submit/")
    assert answer.status_code == 403
    assert the_task(1).status == "in_progress"


def test_the_review_of_the_rehearsed_script_completes_the_review(world: World) -> None:
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    world.rehearse()
    assert the_task(2).status == "in_progress"
    world.accept_findings()
    assert (the_task(2).status, lacking(2)) == ("completed", [])
    assert the_task(2).history.first().history_user_id == "lena"


def test_a_finding_that_nobody_accepted_keeps_the_review_open(world: World) -> None:
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    world.rehearse()
    review.record(gatekeeper.rendered_script(gatekeeper.source_bytes()), person=world.user("lena"))
    assert lacking(2) == ["Document any required modifications"]
    assert the_task(2).status == "in_progress"


def test_a_review_before_the_rehearsal_is_not_enough(world: World) -> None:
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    world.cover()
    world.accept_findings()
    world.rehearse()
    assert lacking(2) == ["Review V7_Migration_Tables.sql for syntax correctness"]
    world.accept_findings()
    assert the_task(2).status == "completed"


def test_a_changed_script_wants_its_own_evidence(world: World, settings: Settings, tmp_path: Path) -> None:
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    world.rehearse()
    changed = tmp_path / "changed.sql"
    changed.write_bytes(settings.V7_SCRIPT.read_bytes() + b"\n-- read it again\n")
    settings.V7_SCRIPT = changed
    assert len(lacking(2)) == 6
    world.accept_findings()
    assert the_task(2).status == "in_progress"


def test_the_last_approval_completes_the_impact_analysis(world: World) -> None:
    inventory.take(actor=world.actor("ada"))
    assert lacking(3)[0] == "Review proposed ENUM consolidations"
    world.accept_groups()
    inventory.take(actor=world.actor("ada"), only="code")
    *filed, last = [world.assess(layer) for layer in {cell.layer for cell in coverage.look().open}]
    for impact in filed:
        world.approve_impact(impact)
    assert the_task(3).status == "in_progress"
    assert lacking(3) == ["Document mitigation strategies", "All impacts documented in v7_global_impacts design"]
    world.approve_impact(last)
    assert (the_task(3).status, lacking(3)) == ("completed", [])
    assert the_task(3).history.first().history_user_id == "ada"


def test_a_code_map_older_than_the_accepted_changes_is_no_evidence(world: World) -> None:
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    assert "Map affected code files to database changes" in lacking(3)
    inventory.take(actor=world.actor("ada"), only="code")
    assert "Map affected code files to database changes" not in lacking(3)


def test_a_blocked_task_stays_blocked_until_somebody_frees_it(world: World) -> None:
    task_block(task=the_task(1), actor=world.actor("ada"), reason="The wrong database.")
    inventory.take(actor=world.actor("ada"))
    assert (the_task(1).status, lacking(1)) == ("blocked", [])
    task_unblock(task=the_task(1), actor=world.actor("ada"))
    assert the_task(1).status == "completed"


def test_a_failure_of_the_listener_keeps_the_evidence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks.progress, "_pieces", lambda task: 1 / 0)
    inventory.take(actor=world.actor("ada"), only="dependencies")
    monkeypatch.undo()
    assert the_task(1).status == "pending"
    assert "Identify table dependencies and foreign key relationships" not in lacking(1)


def test_the_status_names_what_is_missing_next_and_who_may_leave_it(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("v7_status", "--json")
    document = json.loads(capsys.readouterr().out)
    assert [task["task"] for task in document["tasks"]][:3] == ["2.1.1", "2.1.2", "2.1.3"]
    assert {proof["met"] for proof in document["tasks"][0]["evidence"]} == {False}
    assert document["next_action"]["persona"] == "The Architect"
    assert document["next_action"]["sentence"].startswith("Task 2.1.1 Database State Documentation: Export complete")


def test_the_page_of_a_task_shows_each_piece_with_its_person(world: World) -> None:
    inventory.take(actor=world.actor("ada"))
    page = world.client("sam").get(f"/tasks/{the_task(1).pk}/").content.decode()
    assert "The schema export matches production." in page
    assert "Create baseline performance metrics" in page
    assert page.count("ada, ") >= 6
