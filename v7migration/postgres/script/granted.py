"""What the script makes and grants to nobody (V7S307): only its owner could use it after the run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from v7migration.postgres.qualified import first, joined

from . import grammar, objects
from .known import SERIAL
from .model import ACCEPT, ADVICE, Problem, Section, Statement
from .objects import Named, short

Placed = tuple[Section, Statement]
GRANTABLE = {
    "OBJECT_TABLE": ("table", "view"), "OBJECT_SEQUENCE": ("sequence",), "OBJECT_SCHEMA": ("schema",),
    "OBJECT_VIEW": ("view",), "OBJECT_MATVIEW": ("view",),
}  # fmt: skip
USABLE = frozenset({"table", "view", "schema", "sequence"})
HINT = "GRANT what the application needs, by name, right after it is made."
Right = tuple[str, str]
"""A role and a privilege; ``all`` for every one."""


@dataclass
class _Walk:
    """What stands at a point of the script: who made it, who may use it, and what is granted on what comes later."""

    made: dict[Named, Placed] = field(default_factory=dict)
    rights: dict[str, set[Right]] = field(default_factory=dict)
    defaults: dict[tuple[str, str], set[Right]] = field(default_factory=dict)
    numbers: dict[str, tuple[str, Placed]] = field(default_factory=dict)  # sequences of serial columns: table, maker


def findings(order: list[Placed]) -> Iterator[Problem]:
    """Walk the statements in the order of execution and say what nobody may use at their end."""
    walk = _Walk()
    for section, statement in order:
        _take(walk, section, statement)
    some = any(statement.kind == "GrantStmt" for _, statement in order)
    for (kind, name), (section, statement) in walk.made.items():
        if not walk.rights.get(name):
            message = f"the {kind} {short(name)} is granted to nobody: only its owner can use it"
            yield Problem("V7S307", ACCEPT if some else ADVICE, section.number, statement.line, message, HINT)
    for name, (table, (section, statement)) in walk.numbers.items():
        writers = {role for role, right in walk.rights.get(table, ()) if right in ("insert", "all")}
        missing = sorted(writers - {role for role, _ in walk.rights.get(name, ())})
        if missing:
            message = f"{', '.join(missing)} may insert into {short(table)}, but not use its sequence {short(name)}"
            hint = "GRANT USAGE on the sequence, or make the column GENERATED … AS IDENTITY."
            yield Problem("V7S307", ACCEPT, section.number, statement.line, message, hint)


def _take(walk: _Walk, section: Section, statement: Statement) -> None:
    root = grammar.tree(statement.text)
    match grammar.kind(root):
        case "GrantStmt":
            _grant(walk, root)
        case "AlterDefaultPrivilegesStmt":
            _default(walk, root)
        case "RenameStmt" if root.relation.relname and not root.subname:
            _rename(walk, objects.relation(root.relation), root.newname)
    for kind, name in objects.dropped(statement):
        walk.made.pop((kind, name), None)
        walk.numbers = {number: place for number, place in walk.numbers.items() if name not in (number, place[0])}
    if _goes_with_another(root):
        return
    for kind, name in objects.created(statement):
        if kind in USABLE:
            walk.made[kind, name] = section, statement
            walk.rights[name] = set(_later(walk, kind, first(name)))
    if grammar.kind(root) == "CreateStmt":
        for number in _numbers(root):
            walk.numbers[number] = objects.relation(root.relation), (section, statement)
            walk.rights.setdefault(number, set(_later(walk, "sequence", first(number))))


def _goes_with_another(root: Any) -> bool:
    """Whether it is a partition (rights come with its table) or goes with the session."""
    return grammar.kind(root) == "CreateStmt" and (root.HasField("partbound") or objects.is_temporary(root))


def _numbers(root: Any) -> Iterator[str]:
    """The sequences that the server makes for the serial columns of a table."""
    for column in grammar.nodes(root, "ColumnDef"):
        if (grammar.strings(column.type_name.names) or [""])[-1] in SERIAL:
            yield joined(root.relation.schemaname or "public", f"{root.relation.relname}_{column.colname}_seq")


def _later(walk: _Walk, kind: str, schema: str) -> set[Right]:
    return walk.defaults.get((kind, ""), set()) | walk.defaults.get((kind, schema), set())


def _rights(grant: Any) -> set[Right]:
    roles = [item.role_spec for item in grant.grantees if item.WhichOneof("node") == "role_spec"]
    names = [role.rolename or grammar.constant(role, "roletype").removeprefix("ROLESPEC_").lower() for role in roles]
    given = [item.access_priv.priv_name.lower() for item in grant.privileges] or ["all"]
    return {(name, right) for name in names for right in given}


def _grant(walk: _Walk, grant: Any) -> None:
    kinds = GRANTABLE.get(grammar.constant(grant, "objtype"), ())
    if grammar.constant(grant, "targtype") == "ACL_TARGET_ALL_IN_SCHEMA":
        schemas = set(grammar.strings(grant.objects))
        names = [name for kind, name in walk.made if kind in kinds and first(name) in schemas]
        names += [name for name in walk.numbers if "sequence" in kinds and first(name) in schemas]
    else:
        names = [objects.relation(node) for node in grammar.nodes(grant, "RangeVar")]
        names += grammar.strings(grant.objects) if "schema" in kinds else []
    for name in names:
        _change(walk.rights.setdefault(name, set()), grant)


def _default(walk: _Walk, root: Any) -> None:
    schemas = [""]
    if (option := grammar.option(root, "schemas")) is not None:
        schemas = grammar.strings(option.arg.list.items)
    for kind in GRANTABLE.get(grammar.constant(root.action, "objtype"), ()):
        for schema in schemas:
            _change(walk.defaults.setdefault((kind, schema), set()), root.action)


def _change(rights: set[Right], grant: Any) -> None:
    given = _rights(grant)
    if grant.is_grant:
        rights |= given
        return
    everything = {role for role, right in given if right == "all"}
    rights -= given | {right for right in rights if right[0] in everything}


def _rename(walk: _Walk, old: str, bare: str) -> None:
    new = joined(first(old), bare)
    walk.made = {(kind, new if name == old else name): place for (kind, name), place in walk.made.items()}
    walk.numbers = {number: (new if table == old else table, p) for number, (table, p) in walk.numbers.items()}
    if old in walk.rights:
        walk.rights[new] = walk.rights.pop(old)
