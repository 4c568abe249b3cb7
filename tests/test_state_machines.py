"""Which state follows which, who may move it, what it waits for — and that the database agrees."""

from __future__ import annotations

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from django.db import IntegrityError, connections

from tests.environment import CLUSTER
from tests.tracked import (
    ARCHITECT,
    DEVELOPER,
    GUARDIAN,
    OUTSIDER,
    SENTINEL,
    TEAM_LEAD,
    WORKFLOW,
    a_file,
    a_task,
    an_enum_migration,
    an_impact,
    the_phase,
)
from tests.world import World
from tracking import home as homes
from tracking import machines, selectors, services
from tracking.actors import Actor, meant_by
from tracking.models import EnumMigration, File, GlobalImpact, Phase, SubworkflowTask
from v7migration.errors import Fenced, TransitionRefused
from v7migration.pipeline import phases

MODELS: dict[str, Any] = {
    model._meta.db_table: model for model in (Phase, SubworkflowTask, EnumMigration, GlobalImpact, File)
}
TRIGGERS = """
    SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger
    WHERE tgrelid = %s::regclass AND tgfoid = 'migration_gate.refuse_illegal_jump'::regproc
"""


def each_machine(machine: machines.Machine) -> str:
    return machine.table


@pytest.mark.parametrize("machine", machines.MACHINES, ids=each_machine)
def test_a_model_makes_exactly_the_declared_jumps(machine: machines.Machine) -> None:
    model = MODELS[machine.table]
    transitions = getattr(model(), f"get_all_{machine.column}_transitions")()
    made = {(str(t.source), str(t.target), t.name) for t in transitions}
    assert made == {(jump.source, jump.target, jump.name) for jump in machine.jumps}


@pytest.mark.parametrize("machine", machines.MACHINES, ids=each_machine)
def test_every_state_of_a_machine_is_a_choice_and_can_be_reached(machine: machines.Machine) -> None:
    choices = {value for value, _ in MODELS[machine.table]._meta.get_field(machine.column).choices}
    reached = {machine.initial} | {target for _, target in machine.pairs}
    assert reached == choices


@pytest.mark.usefixtures("home")
def test_the_triggers_allow_exactly_the_declared_jumps() -> None:
    for machine in machines.MACHINES:
        if machine is machines.FILE and homes.current() == "planning":
            continue
        with connections[homes.alias()].cursor() as cursor:
            cursor.execute(TRIGGERS, [machine.table])
            found = dict(cursor.fetchall())
        pairs = re.findall(r"'(\w+)>(\w+)'", found["gate_2_jump"])
        assert set(pairs) == machine.pairs
        assert len(pairs) == len(set(pairs))
        if machine is not machines.FILE:
            assert f"('{machine.column}', '{machine.initial}')" in found["gate_2_initial_state"]


@pytest.mark.usefixtures("home")
def test_the_database_refuses_an_illegal_jump_past_the_models() -> None:
    task = a_task()
    with pytest.raises(IntegrityError, match="may not become pending>completed"):
        with homes.writing():
            SubworkflowTask.objects.filter(pk=task.pk).update(status="completed")
    assert SubworkflowTask.objects.filter(pk=task.pk).update(status="in_progress") == 1


@pytest.mark.usefixtures("home")
def test_the_database_refuses_a_row_that_begins_in_the_middle() -> None:
    with pytest.raises(IntegrityError, match="may not become approved"):
        with homes.writing():
            GlobalImpact(change_type="api", impact_description="x", approval_status="approved").save()


@pytest.mark.usefixtures("home")
def test_the_database_refuses_the_same_jump_of_a_file() -> None:
    if homes.current() == "planning":
        pytest.skip("file_audit is in the target only")
    with pytest.raises(IntegrityError, match="pending_assessment>migrated"):
        with homes.writing():
            File.objects.filter(pk=a_file().pk).update(v7_workflow_status="migrated")


@pytest.mark.usefixtures("home")
def test_a_task_runs_from_start_to_completion() -> None:
    task = services.task_start(task=a_task(), actor=TEAM_LEAD)
    task = services.task_submit(task=task, actor=TEAM_LEAD)
    task = services.task_send_back(task=task, actor=ARCHITECT, reason="One query is missing")
    task = services.task_submit(task=task, actor=TEAM_LEAD)
    task = services.task_complete(task=task, actor=TEAM_LEAD, reason="Reviewed")
    assert task.status == "completed"
    assert task.completed_at is not None
    assert SubworkflowTask.history.filter(id=task.pk).count() == 6


@pytest.mark.usefixtures("home")
def test_a_transition_starts_from_what_the_database_holds() -> None:
    task = a_task()
    services.task_start(task=task, actor=TEAM_LEAD)
    with pytest.raises(TransitionRefused, match="is in progress and cannot start"):
        services.task_start(task=task, actor=TEAM_LEAD)


