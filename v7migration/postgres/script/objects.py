"""Which objects a statement makes, uses and drops; names are qualified, ``public`` where the script names no schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from v7migration.postgres.qualified import first, holder, joined, last, parts_of

from . import ctes, grammar
from .model import Script, Section, Statement

Named = tuple[str, str]  # (kind, name), for example ("view", "v7_monitoring.v7_migration_dashboard")

KINDS = {
    "table": "tables", "view": "views", "column": "columns", "index": "indexes", "schema": "schemas",
    "function": "functions", "type": "types", "trigger": "triggers", "constraint": "constraints",
    "policy": "policies", "sequence": "sequences", "extension": "extensions", "statistics": "statistics",
}  # fmt: skip
OF_SEQUENCES = frozenset({"nextval", "currval", "setval"})
ON_A_TABLE = frozenset({"trigger", "constraint", "policy"})
DROPPED_KINDS = {
    "OBJECT_TABLE": "table", "OBJECT_FOREIGN_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "view",
    "OBJECT_INDEX": "index", "OBJECT_SCHEMA": "schema", "OBJECT_FUNCTION": "function", "OBJECT_TYPE": "type",
    "OBJECT_PROCEDURE": "function", "OBJECT_ROUTINE": "function", "OBJECT_AGGREGATE": "function",
    "OBJECT_DOMAIN": "type", "OBJECT_TRIGGER": "trigger", "OBJECT_POLICY": "policy",
    "OBJECT_SEQUENCE": "sequence", "OBJECT_EXTENSION": "extension", "OBJECT_STATISTIC_EXT": "statistics",
}  # fmt: skip


@dataclass(frozen=True)
class CreatedObjects:
    """Qualified names by kind. ``columns`` holds those that ADD COLUMN adds, as ``schema.table.column``;
    triggers, policies and constraints read ``schema.table.name``; functions have no argument types."""

    tables: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    indexes: tuple[str, ...] = ()
    schemas: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    triggers: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()
    extensions: tuple[str, ...] = ()
    statistics: tuple[str, ...] = ()


@dataclass
class Uses:
    """What a statement names: relations, functions, types, schemas, and every bare word (a column may be one)."""

    relations: set[str] = field(default_factory=set)
    functions: set[str] = field(default_factory=set)
    types: set[str] = field(default_factory=set)
    schemas: set[str] = field(default_factory=set)
    words: set[str] = field(default_factory=set)

    def names(self, named: Named) -> bool:
        """Whether the statement uses this object."""
        kind, name = named
        if kind == "column":
            return holder(name) in self.relations and last(name) in self.words
        if kind == "type":
            return name in self.types or name in self.relations
        plural = {"function": self.functions, "schema": self.schemas}
        return name in plural.get(kind, self.relations)


class Index:
    """Objects by what names them, so that those which a statement uses are found without a look at all of them."""

    def __init__(self, named: Iterable[Named]) -> None:
        self._order: dict[Named, int] = {}
        self._named: dict[tuple[str, str], list[Named]] = {}
        self._columns: dict[str, dict[str, Named]] = {}
        for item in named:
            self._order[item] = len(self._order)
            kind, name = item
            if kind == "column":
                self._columns.setdefault(holder(name), {})[last(name)] = item
            else:
                group = kind if kind in ("type", "function", "schema") else "relation"
                self._named.setdefault((group, name), []).append(item)

    def used(self, uses: Uses) -> list[Named]:
        """Return the objects that a statement names, in the order in which they were given."""
        groups = {"type": uses.types | uses.relations, "function": uses.functions, "schema": uses.schemas}
        groups["relation"] = uses.relations
        found = [
            item for group, names in groups.items() for name in names for item in self._named.get((group, name), ())
        ]
        for table in uses.relations & self._columns.keys():
            columns = self._columns[table]
            found += [columns[name] for name in columns.keys() & uses.words]
        return sorted(found, key=self._order.__getitem__)


def qualified(parts: list[str]) -> str:
    """Join a name's parts; a bare name lies in ``public``."""
    return joined(*(parts if len(parts) > 1 else ["public", *parts]))


def relation(range_var: Any) -> str:
    """The qualified name of a RangeVar."""
    return joined(range_var.schemaname or "public", range_var.relname)


def part(table: str, name: str) -> str:
    """The name of a column, constraint, trigger, policy or rule of a table, after the table's qualified name."""
    return f"{table}.{joined(name)}"


def short(name: str) -> str:
    """A qualified name as people say it: without ``public``."""
    return name.removeprefix("public.")


