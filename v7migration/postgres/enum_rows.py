"""How many rows hold each label of an enum type: estimated from the planner's statistics, or counted.

Estimates cost nothing and need nothing but ANALYZE; what cannot be known is None with a note that says why.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg
from psycopg import errors, sql

from v7migration.postgres.catalog import pinned
from v7migration.postgres.enum_groups import EnumType
from v7migration.postgres.kept import query
from v7migration.postgres.qualified import joined, parts_of

PARTITIONED = "partitioned: its rows are told by its partitions"
ESTIMATED, COUNTED, UNKNOWN = "estimated", "counted", "unknown"


@dataclass(frozen=True)
class EnumColumn:
    """A table column that holds an enum type, plainly (``scalar``), in an array (``array``) or else (``other``)."""

    type: str
    schema: str
    table: str
    column: str
    kind: str
    shape: str
    domain: bool
    sql_type: str
    default: str | None
    generated: bool
    inherited: bool
    reltuples: int
    statistics: Mapping[str, Any] = field(default_factory=dict, hash=False)

    @property
    def relation(self) -> str:
        """``schema.table``, as people read it."""
        return joined(self.schema, self.table)

    def as_dict(self) -> dict[str, Any]:
        """The column as JSON-able facts, without its statistics."""
        kinds = {"r": "table", "p": "partitioned table", "f": "foreign table"}
        return {
            "schema": self.schema, "table": self.table, "column": self.column, "kind": kinds[self.kind],
            "shape": self.shape, "domain": self.domain, "type": self.sql_type, "default": self.default,
            "generated": self.generated, "inherited": self.inherited,
        }  # fmt: skip


def enum_columns(conn: psycopg.Connection[Any]) -> list[EnumColumn]:
    """List every table column that holds an enum type, with its statistics as far as this role may see them."""
    with pinned(conn) as cursor:
        names = {
            oid: joined(schema, name)
            for oid, schema, name in cursor.execute(
                "SELECT t.oid::bigint, n.nspname::text, t.typname::text FROM pg_catalog.pg_type AS t "
                "JOIN pg_catalog.pg_namespace AS n ON n.oid = t.typnamespace WHERE t.typtype = 'e'"
            )
        }
        return [
            EnumColumn(*(names[row[0]], *row[1:12], dict(zip(_STATISTICS, row[12:], strict=True))))
            for row in cursor.execute(query("inventory/enum_columns"))
        ]


_STATISTICS = ("null_frac", "n_distinct", "common", "frequencies", "others", "elements", "element_frequencies")


def estimate_column(column: EnumColumn, labels: Sequence[str]) -> dict[str, Any]:
    """Estimate the rows of one column by label from the planner's statistics.

    Returns ``{"table", "column", "method", "rows", "nulls", "labels": {label: rows or None}, "note"}``. For an array
    a row counts for each label that it holds. Labels that the statistics do not list share what is left of the rows.
    """
    found = _facts(column, labels)
    if column.kind == "p":
        return found | {"note": PARTITIONED}
    if column.shape == "other":
        return found | {"note": "inside a range, a composite or a nested array: no statistics, but --count counts them"}
    if column.reltuples < 0:
        return found | {"note": "never analyzed: run ANALYZE on the table"}
    seen = column.statistics
    if column.reltuples and seen.get("null_frac") is None:
        return found | {
            "rows": column.reltuples,
            "note": "no statistics that this role may read: run ANALYZE as its owner",
        }
    shares = _shares(column, labels) if column.reltuples else dict.fromkeys(labels, 0.0)
    return found | {
        "method": ESTIMATED,
        "rows": column.reltuples,
        "nulls": round(column.reltuples * (seen.get("null_frac") or 0.0)),
        "labels": {label: round(column.reltuples * share) for label, share in shares.items()},
        "note": "",
    }


def _facts(column: EnumColumn, labels: Sequence[str]) -> dict[str, Any]:
    unknown: dict[str, int | None] = dict.fromkeys(labels)
    return {
        "table": column.relation, "column": column.column, "method": UNKNOWN, "rows": None, "nulls": None,
        "labels": unknown, "note": "",
    }  # fmt: skip


def _shares(column: EnumColumn, labels: Sequence[str]) -> dict[str, float]:
    """Return the share of the table's rows that hold each label."""
    seen = column.statistics
    if column.shape == "array":
        shares = dict(zip(seen.get("elements") or (), seen.get("element_frequencies") or (), strict=False))
        filled = 1.0 - float(seen.get("null_frac") or 0.0)  # the frequencies are shares of the rows that are not NULL
        return {label: filled * float(shares.get(label, 0.0)) for label in labels}
    shares = dict(zip(seen.get("common") or (), map(float, seen.get("frequencies") or ()), strict=True))
    rest = max(0.0, 1.0 - float(seen.get("null_frac") or 0.0) - sum(shares.values()))
    others = {label for label in seen.get("others") or () if label not in shares}
    unlisted = [label for label in labels if label in others] or [label for label in labels if label not in shares]
    spread = rest / len(unlisted) if unlisted and (others or not shares) else 0.0
    return {label: shares.get(label, spread if label in unlisted else 0.0) for label in labels}


