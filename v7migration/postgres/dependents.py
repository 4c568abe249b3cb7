"""What hangs on the objects that a rollback drops and is not dropped by it: it stops the rollback, or is lost with it.

``DROP … RESTRICT`` refuses where somebody's view, foreign key, function or policy uses the object. It says nothing of
what vanishes *with* the object: an index, a trigger, a policy, a CHECK or a column that somebody added to it. Both are
listed here, before anything is dropped, so that Section 9 never fails half-way and never takes what is not ours.
The bodies of functions in quotes are text to the server, so what only they mention is not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import psycopg

from v7migration.postgres.catalog import pinned
from v7migration.postgres.kept import query
from v7migration.postgres.qualified import parts_of
from v7migration.postgres.script.makes import Makes, makes
from v7migration.postgres.script.model import Script
from v7migration.postgres.script.objects import Named, dropped

Cursor = psycopg.Cursor[tuple[Any, ...]]
Address = tuple[int, int, int]  # catalog, object, column (0: the whole object)
WITH_ITS_OWNER = frozenset("aiPSex")  # deptypes that go without a word
LOST = frozenset({"index", "trigger", "policy", "constraint", "statistics", "table", "column", "rule", "publication"})


@dataclass(frozen=True)
class _Fact:
    """What an address is called, and whose it is."""

    kind: str
    identity: str
    named: Named | None
    table: str | None
    of_its_own: bool

    @property
    def words(self) -> str:
        return f"{self.kind} {self.identity}"


@dataclass
class _Going:
    """What goes when some objects are dropped: each address with the words for the object it goes with."""

    roots: dict[Address, str] = field(default_factory=dict)
    lost: list[tuple[Address, str]] = field(default_factory=list)
    columns: list[tuple[Address, str]] = field(default_factory=list)
    hanging: list[tuple[Address, str]] = field(default_factory=list)

    def holds(self, address: Address) -> bool:
        return address in self.roots or (address[0], address[1], 0) in self.roots


def of_script(connection: psycopg.Connection[Any], script: Script) -> list[dict[str, str]]:
    """As :func:`dependents`, for what the rollback section of this script drops. Empty without such a section."""
    return dependents(connection, dropped_by(script), makes(script))


def dropped_by(script: Script) -> list[Named]:
    """Return what the rollback section of a script drops, in its order: pairs of kind and qualified name."""
    statements = script.rollback.statements if script.rollback else ()
    return [named for statement in statements for named in dropped(statement)]


def dependents(
    connection: psycopg.Connection[Any], dropped: Iterable[Named], made: Makes | None = None
) -> list[dict[str, str]]:
    """List what depends on these objects, directly or through another dependent, and is none of them.

    Args:
        connection: a session on the database; inside a transaction it sees what that transaction sees. Only read.
        dropped: pairs of kind and name as ``script.objects.dropped`` gives them; those that do not exist are skipped.
        made: what our script made. With it also what others added to these objects is listed, although the server
            would drop it in silence; without it only what stops a ``DROP``.

    Returns:
        ``{"object": "view public.report", "depends_on": "column public.file_audit.v7_target_name", "kind": "view",
        "effect": "stops the drop" | "is lost"}``, sorted; ``depends_on`` names a dropped object, or the dependent in
        between.
    """
    with pinned(connection) as cursor:
        goes = _resolved(cursor, dropped)
        _close(cursor, goes)
        lost = _others(cursor, goes, _named_plainly(made)) if made is not None else []
        found = [_entry(fact, root, "is lost") for fact, root in lost]
        stopping = _owners(cursor, goes)
        while stopping:
            facts = _facts(cursor, [address for address, _ in stopping])
            known = {entry["object"] for entry in found}
            found += [_entry(facts[address], root, "stops the drop") for address, root in stopping]
            fresh = {a: facts[a].words for a, _ in stopping if facts[a].words not in known}
            if not fresh:
                break
            _add(goes, fresh)
            _close(cursor, goes, list(fresh))
            stopping = _owners(cursor, goes)
    unique = {(entry["object"], entry["depends_on"]): entry for entry in found}
    return [unique[key] for key in sorted(unique)]


def _plain(name: str) -> str:
    """Return a name as the queries of this module join its parts: without quotes, so that in doubt two are one."""
    return ".".join(parts_of(name))


def _named_plainly(made: Makes) -> Makes:
    """Return what a script makes under the names that the queries of this module give."""
    return Makes(
        frozenset((kind, _plain(name)) for kind, name in made.objects),
        frozenset((kind, _plain(name)) for kind, name in made.unnamed),
        frozenset(_plain(name) for name in made.unlisted),
    )


def _entry(fact: _Fact, root: str, effect: str) -> dict[str, str]:
    return {"object": fact.words, "depends_on": root, "kind": fact.kind, "effect": effect}


def _resolved(cursor: Cursor, dropped: Iterable[Named]) -> _Going:
    wanted = list(dict.fromkeys((kind, _plain(name)) for kind, name in dropped))
    arguments = {"kinds": [kind for kind, _ in wanted], "names": [name for _, name in wanted]}
    goes = _Going()
    for kind, name, *address in cursor.execute(query("dependents/named"), arguments).fetchall():
        _add(goes, {_address(address): f"{kind} {name}"})
    return goes


def _add(goes: _Going, addresses: dict[Address, str]) -> None:
    for address, words in addresses.items():
        goes.roots.setdefault(address, words)


def _close(cursor: Cursor, goes: _Going, frontier: list[Address] | None = None) -> None:
    """Follow what goes in silence until nothing is added; keep what hangs on it by a dependency that stops a drop."""
    goes.lost, goes.columns, goes.hanging = [], [], []
    frontier = list(goes.roots) if frontier is None else frontier
    while frontier:
        added: list[Address] = []
        for *left, how, class_, object_, part in cursor.execute(
            query("dependents/edges"), _arrays(frontier)
        ).fetchall():
            address, root = _address(left), goes.roots[class_, object_, part]
            if how == "column":
                goes.columns.append((address, root))
            elif how not in WITH_ITS_OWNER:
                goes.hanging.append((address, root))
            elif not goes.holds(address):
                goes.roots[address] = root
                added.append(address)
                goes.lost.append((address, root))
        frontier = added


def _owners(cursor: Cursor, goes: _Going) -> list[tuple[Address, str]]:
    """Turn what hangs on the going objects into the objects that people know; leave out what goes anyway."""
    hanging = list(goes.hanging)
    while hanging:
        rows = cursor.execute(query("dependents/owners"), _arrays([address for address, _ in hanging])).fetchall()
        above = {_address(row[:3]): _address(row[3:]) for row in rows}
        hanging = [(address, root) for address, root in hanging if not goes.holds(address)]
        if not any(address in above for address, _ in hanging):
            break
        hanging = [(above.get(address, address), root) for address, root in hanging]
    return list(dict.fromkeys(hanging))


def _others(cursor: Cursor, goes: _Going, made: Makes) -> list[tuple[_Fact, str]]:
    """Keep of what goes in silence the objects that somebody else made: of columns those in our script's tables."""
    facts = _facts(cursor, [address for address, _ in (*goes.lost, *goes.columns)])
    columns = [(a, root) for a, root in goes.columns if ("table", facts[a].table or "") in made.objects]
    return [(facts[a], root) for a, root in (*goes.lost, *columns) if _is_foreign(facts[a], made)]


