"""A default for existing rows: the script's fast default against adding the column and updating every row."""

from __future__ import annotations

from functools import partial

import psycopg

from tests import world as worlds
from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, compared, in_turns, limited

ROWS = 1_000_000
REPEAT = 3
FAST = "ALTER TABLE public.file_audit ADD COLUMN v7_workflow_status varchar(50) DEFAULT 'pending_assessment'"
PLAIN = "ALTER TABLE public.file_audit ADD COLUMN v7_workflow_status varchar(50)"
UPDATE = "UPDATE public.file_audit SET v7_workflow_status = 'pending_assessment'"
BACK = "ALTER TABLE public.file_audit DROP COLUMN IF EXISTS v7_workflow_status"

Connection = psycopg.Connection[tuple[object, ...]]


def logged(connection: Connection) -> float:
    """Return how many bytes the server's log has had in all."""
    found = connection.execute("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::float8").fetchone()
    return float(str(found[0])) if found else 0.0


class Side:
    """One way of giving the rows their value; remembers the bytes of log that each of its runs wrote."""

    def __init__(self, connection: Connection, *statements: str) -> None:
        self.connection, self.statements = connection, statements
        self.bytes: list[float] = []

    def __call__(self) -> None:
        """Give every row its value, in one transaction."""
        before = logged(self.connection)
        with self.connection.transaction():
            for statement in self.statements:
                self.connection.execute(statement.encode())
        self.bytes.append(logged(self.connection) - before)


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure time and log; the table is vacuumed between two runs, so that an UPDATE finds no dead rows."""
    size = rows or ROWS
    worlds.world_at("fresh")
    stages.grow(size)
    with stages.superuser() as connection:
        fast, updating = Side(connection, FAST), Side(connection, PLAIN, UPDATE)
        pairs = in_turns(repeat or REPEAT, fast, updating, before=partial(_back, connection))
        found = connection.execute("SELECT pg_relation_size('public.file_audit')").fetchone()
    log = [(ours / 2**20, theirs / 2**20) for ours, theirs in zip(fast.bytes, updating.bytes, strict=True)]
    return Result(
        name="default", title="A default for existing rows", peer="ADD COLUMN, then UPDATE of every row",
        rows=[
            compared(f"{size:,} rows: time", pairs, aim=None),
            limited(
                f"{size:,} rows: write-ahead log", [ours / theirs for ours, theirs in log], aim=None,
                measures="ratio", unit="MiB", pairs=log,
            ),
        ],
        settings={"rows": size, "table_bytes_at_the_end": found[0] if found else 0},
        figures={"seconds": pairs, "MiB of log": log},
    )  # fmt: skip


def _back(connection: Connection) -> None:
    connection.execute(BACK.encode())
    connection.execute("VACUUM public.file_audit")
    connection.execute("CHECKPOINT")
