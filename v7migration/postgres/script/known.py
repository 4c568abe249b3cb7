"""What is known of relations while a script is read: columns with their types, and keys, from the script and a target.

A relation is *open* where the text does not tell all its columns or keys (``LIKE``, ``INHERITS``, a query): rules then
say nothing rather than something wrong.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from v7migration.postgres.qualified import first, joined, last

from . import grammar, objects
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
    named: dict[str, Key] = field(default_factory=dict)  # the keys by the names of their constraints and indexes
    listed: set[str] = field(default_factory=set)  # text columns of which a CHECK lists the values

    def forget(self, name: str) -> None:
        """Take away the key that a constraint or an index of this name stands for."""
        key = self.named.pop(name if name in self.named else self._unnamed(name), None)
        if key is not None and key not in self.named.values():
            self.keys.discard(key)
            if frozenset(self.primary) == key:
                self.primary = ()

    def _unnamed(self, name: str) -> str:
        """How a key is kept to which the server gave this name (``t_pkey``, ``t_x_y_key``)."""
        if name.endswith("_pkey"):
            return "(primary)"
        return next((label for label in self.named if name.endswith(f"_{label[1:-1].replace(',', '_')}_key")), "")

    def rename(self, old: str, new: str) -> None:
        """Give a column another name, in the keys too."""
        if old in self.columns:
            self.columns = {new if name == old else name: kind for name, kind in self.columns.items()}
        for names in (self.required, self.listed):
            if old in names:
                names.remove(old)
                names.add(new)
        self.keys = {frozenset(new if name == old else name for name in key) for key in self.keys}
        self.named = {
            label: frozenset(new if name == old else name for name in key) for label, key in self.named.items()
        }
        self.primary = tuple(new if name == old else name for name in self.primary)

    def has_key(self, columns: set[str]) -> bool:
        """Whether values of these columns name at most one row."""
        return any(key <= columns for key in self.keys)


@dataclass
class Known:
    """Relations by qualified name; ``whole``: a target was read, so what is not here does not exist."""

    relations: dict[str, Relation] = field(default_factory=dict)
    enums: dict[str, tuple[str, ...]] = field(default_factory=dict)
    domains: dict[str, bool] = field(default_factory=dict)  # whether it constrains its values
    bases: dict[str, str] = field(default_factory=dict)  # the type of which a domain is one
    volatile: dict[str, bool] = field(default_factory=dict)  # functions, whether a call may differ from row to row
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
            case "CreateDomainStmt":
                name = objects.qualified(grammar.strings(node.domainname)).removeprefix("public.")
                self.bases[name] = type_name(node.type_name)
                self.domains[name] = any(
                    grammar.constant(item.constraint, "contype") in ("CONSTR_CHECK", "CONSTR_NOTNULL")
                    for item in node.constraints
                )
            case "CreateFunctionStmt":
                option = grammar.option(node, "volatility")
                name = objects.qualified(grammar.strings(node.funcname))
                self.volatile[name] = option is None or option.arg.string.sval.lower() == "volatile"
            case "AlterTableStmt":
                self._alter(node)
            case "IndexStmt":
                self._index(node)
            case "RenameStmt":
                self._rename(node)
            case "AlterObjectSchemaStmt" if node.HasField("relation"):
                self._move(relation(node.relation), joined(node.newschema, node.relation.relname))
            case "DropStmt":
                for kind, name in objects.dropped_by(node):
                    self._drop(kind, name)

    def _rename(self, node: Any) -> None:
        what = grammar.constant(node, "rename_type")
        if not node.relation.relname:
            return
        old = relation(node.relation)
        if what in ("OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_FOREIGN_TABLE"):
            self._move(old, joined(first(old), node.newname))
        elif what == "OBJECT_COLUMN" and old in self.relations:
            self.relations[old].rename(node.subname, node.newname)
        elif what == "OBJECT_TABCONSTRAINT" and old in self.relations:
            names = self.relations[old].named
            if node.subname in names:
                names[node.newname] = names.pop(node.subname)

    def _move(self, old: str, new: str) -> None:
        if old in self.relations:
            self.relations[new] = self.relations.pop(old)

    def _drop(self, kind: str, name: str) -> None:
        if kind in ("table", "view"):
            self.relations.pop(name, None)
        elif kind == "index":
            for known in self.relations.values():
                if last(name) in known.named:
                    known.forget(last(name))

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
            elif subtype == "AT_DropConstraint":
                known.forget(command.name)
            elif subtype == "AT_DropColumn":
                known.columns.pop(command.name, None)
                known.keys = {key for key in known.keys if command.name not in key}

    def _index(self, node: Any) -> None:
        known = self.relations.get(relation(node.relation))
        if known is not None and (key := unique_key(node)) is not None:
            known.keys.add(key)
            known.named[node.idxname] = key


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


CLASSES = (
    ({"smallint", "integer", "bigint", "numeric", "real", "double precision"}, "number"),
    ({*TEXTS}, "text"),
    ({"date", "timestamp without time zone", "timestamp with time zone"}, "moment"),
    ({"uuid"}, "uuid"),
    ({"boolean"}, "truth"),
    ({"jsonb"}, "document"),
    ({"bytea"}, "bytes"),
)  # fmt: skip


def comparable(kind: str) -> str:
    """The class of types of which one can be compared with another; '' for a type of which that is not known."""
    plain = re.sub(r"\(.*?\)", "", SERIAL.get(kind, kind).removeprefix("pg_catalog."))
    return next((name for kinds, name in CLASSES if plain in kinds), "")


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
    contypes = [grammar.constant(item.constraint, "contype") for item in node.constraints]
    for place, (item, contype) in enumerate(zip(node.constraints, contypes, strict=True)):
        if contype in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
            _key(made, item.constraint, (name,), deferrable="CONSTR_ATTR_DEFERRABLE" in contypes[place + 1 : place + 2])
        if contype == "CONSTR_CHECK":
            made.listed.update(listed(item.constraint.raw_expr))
        if contype in ("CONSTR_PRIMARY", "CONSTR_NOTNULL", "CONSTR_IDENTITY"):
            made.required.add(last(name))


def _constraint(made: Relation, node: Any) -> None:
    if grammar.constant(node, "contype") == "CONSTR_CHECK":
        made.listed.update(listed(node.raw_expr))
    if grammar.constant(node, "contype") not in ("CONSTR_PRIMARY", "CONSTR_UNIQUE"):
        return
    if not node.indexname:
        _key(made, node, tuple(grammar.strings(node.keys)), deferrable=node.deferrable)
    elif node.indexname in made.named:
        _key(made, node, tuple(sorted(made.named[node.indexname])), deferrable=node.deferrable)
    else:
        made.open = True


def _key(made: Relation, node: Any, columns: tuple[str, ...], *, deferrable: bool) -> None:
    is_primary = grammar.constant(node, "contype") == "CONSTR_PRIMARY"
    if is_primary:
        made.primary = columns
        made.required.update(columns)
    if not deferrable:
        made.keys.add(frozenset(columns))
        made.named[node.conname or ("(primary)" if is_primary else f"({','.join(columns)})")] = frozenset(columns)


def listed(expression: Any) -> set[str]:
    """The columns of which a condition lists the values: ``x IN ('a', 'b')``, ``x = ANY (ARRAY['a', 'b'])``."""
    found = set()
    for node in grammar.nodes(expression, "A_Expr"):
        if grammar.constant(node, "kind") not in ("AEXPR_IN", "AEXPR_OP_ANY"):
            continue
        names = [grammar.strings(ref.fields) for ref in grammar.nodes(node.lexpr, "ColumnRef")]
        texts = [const for const in grammar.nodes(node.rexpr, "A_Const") if const.HasField("sval")]
        if len(names) == 1 and names[0] and texts:
            found.add(names[0][-1])
    return found


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
        elif kind == "type" and facts.get("kind") == "domain":
            checked = any(part.startswith("constraint ") for part in facts.get("parts", {}))
            known.domains[name.removeprefix("public.")] = checked or bool(facts.get("not null"))
            known.bases[name.removeprefix("public.")] = facts.get("base", "")
        elif kind == "function":
            words = facts.get("definition", "").partition("\nAS ")[0]
            called = joined(*parts(key[len("function ") :].partition("(")[0]))
            known.volatile[called] = not re.search(r"\b(IMMUTABLE|STABLE)\b", words)
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
        elif what == "index" and not part.get("invalid") and not _is_deferrable(facts, name):
            for index in _indexed(part.get("definition", "")):
                made.keys.add(index)
                made.named[last(name)] = index
        elif what == "constraint" and part.get("definition", "").startswith("PRIMARY KEY"):
            made.primary = tuple(_primary(part["definition"]))
        elif what == "constraint" and part.get("definition", "").startswith("CHECK"):
            made.listed.update(_listed(part["definition"]))
    return made


def _is_deferrable(facts: Mapping[str, Any], index: str) -> bool:
    """Whether the index stands for a constraint that may wait: no foreign key can name it."""
    constraint = facts["parts"].get(f"constraint {index}", {})
    return "DEFERRABLE" in constraint.get("definition", "") or bool(constraint.get("deferrable"))


def _listed(definition: str) -> set[str]:
    try:
        node = grammar.tree(f"ALTER TABLE x ADD {definition}")
    except SyntaxFault:
        return set()
    return {name for item in grammar.nodes(node, "Constraint") for name in listed(item.raw_expr)}


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
