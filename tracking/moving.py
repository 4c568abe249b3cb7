"""Moving the tracking rows between their homes, rendered by the servers and compared by digest.

The pipeline calls these functions inside its own transactions: *populating* the target is the run's last
step, *bringing home* comes before a rollback drops anything. Connections are psycopg sessions.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections, models
from psycopg import sql
from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from tracking.models import EnumMigration, File, GlobalImpact, Phase, SubworkflowTask, TestResult
from tracking.models.file import V7_COLUMNS
from v7migration.errors import Refused, StepFailed
from v7migration.postgres.session import pin_output, set_local

Connection = psycopg.Connection[Any]
FENCE_KEY = "migration_gate.fence"
FENCE_PATIENCE = 10
"""Seconds for which a closing fence waits for writers in flight; new ones queue behind it meanwhile."""
OUTSIDE_THE_DIGEST = {
    Phase: {
        "status", "started_at", "completed_at", "blockers", "approval_status", "approved_by", "approval_notes",
        "updated_at",
    },
    SubworkflowTask: {
        "status", "started_at", "completed_at", "blockers", "dart_task_id", "dart_task_url", "notes", "updated_at",
    },
}  # fmt: skip
"""What moves while people sign (ARCHITECTURE of the changeset): copied at population, not signed."""


class ControlLost(StepFailed):
    """The control plane stopped answering: what the target had committed is read from its ledger."""


def control_lost(reason: str, *, what: str = "stopped answering") -> ControlLost:
    """Return the error that says what a control plane which is silent, or cannot write, means for a run."""
    return ControlLost(
        f"The control plane {what}: {reason}.",
        "A step that the target had committed is not recorded yet. Run the same command again: it reads the target's "
        "ledger, records it and goes on from there.",
    )


@contextmanager
def _answering(control: Connection) -> Iterator[None]:
    """Blame the right database: the target's step engine would take an error of this session for one of its own."""
    try:
        yield
    except psycopg.Error as error:
        if not control.closed:
            raise
        raise control_lost(str(error).strip().partition("\n")[0]) from error


@dataclass(frozen=True)
class Table:
    """One table that moves: its name, its columns, its key, and the order in which its rows are rendered."""

    name: str
    columns: tuple[str, ...]
    key: str
    order: tuple[str, ...]

    def select(self, columns: tuple[str, ...] | None = None) -> sql.Composed:
        """Return the query of all rows, in the table's order."""
        return sql.SQL("SELECT {} FROM {} ORDER BY {}").format(
            identifiers(columns or self.columns), sql.Identifier(self.name), identifiers(self.order)
        )


def identifiers(names: tuple[str, ...]) -> sql.Composed:
    """Quote column names and join them by commas."""
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _table(model: type[models.Model], *order: str) -> Table:
    key = model._meta.pk
    assert key is not None and key.column is not None  # noqa: S101
    columns = tuple(field.column for field in model._meta.concrete_fields if field.column)
    return Table(model._meta.db_table, columns, key.column, (*order, key.column))


def signed_tables() -> list[tuple[Table, tuple[str, ...]]]:
    """Return the tables whose rows a signature covers, with the covered columns, parents first."""
    found = []
    for model, order in (
        (Phase, ("phase_number",)),
        (EnumMigration, ("current_enum_name",)),
        (GlobalImpact, ("created_at",)),
        (SubworkflowTask, ("parent_phase", "task_number")),
    ):
        table = _table(model, *order)
        outside = OUTSIDE_THE_DIGEST.get(model, set())
        found.append((table, tuple(c for c in table.columns if c not in outside)))
    return found


def tracked_tables() -> list[Table]:
    """Return every table of rows and of history that moves, parents first."""
    rows = [table for table, _ in signed_tables()] + [_table(TestResult)]
    tracked = (Phase, EnumMigration, GlobalImpact, SubworkflowTask, TestResult, File)
    return rows + [_table(model.history.model) for model in tracked]


def control_connection() -> Connection:
    """Return the control plane's session, pinned to render values as the runner's session does."""
    connections["default"].ensure_connection()
    connection: Connection = connections["default"].connection
    pin_output(connection)
    return connection


def render_population() -> str:
    """Render all planning rows as the SQL of the population block, by the server (``quote_nullable``)."""
    control = control_connection()
    with _answering(control):
        return _render_population(control)


def _render_population(connection: Connection) -> str:
    lines = ["UPDATE migration_gate.fence SET is_open = true, changed_at = CURRENT_TIMESTAMP;"]
    for table, columns in signed_tables():
        values = sql.SQL(", ").join(
            sql.SQL("quote_nullable({}::text)").format(sql.Identifier(column)) for column in columns
        )
        query = sql.SQL("SELECT concat_ws(', ', {}) FROM {} ORDER BY {}").format(
            values, sql.Identifier(table.name), identifiers(table.order)
        )
        head = f"INSERT INTO public.{table.name} ({', '.join(columns)})\n    VALUES ("  # noqa: S608 (names of our own models)
        lines += [f"{head}{row[0]});" for row in connection.execute(query).fetchall()]
    return "\n".join(lines) + "\n"


