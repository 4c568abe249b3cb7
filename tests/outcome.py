"""What a disturbed run must lead to: the same as the run that nobody disturbed, or the same as no run at all.

An anomaly is *lost* (something that was committed or written is missing), *doubled* (a step, a row or an event is
there twice) or *unexplained* (any other difference).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import psycopg
from django.conf import settings
from psycopg import sql

from tests.world import World, world_at
from tracking import home, moving
from tracking.models import SubworkflowTask
from v7migration.ledger.models import EmergencyStep, Event, Incident, Run, RunState, RunStep
from v7migration.pipeline import tasks
from v7migration.pipeline.emergency import NOTIFY, ROLL_BACK, STOP, VERIFY
from v7migration.postgres import catalog
from v7migration.postgres.script import parse, plan_order
from v7migration.postgres.session import pin_output

LOST, DOUBLED, UNEXPLAINED = "lost", "doubled", "unexplained"
Anomaly = tuple[str, str]
Rows = dict[str, tuple[int, str]]
DONE = ("in_progress", "review", "completed")
"""How a task goes to its end, by its evidence."""
BACK = "pending"
"""Where a rollback leads a task; one of a run that never finished has not moved at all."""


@dataclass(frozen=True)
class Undisturbed:
    """Where every run starts (catalogs, planning rows, files) and what one without a fault leads to."""

    before: dict[str, Any]
    after: dict[str, Any]
    rows: Rows
    files: list[tuple[object, ...]]
    steps: tuple[str, ...]
    way_back: tuple[str, ...]


def undisturbed() -> Undisturbed:
    """Look at the stages ``signed`` and ``executed``."""
    world = world_at("signed")
    before, rows, files = catalogs(world), planning_rows(), file_rows(world)
    script = parse(settings.V7_SCRIPT.read_bytes())
    steps = tuple(step.key for section, _ in plan_order(script) for step in section.steps)
    assert script.rollback is not None
    back = tuple(step.key for step in script.rollback.steps)
    return Undisturbed(before, catalogs(world_at("executed")), rows, files, steps, back)


def catalogs(world: World) -> dict[str, Any]:
    """Return what the catalogs of the target say."""
    with world.owner() as connection:
        return catalog.snapshot(connection)


@dataclass(frozen=True)
class Unmoved(moving.Table):
    """The history of the tasks without the moves that a run makes, as their evidence: :func:`_moves` compares them."""

    def select(self, columns: tuple[str, ...] | None = None) -> sql.Composed:
        """Return the query of the rows that are nobody's move of a task of the run."""
        return sql.SQL("SELECT {} FROM {} WHERE NOT (history_type = '~' AND {}) ORDER BY {}").format(
            moving.identifiers(columns or self.columns), sql.Identifier(self.name), sql.SQL(OF_A_RUN),
            moving.identifiers(self.order),
        )  # fmt: skip


OF_A_RUN = "parent_phase = 4 AND task_number >= 4"


def _tables() -> Iterator[moving.Table]:
    """Yield what moves between the homes; of the tasks what no run changes: it is the evidence of some of them."""
    signed = {table.name: columns for table, columns in moving.signed_tables()}
    for table in moving.tracked_tables():
        if table.name == SubworkflowTask._meta.db_table:
            yield replace(table, columns=signed[table.name])
        elif table.name == SubworkflowTask.history.model._meta.db_table:
            yield Unmoved(table.name, table.columns, table.key, table.order)
        else:
            yield table


def planning_rows() -> Rows:
    """Return number and digest of the rows of every table in the planning home."""
    return {table.name: moving.digest(moving.control_connection(), table) for table in _tables()}


def live_rows(world: World) -> Rows:
    """Return number and digest of the rows of every table in the live home."""
    with world.runner() as connection, connection.transaction():
        pin_output(connection)
        connection.execute("SET LOCAL search_path = public, v7_monitoring, v7_history, migration_gate")
        return {table.name: moving.digest(connection, table) for table in _tables()}


