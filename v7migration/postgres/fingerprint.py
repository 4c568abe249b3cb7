"""One value for a whole schema, and the sentences that say how two schemas differ."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

FINGERPRINT_VERSION = 1
_LONGEST_VALUE = 120


def fingerprint(document: dict[str, Any]) -> str:
    """Digest a document of ``catalog.snapshot``: SHA-256 in hex over its canonical JSON and ``FINGERPRINT_VERSION``."""
    text = json.dumps(
        {"fingerprint": FINGERPRINT_VERSION, "document": document},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    )
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Say how ``after`` differs from ``before``, one sentence per object, part or fact, sorted by object.

    Sentences read ``table public.x: column y added`` or ``table public.x: column y: type integer → bigint``. The list
    is empty exactly when both documents have the same fingerprint.
    """
    found = [
        f"{name}: {before.get(name)} → {after.get(name)}"
        for name in ("format", "server")
        if before.get(name) != after.get(name)
    ]
    old, new = before.get("objects", {}), after.get("objects", {})
    for key in sorted(old.keys() | new.keys()):
        found.extend(_changes(key, old.get(key), new.get(key)))
    return found


def added(before: dict[str, Any], after: dict[str, Any]) -> dict[str, str]:
    """Return what ``after`` has beyond ``before``: each added object and each of its parts, with a digest of its facts.

    ``{"table public.x": "0f3c…", "table public.x: column y": "99ab…"}``. A difference only says that an object was
    added; with the digests two additions can be compared.
    """
    old, new = before.get("objects", {}), after.get("objects", {})
    found = {}
    for key in sorted(new.keys() - old.keys()):
        found[key] = _digest({name: fact for name, fact in new[key].items() if name != "parts"})
        found |= {f"{key}: {part}": _digest(facts) for part, facts in new[key].get("parts", {}).items()}
    return found


def _digest(facts: dict[str, Any]) -> str:
    text = json.dumps(facts, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _changes(subject: str, old: dict[str, Any] | None, new: dict[str, Any] | None) -> Iterator[str]:
    """Sentences about one object or part; ``subject`` begins each of them."""
    if old is None or new is None:
        yield f"{subject} {'added' if old is None else 'removed'}"
        return
    for fact in sorted((old.keys() | new.keys()) - {"parts"}):
        if old.get(fact) != new.get(fact):
            yield from _fact_changes(f"{subject}: {fact}", old.get(fact), new.get(fact))
    old_parts, new_parts = old.get("parts", {}), new.get("parts", {})
    for part in sorted(old_parts.keys() | new_parts.keys()):
        yield from _changes(f"{subject}: {part}", old_parts.get(part), new_parts.get(part))


def _fact_changes(subject: str, old: Any, new: Any) -> Iterator[str]:
    """Sentences about one fact: what a list gained and lost, or the two values."""
    if isinstance(old or new, list):
        was, now = old or [], new or []
        if subject.endswith(": column order"):  # added and removed columns have sentences of their own
            if [name for name in was if name in now] != [name for name in now if name in was]:
                yield f"{subject} changed: {', '.join(was)} → {', '.join(now)}"
            return
        yield from (f"{subject} lost {entry}" for entry in was if entry not in now)
        yield from (f"{subject} gained {entry}" for entry in now if entry not in was)
        if sorted(was) == sorted(now):
            yield f"{subject} reordered: {', '.join(was)} → {', '.join(now)}"
    elif new is True or old is True:
        yield f"{subject} {'now set' if new is True else 'no longer set'}"
    elif any(isinstance(value, str) and ("\n" in value or len(value) > _LONGEST_VALUE) for value in (old, new)):
        yield f"{subject} {'set' if old is None else 'removed' if new is None else 'changed'}"
    else:
        yield f"{subject} {_shown(old)} → {_shown(new)}"


def _shown(value: Any) -> str:
    return "(none)" if value is None else str(value)
