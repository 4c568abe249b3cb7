"""Times without a zone: columns and domains that store them, and expressions that make them (V7S306)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import grammar
from .known import type_name
from .model import ACCEPT, Problem, Section, Statement

RANGES = ("tsrange", "tsmultirange")
MOMENTS = frozenset({"now", "clock_timestamp", "transaction_timestamp", "statement_timestamp"})
LOCAL = frozenset({"SVFOP_LOCALTIMESTAMP", "SVFOP_LOCALTIMESTAMP_N"})
STORING = ("CreateStmt", "CompositeTypeStmt", "AlterTableStmt", "CreateDomainStmt")


def findings(section: Section, statement: Statement, root: Any) -> Iterator[Problem]:
    """Each column, domain and expression of a statement that loses its zone."""
    for name, node in _stored(root):
        if _is_zoneless(type_name(node)):
            hint = "Use timestamp with time zone."
            if type_name(node).startswith(RANGES):
                hint = "Use tstzrange."
            message = f"the time{name} has no zone: sessions in other zones read another moment"
            yield Problem("V7S306", ACCEPT, section.number, statement.line_of(node.location), message, hint)
    if grammar.kind(root) == "CreateFunctionStmt":
        return
    for node in grammar.nodes(root, "SQLValueFunction", "TypeCast"):
        if what := _cut(node):
            message = f"{what} is the time of the session's zone, and keeps nothing of it"
            line = statement.line_of(node.location)
            yield Problem(
                "V7S306", ACCEPT, section.number, line, message, "Keep it with its zone, or say AT TIME ZONE."
            )


def _stored(root: Any) -> Iterator[tuple[str, Any]]:
    """What a statement stores: words for the column or domain, and its type."""
    match grammar.kind(root):
        case "AlterTableStmt":
            for command in grammar.nodes(root, "AlterTableCmd"):
                if grammar.constant(command, "subtype") in ("AT_AlterColumnType", "AT_AddColumn"):
                    column = getattr(command, "def").column_def
                    yield f" {command.name or column.colname}", column.type_name
        case "CreateStmt" | "CompositeTypeStmt":
            for column in grammar.nodes(root, "ColumnDef"):
                yield f" {column.colname}", column.type_name
        case "CreateDomainStmt":
            yield f" in the domain {'.'.join(grammar.strings(root.domainname))}", root.type_name


def _is_zoneless(kind: str) -> bool:
    return kind.startswith(RANGES) or (kind.startswith("timestamp") and "with time zone" not in kind)


def _cut(node: Any) -> str:
    """Words for an expression that takes the zone off the present moment; '' for another one."""
    if grammar.kind(node) == "SQLValueFunction":
        return "LOCALTIMESTAMP" if grammar.constant(node, "op") in LOCAL else ""
    if not _is_zoneless(type_name(node.type_name)):
        return ""
    inner = grammar.inner(node.arg)
    if grammar.kind(inner) == "SQLValueFunction" and grammar.constant(inner, "op").startswith(
        "SVFOP_CURRENT_TIMESTAMP"
    ):
        return "CURRENT_TIMESTAMP as timestamp"
    called = grammar.strings(inner.funcname)[-1:] if grammar.kind(inner) == "FuncCall" else []
    return f"{called[0]}() as timestamp" if MOMENTS.intersection(called) else ""
