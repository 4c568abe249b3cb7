"""What to do so that an object has the rehearsed shape again: statements where SQL can say it, else words.

Nothing here is executed: a person reads it, judges it and runs it as the owner (Guardian's Paradox). Names and
definitions are the catalogs' own, quoted by the server; facts are those of ``catalog.snapshot``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Facts = Mapping[str, Any]
MOST = 20
"""Pieces of advice at most; who has to do more had better take the run back."""
WAY_BACK = "or take the run back (v7_rollback) and execute it anew"
STATES = {None: "ENABLE", "disabled": "DISABLE", "always": "ENABLE ALWAYS", "replica": "ENABLE REPLICA"}
RIGHTS_ON = {"schema": "SCHEMA ", "function": "FUNCTION ", "procedure": "PROCEDURE ", "sequence": "SEQUENCE "}


def advice(kind: str, name: str, want: Facts, now: Facts | None) -> list[str]:
    """Return what brings an object back to ``want``, ``now`` being its facts as found, None where it is missing."""
    steps = list(_of_object(kind, name, want, now))
    if len(steps) > MOST:
        steps = [*steps[:MOST], f"and {len(steps) - MOST} more differences: {WAY_BACK}"]
    return steps


def _of_object(kind: str, name: str, want: Facts, now: Facts | None) -> Iterator[str]:
    if now is None:
        yield from _anew(kind, name, want)
        return
    if want.get("definition") != now.get("definition"):
        yield _defined(kind, name, want)
    yield from _rights(kind, name, "", want, now)
    yield from _comment(f"{kind.upper()} {name}", want, now)
    if want.get("row security") != now.get("row security"):
        yield f"ALTER TABLE {name} {'ENABLE' if want.get('row security') else 'DISABLE'} ROW LEVEL SECURITY;"
    if want.get("owner") != now.get("owner") and "owner" in want:
        yield f"ALTER {kind.upper()} {name} OWNER TO {want['owner']};"
    ours, theirs = want.get("parts", {}), now.get("parts", {})
    for part in sorted(ours.keys() | theirs.keys()):
        if ours.get(part) != theirs.get(part):
            yield from _of_part(kind, name, part, ours, theirs)


def _anew(kind: str, name: str, want: Facts) -> Iterator[str]:
    if kind == "table":
        yield f"{name} is gone with its rows: bring it back from a backup, {WAY_BACK}"
        return
    yield f"CREATE SCHEMA {name};" if kind == "schema" else _defined(kind, name, want)
    yield from _rights(kind, name, "", want, {})
    yield from _comment(f"{kind.upper()} {name}", want, {})
    for part, facts in want.get("parts", {}).items():
        if part.startswith("column "):
            yield from _comment(f"COLUMN {name}.{part.removeprefix('column ')}", facts, {})


def _comment(on: str, want: Facts, now: Facts) -> Iterator[str]:
    if want.get("comment") != now.get("comment"):
        text = str(want["comment"]).replace("'", "''") if "comment" in want else ""
        yield f"COMMENT ON {on} IS '{text}';" if text else f"COMMENT ON {on} IS NULL;"


def _defined(kind: str, name: str, want: Facts) -> str:
    definition = str(want.get("definition", "")).strip().rstrip(";")
    if kind in ("view", "materialized view") and definition:
        return f"CREATE {'OR REPLACE ' if kind == 'view' else ''}{kind.upper()} {name} AS {definition};"
    if definition.startswith("CREATE "):
        return f"{definition};"
    return f"make {kind} {name} again as the signed script has it, {WAY_BACK}"


def _rights(kind: str, name: str, column: str, want: Facts, now: Facts) -> Iterator[str]:
    """Yield the grants and revokes; an entry reads ``role: RIGHT``, with anything after it left to the reader."""
    had, has = want.get("privileges", []), now.get("privileges", [])
    on = f"{RIGHTS_ON.get(kind, '')}{name}"
    for entry in [e for e in had if e not in has]:
        role, _, right = str(entry).partition(": ")
        yield f"GRANT {right}{column} ON {on} TO {role};"
    for entry in [e for e in has if e not in had]:
        role, _, right = str(entry).partition(": ")
        yield f"REVOKE {right}{column} ON {on} FROM {role};"


def _of_part(kind: str, name: str, part: str, ours: Facts, theirs: Facts) -> Iterator[str]:
    word, _, called = part.partition(" ")
    want, now = ours.get(part), theirs.get(part)
    if word == "index" and f"constraint {called}" in {**ours, **theirs}:
        return  # it comes and goes with its constraint
    if word == "column" and kind == "table":
        yield from _column(name, called, want, now)
    elif word == "constraint":
        yield from _constraint(name, called, want, now)
    elif word in ("index", "trigger", "rule"):
        yield from _defined_part(name, word, called, want, now)
    elif want is None:
        yield f"{part} of {name} was added by somebody: drop it once nobody needs it"
    elif kind == "table" or word != "column":  # the columns of a view follow its definition
        yield f"make {part} of {name} again as the signed script has it"


def _column(table: str, column: str, want: Facts | None, now: Facts | None) -> Iterator[str]:
    alter = f"ALTER TABLE {table} ALTER COLUMN {column}"
    if want is None:
        yield f"column {column} was added by somebody; once nobody needs its values: ALTER TABLE {table} DROP {column};"
        return
    if now is None:
        yield f"ALTER TABLE {table} ADD COLUMN {column} {_declared(want)}; its values are gone: fill them from a backup"
        yield from _rights("table", table, f" ({column})", want, {})
        yield from _comment(f"COLUMN {table}.{column}", want, {})
        return
    if want.get("type") != now.get("type"):
        yield f"{alter} TYPE {want.get('type')};"
    if want.get("default") != now.get("default"):
        yield f"{alter} SET DEFAULT {want['default']};" if "default" in want else f"{alter} DROP DEFAULT;"
    if want.get("not null") != now.get("not null"):
        yield f"{alter} {'SET' if want.get('not null') else 'DROP'} NOT NULL;"
    yield from _rights("table", table, f" ({column})", want, now)
    yield from _comment(f"COLUMN {table}.{column}", want, now)
    told = {"type", "default", "not null", "privileges", "comment"}
    if other := sorted(n for n in {**want, **now} if n not in told and want.get(n) != now.get(n)):
        yield f"give column {column} of {table} its {', '.join(other)} of the signed script again"


def _declared(want: Facts) -> str:
    words = [str(want.get("type", ""))]
    words += [f"DEFAULT {want['default']}"] if "default" in want else []
    return " ".join([*words, *(["NOT NULL"] if want.get("not null") else [])])


def _constraint(table: str, called: str, want: Facts | None, now: Facts | None) -> Iterator[str]:
    drop = f"ALTER TABLE {table} DROP CONSTRAINT {called};"
    if want is None:
        yield f"{called} was added by somebody: {drop}"
    elif now is None or want.get("definition") != now.get("definition"):
        first = f"{drop} " if now is not None else ""
        yield f"{first}ALTER TABLE {table} ADD CONSTRAINT {called} {want['definition']};"
        yield from _comment(f"CONSTRAINT {called} ON {table}", want, {})
    elif want.get("not validated") != now.get("not validated"):
        yield f"ALTER TABLE {table} VALIDATE CONSTRAINT {called};"
    elif want.get("triggers disabled") != now.get("triggers disabled"):
        yield f"ALTER TABLE {table} ENABLE TRIGGER ALL; (as a superuser, on the table it refers to as well)"
    else:
        yield f"make constraint {called} of {table} again as the signed script has it"


def _defined_part(table: str, word: str, called: str, want: Facts | None, now: Facts | None) -> Iterator[str]:
    schema = table.partition(".")[0]
    about = f"INDEX {schema}.{called}" if word == "index" else f"{word.upper()} {called} ON {table}"
    drop = f"DROP {about};"
    if want is None:
        yield f"{word} {called} was added by somebody: {drop}"
    elif now is None:
        yield f"{str(want.get('definition', '')).rstrip(';')};"
        yield from _comment(about, want, {})
    elif want.get("definition") != now.get("definition"):
        yield f"{drop} {str(want.get('definition', '')).rstrip(';')};"
        yield from _comment(about, want, {})
    elif word == "trigger" and want.get("enabled") != now.get("enabled"):
        yield f"ALTER TABLE {table} {STATES.get(want.get('enabled'), 'ENABLE')} TRIGGER {called};"
    elif word == "index" and want.get("invalid") != now.get("invalid"):
        yield f"REINDEX INDEX CONCURRENTLY {schema}.{called};"
    elif want.get("comment") != now.get("comment"):
        yield from _comment(about, want, now)
    else:
        yield f"make {word} {called} of {table} again as the signed script has it"
