"""Rights and comments on what the script did not make: what the rollback does not take or put back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from v7migration.postgres.qualified import holder, last

from . import grammar, objects
from .model import ACCEPT, Problem, Script, Section, Statement
from .objects import Named, short

Placed = tuple[Section, Statement]
COMMENTED_PARTS = frozenset({"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"})


def findings(script: Script, order: list[Placed], made: frozenset[Named]) -> Iterator[Problem]:
    """V7S218 comments and V7S219 rights that stay behind."""
    if script.rollback is None:
        return
    back = [grammar.tree(statement.text) for statement in script.rollback.statements]
    for section, statement in order:
        root = grammar.tree(statement.text)
        match grammar.kind(root):
            case "CommentStmt":
                yield from _comment(section, statement, root, made, back)
            case "GrantStmt":
                yield from _grant(section, statement, root, made, back)


def _objects(grant: Any) -> list[str]:
    """What rights are granted on; all of a schema reads ``every table of schema app``."""
    if grammar.constant(grant, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        what = grammar.constant(grant, "objtype").removeprefix("OBJECT_").lower()
        return [f"every {what} of schema {schema}" for schema in grammar.strings(grant.objects)]
    return [name for item in grant.objects if (name := objects.object_name(item))]


def _comment(
    section: Section, statement: Statement, root: Any, made: frozenset[Named], back: list[Any]
) -> Iterator[Problem]:
    name = _commented(root)
    if not name or _is_ours(name, made) or not root.comment:
        return
    if not any(grammar.kind(node) == "CommentStmt" and _commented(node) == name for node in back):
        message = f"the comment of {short(name)} is replaced, and the rollback does not put the old one back"
        hint = "Write COMMENT ON … IS with the old text (or NULL) in Section 9."
        yield Problem("V7S218", ACCEPT, section.number, statement.line, message, hint)


def _commented(root: Any) -> str:
    """The qualified name of what a comment is about; '' where it has no list of names."""
    return objects.object_name(root.object, is_part=grammar.constant(root, "objtype") in COMMENTED_PARTS)


def _is_ours(name: str, made: frozenset[Named]) -> bool:
    """Whether the script makes an object of this name, or the table, view or type that it is part of."""
    names = objects.names_of(made)
    return name in names or holder(name) in names or name.rpartition(" of schema ")[2] in names


def _grant(
    section: Section, statement: Statement, root: Any, made: frozenset[Named], back: list[Any]
) -> Iterator[Problem]:
    columns = [grammar.strings(item.access_priv.cols) for item in root.privileges]
    for name in _objects(root):
        ours = {last(other) for kind, other in made if kind == "column" and other.startswith(f"{name}.")}
        if _is_ours(name, made) or (columns and all(cols and ours.issuperset(cols) for cols in columns)):
            continue
        if any(_reverses(node, root, name) for node in back):
            continue
        message = f"rights on {short(name)} are granted, and the rollback does not revoke them"
        hint = "Write REVOKE … in Section 9, for exactly what was not granted before."
        if not root.is_grant:
            message = f"rights on {short(name)} are revoked, and the rollback does not grant them again"
            hint = "Write GRANT … in Section 9, for exactly what was granted before."
        yield Problem("V7S219", ACCEPT, section.number, statement.line, message, hint)


def _reverses(node: Any, root: Any, name: str) -> bool:
    """Whether a statement of the rollback takes back what ``root`` grants (or revokes) on ``name``."""
    if grammar.kind(node) != "GrantStmt" or node.is_grant == root.is_grant:
        return False
    return bool(node.objtype == root.objtype) and name in _objects(node)
