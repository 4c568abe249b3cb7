"""Settle: decide from the fences and the target's ledger where the rows are, after whatever happened.

Runs under the run's advisory lock, from every command that acts and from a page that meets a closed fence
without a live run.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from django.db import connections, transaction
from django.utils import timezone

from tracking import home, moving
from v7migration.ledger.models import Run, RunState, RunStep
from v7migration.ledger.services import append_event
from v7migration.postgres.runner import committed_steps
from v7migration.postgres.session import RUN_LOCK

Connection = psycopg.Connection[Any]
UNFINISHED = (RunState.RUNNING, RunState.STOPPED, RunState.FAILED)


def settle(connection: Connection, *, may_open_target: bool = True) -> None:
    """Bring the fences and the account of runs in line with what the target says was committed.

    Args:
        connection: a session on the target that holds the run's lock.
        may_open_target: the session may write the target's fence (the runner's may, the web role's may not).
    """
    control = home.fence("default")
    if control is None or control.is_open:
        return
    rollback = Run.objects.filter(kind=Run.Kind.ROLLBACK, state=RunState.RUNNING).first()
    if rollback is not None and committed_steps(connection, rollback.pk):
        reconcile(rollback, committed_steps(connection, rollback.pk))
        finish_rollback(rollback)
        return
    if control.current_home == home.LIVE:
        if may_open_target and not _target_is_open(connection):
            moving.open_target_fence(connection)
            _end(rollback, "the rollback did not commit; the target's rows are open again")
        return
    if _target_is_open(connection):
        moving.open_planning_home(home=home.LIVE)
        append_event(kind="home.settled", subject="live", payload={"why": "the population had committed"})
        return
    run = Run.objects.filter(kind=Run.Kind.EXECUTE, state__in=UNFINISHED).first()
    if run is None or not committed_steps(connection, run.pk):
        moving.open_planning_home()
        _end(run, "nothing of it was committed; the planning rows are open again")


def _end(run: Run | None, why: str) -> None:
    if run is not None and run.state == RunState.RUNNING:
        Run.objects.filter(pk=run.pk).update(state=RunState.STOPPED)
        append_event(kind="run.stopped", subject=str(run.pk), payload={"why": why})


def _target_is_open(connection: Connection) -> bool:
    exists = connection.execute("SELECT to_regclass('migration_gate.fence') IS NOT NULL").fetchone()
    if not (exists and exists[0]):
        return False
    row = connection.execute("SELECT is_open FROM migration_gate.fence").fetchone()
    return bool(row and row[0])


def reconcile(run: Run, committed: Iterable[str]) -> None:
    """Finish the bookkeeping of intents without an outcome: the target's ledger says which were committed."""
    known = set(committed)
    for intent in run.steps.filter(state=RunStep.State.INTENT):
        intent.state = RunStep.State.COMMITTED if intent.key in known else RunStep.State.FAILED
        intent.finished_at = timezone.now()
        intent.detail = {"recovered": "read from the target's ledger: " + intent.state}
        intent.save(update_fields=["state", "finished_at", "detail"])


def finish_rollback(rollback: Run) -> None:
    """Close the account of a committed rollback: both runs end, and the planning home opens."""
    with transaction.atomic():
        now = timezone.now()
        executed = rollback.undoes
        if executed is not None:
            Run.objects.filter(pk=executed.pk).update(state=RunState.ROLLED_BACK)
            executed.incidents.exclude(state="closed").filter(state="remediated").update(state="closed")
        Run.objects.filter(pk=rollback.pk).update(state=RunState.FINISHED, finished_at=now)
        moving.open_planning_home()
    append_event(kind="run.rolled_back", actor=rollback.operator, subject=str(rollback.undoes_id or rollback.pk))


def settle_from_web() -> bool:
    """Settle from a page: only if no run is alive (its lock is free) and only the control plane's side.

    Returns whether the lock was free.
    """
    connections["target"].ensure_connection()
    session = connections["target"].connection
    free = session.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [RUN_LOCK]).fetchone()
    if not (free and free[0]):
        return False
    try:
        settle(session, may_open_target=False)
    finally:
        session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [RUN_LOCK])
    return True
