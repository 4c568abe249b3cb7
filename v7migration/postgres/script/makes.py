"""All that a script makes, parts of its tables included: what a rollback may take without being somebody's loss."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from . import grammar, objects
from .model import Script, Statement
from .objects import Named

KEYS = ("CONSTR_CHECK", "CONSTR_PRIMARY", "CONSTR_UNIQUE", "CONSTR_EXCLUSION", "CONSTR_FOREIGN")


@dataclass(frozen=True)
class Makes:
    """What a script makes by name. ``unnamed`` holds ``("constraint" or "index", table)`` where the server chooses the
    name, ``unlisted`` the tables that get columns which the script does not write out."""

    objects: frozenset[Named]
    unnamed: frozenset[Named]
    unlisted: frozenset[str]


def makes(script: Script) -> Makes:
    """Read from all forward sections what they make, columns and named constraints of CREATE TABLE included."""
    statements = [statement for section in script.sections for statement in section.statements]
    found = {named for statement in statements for named in (*objects.created(statement), *_parts(statement))}
    return Makes(
        frozenset(found),
        frozenset(named for statement in statements for named in _unnamed(statement)),
        frozenset(table for statement in statements for table in _unlisted(statement)),
    )


def _parts(statement: Statement) -> Iterator[Named]:
    """The columns and named constraints inside CREATE TABLE and ADD COLUMN, rules and publications."""
    root = grammar.tree(statement.text)
    match grammar.kind(root):
        case "CreateStmt":
            table = objects.relation(root.relation)
            yield from (("column", objects.part(table, node.colname)) for node in grammar.nodes(root, "ColumnDef"))
            yield from _constraints(table, root)
        case "AlterTableStmt":
            yield from _constraints(objects.relation(root.relation), root)
        case "RuleStmt":
            yield "rule", objects.part(objects.relation(root.relation), root.rulename)
        case "CreatePublicationStmt" | "AlterPublicationStmt":
            yield "publication", root.pubname


def _constraints(table: str, root: Any) -> Iterator[Named]:
    for node in grammar.nodes(root, "Constraint"):
        if node.conname:
            yield "constraint", objects.part(table, node.conname)


def _unnamed(statement: Statement) -> Iterator[Named]:
    """The kind and the table to which a statement adds a constraint or an index without giving it a name."""
    root = grammar.tree(statement.text)
    match grammar.kind(root):
        case "CreateStmt" | "AlterTableStmt":
            unnamed = (node for node in grammar.nodes(root, "Constraint") if not node.conname)
            if any(grammar.constant(node, "contype") in KEYS for node in unnamed):
                yield "constraint", objects.relation(root.relation)
        case "IndexStmt" if not root.idxname:
            yield "index", objects.relation(root.relation)


def _unlisted(statement: Statement) -> Iterator[str]:
    """The table whose columns a statement takes from another one (LIKE, INHERITS, a query)."""
    root = grammar.tree(statement.text)
    match grammar.kind(root):
        case "CreateStmt" if root.inh_relations or any(True for _ in grammar.nodes(root, "TableLikeClause")):
            yield objects.relation(root.relation)
        case "CreateTableAsStmt":
            yield objects.relation(root.into.rel)
