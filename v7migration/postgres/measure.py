"""How fast the target answers: named queries timed, their plans, sizes, indexes, cache; two measurements compared.

Document 2.1.1 (action 4) and 5.3. Everything is read in short read-only transactions, so that nothing is held up.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import errors, sql

from v7migration.postgres.kept import query
from v7migration.postgres.plans import plan_of
from v7migration.postgres.qualified import joined
from v7migration.postgres.statements import heaviest

Connection = psycopg.Connection[Any]
STATEMENT_TIMEOUT = 10_000
"""Milliseconds after which one query of a measurement is given up."""
LOCK_TIMEOUT = 3_000
"""Milliseconds that the sizes wait for a table that somebody has locked."""
REPETITIONS = 7
VIEW_TIMEOUT = 2_000
"""Milliseconds after which a view of the application is given up: nobody knows what it costs."""
ENOUGH = 2.0
"""Seconds after which a query is not repeated any more (twice it always runs, so that one is warm)."""
DEGRADED_RATIO, DEGRADED_BY = 2.0, 5.0
SLOWER_RATIO, SLOWER_BY = 1.5, 2.0
"""A verdict needs both: so many times as long, and so many milliseconds more. Noise makes the one or the other."""
AS_BEFORE, SLOWER, DEGRADED, FAILS, NEW = "as before", "slower", "degraded", "fails", "new"
NOT_MEASURED = "not measured"
SAME_PLAN, CHANGED_PLAN, UNKNOWN_PLAN = "same", "changed", "not known"
WORSE = frozenset({DEGRADED, FAILS})
TABLE = sql.Identifier("public", "file_audit")


@dataclass(frozen=True)
class Named:
    """A query to be timed, what people call it, and the milliseconds after which it is given up."""

    name: str
    sql: str
    timeout: int | None = None
    """None for :data:`STATEMENT_TIMEOUT`."""

    @classmethod
    def again(cls, entry: Mapping[str, Any]) -> Named:
        """Return the query of an earlier measurement, to be timed in the same way."""
        return cls(entry["name"], entry["sql"], entry.get("timeout"))


def queries_on_files(connection: Connection) -> list[Named]:
    """Return the queries that show how file_audit answers: count, a filter by each index, a join by each foreign key.

    A filter compares with the first value it finds, so that no value of the application is kept anywhere. Without the
    table there is nothing to ask.
    """
    there = connection.execute("SELECT to_regclass('public.file_audit') IS NOT NULL").fetchone()
    if not (there and there[0]):
        return []
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


def queries_on_views(connection: Connection) -> list[Named]:
    """Return a query for each view of the application that the session's role may read: it makes every row whole."""
    return [
        Named(
            f"view of the application: {joined(schema, name)}",
            _text(sql.SQL("SELECT count(v) FROM {} AS v").format(sql.Identifier(schema, name)), connection),
            VIEW_TIMEOUT,
        )
        for schema, name in _rows(connection, "measured_views")
    ]


def measure(connection: Connection, queries: Iterable[Named]) -> dict[str, Any]:
    """Measure the target through one session; the session's role decides what may be read.

    Returns ``queries`` [{``name``, ``sql``, ``milliseconds_min``, ``milliseconds_median``, ``repetitions``, ``plan``,
    ``tree``, ``error``, ``timeout``}], ``sizes`` [{``name``, ``rows``, ``table_bytes``, ``index_bytes``}], ``indexes``
    [{``name``, ``table``, ``scans``, ``rows_read``, ``bytes``, ``valid``}] (the largest; ``totals`` counts all
    ``tables`` and ``indexes``), ``health`` (see :func:`health`) and ``statements`` (see
    :func:`v7migration.postgres.statements.heaviest`). ``rows`` is the planner's estimate (None: never analyzed),
    ``plan`` the node types from the top, ``tree`` [{``depth``, ``node``, ``rows``, ``cost``}] the same as a tree,
    ``error`` empty when the query answered in time: a query that the role may not run is a part of the measurement
    that says so.
    ``faults`` says which list could not be read, because a table stayed locked.
    """
    sizes = ("name", "rows", "table_bytes", "index_bytes")
    indexes = ("name", "table", "scans", "rows_read", "bytes", "valid")
    faults: list[str] = []
    tables, kept = _rows(connection, "measured_totals")[0]
    return {
        "role": connection.info.user,
        "server_version": connection.info.server_version,
        "statement_timeout": STATEMENT_TIMEOUT,
        "queries": [timed(connection, query) for query in queries],
        "sizes": _listed(connection, "measured_sizes", sizes, faults),
        "indexes": _listed(connection, "measured_indexes", indexes, faults),
        "totals": {"tables": tables, "indexes": kept},
        "faults": faults,
        "health": health(connection),
        "statements": heaviest(connection, timeout=STATEMENT_TIMEOUT),
    }


