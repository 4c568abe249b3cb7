"""Settle: decide from the fences and the target's ledger where the rows are, after whatever happened.

Runs under the run's advisory lock, from every command that acts and from a page that meets a closed fence
without a live run. Whoever holds the lock knows that no run is alive: a run that says so died.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import django.db
import psycopg
from django.db import connections, transaction
from django.db.models import Q
from django.utils import timezone

from tracking import home, moving
from v7migration.errors import Refused
from v7migration.ledger.models import Incident, Run, RunState, RunStep
from v7migration.ledger.services import append_event
from v7migration.pipeline.account import tell
from v7migration.postgres import catalog
from v7migration.postgres.runner import ConnectionLost, committed_steps
from v7migration.postgres.session import RUN_LOCK

Connection = psycopg.Connection[Any]
UNFINISHED = (RunState.RUNNING, RunState.STOPPED, RunState.FAILED)
PATIENCE = 3.0
"""Seconds for which a command waits for the lock of a run that was just killed: its server session ends within one."""


def settle(connection: Connection, *, may_open_target: bool = True) -> list[str]:
    """Bring the fences and the account of runs in line with what the target says was committed.

    Returns what was found, in sentences: which run had died where, and what became of its last step.

    Args:
        connection: a session on the target that holds the run's lock.
        may_open_target: the session may write the target's fence (the runner's may, the web role's may not).

    Raises:
        Refused: this is not the target that the runs on record changed; nothing was touched.
    """
    if home.fence("default") is None:
        return []
    _refuse_another_target(connection)
    found: list[str] = []
    for rollback in Run.objects.filter(kind=Run.Kind.ROLLBACK).exclude(state=RunState.FINISHED):
        found += _settle_rollback(rollback, connection)
    unfinished = Run.objects.filter(kind=Run.Kind.EXECUTE, state__in=UNFINISHED)
    committed = {run.pk: committed_steps(connection, run.pk) for run in unfinished}
    for run in unfinished:
        found += reconcile(run, committed[run.pk])
        if run.state == RunState.RUNNING:
            _end(run, RunState.STOPPED, "its command ended without a word; finished steps remain")
            found.append(f"Run {run.pk} had ended without a word; {len(committed[run.pk])} of its steps are committed.")
    begun = [pk for pk, steps in committed.items() if steps]
    return found + _settle_home(connection, may_open_target=may_open_target, begun=begun)


def _refuse_another_target(connection: Connection) -> None:
    """Refuse a database that does not know the runs that changed the target: its silence would prove nothing."""
    identity = catalog.identity(connection)
    at_stake = (
        Run.objects.filter(kind=Run.Kind.EXECUTE)
        .exclude(state=RunState.ROLLED_BACK)
        .filter(steps__state__in=(RunStep.State.INTENT, RunStep.State.COMMITTED))
        .distinct()
        .values_list("pk", "state", "changeset__snapshot__system_identifier", "changeset__snapshot__database")
    )
    for pk, state, system_identifier, database in at_stake:
        same = (identity.system_identifier, identity.database) == (system_identifier, database)
        if (same and state != RunState.FINISHED) or committed_steps(connection, pk):
            continue
        raise Refused(
            f"Run {pk} changed the database {database}, but {identity.database} ({identity.host_label}) knows nothing "
            "of it.",
            "Name that run's target in TARGET_RUNNER_URL and TARGET_DATABASE_URL; if it was restored from a backup, "
            "restore the control plane to the same time.",
        )


def _settle_rollback(rollback: Run, connection: Connection) -> list[str]:
    """End a rollback whose command died: its Section 9 either committed, or changed nothing."""
    committed = committed_steps(connection, rollback.pk)
    found = reconcile(rollback, committed)
    if committed and (rollback.undoes is None or rollback.undoes.state != RunState.ROLLED_BACK):
        finish_rollback(rollback)
        found.append(f"The rollback {rollback.pk} had committed before its command ended; its account is closed now.")
    elif rollback.state == RunState.RUNNING:
        _end(rollback, RunState.FAILED, "the rollback did not commit")
        found.append(f"The rollback {rollback.pk} had ended without a COMMIT: Section 9 changed nothing.")
    return found


def _settle_home(connection: Connection, *, may_open_target: bool, begun: list[Any]) -> list[str]:
    control = home.fence("default")
    assert control is not None  # noqa: S101
    if control.current_home == home.LIVE:
        if may_open_target and not target_is_open(connection):
            moving.open_target_fence(connection)
            append_event(kind="home.settled", subject="live", payload={"why": "the rollback did not commit"})
            return ["The tracking rows stay in the target; its fence is open again."]
    elif control.is_open:
        return []
    elif target_is_open(connection):
        with transaction.atomic():
            moving.open_planning_home(home=home.LIVE)
            Run.objects.filter(pk__in=begun).update(populated=True)
            append_event(kind="home.settled", subject="live", payload={"why": "the population had committed"})
        return ["The population had committed: the target is the home of the tracking rows."]
    elif not begun:
        with transaction.atomic():
            moving.open_planning_home()
            append_event(kind="home.settled", subject="planning", payload={"why": "nothing was committed"})
        return ["Nothing was committed in the target: the planning home is open again."]
    return []


def _end(run: Run, state: RunState, why: str) -> None:
    with transaction.atomic():
        Run.objects.filter(pk=run.pk).update(state=state, stop_requested_by="")
        append_event(kind=f"run.{state.value}", subject=str(run.pk), payload={"why": why})
    tell(run, f"run.{state.value}", why=why)


def target_is_open(connection: Connection) -> bool:
    """Say whether the target's fence takes writes; a target without one does not."""
    exists = connection.execute("SELECT to_regclass('migration_gate.fence') IS NOT NULL").fetchone()
    if not (exists and exists[0]):
        return False
    row = connection.execute("SELECT is_open FROM migration_gate.fence").fetchone()
    return bool(row and row[0])


