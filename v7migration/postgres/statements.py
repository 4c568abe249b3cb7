"""The heaviest statements of the application, as ``pg_stat_statements`` counts them, where it is present and readable.

Its texts are normalised: constants are ``$1``, ``$2``, so they cannot be run again; from PostgreSQL 16 on they can be
planned. The queries of an inventory itself are left out, and so are texts of commands other than queries, because
constants stand in them (a password, say). What is left of strings in a text is masked.
"""

from __future__ import annotations

import re
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql

from v7migration.postgres.kept import is_kept
from v7migration.postgres.plans import plan_of

Connection = psycopg.Connection[Any]
LISTED = 20
READ, ABSENT, UNREADABLE = "read", "absent", "unreadable"
GENERIC_PLANS_SINCE = 160_000
_PLACE: LiteralString = """
    SELECT n.nspname FROM pg_extension AS e JOIN pg_namespace AS n ON n.oid = e.extnamespace
     WHERE e.extname = 'pg_stat_statements'
"""
_HEAVIEST: LiteralString = """
    SELECT s.queryid::text, s.query, s.calls, s.mean_exec_time, s.total_exec_time, s.rows,
           s.shared_blks_hit, s.shared_blks_read
      FROM {view} AS s
     WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     ORDER BY s.total_exec_time DESC, s.queryid
"""
_HIDDEN = "<insufficient privilege>"
_QUERY = re.compile(
    r"\s*(?:/\*.*?\*/\s*|--[^\n]*\n\s*|\(\s*)*(select|insert|update|delete|merge|with|values|table)\b", re.I | re.S
)
_STRING = re.compile(r"'(?:[^']|'')*'")


def heaviest(connection: Connection, *, timeout: int, schema: str | None = None) -> dict[str, Any]:
    """Return the statements that took the most time in this database, or why they cannot be told.

    Args:
        connection: whose role decides what may be read.
        timeout: milliseconds after which reading or planning is given up.
        schema: where the view ``pg_stat_statements`` is; None looks for the extension.

    Returns:
        ``state`` (``read``, ``absent``, ``unreadable``), ``note`` (a sentence, empty where all is well) and ``entries``
        [{``queryid``, ``query``, ``calls``, ``milliseconds_mean``, ``milliseconds_total``, ``rows``, ``blocks_hit``,
        ``blocks_read``, ``tree``, ``plan_note``}], the heaviest first.
    """
    if schema is None:
        row = connection.execute(_PLACE).fetchone()
        if row is None:
            return _told(ABSENT, "The extension pg_stat_statements is not in this database: CREATE EXTENSION adds it.")
        schema = str(row[0])
    try:
        with connection.transaction(force_rollback=True):
            _guard(connection, timeout)
            rows = connection.execute(
                sql.SQL(_HEAVIEST).format(view=sql.Identifier(schema, "pg_stat_statements"))
            ).fetchall()
    except psycopg.Error as error:
        if connection.closed:
            raise
        return _told(UNREADABLE, f"pg_stat_statements cannot be read: {_first_line(error)}.")
    shown = [row for row in rows if row[1] and row[1] != _HIDDEN]
    theirs = [row for row in shown if _QUERY.match(row[1]) and not is_kept(row[1])]
    entries = [_entry(connection, row, timeout) for row in theirs[:LISTED]]
    hidden = len(rows) - len(shown)
    note = (
        f"{hidden} statements of other roles are hidden from {connection.info.user}: a superuser shows them with "
        f"GRANT pg_read_all_stats TO {connection.info.user}."
        if hidden
        else ""
    )
    return _told(READ, note, entries)


def _entry(connection: Connection, row: tuple[Any, ...], timeout: int) -> dict[str, Any]:
    queryid, text, calls, mean, total, rows, hit, read = row
    tree, note = _generic_plan(connection, text, timeout)
    return {
        "queryid": queryid, "query": _STRING.sub("'…'", text), "calls": calls, "rows": rows,
        "milliseconds_mean": round(mean, 3), "milliseconds_total": round(total, 1),
        "blocks_hit": hit, "blocks_read": read, "tree": tree, "plan_note": note,
    }  # fmt: skip


def _generic_plan(connection: Connection, text: str, timeout: int) -> tuple[list[dict[str, Any]], str]:
    """Return the plan of a normalised text with its parameters open, or why there is none."""
    if connection.info.server_version < GENERIC_PLANS_SINCE:
        return [], "PostgreSQL 16 and later plan a statement whose constants are not known."
    try:
        with connection.transaction(force_rollback=True):
            _guard(connection, timeout)
            return plan_of(connection, text, generic=True), ""
    except errors.QueryCanceled:
        return [], f"Planning took longer than {timeout / 1000:g} s."
    except psycopg.Error as error:
        if connection.closed:
            raise
        return [], f"Not planned: {_STRING.sub('…', _first_line(error))}."


def _guard(connection: Connection, timeout: int) -> None:
    connection.execute("SET TRANSACTION READ ONLY")
    connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(timeout)])


def _told(state: str, note: str, entries: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    return {"state": state, "note": note, "entries": entries or []}


def _first_line(error: psycopg.Error) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
