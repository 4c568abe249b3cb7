"""Sessions on the target: timeouts, the run's advisory lock, and who holds what."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from v7migration.errors import Refused

RUN_LOCK = "v7_migration.run"
OLDEST_SERVER = 140000
ONLY_ASKED = 2**31
"""Executions after which a query is prepared by itself: never. None would also ignore ``prepare=True``."""


@dataclass(frozen=True)
class Limits:
    """How long a step may wait and work (milliseconds), and how often a blocked one tries again.

    A concurrent index waits for every transaction that began before it, related or not, and holds nobody up: it has no
    lock timeout, and an hour. ``postponed``: tries that give way to an autovacuum before one waits it out.
    """

    lock_timeout: int = 300
    statement_timeout: int = 600_000
    concurrent_lock_timeout: int = 0
    concurrent_statement_timeout: int = 3_600_000
    tries: int = 12
    postponed: int = 5
    first_pause: int = 200
    longest_pause: int = 5_000


OUTPUT = {
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
}

LIFT_LIMITS = """
SELECT set_config(name, '0', false) FROM pg_catalog.pg_settings
 WHERE name IN ('statement_timeout', 'transaction_timeout', 'idle_session_timeout',
                'idle_in_transaction_session_timeout')
"""
"""A limit that a role or a database has for its application would end our session in the midst: ours are our own."""


def read_any_encoding(connection: psycopg.Connection[Any]) -> None:
    """Let the server speak UTF-8; where a database has no encoding (SQL_ASCII), every byte is one character.

    Such a database may hold anything, so that UTF-8 could fail at any name; as LATIN1 all bytes can be read and kept,
    and a name that was read is found again.
    """
    without = connection.info.parameter_status("server_encoding") == "SQL_ASCII"
    connection.execute("SET client_encoding = 'LATIN1'" if without else "SET client_encoding = 'UTF8'")


def pin_output(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    """Pin how the server renders values as text, so that two servers render one value alike."""
    connection.execute(
        "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS s (name, value)",
        [list(OUTPUT), list(OUTPUT.values())],
    )


def reason_of(error: Exception) -> str:
    """Return why a server did not answer, on one line: the last one of the message that asks nothing back."""
    lines = [line.strip() for line in str(error).splitlines()]
    return next((line.rstrip(".") for line in reversed(lines) if line and not line.endswith("?")), type(error).__name__)


def connect(
    url: str, *, application_name: str, place: str = "target", variable: str = "TARGET_RUNNER_URL"
) -> psycopg.Connection[tuple[object, ...]]:
    """Open a session of the runner: autocommit, ``public`` on the path, UTC and ISO output, no limits of the role's.

    Args:
        url: where to.
        application_name: how the session is called on the server.
        place: what a refusal calls the server.
        variable: the environment variable that names it.

    Raises:
        Refused: the server does not answer or does not accept the role.
    """
    try:
        connection = psycopg.connect(
            url, autocommit=True, application_name=application_name, connect_timeout=10, prepare_threshold=ONLY_ASKED
        )
        connection.execute("SET statement_timeout = 0")  # first: the role's may be too short for the rest
        read_any_encoding(connection)
        connection.execute(
            "SET search_path = public; SET standard_conforming_strings = on; "
            "SET plan_cache_mode = force_generic_plan; SET jit = off"  # for our few prepared statements
        )
        pin_output(connection)
        connection.execute(LIFT_LIMITS)
        with suppress(psycopg.errors.InvalidParameterValue):  # a server that cannot tell whether its client lives
            connection.execute("SET client_connection_check_interval = '1s'")
    except psycopg.OperationalError as error:
        raise Refused(
            f"The {place} cannot be reached: {reason_of(error)}.",
            f"Check that the server runs and that {variable} names it (embedded: manage.py v7_postgres status).",
        ) from error
    except psycopg.ProgrammingError as error:  # the driver's; the message would quote what was set
        raise Refused(
            f"{variable} is not a PostgreSQL URL.", "Write postgresql://role:password@host:port/database."
        ) from error
    return connection


@contextmanager
def settings(connection: psycopg.Connection[tuple[object, ...]], **values: str) -> Iterator[None]:
    """Lend session settings and give the old ones back."""
    before = {}
    for name, value in values.items():
        row = connection.execute("SELECT current_setting(%s)", [name]).fetchone()
        before[name] = str(row[0]) if row else ""
        connection.execute("SELECT set_config(%s, %s, false)", [name, value])
    try:
        yield
    finally:
        if not connection.closed:
            with suppress(psycopg.OperationalError):  # the session ended, and its settings with it
                for name, value in before.items():
                    connection.execute("SELECT set_config(%s, %s, false)", [name, value])


def set_local(connection: psycopg.Connection[tuple[object, ...]], **values: str) -> None:
    """Set settings for the open transaction only."""
    for name, value in values.items():
        connection.execute(sql.SQL("SET LOCAL {} = {}").format(sql.Identifier(name), sql.Literal(value)))


def lock_holder(connection: psycopg.Connection[tuple[object, ...]]) -> str | None:
    """Say who holds the run's lock (application, role, process, since when), or None."""
    row = connection.execute(
        """
        SELECT coalesce(nullif(a.application_name, ''), 'a session'), a.usename, l.pid, a.backend_start
        FROM pg_locks l LEFT JOIN pg_stat_activity a USING (pid)
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
          AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
          AND ((l.classid::bigint << 32) | l.objid::bigint) = hashtextextended(%s, 0)
        """,
        [RUN_LOCK],
    ).fetchone()
    if row is None:
        return None
    return f"{row[0]} (role {row[1]}, process {row[2]}, connected since {row[3]:%Y-%m-%d %H:%M:%S} UTC)"


