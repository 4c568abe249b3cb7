"""Tasks 2.2.1 to 2.3.2 move by what was really done: sections, population, validation, proofs; and back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from approvals.tokens import token_create, token_revoke
from tests.cast import PASSWORD
from tests.environment import site_port
from tests.world import World
from tracking.models import SubworkflowTask, TestResult
from v7migration.demo.site import served
from v7migration.errors import Refused, TransitionRefused, UsageError
from v7migration.ledger.models import Event, Incident, Run
from v7migration.pipeline import sign_off, tasks, validation
from v7migration.pipeline.integrate.api_trial import prove_api
from v7migration.pipeline.integrate.generating import generate_pydantic, generate_sqlalchemy
from v7migration.pipeline.integrate.proving import prove_module
from v7migration.pipeline.standing import standing
from v7migration.pipeline.verify import validate, verify


def task_of(number: str) -> SubworkflowTask:
    """Return a task of the document by its number, as the database has it now."""
    return next(
        task for task in SubworkflowTask.objects.filter(parent_phase__phase_number=4) if task.document_number == number
    )  # fmt: skip


def statuses() -> dict[str, str]:
    """Return where each task of the Database Phase stands, by its number in the document."""
    return {task.document_number: task.status for task in SubworkflowTask.objects.filter(parent_phase__phase_number=4)}


def lacking(number: str) -> list[str]:
    """Return the actions of a task that have no evidence."""
    return [proof.action for proof in tasks.proofs(task_of(number)) if not proof.met]


def test_before_the_run_nothing_of_it_is_there(signed: World) -> None:
    later = [number for number in statuses() if number > "2.2"]
    assert {statuses()[number] for number in later} == {"pending"}
    assert not any(proof.met for number in later for proof in tasks.proofs(task_of(number)))


def test_the_run_completes_the_tasks_of_the_execution_in_the_name_of_its_operator(executed: World) -> None:
    assert statuses() | {"2.3.1": "", "2.3.2": ""} == {
        **dict.fromkeys(("2.1.1", "2.1.2", "2.1.3", "2.2.1", "2.2.2", "2.2.3"), "completed"), "2.3.1": "", "2.3.2": "",
    }  # fmt: skip
    assert (statuses()["2.3.1"], statuses()["2.3.2"]) == ("pending", "pending")
    created = task_of("2.2.1")
    assert [row.history_user_id for row in created.history.all()][:3] == ["lena"] * 3
    assert "Section 8" in created.history.first().history_change_reason
    assert {proof.by for proof in tasks.proofs(created)} == {"lena"}
    assert "shows 7 phases" in tasks.proofs(task_of("2.2.3"))[-1].said


def test_an_index_that_failed_keeps_the_task_open_until_its_fix_is_confirmed(trouble: Callable[[str], World]) -> None:
    world = trouble("-- Step 7.5: index the tasks by status")
    world.execute()
    assert lacking("2.2.1") == ["Execute Section 7: Create performance indexes"]
    assert (statuses()["2.2.1"], statuses()["2.2.2"]) == ("in_progress", "pending")
    with world.runner() as runner:
        runner.execute("CREATE INDEX idx_subworkflow_status ON public.v7_subworkflow_tasks (status)")
    world.settle_incident(Incident.objects.get(step="7.5"))
    assert {statuses()[number] for number in ("2.2.1", "2.2.2", "2.2.3")} == {"completed"}


def test_a_rollback_sets_back_what_the_run_was_the_evidence_of(executed: World) -> None:
    validate(person=executed.user("sam"))
    assert statuses()["2.3.1"] == "completed"
    executed.roll_back()
    assert statuses() == {
        **dict.fromkeys(("2.1.1", "2.1.2", "2.1.3"), "completed"),
        **dict.fromkeys(("2.2.1", "2.2.2", "2.2.3", "2.3.1", "2.3.2"), "pending"),
    }
    back = task_of("2.2.1")
    assert (back.started_at, back.completed_at, back.history.first().history_user_id) == (None, None, "lena")
    assert f"Run {Run.objects.get(kind='execute').pk} was taken back" in back.history.first().history_change_reason
    assert len(lacking("2.2.1")) == 8


def test_a_validation_completes_its_task_and_a_failure_only_once_it_is_accepted(executed: World) -> None:
    with executed.owner() as owner:
        owner.execute("DROP INDEX public.idx_test_results_status")
    validate(person=executed.user("sam"))
    assert "Verify all tables created successfully" in lacking("2.3.1")
    assert "Test CRUD operations on each table" not in lacking("2.3.1")
    assert statuses()["2.3.1"] == "in_progress"
    run = Run.objects.get()
    keys = [failure["evidence"] for failure in validation.open_failures(run)]
    validation.accept(run=run, person=executed.user("sam"), keys=keys, reason="It is built tonight.")
    assert (lacking("2.3.1"), statuses()["2.3.1"]) == ([], "completed")
    assert "anomalies, each graded and accepted by name" in tasks.proofs(task_of("2.3.1"))[4].said


def test_a_verification_by_somebody_else_is_no_validation(executed: World) -> None:
    verify(person="lena")
    assert len(lacking("2.3.1")) == 6


# -- 2.3.2 -----------------------------------------------------------------------------------------------------


def test_the_modules_are_proven_on_the_target_by_the_dev_team_only(executed: World) -> None:
    for generate in (generate_sqlalchemy, generate_pydantic):
        with pytest.raises(TransitionRefused):
            prove_module(generate(), person=executed.user("ada"))
        assert prove_module(generate(), person=executed.user("dev"))["ok"]
    assert lacking("2.3.2") == [
        "Implement basic CRUD endpoints",
        "Connect to DART for task synchronization",
        "API endpoints return V7 data",
    ]
    assert {proof.by for proof in tasks.proofs(task_of("2.3.2")) if proof.met} == {"dev"}


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("ALTER TABLE public.v7_test_results ALTER tested_by TYPE varchar(90)", "character varying(90), not"),
        ("ALTER TABLE public.file_audit RENAME v7_retirement_date TO later", "v7_retirement_date is not there"),
        ("ALTER TABLE public.v7_global_impacts ADD COLUMN extra integer", "v7_global_impacts.extra is not described"),
        ("ALTER TABLE public.v7_test_results ALTER notes DROP NOT NULL", "v7_test_results.notes may be NULL"),
    ],
)
def test_a_target_that_differs_from_the_module_disproves_it(executed: World, statement: str, words: str) -> None:
    with executed.runner() as runner:
        runner.execute(statement.encode())
    proof = prove_module(generate_sqlalchemy(), person=executed.user("dev"))
    assert not proof["ok"] and words in proof["said"]
    assert words in tasks.proofs(task_of("2.3.2"))[0].said
    assert any(
        words in p.reason for p in sign_off.run_facts(Run.objects.get()).prerequisites if p.seat == "integration"
    )


def test_without_a_migrated_target_nothing_is_proven(signed: World) -> None:
    with pytest.raises(Refused, match="no migrated target"):
        prove_module(generate_sqlalchemy(), person=signed.user("dev"))
    assert not Event.objects.filter(kind="integration.proved").exists()


def test_the_api_is_tried_over_http_and_leaves_no_row(executed: World, tmp_path: Path) -> None:
    before = TestResult.objects.count()
    token, secret = token_create(person=executed.user("dev"), password=PASSWORD, name="proof")
    with served(port=site_port(8600), log=tmp_path / "site.log") as url:
        proof = prove_api(url=url, token=secret, person=executed.user("dev"))
        _, of_lena = token_create(person=executed.user("lena"), password=PASSWORD, name="hers")
        with pytest.raises(UsageError, match="is lena's, not dev's"):
            prove_api(url=url, token=of_lena, person=executed.user("dev"))
        token_revoke(person=executed.user("dev"), token_id=token.pk)
        refused = prove_api(url=url, token=secret, person=executed.user("dev"))
    assert proof["ok"], proof["said"]
    assert (proof["rows"]["phases"], TestResult.objects.count()) == (7, before)
    assert not refused["ok"] and "401" in refused["said"]
    assert secret not in json.dumps([event.payload for event in Event.objects.all()])
    with pytest.raises(Refused, match="does not answer"):
        prove_api(url=url, token=secret, person=executed.user("dev"))


@pytest.mark.parametrize(
    "url", ["http://v7.example.org/", "ftp://127.0.0.1/", "https://:secret@localhost/", "nonsense"]
)
def test_a_token_goes_to_no_address_that_is_not_safe(executed: World, url: str) -> None:
    with pytest.raises(UsageError):
        prove_api(url=url, token="v7t_x", person=executed.user("dev"))


def test_the_command_writes_the_module_and_says_what_it_proved(
    executed: World, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V7_PASSWORD", PASSWORD)
    call_command("v7_integrate", "sqlalchemy", "--out", str(tmp_path / "v7.py"), "--as", "dev", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["proof"]["ok"] and told["proof"]["sha256"] == told["sha256"]
    call_command("v7_status", "--json")
    document = json.loads(capsys.readouterr().out)
    assert [task["task"] for task in document["tasks"]][-1] == "2.3.2"
    assert document["tasks"][-1]["evidence"][0]["met"]


def test_the_last_seats_wait_for_the_proofs_and_for_all_ten_criteria(executed: World) -> None:
    def waits() -> dict[str | None, list[str]]:
        found: dict[str | None, list[str]] = {}
        for prerequisite in sign_off.run_facts(Run.objects.get()).prerequisites:
            if not prerequisite.met:
                found.setdefault(prerequisite.seat, []).append(prerequisite.name.partition(":")[0])
        return found

    def criteria_of(found: dict[str | None, list[str]]) -> list[str]:
        return [name for name in found["phase-complete"] if name.startswith("Criterion")]

    before = waits()
    assert before.keys() == {"validation", "integration", "phase-complete"}
    assert criteria_of(before) == [f"Criterion {number}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 10)]
    assert "Phase 4 is under way" in before["phase-complete"], "nobody has started it in this world"
    assert standing(executed.changeset()).next_action.persona == "Test Sentinel"
    validate(person=executed.user("sam"))
    after = waits()
    assert criteria_of(after) == ["Criterion 6", "Criterion 9", "Criterion 10"]
    assert (len(after["integration"]), "validation" in after) == (4, False)
