"""An INSERT whose second run would double rows: nothing about it stops them (V7S303)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import grammar, objects
from .known import Known, Relation
from .model import ACCEPT, Problem, Section, Statement

CHANGING = ("SetToDefault", "SQLValueFunction")
"""What need not be the same value in a second run; of calls, those that are not on :data:`LASTING`."""
LASTING = frozenset({
    "lower", "upper", "coalesce", "concat", "md5", "jsonb_build_object", "jsonb_build_array", "json_build_object",
    "json_build_array", "to_jsonb", "array_position", "make_interval", "date_trunc", "make_date", "length", "trim",
    "btrim", "ltrim", "rtrim", "replace", "substring", "substr", "split_part", "encode", "decode", "sha256", "format",
    "to_timestamp", "to_date", "timezone", "extract", "date_part", "abs", "round", "int4range", "tstzrange",
    "repeat", "lpad", "rpad", "left", "right", "string_to_array", "array_to_string", "uuid_generate_v5", "chr",
    "daterange", "nullif",
})  # fmt: skip


def findings(section: Section, statement: Statement, root: Any, known: Known) -> Iterator[Problem]:
    """Each INSERT of a statement, those in its WITH clause too, that a second run would do again."""
    for node in grammar.nodes(root, "InsertStmt"):
        if grammar.kind(root) == "CreateFunctionStmt":
            return
        name = objects.relation(node.relation)
        reason = "" if node.relation.relpersistence == "t" else _doubles(node, name, known)
        if reason:
            message = f"run a second time, this INSERT doubles rows of {name.removeprefix('public.')}: {reason}"
            hint = "Give the values of a unique key, or write ON CONFLICT DO NOTHING or WHERE NOT EXISTS."
            line = statement.line_of(node.relation.location) if node is not root else statement.line
            yield Problem("V7S303", ACCEPT, section.number, line, message, hint)


def _doubles(root: Any, name: str, known: Known) -> str:
    """Why a second run doubles rows; '' when it does not."""
    if _asks_first(root, name):
        return ""
    target = known.relations.get(name)
    if target is None and not known.whole:
        target = Relation("table", open=True)
    has_guard = root.HasField("on_conflict_clause")
    if target is None or (target.open and not target.columns):
        return "" if has_guard else "its keys are not known here"
    given = [item.res_target.name for item in root.cols] or list(target.columns)
    if target.has_key(_fixed(root, given, name)) or (has_guard and target.open):
        return ""
    if has_guard:
        return "ON CONFLICT meets no row, for no unique key of it holds the values that this statement gives"
    return "no unique key of it holds the values that this statement gives"


def _asks_first(root: Any, name: str) -> bool:
    """Whether the statement looks in its own table whether the rows are there: NOT EXISTS, NOT IN, a count that is
    compared, EXCEPT, the NULL of an outer join."""
    for node in grammar.nodes(root, "BoolExpr", "A_Expr", "SelectStmt"):
        match grammar.kind(node):
            case "SelectStmt":
                if grammar.constant(node, "op") == "SETOP_EXCEPT" and _reads(node.rarg, name):
                    return True
            case "BoolExpr" if grammar.constant(node, "boolop") != "NOT_EXPR":
                continue
            case _:
                if any(_reads(query, name) for query in grammar.nodes(node, "SubLink")) and _decides(root, node):
                    return True
    outer = {"JOIN_LEFT", "JOIN_RIGHT", "JOIN_FULL"}
    joined = [node for node in grammar.nodes(root, "JoinExpr") if grammar.constant(node, "jointype") in outer]
    nulls = [node for node in grammar.nodes(root, "NullTest") if grammar.constant(node, "nulltesttype") == "IS_NULL"]
    return bool(nulls) and any(_reads(node, name) for node in joined)


def _decides(root: Any, expression: Any) -> bool:
    """Whether an expression stands in a condition, and not among the values."""
    places = {found.location for where in _conditions(root) for found in grammar.nodes(where, "SubLink")}
    return any(found.location in places for found in grammar.nodes(expression, "SubLink"))


def _conditions(root: Any) -> Iterator[Any]:
    for select in grammar.nodes(root, "SelectStmt"):
        if select.HasField("where_clause"):
            yield select.where_clause


def _reads(node: Any, name: str) -> bool:
    return any(objects.relation(found) == name for found in grammar.nodes(node, "RangeVar"))


def _fixed(root: Any, given: list[str], table: str) -> set[str]:
    """The columns whose values a second run gives again: constants and what a query reads, never a call like now()."""
    select = grammar.inner(root.select_stmt)
    if grammar.kind(select) != "SelectStmt":
        return set()
    rows = [list(item.list.items) for item in select.values_lists] or [
        [item.res_target.val for item in select.target_list]
    ]
    changing = {
        name
        for row in rows
        for name, value in zip(given, row, strict=False)
        if not value.HasField("column_ref") and _may_change(value, table)
    }
    return set(given[: max((len(row) for row in rows), default=0)]) - changing


def _may_change(value: Any, table: str) -> bool:
    """Whether a value may be another one in a second run; a query of the table itself reads what the first one did."""
    if value.HasField("a_const"):
        return bool(value.a_const.isnull)
    for node in grammar.nodes(value):
        if grammar.kind(node) in CHANGING or (grammar.kind(node) == "SubLink" and _reads(node, table)):
            return True
        if grammar.kind(node) == "FuncCall" and (grammar.strings(node.funcname) or [""])[-1] not in LASTING:
            return True
    return False
