"""Risks compared by their letters: 'critical' sorts before 'high' and 'low' before 'medium' (V7S305)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import grammar, objects
from .known import Known, is_text

RANKED = re.compile(r"(^|_)(risk|severity|priority|criticality|urgency|impact_level)(_|$)", re.I)
CHOOSING = frozenset({"min", "max", "greatest", "least"})
COMPARING = frozenset({"<", ">", "<=", ">="})


def alphabetical(root: Any, known: Known) -> Iterator[tuple[Any, str, str]]:
    """Each place where a text column that ranks things is compared: node, column, what compares it."""
    for node in grammar.nodes(root):
        match grammar.kind(node):
            case "SelectStmt":
                yield from _sorted(node, root, known)
            case "FuncCall":
                yield from _called(node, root, known)
            case "MinMaxExpr":
                for item in node.args:
                    yield from _named(grammar.inner(item), root, known, "GREATEST or LEAST")
            case "A_Expr" if COMPARING.intersection(grammar.strings(node.name)):
                for part in (node.lexpr, node.rexpr):
                    yield from _named(grammar.inner(part), root, known, grammar.strings(node.name)[-1])


def _called(node: Any, root: Any, known: Known) -> Iterator[tuple[Any, str, str]]:
    name = (grammar.strings(node.funcname) or [""])[-1]
    if name in CHOOSING:
        for item in node.args:
            yield from _named(grammar.inner(item), root, known, f"{name}()")
    for item in node.agg_order:
        yield from _named(grammar.inner(item.sort_by.node), root, known, f"the order in {name}()")


def _sorted(select: Any, root: Any, known: Known) -> Iterator[tuple[Any, str, str]]:
    outputs = {item.res_target.name: grammar.inner(item.res_target.val) for item in select.target_list}
    places = [grammar.inner(item.res_target.val) for item in select.target_list]
    for item in select.sort_clause:
        node = grammar.inner(item.sort_by.node)
        names = grammar.strings(node.fields) if grammar.kind(node) == "ColumnRef" else []
        if len(names) == 1 and names[0] in outputs:
            node = outputs[names[0]]
        elif grammar.kind(node) == "A_Const" and 1 <= node.ival.ival <= len(places):
            node = places[node.ival.ival - 1]
        yield from _named(node, root, known, "ORDER BY")


def _named(node: Any, scope: Any, known: Known, by: str) -> Iterator[tuple[Any, str, str]]:
    """The column that an expression is, if it ranks things and sorts by its letters."""
    while grammar.kind(node) == "TypeCast":
        if not is_text(".".join(grammar.strings(node.type_name.names)[-1:]).replace("varchar", "text")):
            return
        node = grammar.inner(node.arg)
    names = grammar.strings(node.fields) if grammar.kind(node) == "ColumnRef" else []
    if not names or not RANKED.search(names[-1]):
        return
    types = {kind for kind in _types(names[-1], scope, known) if kind}
    if not types and _is_computed(names[-1], scope):
        return
    if not types or any(is_text(kind) for kind in types):
        yield node, names[-1], by


def _is_computed(column: str, scope: Any) -> bool:
    """Whether the column is the name that a query gives to something else than a column."""
    values = [grammar.inner(node.val) for node in grammar.nodes(scope, "ResTarget") if node.name == column]
    return any(grammar.kind(value) not in ("ColumnRef", "TypeCast") for value in values)


def _types(column: str, scope: Any, known: Known) -> Iterator[str]:
    for node in grammar.nodes(scope, "RangeVar"):
        relation = known.relations.get(objects.relation(node))
        if relation is not None and column in relation.columns:
            yield relation.columns[column]
