"""Views that multiply rows: a join in which the rows that are shown or counted do not stay single (V7S304).

A join keeps the *grain* of one of its tables when every other table adds at most one row to each of its rows: its join
columns hold a unique key. Two one-to-many sides have no such table, and counts and sums over them are products; a sum
over a table that is no grain counts each of its rows once for every row that the join adds to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from . import grammar, objects
from .known import Key, Known

COUNTING = frozenset({
    "count", "sum", "avg", "array_agg", "string_agg", "json_agg", "jsonb_agg", "stddev", "variance", "xmlagg",
    "stddev_pop", "stddev_samp", "var_pop", "var_samp", "json_object_agg", "jsonb_object_agg", "corr", "covar_pop",
    "covar_samp", "percentile_cont", "percentile_disc", "regr_slope", "regr_intercept", "regr_count", "regr_r2",
})  # fmt: skip
MANY_ROWS = frozenset({
    "unnest", "generate_series", "jsonb_array_elements", "jsonb_array_elements_text", "json_array_elements",
    "json_array_elements_text", "jsonb_each", "jsonb_each_text", "json_each", "json_each_text", "regexp_matches",
    "regexp_split_to_table", "string_to_table", "generate_subscripts", "jsonb_to_recordset", "json_to_recordset",
    "jsonb_object_keys", "json_object_keys",
})  # fmt: skip
ONE_ROW: Key = frozenset()


@dataclass
class _Side:
    """One item of FROM: its columns, where they are known, and its keys; ``guessed``: only that ``id`` is one."""

    name: str
    columns: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    label: str = ""
    guessed: bool = False


@dataclass
class _From:
    """A FROM clause: its sides, and the pairs of columns that are equated (None: with a constant)."""

    sides: dict[str, _Side] = field(default_factory=dict)
    equal: list[tuple[tuple[str, str], tuple[str, str] | None]] = field(default_factory=list)


def multiplied(select: Any, known: Known, *, shown: bool = False) -> tuple[Any, str] | None:
    """The first place of a query where rows of a join are multiplied, and what happens there; None without one.

    Args:
        select: a ``SelectStmt``.
        known: the keys of tables.
        shown: the query is what a view shows, so that its rows matter without an aggregate too.
    """
    if len(list(grammar.nodes(select, "RangeVar", "RangeSubselect", "RangeFunction"))) < 2:
        return None
    clause = _From()
    for item in select.from_clause:
        _read(grammar.inner(item), clause, known, _ctes(select, known))
    if select.HasField("where_clause"):
        _equalities(grammar.inner(select.where_clause), clause)
    is_guessed = any(side.guessed for side in clause.sides.values())
    if len(clause.sides) < (3 if is_guessed else 2):
        return None
    grains = {name for name in clause.sides if _keeps(name, clause)}
    names = ", ".join(side.label for side in clause.sides.values() if ONE_ROW not in side.keys)
    for node in _aggregates(select):
        counted = _counted(node, clause)
        if not grains:
            return node, f"the join of {names} multiplies rows, and the aggregate counts the product"
        if counted and not is_guessed and not counted & grains:
            label = clause.sides[min(counted)].label
            return node, f"the join of {names} repeats rows of {label}, and the aggregate counts each of them again"
    if shown and not is_guessed and not grains and _shows_rows(select) and not _is_spread(clause):
        first = grammar.inner(select.target_list[0])
        return first, f"the join of {names} multiplies rows, and the view shows the product"
    return None


def _counted(aggregate: Any, clause: _From) -> set[str]:
    """The sides whose columns an aggregate computes with; empty where one of them cannot be told."""
    found: set[str] = set()
    for item in aggregate.args:
        for node in grammar.nodes(item, "ColumnRef"):
            place = _place(node, clause)
            if place is None:
                return set()
            found.add(place[0])
    return {name for name in found if ONE_ROW not in clause.sides[name].keys}


def _shows_rows(select: Any) -> bool:
    """Whether a query shows the rows of its join as they are: it neither groups nor joins them together."""
    calls = (node for item in select.target_list for node in _own(grammar.inner(item)))
    return not (select.group_clause or select.distinct_clause or any(_is_aggregate(node) for node in calls))


def _is_spread(clause: _From) -> bool:
    """Whether a function spreads rows out on purpose (``unnest``, ``generate_series``)."""
    return any(side.label.endswith("()") and ONE_ROW not in side.keys for side in clause.sides.values())


def _aggregates(select: Any) -> Iterator[Any]:
    for item in [*select.target_list, select.having_clause]:
        for node in _own(grammar.inner(item)):
            name = (grammar.strings(node.funcname) or [""])[-1] if grammar.kind(node) == "FuncCall" else ""
            if name in COUNTING and not node.agg_distinct and not node.HasField("over"):
                yield node


def _own(node: Any) -> Iterator[Any]:
    """The nodes of an expression without those of its subqueries."""
    hidden = [part for query in grammar.nodes(node, "SubLink") for part in grammar.nodes(query)]
    inner = {id(part) for part in hidden}  # the parts are kept, so that no other one gets the id of one of them
    return iter([part for part in grammar.nodes(node) if id(part) not in inner])


def _ctes(select: Any, known: Known) -> dict[str, _Side]:
    found: dict[str, _Side] = {}
    for item in select.with_clause.ctes:
        cte = item.common_table_expr
        found[cte.ctename] = _query(cte.ctename, grammar.inner(cte.ctequery), known, grammar.strings(cte.aliascolnames))
    return found


def _read(node: Any, clause: _From, known: Known, ctes: dict[str, _Side]) -> list[str]:
    """Enter an item of FROM; gives the names of its sides."""
    match grammar.kind(node):
        case "JoinExpr":
            return _join(node, clause, known, ctes)
        case "RangeVar":
            side = _table(node, known, ctes)
        case "RangeSubselect":
            names = grammar.strings(node.alias.colnames)
            side = _query(node.alias.aliasname, grammar.inner(node.subquery), known, names)
        case "RangeFunction":
            side = _function(node)
        case _:
            return []
    side.name = side.name or f"#{len(clause.sides)}"
    clause.sides[side.name] = side
    return [side.name]


def _table(node: Any, known: Known, ctes: dict[str, _Side]) -> _Side:
    name = node.alias.aliasname or node.relname
    if not node.schemaname and node.relname in ctes:
        source = ctes[node.relname]
        return _Side(name, source.columns, source.keys, node.relname)
    relation = known.relations.get(objects.relation(node))
    if relation is None or relation.open:
        columns = set(relation.columns) if relation else set()
        return _Side(name, columns, {frozenset({"id"})}, node.relname, guessed=True)
    return _Side(name, set(relation.columns), set(relation.keys), node.relname)


def _query(name: str, select: Any, known: Known, renamed: list[str]) -> _Side:
    """A subquery: one row, or one for each group, or with the keys nobody knows."""
    side = _Side(name, label=name)
    if grammar.kind(select) != "SelectStmt":
        return side
    targets = [item.res_target for item in select.target_list]
    names = [renamed[place] if place < len(renamed) else _output(target) for place, target in enumerate(targets)]
    side.columns = {column for column in names if column}
    grouped = _grouped(select, targets, names)
    if grouped is not None:
        side.keys.add(grouped)
    if select.HasField("limit_count") and select.limit_count.a_const.ival.ival == 1:
        side.keys.add(ONE_ROW)
    if grammar.constant(select, "op") == "SETOP_NONE" and len(select.values_lists) == 1:
        side.keys.add(ONE_ROW)
    if select.distinct_clause and len(side.columns) == len(names):
        side.keys.add(frozenset(names))
    return side


def _output(target: Any) -> str:
    return str(target.name or _column_of(grammar.inner(target.val)))


def _column_of(node: Any) -> str:
    if grammar.kind(node) == "TypeCast":
        return _column_of(grammar.inner(node.arg))
    return (grammar.strings(node.fields) or [""])[-1] if grammar.kind(node) == "ColumnRef" else ""


def _grouped(select: Any, targets: list[Any], names: list[str]) -> Key | None:
    """The output columns by which a query groups; the empty key for one row over all; None: it does not group."""
    if not select.group_clause:
        calls = any(_is_aggregate(node) for target in targets for node in _own(grammar.inner(target.val)))
        return ONE_ROW if calls else None
    found = set()
    for item in select.group_clause:
        node = grammar.inner(item)
        if grammar.kind(node) == "A_Const" and 1 <= node.ival.ival <= len(names):
            found.add(names[node.ival.ival - 1])
            continue
        column = _column_of(node)
        places = [
            name for name, target in zip(names, targets, strict=True)
            if column and column in (name, _column_of(grammar.inner(target.val)))
        ]  # fmt: skip
        if not places:
            return None
        found.add(places[0])
    return frozenset(found)


def _is_aggregate(node: Any) -> bool:
    names = COUNTING | {"min", "max", "bool_and", "bool_or", "every", "any_value"}
    is_call = grammar.kind(node) == "FuncCall" and not node.HasField("over")
    return is_call and bool(names.intersection(grammar.strings(node.funcname)[-1:]))


def _function(node: Any) -> _Side:
    called = [name for call in grammar.nodes(node, "FuncCall") for name in grammar.strings(call.funcname)[-1:]]
    columns = set(grammar.strings(node.alias.colnames)) or {node.alias.aliasname}
    keys = set() if MANY_ROWS.intersection(called) else {ONE_ROW}
    return _Side(node.alias.aliasname or (called or ["function"])[0], columns, keys, f"{(called or ['function'])[0]}()")


def _join(node: Any, clause: _From, known: Known, ctes: dict[str, _Side]) -> list[str]:
    left = _read(grammar.inner(node.larg), clause, known, ctes)
    right = _read(grammar.inner(node.rarg), clause, known, ctes)
    shared = grammar.strings(node.using_clause)
    if node.is_natural:
        shared = sorted(_columns(clause, left) & _columns(clause, right))
    for column in shared:
        for one in left:
            for other in right:
                clause.equal.append(((one, column), (other, column)))
    if node.HasField("quals"):
        _equalities(grammar.inner(node.quals), clause)
    return [*left, *right]


def _columns(clause: _From, names: list[str]) -> set[str]:
    return {column for name in names for column in clause.sides[name].columns}


def _equalities(node: Any, clause: _From) -> None:
    """Enter what a condition equates; only AND keeps an equality true of every row."""
    if grammar.kind(node) == "BoolExpr" and grammar.constant(node, "boolop") == "AND_EXPR":
        for item in node.args:
            _equalities(grammar.inner(item), clause)
    elif grammar.kind(node) == "A_Expr" and grammar.strings(node.name) == ["="]:
        left, right = (_place(grammar.inner(part), clause) for part in (node.lexpr, node.rexpr))
        constant = {grammar.kind(grammar.inner(part)) for part in (node.lexpr, node.rexpr)} & {"A_Const", "TypeCast"}
        if left and (right or constant):
            clause.equal.append((left, right))
        elif right and constant:
            clause.equal.append((right, None))


def _place(node: Any, clause: _From) -> tuple[str, str] | None:
    """The side and the column that an expression names; None for anything else."""
    if grammar.kind(node) == "TypeCast":
        node = grammar.inner(node.arg)
    names = grammar.strings(node.fields) if grammar.kind(node) == "ColumnRef" else []
    if len(names) > 1 and names[-2] in clause.sides:
        return names[-2], names[-1]
    owners = [side.name for side in clause.sides.values() if names and names[-1] in side.columns]
    return (owners[0], names[-1]) if len(names) == 1 and len(owners) == 1 else None


def _keeps(root: str, clause: _From) -> bool:
    """Whether each row of this side stays single in the join."""
    bound = {root}
    while True:
        fresh = [
            name for name, side in clause.sides.items()
            if name not in bound and any(key <= _bound_columns(name, bound, clause) for key in side.keys)
        ]  # fmt: skip
        if not fresh:
            return len(bound) == len(clause.sides)
        bound.update(fresh)


def _bound_columns(name: str, bound: set[str], clause: _From) -> set[str]:
    found = set()
    for one, other in clause.equal:
        for place, partner in ((one, other), (other, one)):
            if place is not None and place[0] == name and (partner is None or partner[0] in bound):
                found.add(place[1])
    return found