def digest(connection: Connection, table: Table) -> tuple[int, str]:
    """Return the number of rows and the SHA-256 of a table's rows as the server renders them."""
    sha, rows = hashlib.sha256(), 0
    with connection.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(table.select())) as stream:
        for row in stream:
            sha.update(row)
            rows += 1
    return rows, sha.hexdigest()


def _copy(source: Connection, destination: Connection, table: Table, into: sql.Composable | None = None) -> None:
    into = into or sql.Identifier(table.name)
    with (
        source.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(table.select())) as reading,
        destination.cursor().copy(
            sql.SQL("COPY {} ({}) FROM STDIN").format(into, identifiers(table.columns))
        ) as writing,
    ):
        for block in reading:
            writing.write(block)


def compare(source: Connection, destination: Connection, *, what: str) -> dict[str, dict[str, Any]]:
    """Compare count and digest of every table in both homes and return them by table.

    Raises:
        StepFailed: a table differs; the caller's transaction must not commit.
    """
    found = {}
    for table in tracked_tables():
        left, right = digest(source, table), digest(destination, table)
        if left != right:
            raise StepFailed(
                f"{what}: {table.name} has {left[0]} rows at its old home and {right[0]} at its new one, "
                "or they differ.",
                "Nothing was moved. Run the command again; if it repeats, open an incident with this message.",
            )
        found[table.name] = {"rows": left[0], "sha256": left[1]}
    return found


def populate(target: Connection) -> dict[str, Any]:
    """Finish the population inside the runner's open transaction: current values, history, file values.

    The signed rows have just been inserted by the script and the target's fence was opened by it. Returns
    counts and digests by table and the number of files whose values of an earlier run were restored.
    """
    control = control_connection()
    with _answering(control):
        return _populate(control, target)


def _populate(control: Connection, target: Connection) -> dict[str, Any]:
    target.execute("SET LOCAL search_path = public, v7_monitoring, v7_history, migration_gate")
    signed = {table.name: columns for table, columns in signed_tables()}
    for table in tracked_tables():
        if table.name not in signed:
            _copy(control, target, table)
            continue
        moving = tuple(c for c in table.columns if c not in signed[table.name])
        if moving:
            _copy_values(control, target, table, moving)
    report = compare(control, target, what="The population")
    return {"tables": report, "file_values": _restore_file_values(control, target)}


def _copy_values(control: Connection, target: Connection, table: Table, moving: tuple[str, ...]) -> None:
    """Copy the columns that a signature does not cover, row by row of the same key."""
    current = sql.Identifier("moved_values")
    target.execute(
        sql.SQL("CREATE TEMPORARY TABLE {} (LIKE {}) ON COMMIT DROP").format(current, sql.Identifier(table.name))
    )
    _copy(control, target, table, into=current)
    target.execute(
        sql.SQL("UPDATE {} AS t SET {} FROM {} AS m WHERE t.{key} = m.{key}").format(
            sql.Identifier(table.name),
            sql.SQL(", ").join(sql.SQL("{c} = m.{c}").format(c=sql.Identifier(column)) for column in moving),
            current,
            key=sql.Identifier(table.key),
        )
    )
    target.execute(sql.SQL("DROP TABLE {}").format(current))


def _restore_file_values(control: Connection, target: Connection) -> dict[str, Any]:
    """Give file_audit the twelve values that an earlier rollback brought home; report files that are gone."""
    rows = control.execute('SELECT file_id, file_path, "values" FROM file_values_home ORDER BY file_id').fetchall()
    restored, gone = 0, []
    assignments = sql.SQL(", ").join(sql.SQL("{c} = v.{c}").format(c=sql.Identifier(c)) for c in V7_COLUMNS)
    for file_id, path, document in rows:
        done = target.execute(
            sql.SQL(
                "UPDATE public.file_audit AS f SET {} FROM jsonb_populate_record(NULL::public.file_audit, %s) AS v "
                "WHERE f.id = %s AND f.file_path = %s"
            ).format(assignments),
            [Jsonb(json.loads(document) if isinstance(document, str) else document), file_id, path],
        )
        restored += done.rowcount
        if not done.rowcount:
            gone.append(path)
    return {"restored": restored, "not_found": gone}


def open_planning_home(*, home: str = "planning") -> None:
    """Open the control plane's fence and say which home is current (in the caller's transaction)."""
    control_connection().execute(
        "UPDATE migration_gate.fence SET is_open = %s, current_home = %s, changed_at = CURRENT_TIMESTAMP",
        [home == "planning", home],
    )


