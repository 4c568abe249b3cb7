"""Phases, tasks, impacts, ENUM migrations and test results."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest

from tracking import services
from tracking.actors import Actor
from tracking.admin.base import TrackedAdmin
from tracking.admin.filters import AffectedLayer, AffectedWorkflow
from tracking.admin.forms import LinesField, ManyField, TrackedForm
from tracking.catalogue import DATABASE_PHASE, TASKS
from tracking.choices import TaskStatus
from tracking.machines import ENUM_MIGRATION, IMPACT, PHASE, TASK
from tracking.models import EnumMigration, GlobalImpact, Layer, Phase, SubworkflowTask, TestResult, WorkflowCode
from tracking.models.base import HistoricRow
from tracking.services.impacts import OPEN_TO_CHANGE
from tracking.views import phases as phase_pages
from tracking.views import tasks as task_pages
from v7migration.adminsite import column, state_column
from v7migration.errors import TransitionRefused
from v7migration.pipeline import coverage

DOCUMENT_NUMBERS = {task.number: task.document_number for task in TASKS}


def _seen(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


@admin.register(Phase)
class PhaseAdmin(TrackedAdmin):
    """The seven phases: there is always one row for each."""

    machine = PHASE
    recorded = (
        *("phase_number", "status", "started_at", "completed_at", "approval_status", "approved_by"),
        *("approval_notes", "blockers", "created_at", "updated_at"),
    )
    list_display = ["phase_number", "phase_name", "state", "lead_persona", "progress", "started_at", "completed_at"]
    list_display_links = ["phase_number", "phase_name"]
    list_filter = ["status", "approval_status", "lead_persona"]
    search_fields = ["phase_name", "lead_persona", "approved_by", "approval_notes"]
    date_hierarchy = "updated_at"
    fieldsets = (
        (None, {"fields": (("phase_number", "status"), ("phase_name", "lead_persona"), "deliverables")}),
        ("Review gate", {"fields": (("approval_status", "approved_by"), "approval_notes")}),
        ("What happened", {"fields": (("started_at", "completed_at"), "blockers", ("created_at", "updated_at"))}),
    )
    state = state_column("status", "State")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Phase]:
        """Count the tasks with the phases."""
        phases: QuerySet[Phase] = super().get_queryset(request)
        done = Count("tasks", filter=Q(tasks__status=TaskStatus.COMPLETED))
        return phases.annotate(total_tasks=Count("tasks"), completed_tasks=done)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse everybody: there are seven phases."""
        return False

    def moves(self, row: Phase) -> list[str]:
        """Leave out what a signature does."""
        return [name for name in super().moves(row) if name in phase_pages.by_hand(row)]

    @column("Tasks done", order="completed_tasks")
    def progress(self, row: Any) -> str:
        """Show done and all tasks."""
        return f"{row.completed_tasks} of {row.total_tasks}"

    def move(self, row: Phase, name: str, actor: Actor, reason: str, seen: str) -> HistoricRow:
        """Ask the phase's service."""
        moved: HistoricRow = phase_pages.SERVICES[name](phase=row, actor=actor, reason=reason, seen_at=_seen(seen))
        return moved


def _tasks() -> list[tuple[UUID, str]]:
    return [(task.pk, str(task)) for task in SubworkflowTask.objects.select_related("parent_phase")]


class TaskForm(TrackedForm):
    """A task."""

    dependencies = ManyField(_tasks, coerce=UUID, label="Waits for")
    deliverable_urls = LinesField(required=False)