def file_rows(world: World) -> list[tuple[object, ...]]:
    """Return the application's columns of file_audit, and which transaction wrote each row version."""
    with world.owner() as connection:
        return connection.execute(
            "SELECT id, file_number, file_path, status, workflows, notes, updated_at, xmin::text "
            "FROM file_audit ORDER BY id"
        ).fetchall()


# -- verdicts --------------------------------------------------------------------------------------------------


def of_execution(world: World, expected: Undisturbed, *, incidents: int = 0) -> list[Anomaly]:
    """Compare a run that went on to its end with the undisturbed one; no anomaly, no difference.

    Args:
        incidents: how many a rollback that died had opened before.
    """
    run = Run.objects.get(kind="execute")
    return [
        *_equal("state of the run", (RunState.FINISHED.value, True), (run.state, run.populated)),
        *_equal("proof of integrity", True, run.report.get("integrity", {}).get("ok")),
        *_equal("home", (home.LIVE, True), (home.read(), home.is_open())),
        *_catalogs(expected.after, catalogs(world)),
        *_rows("live home", expected.rows, live_rows(world)),
        *_rows("planning home", expected.rows, planning_rows()),
        *_equal("file_audit", expected.files, file_rows(world)),
        *_steps(world, run, expected.steps),
        *_events(),
        *_incidents(incidents),
        *_moves(DONE),
    ]


def of_rollback(world: World, expected: Undisturbed) -> list[Anomaly]:
    """Compare a run that was taken back with the state before it."""
    executed = Run.objects.get(kind="execute")
    finished = list(executed.rollbacks.filter(state="finished"))
    if len(finished) != 1:
        return [(DOUBLED if finished else LOST, f"{len(finished)} finished rollbacks; the run is {executed.state}")]
    done = finished[0]
    touched = bool(_ledger(world, done))
    return [
        *_equal("state of the run", RunState.ROLLED_BACK.value, executed.state),
        *_equal("proof of the rollback", (True, []), (done.report.get("as_before"), done.report.get("drift"))),
        *_equal("home", (home.PLANNING, True), (home.read(), home.is_open())),
        *_catalogs(expected.before, catalogs(world)),
        *_rows("planning home", expected.rows, planning_rows()),
        *_equal("file_audit", [row[:7] for row in expected.files], [row[:7] for row in file_rows(world)]),
        *_steps(world, done, expected.way_back if touched or _ledger(world, executed) else ()),
        *_events(),
        *_incidents(1),
        *_moves((*DONE, BACK)),
        *_protocol(executed),
    ]


def of_nothing(world: World, expected: Undisturbed) -> list[Anomaly]:
    """Compare a world in which no run has begun with the one before any run."""
    return [
        *_equal("runs", 0, Run.objects.count()),
        *_equal("home", (home.PLANNING, True), (home.read(), home.is_open())),
        *_catalogs(expected.before, catalogs(world)),
        *_rows("planning home", expected.rows, planning_rows()),
        *_equal("file_audit", expected.files, file_rows(world)),
    ]


def _equal(what: str, expected: object, found: object) -> Iterator[Anomaly]:
    if found != expected:
        yield UNEXPLAINED, f"{what}: {_short(found)} instead of {_short(expected)}"


def _short(value: object) -> str:
    return text if len(text := repr(value)) < 300 else text[:300] + "…"


def _moves(expected: tuple[str, ...]) -> Iterator[Anomaly]:
    """The tasks of the execution moved once as far as the run carries them, and back with it, when a command looked."""
    tasks.catch_up()
    for task in SubworkflowTask.objects.filter(parent_phase__phase_number=4, task_number__in=(4, 5, 6)):
        moved = tuple(task.history.filter(history_type="~").order_by("history_date").values_list("status", flat=True))
        if moved != expected and not (BACK in expected and not moved):
            verdict = DOUBLED if len(moved) > len(expected) else LOST
            yield verdict, f"{task} went {' > '.join(moved)} instead of {' > '.join(expected)}"


