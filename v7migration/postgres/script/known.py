"""What is known of relations while a script is read: columns with their types, and keys, from the script and a target.

A relation is *open* where the text does not tell all its columns or keys (``LIKE``, ``INHERITS``, a query): rules then
say nothing rather than something wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from v7migration.postgres.qualified import joined, last

from . import grammar
from .grammar import SyntaxFault
from .objects import relation

Key = frozenset[str]

SERIAL = {"smallserial": "smallint", "serial2": "smallint", "serial": "integer", "serial4": "integer",
          "bigserial": "bigint", "serial8": "bigint"}  # fmt: skip
NAMES = {
    "int2": "smallint", "int4": "integer", "int8": "bigint", "int": "integer", "varchar": "character varying",
    "bpchar": "character", "char": "character", "bool": "boolean", "float4": "real", "float8": "double precision",
    "timestamptz": "timestamp with time zone", "timestamp": "timestamp without time zone", "decimal": "numeric",
    "timetz": "time with time zone", "time": "time without time zone", "varbit": "bit varying", **SERIAL,
}  # fmt: skip
TEXTS = ("text", "character varying", "character", "name", "citext")
PART = re.compile(r'"((?:[^"]|"")*)"|([^."]+)')
KINDS = ("table", "view", "materialized view", "foreign table", "sequence", "type")


@dataclass
class Relation:
    """A table or view: its columns with their types ('' unknown), NOT NULL columns and keys a foreign key can name."""

    kind: str
    columns: dict[str, str] = field(default_factory=dict)
    required: set[str] = field(default_factory=set)
    keys: set[Key] = field(default_factory=set)
    primary: tuple[str, ...] = ()
    open: bool = False

    def has_key(self, columns: set[str]) -> bool:
        """Whether values of these columns name at most one row."""
        return any(key <= columns for key in self.keys)


@dataclass
class Known:
    """Relations by qualified name; ``whole``: a target was read, so what is not here does not exist."""

    relations: dict[str, Relation] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    whole: bool = False

    def learn(self, node: Any) -> None:
        """Take in what one statement of the script makes or changes."""
        match grammar.kind(node):
            case "CreateStmt":
                self.relations[relation(node.relation)] = _table(node)
            case "CreateTableAsStmt" | "ViewStmt":
                made = node.into.rel if grammar.kind(node) == "CreateTableAsStmt" else node.view
                kind = "view" if grammar.kind(node) == "ViewStmt" else "table"
                self.relations[relation(made)] = Relation(kind, open=True)
            case "CreateEnumStmt":
                name = ".".join(grammar.strings(node.type_name)[-2:])
                self.enums[name.removeprefix("public.")] = tuple(grammar.strings(node.vals))
            case "AlterTableStmt":
                self._alter(node)
            case "IndexStmt":
                self._index(node)

    def _alter(self, node: Any) -> None:
        known = self.relations.get(relation(node.relation))
        if known is None:
            return
        for command in grammar.nodes(node, "AlterTableCmd"):
            subtype, inner = grammar.constant(command, "subtype"), grammar.inner(getattr(command, "def"))
            if subtype == "AT_AddColumn":
                _column(known, inner)
            elif subtype == "AT_AddConstraint":
                _constraint(known, inner)
            elif subtype == "AT_AlterColumnType":
                known.columns[command.name] = type_name(inner.type_name)
            elif subtype == "AT_DropColumn":
                known.columns.pop(command.name, None)
                known.keys = {key for key in known.keys if command.name not in key}

    def _index(self, node: Any) -> None:
        known = self.relations.get(relation(node.relation))
        if known is not None and (key := unique_key(node)) is not None:
            known.keys.add(key)


def unique_key(node: Any) -> Key | None:
    """The columns of a unique index over all rows; None for another index."""
    names = [item.index_elem.name for item in node.index_params]
    if not node.unique or node.HasField("where_clause") or not all(names):
        return None
    return frozenset(names)


def type_name(node: Any) -> str:
    """A type as the server prints it: ``character varying(50)``, ``integer[]``, ``public.status``."""
    names = grammar.strings(node.names)
    bare = NAMES.get(names[-1], names[-1]) if names else ""
    if len(names) > 1 and names[0] != "pg_catalog":
        bare = ".".join(names)
    sizes = [str(item.a_const.ival.ival) for item in node.typmods if item.a_const.HasField("ival")]
    if names and names[-1] == "bpchar" and sizes == ["1"]:
        bare, sizes = "character(1)", []
    if sizes and names[-1] != "interval":
        head, _, tail = bare.partition(" ") if bare.startswith("time") else (bare, "", "")
        bare = f"{head}({','.join(sizes)})" + (f" {tail}" if tail else "")
    return bare + "[]" * len(node.array_bounds)


def is_text(kind: str) -> bool:
    """Whether values of a type (as :func:`type_name` prints it) sort by their letters."""
    return kind.removeprefix("pg_catalog.").split("(")[0].strip() in TEXTS


def _table(node: Any) -> Relation:
    made = Relation("table")
    made.open = bool(node.inh_relations) or bool(node.of_typename.names)
    for element in node.table_elts:
        part = grammar.inner(element)
        match grammar.kind(part):
            case "ColumnDef":
                _column(made, part)
            case "Constraint":
                _constraint(made, part)
            case _:
                made.open = True
    return made


def _column(made: Relation, node: Any) -> None:
    name = node.colname
    made.columns[name] = type_name(node.type_name)
    for item in node.constraints:
        contype = grammar.constant(item.constraint, "contype")
        if contype in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
            _key(made, item.constraint, (name,))
        if contype in ("CONSTR_PRIMARY", "CONSTR_NOTNULL", "CONSTR_IDENTITY"):
            made.required.add(last(name))


def _constraint(made: Relation, node: Any) -> None:
    if grammar.constant(node, "contype") not in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
        return
    if node.indexname:
        made.open = True
    else:
        _key(made, node, tuple(grammar.strings(node.keys)))


def _key(made: Relation, node: Any, columns: tuple[str, ...]) -> None:
    if grammar.constant(node, "contype") == "CONSTR_PRIMARY":
        made.primary = columns
        made.required.update(columns)
    if not node.deferrable:
        made.keys.add(frozenset(columns))


# -- a target --------------------------------------------------------------------------------------------------


def parts(name: str) -> list[str]:
    """The parts of a quoted name: ``public."Odd name"`` becomes ``["public", "Odd name"]``."""
    return [quoted.replace('""', '"') if quoted or not bare else bare for quoted, bare in PART.findall(name)]


def named(key: str) -> tuple[str, str]:
    """The kind and the plain qualified name of a document's key, for example ``table public."X"``."""
    kind = next((kind for kind in sorted(KINDS, key=len, reverse=True) if key.startswith(f"{kind} ")), "")
    kind = kind or key.partition(" ")[0]
    return kind, joined(*parts(key[len(kind) + 1 :]))