def _is_foreign(fact: _Fact, made: Makes) -> bool:
    """Whether this is an object of its own that our script does not make; in doubt it is ours."""
    if not fact.of_its_own or fact.named is None or fact.named in made.objects or fact.named[0] not in LOST:
        return False
    made_here = ("table", fact.table or "") in made.objects
    match fact.named[0]:
        case "index":
            return ("index", fact.table or "") not in made.unnamed and fact.table not in made.unlisted
        case "constraint":
            return not made_here and ("constraint", fact.table or "") not in made.unnamed
        case "column":
            return fact.table not in made.unlisted
    return True


def _facts(cursor: Cursor, addresses: Sequence[Address]) -> dict[Address, _Fact]:
    rows = cursor.execute(query("dependents/described"), _arrays(addresses)).fetchall()
    return {
        _address(row[:3]): _Fact(row[3], row[4], (row[5], row[6]) if row[5] and row[6] else None, row[7], bool(row[8]))
        for row in rows
    }


def _arrays(addresses: Sequence[Address]) -> dict[str, list[int]]:
    unique = list(dict.fromkeys(addresses))
    return {name: [address[place] for address in unique] for place, name in enumerate(("classes", "objects", "parts"))}


def _address(parts: Sequence[Any]) -> Address:
    return int(parts[0]), int(parts[1]), int(parts[2])
