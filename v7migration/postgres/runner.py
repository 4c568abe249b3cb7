"""Runs the steps of a script on a PostgreSQL session. Rehearsal, run and rollback use this one engine.

A *transactional* step is one transaction: its statements, its row in ``migration_gate.run_ledger``, its
COMMIT. A step that cannot be in a transaction (a concurrent index) has its truth in the catalog.
What surrounds a step (intents, the gate) is the caller's: see :class:`Hooks`.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg
from psycopg import errors as pg
from psycopg import sql
from psycopg.pq import TransactionStatus

from v7migration.errors import StepFailed
from v7migration.postgres.concurrent import drop_invalid_indexes, is_built
from v7migration.postgres.script import Statement, Step
from v7migration.postgres.session import Limits, blockers, set_local, settings

Connection = psycopg.Connection[tuple[object, ...]]
ALREADY_EXISTS = {"42P07", "42701", "42P06", "42710", "42723"}
RETRIED = (pg.LockNotAvailable, pg.DeadlockDetected, pg.SerializationFailure)
LOOKS_EVERY = 0.08
"""Seconds between two looks at who blocks a step; a lock timeout must leave time for several."""
SCARCE = 0.1
"""The share of the lock timeout that a later statement of a step gets at least, when earlier ones waited."""


@dataclass
class StepError(Exception):
    """Why a step failed: the server's own words, with the line in the script."""

    step: str
    line: int
    sqlstate: str
    message: str
    hint: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the error as JSON-able data."""
        return {
            "step": self.step,
            "line": self.line,
            "sqlstate": self.sqlstate,
            "message": self.message,
            "hint": self.hint,
        }


@dataclass(frozen=True)
class _Notice:
    """What the server said beside a result. The driver's own object is empty once its handler has returned."""

    sqlstate: str
    message: str
    function: str

    @classmethod
    def of(cls, said: psycopg.errors.Diagnostic) -> _Notice:
        return cls(said.sqlstate or "", said.message_primary or "", said.source_function or "")

    @property
    def says_missing(self) -> bool:
        """Whether a DROP … IF EXISTS passed over a missing object (not all such notices come from one C function)."""
        skipped = self.sqlstate == "00000" and self.message.endswith(", skipping")
        return skipped or self.function == "does_not_exist_skipping"


class ConnectionLost(StepFailed):
    """The session to the target ended: whether the step committed is read from the target's ledger."""


@dataclass
class Hooks:
    """What the caller does around a step."""

    began: Callable[[str, int], None] = lambda xid, pid: None
    statement: Callable[[Statement, int, int], None] = lambda statement, number, total: None
    done: Callable[[Connection, Statement, dict[str, Any]], None] = lambda connection, statement, account: None
    """Told after each statement, in its transaction; it may add to the statement's account."""
    opening: Callable[[Connection], None] = lambda connection: None
    inside: Callable[[Connection], None] = lambda connection: None
    skipping: Callable[[str], bool] = lambda message: False
    committing: Callable[[], AbstractContextManager[Any]] = nullcontext
    waiting: Callable[[int, list[dict[str, object]], float], None] = lambda attempt, blocking, pause: None
    lasting: Callable[[float, list[dict[str, object]]], None] = lambda seconds, blocking: None
    """Told from another thread, while an attempt lasts: for how long, and which sessions block it now."""
    observer: Callable[[], Connection] | None = None
    ledger: bool = True
    tried_before: bool = False
    """An earlier attempt may have built a concurrent index without recording it: take it as built."""


@dataclass
class Done:
    """What a step did: milliseconds in all and per statement, attempts, notices."""

    milliseconds: float
    attempts: int
    statements: list[dict[str, Any]] = field(default_factory=list)


def run_step(
    connection: Connection, step: Step, *, run_id: UUID, digest: str, hooks: Hooks, limits: Limits | None = None
) -> Done:
    """Run one step to its COMMIT, trying again while locks are taken.

    Args:
        connection: an idle autocommit session.
        step: the step to run.
        run_id: key of the ledger rows.
        digest: recorded with the ledger row (the changeset's).
        hooks: see :class:`Hooks`.
        limits: timeouts and tries.

    Raises:
        StepError: the step failed and left nothing.
        ConnectionLost: the session ended; the outcome must be read from the ledger.
    """
    limits = limits or Limits()
    once = _transaction if step.transactional else _concurrent
    lock_timeout, vacuums = limits.lock_timeout, 0
    started = time.monotonic()
    for attempt in range(1, limits.tries + 1):
        try:
            with _watched(connection, hooks) as seen:
                statements = once(connection, step, run_id, digest, hooks, limits, lock_timeout)
        except StepError as error:
            if error.sqlstate not in {c.sqlstate for c in RETRIED} or attempt == limits.tries:
                raise
            vacuums += any(b["autovacuum"] for b in seen)
            if vacuums > limits.postponed:
                lock_timeout = max(lock_timeout, _longer_than_a_vacuum(connection))
            pause = _pause(attempt, limits, lock_timeout)
            hooks.waiting(attempt, seen, pause)
            time.sleep(pause)
        else:
            return Done((time.monotonic() - started) * 1000, attempt, statements)
    raise AssertionError("unreachable: the last try raises")