def is_temporary(root: Any) -> bool:
    """Whether a statement's tree makes what only the session sees: that takes nobody's name."""
    made = {"CreateStmt": "relation", "CreateSeqStmt": "sequence", "ViewStmt": "view"}.get(grammar.kind(root), "")
    range_var = root.into.rel if grammar.kind(root) == "CreateTableAsStmt" else getattr(root, made, None)
    return getattr(range_var, "relpersistence", "") == "t"


@lru_cache(maxsize=4)
def names_of(made: frozenset[Named]) -> frozenset[str]:
    """The names of objects, whatever their kind."""
    return frozenset(name for _, name in made)


def created(statement: Statement) -> list[Named]:
    """What a statement makes."""
    return _created(grammar.tree(statement.text))


def made_by(node: Any) -> list[Named]:
    """As :func:`created`, of a statement's tree."""
    return _created(node)


def _created(node: Any) -> list[Named]:
    kind = grammar.kind(node)
    if kind == "CreateSchemaStmt":
        return _schema(node)
    if kind == "AlterTableStmt":
        return _added(node)
    if kind == "CreateTableAsStmt":
        is_view = grammar.constant(node, "objtype") == "OBJECT_MATVIEW"
        return [("view" if is_view else "table", relation(node.into.rel))]
    if kind == "DefineStmt":
        defined = {"OBJECT_TYPE": "type", "OBJECT_AGGREGATE": "function"}.get(grammar.constant(node, "kind"))
        return [(defined, qualified(grammar.strings(node.defnames)))] if defined else []
    return _simply_created(kind, node)


def _simply_created(kind: str, node: Any) -> list[Named]:
    match kind:
        case "CreateStmt":
            return [("table", relation(node.relation))]
        case "ViewStmt":
            return [("view", relation(node.view))]
        case "IndexStmt":
            name = joined(node.relation.schemaname or "public", node.idxname)
            return [("index", name)] if node.idxname else []
        case "CreateFunctionStmt":
            return [("function", qualified(grammar.strings(node.funcname)))]
        case "CreateEnumStmt" | "CreateRangeStmt":
            return [("type", qualified(grammar.strings(node.type_name)))]
        case "CompositeTypeStmt":
            return [("type", relation(node.typevar))]
        case "CreateDomainStmt":
            return [("type", qualified(grammar.strings(node.domainname)))]
        case "CreateTrigStmt":
            return [("trigger", part(relation(node.relation), node.trigname))]
        case "CreatePolicyStmt":
            return [("policy", part(relation(node.table), node.policy_name))]
        case "CreateSeqStmt":
            return [("sequence", relation(node.sequence))]
        case "CreateExtensionStmt":
            return [("extension", node.extname)]
        case "CreateStatsStmt":
            return [("statistics", qualified(grammar.strings(node.defnames)))]
    return []


def _schema(node: Any) -> list[Named]:
    result = [("schema", node.schemaname)]
    for element in node.schema_elts:
        for kind, name in _created(getattr(element, element.WhichOneof("node"))):
            result.append((kind, name.replace("public.", f"{joined(node.schemaname)}.", 1)))
    return result


def _added(node: Any) -> list[Named]:
    table, result = relation(node.relation), []
    for command in grammar.nodes(node, "AlterTableCmd"):
        subtype = grammar.constant(command, "subtype")
        if subtype == "AT_AddColumn":
            result.append(("column", part(table, getattr(command, "def").column_def.colname)))
        elif subtype == "AT_AddConstraint":
            name = getattr(command, "def").constraint.conname or getattr(command, "def").constraint.indexname
            if name:
                result.append(("constraint", part(table, name)))
    return result


def uses(statement: Statement) -> Uses:
    """What a statement names, its own subject included. Bodies of functions are text and are not looked into."""
    return uses_of(grammar.tree(statement.text))


def uses_of(root: Any) -> Uses:
    """As :func:`uses`, of a statement's tree."""
    found, named = Uses(), ctes.places(root)
    for node in grammar.nodes(root):
        if grammar.kind(node) != "RangeVar" or node.location not in named:
            _collect(found, node)
    found.schemas |= {first(name) for name in found.relations | found.functions | found.types}
    return found


