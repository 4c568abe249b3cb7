"""Stopping a run (document 5.4, step 1): the runner obeys before its next COMMIT, so its step is rolled back."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from django.contrib.auth.models import User
from psycopg.errors import QueryCanceled

from approvals.gates import ARCHITECT, DB_TEAM_LEAD
from approvals.selectors import personas_of
from v7migration.errors import Refused, StepFailed
from v7migration.ledger.models import Run, RunState
from v7migration.ledger.services import append_event, request_stop
from v7migration.pipeline import settle
from v7migration.pipeline.target import Connection, runner
from v7migration.postgres.cancel import cancel_statement
from v7migration.postgres.session import run_lock

STOPPERS = frozenset({DB_TEAM_LEAD, ARCHITECT})
PATIENCE = 60.0
"""Seconds for which an emergency waits for a run that was asked to stop; a short step ends within a few."""
CANCELS_FOR = 20.0
"""Seconds for which ``v7_stop --now`` cancels what the run executes, until the run stands."""


class Stopped(StepFailed):
    """Somebody stopped the run; finished steps remain."""


def running() -> Run:
    """Return the execution that is at work.

    Raises:
        Refused: nothing runs; the message says where the newest run stands.
    """
    executions = Run.objects.filter(kind=Run.Kind.EXECUTE).select_related("changeset__snapshot")
    if (run := executions.filter(state=RunState.RUNNING).first()) is not None:
        return run
    newest = executions.first()
    stands = f"run {newest.pk} is {newest.get_state_display().lower()}" if newest else "there was no run yet"
    raise Refused(f"Nothing is running ({stands}), so there is nothing to stop.", "v7_status says what is next.")


def stop(*, run: Run, person: User, reason: str) -> None:
    """Ask a running run to stop, as a DB Team Lead or The Architect.

    Raises:
        Refused: the person holds neither persona, or the run is not running.
    """
    if not personas_of(person) & STOPPERS:
        who = " or ".join(sorted(STOPPERS))
        raise Refused(f"{person.get_username()} holds neither {who} and may not stop a run.", f"Ask a {who}.")
    request_stop(run=run, actor=person.get_username(), reason=reason)


def cancel(*, run: Run, person: User) -> tuple[bool, int]:
    """Cancel what a run that was asked to stop executes, again and again, until it stands.

    Returns whether it stands, and how many statements were cancelled.

    Raises:
        Refused: the target cannot be reached as the runner.
    """
    cancelled, deadline = 0, time.monotonic() + CANCELS_FOR
    with runner(application_name=f"v7_stop by {person.get_username()}", needs_file_audit=False) as connection:
        while (at_work := _is_running(run)) and time.monotonic() < deadline:
            if (pid := cancel_statement(connection)) is not None:
                cancelled += 1
                told = {"process": pid}
                append_event(kind="run.cancelled", actor=person.get_username(), subject=str(run.pk), payload=told)
            time.sleep(0.25)
    return not at_work, cancelled


def _is_running(run: Run) -> bool:
    return Run.objects.filter(pk=run.pk, state=RunState.RUNNING).exists()


def obey(run: Run) -> None:
    """End a run at this place if somebody asked for it; the step at work has not committed.

    Raises:
        Stopped: with the name of who asked.
    """
    if asked_by := Run.objects.values_list("stop_requested_by", flat=True).get(pk=run.pk):
        raise Stopped(
            f"{asked_by} stopped the run; the step was rolled back.", "v7_execute goes on; v7_rollback goes back."
        )


@contextmanager
def obeyed(run: Run) -> Iterator[None]:
    """Take a cancelled look at the target, between two steps, for the stop that it follows from.

    Raises:
        Stopped: somebody asked the run to stop.
    """
    try:
        yield
    except QueryCanceled:
        obey(run)
        raise


@contextmanager
def all_work_stopped(
    connection: Connection, *, run: Run, operator: str, emergency: bool, told: Callable[[str], None]
) -> Iterator[bool]:
    """Hold the run's lock, which proves that no run is at work; yield whether a run was asked to stop before.

    Args:
        connection: the session that keeps the lock.
        run: the execution to take back.
        operator: username of the person at work.
        emergency: a run that is at work is asked to stop, and waited for.
        told: hears that it waits.

    Raises:
        Refused: the lock is still held; who holds it, and what to do.
    """
    asked = emergency and _ask(run, operator)
    if asked:
        told(f"Run {run.pk} is at work and was asked to stop; it obeys before its next COMMIT.")
    with ExitStack() as stack:
        try:
            stack.enter_context(run_lock(connection, patience=PATIENCE if asked else settle.PATIENCE))
        except Refused as taken:
            if not asked:
                raise
            raise Refused(
                f"{taken.message} It was asked to stop, but its statement has not ended in {PATIENCE:.0f} seconds.",
                "It obeys before its next COMMIT; v7_stop --now cancels the statement. Then run v7_rollback again.",
            ) from taken
        yield asked


def _ask(run: Run, operator: str) -> bool:
    with suppress(Refused):
        request_stop(run=run, actor=operator, reason="an emergency rollback")
        return True
    return False
