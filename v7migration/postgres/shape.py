"""What a script made, fact by fact, and whether it is still there in that shape (document 2.3.1, action 1).

A rehearsal keeps what its forward run made (:func:`made`); laid over the snapshot from before the run it is the
document that the target's catalogs must give after it (:func:`expected`). Documents are those of ``catalog.snapshot``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from v7migration.postgres.fingerprint import differences
from v7migration.postgres.repair import advice

Document = dict[str, Any]
Facts = dict[str, Any]
OWN_GROUP = frozenset({"table", "view", "materialized view", "foreign table", "partitioned table"})
"""Kinds of objects that are judged one by one; the others by their kind."""
TWO_WORDS = re.compile(r"((?:materialized|foreign|partitioned|event|default|operator|text search|security) [a-z]+) ")
PARTS = ("column", "constraint", "index", "trigger", "rule", "policy")
SAME = "the same"
LONGEST = 2_000
GROUPS = 300
"""Groups at most; of a script that makes more, the rest is judged as one."""
REST = "everything else that the script made"
UNSAID = frozenset({"parts", "comment", "column order"})
"""Facts that are compared, but not listed as evidence of an object in order."""


@dataclass(frozen=True)
class Shape:
    """One table, view or kind of objects: what was expected, and what differs.

    ``name`` is ``public.v7_test_results`` or ``functions``, ``counted`` what it holds in words, ``differences``
    the sentences, ``rows`` (part, expected, found) for each part, ``repair`` what brings it back.
    """

    name: str
    counted: str
    differences: tuple[str, ...]
    rows: tuple[tuple[str, str, str], ...]
    repair: tuple[str, ...] = ()


def made(before: Document, after: Document) -> dict[str, Facts]:
    """Return what ``after`` has beyond ``before``, by object, with every fact.

    ``{"table public.x": {"added": True, "facts": …}}`` for an added object; for one that was there
    ``{"added": False, "parts": {added or changed}, "facts": {changed}, "gained": {list: entries}}``.
    """
    old, new = before.get("objects", {}), after.get("objects", {})
    found = {key: {"added": True, "facts": new[key]} for key in sorted(new.keys() - old.keys())}
    for key in sorted(new.keys() & old.keys()):
        if old[key] != new[key]:
            found[key] = _changed(old[key], new[key])
    return found


def _changed(old: Facts, new: Facts) -> Facts:
    was, now = old.get("parts", {}), new.get("parts", {})
    changed = {name: new[name] for name in new if name != "parts" and new[name] != old.get(name)}
    lists = {name for name, value in changed.items() if isinstance(value, list)}
    return {
        "added": False,
        "parts": {name: facts for name, facts in now.items() if was.get(name) != facts},
        "facts": {name: value for name, value in changed.items() if name not in lists},
        "gained": {name: [e for e in changed[name] if e not in old.get(name, ())] for name in sorted(lists)},
    }


def expected(before: Document, made_there: Mapping[str, Facts]) -> Document:
    """Return the document that the catalogs must give: ``before`` with what the script made laid over it."""
    objects = dict(before.get("objects", {}))
    for key, entry in made_there.items():
        objects[key] = entry["facts"] if entry["added"] else _laid_over(objects.get(key, {}), entry)
    return {**before, "objects": objects}


def _laid_over(facts: Facts, entry: Facts) -> Facts:
    lists = {name: [*facts.get(name, ()), *entries] for name, entries in entry["gained"].items()}
    return {**facts, **entry["facts"], **lists, "parts": {**facts.get("parts", {}), **entry["parts"]}}


def compared(want: Document, now: Document, made_there: Mapping[str, Facts]) -> tuple[list[Shape], list[str]]:
    """Compare the catalogs with what is expected: a shape for each table, view and other kind that the script made,
    and the sentences about everything that it did not make."""
    groups: dict[str, list[str]] = {}
    for key in sorted(made_there, key=lambda key: (_kind_and_name(key)[0] not in OWN_GROUP, group_of(key), key)):
        name = group_of(key)
        groups.setdefault(name if len(groups) < GROUPS or name in groups else REST, []).append(key)
    shapes, ours = [], set[str]()
    for name, keys in groups.items():
        shape = _shape(name, keys, want["objects"], now["objects"], made_there)
        shapes.append(shape)
        ours.update(shape.differences)
    whole = {"objects": want["objects"]}, {"objects": now["objects"]}
    return shapes, [sentence for sentence in differences(*whole) if sentence not in ours]


def group_of(key: str) -> str:
    """Return the group of an object: its name for a table or view, its kind for the rest."""
    kind, name = _kind_and_name(key)
    return name if kind in OWN_GROUP else f"{kind}s"


def _kind_and_name(key: str) -> tuple[str, str]:
    match = TWO_WORDS.match(key)
    kind = match[1] if match else key.split(" ", 1)[0]
    return kind, key[len(kind) + 1 :]


def _shape(name: str, keys: list[str], want: Facts, now: Facts, made_there: Mapping[str, Facts]) -> Shape:
    found: list[str] = []
    repair: list[str] = []
    rows: list[tuple[str, str, str]] = []
    counted: dict[str, int] = {}
    for key in keys:
        entry, facts = made_there[key], now.get(key)
        parts = _in_order(entry["facts"].get("parts", {}) if entry["added"] else entry["parts"], want[key])
        about = differences({"objects": {key: want[key]}}, {"objects": {key: facts} if facts is not None else {}})
        found += [s for s in about if entry["added"] or facts is None or _is_about(s, key, entry)]
        repair += _advice(key, want[key], facts, entry)
        _count(counted, key, entry, parts)
        rows += _evidence(key if len(keys) > 1 else "", want[key], facts, entry, parts)
    words = ", ".join(f"{number} {_plural(kind, number)}" for kind, number in counted.items())
    rows.sort(key=lambda row: row[2] == SAME)  # what differs first
    return Shape(name, words or "nothing", tuple(found), tuple(rows), tuple(repair))


def _advice(key: str, want: Facts, now: Facts | None, entry: Facts) -> list[str]:
    """Return what brings back what the script made in an object; what else somebody changed in it is not ours."""
    if not entry["added"] and now is not None:
        parts, gained = entry["parts"], entry["gained"].get("privileges", ())
        want, now = (
            {
                "parts": {part: facts["parts"][part] for part in parts if part in facts.get("parts", {})},
                "privileges": [right for right in facts.get("privileges", ()) if right in gained],
            }
            for facts in (want, now)
        )
    return advice(*_kind_and_name(key), want, now)


def _is_about(sentence: str, key: str, entry: Facts) -> bool:
    """Whether a sentence about an object that was there before is about what the script changed in it."""
    rest = sentence.removeprefix(f"{key}: ")
    if any(rest == part or rest.startswith((f"{part} ", f"{part}: ")) for part in entry["parts"]):
        return True
    if any(rest.startswith(f"{fact} ") for fact in entry["facts"]):
        return True
    return any(rest == f"{name} lost {gained}" for name, entries in entry["gained"].items() for gained in entries)


def _in_order(parts: Mapping[str, Facts], facts: Facts) -> dict[str, Facts]:
    """Return parts as people read them: columns in the table's order, then constraints, indexes, triggers."""
    order = {name: number for number, name in enumerate(facts.get("column order", ()))}

    def place(part: str) -> tuple[int, int, str]:
        kind, _, name = part.partition(" ")
        return PARTS.index(kind) if kind in PARTS else len(PARTS), order.get(name, len(order)), part

    return {part: parts[part] for part in sorted(parts, key=place)}