def estimated_rows(types: Iterable[EnumType], columns: Iterable[EnumColumn]) -> list[dict[str, Any]]:
    """Estimate the rows per label of every type.

    Returns ``[{"type", "method", "rows", "labels": {label: rows or None}, "columns": [as estimate_column]}]``, sorted
    as the types are; ``method`` is ``unknown`` where any column of the type is, but what is known is still summed.
    """
    return [_summed(enum, estimates, ESTIMATED) for enum, estimates in _each(types, columns, estimate_column)]


def _each(types: Iterable[EnumType], columns: Iterable[EnumColumn], measure: Any) -> list[tuple[EnumType, list[Any]]]:
    of_type: dict[str, list[EnumColumn]] = defaultdict(list)
    for column in columns:
        of_type[column.type].append(column)
    return [(enum, [measure(column, enum.labels) for column in of_type[enum.key]]) for enum in types]


def _summed(enum: EnumType, columns: list[dict[str, Any]], how: str) -> dict[str, Any]:
    told = [column for column in columns if column["method"] != UNKNOWN]
    unknown = [column for column in columns if column["method"] == UNKNOWN and column["note"] != PARTITIONED]
    methods = {column["method"] for column in told}
    method = UNKNOWN if unknown else ESTIMATED if ESTIMATED in methods else COUNTED if methods else how
    counts: dict[str, int | None] = dict.fromkeys(enum.labels, None if unknown and not told else 0)
    for column in told:
        for label, number in column["labels"].items():
            counts[label] = (counts[label] or 0) + number
    sizes = {column["table"]: column["rows"] for column in columns if column["rows"] is not None}
    rows = None if unknown and not sizes else sum(sizes.values())
    return {"type": enum.key, "method": method, "rows": rows, "labels": counts, "columns": columns}


def counted_rows(
    conn: psycopg.Connection[Any],
    types: Iterable[EnumType],
    columns: Iterable[EnumColumn],
    *,
    seconds: float,
) -> list[dict[str, Any]]:
    """Count the rows per label of every type, at most ``seconds`` for each table; shape as :func:`estimated_rows`.

    A table that may not be read, that takes longer or that is locked keeps ``unknown`` with the reason as its note; a
    foreign table is not asked, and a role that row security restricts is refused by the server instead of misled.
    """
    spent: dict[str, float] = defaultdict(float)

    def measure(column: EnumColumn, labels: Sequence[str]) -> dict[str, Any]:
        began = time.monotonic()
        found = _count(conn, column, labels, seconds - spent[column.relation], seconds)
        spent[column.relation] += time.monotonic() - began
        return found

    return [_summed(enum, counts, COUNTED) for enum, counts in _each(types, columns, measure)]


