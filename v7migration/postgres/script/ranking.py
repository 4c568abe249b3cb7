"""Texts that rank things, compared by their letters: 'critical' sorts before 'high' and 'low' before 'medium' (V7S305).

A column ranks things by its name (``risk``, ``priority``, ``threat_level``), or because it holds one of a few words:
a CHECK lists them, an ENUM is cast to text, or its name is that of a state. Lists sorted by a state are common and
seldom wrong, so that is only advice; the greatest of them, or one less than another, is always by the letters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from . import grammar, objects
from .known import Known, is_text
from .model import ACCEPT, ADVICE

RANKED = re.compile(
    r"(^|_)(risk|severity|priority|criticality|urgency|importance|tier|seniority|(?<=_)level)(_|$)",
    re.I,
)
STATES = re.compile(r"(^|_)(status|state|stage|phase|level)$", re.I)
CHOOSING = frozenset({"min", "max", "greatest", "least"})
COMPARING = frozenset({"<", ">", "<=", ">=", "BETWEEN", "NOT BETWEEN", "BETWEEN SYMMETRIC", "NOT BETWEEN SYMMETRIC"})
KEEPS_LETTERS = frozenset({"lower", "upper", "trim", "btrim", "ltrim", "rtrim", "initcap"})
INDIFFERENT = frozenset({"mode"})
"""Aggregates that take an order and do not heed it."""
Found = tuple[Any, str, str, str]
"""The node, the column in words, what compares it, and how severe that is."""


def alphabetical(root: Any, known: Known) -> Iterator[Found]:
    """Each place where a text column that ranks things is compared."""
    for node in grammar.nodes(root):
        match grammar.kind(node):
            case "SelectStmt":
                yield from _sorted(node, root, known)
            case "FuncCall":
                yield from _called(node, root, known)
            case "WindowDef":
                for item in node.order_clause:
                    yield from _named(grammar.inner(item.sort_by.node), root, known, "the order of a window")
            case "MinMaxExpr":
                for item in node.args:
                    yield from _named(grammar.inner(item), root, known, "GREATEST or LEAST", always=True)
            case "A_Expr" if COMPARING.intersection(grammar.strings(node.name)):
                for part in (node.lexpr, node.rexpr):
                    yield from _named(grammar.inner(part), root, known, grammar.strings(node.name)[-1], always=True)


def _called(node: Any, root: Any, known: Known) -> Iterator[Found]:
    name = (grammar.strings(node.funcname) or [""])[-1]
    if name in CHOOSING:
        for item in node.args:
            yield from _named(grammar.inner(item), root, known, f"{name}()", always=True)
    for item in node.agg_order if name not in INDIFFERENT else ():
        yield from _named(grammar.inner(item.sort_by.node), root, known, f"the order in {name}()")


def _sorted(select: Any, root: Any, known: Known) -> Iterator[Found]:
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


def _named(node: Any, scope: Any, known: Known, by: str, *, always: bool = False) -> Iterator[Found]:
    """The column that an expression is, if it ranks things and sorts by its letters.

    ``always``: the letters decide the answer, and not only in which order a list is shown.
    """
    node, is_cast = _bare(node)
    names = grammar.strings(node.fields) if grammar.kind(node) == "ColumnRef" else []
    if not names:
        return
    column = names[-1]
    types = {kind for kind in _types(column, scope, known) if kind}
    if is_cast and any(kind.removeprefix("public.") in known.enums for kind in types):
        yield node, f"{column} is an ENUM cast to text", by, ACCEPT
        return
    ranked = RANKED.search(column) is not None
    if not ranked and not STATES.search(column) and not _is_listed(column, scope, known):
        return
    if types and not any(is_text(kind) for kind in types):
        return
    if not types and (not ranked or _is_computed(column, scope)):
        return
    yield node, f"{column} is a text", by, ACCEPT if ranked or always else ADVICE


def _bare(node: Any) -> tuple[Any, bool]:
    """An expression without what keeps its letters, and whether a cast to text was among that."""
    is_cast = False
    while True:
        match grammar.kind(node):
            case "TypeCast":
                if not is_text(".".join(grammar.strings(node.type_name.names)[-1:]).replace("varchar", "text")):
                    return node, False
                node, is_cast = grammar.inner(node.arg), True
            case "FuncCall" if KEEPS_LETTERS.intersection(grammar.strings(node.funcname)[-1:]) and len(node.args):
                node = grammar.inner(node.args[0])
            case "CoalesceExpr" | "CollateClause":
                node = grammar.inner(node.args[0] if grammar.kind(node) == "CoalesceExpr" else node.arg)
            case _:
                return node, is_cast


def _is_computed(column: str, scope: Any) -> bool:
    """Whether the column is the name that a query gives to something else than a column."""
    values = [grammar.inner(node.val) for node in grammar.nodes(scope, "ResTarget") if node.name == column]
    return any(grammar.kind(value) not in ("ColumnRef", "TypeCast") for value in values)


def _types(column: str, scope: Any, known: Known) -> Iterator[str]:
    for node in grammar.nodes(scope, "RangeVar"):
        relation = known.relations.get(objects.relation(node))
        if relation is not None and column in relation.columns:
            yield relation.columns[column]


def _is_listed(column: str, scope: Any, known: Known) -> bool:
    """Whether a CHECK lists the values of a column of this name."""
    for node in grammar.nodes(scope, "RangeVar"):
        relation = known.relations.get(objects.relation(node))
        if relation is not None and column in relation.listed:
            return True
    return False