def reconcile(run: Run, committed: Iterable[str]) -> list[str]:
    """Finish the bookkeeping of intents without an outcome: the target's ledger says which were committed.

    Returns a sentence for each.
    """
    known, found = set(committed), []
    for intent in run.steps.filter(state=RunStep.State.INTENT):
        intent.state = RunStep.State.COMMITTED if intent.key in known else RunStep.State.FAILED
        intent.finished_at = timezone.now()
        intent.detail = {"recovered": "read from the target's ledger: " + intent.state}
        intent.save(update_fields=["state", "finished_at", "detail"])
        what = "was committed" if intent.key in known else "left nothing"
        found.append(f"Step {intent.key} had no outcome on record: the target's ledger says that it {what}.")
        tell(run, "step.recovered", step=intent.key, attempt=intent.attempt, state=intent.state)
    return found


def finish_rollback(rollback: Run) -> None:
    """Close the account of a committed rollback: both runs end, and the planning home opens."""
    with transaction.atomic():
        now = timezone.now()
        executed = rollback.undoes
        if executed is not None:
            Run.objects.filter(pk=executed.pk).update(state=RunState.ROLLED_BACK)
            Incident.objects.filter(Q(run=executed) | Q(run__undoes=executed), state=Incident.State.REVIEWED).update(
                state=Incident.State.CLOSED
            )
        Run.objects.filter(pk=rollback.pk).update(state=RunState.FINISHED, finished_at=now)
        moving.open_planning_home()
        append_event(kind="run.rolled_back", actor=rollback.operator, subject=str(rollback.undoes_id or rollback.pk))


@contextmanager
def answering(connection: Connection) -> Iterator[None]:
    """Turn a database that stops answering into a typed error; what it had committed the next command reads.

    Raises:
        ConnectionLost: the target's session ended.
        ControlLost: the control plane's session ended, or it has no room to write.
    """
    try:
        yield
    except (psycopg.Error, django.db.Error) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        if connection.closed:
            raise ConnectionLost(
                f"The session to the target ended: {reason}.",
                "Run the same command again: it reads from the target what was committed, and goes on from there.",
            ) from error
        if _ended_a_session(error):
            raise moving.control_lost(reason) from error
        if (getattr(_cause(error), "sqlstate", "") or "").startswith("53"):  # the target's would be a step's error
            raise moving.control_lost(reason, what="cannot write") from error
        raise


def _cause(error: BaseException) -> BaseException | None:
    """Return the driver's error: what Django raises has it as its cause."""
    return error if isinstance(error, psycopg.Error) else error.__cause__


def _ended_a_session(error: BaseException) -> bool:
    """Say whether an error means that its session is gone (Django may have opened another one since)."""
    cause = _cause(error)
    if isinstance(cause, psycopg.InterfaceError):
        return True
    return isinstance(cause, psycopg.OperationalError) and (cause.sqlstate or "08").startswith(("08", "57P"))


def reconnect() -> None:
    """Drop a dead session of the control plane, so that the next query opens a new one."""
    control = connections["default"]
    if control.connection is not None and not control.is_usable():
        control.close()


def after_trouble(connection: Connection) -> None:
    """Settle after a command that failed, as far as both databases still answer; the next command does the rest."""
    reconnect()
    if not connection.closed:
        with suppress(psycopg.Error, django.db.Error, Refused):
            settle(connection)


def settle_from_web() -> bool:
    """Settle from a page: only if no run is alive (its lock is free) and only the control plane's side.

    Returns whether it was settled; a target that does not answer, or is another one, leaves everything as it is.
    """
    target = connections["target"]
    try:
        target.ensure_connection()
        session: Connection = target.connection
        free = session.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [RUN_LOCK]).fetchone()
        if not (free and free[0]):
            return False
        try:
            settle(session, may_open_target=False)
        finally:
            session.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [RUN_LOCK])
    except (psycopg.Error, django.db.Error):
        target.close()
        return False
    except Refused:
        return False
    return True
