"""What the planner would do with a query, as a tree that can be compared and read."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import psycopg
from psycopg import errors
from psycopg.pq import ExecStatus
from psycopg.rows import tuple_row


def plan_of(connection: psycopg.Connection[Any], text: str, *, generic: bool = False) -> list[dict[str, Any]]:
    """Return the plan of one statement from the top: [{``depth``, ``node``, ``rows``, ``cost``}]; nothing is run.

    Args:
        connection: whose role and settings count.
        text: the statement; a second one behind a semicolon is refused by the server.
        generic: plan it with its parameters open (``$1``), as PostgreSQL 16 and later can.

    Raises:
        psycopg.Error: the statement cannot be planned, or not by this role.
    """
    options = b"GENERIC_PLAN, FORMAT JSON" if generic else b"FORMAT JSON"
    statement = text.encode(connection.info.encoding)
    with psycopg.Cursor(connection, row_factory=tuple_row) as cursor:
        _check_single(connection, statement)
        cursor.execute(b"EXPLAIN (" + options + b") " + statement)
        # The driver reads JSON as UTF-8, whatever the session's encoding is: names need not be.
        document = cursor.pgresult.get_value(0, 0) if cursor.pgresult else None
    found = json.loads((document or b"[]").decode(connection.info.encoding))
    return list(_nodes(found[0]["Plan"], 0))


def _check_single(connection: psycopg.Connection[Any], text: bytes) -> None:
    """Let the server parse a text as what can be prepared: one statement. EXPLAIN would run what follows it."""
    result = connection.pgconn.prepare(b"", text)
    if result.status != ExecStatus.COMMAND_OK:
        raise errors.error_from_result(result, connection.info.encoding)


def _nodes(plan: Mapping[str, Any], depth: int) -> Iterator[dict[str, Any]]:
    """Yield a node and those below it, each with the index or table that it reads."""
    read = plan.get("Index Name") or plan.get("Relation Name")
    node = f"{plan['Node Type']} on {read}" if read else str(plan["Node Type"])
    yield {"depth": depth, "node": node, "rows": plan.get("Plan Rows"), "cost": plan.get("Total Cost")}
    for child in plan.get("Plans", ()):
        yield from _nodes(child, depth + 1)
