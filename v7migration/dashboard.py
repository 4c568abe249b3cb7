"""The admin's index: where the migration stands, read through the selectors that all pages use.

Every part is read on its own. A database that does not answer takes its part off the page and is named there;
the rest of the page still says what it knows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from typing import Any, TypeVar

from django.db import Error, connections
from django.db.models import Count
from django.http import HttpRequest

from approvals.selectors import personas_of
from tracking import home
from tracking import selectors as tracked
from tracking.choices import EnumMigrationStatus, FileStatus, PhaseStatus, Risk, TaskStatus, severity
from tracking.models import File, GlobalImpact, MigrationDashboard, Phase, SubworkflowTask
from tracking.models.base import database_times
from v7migration.ledger.models import Incident
from v7migration.pipeline import escalation, gatekeeper
from v7migration.pipeline.criteria import Criterion, criteria
from v7migration.pipeline.standing import NextAction, Standing, nothing_frozen, standing

LONG_IN_PROGRESS = timedelta(days=2)
SHOWN = 5
Part = TypeVar("Part")


@dataclass(frozen=True)
class PhaseLine:
    """One phase: its line of ``tracking.selectors.dashboard`` and how far its tasks are."""

    row: tracked.DashboardRow
    label: str

    @property
    def percent(self) -> int:
        """Return how many of a hundred tasks are done, 0 without tasks."""
        return round(100 * self.row.completed_tasks / self.row.total_tasks) if self.row.total_tasks else 0


@dataclass(frozen=True)
class Share:
    """One part of a whole, as a bar shows it: its state, its name, its number and its share of a hundred."""

    state: str
    label: str
    count: int
    percent: float


@dataclass(frozen=True)
class Phases:
    """The seven phases, and what of them differs from the view in the target (live home only)."""

    lines: list[PhaseLine]
    risk: str | None
    differences: list[str] = field(default_factory=list)
    compared: bool = False


@dataclass(frozen=True)
class Attention:
    """What somebody should look at today (DOMAIN: daily use)."""

    open: int
    done: int
    total: int
    blocked: list[SubworkflowTask]
    escalations: list[tracked.Escalation]
    long: list[SubworkflowTask]
    in_review: list[Phase]


@dataclass(frozen=True)
class Enums:
    """The consolidation of ENUM types in numbers."""

    types: int
    targets: int
    by_status: list[Share]
    worst: list[tracked.Consolidation]


@dataclass(frozen=True)
class LayerLine:
    """The files of one layer."""

    number: int | None
    name: str
    total: int
    migrated: int

    @property
    def percent(self) -> int:
        """Return how many of a hundred files have their V7 name."""
        return round(100 * self.migrated / self.total) if self.total else 0


@dataclass(frozen=True)
class Files:
    """The files of the target by state and by layer. There are no states before the run."""

    total: int
    by_status: list[Share]
    layers: list[LayerLine]
    has_states: bool
    score: float | None


@dataclass(frozen=True)
class Impacts:
    """The impacts nobody has decided on."""

    open: int
    worst: GlobalImpact | None


@dataclass(frozen=True)
class Place:
    """Where the rows are and whether they take writes."""

    live: bool
    is_open: bool


@dataclass(frozen=True)
class Gate:
    """The newest changeset at this moment, if any, and what happens next."""

    standing: Standing | None
    next_action: NextAction


@dataclass
class Board:
    """Everything on the page; a part that could not be read is None. ``silent`` names a database that is away."""

    place: Place | None = None
    phases: Phases | None = None
    gate: Gate | None = None
    attention: Attention | None = None
    enums: Enums | None = None
    files: Files | None = None
    impacts: Impacts | None = None
    incidents: list[escalation.Escalated] | None = None
    stops: list[str] | None = None
    criteria: tuple[Criterion, ...] | None = None
    silent: str = ""

    @property
    def criteria_met(self) -> int:
        """Return how many of the success criteria are met."""
        return sum(criterion.met for criterion in self.criteria or ())

    @property
    def missing(self) -> list[str]:
        """Name the parts that could not be read."""
        told = {"silent", "stops"}  # what stops all work is read with the impacts, which have a name of their own
        return [f.name for f in fields(self) if f.name not in told and getattr(self, f.name) is None]


def board() -> Board:
    """Read every part of the dashboard; what cannot be read is left out and named.

    A target that is away is asked once: each further question could wait for its connection to time out.
    """
    found = Board(silent="" if answers("target") else "target")
    reachable = not found.silent or home.current() == home.PLANNING
    found.incidents = _read(lambda: escalation.incidents(lead=None if reachable else escalation.USUAL_LEAD))
    if reachable:
        found.place, found.phases, found.gate = _read(place), _read(phases), _read(gate)
        found.attention, found.enums, found.impacts = _read(attention), _read(enums), _read(impacts)
        found.stops = _read(escalation.what_stops_all_work)
        found.criteria = _read(criteria)
    if not found.silent:
        found.files = _read(files)
    return found


def _read(part: Callable[[], Part]) -> Part | None:
    try:
        return part()
    except Error:
        return None


def answers(alias: str) -> bool:
    """Say whether a database answers."""
    try:
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT 1")
    except Error:
        return False
    return True


def place() -> Place:
    """Return the current home and whether its fence is open."""
    return Place(live=home.current() == home.LIVE, is_open=home.is_open())


def phases() -> Phases:
    """Return the seven phases; in the live home also compared with the view ``v7_migration_dashboard``."""
    rows = tracked.dashboard()
    lines = [PhaseLine(row, PhaseStatus(row.phase_status).label) for row in rows]
    risk = rows[0].highest_risk if rows else None
    if home.current() != home.LIVE:
        return Phases(lines, risk)
    viewed = {line.phase_number: line for line in MigrationDashboard.objects.all()}
    different = [
        f"Phase {row.phase_number}: {name} is {getattr(row, name)} here and {theirs} in the view"
        for row in rows
        for name in (f.name for f in fields(row))
        if (theirs := getattr(viewed.get(row.phase_number), name, "missing")) != getattr(row, name)
    ]
    return Phases(lines, risk, different, compared=True)


def gate() -> Gate:
    """Return the newest changeset's standing and the next action with its person."""
    newest = gatekeeper.latest()
    if newest is None:
        return Gate(None, nothing_frozen())
    now = standing(newest)
    return Gate(now, now.next_action)