def _longer_than_a_vacuum(connection: Connection) -> int:
    """Return the lock timeout (milliseconds) before which a running autovacuum gives way to us.

    The server cancels it for a waiting session only after ``deadlock_timeout``: a shorter wait never gets past it.
    Until ``Limits.postponed`` attempts met one, the step was postponed instead, so that the application waited less.
    """
    row = connection.execute("SELECT setting::int FROM pg_settings WHERE name = 'deadlock_timeout'").fetchone()
    return int(str(row[0])) + 500 if row else 1_500


def _pause(attempt: int, limits: Limits, lock_timeout: int) -> float:
    """Return seconds of jittered, doubling back-off, at least nine times the lock timeout (a low duty)."""
    longest: int = min(limits.longest_pause, limits.first_pause * 2**attempt)
    return max(random.uniform(0.5, 1.0) * longest, 9 * lock_timeout * random.uniform(1.0, 1.2)) / 1000  # noqa: S311


@contextmanager
def _watched(connection: Connection, hooks: Hooks) -> Iterator[list[dict[str, object]]]:
    """Note who blocks the step and tell how long it lasts, from a second thread on the caller's second session."""
    seen: list[dict[str, object]] = []
    if hooks.observer is None:
        yield seen
        return
    observer, pid, over = hooks.observer(), connection.info.backend_pid, threading.Event()

    began = time.monotonic()

    def look() -> None:
        while not over.wait(LOOKS_EVERY):
            try:
                found = blockers(observer, pid)
            except psycopg.Error:
                return
            if found:
                seen[:] = found
            hooks.lasting(time.monotonic() - began, found)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


def _transaction(
    connection: Connection, step: Step, run_id: UUID, digest: str, hooks: Hooks, limits: Limits, lock_timeout: int
) -> list[dict[str, Any]]:
    try:
        with _located(connection, step, step.line):
            xid, pid = _begin(connection, lock_timeout, limits.statement_timeout)
        hooks.began(xid, pid)
        with _located(connection, step, step.line):
            hooks.opening(connection)
        done: list[dict[str, Any]] = []
        for number, statement in enumerate(step.statements, start=1):
            _spare(connection, lock_timeout, done)
            done.append(_statement(connection, step, statement, hooks, number))
        with _located(connection, step, step.line):
            hooks.inside(connection)
            if hooks.ledger:
                record(connection, run_id=run_id, step=step.key, digest=digest)
        with hooks.committing(), _located(connection, step, step.line):
            _commit(connection, step)
    except BaseException:
        if not connection.closed:
            with suppress(psycopg.OperationalError):  # the session ended: so did its transaction
                connection.execute("ROLLBACK")
        raise
    return done


def _begin(connection: Connection, lock_timeout: int, statement_timeout: int) -> tuple[str, int]:
    """Open the step's transaction in one round trip and return its transaction id and backend."""
    cursor = connection.execute(
        sql.SQL(
            "BEGIN; SET LOCAL synchronous_commit = on; SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; "
            "SELECT pg_current_xact_id()::text, pg_backend_pid()"
        ).format(lock_timeout, statement_timeout)
    )
    while cursor.nextset():
        pass
    row = cursor.fetchone()
    assert row is not None  # noqa: S101
    return str(row[0]), int(str(row[1]))


def _spare(connection: Connection, lock_timeout: int, done: list[dict[str, Any]]) -> None:
    """Give a later statement only what its step has not waited yet, so that the waits do not add up.

    The application queues behind the first lock of a step until its COMMIT. What a statement waited is at most what it
    took; one that took much longer than it may wait was at work, and does not count.
    """
    took = [statement["milliseconds"] for statement in done]
    if not took or took[-1] < SCARCE * lock_timeout:
        return
    waited = sum(each for each in took if SCARCE * lock_timeout <= each < 2 * lock_timeout)
    set_local(connection, lock_timeout=f"{max(lock_timeout - waited, SCARCE * lock_timeout):.0f}ms")


def _commit(connection: Connection, step: Step) -> None:
    """Commit, and believe it only when the server says so: it answers ROLLBACK to a transaction that failed before."""
    if (answer := connection.execute("COMMIT").statusmessage) != "COMMIT":
        message = f"the server answered {answer} to COMMIT"
        raise StepError(step.key, step.line, "25P02", message, "The transaction had failed before; it left nothing.")