@admin.register(SubworkflowTask)
class TaskAdmin(TrackedAdmin):
    """Tasks. A task that is not wanted any more is cancelled, not deleted."""

    form = TaskForm
    machine = TASK
    recorded = ("status", "started_at", "completed_at", "blockers", "created_at", "updated_at")
    list_display = ["number", "task_name", "state", "responsible_persona", "started_at", "completed_at", "dart"]
    list_display_links = ["number", "task_name"]
    list_filter = ["status", "parent_phase", "responsible_persona", ("dart_task_id", admin.EmptyFieldListFilter)]
    search_fields = ["task_name", "responsible_persona", "dart_task_id", "notes", "blockers"]
    date_hierarchy = "updated_at"
    list_select_related = ["parent_phase"]
    fieldsets = (
        (None, {"fields": (("parent_phase", "task_number"), ("task_name", "responsible_persona"), "status")}),
        ("Work", {"fields": ("notes", "deliverable_urls", "dependencies")}),
        ("DART", {"fields": (("dart_task_id", "dart_task_url"),)}),
        ("What happened", {"fields": (("started_at", "completed_at"), "blockers", ("created_at", "updated_at"))}),
    )
    state = state_column("status", "State")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep phase and number of a task that exists: the document names tasks by them."""
        shown = super().get_readonly_fields(request, obj)
        return [*shown, "parent_phase", "task_number"] if obj else shown

    @column("Task", order="parent_phase")
    def number(self, row: SubworkflowTask) -> str:
        """Show phase and number; for the Database Phase the document's number too."""
        known = DOCUMENT_NUMBERS.get(row.task_number, "") if row.parent_phase_id == DATABASE_PHASE else ""
        return f"{row.parent_phase_id}.{row.task_number}" + (f" ({known})" if known else "")

    @column("DART")
    def dart(self, row: SubworkflowTask) -> str:
        """Show the task's id in DART."""
        return row.dart_task_id or "–"

    def moves(self, row: SubworkflowTask) -> list[str]:
        """Offer what people do; of a blocked state one way out, for the service knows where it leads."""
        return [name for name in super().moves(row) if name in task_pages.SERVICES]

    def move(self, row: SubworkflowTask, name: str, actor: Actor, reason: str, seen: str) -> HistoricRow:
        """Ask the task's service."""
        verb = task_pages.SERVICES.get("unblock" if name == "resume" else name)
        if verb is None:
            raise TransitionRefused(f"Nobody can {name.replace('_', ' ')} “{row}” by hand.", "A rollback does it.")
        moved: HistoricRow = verb(task=row, actor=actor, reason=reason, seen_at=_seen(seen))
        return moved


def _workflows() -> list[tuple[str, str]]:
    return [(row.code, str(row)) for row in WorkflowCode.objects.all()]


def _layers() -> list[tuple[int, str]]:
    return [(row.number, str(row)) for row in Layer.objects.all()]


class ImpactForm(TrackedForm):
    """An impact."""

    affected_workflows = ManyField(_workflows, label="Affected workflows")
    affected_layers = ManyField(_layers, coerce=int, label="Affected layers")


@admin.register(GlobalImpact)
class ImpactAdmin(TrackedAdmin):
    """Impacts. What was approved stays as it is, apart from the notes about its implementation."""

    form = ImpactForm
    machine = IMPACT
    recorded = ("approval_status", "reviewed_by_personas", "created_at", "updated_at")
    list_display = ["description", "kind", "risk", "state", "workflows", "layers", "reviewed_by", "created_at"]
    list_filter = ["approval_status", "risk_assessment", "change_type", AffectedWorkflow, AffectedLayer]
    search_fields = ["impact_description", "mitigation_strategy", "implementation_notes", "affected_workflows"]
    date_hierarchy = "created_at"
    fieldsets = (
        (None, {"fields": ("impact_description", ("change_type", "risk_assessment"), "approval_status")}),
        ("Reach", {"fields": ("affected_workflows", "affected_layers", "change_detail")}),
        ("Answer", {"fields": ("mitigation_strategy", "implementation_notes")}),
        ("What happened", {"fields": ("reviewed_by_personas", ("created_at", "updated_at"))}),
    )
    kind = state_column("change_type", "Kind")
    risk = state_column("risk_assessment", "Risk")
    state = state_column("approval_status", "State")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> list[str]:
        """Keep what was approved as it is."""
        shown = super().get_readonly_fields(request, obj)
        if obj is None or obj.approval_status in OPEN_TO_CHANGE:
            return shown
        free = {"implementation_notes", "change_reason", "row_version"}
        return [name for name in self._all_fields(request, obj) if name not in free]

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let superusers delete what nobody approved; its history stays."""
        undecided = obj is None or getattr(obj, "approval_status", "") in OPEN_TO_CHANGE
        return bool(request.user.is_active and request.user.is_superuser and undecided)

    @column("Impact", order="impact_description")
    def description(self, row: GlobalImpact) -> str:
        """Show the beginning of the description."""
        text = row.impact_description
        return text if len(text) <= 90 else f"{text[:88]}…"

    @column("Workflows")
    def workflows(self, row: GlobalImpact) -> str:
        """List the workflows."""
        return ", ".join(row.affected_workflows) or "–"

    @column("Layers")
    def layers(self, row: GlobalImpact) -> str:
        """List the layers."""
        return ", ".join(map(str, row.affected_layers)) or "–"

    @column("Reviewed by")
    def reviewed_by(self, row: GlobalImpact) -> str:
        """List the personas that reviewed it."""
        return ", ".join(row.reviewed_by_personas) or "–"

    def move(self, row: GlobalImpact, name: str, actor: Actor, reason: str, seen: str) -> HistoricRow:
        """Ask the impact's service, or the coverage: an approval waits for the business impacts."""
        verb = coverage.approve if name == "approve" else getattr(services, f"impact_{name}")
        moved: HistoricRow = verb(impact=row, actor=actor, reason=reason, seen_at=_seen(seen))
        return moved