def _count(counted: dict[str, int], key: str, entry: Facts, parts: Mapping[str, Facts]) -> None:
    if entry["added"] and _kind_and_name(key)[0] not in OWN_GROUP:
        kind = _kind_and_name(key)[0]
        counted[kind] = counted.get(kind, 0) + 1
    for part in parts:
        kind = part.split(" ", 1)[0]
        counted[kind] = counted.get(kind, 0) + 1
    here = {"parts": parts, "privileges": entry.get("gained", {}).get("privileges", [])}
    if rights := _rights(entry["facts"] if entry["added"] else here):
        counted["right"] = counted.get("right", 0) + rights


def _rights(facts: Facts) -> int:
    own = len(facts.get("privileges", []))
    return own + sum(len(part.get("privileges", [])) for part in facts.get("parts", {}).values())


def _plural(kind: str, number: int) -> str:
    if number == 1:
        return kind
    return {"index": "indexes", "policy": "policies"}.get(kind, f"{kind}s")


def _evidence(
    prefix: str, want: Facts, now: Facts | None, entry: Facts, parts: Mapping[str, Facts]
) -> Iterator[tuple[str, str, str]]:
    """Yield (part, expected, found) for the object itself and each part that the script made."""
    start = f"{prefix}: " if prefix else ""
    if now is None:
        yield prefix or "the object", "is there", "missing"
        return
    if entry["added"]:
        yield prefix or "the object itself", *_values(want, now)
    for name, entries in ({} if entry["added"] else entry["gained"]).items():
        for gained in entries if name not in UNSAID else ():
            yield f"{start}{name}", str(gained), SAME if gained in now.get(name, ()) else "missing"
    for part in parts:
        facts = now.get("parts", {}).get(part)
        yield f"{start}{part}", *(_values(want["parts"][part], facts) if facts is not None else ("is there", "missing"))
    for part in now.get("parts", {}).keys() - want.get("parts", {}).keys() if entry["added"] else ():
        yield f"{start}{part}", "not there", described(now["parts"][part])


def _values(want: Facts, now: Facts) -> tuple[str, str]:
    same = {k: v for k, v in want.items() if k != "parts"} == {k: v for k, v in now.items() if k != "parts"}
    if same:
        return described(want), SAME
    other = [n for n in {**want, **now} if n != "parts" and want.get(n) != now.get(n)]
    return described(want, other), described(now, other)


def described(facts: Facts, names: Iterable[str] | None = None) -> str:
    """Return facts in words, ``type uuid; not null; default gen_random_uuid()``; all of them, or those named."""
    chosen = [n for n in facts if n not in UNSAID] if names is None else [n for n in names if n in facts]
    words = [n if facts[n] is True else f"{n} {_value(facts[n])}" for n in chosen]
    return "; ".join(words)[:LONGEST] or "(none)"


def _value(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else " ".join(str(value).split())
