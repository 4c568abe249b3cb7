"""What a statement uses before the script makes it (V7S302)."""

from __future__ import annotations

from collections.abc import Iterator, Set
from typing import Any

from v7migration.postgres.qualified import first, joined

from . import bodies, grammar, objects
from .model import REFUSE, Problem, Section, Statement
from .objects import Named, short

Placed = tuple[Section, Statement]
ORDERED = frozenset({"table", "view", "type", "function", "schema", "sequence"})
ON_COLUMNS = frozenset({
    "AT_AlterColumnType", "AT_ColumnDefault", "AT_SetNotNull", "AT_DropNotNull", "AT_SetStatistics",
    "AT_SetStorage", "AT_SetCompression", "AT_AddIdentity", "AT_DropIdentity", "AT_DropExpression",
})  # fmt: skip
"""ALTER TABLE commands that name a column which must be there."""


def findings(order: list[Placed], held: Set[Named] | None) -> Iterator[Problem]:
    """Walk the statements in the order of execution; ``held`` is what the target holds, None where it is not known."""
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
        used = _uses(statement)
        names = used.relations | used.functions | used.types | used.schemas
        whole = sorted(named for name in names for named in by_name.get(name, ()) if used.names(named))
        for named in (*whole, *sorted(parts_used(grammar.tree(statement.text)) & makers.keys())):
            maker, later = makers[named]
            if maker > position and not _there(named, position, maker, later, gone, held):
                what = f"{named[0]} {short(named[1])}"
                message = f"this statement uses the {what}, which the script makes only later"
                hint = f"Move it behind line {later.line}, which makes it, or into a later section."
                yield Problem("V7S302", REFUSE, section.number, statement.line, message, hint)


def _uses(statement: Statement) -> objects.Uses:
    """What a statement names; of a function in SQL its body too, which the server reads when it is made."""
    used, root = objects.uses(statement), grammar.tree(statement.text)
    for inner in bodies.statements(root) if grammar.kind(root) == "CreateFunctionStmt" else ():
        more = objects.uses_of(inner)
        used.relations |= more.relations
        used.functions |= more.functions
        used.types |= more.types
    return used


def parts_used(root: Any) -> set[Named]:
    """The columns, constraints and indexes that a statement surely means, by the places where only they can stand."""
    match grammar.kind(root):
        case "IndexStmt":
            table = objects.relation(root.relation)
            items = [*root.index_params, *root.index_including_params]
            return {_column(table, item.index_elem.name) for item in items if item.index_elem.name}
        case "CommentStmt" if grammar.constant(root, "objtype") == "OBJECT_COLUMN":
            names = grammar.strings(root.object.list.items)
            return {_column(objects.qualified(names[:-1]), names[-1])} if len(names) > 1 else set()
        case "InsertStmt":
            return {_column(objects.relation(root.relation), item.res_target.name) for item in root.cols}
        case "UpdateStmt":
            return {_column(objects.relation(root.relation), item.res_target.name) for item in root.target_list}
        case "AlterTableStmt":
            return _altered(root)
        case "ViewStmt" | "SelectStmt" | "CreateTableAsStmt":
            return _selected(root)
    return set()


def _column(table: str, name: str) -> Named:
    return "column", objects.part(table, name)


def _altered(root: Any) -> set[Named]:
    table, found = objects.relation(root.relation), set[Named]()
    added = {named for named in objects.made_by(root) if named[0] == "column"}
    for command in grammar.nodes(root, "AlterTableCmd"):
        subtype = grammar.constant(command, "subtype")
        if subtype == "AT_ValidateConstraint":
            found.add(("constraint", objects.part(table, command.name)))
        elif subtype in ON_COLUMNS and not command.missing_ok:
            found.add(_column(table, command.name))
    for node in grammar.nodes(root, "Constraint"):
        if node.indexname:
            found.add(("index", joined(first(table), node.indexname)))
        found |= {_column(table, name) for name in (*grammar.strings(node.keys), *grammar.strings(node.fk_attrs))}
        if node.pktable.relname:
            found |= {_column(objects.relation(node.pktable), name) for name in grammar.strings(node.pk_attrs)}
    return found - added


def _selected(root: Any) -> set[Named]:
    """The columns of a query over one table alone, other than the names that it gives itself."""
    tables = {objects.relation(node) for node in grammar.nodes(root, "RangeVar")}
    tables -= {objects.relation(root.view)} if grammar.kind(root) == "ViewStmt" else set()
    if len(tables) != 1 or any(True for _ in grammar.nodes(root, "CommonTableExpr", "RangeSubselect", "RangeFunction")):
        return set()
    given = {node.name for node in grammar.nodes(root, "ResTarget")}
    fields = [grammar.strings(node.fields) for node in grammar.nodes(root, "ColumnRef")]
    return {_column(table, names[-1]) for table in tables for names in fields if names and names[-1] not in given}


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
