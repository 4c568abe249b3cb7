"""What an application feels while a live file_audit of millions of rows is migrated.

The naive script does what Section 2 and the index of Section 7 do in one transaction as psql would run it: columns,
CHECKs that look at every row, an index that is not concurrent, no lock timeout. The product runs the reviewed steps of
Sections 2 and 7 through its runner, with its limits and its integrity proof. Each works once alone, and once beside a
reader that sits idle in a transaction for ten seconds. Before each, the application works undisturbed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
from django.conf import settings

from tests import world as worlds
from tests.benchmarks import load, stages
from tests.benchmarks.measuring import Result, Row
from tests.environment import url
from v7migration.pipeline import integrity
from v7migration.postgres.runner import Hooks, run_step
from v7migration.postgres.script import POPULATION, Script, parse, plan_order
from v7migration.postgres.session import Limits, connect

ROWS = 2_000_000
REPEAT = 2
IDLE = 10.0
"""Seconds for which the reader sits in its transaction."""
CALM = 3.0
"""Seconds of undisturbed work before the migration."""
TINY = 10_000
"""Up to so many rows only whether the benchmark runs is of interest: it is kept short."""
SLACK = 50
"""Milliseconds that a statement may wait beyond the lock timeout."""
OF_NAIVE = 1 / 20
DUTY = 0.10
MEASURED = (2, 7)
Connection = psycopg.Connection[tuple[object, ...]]


def script() -> Script:
    """Return the reviewed script."""
    return parse(settings.V7_SCRIPT.read_bytes())


def naive(script: Script) -> list[bytes]:
    """Return the statements that somebody without the product would write: the same objects, nothing staged."""
    found = []
    for section in script.sections:
        for step in section.steps if section.number in MEASURED else []:
            for statement in step.statements:
                text = statement.text.replace(" NOT VALID", "").replace("INDEX CONCURRENTLY", "INDEX")
                if "VALIDATE CONSTRAINT" not in text:
                    found.append(text.encode())
    return found


def run(connection: Connection, script: Script, *, sections: tuple[int, ...]) -> None:
    """Run some sections' steps through the product's runner, proving before each COMMIT that file_audit is whole."""
    run_id, before = uuid4(), integrity._look(connection)
    with connect(url("runner"), application_name="v7_execute observer") as observer:
        hooks = Hooks(inside=lambda session: integrity.check(session, before, written=False), observer=lambda: observer)
        for section, _ in plan_order(script):
            for step in section.steps if section.number in sections else ():
                run_step(connection, step, run_id=run_id, digest="benchmark", hooks=hooks)


def run_naively(connection: Connection, statements: list[bytes]) -> None:
    """Run everything in one transaction, with the server's own settings."""
    with connection.transaction():
        for statement in statements:
            connection.execute(statement)


@contextmanager
def idle_reader(*, seconds: float) -> Iterator[None]:
    """Keep a session idle in a transaction that has read file_audit, for some seconds."""
    reading, over = threading.Event(), threading.Event()

    def sit() -> None:
        with psycopg.connect(url("owner"), application_name="idle reader") as connection:
            connection.execute("SELECT count(*) FROM (SELECT FROM public.file_audit LIMIT 10) AS few")
            reading.set()
            over.wait(seconds)

    thread = threading.Thread(target=sit, daemon=True)
    thread.start()
    assert reading.wait(30), "the reader did not begin"
    try:
        yield
    finally:
        over.set()
        thread.join()


def observed(work: Callable[[], None], *, rows: int, idle: float) -> dict[str, object]:
    """Let the application work while ``work`` is done; return what it felt, in milliseconds and seconds."""
    with load.application(url("owner"), rows=rows) as seen:
        started = time.monotonic()
        time.sleep(CALM if rows > TINY else 0.2)
        if idle:
            with idle_reader(seconds=idle):
                took = _timed(work)
        else:
            took = _timed(work)
        time.sleep(0.5)
    assert not seen.failed, seen.failed[:3]
    calm, busy = seen.between(started, took[0]), seen.between(*took)
    return {
        "seconds": took[1] - took[0], "statements": len(busy), "longest_ms": busy[-1] * 1000,
        "p99_ms": busy[int(len(busy) * 0.99)] * 1000, "calm_longest_ms": calm[-1] * 1000, "duty": seen.duty(*took),
        "course": _course(seen, took[0]),
    }  # fmt: skip


