"""Which ALTERs write or read every row of a table, as PostgreSQL decides it, and which only change the catalogs."""

from __future__ import annotations

import re
from collections.abc import Container, Iterator
from typing import Any

from . import grammar, objects
from .known import SERIAL, TEXTS, Known, type_name
from .model import ACCEPT, ADVICE, Problem, Section, Statement
from .objects import Named

# Functions whose value is one for the whole statement: a default from them needs no rewrite.
STABLE = frozenset({
    "now", "transaction_timestamp", "statement_timestamp", "current_setting", "current_user", "session_user",
    "current_database", "current_schema", "txid_current", "pg_current_xact_id", "pg_backend_pid", "lower", "upper",
    "coalesce", "concat", "concat_ws", "format", "to_timestamp", "make_interval", "array", "jsonb_build_object",
    "jsonb_build_array", "json_build_object", "json_build_array", "to_jsonb", "to_json", "date_trunc", "make_date",
    "make_time", "make_timestamp", "make_timestamptz", "int4range", "int8range", "numrange", "tsrange", "tstzrange",
    "daterange", "md5", "sha224", "sha256", "sha384", "sha512", "hashtext", "array_fill", "array_append", "array_cat",
    "array_prepend", "string_to_array", "array_to_string", "repeat", "lpad", "rpad", "left", "right", "replace",
    "substring", "substr", "split_part", "trim", "btrim", "ltrim", "rtrim", "length", "char_length", "reverse",
    "encode", "decode", "abs", "round", "floor", "ceil", "ceiling", "power", "sqrt", "mod", "to_char", "to_date",
    "to_number", "age", "timezone", "extract", "date_part", "date_bin", "nullif", "hstore", "xmlparse", "point", "box",
    "jsonb_set", "json_object", "jsonb_object", "to_tsvector", "uuid_nil", "quote_literal", "chr", "ascii", "initcap",
    "pg_current_snapshot", "inet_client_addr", "localtimestamp", "lo_from_bytea", "int4", "int8", "numeric", "text",
    "float8", "bool", "varchar", "bpchar", "date", "interval", "decimal", "bit", "cidr", "inet", "macaddr",
})  # fmt: skip
# Types that are stored as another one is: column type -> what it may become without a row being written.
ALIKE = {
    ("cidr", "inet"), ("integer", "oid"), ("oid", "integer"), ("oid", "regclass"), ("regclass", "oid"),
    ("xml", "text"), ("xml", "character varying"), ("bit", "bit varying"),
}  # fmt: skip
COST_UNKNOWN = (
    "unless the new type only widens the old one, every row and index of it is written anew under the strongest lock"
)
SIZED = re.compile(r"(.*?)\((\d+)(?:,(\d+))?\)(.*)")


def retyped(
    section: Section, statement: Statement, root: Any, known: Known, made: Container[Named]
) -> Iterator[Problem]:
    """Each column of a table that was there which gets another type; ``known`` is as it was before the statement.

    V7S212 every row is written anew, or that cannot be told; V7S228 only the catalogs change.
    """
    if grammar.kind(root) != "AlterTableStmt" or ("table", objects.relation(root.relation)) in made:
        return
    table = objects.relation(root.relation)
    for command in grammar.nodes(root, "AlterTableCmd"):
        if grammar.constant(command, "subtype") != "AT_AlterColumnType":
            continue
        column = getattr(command, "def").column_def
        relation = known.relations.get(table)
        old = relation.columns.get(command.name, "") if relation else ""
        cost = changes_rows(old, column, known)
        what = f"{table.removeprefix('public.')}.{command.name} becomes {type_name(column.type_name)}"
        if cost == "":
            message, hint = f"{what}: only the catalogs change", "Views that use the column stop it: drop them before."
            yield Problem("V7S228", ADVICE, section.number, statement.line, message, hint)
            continue
        why = f"every row and index of it is written anew under the strongest lock: {cost}" if cost else COST_UNKNOWN
        hint = "Add a column of the new type and fill it in batches."
        yield Problem("V7S212", ACCEPT, section.number, statement.line, f"{what}: {why}", hint)


