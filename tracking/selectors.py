"""What can be read from the tracked rows, the same in both homes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Avg, Count, Min, Q

from tracking import home
from tracking.actors import ARCHITECT, meant_by
from tracking.catalogue import DATABASE_PHASE, PRE_EXECUTION
from tracking.choices import EnumMigrationStatus, FileStatus, ImpactStatus, TaskStatus, highest, severity
from tracking.models import EnumMigration, File, FileMigrationReadiness, GlobalImpact, Phase, SubworkflowTask
from tracking.models.base import database_times

TO_THE_LEAD_AFTER = timedelta(hours=4)
TO_THE_ARCHITECT_AFTER = timedelta(hours=24)
PROGRESS = (
    EnumMigrationStatus.ROLLED_BACK,
    EnumMigrationStatus.PROPOSED,
    EnumMigrationStatus.APPROVED,
    EnumMigrationStatus.IMPLEMENTED,
    EnumMigrationStatus.VALIDATED,
    EnumMigrationStatus.RETIRED,
)
OPEN_TASKS = (TaskStatus.PENDING, TaskStatus.IN_PROGRESS, TaskStatus.BLOCKED, TaskStatus.REVIEW)


@dataclass(frozen=True)
class DashboardRow:
    """A line of the dashboard; the fields are the columns of v7_migration_dashboard."""

    phase_number: int
    phase_name: str
    phase_status: str
    lead_persona: str
    total_tasks: int
    completed_tasks: int
    migrated_files: int
    enum_migrations: int
    highest_risk: str | None


@dataclass(frozen=True)
class Consolidation:
    """One V7 type and what it takes the place of; the fields are the columns of v7_enum_consolidation_status."""

    v7_enum_name: str
    enums_to_consolidate: int
    source_enums: list[str]
    status: str
    risk_level: str
    affected_table_count: int


@dataclass(frozen=True)
class Escalation:
    """A task that has been blocked too long, since when, and to whom that goes (DOMAIN: 4 h lead, 24 h Architect)."""

    task: SubworkflowTask
    blocked_since: datetime
    to: str


def dashboard() -> list[DashboardRow]:
    """Return a line for each phase, equal to v7_migration_dashboard; no file is migrated in the planning home."""
    migrated = files_by_status()
    migrated_files = migrated[FileStatus.MIGRATED] + migrated[FileStatus.RETIRED]
    enums = EnumMigration.objects.count()
    risk = highest_risk()
    phases = Phase.objects.annotate(
        total=Count("tasks"), completed=Count("tasks", filter=Q(tasks__status=TaskStatus.COMPLETED))
    ).order_by("phase_number")
    return [
        DashboardRow(
            phase.phase_number,
            phase.phase_name,
            phase.status,
            phase.lead_persona,
            phase.total,
            phase.completed,
            migrated_files,
            enums,
            risk,
        )
        for phase in phases
    ]


def highest_risk() -> str | None:
    """Return the worst risk of any impact that is not rejected, None without impacts."""
    counted = GlobalImpact.objects.exclude(approval_status=ImpactStatus.REJECTED)
    return highest(list(counted.order_by().values_list("risk_assessment", flat=True).distinct()))


def tasks_waiting_for(personas: Iterable[str]) -> list[SubworkflowTask]:
    """Return the open tasks that somebody with these personas is responsible for, and whose turn it is."""
    held = frozenset(personas)
    completed = set(SubworkflowTask.objects.filter(status=TaskStatus.COMPLETED).values_list("pk", flat=True))
    rows = SubworkflowTask.objects.filter(status__in=OPEN_TASKS).select_related("parent_phase")
    meant = {name: meant_by(name) for name in {row.responsible_persona for row in rows}}
    return [
        row
        for row in rows
        if meant[row.responsible_persona] & held
        and (row.status != TaskStatus.PENDING or completed.issuperset(row.dependencies))
    ]


def phase_tasks(phase_number: int) -> list[SubworkflowTask]:
    """Return the tasks of a phase, in order."""
    return list(SubworkflowTask.objects.filter(parent_phase__phase_number=phase_number).select_related("parent_phase"))


def pre_execution_tasks() -> list[SubworkflowTask]:
    """Return the tasks 2.1.1 to 2.1.3, in order: what must be completed before anything is executed."""
    return [task for task in phase_tasks(DATABASE_PHASE) if task.document_number in PRE_EXECUTION]


def blocked_tasks() -> list[SubworkflowTask]:
    """Return the blocked tasks, by phase and number."""
    return list(SubworkflowTask.objects.filter(status=TaskStatus.BLOCKED).select_related("parent_phase"))


def blocked_since(tasks: Iterable[SubworkflowTask]) -> dict[object, datetime]:
    """Return since when each of some blocked tasks is blocked, by its history; by its last change without one."""
    since: dict[object, datetime] = {task.pk: task.updated_at for task in tasks}
    over: set[object] = set()
    versions = SubworkflowTask.history.filter(id__in=list(since)).order_by("-history_date")
    for pk, status, at in versions.values_list("id", "status", "history_date"):
        if status != TaskStatus.BLOCKED:
            over.add(pk)
        elif pk not in over:
            since[pk] = at
    return since


def escalations() -> list[Escalation]:
    """Return the tasks blocked for more than 4 hours (to the phase's lead) or 24 hours (to The Architect)."""
    tasks = blocked_tasks()
    if not tasks:
        return []
    since, now = blocked_since(tasks), database_times(home.alias())[1]
    found = [(task, since[task.pk], escalates_to(task, now - since[task.pk])) for task in tasks]
    return [Escalation(task, at, to) for task, at, to in found if to is not None]


def escalates_to(task: SubworkflowTask, waited: timedelta) -> str | None:
    """Return who takes a task up that has been blocked for so long, None while it is its owner's."""
    if waited > TO_THE_ARCHITECT_AFTER:
        return ARCHITECT
    return task.parent_phase.lead_persona if waited > TO_THE_LEAD_AFTER else None


def open_impacts() -> list[GlobalImpact]:
    """Return the impacts nobody has decided on, the worst risk first, older before newer."""
    undecided = GlobalImpact.objects.filter(
        approval_status__in=(ImpactStatus.PENDING, ImpactStatus.REVIEWING)
    ).order_by("created_at")
    return sorted(undecided, key=lambda impact: -severity(impact.risk_assessment))


def enum_consolidations() -> list[Consolidation]:
    """Return a line for each V7 type, equal to v7_enum_consolidation_status, the worst risk first."""
    merged: dict[str, list[EnumMigration]] = defaultdict(list)
    for row in EnumMigration.objects.order_by("current_enum_name"):
        merged[row.v7_enum_name].append(row)
    lines = [
        Consolidation(
            v7_enum_name=name,
            enums_to_consolidate=len(rows),
            source_enums=[row.current_enum_name for row in rows],
            status=min((row.status for row in rows), key=lambda status: PROGRESS.index(status)),
            risk_level=highest([row.risk_level for row in rows]) or "",
            affected_table_count=len({table for row in rows for table in row.affected_tables}),
        )
        for name, rows in merged.items()
    ]
    return sorted(lines, key=lambda line: (-severity(line.risk_level), line.v7_enum_name))


def files_by_status() -> dict[str, int]:
    """Return how many files stand where; all zero in the planning home, where the column does not exist."""
    counts = dict.fromkeys(FileStatus.values, 0)
    if home.current() == home.PLANNING:
        return counts
    rows = File.objects.order_by().values_list("v7_workflow_status").annotate(Count("pk"))
    counts.update({status: number for status, number in rows if status is not None})
    return counts


def average_impact_score() -> float | None:
    """Return the mean impact score of all files, None while none is scored."""
    if home.current() == home.PLANNING:
        return None
    found: float | None = File.objects.aggregate(mean=Avg("v7_impact_score"))["mean"]
    return found


def file_readiness() -> list[dict[str, object]]:
    """Return a line for each layer of file_audit: the columns of v7_file_migration_readiness by name.

    In the planning home the view and the status column do not exist: the files are counted, all states are zero.
    """
    if home.current() == home.LIVE:
        return list(FileMigrationReadiness.objects.order_by("layer_number").values())
    none_yet = {"avg_impact_score": None, **dict.fromkeys(FileStatus.values, 0)}
    rows = File.objects.order_by("layer_number").values_list("layer_number")
    layers = rows.annotate(Min("layer_name"), Count("pk"))
    return [
        {"layer_number": number, "layer_name": name, "total_files": files, **none_yet} for number, name, files in layers
    ]