@pytest.mark.usefixtures("home")
def test_a_task_waits_for_its_dependencies() -> None:
    first = a_task(task_name="Come first")
    second = a_task(waits_for=[first])
    with pytest.raises(TransitionRefused, match=r"waits for .*Come first"):
        services.task_start(task=second, actor=TEAM_LEAD)
    for step in (services.task_start, services.task_submit, services.task_complete):
        step(task=first, actor=TEAM_LEAD)
    assert services.task_start(task=second, actor=TEAM_LEAD).status == "in_progress"


@pytest.mark.usefixtures("home")
def test_a_task_that_waits_for_nothing_known_does_not_start() -> None:
    first = a_task()
    second = a_task(waits_for=[first])
    with homes.writing():
        first.delete()
    with pytest.raises(TransitionRefused, match="does not exist"):
        services.task_start(task=second, actor=TEAM_LEAD)


@pytest.mark.usefixtures("home")
def test_a_blocked_task_returns_to_where_it_was() -> None:
    waiting = services.task_block(task=a_task(), actor=TEAM_LEAD, reason="No access")
    assert waiting.blockers == ["No access"]
    assert services.task_unblock(task=waiting, actor=TEAM_LEAD).status == "pending"
    begun = services.task_start(task=a_task(), actor=TEAM_LEAD)
    services.task_block(task=begun, actor=TEAM_LEAD, reason="No disk")
    freed = services.task_unblock(task=begun, actor=TEAM_LEAD)
    assert (freed.status, freed.blockers) == ("in_progress", [])


@pytest.mark.usefixtures("home")
def test_blocking_and_cancelling_say_why() -> None:
    with pytest.raises(TransitionRefused, match="needs a reason"):
        services.task_block(task=a_task(), actor=TEAM_LEAD, reason="  ")
    with pytest.raises(TransitionRefused, match="needs a reason"):
        services.task_cancel(task=a_task(), actor=TEAM_LEAD, reason="")


@pytest.mark.usefixtures("home")
def test_a_cancelled_task_stays_cancelled_and_a_deferred_one_comes_back() -> None:
    gone = services.task_cancel(task=a_task(), actor=ARCHITECT, reason="Not needed")
    with pytest.raises(TransitionRefused, match="Possible now: nothing"):
        services.task_reopen(task=gone, actor=ARCHITECT)
    later = services.task_defer(task=a_task(), actor=ARCHITECT, reason="After the holidays")
    assert services.task_reopen(task=later, actor=ARCHITECT).status == "pending"


@pytest.mark.usefixtures("home")
def test_only_the_responsible_persona_starts_a_task() -> None:
    for responsible, actor, may in [
        ("DB Team Lead", TEAM_LEAD, True),
        ("DB Team Lead", ARCHITECT, False),
        ("DB Team Lead", GUARDIAN, False),
        ("DB Team Lead", OUTSIDER, False),
        ("Layer Guardians", GUARDIAN, True),
        ("Layer Guardians", SENTINEL, True),
        ("Layer Guardians", WORKFLOW, False),
        ("Layer Guardians", DEVELOPER, False),
        ("Workflow Personas", WORKFLOW, True),
        ("Workflow Personas", GUARDIAN, False),
    ]:
        task = a_task(responsible_persona=responsible)
        if may:
            assert services.task_start(task=task, actor=actor).status == "in_progress"
        else:
            with pytest.raises(TransitionRefused, match="may not start"):
                services.task_start(task=task, actor=actor)
            assert SubworkflowTask.history.filter(id=task.pk).count() == 1


@pytest.mark.usefixtures("world")
def test_two_leads_are_two_personas() -> None:
    assert meant_by("DB Team Lead + The Architect") == {"DB Team Lead", "The Architect"}


def test_the_database_phase_starts_first_and_the_others_in_order(home: World) -> None:
    assert phases.start(phase=the_phase(4), actor=TEAM_LEAD).started_at is not None
    with pytest.raises(TransitionRefused, match="Phase 1 is not completed"):
        phases.start(phase=the_phase(2), actor=GUARDIAN)
    phase = home.complete_phase(1)
    assert (phase.status, phase.approval_status, phase.approved_by) == ("completed", "approved", "Ada Test")
    assert phases.start(phase=the_phase(2), actor=GUARDIAN).status == "in_progress"


@pytest.mark.usefixtures("home")
def test_nobody_approves_a_phase_by_hand() -> None:
    phase = phases.start(phase=the_phase(4), actor=TEAM_LEAD)
    phase = services.phase_submit_for_review(phase=phase, actor=TEAM_LEAD)
    for actor in (ARCHITECT, TEAM_LEAD, GUARDIAN, Actor("cora", frozenset({"Conductor"})), OUTSIDER):
        with pytest.raises(TransitionRefused, match="approved by a signature"):
            services.phase_approve(phase=phase, actor=actor)
    assert the_phase(4).status == "review"