def adds_rewriting(column: Any, known: Known) -> str:
    """Return why adding a column (a ColumnDef) writes every row of its table anew; '' when it does not."""
    kind = type_name(column.type_name)
    if (grammar.strings(column.type_name.names) or [""])[-1] in SERIAL:
        return "each row gets a number of its own"
    for item in column.constraints:
        contype = grammar.constant(item.constraint, "contype")
        if contype == "CONSTR_IDENTITY":
            return "each row gets a number of its own"
        if contype == "CONSTR_GENERATED" and getattr(item.constraint, "generated_kind", "s") != "v":
            return "each row's value is computed and stored"
        if contype == "CONSTR_DEFAULT" and (changing := _changing(item.constraint.raw_expr, known)):
            return f"its default {changing}() may differ from row to row"
    if known.domains.get(kind.removeprefix("public.")):
        return f"each row is checked against the domain {kind.removeprefix('public.')}"
    return ""


def _changing(expression: Any, known: Known) -> str:
    """The first call in a default whose value may differ from row to row; '' for none."""
    for call in grammar.nodes(expression, "FuncCall"):
        names = grammar.strings(call.funcname) or [""]
        own = known.volatile.get(".".join(names[-2:]), known.volatile.get(f"public.{names[-1]}"))
        if own or (own is None and names[-1] not in STABLE):
            return names[-1]
    return ""


def adds_scanning(column: Any) -> str:
    """Return why adding a column reads every row or builds an index under the lock of ALTER TABLE; '' when not."""
    contypes = [grammar.constant(item.constraint, "contype") for item in column.constraints]
    if {"CONSTR_PRIMARY", "CONSTR_UNIQUE"}.intersection(contypes):
        return "its unique index is built"
    if "CONSTR_CHECK" in contypes:
        return "its CHECK is tried on each row"
    if "CONSTR_FOREIGN" in contypes and "CONSTR_DEFAULT" in contypes:
        return "its foreign key is tried on each row"
    return ""


def changes_rows(old: str, new: Any, known: Known) -> str | None:
    """Say what giving a column another type does to the rows, by the rules of the server.

    Args:
        old: the type as it was, as ``known.type_name`` prints it; '' where it is not known.
        new: the ColumnDef of the command.
        known: the ENUM types and domains there are.

    Returns:
        Why every row is written anew, '' when only the catalogs change, None when it cannot be told.
    """
    kind = type_name(new.type_name)
    if new.HasField("raw_default") and not _is_plain(new.raw_default, kind):
        return "its values are computed (USING)"
    if not old:
        return None
    was, becomes = _plain(old), _plain(kind)
    if was == becomes:
        return "" if becomes != "interval" or not new.type_name.typmods else "its values may be cut"
    if known.domains.get(becomes):
        return f"each row is checked against the domain {becomes}"
    was, becomes = known.bases.get(was, was), known.bases.get(becomes, becomes)
    if was == becomes or is_wider(was, becomes) or (_base(was), becomes) in ALIKE:
        return ""
    if {was, becomes} == {"timestamp without time zone", "timestamp with time zone"}:
        return "each moment is computed, unless the session's zone is UTC"
    return f"not every {was} is stored as a {becomes} is"


def _is_plain(expression: Any, kind: str) -> bool:
    """Whether USING says only ``column`` or ``column::the new type``."""
    node = grammar.inner(expression)
    if grammar.kind(node) == "TypeCast":
        if _plain(type_name(node.type_name)) not in (_plain(kind), _base(_plain(kind))):
            return False
        node = grammar.inner(node.arg)
    return grammar.kind(node) == "ColumnRef"


def _plain(kind: str) -> str:
    return SERIAL.get(kind, kind).replace('"', "").removeprefix("public.").removeprefix("pg_catalog.")


def _base(kind: str) -> str:
    return re.sub(r"\(.*?\)", "", kind)


def is_wider(was: str, becomes: str) -> bool:
    """Whether each value of a type is stored just as it would be in another one, and fits it: then no row is read."""
    old, new = SIZED.fullmatch(was), SIZED.fullmatch(becomes)
    old_base, new_base = _base(was), _base(becomes)
    if {old_base, new_base} <= {"text", "character varying"}:
        return new is None or (old is not None and old_base == new_base and int(old[2]) <= int(new[2]))
    if old_base != new_base or old_base in TEXTS or "[]" in old_base:
        return False
    if old_base == "numeric":
        if new is None:
            return True
        return old is not None and (old[3] or "0") == (new[3] or "0") and int(old[2]) <= int(new[2])
    if old_base in ("bit varying",) or old_base.startswith(("time", "interval")):
        widest = old_base.startswith("time") and new is not None and new[2] == "6"
        return new is None or widest or (old is not None and int(old[2]) <= int(new[2]))
    return False
