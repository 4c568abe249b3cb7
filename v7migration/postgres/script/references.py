"""What a statement leans on: objects made later, the key behind a foreign key, the key that stops a second row."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from . import early, grammar, inserts, objects, rewriting
from .known import Known, Relation, comparable, type_name
from .model import REFUSE, Problem, Section, Statement
from .objects import Named

Placed = tuple[Section, Statement]


def findings(order: list[Placed], known: Known, held: Set[Named] | None = None) -> Iterator[Problem]:
    """Walk the statements in the order of execution; ``known`` learns what each of them makes.

    ``held`` is what the target holds, None where it is not known.

    V7S301 a foreign key without a unique target, V7S302 an object used before it is made, V7S303 an INSERT whose
    second run would double rows, V7S212 and V7S228 a column that gets another type.
    """
    yield from early.findings(order, held)
    made: set[Named] = set()
    for section, statement in order:
        root = grammar.tree(statement.text)
        yield from rewriting.retyped(section, statement, root, known, made)
        made.update(objects.created(statement))
        known.learn(root)
        yield from _foreign_keys(section, statement, root, known)
        yield from inserts.findings(section, statement, root, known)


def _foreign_keys(section: Section, statement: Statement, root: Any, known: Known) -> Iterator[Problem]:
    for node, own, kinds in _references(root, known):
        name = objects.relation(node.pktable)
        target, wanted = known.relations.get(name), grammar.strings(node.pk_attrs)
        if target is None:
            continue
        reason = _no_table(target) or ("" if target.open else _no_key(target, wanted))
        what = "has no unique target"
        if not reason and not target.open:
            what, reason = "cannot be made", _no_match(own, kinds, wanted or list(target.primary), target)
        if reason:
            line = statement.line_of(node.location)
            message = f"the foreign key to {name.removeprefix('public.')} {what}: {reason}"
            hint = "Name columns of a primary key, or add UNIQUE to them before."
            yield Problem("V7S301", REFUSE, section.number, line, message, hint)


def _references(root: Any, known: Known) -> Iterator[tuple[Any, list[str], list[str]]]:
    """Each foreign key of a statement, its own columns and their types ('' where unknown)."""
    if grammar.kind(root) not in ("CreateStmt", "AlterTableStmt"):
        return
    table = known.relations.get(objects.relation(root.relation), Relation("table"))
    for column in grammar.nodes(root, "ColumnDef"):
        for node in grammar.nodes(column, "Constraint"):
            if grammar.constant(node, "contype") == "CONSTR_FOREIGN":
                yield node, [column.colname], [type_name(column.type_name)]
    for node in grammar.nodes(root, "Constraint"):
        if grammar.constant(node, "contype") == "CONSTR_FOREIGN" and len(node.fk_attrs):
            own = grammar.strings(node.fk_attrs)
            yield node, own, [table.columns.get(name, "") for name in own]


def _no_table(target: Relation) -> str:
    return f"it is a {target.kind}" if target.kind in ("view", "materialized view", "sequence") else ""


def _no_key(target: Relation, wanted: list[str]) -> str:
    """Why columns cannot be the target of a foreign key; '' when they can."""
    if not wanted:
        return "" if target.primary else "the table has no primary key"
    missing = [name for name in wanted if name not in target.columns]
    if missing:
        return f"it has no column {missing[0]}"
    exact = frozenset(wanted) in target.keys
    return "" if exact else f"no unique key of it is exactly ({', '.join(wanted)})"


def _no_match(own: list[str], kinds: list[str], wanted: list[str], target: Relation) -> str:
    """Why the columns do not fit those they refer to: another number of them, or types that are never equal."""
    if len(own) != len(wanted):
        return f"({', '.join(own)}) refers to {len(wanted)} columns"
    for name, kind, other in zip(own, kinds, wanted, strict=True):
        theirs = target.columns.get(other, "")
        if comparable(kind) and comparable(theirs) and comparable(kind) != comparable(theirs):
            return f"{name} is {kind}, and {other} is {theirs}"
    return ""