def _count(
    conn: psycopg.Connection[Any], column: EnumColumn, labels: Sequence[str], left: float, seconds: float
) -> dict[str, Any]:
    """Count one column within the seconds that are left of its table's."""
    found = _facts(column, labels)
    if column.kind == "p":
        return found | {"note": PARTITIONED}
    if column.kind == "f":
        return found | {"note": "foreign table: not counted"}
    try:
        with pinned(conn) as cursor:
            for name, value in (
                ("statement_timeout", max(1, round(left * 1000))),
                ("lock_timeout", 2000),
                ("row_security", "off"),
            ):
                cursor.execute("SELECT set_config(%s, %s, true)", [name, str(value)])
            rows, nulls, counts = _numbers(cursor, column)
    except errors.Error as error:
        return found | {"note": f"not counted: {_reason(error, seconds)}"}
    counted = {label: counts.get(label, 0) for label in labels}
    return found | {"method": COUNTED, "rows": rows, "nulls": nulls, "labels": counted}


def _numbers(cursor: psycopg.Cursor[Any], column: EnumColumn) -> tuple[int, int, dict[str, int]]:
    """Count rows, NULLs and rows by label. ONLY: inherited tables and partitions are columns of their own.

    A row counts once for each label that it holds; of a range the bounds count.
    """
    names = {"table": sql.Identifier(column.schema, column.table), "column": sql.Identifier(column.column)}
    if column.shape != "scalar":
        whole = sql.SQL("SELECT count(*), count(*) - count({column}) FROM ONLY {table}").format(**names)
        rows, nulls = cursor.execute(whole).fetchone() or (0, 0)
        each = sql.SQL(
            "SELECT label, count(*) FROM ONLY {table} AS held_by CROSS JOIN LATERAL ({held}) AS held (label) "
            "WHERE label IS NOT NULL GROUP BY 1"
        ).format(**names, held=_held(cursor, column))
        return rows, nulls, dict(cursor.execute(each).fetchall())
    each = sql.SQL("SELECT {column}::text, count(*) FROM ONLY {table} GROUP BY 1").format(**names)
    counts = dict(cursor.execute(each).fetchall())
    return sum(counts.values()), counts.pop(None, 0), counts


def _held(cursor: psycopg.Cursor[Any], column: EnumColumn) -> sql.Composable:
    """Return the query that gives the labels that one row holds, each once, by every way that leads to the type."""
    type_schema, type_name = parts_of(column.type)
    places = {"type_schema": type_schema, "type_name": type_name, "schema": column.schema, "table": column.table}
    ways = cursor.execute(query("inventory/enum_paths"), {**places, "column": column.column}).fetchall()
    return sql.SQL(" UNION ").join(_along(column.column, steps) for (steps,) in ways)


def _along(column: str, steps: Sequence[tuple[str, str | None]]) -> sql.Composable:
    """Return the query that follows one way from a column to labels: arrays are unnested, ranges give their bounds."""
    value: sql.Composable = sql.SQL("held_by.{}").format(sql.Identifier(column))
    given: sql.Composable = sql.SQL("")
    for number, (step, name) in enumerate(steps):
        if step == "attribute":
            value = sql.SQL("({}).{}").format(value, sql.Identifier(str(name)))
        elif step != "domain":
            each = "unnest({})" if step == "array" else "unnest(ARRAY[lower({0}), upper({0})])"
            place = sql.Identifier(f"step_{number}")
            given += sql.SQL(", " if given.as_string() else " FROM ")
            given += sql.SQL("LATERAL (SELECT {}) AS {} (value)").format(sql.SQL(each).format(value), place)
            value = sql.SQL("{}.value").format(place)
    return sql.SQL("SELECT DISTINCT {}::text").format(value) + given


def _reason(error: errors.Error, seconds: float) -> str:
    if isinstance(error, errors.QueryCanceled):
        return f"the table takes longer than {seconds:g} s"
    if isinstance(error, errors.LockNotAvailable):
        return "the table is locked"
    return (error.diag.message_primary or str(error)).strip()
