"""Taking a run back when every file has V7 values, against restoring the target from the dump made before the run.

The product brings all rows, their history and the twelve values of each file home, compares them, runs Section 9 and
proves that the target is as before; the application's rows stay where they are, also what it wrote since. The peer is
what a team without the product has: ``pg_restore`` of the whole target, which loses what was written since the dump.
"""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from psycopg import sql

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, compared, in_turns
from tests.environment import url
from tests.killing import Remembered
from tests.world import World

ROWS = 1_000_000
REPEAT = 3
RESTORED = "v7_benchmark_restored"
VALUES = """
UPDATE public.file_audit SET
    v7_workflow_status = 'assessed', v7_target_name = 'layer/wf1_part_' || id || '.py',
    v7_database_enums = '["status_type", "priority_level"]', v7_enum_mappings = '{"status_type": "Status"}',
    v7_dependencies = ARRAY['part_' || id + 1], v7_dependents = ARRAY['part_' || id - 1], v7_impact_score = 1 + id % 10,
    v7_review_status = 'reviewed', v7_reviewed_by = ARRAY['Layer 1 Guardian'], v7_implementation_status = 'open',
    v7_test_status = 'open', v7_retirement_date = '2026-12-01'
"""


def _address(database: str) -> str:
    return url("superuser").rpartition("/")[0] + f"/{database}"


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def restore(dump: Path) -> None:
    """Restore the target's dump into an empty database."""
    _run(stages.tool("pg_restore", "--dbname", _address(RESTORED), dump))


def _empty() -> None:
    name = sql.Identifier(RESTORED)
    with stages.superuser("postgres") as admin:
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        admin.execute(sql.SQL("CREATE DATABASE {}").format(name))
        admin.execute("CHECKPOINT")


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure the rollback in turns with the restore."""
    size = rows or ROWS
    with TemporaryDirectory(prefix="v7-benchmark-") as name:
        dump = Path(name) / "target.dump"
        _, signed = stages.stage("signed", rows=size)
        _run(
            stages.tool("pg_dump", "--format=custom", "--compress=0", "--file", dump, "--dbname", _address("v7_target"))
        )
        signed.forget()
        world, executed = stages.stage("executed", rows=size, then=_fill)
        product = partial(_roll_back, world)
        pairs = in_turns(repeat or REPEAT, product, partial(restore, dump), before=partial(_prepare, executed))
        executed.forget()
    _empty()
    rate = [size / ours for ours, _ in pairs]
    return Result(
        name="rollback", title="Taking a run back", peer="pg_restore of the target's dump from before the run",
        rows=[compared(f"{size:,} files, each with twelve values", pairs, aim=None, unit="s")],
        settings={"rows": size}, figures={"pairs": pairs, "files a second": rate},
        notes=[f"{max(rate):,.0f} files a second."],
    )  # fmt: skip


def _roll_back(world: World) -> None:
    run = world.roll_back("a benchmark of the way back")
    assert run.report["as_before"], run.report["drift"]


def _prepare(executed: Remembered) -> None:
    executed.restore()
    _empty()


def _fill() -> None:
    """Give every file its twelve values as the owner of the triggers could, and leave no dead rows behind."""
    with stages.superuser() as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute(VALUES)
        connection.execute("VACUUM FULL public.file_audit")
        connection.execute("VACUUM ANALYZE public.file_audit")
