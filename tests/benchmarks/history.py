"""What the history triggers cost: the same statements with them and with them disabled, in turns.

The application's own writes to file_audit name none of the V7 columns: they must cost the same. A write of a V7 value
or of a row of the tracking tables makes a version, so a second row is written: there is no aim, the figure is shown.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import psycopg
from psycopg import sql

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, Row, compared, in_turns

ROWS = 100_000
REPEAT = 3
SHARE = 10
"""The tracking tables get this part of the rows."""
ONE_BY_ONE = 500
NO_COST = 1.1
OWN = "UPDATE file_audit SET notes = 'round ' || clock_timestamp()"
VALUE = "UPDATE file_audit SET v7_impact_score = COALESCE(v7_impact_score, 0) % 10 + 1"
INSERTS = {
    "v7_test_results": "(test_type, component_tested, test_status, tested_by) "
    "SELECT 'unit', 'benchmark', 'pass', 'somebody'",
    "v7_global_impacts": "(change_type, impact_description) SELECT 'api', 'benchmark'",
    "v7_enum_migrations": "(v7_enum_name, current_enum_name) SELECT 'benchmark', 'type_' || n",
    "v7_subworkflow_tasks": "(task_name, responsible_persona, parent_phase, task_number) "
    "SELECT 'benchmark', 'Dev Team', 4, 1000 + n",
}
UPDATES = {
    "v7_test_results": ("notes", "component_tested"),
    "v7_global_impacts": ("implementation_notes", "impact_description"),
    "v7_enum_migrations": ("migration_script", "v7_enum_name"),
    "v7_subworkflow_tasks": ("notes", "task_name"),
}
"""The column that changes, and the one that tells the benchmark's rows from the others."""
PHASE = "UPDATE v7_migration_workflow SET approval_notes = 'round ' || clock_timestamp() WHERE phase_number = 7"
SWITCHED = "SELECT tgname::text FROM pg_trigger WHERE tgrelid = %s::regclass AND tgname ~ '^gate_4_history'"
HISTORY = (
    "SELECT relname::text FROM pg_class WHERE relnamespace = 'v7_history'::regnamespace AND relkind = 'r' ORDER BY 1"
)

Connection = psycopg.Connection[tuple[object, ...]]


@dataclass(frozen=True)
class Work:
    """A statement that writes a table, how often it is run, and what is done away with before each run."""

    name: str
    table: str
    statement: str
    times: int = 1
    before: str = "SELECT"
    aim: float | None = None

    def run(self, connection: Connection, switch: str) -> None:
        """Switch the table's history triggers on or off and write; both sides pay for the switch."""
        for (name,) in connection.execute(SWITCHED, [self.table]).fetchall():
            command = sql.SQL("ALTER TABLE {} {} TRIGGER {}")
            connection.execute(command.format(sql.Identifier(self.table), sql.SQL(switch), sql.Identifier(str(name))))
        for _ in range(self.times):
            connection.execute(self.statement.encode())

    def clean(self, connection: Connection) -> None:
        """Leave neither versions nor dead rows of the run before."""
        connection.execute("SET session_replication_role = replica")
        for (name,) in connection.execute(HISTORY.encode()).fetchall():
            connection.execute(sql.SQL("TRUNCATE v7_history.{}").format(sql.Identifier(str(name))))
        connection.execute(self.before.encode())
        connection.execute("RESET session_replication_role")
        connection.execute(sql.SQL("VACUUM ANALYZE {}").format(sql.Identifier(self.table)))
        connection.execute("CHECKPOINT")


def works(size: int) -> list[Work]:
    """Return what is measured, with ``size`` files."""
    one = " WHERE id = (SELECT min(id) FROM file_audit)"
    few = max(1, size // SHARE)
    found = [
        Work(f"UPDATE of {size:,} files, no V7 column", "file_audit", OWN, aim=NO_COST),
        Work(f"UPDATE of one file, no V7 column, {ONE_BY_ONE} times", "file_audit", OWN + one, ONE_BY_ONE, aim=NO_COST),
        Work(f"UPDATE of {size:,} files, one V7 column", "file_audit", VALUE),
        Work(f"UPDATE of one file, one V7 column, {ONE_BY_ONE} times", "file_audit", VALUE + one, ONE_BY_ONE),
    ]
    for table, (column, mark) in UPDATES.items():
        which = f"WHERE {mark} = 'benchmark'"
        insert = f"INSERT INTO {table} {INSERTS[table]} FROM generate_series(1, {few}) AS n"
        update = f"UPDATE {table} SET {column} = 'round ' || clock_timestamp() {which}"
        again = f"DELETE FROM {table} {which}"
        found += [
            Work(f"INSERT of {few:,} rows: {table}", table, insert, before=again),
            Work(f"UPDATE of {few:,} rows: {table}", table, update),
        ]
    found.append(Work(f"UPDATE of one phase, {ONE_BY_ONE} times", "v7_migration_workflow", PHASE, ONE_BY_ONE))
    return found


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure whole-table and single-row writes, each statement in a transaction of its own."""
    size, lines, figures = rows or ROWS, list[Row](), {}
    _, executed = stages.stage("executed", rows=size)
    with stages.superuser() as connection:
        for work in works(size):
            sides = [partial(work.run, connection, switch) for switch in ("ENABLE", "DISABLE")]
            pairs = in_turns(repeat or REPEAT, *sides, before=partial(work.clean, connection))
            lines.append(compared(work.name, pairs, aim=work.aim))
            figures[work.name] = pairs
    executed.forget()
    return Result(
        name="history", title="A version of every write", peer="the same statement with the history triggers disabled",
        rows=lines, settings={"rows": size}, figures=figures,
    )  # fmt: skip
