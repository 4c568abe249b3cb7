"""How fast the target answers: named queries timed, sizes and index use; and two such measurements compared.

Document 2.1.1 (action 4) and 5.3. Everything is read in short read-only transactions, so that nothing is held up.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import errors, sql

Connection = psycopg.Connection[Any]
_SQL = Path(__file__).resolve().parent.parent / "sql" / "inventory"
STATEMENT_TIMEOUT = 10_000
"""Milliseconds after which one query of a measurement is given up."""
REPETITIONS = 7
ENOUGH = 2.0
"""Seconds after which a query is not repeated any more (twice it always runs, so that one is warm)."""
DEGRADED_RATIO, DEGRADED_BY = 2.0, 5.0
SLOWER_RATIO, SLOWER_BY = 1.5, 2.0
"""A verdict needs both: so many times as long, and so many milliseconds more. Noise makes the one or the other."""
AS_BEFORE, SLOWER, DEGRADED, FAILS, NEW = "as before", "slower", "degraded", "fails", "new"
WORSE = frozenset({DEGRADED, FAILS})
TABLE = sql.Identifier("public", "file_audit")


@dataclass(frozen=True)
class Named:
    """A query to be timed, and what people call it."""

    name: str
    sql: str


def queries_on_files(connection: Connection) -> list[Named]:
    """Return the queries that show how file_audit answers: count, a filter by each index, a join by each foreign key.

    A filter compares with the first value it finds, so that no value of the application is kept anywhere.
    """
    found = [Named("file_audit: count", _text(sql.SQL("SELECT count(*) FROM {}").format(TABLE), connection))]
    for column, is_gin in _rows(connection, "measured_filters"):
        statement = sql.SQL(
            "SELECT count(*) FROM {t} WHERE {c} {op} (SELECT {c} FROM {t} WHERE {c} IS NOT NULL LIMIT 1)"
        ).format(t=TABLE, c=sql.Identifier(column), op=sql.SQL("@>" if is_gin else "="))
        found.append(Named(f"file_audit: by {column}", _text(statement, connection)))
    for schema, table, column, to_schema, to_table, to_column in _rows(connection, "measured_joins"):
        statement = sql.SQL("SELECT count(*) FROM {a} AS a JOIN {b} AS b ON a.{x} = b.{y}").format(
            a=sql.Identifier(schema, table),
            b=sql.Identifier(to_schema, to_table),
            x=sql.Identifier(column),
            y=sql.Identifier(to_column),
        )
        found.append(Named(f"join: {table}.{column} to {to_table}.{to_column}", _text(statement, connection)))
    return found


def measure(connection: Connection, queries: Iterable[Named]) -> dict[str, Any]:
    """Measure the target through one session; the session's role decides what may be read.

    Returns ``queries`` [{``name``, ``sql``, ``milliseconds_min``, ``milliseconds_median``, ``repetitions``, ``plan``,
    ``error``}], ``sizes`` [{``name``, ``rows``, ``table_bytes``, ``index_bytes``}] and ``indexes`` [{``name``,
    ``table``, ``scans``, ``rows_read``, ``bytes``, ``valid``}]. ``rows`` is the planner's estimate, ``plan`` the
    node types from the top, ``error`` empty when the query answered in time.
    """
    sizes = ("name", "rows", "table_bytes", "index_bytes")
    indexes = ("name", "table", "scans", "rows_read", "bytes", "valid")
    return {
        "role": connection.info.user,
        "server_version": connection.info.server_version,
        "statement_timeout": STATEMENT_TIMEOUT,
        "queries": [timed(connection, query) for query in queries],
        "sizes": [dict(zip(sizes, row, strict=True)) for row in _rows(connection, "measured_sizes")],
        "indexes": [dict(zip(indexes, row, strict=True)) for row in _rows(connection, "measured_indexes")],
    }


def timed(connection: Connection, query: Named) -> dict[str, Any]:
    """Time one query in a read-only transaction: fastest and median of its repetitions, in milliseconds."""
    took: list[float] = []
    plan: list[str] = []
    problem = ""
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(STATEMENT_TIMEOUT)])
            plan = _plan(connection, query.sql)
            while len(took) < 2 or (len(took) < REPETITIONS and sum(took) < ENOUGH * 1000):
                took.append(_once(connection, query.sql))
    except errors.QueryCanceled:
        problem = f"took longer than {STATEMENT_TIMEOUT / 1000:g} s"
        took = took or [float(STATEMENT_TIMEOUT)]
    except psycopg.Error as error:
        if connection.closed:
            raise
        problem, took = str(error).strip().splitlines()[0], []
    return {
        "name": query.name, "sql": query.sql, "repetitions": len(took), "plan": plan, "error": problem,
        "milliseconds_min": round(min(took), 3) if took else None,
        "milliseconds_median": round(statistics.median(took), 3) if took else None,
    }  # fmt: skip


def compare(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compare two lists of timed queries by name, and give each of the later ones its verdict.

    Returns [{``name``, ``verdict``, ``ratio``, ``before``, ``after``, ``plan_before``, ``plan_after``, ``error``}];
    times in milliseconds are the fastest ones, because noise only adds. ``ratio`` is None without both times.
    """
    known = {entry["name"]: entry for entry in before}
    return [_compared(known.get(entry["name"]), entry) for entry in after]