def _concurrent(
    connection: Connection, step: Step, run_id: UUID, digest: str, hooks: Hooks, limits: Limits, lock_timeout: int
) -> list[dict[str, Any]]:
    hooks.began("", connection.info.backend_pid)
    with hooks.committing():
        pass  # the gate is asked before; nothing may be held while a concurrent statement runs
    done = []
    timeouts = {
        "lock_timeout": f"{limits.concurrent_lock_timeout}ms",
        "statement_timeout": f"{limits.concurrent_statement_timeout}ms",
    }
    with settings(connection, synchronous_commit="on", **timeouts):
        for number, statement in enumerate(step.statements, start=1):
            drop_invalid_indexes(connection, statement)
            if hooks.tried_before and is_built(connection, statement):
                done.append({"line": statement.line, "kind": statement.kind, "milliseconds": 0.0, "built_before": True})
                continue
            try:
                done.append(_statement(connection, step, statement, hooks, number))
            except StepError:
                drop_invalid_indexes(connection, statement)
                raise
            if left := drop_invalid_indexes(connection, statement):
                message = f"the index {', '.join(left)} was built but is not valid"
                raise StepError(step.key, statement.line, "XX001", message, "It was dropped; try again.")
    if hooks.ledger:
        with _located(connection, step, step.line), connection.transaction():
            set_local(connection, synchronous_commit="on")
            record(connection, run_id=run_id, step=step.key, digest=digest)
    return done


def _statement(connection: Connection, step: Step, statement: Statement, hooks: Hooks, number: int) -> dict[str, Any]:
    """Run one statement; its NOTICE about an existing or missing object is a failure."""
    notices: list[_Notice] = []

    def heard(diagnostic: psycopg.errors.Diagnostic) -> None:
        notices.append(_Notice.of(diagnostic))

    hooks.statement(statement, number, len(step.statements))
    started = time.monotonic()
    connection.add_notice_handler(heard)
    try:
        with _located(connection, step, statement.line):
            connection.execute(statement.text.encode())
    finally:
        connection.remove_notice_handler(heard)
    for notice in notices:
        if notice.sqlstate in ALREADY_EXISTS or (notice.says_missing and not hooks.skipping(notice.message)):
            hint = "An object of this name was there before (or is gone): see who made it, then decide."
            raise StepError(step.key, statement.line, notice.sqlstate, notice.message, hint)
    expected = TransactionStatus.INTRANS if step.transactional else TransactionStatus.IDLE
    if connection.info.transaction_status != expected:
        raise StepError(step.key, statement.line, "25000", "the statement ended or began a transaction", "Take it out.")
    elapsed = round((time.monotonic() - started) * 1000, 2)
    account: dict[str, Any] = {"line": statement.line, "kind": statement.kind, "milliseconds": elapsed}
    with _located(connection, step, statement.line):
        hooks.done(connection, statement, account)
    return account


@contextmanager
def _located(connection: Connection, step: Step, line: int) -> Iterator[None]:
    """Turn a server error into a :class:`StepError` with its line, a lost session into ``ConnectionLost``."""
    try:
        yield
    except psycopg.Error as error:
        if connection.closed:
            raise ConnectionLost(
                f"The session to the target ended during step {step.key}: {str(error).strip()}",
                "Run the same command again: it reads from the target whether the step committed, and goes on.",
            ) from error
        diag = error.diag
        raise StepError(
            step.key,
            line,
            error.sqlstate or "",
            (diag.message_primary or str(error)).strip() + (f" ({diag.message_detail})" if diag.message_detail else ""),
            diag.message_hint or "",
        ) from error


def has_ledger(connection: Connection) -> bool:
    """Say whether this database has the run ledger (Section 0 creates it)."""
    row = connection.execute("SELECT to_regclass('migration_gate.run_ledger') IS NOT NULL").fetchone()
    return bool(row and row[0])


def record(connection: Connection, *, run_id: UUID, step: str, digest: str) -> None:
    """Write the ledger row that makes a step's COMMIT provable."""
    connection.execute(
        "INSERT INTO migration_gate.run_ledger (run_id, step, attempt, digest) VALUES (%s, %s, 1, %s)",
        [run_id, step, digest],
    )


def committed_steps(connection: Connection, run_id: UUID) -> set[str]:
    """Return the keys of the steps of a run that the target knows as committed."""
    if not has_ledger(connection):
        return set()
    rows = connection.execute("SELECT step FROM migration_gate.run_ledger WHERE run_id = %s", [run_id]).fetchall()
    return {str(row[0]) for row in rows}
