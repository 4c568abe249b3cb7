"""Is the target stable after a rollback (document 5.4, step 4)? Nothing of ours is left, and the application can work.

What was there before the run (an index that somebody else left invalid) is not held against the rollback.
"""

from __future__ import annotations

import time
from collections.abc import Container
from typing import Any

import psycopg
from psycopg import sql
from psycopg.errors import LockNotAvailable, QueryCanceled

from v7migration.postgres.kept import query
from v7migration.postgres.queries import Check
from v7migration.postgres.session import set_local

Connection = psycopg.Connection[Any]
TABLE = "public.file_audit"
SESSION_PATIENCE = 3.0
"""Seconds for which a session that was just cut may linger: the server ends it within one."""
COUNT_MILLISECONDS = 30_000
"""Milliseconds that counting file_audit may take; beyond them its rows stay uncounted."""


def files(connection: Connection) -> dict[str, Any]:
    """Look at file_audit: ``filenode`` and ``rows`` (None where it is missing, or takes too long to count)."""
    row = connection.execute("SELECT pg_relation_filenode(to_regclass(%s))", [TABLE]).fetchone()
    filenode = row[0] if row else None
    return {"filenode": filenode, "rows": None if filenode is None else _count(connection)}


def _count(connection: Connection) -> int | None:
    try:
        with connection.transaction():
            set_local(connection, statement_timeout=str(COUNT_MILLISECONDS), lock_timeout="1s")
            row = connection.execute("SELECT count(*) FROM public.file_audit").fetchone()
    except (QueryCanceled, LockNotAvailable):  # it takes too long, or somebody holds the table
        return None
    return int(row[0]) if row else None


def examine(connection: Connection, *, known: Container[str], before: dict[str, Any]) -> list[Check]:
    """Return the stability checks of the target, each with what was expected and found.

    Args:
        connection: an idle session of the runner.
        known: names of the indexes and constraints that file_audit had before the run.
        before: what :func:`files` saw immediately before Section 9, or nothing.
    """
    sessions = _sessions(connection)
    return [
        _none("sessions", "No other session of a run or rollback", [f"{app} (process {pid})" for pid, app in sessions]),
        _none("locks", "No lock of a run or rollback", _names(connection, "locks")),
        _none("indexes", "No invalid index on file_audit", _names(connection, "invalid_indexes", known)),
        _none("constraints", "No unvalidated constraint on file_audit", _names(connection, "unvalidated", known)),
        _readable(connection),
        _same_files(before, files(connection)),
    ]


def _sessions(connection: Connection) -> list[tuple[int, str]]:
    deadline = time.monotonic() + SESSION_PATIENCE
    while True:
        found = [(int(row[0]), str(row[1])) for row in connection.execute(query("stability/sessions")).fetchall()]
        if not found or time.monotonic() >= deadline:
            return found
        time.sleep(0.1)


def _names(connection: Connection, kind: str, known: Container[str] = ()) -> list[str]:
    return [
        str(row[0]) for row in connection.execute(query(f"stability/{kind}")).fetchall() if str(row[0]) not in known
    ]


def _none(name: str, title: str, found: list[str]) -> Check:
    return Check(name, title, "none", "; ".join(found) or "none", not found)


def _readable(connection: Connection) -> Check:
    """Read one row of every table; a slow one is readable, a locked or broken one is not."""
    tables = connection.execute(query("stability/tables")).fetchall()
    failures = []
    for schema, table in tables:
        try:
            with connection.transaction():
                set_local(connection, statement_timeout="5s", lock_timeout="1s")
                connection.execute(sql.SQL("SELECT FROM {} LIMIT 1").format(sql.Identifier(schema, table)))
        except QueryCanceled:
            continue
        except psycopg.Error as error:
            if connection.closed:
                raise
            failures.append(f"{schema}.{table}: {str(error).strip().splitlines()[0]}")
    actual = "; ".join(failures) or f"{len(tables)} tables were read"
    return Check("tables", "The application's tables can be read", "each of them", actual, not failures)


def _same_files(before: dict[str, Any], now: dict[str, Any]) -> Check:
    """Compare file_audit with how it was immediately before Section 9; the application may have written rows since."""
    was, same = before.get("filenode"), before.get("filenode") in (None, now["filenode"])
    rows = f"{_number(before.get('rows'))} rows before, {_number(now['rows'])} after"
    lost = bool(before.get("rows")) and now["rows"] == 0
    storage = "the same storage" if same and was is not None else "its storage was not looked at before"
    actual = f"{storage if same else 'another storage file'}; {rows}"
    return Check(
        "file_audit", "file_audit kept its rows and its storage", "the same storage", actual, same and not lost
    )


def _number(rows: Any) -> str:
    return "uncounted" if rows is None else f"{rows:,}"