def health(connection: Connection) -> dict[str, Any]:
    """Read what the server's statistics say of cache, dead rows and indexes.

    Returns ``cache`` {``hit_ratio`` (0 to 1, None before anything was read), ``blocks_hit``, ``blocks_read``,
    ``deadlocks``, ``temporary_files``, ``since``}, ``dead_rows`` [{``name``, ``live``, ``dead``, ``vacuumed``,
    ``analysed``}], ``unused_indexes`` [{``name``, ``table``, ``bytes``}] and ``duplicate_indexes`` [{``names``,
    ``table``, ``bytes``}]. Counters that were reset, or that belong to a standby, say nothing: see ``since``.
    """
    keys = ("blocks_hit", "blocks_read", "deadlocks", "temporary_files", "since")
    cache: dict[str, Any] = dict(zip(keys, _rows(connection, "measured_cache")[0], strict=True))
    read = cache["blocks_hit"] + cache["blocks_read"]
    cache["hit_ratio"] = round(cache["blocks_hit"] / read, 5) if read else None
    lists = {
        "dead_rows": ("name", "live", "dead", "vacuumed", "analysed"),
        "unused": ("name", "table", "bytes"),
        "duplicates": ("names", "table", "bytes"),
    }
    found = {
        name: [dict(zip(k, row, strict=True)) for row in _rows(connection, f"measured_{name}")]
        for name, k in lists.items()
    }
    told = {"cache": cache, "dead_rows": found["dead_rows"]}
    told |= {"unused_indexes": found["unused"], "duplicate_indexes": found["duplicates"]}
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain


def timed(connection: Connection, query: Named) -> dict[str, Any]:
    """Time one query in a read-only transaction: fastest and median of its repetitions, in milliseconds."""
    took: list[float] = []
    tree: list[dict[str, Any]] = []
    problem = ""
    timeout = query.timeout or STATEMENT_TIMEOUT
    try:
        with connection.transaction(force_rollback=True):
            connection.execute("SET TRANSACTION READ ONLY")
            connection.execute("SELECT set_config('statement_timeout', %s, true)", [str(timeout)])
            tree = plan_of(connection, query.sql)
            while len(took) < 2 or (len(took) < REPETITIONS and sum(took) < ENOUGH * 1000):
                took.append(_once(connection, query.sql))
    except errors.QueryCanceled:
        problem = f"took longer than {timeout / 1000:g} s"
        took = took or [float(timeout)]
    except psycopg.Error as error:
        if connection.closed:
            raise
        problem, took = str(error).strip().splitlines()[0], []
    return {
        "name": query.name, "sql": query.sql, "repetitions": len(took), "plan": [line["node"] for line in tree],
        "tree": tree, "error": problem, "timeout": timeout,
        "milliseconds_min": round(min(took), 3) if took else None,
        "milliseconds_median": round(statistics.median(took), 3) if took else None,
    }  # fmt: skip


def compare(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Compare two lists of timed queries by name, and give each of the later ones its verdict.

    Returns [{``name``, ``verdict``, ``ratio``, ``before``, ``after``, ``plan``, ``plan_before``, ``plan_after``,
    ``tree_before``, ``tree_after``, ``error``}]; times in milliseconds are the fastest ones, because noise only adds.
    ``ratio`` is None without both times. ``plan`` says whether the plan has the ``same`` shape (the nodes, their
    order and depth; estimates aside), has ``changed``, or is ``not known`` of both.
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
        "plan": _plan_verdict(before, after),
        "plan_before": list((before or {}).get("plan", [])), "plan_after": list(after["plan"]),
        "tree_before": list((before or {}).get("tree", [])), "tree_after": list(after.get("tree", [])),
        "error": after["error"],
    }  # fmt: skip


def _verdict(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    if before is None or before["milliseconds_min"] is None:
        return NEW if after["milliseconds_min"] is not None else NOT_MEASURED
    was, now = before["milliseconds_min"], after["milliseconds_min"]
    if now is None:
        return FAILS
    if now > was * DEGRADED_RATIO and now - was > DEGRADED_BY:
        return DEGRADED
    return SLOWER if now > was * SLOWER_RATIO and now - was > SLOWER_BY else AS_BEFORE


def _plan_verdict(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> str:
    """Compare the shapes of two plans; a measurement of an older version has no tree, only the nodes."""
    if before is None or not before["plan"] or not after["plan"]:
        return UNKNOWN_PLAN
    trees = before.get("tree"), after.get("tree")
    if all(trees):
        shapes = [[(line["depth"], line["node"]) for line in tree or ()] for tree in trees]
        return SAME_PLAN if shapes[0] == shapes[1] else CHANGED_PLAN
    return SAME_PLAN if list(before["plan"]) == list(after["plan"]) else CHANGED_PLAN


def _once(connection: Connection, text: str) -> float:
    started = time.perf_counter()
    connection.execute(text.encode(connection.info.encoding)).fetchall()
    return (time.perf_counter() - started) * 1000


def _listed(connection: Connection, name: str, keys: Sequence[str], faults: list[str]) -> list[dict[str, Any]]:
    """Return the rows of a query by key; where a lock or the time stops it, none, and why in ``faults``."""
    try:
        return [dict(zip(keys, row, strict=True)) for row in _rows(connection, name)]
    except (errors.LockNotAvailable, errors.QueryCanceled) as error:
        faults.append(f"{name.removeprefix('measured_')}: {error.diag.message_primary}")
        return []


def _rows(connection: Connection, name: str) -> list[tuple[Any, ...]]:
    with connection.transaction(force_rollback=True):
        connection.execute("SET TRANSACTION READ ONLY")
        connection.execute(
            "SELECT set_config('lock_timeout', %s, true), set_config('statement_timeout', %s, true)",
            [str(LOCK_TIMEOUT), str(STATEMENT_TIMEOUT)],
        )
        return connection.execute(query(f"inventory/{name}")).fetchall()


def _text(statement: sql.Composed, connection: Connection) -> str:
    return statement.as_string(connection)