def _timed(work: Callable[[], None]) -> tuple[float, float]:
    began = time.monotonic()
    work()
    return began, time.monotonic()


def _course(seen: load.Seen, zero: float) -> list[tuple[float, float]]:
    """Return the longest statement (milliseconds) that began in each twentieth of a second from ``zero`` on."""
    longest: dict[float, float] = {}
    for at, took in seen.statements:
        slot = round((at - zero) * 20) / 20
        longest[slot] = max(longest.get(slot, 0.0), took * 1000)
    return [(slot, round(longest[slot], 2)) for slot in sorted(longest)]


def reset(reviewed: Script) -> None:
    """Bring the target back to where Sections 2 and 7 begin: the others are there."""
    section = reviewed.rollback
    assert section is not None
    with stages.superuser() as connection:
        connection.execute("SET client_min_messages = error")
        for statement in (s for step in section.steps for s in step.statements if "migration_gate" not in s.text):
            connection.execute(statement.text.encode())
        connection.execute("DROP SCHEMA IF EXISTS migration_gate CASCADE")
    others = tuple(s.number for s in reviewed.sections if s.number not in (*MEASURED, 8, POPULATION))
    with connect(url("runner"), application_name="v7_execute") as session:
        run(session, reviewed, sections=others)
    with stages.superuser() as connection:
        connection.execute("VACUUM ANALYZE public.file_audit")
        connection.execute("CHECKPOINT")


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure naive and product in turns, alone and beside an idle reader.

    No statement may wait long: so the worst run of the product counts, and the best one of the naive script.
    """
    size, reviewed = rows or ROWS, script()
    worlds.world_at("fresh")
    stages.grow(size)
    statements = naive(reviewed)
    found: dict[str, list[dict[str, object]]] = {}
    for _ in range(repeat or REPEAT):
        for idle in (0.0, IDLE if size > TINY else 1.0):
            for who in ("naive", "product"):
                reset(reviewed)
                with connect(url("runner"), application_name="v7_execute") as session:
                    work = (
                        (lambda s=session: run_naively(s, statements))
                        if who == "naive"
                        else (lambda s=session: run(s, reviewed, sections=MEASURED))
                    )
                    result = observed(work, rows=size, idle=idle)
                found.setdefault(f"{who}, {'idle reader' if idle else 'alone'}", []).append(result)
    shown = {
        name: (min if name.startswith("naive") else max)(results, key=lambda r: float(str(r["longest_ms"])))
        for name, results in found.items()
    }
    return Result(
        name="stall", title="What the application feels while file_audit is migrated",
        peer="the naive script in one transaction", rows=_rows(size, shown), settings={"rows": size, **vars(Limits())},
        figures={"shown": shown, "all": {n: [{**r, "course": None} for r in rs] for n, rs in found.items()}},
    )  # fmt: skip


def _rows(size: int, shown: dict[str, dict[str, object]]) -> list[Row]:
    rows = []
    for beside in ("alone", "idle reader"):
        ours, theirs = shown[f"product, {beside}"], shown[f"naive, {beside}"]
        work = f"{size:,} rows, {'alone' if beside == 'alone' else 'beside an idle transaction'}"
        longest, naively = (float(str(side["longest_ms"])) for side in (ours, theirs))
        limit = Limits().lock_timeout + SLACK
        rows += [
            Row(f"{work}: longest statement", longest, naively, "ms", longest, "ms", limit),
            Row(f"{work}: against the naive script", longest, naively, "ms", longest / naively, "ratio", OF_NAIVE),
            Row(
                f"{work}: 99th percentile", *_both(ours, theirs, "p99_ms"), "ms", *_ratio(ours, theirs, "p99_ms"), None
            ),
        ]
        if beside != "alone":
            rows.append(
                Row(
                    f"{work}: share of waiting with a lock request",
                    *_both(ours, theirs, "duty"),
                    "",
                    float(str(ours["duty"])),
                    "ratio",
                    DUTY,
                )
            )
    return rows


def _both(ours: dict[str, object], theirs: dict[str, object], name: str) -> tuple[float, float]:
    return float(str(ours[name])), float(str(theirs[name]))


def _ratio(ours: dict[str, object], theirs: dict[str, object], name: str) -> tuple[float, str]:
    left, right = _both(ours, theirs, name)
    return left / right, "ratio"