def test_a_phase_that_is_taken_back_loses_its_approval_and_can_start_again(home: World) -> None:
    phase = phases.start(phase=the_phase(1), actor=ARCHITECT)
    phase = services.phase_block(phase=phase, actor=ARCHITECT, reason="Target is down")
    assert phase.blockers[0]["reason"] == "Target is down"
    phase = services.phase_unblock(phase=phase, actor=ARCHITECT)
    assert phase.blockers == []
    phase = services.phase_submit_for_review(phase=phase, actor=ARCHITECT)
    home.close_tasks(1)
    home.sign_phase(1)
    phase = services.phase_roll_back(phase=phase, actor=ARCHITECT, reason="Integration failed")
    assert (phase.status, phase.approved_by) == ("rolled_back", None)
    assert phases.start(phase=phase, actor=ARCHITECT).status == "in_progress"


@pytest.mark.usefixtures("home")
def test_an_impact_is_reviewed_by_guardians_and_decided_by_the_architect() -> None:
    impact = services.impact_review(impact=an_impact(), actor=GUARDIAN)
    assert impact.reviewed_by_personas == ["Data Sentinel"]
    with pytest.raises(TransitionRefused, match="may not approve"):
        services.impact_approve(impact=impact, actor=GUARDIAN)
    impact = services.impact_reject(impact=impact, actor=ARCHITECT, reason="No mitigation")
    assert impact not in selectors.open_impacts()
    impact = services.impact_review(impact=impact, actor=WORKFLOW)
    impact = services.impact_approve(impact=impact, actor=ARCHITECT)
    impact = services.impact_implement(impact=impact, actor=GUARDIAN, reason="Merged")
    assert (impact.approval_status, impact.implementation_notes) == ("implemented", "Merged")
    assert impact.reviewed_by_personas == ["Data Sentinel", "WF3 Persona"]


@pytest.mark.usefixtures("home")
def test_an_enum_migration_goes_its_way_and_back() -> None:
    row = an_enum_migration()
    with pytest.raises(TransitionRefused, match="may not approve"):
        services.enum_migration_approve(row=row, actor=TEAM_LEAD)
    row = services.enum_migration_approve(row=row, actor=ARCHITECT)
    row = services.enum_migration_implement(row=row, actor=TEAM_LEAD)
    row = services.enum_migration_confirm(row=row, actor=SENTINEL)
    assert row.validated_at is not None
    row = services.enum_migration_roll_back(row=row, actor=TEAM_LEAD, reason="A report broke")
    assert (row.status, row.validated_at) == ("rolled_back", None)
    assert services.enum_migration_propose_again(row=row, actor=TEAM_LEAD).status == "proposed"


@pytest.mark.usefixtures("home")
def test_a_file_walks_to_retirement_and_can_take_one_step_back() -> None:
    if homes.current() == "planning":
        pytest.skip("file_audit is in the target only")
    file = a_file()
    by = {"implement": DEVELOPER, "test": SENTINEL, "migrate": DEVELOPER, "retire": ARCHITECT}
    for name in ("assess", "design", "step_back", "design", "approve", "implement", "test", "migrate", "retire"):
        file = services.file_move(
            file=file, name=name, actor=by.get(name, GUARDIAN), reason="One more look" if name == "step_back" else ""
        )
    assert file.v7_workflow_status == "retired"
    with pytest.raises(TransitionRefused, match="Possible now: nothing"):
        services.file_move(file=file, name="step_back", actor=ARCHITECT, reason="Too late")


@pytest.mark.usefixtures("home")
def test_a_closed_fence_is_told_as_a_sentence_and_nothing_is_saved() -> None:
    task = a_task()
    who = "control_owner" if homes.current() == homes.PLANNING else "runner"
    with psycopg.connect(CLUSTER.url(who), autocommit=True) as connection:
        connection.execute("UPDATE migration_gate.fence SET is_open = false")
    with pytest.raises(Fenced, match="are being moved"):
        services.task_start(task=task, actor=TEAM_LEAD)
    assert SubworkflowTask.objects.get(pk=task.pk).status == "pending"


@pytest.mark.usefixtures("home")
def test_of_two_people_who_start_one_task_at_once_one_is_told() -> None:
    task = a_task()
    together = threading.Barrier(2)

    def start() -> str:
        together.wait(timeout=30)
        try:
            return str(services.task_start(task=task, actor=TEAM_LEAD).status)
        except TransitionRefused as refusal:
            return refusal.message
        finally:
            connections.close_all()

    with ThreadPoolExecutor(2) as pool:
        said = sorted(future.result(timeout=60) for future in [pool.submit(start), pool.submit(start)])
    assert said[0] == "in_progress"
    assert "is in progress and cannot start" in said[1]
    assert SubworkflowTask.history.filter(id=task.pk).count() == 2
