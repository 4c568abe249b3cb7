"""Tracked rows: their history, their times, what only the target holds, and what may not be written at all."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from django.db import IntegrityError

from tests.tracked import (
    ARCHITECT,
    GUARDIAN,
    OUTSIDER,
    TEAM_LEAD,
    a_file,
    a_task,
    an_enum_migration,
    an_impact,
    the_phase,
)
from tracking import home as homes
from tracking import selectors, services
from tracking.choices import Risk, highest
from tracking.models import (
    V7_COLUMNS,
    EnumConsolidationStatus,
    EnumMigration,
    File,
    GlobalImpact,
    Layer,
    MigrationDashboard,
    Phase,
    SubworkflowTask,
    WorkflowCode,
)
from v7migration.errors import Refused, StaleForm, TransitionRefused

pytestmark = pytest.mark.usefixtures("home")


def test_a_row_and_its_history_name_the_person_and_the_reason() -> None:
    impact = an_impact(reason="Found during review")
    version = GlobalImpact.history.get(id=impact.pk)
    assert (version.history_type, version.history_user_id, version.history_change_reason) == (
        "+",
        "gus",
        "Found during review",
    )
    assert isinstance(version.history_id, UUID)


def test_the_history_stays_readable_when_its_person_has_no_account() -> None:
    version = GlobalImpact.history.get(id=an_impact().pk)
    assert version.history_user is None


def test_a_save_without_a_write_transaction_is_refused() -> None:
    task = a_task()
    with pytest.raises(RuntimeError, match=r"home\.writing"):
        task.save()


def test_a_failed_write_leaves_neither_row_nor_history() -> None:
    task = a_task()
    with pytest.raises(ZeroDivisionError):
        with homes.writing(person="ada"):
            task.notes = "lost"
            task.save()
            raise ZeroDivisionError
    assert SubworkflowTask.objects.get(pk=task.pk).notes == ""
    assert SubworkflowTask.history.filter(id=task.pk).count() == 1


def test_rows_and_history_live_in_the_current_home() -> None:
    task = a_task()
    for manager in (SubworkflowTask.objects, SubworkflowTask.history):
        assert manager.filter(id=task.pk).db == homes.alias()
        assert manager.using(homes.alias()).filter(id=task.pk).exists()
        if homes.current() == homes.LIVE:
            assert not manager.using("default").filter(id=task.pk).exists()


def test_updated_at_follows_the_transaction_and_the_history_agrees() -> None:
    task = a_task()
    moved = services.task_start(task=task, actor=TEAM_LEAD)
    assert moved.updated_at == moved.started_at
    assert moved.updated_at > task.updated_at
    versions = SubworkflowTask.history.filter(id=task.pk)
    assert [version.status for version in versions] == ["in_progress", "pending"]
    assert versions[0].updated_at == SubworkflowTask.objects.get(pk=task.pk).updated_at


def test_the_database_maintains_updated_at_of_writes_past_the_models() -> None:
    task = a_task()
    SubworkflowTask.objects.filter(pk=task.pk).update(notes="raw", updated_at="2001-01-01T00:00:00Z")
    assert SubworkflowTask.objects.get(pk=task.pk).updated_at > task.updated_at


def test_the_database_refuses_a_value_outside_its_list() -> None:
    result = services.test_result_record(
        actor=GUARDIAN, test_type="unit", component_tested="models/domain.py", test_status="pass"
    )
    for row, field, value in [
        (the_phase(1), "phase_number", 8),
        (the_phase(1), "deliverables", []),
        (the_phase(1), "blockers", {}),
        (an_enum_migration(), "risk_level", "apocalyptic"),
        (an_enum_migration(), "affected_columns", []),
        (an_impact(), "change_type", "mood"),
        (an_impact(), "risk_assessment", "none"),
        (an_impact(), "change_detail", []),
        (a_task(), "task_number", 0),
        (result, "test_status", "maybe"),
        (result, "test_type", "vibes"),
    ]:
        with pytest.raises(IntegrityError, match="check"):
            type(row)._base_manager.filter(pk=row.pk).update(**{field: value})


def test_a_task_number_is_unique_within_its_phase() -> None:
    task = a_task()
    with pytest.raises(IntegrityError), homes.writing():
        SubworkflowTask(
            parent_phase_id=4, task_number=task.task_number, task_name="Twice", responsible_persona="Dev Team"
        ).save()


def test_a_protected_state_cannot_be_assigned_but_can_be_read_again() -> None:
    task = a_task()
    with pytest.raises(AttributeError):
        task.status = "completed"
    services.task_start(task=task, actor=TEAM_LEAD)
    task.refresh_from_db()
    assert task.status == "in_progress"
    with pytest.raises(AttributeError):
        task.status = "completed"


def test_files_are_read_before_the_columns_exist_and_their_status_after() -> None:
    file = a_file()
    assert (file.get_deferred_fields() >= set(V7_COLUMNS)) == (homes.current() == "planning")
    if homes.current() == "live":
        assert file.v7_workflow_status == "pending_assessment"
        assert selectors.files_by_status()["pending_assessment"] == File.objects.count()
    else:
        assert set(selectors.files_by_status().values()) == {0}


def test_a_file_moves_only_in_the_live_home() -> None:
    file = a_file()
    if homes.current() == "planning":
        with pytest.raises(Refused, match="do not exist yet"):
            services.file_move(file=file, name="assess", actor=GUARDIAN)
        return
    moved = services.file_move(file=file, name="assess", actor=GUARDIAN)
    services.file_update(file=moved, actor=GUARDIAN, changes={"v7_impact_score": 7, "v7_dependents": ["b.py"]})
    assert [v.v7_workflow_status for v in File.history.filter(id=file.pk)] == ["assessed", "assessed"]
    with pytest.raises(StaleForm):
        services.file_update(file=moved, actor=GUARDIAN, changes={"v7_impact_score": 1}, seen={"v7_impact_score": None})
    with pytest.raises(Refused, match="v7_impact_score"):
        services.file_update(file=moved, actor=GUARDIAN, changes={"v7_impact_score": 11})


def test_the_applications_own_columns_of_a_file_are_never_written() -> None:
    file = a_file()
    for attempt in (
        lambda: file.save(update_fields=["notes"]),
        lambda: file.delete(),
        lambda: File(file_path="new.py").save(),
    ):
        with pytest.raises(TypeError, match="belongs to the application"):
            attempt()


def test_a_monitoring_view_refuses_every_write() -> None:
    line = MigrationDashboard(phase_number=1)
    for attempt in (
        line.save,
        line.delete,
        lambda: MigrationDashboard.objects.update(phase_name="x"),
        lambda: MigrationDashboard.objects.all().delete(),
        lambda: MigrationDashboard.objects.create(phase_number=9),
    ):
        with pytest.raises(TypeError, match="never written"):
            attempt()


def test_the_dashboard_and_the_view_agree() -> None:
    done = a_task()
    for step in (services.task_start, services.task_submit, services.task_complete):
        step(task=done, actor=TEAM_LEAD)
    an_impact(risk_assessment="low")
    an_impact(risk_assessment="high")
    an_impact(risk_assessment="medium")
    an_enum_migration()
    lines = selectors.dashboard()
    assert [line.phase_number for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert lines[0].highest_risk == "high"
    assert lines[3].completed_tasks >= 1
    if homes.current() == "live":
        services.file_move(file=a_file(), name="assess", actor=GUARDIAN)
        columns = [field.name for field in MigrationDashboard._meta.concrete_fields]
        assert [tuple(vars(line).values()) for line in selectors.dashboard()] == list(
            MigrationDashboard.objects.values_list(*columns)
        )


def test_consolidations_count_each_table_once_and_show_the_worst_risk() -> None:
    an_enum_migration("public.one", affected_tables=["public.a", "public.b"], risk_level=Risk.LOW)
    later = an_enum_migration("public.two", affected_tables=["public.b"], risk_level=Risk.CRITICAL)
    services.enum_migration_approve(row=later, actor=ARCHITECT)
    line = next(line for line in selectors.enum_consolidations() if line.v7_enum_name == "v7_status_type")
    assert (line.source_enums, line.affected_table_count, line.risk_level, line.status) == (
        ["public.one", "public.two"],
        2,
        "critical",
        "proposed",
    )
    if homes.current() == "live":
        seen = EnumConsolidationStatus.objects.get(v7_enum_name="v7_status_type")
        assert vars(line) == {name: getattr(seen, name) for name in vars(line)}


def test_proposing_the_same_consolidation_twice_writes_once() -> None:
    first = an_enum_migration()
    again = an_enum_migration()
    assert first.pk == again.pk
    assert EnumMigration.history.filter(id=first.pk).count() == 1
    an_enum_migration(risk_level="high")
    assert EnumMigration.history.filter(id=first.pk).count() == 2


def test_risks_are_ordered_by_severity() -> None:
    assert highest(["low", "medium", "high"]) == "high"
    assert highest(["critical", "medium"]) == "critical"
    assert highest([]) is None


def test_an_impact_names_only_registered_layers_and_workflows() -> None:
    assert (Layer.objects.count(), WorkflowCode.objects.count()) == (8, 7)
    with pytest.raises(Refused, match="WF9, layer 12"):
        an_impact(affected_workflows=["WF1", "WF9"], affected_layers=[1, 12])
    WorkflowCode.objects.create(code="WF9", name="Email Scraping", persona="WF9 Persona")
    Layer.objects.create(number=12, name="Jobs", guardian="Test Sentinel")
    assert an_impact(affected_workflows=["WF1", "WF9"], affected_layers=[1, 12]).pk


def test_a_form_that_is_older_than_the_row_is_refused() -> None:
    impact = an_impact()
    seen = impact.updated_at.replace(year=2001)
    with pytest.raises(StaleForm, match="Somebody else changed"):
        services.impact_update(impact=impact, actor=GUARDIAN, changes={"mitigation_strategy": "x"}, seen_at=seen)
    with pytest.raises(StaleForm):
        services.impact_review(impact=impact, actor=GUARDIAN, seen_at=seen)
    assert services.impact_review(impact=impact, actor=GUARDIAN, seen_at=impact.updated_at)


def test_what_was_approved_stays_as_it_is() -> None:
    impact = services.impact_review(impact=an_impact(), actor=GUARDIAN)
    impact = services.impact_approve(impact=impact, actor=ARCHITECT)
    with pytest.raises(TransitionRefused, match="stays as it is"):
        services.impact_update(impact=impact, actor=GUARDIAN, changes={"risk_assessment": "low"})
    assert services.impact_update(impact=impact, actor=GUARDIAN, changes={"implementation_notes": "done"})


def test_nobody_without_a_persona_files_an_impact_or_a_result() -> None:
    with pytest.raises(TransitionRefused, match="holds no persona"):
        services.impact_create(actor=OUTSIDER, change_type="api", impact_description="x")
    with pytest.raises(TransitionRefused):
        services.test_result_record(actor=OUTSIDER, test_type="unit", component_tested="a.py", test_status="pass")


def test_a_review_gate_writes_its_decision_into_the_phase() -> None:
    for note in ("first line", "second line"):
        services.phase_note_approval(
            phase_number=4, actor="ada", approval_status="approved", approved_by="Ada A.", note=note
        )
    phase = the_phase(4)
    assert (phase.approval_status, phase.approved_by) == ("approved", "Ada A.")
    assert (phase.approval_notes or "").splitlines()[-2:] == ["first line", "second line"]
    assert Phase.history.filter(id=phase.pk)[0].history_user_id == "ada"


def test_tasks_wait_for_the_personas_whose_turn_it_is() -> None:
    first = a_task(responsible_persona="Layer Guardians")
    second = a_task(waits_for=[first])
    assert first in selectors.tasks_waiting_for({"Data Sentinel"})
    assert first not in selectors.tasks_waiting_for({"WF1 Persona"})
    assert second not in selectors.tasks_waiting_for({"DB Team Lead"})


def test_a_later_edit_does_not_begin_the_time_of_a_blocker_anew() -> None:
    task = services.task_block(task=a_task(), actor=TEAM_LEAD, reason="No disk")
    since = selectors.blocked_since([task])[task.pk]
    edited = services.task_update(task=task, actor=TEAM_LEAD, changes={"notes": "asked for one"})
    assert selectors.blocked_since([edited])[task.pk] == since
    assert selectors.escalations() == []


@pytest.mark.parametrize(("hours", "to"), [(3, None), (5, "DB Team Lead + The Architect"), (25, "The Architect")])
def test_a_blocked_task_escalates_by_how_long_it_is_blocked(hours: int, to: str | None) -> None:
    assert selectors.escalates_to(a_task(), timedelta(hours=hours)) == to


def test_every_row_that_the_plan_begins_with_has_its_first_version() -> None:
    for model in (Phase, SubworkflowTask):
        without = [row for row in model.objects.all() if not model.history.filter(id=row.pk, history_type="+").exists()]
        assert without == []
