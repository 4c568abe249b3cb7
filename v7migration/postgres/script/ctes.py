"""Names that a WITH clause gives to queries: where they stand for the query, and not for a table of the same name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from . import grammar

HOLDERS = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")


def places(root: Any) -> frozenset[int]:
    """Return the offsets in the statement's text at which a relation's name means a query of a WITH clause.

    A query may name itself and later ones only under WITH RECURSIVE: ``WITH t AS (SELECT * FROM t)`` reads a table.
    """
    found: set[int] = set()
    for node in grammar.nodes(root, *HOLDERS):
        if node.HasField("with_clause"):
            found.update(_of(node))
    return frozenset(found)


def _of(node: Any) -> Iterator[int]:
    queries = [item.common_table_expr for item in node.with_clause.ctes]
    inside = [_named(query.ctequery) for query in queries]
    whole = _named(node)
    for number, query in enumerate(queries):
        hidden = {} if node.with_clause.recursive else _joined(inside[: number + 1])
        yield from (place for place, name in whole.items() if name == query.ctename and place not in hidden)


def _named(node: Any) -> dict[int, str]:
    """The unqualified names of relations in a part of a statement, by their offset."""
    return {found.location: found.relname for found in grammar.nodes(node, "RangeVar") if not found.schemaname}


def _joined(parts: list[dict[int, str]]) -> dict[int, str]:
    return {place: name for part in parts for place, name in part.items()}
