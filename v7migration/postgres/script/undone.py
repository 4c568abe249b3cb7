"""Rights, comments and settings: what nobody may use afterwards, and what the rollback does not put back."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from v7migration.postgres.qualified import first, holder, joined, last

from . import grammar, objects
from .model import ACCEPT, ADVICE, Problem, Script, Section, Statement
from .objects import Named

Placed = tuple[Section, Statement]
GRANTABLE = {
    "OBJECT_TABLE": ("table", "view"), "OBJECT_SEQUENCE": ("sequence",), "OBJECT_SCHEMA": ("schema",),
    "OBJECT_VIEW": ("view",), "OBJECT_MATVIEW": ("view",),
}  # fmt: skip
USABLE = frozenset({"table", "view", "schema", "sequence"})
# ALTER TABLE commands that set something back only when somebody says to what.
SETTINGS = frozenset({
    "AT_ColumnDefault", "AT_SetNotNull", "AT_DropNotNull", "AT_AlterColumnType", "AT_SetStatistics", "AT_SetStorage",
    "AT_SetOptions", "AT_SetRelOptions", "AT_ResetRelOptions", "AT_EnableRowSecurity", "AT_DisableRowSecurity",
    "AT_ForceRowSecurity", "AT_NoForceRowSecurity", "AT_ChangeOwner", "AT_SetCompression", "AT_ReplicaIdentity",
    "AT_DropExpression", "AT_AddIdentity", "AT_DropIdentity", "AT_EnableTrig", "AT_DisableTrig", "AT_SetLogged",
    "AT_SetUnLogged", "AT_SetTableSpace",
})  # fmt: skip
COMMENTED_PARTS = frozenset({"OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE"})


def findings(script: Script, order: list[Placed], made: frozenset[Named]) -> Iterator[Problem]:
    """V7S307 made and granted to nobody; V7S218, V7S219, V7S220 comments, rights and settings that stay behind."""
    yield from _ungranted(order)
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
            case "AlterTableStmt":
                yield from _settings(section, statement, root, made, back)


def _short(name: str) -> str:
    return name.removeprefix("public.")


def _ungranted(order: list[Placed]) -> Iterator[Problem]:
    granted, whole = _granted(order)
    some = any(statement.kind == "GrantStmt" for _, statement in order)
    gone = {named for _, statement in order for named in objects.dropped(statement)}
    for section, statement in order:
        if _is_part(grammar.tree(statement.text)):
            continue
        for kind, name in objects.created(statement):
            if kind not in USABLE or name in granted or (kind, name) in gone:
                continue
            if kind != "schema" and (kind, first(name)) in whole:
                continue
            severity = ACCEPT if some else ADVICE
            message = f"the {kind} {_short(name)} is granted to nobody: only its owner can use it"
            hint = "GRANT what the application needs, by name, right after it is made."
            yield Problem("V7S307", severity, section.number, statement.line, message, hint)


def _is_part(root: Any) -> bool:
    """Whether it is a partition (rights come with its table) or goes with the session."""
    if grammar.kind(root) != "CreateStmt":
        return False
    return bool(root.HasField("partbound")) or root.relation.relpersistence == "t"


def _granted(order: list[Placed]) -> tuple[set[str], set[tuple[str, str]]]:
    """Names that are granted, and (kind, schema) where all of a schema is."""
    names: set[str] = set()
    whole: set[tuple[str, str]] = set()
    for _, statement in order:
        root = grammar.tree(statement.text)
        if grammar.kind(root) == "GrantStmt" and root.is_grant:
            kinds = GRANTABLE.get(grammar.constant(root, "objtype"), ())
            if grammar.constant(root, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
                whole |= {(kind, schema) for kind in kinds for schema in grammar.strings(root.objects)}
            names |= set(_objects(root))
    return names, whole


def _objects(grant: Any) -> list[str]:
    relations = [objects.relation(item.range_var) for item in grant.objects if item.WhichOneof("node") == "range_var"]
    return relations or grammar.strings(grant.objects)


def _comment(
    section: Section, statement: Statement, root: Any, made: frozenset[Named], back: list[Any]
) -> Iterator[Problem]:
    name = _commented(root)
    if not name or _is_ours(name, made) or not root.comment:
        return
    if not any(grammar.kind(node) == "CommentStmt" and _commented(node) == name for node in back):
        message = f"the comment of {_short(name)} is replaced, and the rollback does not put the old one back"
        hint = "Write COMMENT ON … IS with the old text (or NULL) in Section 9."
        yield Problem("V7S218", ACCEPT, section.number, statement.line, message, hint)


def _commented(root: Any) -> str:
    """The qualified name of what a comment is about; '' where it has no list of names."""
    match root.object.WhichOneof("node"):
        case "string":
            return str(root.object.string.sval)
        case "list":
            names = grammar.strings(root.object.list.items)
            inner = grammar.constant(root, "objtype") in COMMENTED_PARTS
            if inner and len(names) > 1:
                return f"{objects.qualified(names[:-1])}.{joined(names[-1])}"
            return objects.qualified(names)
    return ""


def _is_ours(name: str, made: frozenset[Named]) -> bool:
    """Whether the script makes an object of this name, or the table, view or type that it is part of."""
    names = _names(made)
    return name in names or holder(name) in names


@lru_cache(maxsize=4)
def _names(made: frozenset[Named]) -> frozenset[str]:
    return frozenset(name for _, name in made)


def _grant(
    section: Section, statement: Statement, root: Any, made: frozenset[Named], back: list[Any]
) -> Iterator[Problem]:
    if not root.is_grant or grammar.constant(root, "targtype") != "ACL_TARGET_OBJECT":
        return
    columns = [grammar.strings(item.access_priv.cols) for item in root.privileges]
    for name in _objects(root):
        ours = {last(other) for kind, other in made if kind == "column" and other.startswith(f"{name}.")}
        if _is_ours(name, made) or (columns and all(cols and ours.issuperset(cols) for cols in columns)):
            continue
        if grammar.constant(root, "objtype") not in GRANTABLE or any(_revokes(node, name) for node in back):
            continue
        message = f"rights on {_short(name)} are granted, and the rollback does not revoke them"
        hint = "Write REVOKE … in Section 9, for exactly what was not granted before."
        yield Problem("V7S219", ACCEPT, section.number, statement.line, message, hint)


def _revokes(node: Any, name: str) -> bool:
    return grammar.kind(node) == "GrantStmt" and not node.is_grant and name in _objects(node)


def _settings(
    section: Section, statement: Statement, root: Any, made: frozenset[Named], back: list[Any]
) -> Iterator[Problem]:
    table = objects.relation(root.relation)
    if _is_ours(table, made):
        return
    undone = {
        command.name for node in back if grammar.kind(node) == "AlterTableStmt"
        and objects.relation(node.relation) == table for command in grammar.nodes(node, "AlterTableCmd")
    }  # fmt: skip
    for command in grammar.nodes(root, "AlterTableCmd"):
        subtype = grammar.constant(command, "subtype")
        if subtype not in SETTINGS or command.name in undone or ("column", f"{table}.{command.name}") in made:
            continue
        what = f"{_short(table)}.{command.name}" if command.name else _short(table)
        message = f"{subtype.removeprefix('AT_')} changes {what}, and the rollback does not change it back"
        hint = "Say in Section 9 what it was before."
        yield Problem("V7S220", ACCEPT, section.number, statement.line, message, hint)