def _collect(found: Uses, node: Any) -> None:
    kind = grammar.kind(node)
    match kind:
        case "RangeVar":
            found.relations.add(relation(node))
        case "FuncCall" | "CreateTrigStmt" | "CreateFunctionStmt":
            found.functions.add(qualified(grammar.strings(node.funcname)))
            if kind == "FuncCall" and (grammar.strings(node.funcname) or [""])[-1] in OF_SEQUENCES:
                found.relations.update(_sequences(node))
            if kind == "CreateTrigStmt":
                found.words.update(grammar.strings(node.columns))
        case "TypeName":
            found.types.add(qualified(grammar.strings(node.names)))
        case "String":
            found.words.add(node.sval)
        case "IndexElem" | "ResTarget" | "AlterTableCmd" | "StatsElem":
            found.words.add(node.name)
        case "ObjectWithArgs":
            found.functions.add(qualified(grammar.strings(node.objname)))
        case "GrantStmt":
            found.schemas.update(grammar.strings(node.objects))
        case "CommentStmt":
            _commented(found, node)
        case "DropStmt":
            found.relations |= {holder(name) for _, name in _dropped(node)}
            found.relations |= {name for _, name in _dropped(node)}


def _sequences(call: Any) -> Iterable[str]:
    """The sequence that ``nextval('s')`` names by a text."""
    for node in grammar.nodes(call, "A_Const"):
        if node.HasField("sval"):
            names = [part.lower() if '"' not in node.sval.sval else part for part in parts_of(node.sval.sval)]
            yield qualified(names)


def _commented(found: Uses, node: Any) -> None:
    if node.object.WhichOneof("node") == "string":
        found.schemas.add(node.object.string.sval)
        return
    if node.object.WhichOneof("node") != "list":
        return
    parts = grammar.strings(node.object.list.items)
    inner = grammar.constant(node, "objtype") in (
        "OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", "OBJECT_TRIGGER", "OBJECT_POLICY", "OBJECT_RULE",
    )  # fmt: skip
    names = parts[:-1] if inner else parts
    if names:
        found.relations.add(qualified(names))


def dropped_by(node: Any) -> list[Named]:
    """As :func:`dropped`, of a statement's tree."""
    return _dropped(node)


def dropped(statement: Statement) -> list[Named]:
    """What a statement drops: objects, columns and constraints."""
    return _dropped(grammar.tree(statement.text))


def _dropped(node: Any) -> list[Named]:
    if grammar.kind(node) == "AlterTableStmt":
        kinds = {"AT_DropColumn": "column", "AT_DropConstraint": "constraint"}
        table = relation(node.relation)
        commands = [
            (grammar.constant(command, "subtype"), command.name) for command in grammar.nodes(node, "AlterTableCmd")
        ]
        return [(kinds[subtype], part(table, name)) for subtype, name in commands if subtype in kinds]
    if grammar.kind(node) != "DropStmt":
        return []
    kind = DROPPED_KINDS.get(grammar.constant(node, "remove_type"))
    return [(kind, object_name(item, is_part=kind in ON_A_TABLE)) for item in node.objects] if kind else []


def object_name(item: Any, *, is_part: bool = False) -> str:
    """The name of an object that a statement gives as a relation, a list, with arguments, as a type or as a word.

    ``is_part``: the last word of a list names something on a table, such as a trigger.
    """
    match item.WhichOneof("node"):
        case "range_var":
            return relation(item.range_var)
        case "list":
            parts = grammar.strings(item.list.items)
        case "object_with_args":
            parts = grammar.strings(item.object_with_args.objname)
        case "type_name":
            parts = grammar.strings(item.type_name.names)
        case _:
            return str(item.string.sval)
    if is_part and len(parts) > 1:
        return part(qualified(parts[:-1]), parts[-1])
    return qualified(parts)


def tables_of(statement: Statement) -> list[str]:
    """The relations that a statement names, its own subject first."""
    root = grammar.tree(statement.text)
    return [relation(node) for node in grammar.nodes(root, "RangeVar")]


def _grouped(named: Iterable[Named]) -> CreatedObjects:
    groups: dict[str, dict[str, None]] = {}
    for kind, name in named:
        groups.setdefault(KINDS[kind], {})[name] = None
    return CreatedObjects(**{kind: tuple(names) for kind, names in groups.items()})


def section_objects(section: Section | None) -> list[Named]:
    """What a section makes, in order."""
    return [named for statement in (section.statements if section else ()) for named in created(statement)]


def created_objects(script: Script) -> CreatedObjects:
    """What the forward sections make (population aside), by kind."""
    return _grouped(named for section in script.sections for named in section_objects(section))


def drops(script: Script) -> CreatedObjects:
    """What the rollback section drops, by kind."""
    statements = script.rollback.statements if script.rollback else ()
    return _grouped(named for statement in statements for named in dropped(statement))
