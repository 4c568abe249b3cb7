"""What a script changes without making it, and whether the rollback changes it back: settings, values, rows.

Only what the grammar shows is compared: that the rollback has a statement about the same thing. Whether it says what
was there before is for the rehearsal, which compares the catalogs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from v7migration.postgres.qualified import joined, last, parts_of

from . import grammar, objects
from .model import ACCEPT, Problem, Script, Section, Statement
from .objects import Named, short

Placed = tuple[Section, Statement]
Subject = tuple[str, str]
"""What is changed and its name, for example ``("domain", "public.amount")``."""

# What an ALTER TABLE command sets; commands of one family undo each other.
FAMILIES = {
    "AT_ColumnDefault": "column", "AT_SetNotNull": "column", "AT_DropNotNull": "column", "AT_AlterColumnType": "column",
    "AT_SetStatistics": "column", "AT_SetStorage": "column", "AT_SetOptions": "column", "AT_ResetOptions": "column",
    "AT_SetCompression": "column", "AT_DropExpression": "column", "AT_SetExpression": "column",
    "AT_AddIdentity": "column", "AT_SetIdentity": "column", "AT_DropIdentity": "column",
    "AT_SetRelOptions": "options", "AT_ResetRelOptions": "options", "AT_ReplaceRelOptions": "options",
    "AT_EnableRowSecurity": "row security", "AT_DisableRowSecurity": "row security",
    "AT_ForceRowSecurity": "forced row security", "AT_NoForceRowSecurity": "forced row security",
    "AT_ChangeOwner": "owner", "AT_ReplicaIdentity": "replica identity", "AT_SetTableSpace": "tablespace",
    "AT_SetLogged": "logging", "AT_SetUnLogged": "logging", "AT_SetAccessMethod": "access method",
    "AT_ClusterOn": "clustering", "AT_DropCluster": "clustering", "AT_AddInherit": "parent",
    "AT_DropInherit": "parent", "AT_AttachPartition": "partition", "AT_DetachPartition": "partition",
    "AT_EnableTrig": "trigger", "AT_DisableTrig": "trigger", "AT_EnableAlwaysTrig": "trigger",
    "AT_EnableReplicaTrig": "trigger", "AT_EnableTrigAll": "triggers", "AT_DisableTrigAll": "triggers",
    "AT_EnableTrigUser": "triggers", "AT_DisableTrigUser": "triggers", "AT_DisableRule": "rule",
    "AT_AlterConstraint": "constraint",
}  # fmt: skip
NAMED = frozenset({"column", "trigger", "rule"})
"""Families of which each is a setting of the column, trigger or rule that the command names."""
WHOLE = NAMED | {"domain", "type", "function", "policy", "sequence", "statistics", "extension"}
"""What is named in front of its own name; the rest is said of an object."""
OFF, ON = ("AT_Disable", "AT_SetUnLogged"), ("AT_EnableTrig", "AT_EnableRow", "AT_SetLogged")
CHANGES_ROWS = ("InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
ADDS_OR_DROPS = frozenset({"AT_AddColumn", "AT_DropColumn", "AT_AddConstraint", "AT_DropConstraint"})
ALTERS = frozenset({
    "AlterEnumStmt", "AlterDefaultPrivilegesStmt", "AlterOwnerStmt", "AlterObjectSchemaStmt", "RenameStmt", "GrantStmt",
    "CommentStmt", "DropStmt",
})  # fmt: skip


def findings(script: Script, order: list[Placed], made: frozenset[Named]) -> Iterator[Problem]:
    """V7S220 a setting, V7S226 a name or a label of an ENUM type, V7S227 rows that the rollback does not put back."""
    if script.rollback is None:
        return
    back = [grammar.tree(statement.text) for statement in script.rollback.statements]
    emptied = {objects.relation(node.relation) for root in back for node in grammar.nodes(root, "DeleteStmt")}
    emptied |= {name for root in back for kind, name in objects.dropped_by(root) if kind == "table"}
    restored = {subject for root in back for subject in _subjects(root)}
    renamed = {(what.partition(" of ")[0], old, new) for root in back for what, old, new in _renamed(root)}
    restored |= _settled(order)
    for section, statement in order:
        root = grammar.tree(statement.text)
        for message, hint, identifier in (
            *_settings(root, made, restored), *_names(root, renamed), *_rows(root, made, emptied),
        ):  # fmt: skip
            yield Problem(identifier, ACCEPT, section.number, statement.line, message, hint)


def _settled(order: list[Placed]) -> set[Subject]:
    """What the forward sections themselves switch off and on again, such as triggers around a change of rows."""
    off, settled = set[Subject](), set[Subject]()
    for _, statement in order:
        root = grammar.tree(statement.text)
        if grammar.kind(root) != "AlterTableStmt":
            continue
        for command in grammar.nodes(root, "AlterTableCmd"):
            subtype = grammar.constant(command, "subtype")
            family, table = FAMILIES.get(subtype, ""), objects.relation(root.relation)
            subject = (family, objects.part(table, command.name) if family in NAMED else table)
            if subtype.startswith(OFF):
                off.add(subject)
            elif subtype.startswith(ON) and subject in off:
                settled.add(subject)
    return settled


def leaves_traces(statement: Statement, made: frozenset[Named]) -> bool:
    """Say whether a statement changes something that the script did not make, so that it needs a way back."""
    root, ours = grammar.tree(statement.text), objects.names_of(made)
    kind = grammar.kind(root)
    if any(objects.relation(node.relation) not in ours for node in grammar.nodes(root, *CHANGES_ROWS)):
        return True
    if kind == "IndexStmt" and not root.idxname:
        return objects.relation(root.relation) not in ours
    if kind == "DropStmt":
        return any(named not in made for named in objects.dropped(statement))
    if kind == "AlterTableStmt":
        return objects.relation(root.relation) not in ours and (bool(list(_subjects(root))) or _is_unnamed(root))
    return (kind in ALTERS and not _about_ours(root, ours)) or any(name not in ours for _, name in _subjects(root))


def _is_unnamed(root: Any) -> bool:
    return any(
        grammar.constant(command, "subtype") == "AT_AddConstraint" and not getattr(command, "def").constraint.conname
        for command in grammar.nodes(root, "AlterTableCmd")
    )


def _about_ours(root: Any, ours: frozenset[str]) -> bool:
    """Whether a right, comment, name or owner is of something that the script makes."""
    found = {objects.relation(node) for node in grammar.nodes(root, "RangeVar")}
    found |= {objects.qualified(grammar.strings(node.objname)) for node in grammar.nodes(root, "ObjectWithArgs")}
    for node in grammar.nodes(root, "List"):
        parts = grammar.strings(node.items)
        found |= {objects.qualified(parts[:end]) for end in (len(parts), len(parts) - 1) if end > 0}
    found |= {objects.qualified(grammar.strings(node.names)) for node in grammar.nodes(root, "TypeName")}
    if grammar.kind(root) == "GrantStmt":
        found |= set(grammar.strings(root.objects))
    elif grammar.kind(root) == "AlterEnumStmt":
        found.add(objects.qualified(grammar.strings(root.type_name)))
    elif grammar.kind(root) == "CommentStmt" and root.object.WhichOneof("node") == "string":
        found.add(root.object.string.sval)
    return bool(found & ours)


def _settings(root: Any, made: frozenset[Named], restored: set[Subject]) -> Iterator[tuple[str, str, str]]:
    ours = objects.names_of(made)
    for what, name in dict.fromkeys(_subjects(root)):
        table = objects.relation(root.relation) if grammar.kind(root) == "AlterTableStmt" else name
        if (what, name) in restored or name in ours or table in ours:
            continue
        words = f"the {what} {short(name)}" if what in WHOLE else f"the {what} of {short(name)}"
        yield (
            f"{words} changes, and the rollback does not change it back",
            "Say in Section 9 what it was before.",
            "V7S220",
        )


def _subjects(root: Any) -> Iterator[Subject]:
    """What a statement sets anew in something that stays: rights, comments, names and labels aside."""
    match grammar.kind(root):
        case "AlterTableStmt":
            yield from _table(root)
        case "AlterDomainStmt":
            yield "domain", objects.qualified(grammar.strings(root.type_name))
        case "AlterTypeStmt":
            yield "type", objects.qualified(grammar.strings(root.type_name))
        case "AlterFunctionStmt":
            yield "function", objects.qualified(grammar.strings(root.func.objname))
        case "AlterPolicyStmt":
            yield "policy", objects.part(objects.relation(root.table), root.policy_name)
        case "AlterSeqStmt":
            yield "sequence", objects.relation(root.sequence)
        case "AlterStatsStmt":
            yield "statistics", objects.qualified(grammar.strings(root.defnames))
        case "AlterExtensionStmt":
            yield "extension", root.extname
        case "AlterDefaultPrivilegesStmt":
            yield "default", "rights on what is made later"
        case "AlterOwnerStmt":
            yield "owner", objects.object_name(root.object)
        case "AlterObjectSchemaStmt":
            name = objects.relation(root.relation) if root.HasField("relation") else objects.object_name(root.object)
            yield "schema", last(name)


def _table(root: Any) -> Iterator[Subject]:
    table = objects.relation(root.relation)
    for command in grammar.nodes(root, "AlterTableCmd"):
        family = FAMILIES.get(grammar.constant(command, "subtype"))
        if family is not None:
            yield family, objects.part(table, command.name) if family in NAMED else table


def _names(root: Any, renamed: set[tuple[str, str, str]]) -> Iterator[tuple[str, str, str]]:
    for what, old, new in _renamed(root):
        if (what.partition(" of ")[0], new, old) not in renamed:  # the table may have another name by then
            message = f"the {what} {short(old)} becomes {short(new)}, and the rollback does not rename it back"
            yield message, "Rename it back in Section 9.", "V7S226"


def _renamed(root: Any) -> Iterator[tuple[str, str, str]]:
    """What a statement renames, from which name and to which."""
    if grammar.kind(root) == "AlterEnumStmt" and root.old_val:
        yield (
            f"value of {short(objects.qualified(grammar.strings(root.type_name)))}",
            root.old_val,
            root.new_val,
        )
    elif grammar.kind(root) == "RenameStmt":
        what = grammar.constant(root, "rename_type").removeprefix("OBJECT_").removeprefix("TAB").lower() or "table"
        relation = objects.relation(root.relation) if root.relation.relname else ""
        if root.subname:
            yield f"{what} of {short(relation)}" if relation else what, root.subname, root.newname
        else:
            old = relation or objects.object_name(root.object)
            yield what, old, joined(*parts_of(old)[:-1], root.newname)


def new_names(statements: Iterable[Statement]) -> set[str]:
    """The qualified names that statements give to types."""
    renames = [pair for statement in statements for pair in _renamed(grammar.tree(statement.text))]
    return {new for what, _, new in renames if what == "type"}


def _rows(root: Any, made: frozenset[Named], emptied: set[str]) -> Iterator[tuple[str, str, str]]:
    for node in grammar.nodes(root, "InsertStmt", "MergeStmt"):
        table = objects.relation(node.relation)
        inserts = grammar.kind(node) == "InsertStmt" or any(
            grammar.constant(when, "command_type") == "CMD_INSERT" for when in grammar.nodes(node, "MergeWhenClause")
        )
        if inserts and ("table", table) not in made and table not in emptied:
            message = f"rows are inserted into {short(table)}, and the rollback does not delete them"
            yield message, "Write DELETE with the same keys in Section 9.", "V7S227"
