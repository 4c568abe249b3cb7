"""An application at work on file_audit: sessions that read a row by key and update one, each statement timed.

The sessions are processes of their own, so that measuring takes nothing from the runner's process. One more looks at
the lock table: how long somebody waits for a lock that stops the application.
"""

from __future__ import annotations

import multiprocessing
import random
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event

import psycopg

SESSIONS = 4
THINKING = 0.01
"""Seconds between two statements of a session; a quarter of them are updates."""
LOOKS_EVERY = 0.01
READ = "SELECT file_path, status, updated_at FROM public.file_audit WHERE id = %s"
WRITE = "UPDATE public.file_audit SET updated_at = clock_timestamp(), line_count = 1 WHERE id = %s"
WAITING = """
SELECT EXISTS (SELECT FROM pg_catalog.pg_locks AS l
                WHERE l.relation = 'public.file_audit'::regclass AND NOT l.granted
                  AND l.mode IN ('AccessExclusiveLock', 'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock'))
"""
_spawn = multiprocessing.get_context("fork")


@dataclass
class Seen:
    """What the application felt: statements as (began, seconds), looks at the lock table as (when, somebody waits)."""

    statements: list[tuple[float, float]] = field(default_factory=list)
    looks: list[tuple[float, bool]] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def between(self, began: float, ended: float) -> list[float]:
        """Return the seconds of each statement that was under way in a stretch of time, sorted."""
        return sorted(took for at, took in self.statements if at + took >= began and at <= ended)

    def duty(self, began: float, ended: float) -> float:
        """Return the share of the time from the first to the last waiting look in which somebody waited."""
        looks = [(at, waits) for at, waits in self.looks if began <= at <= ended]
        waiting = [at for at, waits in looks if waits]
        if not waiting:
            return 0.0
        stretch = [waits for at, waits in looks if waiting[0] <= at <= waiting[-1]]
        return sum(stretch) / len(stretch)


@contextmanager
def application(address: str, *, rows: int) -> Iterator[Seen]:
    """Let the application work until the block ends; what it felt is there afterwards."""
    seen, over = Seen(), _spawn.Event()
    pipes = []
    for number in range(SESSIONS + 1):
        here, there = _spawn.Pipe(duplex=False)
        work = (_look, (address, over, there)) if number == SESSIONS else (_work, (address, rows, number, over, there))
        process = _spawn.Process(target=work[0], args=work[1], daemon=True)
        process.start()
        there.close()
        pipes.append((process, here))
    try:
        time.sleep(0.5)
        yield seen
    finally:
        over.set()
        for number, (process, here) in enumerate(pipes):
            found, failures = here.recv()
            (seen.looks if number == SESSIONS else seen.statements).extend(found)
            seen.failed += failures
            process.join()
        seen.statements.sort()


def _leave_signals_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _work(address: str, rows: int, number: int, over: Event, out: multiprocessing.connection.Connection) -> None:
    """Be one session of the application."""
    _leave_signals_to_the_parent()
    chance, found, failures = random.Random(number), [], []  # noqa: S311
    with psycopg.connect(address, autocommit=True, application_name="application") as connection:
        while not over.is_set():
            query = WRITE if chance.random() < 0.25 else READ
            began = time.monotonic()
            try:
                connection.execute(query, [chance.randint(1, rows)])
            except psycopg.Error as error:
                failures.append(str(error).strip())
            found.append((began, time.monotonic() - began))
            time.sleep(THINKING * chance.uniform(0.5, 1.5))
    out.send((found, failures))


def _look(address: str, over: Event, out: multiprocessing.connection.Connection) -> None:
    """Look whether somebody waits for a lock on file_audit before which the application queues."""
    _leave_signals_to_the_parent()
    found = []
    with psycopg.connect(address, autocommit=True, application_name="looking") as connection:
        while not over.is_set():
            row = connection.execute(WAITING).fetchone()
            found.append((time.monotonic(), bool(row and row[0])))
            time.sleep(LOOKS_EVERY)
    out.send((found, []))