def attention() -> Attention:
    """Return open, blocked and long-running tasks and the phases in review."""
    counts = dict(SubworkflowTask.objects.order_by().values_list("status").annotate(Count("pk")))
    since = database_times(home.alias())[1] - LONG_IN_PROGRESS
    under_way = SubworkflowTask.objects.filter(status=TaskStatus.IN_PROGRESS, started_at__lt=since)
    return Attention(
        open=sum(counts.get(status, 0) for status in tracked.OPEN_TASKS),
        done=counts.get(TaskStatus.COMPLETED, 0),
        total=sum(counts.values()),
        blocked=tracked.blocked_tasks(),
        escalations=tracked.escalations(),
        long=list(under_way.select_related("parent_phase").order_by("started_at")),
        in_review=list(Phase.objects.filter(status=PhaseStatus.REVIEW)),
    )


def enums() -> Enums:
    """Return how many ENUM types become how many, by status, and the riskiest consolidations."""
    lines = tracked.enum_consolidations()
    counts = dict.fromkeys(EnumMigrationStatus.values, 0)
    for line in lines:
        counts[line.status] += 1
    return Enums(
        types=sum(line.enums_to_consolidate for line in lines),
        targets=len(lines),
        by_status=_shares(counts, EnumMigrationStatus),
        worst=[line for line in lines if severity(line.risk_level) >= severity(Risk.HIGH)][:SHOWN],
    )


def files() -> Files:
    """Return the files of the target by V7 state and by layer (the application's own layers and names)."""
    live = home.current() == home.LIVE
    layers: dict[tuple[int | None, str], list[int]] = {}
    shape = ("layer_number", "layer_name", *(["v7_workflow_status"] if live else []))
    done = {FileStatus.MIGRATED, FileStatus.RETIRED}
    for number, name, *rest in File.objects.order_by().values_list(*shape).annotate(Count("pk")):
        line = layers.setdefault((number, name or ""), [0, 0])
        line[0] += rest[-1]
        line[1] += rest[-1] if live and rest[0] in done else 0
    ordered = sorted(layers.items(), key=lambda item: (item[0][0] is None, item[0][0] or 0, item[0][1]))
    return Files(
        total=sum(total for total, _ in layers.values()),
        by_status=_shares(tracked.files_by_status(), FileStatus),
        layers=[LayerLine(number, name, total, migrated) for (number, name), (total, migrated) in ordered],
        has_states=live,
        score=tracked.average_impact_score(),
    )


def impacts() -> Impacts:
    """Return how many impacts are undecided and the one with the highest risk."""
    undecided = tracked.open_impacts()
    return Impacts(len(undecided), undecided[0] if undecided else None)


def _shares(counts: dict[str, int], names: Any) -> list[Share]:
    total = sum(counts.values())
    present = {state: count for state, count in counts.items() if count}
    return [Share(state, names(state).label, count, round(100 * count / total, 2)) for state, count in present.items()]


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Put the board into the context of the admin's index, and whether it is the reader's turn."""
    found = board()
    mine = found.gate is not None and found.gate.next_action.persona in personas_of(request.user)
    return {**context, "title": "Dashboard", "board": found, "risks": dict(Risk.choices), "mine": mine}


def open_incidents() -> int:
    """Count the open incidents for the sidebar; 0 also while the control plane does not answer."""
    try:
        return Incident.objects.filter(state=Incident.State.OPEN).count()
    except Error:
        return 0
