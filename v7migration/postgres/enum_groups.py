"""Which enum types mean the same, and which only look as if they did. Pure rules, no database.

Four reasons, strongest first; a type stands in one group only. Values decide: equal names with different values are a
conflict for people to settle, never a duplicate.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from v7migration.postgres.qualified import joined

EQUAL = "equal values"
EQUAL_BUT_ORDER = "equal but for order"
EQUAL_BUT_SPELLING = "equal but for case or punctuation"
EQUAL_NAMES = "names equal after normalising"


@dataclass(frozen=True, order=True)
class Use:
    """One thing that uses an enum type: ``kind`` as PostgreSQL calls it, ``object`` (``schema.name``) and ``column``.

    ``name`` is a constraint's, an index's or a rule's own; ``definition`` the SQL of a default, constraint or index
    that is not its parent's; ``schema`` the object's.
    """

    kind: str
    object: str
    column: str = ""
    name: str = ""
    definition: str = ""
    schema: str = ""

    def as_dict(self) -> dict[str, str | None]:
        """The use as JSON-able facts; what does not apply is None."""
        return {
            "kind": self.kind, "object": self.object, "column": self.column or None,
            "name": self.name or None, "definition": self.definition or None, "schema": self.schema or None,
        }  # fmt: skip


@dataclass(frozen=True)
class EnumType:
    """An enum type: its labels in their order, and everything in the database that uses it, in words and as facts."""

    schema: str
    name: str
    labels: tuple[str, ...]
    used_by: tuple[str, ...] = ()
    uses: tuple[Use, ...] = ()

    @property
    def key(self) -> str:
        """``schema.name``, as groups and conflicts name it, with quotes around a part that holds a dot."""
        return joined(self.schema, self.name)

    def as_dict(self) -> dict[str, Any]:
        """The type as JSON-able facts: ``schema``, ``name``, ``labels``, ``used_by``, ``uses``."""
        return {
            "schema": self.schema,
            "name": self.name,
            "labels": list(self.labels),
            "used_by": list(self.used_by),
            "uses": [use.as_dict() for use in self.uses],
        }


def plain_words(text: str) -> str:
    """The text without case, blanks and punctuation: what two spellings of one label have in common."""
    return re.sub(r"[\W_]+", "", text).casefold()


def _same_order(enum: EnumType) -> Hashable:
    return enum.labels


def _same_set(enum: EnumType) -> Hashable:
    return frozenset(enum.labels)


def same_spelling(enum: EnumType) -> Hashable:
    """The labels without case and punctuation; the bare labels where that would make two of them one."""
    words = frozenset(plain_words(label) for label in enum.labels)
    return words if len(words) == len(enum.labels) and "" not in words else frozenset(enum.labels)


def _same_name_and_stem(enum: EnumType) -> Hashable:
    """The bare name, with the labels less a word that all of them begin with (``status_open``, ``status_closed``)."""
    return (_core_name(enum.name), frozenset(stems(enum.labels)))


def stems(labels: Sequence[str]) -> list[str]:
    """The labels as plain words, less a first word that all of them share (``status_open``, ``status_closed``)."""
    parts = [re.split(r"[\W_]+", label.casefold(), maxsplit=1) for label in labels]
    prefixed = len(parts) > 1 and all(len(p) == 2 for p in parts) and len({p[0] for p in parts}) == 1
    return [plain_words(p[1]) for p in parts] if prefixed else [plain_words(label) for label in labels]


_LEVELS: tuple[tuple[str, Callable[[EnumType], Hashable]], ...] = (
    (EQUAL, _same_order),
    (EQUAL_BUT_ORDER, _same_set),
    (EQUAL_BUT_SPELLING, same_spelling),
    (EQUAL_NAMES, _same_name_and_stem),
)


def equal_value_groups(enums: Iterable[EnumType]) -> list[dict[str, Any]]:
    """Groups of types with equal values: ``[{"reason", "also", "types": ["public.a", …], "near": […]}]``.

    ``reason`` is the strongest that holds; ``also`` names that the names are equal after normalising, too.
    Each type stands once. A type that matches members of a stronger group less strictly is listed in that group's
    ``near`` (``[{"reason", "type"}]``). Types without labels are never duplicates. (Sections 2.1 and 3)
    """
    rest = [enum for enum in sorted(enums, key=lambda e: e.key) if enum.labels]
    groups: list[dict[str, Any]] = []
    founders: list[EnumType] = []
    for reason, same in _LEVELS:
        buckets: dict[Hashable, list[EnumType]] = defaultdict(list)
        for enum in rest:
            buckets[same(enum)].append(enum)
        known: dict[Hashable, dict[str, Any]] = {}
        for founder, group in zip(founders, groups, strict=True):
            known.setdefault(same(founder), group)
        for key, members in buckets.items():
            if key in known:
                known[key]["near"].extend({"reason": reason, "type": enum.key} for enum in members)
            elif len(members) > 1:
                also = (
                    [EQUAL_NAMES] if reason != EQUAL_NAMES and len({_core_name(e.name) for e in members}) == 1 else []
                )
                groups.append({"reason": reason, "also": also, "types": [e.key for e in members], "near": []})
                founders.append(members[0])
            else:
                continue
            rest = [enum for enum in rest if enum not in members]
    order = [reason for reason, _ in _LEVELS]
    return sorted(groups, key=lambda group: (order.index(group["reason"]), group["types"]))


def enum_conflicts(enums: Iterable[EnumType]) -> list[dict[str, Any]]:
    """Types whose names are equal after normalising but whose values differ, for people to settle.

    Returns ``[{"name", "types": ["public.a", …], "values": {"public.a": [labels]}}]``. A difference in order, case or
    punctuation alone is no conflict.
    """
    conflicts = []
    for name, members in sorted(_by_name(list(enums)).items()):
        if len({same_spelling(enum) for enum in members}) > 1:
            ordered = sorted(members, key=lambda enum: enum.key)
            conflicts.append(
                {
                    "name": name,
                    "types": [enum.key for enum in ordered],
                    "values": {enum.key: list(enum.labels) for enum in ordered},
                }
            )
    return conflicts


def subset_hints(enums: Iterable[EnumType]) -> list[dict[str, Any]]:
    """Types whose labels are some of another type's: a hint for people, never a duplicate.

    Returns ``[{"type": "public.a", "within": "public.b", "missing": [labels of b that a lacks]}]``, for each type the
    smallest types that hold all of its labels. A type of fewer than two labels says too little to be a hint.
    """
    ordered = sorted((enum for enum in enums if len(enum.labels) > 1), key=lambda enum: enum.key)
    sets = {enum.key: frozenset(enum.labels) for enum in ordered}
    hints = []
    for small in ordered:
        wider = [wide for wide in ordered if sets[small.key] < sets[wide.key]]
        least = min((len(wide.labels) for wide in wider), default=0)
        for wide in wider:
            if len(wide.labels) == least:
                missing = [label for label in wide.labels if label not in sets[small.key]]
                hints.append({"type": small.key, "within": wide.key, "missing": missing})
    return hints


def group_key(members: Mapping[str, Sequence[str]]) -> str:
    """Name a group by its member types and their labels: 20 hexadecimal digits, the same in every inventory.

    Args:
        members: labels in order by ``schema.name``. Another member or another label makes another group.
    """
    said = json.dumps([[name, list(members[name])] for name in sorted(members)], ensure_ascii=True)
    return hashlib.sha256(said.encode()).hexdigest()[:20]


def plain_name(name: str) -> str:
    """The name without case, underscores and an ``enum`` ending."""
    plain = plain_words(name)
    return plain.removesuffix("enum") or plain


def _core_name(name: str) -> str:
    """The plain name without one ``type`` or ``status`` ending: too coarse to be used without comparing values."""
    plain = plain_name(name)
    return plain.removesuffix("type").removesuffix("status") or plain


def _by_name(enums: Sequence[EnumType]) -> dict[str, list[EnumType]]:
    """Types by plain name. ``colour_type`` joins ``colour``; ``order_type`` and ``order_status`` stay apart."""
    plain = {plain_name(enum.name) for enum in enums}
    named: dict[str, list[EnumType]] = defaultdict(list)
    for enum in enums:
        name = plain_name(enum.name)
        core = name.removesuffix("type").removesuffix("status")
        named[core if core in plain else name].append(enum)
    return named