def close_fence(connection: Connection) -> None:
    """Close a fence: wait for writers in flight (they share the advisory lock), then refuse new ones.

    Synchronous, whatever the server says: a crash must not open again what was closed before the first COMMIT.

    Raises:
        Refused: a writer stays in its transaction; nothing was touched.
    """
    try:
        with connection.transaction():
            set_local(connection, lock_timeout=f"{FENCE_PATIENCE}s", synchronous_commit="on")
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [FENCE_KEY])
            connection.execute("UPDATE migration_gate.fence SET is_open = false, changed_at = CURRENT_TIMESTAMP")
    except psycopg.errors.LockNotAvailable as error:
        raise Refused(
            f"The tracking rows cannot be fenced: somebody has been writing them for more than {FENCE_PATIENCE} s.",
            "Let that session end (pg_stat_activity: idle in transaction), then run the command again.",
        ) from error


def open_target_fence(target: Connection) -> None:
    """Open the target's fence again after a rollback that did not happen."""
    target.execute("UPDATE migration_gate.fence SET is_open = true, changed_at = CURRENT_TIMESTAMP")


def bring_home(target: Connection) -> dict[str, Any]:
    """Replace the planning rows by the target's, with history and file values, in one transaction.

    The target's fence is closed; the planning fence is opened for this transaction alone, which is synchronous
    whatever the server says: Section 9 drops the only other copy. Returns counts and digests by table and the
    number of files with values.

    Raises:
        Refused: a session of the control plane holds planning rows; nothing was moved.
    """
    control = control_connection()
    if control.info.transaction_status != TransactionStatus.IDLE:
        raise RuntimeError("a move begins its own transaction: in a savepoint its triggers do not know it as the mover")
    with _answering(control):
        return _bring_home(target, control)


def compare_homes(target: Connection) -> dict[str, dict[str, Any]]:
    """Compare the rows brought home with the target's once more, in its open transaction that locks them.

    Raises:
        StepFailed: they differ; the transaction must not commit.
    """
    control = control_connection()
    with _answering(control):
        return compare(target, control, what="Before Section 9")


def _lock_rows(control: Connection) -> None:
    """Lock the planning rows before the fence: who holds one and writes on must meet a closed fence, not a deadlock.

    Raises:
        Refused: somebody holds planning rows and stays in his transaction; nothing was moved.
    """
    tables = sql.SQL(", ").join(sql.Identifier(table.name) for table in tracked_tables())
    deadline = time.monotonic() + FENCE_PATIENCE
    while True:
        try:
            with control.transaction():  # a savepoint: giving way frees the tables that were locked already
                set_local(control, lock_timeout="300ms")
                control.execute(sql.SQL("LOCK TABLE {} IN EXCLUSIVE MODE").format(tables))
                return
        except psycopg.errors.LockNotAvailable as error:
            if time.monotonic() >= deadline:
                raise Refused(
                    "The rows cannot be brought home: a session of the control plane holds planning rows.",
                    "Let that session end (pg_stat_activity: idle in transaction), then run the command again.",
                ) from error
        time.sleep(0.1)


def _bring_home(target: Connection, control: Connection) -> dict[str, Any]:
    with control.transaction():
        set_local(control, synchronous_commit="on")
        _lock_rows(control)
        control.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [FENCE_KEY])
        control.execute("UPDATE migration_gate.fence SET is_open = true")
        with target.transaction():
            target.execute("SET LOCAL search_path = public, v7_monitoring, v7_history, migration_gate")
            target.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            for table in reversed(tracked_tables()):
                control.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table.name)))
            for table in tracked_tables():
                _copy(target, control, table)
            report = compare(target, control, what="Bringing the rows home")
            files = _bring_file_values_home(target, control)
        control.execute("UPDATE migration_gate.fence SET is_open = false, changed_at = CURRENT_TIMESTAMP")
    return {"tables": report, "file_values": files}


def _bring_file_values_home(target: Connection, control: Connection) -> int:
    """Copy id, path and the twelve values of every file that has any; return how many."""
    document = sql.SQL(", ").join(
        sql.SQL("{}, {}").format(sql.Literal(column), sql.Identifier(column)) for column in V7_COLUMNS
    )
    others = sql.SQL(" OR ").join(sql.SQL("{} IS NOT NULL").format(sql.Identifier(c)) for c in V7_COLUMNS[1:])
    query = sql.SQL(
        "SELECT id, file_path, jsonb_build_object({}) FROM public.file_audit "
        "WHERE v7_workflow_status IS DISTINCT FROM 'pending_assessment' OR {} ORDER BY id"
    ).format(document, others)
    control.execute("DELETE FROM file_values_home")
    files = 0
    with (
        target.cursor().copy(sql.SQL("COPY ({}) TO STDOUT").format(query)) as reading,
        control.cursor().copy('COPY file_values_home (file_id, file_path, "values") FROM STDIN') as writing,
    ):
        for row in reading:
            writing.write(row)
            files += 1
    return files
