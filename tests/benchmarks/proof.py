"""Content proof of file_audit: count and checksum that need no order against an ordered COPY into sha256sum.

And the proof while the table is live, which must not depend on its size.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
from functools import partial

import psycopg

from tests import world as worlds
from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, compared, in_turns, limited, seconds
from tests.environment import url
from v7migration.pipeline import integrity
from v7migration.postgres.content import proof

ROWS = 1_000_000
REPEAT = 5
AIM = 1.2
LIVE_AIM = 20.0
"""Milliseconds."""
ORDERED = "COPY (SELECT * FROM public.file_audit ORDER BY id) TO STDOUT"


def copy_into_sha256() -> None:
    """Hash the whole table, ordered by its key, as a DBA would at the shell."""
    command = stages.tool("psql", "-X", "-q", "-c", ORDERED, url("owner"))
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reading:
        subprocess.run(
            [shutil.which("sha256sum") or "sha256sum"], stdin=reading.stdout, stdout=subprocess.DEVNULL, check=True
        )
    assert reading.returncode == 0


def live_proof(connection: psycopg.Connection[tuple[object, ...]], before: dict[str, object]) -> None:
    """Prove inside an open transaction what the runner proves before each COMMIT."""
    integrity.check(connection, before, written=False)


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure the content proof in turns with its peer, then the live proof inside a transaction."""
    size = rows or ROWS
    worlds.world_at("fresh")
    stages.grow(size)
    with stages.owner() as connection:
        pairs = in_turns(repeat or REPEAT, partial(proof, connection, "public", "file_audit"), copy_into_sha256)
        before = integrity._look(connection)
        with connection.transaction():
            connection.execute("ALTER TABLE public.file_audit ADD COLUMN looked_at date")
            live = [seconds(partial(live_proof, connection, before)) * 1000 for _ in range(20)]
    per_row = statistics.median(ours for ours, _ in pairs) * 1e6 / size
    return Result(
        name="proof", title="Content proof of file_audit", peer="COPY … ORDER BY id | sha256sum",
        rows=[
            compared(f"content of {size:,} rows", pairs, aim=AIM),
            limited(f"live proof inside a transaction, {size:,} rows", live, aim=LIVE_AIM, measures="ms"),
        ],
        settings={"rows": size}, figures={"microseconds a row": per_row, "pairs": pairs},
        notes=[f"{per_row:.2f} µs a row."],
    )  # fmt: skip