def faster_of(first: Sequence[Mapping[str, Any]], second: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the first list with each entry that a second measurement saw faster (or saw succeed) replaced by it."""
    again = {entry["name"]: entry for entry in second}
    return [dict(_faster(entry, again.get(entry["name"], entry))) for entry in first]


def _faster(one: Mapping[str, Any], other: Mapping[str, Any]) -> Mapping[str, Any]:
    if bool(one["error"]) != bool(other["error"]):
        return other if one["error"] else one
    return min(one, other, key=lambda entry: entry["milliseconds_min"] or float("inf"))


def _compared(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> dict[str, Any]:
    was, now = (before or {}).get("milliseconds_min"), after["milliseconds_min"]
    return {
        "name": after["name"], "verdict": _verdict(before, after), "before": was, "after": now,
        "ratio": round(now / was, 2) if was and now is not None else None,
        "plan_before": list((before or {}).get("plan", [])), "plan_after": list(after["plan"]),
        "error": after["error"],
    }  # fmt: skip


def _verdict(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    if before is None or before["milliseconds_min"] is None:
        return NEW
    was, now = before["milliseconds_min"], after["milliseconds_min"]
    if now is None:
        return FAILS
    if now > was * DEGRADED_RATIO and now - was > DEGRADED_BY:
        return DEGRADED
    return SLOWER if now > was * SLOWER_RATIO and now - was > SLOWER_BY else AS_BEFORE


def _once(connection: Connection, text: str) -> float:
    started = time.perf_counter()
    connection.execute(text.encode()).fetchall()
    return (time.perf_counter() - started) * 1000


def _plan(connection: Connection, text: str) -> list[str]:
    row = connection.execute(b"EXPLAIN (FORMAT JSON) " + text.encode()).fetchone()
    document = row[0] if row else []
    return list(_nodes(json.loads(document)[0]["Plan"] if isinstance(document, str) else document[0]["Plan"]))


def _nodes(plan: Mapping[str, Any]) -> Iterable[str]:
    """Yield the node types of a plan from the top, each with the index or table it reads."""
    read = plan.get("Index Name") or plan.get("Relation Name")
    yield f"{plan['Node Type']} on {read}" if read else str(plan["Node Type"])
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _rows(connection: Connection, name: str) -> list[tuple[Any, ...]]:
    return connection.execute(_query(name)).fetchall()


@cache
def _query(name: str) -> LiteralString:
    """Return the text of a query kept beside the package; it is reviewed source, never input."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


def _text(statement: sql.Composed, connection: Connection) -> str:
    return statement.as_string(connection)
