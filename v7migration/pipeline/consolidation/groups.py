"""The groups of ENUM types that the newest inventory found, with what was decided on each."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from v7migration.ledger.models import EnumDecision, Inventory
from v7migration.postgres.enum_conversion import TypeName
from v7migration.postgres.enum_groups import group_key
from v7migration.postgres.qualified import joined

PAGE = "/enums/groups/"
TAKEN_OUT = "taken out of another group"


@dataclass(frozen=True)
class Member:
    """One type of a group with everything the inventory knows of it."""

    type: TypeName
    labels: tuple[str, ...]
    near: str = ""
    """Why it is only near the group, empty for a full member."""
    facts: Mapping[str, Any] = field(default_factory=dict, compare=False)
    rows: Mapping[str, Any] = field(default_factory=dict, compare=False)
    code: Sequence[Mapping[str, Any]] | None = field(default=None, compare=False)
    """What the source declares for it (``matches`` of the inventory's ``code``); None where none was scanned."""

    @property
    def name(self) -> str:
        """``schema.name``."""
        return self.type.key

    @property
    def code_uses(self) -> int | None:
        """How many places of the source declare or bind it; None where no source was scanned."""
        return None if self.code is None else len({place for match in self.code for place in match["evidence"]})

    @property
    def tables(self) -> dict[str, list[str]]:
        """The columns that hold it, by table; a table of ``public`` is named without it."""
        found: dict[str, set[str]] = defaultdict(set)
        for column in self.facts["columns"]:
            found[TypeName(column["schema"], column["table"]).short].add(column["column"])
        return {table: sorted(columns) for table, columns in sorted(found.items())}


@dataclass(frozen=True)
class Group:
    """Types that are the same, and what was decided on them, the newest decision last."""

    key: str
    reason: str
    members: tuple[Member, ...]
    inventory: Inventory = field(compare=False)
    decisions: tuple[EnumDecision, ...] = field(default=(), compare=False)

    @property
    def decision(self) -> EnumDecision | None:
        """The decision that stands, None while the group waits for one."""
        return self.decisions[-1] if self.decisions else None

    @property
    def by_name(self) -> dict[str, Member]:
        """The members by ``schema.name``."""
        return {member.name: member for member in self.members}


def latest() -> Inventory | None:
    """Return the newest ENUM inventory."""
    return Inventory.objects.filter(part=Inventory.Part.ENUMS).select_related("snapshot").first()


def groups(inventory: Inventory | None = None) -> list[Group]:
    """Return the groups of the newest ENUM inventory, and those that splits left over, with their decisions."""
    inventory = inventory or latest()
    return _Reading(inventory).groups() if inventory is not None else []


def waiting(inventory: Inventory | None = None) -> list[Group]:
    """Return the groups that nobody decided on."""
    return [group for group in groups(inventory) if group.decision is None]


def find(key: str) -> Group | None:
    """Return a group of the newest inventory by its key, None where there is none (any more)."""
    return next((group for group in groups() if group.key == key), None)


def standing(inventory: Inventory | None = None) -> dict[str, Any]:
    """Say how many groups wait for a decision, and where: ``{"added", "groups", "waiting", "decided", "where"}``.

    ``added`` stays 0: rows of v7_enum_migrations come from decisions, never from an inventory.
    """
    found = groups(inventory)
    left = sum(group.decision is None for group in found)
    return {"added": 0, "groups": len(found), "waiting": left, "decided": len(found) - left, "where": PAGE}


def must_be_documented(enums: Mapping[str, Any]) -> bool:
    """Say whether v7_enum_migrations must hold rows (document 4.3): a group is there that nobody rejected.

    Args:
        enums: ``types`` and ``groups`` of a snapshot.
    """
    labels = {joined(t["schema"], t["name"]): t["labels"] for t in enums["types"]}
    verdicts = dict(EnumDecision.objects.order_by("number").values_list("group", "verdict"))
    for group in enums["groups"]:
        names = [*group["types"], *(entry["type"] for entry in group.get("near", ()))]
        if verdicts.get(group_key({name: labels[name] for name in names})) != EnumDecision.Verdict.REJECTED:
            return True
    return False


def earlier() -> list[EnumDecision]:
    """Return the decisions on groups that are not there any more, the newest first."""
    known = [group.key for group in groups()]
    return list(EnumDecision.objects.exclude(group__in=known))


class _Reading:
    """The groups of one inventory."""

    def __init__(self, inventory: Inventory) -> None:
        self.inventory = inventory
        self.document = inventory.document

    def groups(self) -> list[Group]:
        found: dict[str, Group] = {}
        waiting = [self._group(_said(g), g["types"], g.get("near", ())) for g in self.document["groups"]]
        while waiting:
            group = waiting.pop(0)
            if group.key in found:
                continue
            found[group.key] = group
            last = group.decision
            if last is not None and len(last.document.get("taken_out", ())) > 1:
                waiting.append(self._group(TAKEN_OUT, last.document["taken_out"], ()))
        return list(found.values())

    def _group(self, reason: str, names: Iterable[str], near: Iterable[Mapping[str, str]]) -> Group:
        members = [self.member(name) for name in names]
        members += [self.member(entry["type"], entry["reason"]) for entry in near]
        members.sort(key=lambda m: (-len(m.facts["used_by"]), len(m.type.short), m.name))
        key = group_key({member.name: member.labels for member in members})
        return Group(key, reason, tuple(members), self.inventory, tuple(self.decisions.get(key, ())))

    @cached_property
    def decisions(self) -> dict[str, list[EnumDecision]]:
        found: dict[str, list[EnumDecision]] = defaultdict(list)
        for decision in EnumDecision.objects.order_by("number"):
            found[decision.group].append(decision)
        return found

    @cached_property
    def types(self) -> dict[str, dict[str, Any]]:
        return {joined(t["schema"], t["name"]): t for t in self.document["types"]}

    @cached_property
    def rows(self) -> dict[str, dict[str, Any]]:
        return {entry["type"]: entry for entry in self.document["rows"]}

    def member(self, name: str, near: str = "") -> Member:
        facts = self.types[name]
        matches = self.document["code"].get("matches")
        return Member(
            TypeName(facts["schema"], facts["name"]),
            tuple(facts["labels"]),
            near,
            facts,
            self.rows[name],
            None if matches is None else [match for match in matches if match["type"] == name],
        )


def _said(group: Mapping[str, Any]) -> str:
    """Return why the types of a group are the same, in words."""
    return "; ".join([group["reason"], *group.get("also", ())])
