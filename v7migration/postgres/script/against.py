"""The script against a target: names that are taken (and by what), held by nobody, or ambiguous."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from v7migration.postgres.qualified import first, holder, joined, last

from . import grammar, objects
from .known import Known, Relation, named, parts
from .model import ACCEPT, ADVICE, REFUSE, Problem, Script, Section, Statement
from .objects import Named

CONFLICT = "V7C001"
SHOWN = 4
RELATIONS = frozenset({"table", "view", "index", "sequence"})
TAKEN = "Rename or drop it, if nobody needs it; if a run of ours made it, roll that back (v7_rollback)."
Placed = tuple[Section, Statement]


def findings(script: Script, order: list[Placed], known: Known, document: Mapping[str, Any]) -> Iterator[Problem]:
    """Compare what the script makes and uses with the catalogs of a target; Section 0 may be there from an earlier run.

    V7C001 the name is taken, V7C002 another schema has the same name, V7C003 an unqualified name that several schemas
    hold, V7C004 a relation that neither the script makes nor the target holds.
    """
    there = held(document)
    schemas = _schemas(there)
    made: set[Named] = set()
    for section, statement in order:
        yield from _names(section, statement, known, schemas, made)
        for item in objects.created(statement):
            if section.number != 0 and item not in made:
                yield from _taken(section, statement, item, there, known)
                yield from _elsewhere(section, statement, item, schemas)
            made.add(item)
        made.difference_update(objects.dropped(statement))
        for item in objects.dropped(statement):
            there.pop(item, None)


def held(document: Mapping[str, Any]) -> dict[Named, str]:
    """What a target holds, by kind and name as the script's objects are called, with words for it."""
    found: dict[Named, str] = {}
    for key, facts in document["objects"].items():
        kind, name = named(key)
        if kind in ("function", "procedure", "aggregate"):
            found[("function", joined(*parts(key[len(kind) + 1 :].partition("(")[0])))] = key
            continue
        plain = {"materialized view": "view", "foreign table": "table"}.get(kind, kind)
        found[(plain, name)] = key
        schema = holder(name)
        for part in facts.get("parts", {}):
            what, inner = named(part)
            owner = f"{schema}.{inner}" if what == "index" else f"{name}.{inner}"
            found[(what, owner)] = f"{part} of {key}"
    return found


def _schemas(held: Mapping[Named, str]) -> dict[str, set[str]]:
    """The schemas that hold a table, view or sequence, by its bare name."""
    found: dict[str, set[str]] = {}
    for kind, name in held:
        if kind in ("table", "view", "sequence"):
            found.setdefault(last(name), set()).add(first(name))
    return found


def _taken(
    section: Section, statement: Statement, item: Named, held: Mapping[Named, str], known: Known
) -> Iterator[Problem]:
    kind, name = item
    rivals = ("table", "view", "index", "sequence", "type") if kind in RELATIONS else (kind,)
    words = next((held[(rival, name)] for rival in rivals if (rival, name) in held), None)
    if words is None or (kind == "function" and getattr(grammar.tree(statement.text), "replace", False)):
        return
    shape = f" ({_shape(statement, item, known)})" if words.startswith(("table ", "type ")) else ""
    message = f"{name} exists in the target already: {words}{shape}."
    yield Problem(CONFLICT, REFUSE, section.number, statement.line, message, TAKEN)


def _shape(statement: Statement, item: Named, known: Known) -> str:
    """How what is there differs from what the script makes."""
    root, name = grammar.tree(statement.text), item[1]
    ours = Known()
    ours.learn(root)
    if item[0] == "type":
        labels, theirs = ours.enums.get(name.removeprefix("public.")), known.enums.get(name.removeprefix("public."))
        if labels is None or theirs is None:
            return "another kind of type"
        return "the same values" if labels == theirs else f"its values are {', '.join(theirs) or 'none'}"
    mine, there = ours.relations.get(name), known.relations.get(name)
    if mine is None or there is None or item[0] != "table":
        return "another kind of object"
    return _difference(mine, there)


def _difference(mine: Relation, there: Relation) -> str:
    found = [f"it lacks {column}" for column in mine.columns if column not in there.columns]
    found += [
        f"{column} is {there.columns[column]}, not {kind}"
        for column, kind in mine.columns.items()
        if column in there.columns and _plain(there.columns[column]) != _plain(kind)
    ]
    if not mine.open:
        found += [f"it has {column} besides" for column in there.columns if column not in mine.columns]
    if not found:
        return "the same columns"
    return "another shape: " + "; ".join(found[:SHOWN]) + ("; …" if len(found) > SHOWN else "")


def _plain(kind: str) -> str:
    return kind.replace('"', "").removeprefix("public.").removeprefix("pg_catalog.")


def _elsewhere(
    section: Section, statement: Statement, item: Named, schemas: Mapping[str, set[str]]
) -> Iterator[Problem]:
    if item[0] not in ("table", "view"):
        return
    schema, bare = first(item[1]), last(item[1])
    if others := sorted(schemas.get(bare, set()) - {schema}):
        there = joined(others[0], bare)
        message = f"{there} exists too: a session with {others[0]} before {schema} on its search_path means that one"
        hint = "Qualify the name wherever it is used."
        yield Problem("V7C002", ADVICE, section.number, statement.line, message, hint)


def _names(
    section: Section, statement: Statement, known: Known, schemas: Mapping[str, set[str]], made: set[Named]
) -> Iterator[Problem]:
    root = grammar.tree(statement.text)
    ours = {name for kind, name in made if kind in ("table", "view", "sequence", "type")}
    ours |= {name for _, name in objects.created(statement)}
    ctes = {node.ctename for node in grammar.nodes(root, "CommonTableExpr")}
    seen: set[str] = set()
    optional = bool(getattr(root, "missing_ok", False))
    for node in grammar.nodes(root, "RangeVar"):
        name = objects.relation(node)
        if name in seen or name in ours or (not node.schemaname and node.relname in ctes) or _is_systems(node):
            continue
        seen.add(name)
        line = statement.line_of(node.location)
        others = sorted(schemas.get(node.relname, set()) - {"public"})
        if name not in known.relations and not optional:
            message = f"neither the script makes {name.removeprefix('public.')} nor does the target hold it"
            hint = "Correct the name."
            if others and not node.schemaname:
                message += f": the runner's search_path is public, and {others[0]}.{node.relname} is not on it"
                hint = f"Write {others[0]}.{node.relname}, if that is meant."
            yield Problem("V7C004", ACCEPT, section.number, line, message, hint)
        elif others and not node.schemaname:
            message = f"{node.relname} means public.{node.relname} here, and {others[0]}.{node.relname} exists too"
            yield Problem("V7C003", ACCEPT, section.number, line, message, f"Write public.{node.relname}.")


def _is_systems(node: Any) -> bool:
    """Whether the relation is the system's, or of the gate's schema, which the document leaves out."""
    schema, name = node.schemaname, node.relname
    if schema in ("information_schema", "migration_gate") or schema.startswith("pg_"):
        return True
    return not schema and (name.startswith("pg_") or name.endswith("_seq"))