class EnumMigrationForm(TrackedForm):
    """An ENUM migration."""

    current_enum_values = LinesField(required=False)
    v7_enum_values = LinesField(required=False)
    consolidates_with = LinesField(required=False)
    affected_tables = LinesField(required=False)


@admin.register(EnumMigration)
class EnumMigrationAdmin(TrackedAdmin):
    """ENUM migrations. One that was made is rolled back, not deleted."""

    form = EnumMigrationForm
    machine = ENUM_MIGRATION
    recorded = (*("status", "approved_by", "implemented_at", "validated_at", "retired_at", "created_at", "updated_at"),)
    list_display = ["current_enum_name", "v7_enum_name", "state", "risk", "values", "tables", "approved_by"]
    list_filter = ["status", "risk_level", "v7_enum_name"]
    search_fields = ["current_enum_name", "v7_enum_name", "consolidates_with", "affected_tables"]
    date_hierarchy = "updated_at"
    fieldsets = (
        (None, {"fields": (("current_enum_name", "v7_enum_name"), ("current_enum_values", "v7_enum_values"))}),
        ("State", {"fields": (("status", "risk_level"), "approved_by")}),
        ("Reach", {"fields": (("consolidates_with", "affected_tables"), "affected_columns")}),
        ("Scripts", {"fields": ("migration_script", "rollback_script")}),
        (
            "What happened",
            {"fields": (("implemented_at", "validated_at"), "retired_at", ("created_at", "updated_at"))},
        ),
    )
    state = state_column("status", "State")
    risk = state_column("risk_level", "Risk")

    @column("Values")
    def values(self, row: EnumMigration) -> str:
        """Count the values before and after."""
        return f"{len(row.current_enum_values)} → {len(row.v7_enum_values)}"

    @column("Tables")
    def tables(self, row: EnumMigration) -> int:
        """Count the tables it touches."""
        return len(row.affected_tables)

    def move(self, row: EnumMigration, name: str, actor: Actor, reason: str, seen: str) -> HistoricRow:
        """Ask the ENUM migration's service."""
        verb = getattr(services, f"enum_migration_{name}")
        moved: HistoricRow = verb(row=row, actor=actor, reason=reason, seen_at=_seen(seen))
        return moved


@admin.register(TestResult)
class TestResultAdmin(TrackedAdmin):
    """Test results."""

    recorded = ("tested_by", "tested_at")
    list_display = ["component_tested", "kind", "outcome", "compatible", "retest_required", "tested_by", "tested_at"]
    list_filter = ["test_status", "test_type", "retest_required", "backwards_compatible", "tested_at"]
    search_fields = ["component_tested", "v7_file_path", "error_details", "tested_by", "notes"]
    date_hierarchy = "tested_at"
    fieldsets = (
        (None, {"fields": (("component_tested", "v7_file_path"), ("test_type", "test_status"), "error_details")}),
        ("Consequences", {"fields": (("backwards_compatible", "retest_required"), "notes")}),
        ("Measured", {"fields": ("performance_metrics", ("tested_by", "tested_at"))}),
    )
    kind = state_column("test_type", "Kind")
    outcome = state_column("test_status", "Outcome")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let superusers delete a result that was entered by mistake; its history stays."""
        return bool(request.user.is_active and request.user.is_superuser)

    @column("Compatible", order="backwards_compatible", boolean=True)
    def compatible(self, row: TestResult) -> bool | None:
        """Say whether it is backwards compatible; unknown is neither."""
        return row.backwards_compatible

    def save_model(self, request: HttpRequest, obj: TestResult, form: Any, change: bool) -> None:
        """Save the result under the name of whoever entered it."""
        if not change:
            obj.tested_by = request.user.get_username()
        super().save_model(request, obj, form, change)