def of_target(document: Mapping[str, Any]) -> Known:
    """What a canonical document of a target's catalogs tells of its relations and ENUM types."""
    known = Known(whole=True)
    for key, facts in document["objects"].items():
        kind, name = named(key)
        if kind == "type" and facts.get("kind") == "enum":
            known.enums[name.removeprefix("public.")] = tuple(facts.get("labels", ()))
        elif kind in KINDS:
            known.relations[name] = _described(kind, facts)
    return known


def _described(kind: str, facts: Mapping[str, Any]) -> Relation:
    made = Relation(kind)
    for key, part in facts.get("parts", {}).items():
        what, name = named(key)
        if what == "column":
            made.columns[last(name)] = part.get("type", "")
            if part.get("not null"):
                made.required.add(last(name))
        elif what == "index" and not part.get("invalid"):
            made.keys.update(_indexed(part.get("definition", "")))
        elif what == "constraint" and part.get("definition", "").startswith("PRIMARY KEY"):
            made.primary = tuple(_primary(part["definition"]))
    return made


def _indexed(definition: str) -> Iterator[Key]:
    if not definition.startswith("CREATE UNIQUE"):
        return
    try:
        key = unique_key(grammar.tree(definition))
    except SyntaxFault:
        return
    if key is not None:
        yield key


def _primary(definition: str) -> list[str]:
    try:
        node = grammar.tree(f"ALTER TABLE x ADD {definition}")
    except SyntaxFault:
        return []
    return [name for item in grammar.nodes(node, "Constraint") for name in grammar.strings(item.keys)]
