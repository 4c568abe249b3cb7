"""What a statement leans on: objects made later, the key behind a foreign key, the key that stops a second row."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from . import grammar, objects
from .known import Known, Relation
from .model import ACCEPT, REFUSE, Problem, Section, Statement
from .objects import Named

Placed = tuple[Section, Statement]
ORDERED = frozenset({"table", "view", "type", "function", "schema"})


def findings(order: list[Placed], known: Known, held: Set[Named] | None = None) -> Iterator[Problem]:
    """Walk the statements in the order of execution; ``known`` learns what each of them makes.

    ``held`` is what the target holds, None where it is not known.

    V7S301 a foreign key without a unique target, V7S302 an object used before it is made, V7S303 an INSERT whose
    second run would double rows.
    """
    yield from _too_early(order, held)
    for section, statement in order:
        root = grammar.tree(statement.text)
        known.learn(root)
        yield from _foreign_keys(section, statement, root, known)
        if grammar.kind(root) == "InsertStmt":
            yield from _insert(section, statement, root, known)


def _too_early(order: list[Placed], held: Set[Named] | None) -> Iterator[Problem]:
    makers: dict[Named, tuple[int, Statement]] = {}
    gone: dict[Named, int] = {}
    for position, (_, statement) in enumerate(order):
        for named in objects.created(statement):
            makers.setdefault(named, (position, statement))
        for named in objects.dropped(statement):
            gone.setdefault(named, position)
    by_name: dict[str, list[Named]] = {}
    for named in makers:
        if named[0] in ORDERED:
            by_name.setdefault(named[1], []).append(named)
    for position, (section, statement) in enumerate(order):
        if statement.kind == "DropStmt":
            continue
        used = objects.uses(statement)
        names = used.relations | used.functions | used.types | used.schemas
        for named in sorted(named for name in names for named in by_name.get(name, ())):
            maker, later = makers[named]
            if _there(named, position, maker, later, gone, held):
                continue
            if maker > position and used.names(named):
                what = f"{named[0]} {named[1].removeprefix('public.')}"
                message = f"this statement uses the {what}, which line {later.line} makes only later"
                hint = f"Move it behind line {later.line}, or into a later section."
                yield Problem("V7S302", REFUSE, section.number, statement.line, message, hint)


def _there(
    named: Named, position: int, maker: int, later: Statement, gone: dict[Named, int], held: Set[Named] | None
) -> bool:
    """Whether an object stands before the script makes it: the target holds it, or else the script's own words say so.

    Words that say so: it is dropped before it is made, or made by OR REPLACE.
    """
    if gone.get(named, position + 1) <= position:
        return False
    if held is not None:
        return named in held
    return gone.get(named, maker) < maker or bool(getattr(grammar.tree(later.text), "replace", False))


def _foreign_keys(section: Section, statement: Statement, root: Any, known: Known) -> Iterator[Problem]:
    for node in grammar.nodes(root, "Constraint"):
        if grammar.constant(node, "contype") != "CONSTR_FOREIGN":
            continue
        name = objects.relation(node.pktable)
        target, wanted = known.relations.get(name), grammar.strings(node.pk_attrs)
        if target is None or target.open:
            continue
        if reason := _no_key(target, wanted):
            line = statement.line_of(node.location)
            message = f"the foreign key to {name.removeprefix('public.')} has no unique target: {reason}"
            hint = "Name columns of a primary key, or add UNIQUE to them before."
            yield Problem("V7S301", REFUSE, section.number, line, message, hint)


def _no_key(target: Relation, wanted: list[str]) -> str:
    """Why columns cannot be the target of a foreign key; '' when they can."""
    if not wanted:
        return "" if target.primary else "the table has no primary key"
    missing = [name for name in wanted if name not in target.columns]
    if missing:
        return f"it has no column {missing[0]}"
    exact = frozenset(wanted) in target.keys
    return "" if exact else f"no unique key of it is exactly ({', '.join(wanted)})"


def _insert(section: Section, statement: Statement, root: Any, known: Known) -> Iterator[Problem]:
    if root.HasField("on_conflict_clause") or _asks_first(root):
        return
    name = objects.relation(root.relation)
    target = known.relations.get(name)
    if target is None and not known.whole:
        target = Relation("table", open=True)
    if target is None or (target.open and not target.columns):
        reason = "its keys are not known here"
    else:
        given = [item.res_target.name for item in root.cols] or list(target.columns)
        if target.has_key(_fixed(root, given)):
            return
        reason = "no unique key of it holds the values that this statement gives"
    message = f"run a second time, this INSERT doubles rows of {name.removeprefix('public.')}: {reason}"
    hint = "Give the values of a unique key, or write ON CONFLICT DO NOTHING or WHERE NOT EXISTS."
    yield Problem("V7S303", ACCEPT, section.number, statement.line, message, hint)


def _asks_first(root: Any) -> bool:
    """Whether the statement looks whether the rows are there (NOT EXISTS, EXCEPT, NOT IN, an outer join's NULL)."""
    for node in grammar.nodes(root, "BoolExpr", "SelectStmt"):
        if grammar.kind(node) == "SelectStmt" and grammar.constant(node, "op") == "SETOP_EXCEPT":
            return True
        negates = grammar.kind(node) == "BoolExpr" and grammar.constant(node, "boolop") == "NOT_EXPR"
        if negates and any(True for _ in grammar.nodes(node, "SubLink")):
            return True
    return any(grammar.constant(node, "nulltesttype") == "IS_NULL" for node in grammar.nodes(root, "NullTest"))


def _fixed(root: Any, given: list[str]) -> set[str]:
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
        if grammar.kind(grammar.inner(value)) in ("FuncCall", "SetToDefault", "SQLValueFunction")
    }
    return set(given[: max((len(row) for row in rows), default=0)]) - changing