@contextmanager
def run_lock(connection: psycopg.Connection[tuple[object, ...]], *, patience: float = 0.0) -> Iterator[None]:
    """Hold the one lock that a run needs, polled (a blocking wait beside a concurrent index deadlocks).

    Args:
        connection: session that keeps the lock until the block ends.
        patience: seconds to poll before giving up.

    Raises:
        Refused: another runner holds it; the message says who.
    """
    deadline = time.monotonic() + patience
    while True:
        row = connection.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [RUN_LOCK]).fetchone()
        if row and row[0]:
            break
        if time.monotonic() >= deadline:
            raise Refused(
                f"Another run is at work on this target: {lock_holder(connection) or 'its session just ended'}.",
                "Wait for it to end (v7_status), then try again.",
            )
        time.sleep(0.1)
    try:
        yield
    finally:
        if not connection.closed:
            with suppress(psycopg.OperationalError):  # the session ended, and the lock with it
                connection.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [RUN_LOCK])


def blockers(connection: psycopg.Connection[tuple[object, ...]], pid: int) -> list[dict[str, object]]:
    """Return the sessions that block ``pid``: pid, application, age of their query in seconds, autovacuum or not.

    The caller asks from another session: the blocked one is waiting. Of other roles' sessions the server hides type and
    times from who is no member of pg_read_all_stats; an autovacuum is then known by having a database and no role.
    """
    rows = connection.execute(
        """
        SELECT a.pid, coalesce(nullif(a.application_name, ''), v.kind, 'role ' || a.usename, 'a session'),
               round(extract(epoch FROM clock_timestamp() - coalesce(a.query_start, a.backend_start))::numeric, 1)
                   ::float8,
               v.kind IS NOT DISTINCT FROM 'autovacuum worker', a.state
        FROM unnest(pg_blocking_pids(%s)) AS b(pid) JOIN pg_stat_activity a ON a.pid = b.pid,
            LATERAL (SELECT coalesce(a.backend_type, CASE WHEN a.usesysid IS NULL AND a.datid IS NOT NULL
                THEN 'autovacuum worker' END)) AS v (kind)
        """,
        [pid],
    ).fetchall()
    return [
        {"pid": r[0], "application": r[1], "query_age_seconds": r[2], "autovacuum": r[3], "state": r[4]} for r in rows
    ]