def _catalogs(expected: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[Anomaly]:
    if found == expected:
        return
    left, right = expected["objects"], found["objects"]
    yield from ((LOST, f"the target has no {name}") for name in sorted(left.keys() - right.keys()))
    yield from ((UNEXPLAINED, f"the target has {name} too") for name in sorted(right.keys() - left.keys()))
    yield from (
        (UNEXPLAINED, f"{name} of the target: {_short(right[name])} instead of {_short(left[name])}")
        for name in sorted(left.keys() & right.keys())
        if left[name] != right[name]
    )


def _rows(where: str, expected: Rows, found: Rows) -> Iterator[Anomaly]:
    for name, (number, digest) in expected.items():
        now, sha = found[name]
        if (now, sha) != (number, digest):
            verdict = LOST if now < number else DOUBLED if now > number else UNEXPLAINED
            yield verdict, f"{where}: {name} has {now} rows ({sha[:12]}) instead of {number} ({digest[:12]})"


def _steps(world: World, run: Run, expected: tuple[str, ...]) -> Iterator[Anomaly]:
    """Each step once in the target's ledger, once committed in the control plane, no intent without an outcome."""
    ledger = Counter(_ledger(world, run))
    told = Counter(run.steps.filter(state=RunStep.State.COMMITTED).values_list("key", flat=True))
    for where, counted in (("the target's ledger", ledger), ("the run's account", told)):
        for key in expected:
            if counted[key] != 1:
                yield (DOUBLED if counted[key] else LOST), f"step {key} is {counted[key]} times in {where}"
        yield from ((UNEXPLAINED, f"{where} has a step {key}") for key in counted if key not in expected)
    for key in RunStep.objects.filter(state=RunStep.State.INTENT).values_list("key", flat=True):
        yield UNEXPLAINED, f"the intent of step {key} has no outcome"
    for state in Run.objects.filter(state=RunState.RUNNING).values_list("kind", flat=True):
        yield UNEXPLAINED, f"a run ({state}) still says that it is running"


def _ledger(world: World, run: Run) -> list[str]:
    with world.runner() as connection:
        try:
            rows = connection.execute("SELECT step FROM migration_gate.run_ledger WHERE run_id = %s", [run.pk])
        except psycopg.errors.UndefinedTable:
            return []
        return [str(row[0]) for row in rows.fetchall()]


def _events() -> Iterator[Anomaly]:
    """Each run began once and ended once in the log."""
    counted = Counter(Event.objects.filter(kind__startswith="run.").values_list("subject", "kind"))
    for run in Run.objects.all():
        kinds = ["run.started"]
        if run.kind == Run.Kind.EXECUTE and run.finished_at is not None:
            kinds.append("run.finished")
        about = {kind: counted[str(run.pk), kind] for kind in kinds}
        if (run.kind, run.state) == (Run.Kind.ROLLBACK, RunState.FINISHED):
            about["run.rolled_back"] = counted[str(run.undoes_id or run.pk), "run.rolled_back"]
        for kind, times in about.items():
            if times != 1:
                yield (DOUBLED if times else LOST), f"the log tells {times} times of {kind} ({run.kind} {run.state})"


def _incidents(expected: int) -> Iterator[Anomaly]:
    """Nobody is asked for the root cause of a fault that was nobody's; a rollback has its one incident."""
    titles = list(Incident.objects.values_list("title", flat=True))
    if len(titles) != expected:
        yield (DOUBLED if len(titles) > expected else LOST), f"{expected} incidents, not {titles}"


def _protocol(executed: Run) -> Iterator[Anomaly]:
    """The steps of the emergency protocol that the rollback takes stand once each."""
    taken = Counter(EmergencyStep.objects.filter(emergency__run=executed).values_list("number", flat=True))
    for number in (STOP, NOTIFY, ROLL_BACK, VERIFY):
        if taken[number] != 1:
            yield (DOUBLED if taken[number] else LOST), f"step {number} of the emergency is {taken[number]} times there"
