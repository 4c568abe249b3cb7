"""Definitions that a server prints in other words once they were restored, and that mean the same all the same.

``NULL::integer`` of a view comes back as ``NULL::integer AS int4``, the ``(a OR b) OR c`` of a comparison of rows as
``a OR b OR c``. No rule about texts decides: the scratch server is given the target's own definition, and what it
prints of it is what the restored object must be.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg

from v7migration.postgres import catalog
from v7migration.postgres.canonical import canonical_expression

Connection = psycopg.Connection[Any]
Facts = dict[str, Any]
_FIRST = re.compile(r'"(?:[^"]|"")*"|[^."]*')
_VIEWS = ("view", "materialized view")
_AGAIN = {
    "trigger": ("DROP TRIGGER {part} ON {object}", "{definition}"),
    "rule": ("DROP RULE {part} ON {object}", "{definition}"),
    "index": ("DROP INDEX {schema}.{part}", "{definition}"),
    "constraint": (
        "ALTER {kind} {object} DROP CONSTRAINT {part}",
        "ALTER {kind} {object} ADD CONSTRAINT {part} {definition}",
    ),
    "policy": ("ALTER POLICY {part} ON {object} {using} {check}",),
    "column": ("ALTER {kind} {object} ALTER COLUMN {part} SET {value}",),
}
"""How a part of a relation or domain is made again; what the server does not take stays a difference."""


def as_printed_anew(scratch: Connection, expected: dict[str, Any], there: dict[str, Any]) -> dict[str, Any]:
    """Return a document with each definition as the scratch server prints it, where that is what was restored.

    Args:
        scratch: a session of the scratch database, outside a transaction; nothing stays of what is made in it.
        expected: the document of the target (see :func:`v7migration.postgres.catalog.snapshot`).
        there: the document of the scratch database.
    """
    objects = dict(expected["objects"])
    changed = [key for key, facts in objects.items() if facts != there["objects"].get(key, facts)]
    for key in changed:
        was, now = objects[key].get("definition"), there["objects"][key].get("definition")
        if _kind(key) in _VIEWS and now and was != now and _view(scratch, was) == now:
            objects[key] = {**objects[key], "definition": now}
    parts = [(key, part) for key in changed for part in _parts(objects[key], there["objects"][key])]
    for (key, part), anew in _made_again(scratch, objects, parts).items():
        restored = there["objects"][key]["parts"][part]
        if anew == restored:
            objects[key] = {**objects[key], "parts": {**objects[key]["parts"], part: restored}}
    return expected | {"objects": objects}


def _kind(key: str) -> str:
    return "materialized view" if key.startswith("materialized view ") else key.partition(" ")[0]


def _view(scratch: Connection, definition: str) -> str | None:
    """Return a view's definition as the server prints it after reading it; None where it does not take it."""
    try:
        with scratch.transaction(force_rollback=True):
            scratch.execute("SET LOCAL search_path = ''")
            scratch.execute(b"CREATE TEMPORARY VIEW v7_printed_anew AS " + definition.encode(scratch.info.encoding))
            row = scratch.execute("SELECT pg_get_viewdef('pg_temp.v7_printed_anew'::regclass)").fetchone()
    except psycopg.Error:
        return None
    return canonical_expression(str(row[0])) if row else None


def _parts(was: Facts, now: Facts) -> Iterator[str]:
    """Yield the parts that both have, and that differ in nothing but an expression."""
    for part, facts in was.get("parts", {}).items():
        other = now.get("parts", {}).get(part)
        if other is not None and facts != other and _without_expressions(facts) == _without_expressions(other):
            yield part


def _without_expressions(facts: Facts) -> Facts:
    return {name: fact for name, fact in facts.items() if name not in catalog.EXPRESSIONS}


def _made_again(
    scratch: Connection, objects: dict[str, Facts], parts: list[tuple[str, str]]
) -> dict[tuple[str, str], Facts]:
    """Make parts again from the target's facts, read the catalogs and take it all back; return those that were made."""
    if not parts:
        return {}
    with scratch.transaction(force_rollback=True):
        scratch.execute("SET LOCAL search_path = ''")
        made = [each for each in parts if _made(scratch, _statements(*each, objects[each[0]]["parts"][each[1]]))]
        found = catalog.snapshot(scratch)["objects"]
    return {(key, part): found[key]["parts"][part] for key, part in made}


def _made(scratch: Connection, statements: list[str]) -> bool:
    try:
        with scratch.transaction():
            for statement in statements:
                scratch.execute(statement.encode(scratch.info.encoding))
    except psycopg.Error:
        return False
    return bool(statements)


def _statements(key: str, part: str, facts: Facts) -> list[str]:
    """Return the statements that make a part again; the names in the keys are quoted already."""
    kind, _, name = key.partition(" ")
    what, _, own = part.partition(" ")
    schema, value = _FIRST.match(name), facts.get("default", "")
    words = {
        "object": name,
        "kind": "DOMAIN" if kind == "type" else kind.upper(),
        "part": own,
        "schema": schema[0] if schema else "",
        "definition": facts.get("definition", ""),
        "value": f"EXPRESSION AS ({value})" if "generated" in facts else f"DEFAULT {value}",
        "using": f"USING ({facts['using']})" if "using" in facts else "",
        "check": f"WITH CHECK ({facts['check']})" if "check" in facts else "",
    }
    return [statement.format_map(words) for statement in _AGAIN.get(what, ())]
