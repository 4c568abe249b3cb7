"""What a person's choice on a group comes to: the V7 type, where each label ends, the SQL and the risk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from v7migration.errors import UsageError
from v7migration.pipeline.consolidation.groups import Group, Member
from v7migration.postgres import enum_risk
from v7migration.postgres.enum_conversion import Conversion, TypeName, by_hand
from v7migration.postgres.enum_mapping import inverse, merged_labels, suggest
from v7migration.postgres.enum_rows import PARTITIONED
from v7migration.postgres.qualified import joined


@dataclass(frozen=True)
class Choice:
    """What a person chose: the member whose labels count, the name of the V7 type, further labels, who stays out."""

    base: str
    schema: str
    name: str
    further: tuple[str, ...] = ()
    taken_out: frozenset[str] = frozenset()
    mapping: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By member and label, where it differs from the suggestion; a label mapped to itself is added."""


@dataclass(frozen=True)
class Plan:
    """What a choice comes to: the V7 type with its labels, and where each label of each type that goes ends."""

    target: TypeName
    is_new: bool
    base_labels: tuple[str, ...]
    labels: tuple[str, ...]
    going: tuple[Member, ...]
    mappings: Mapping[str, Mapping[str, str | None]]

    @property
    def added(self) -> tuple[str, ...]:
        """The labels that the chosen member lacks."""
        return tuple(label for label in self.labels if label not in self.base_labels)

    @property
    def unmapped(self) -> list[tuple[str, str]]:
        """Labels (member, label) that end nowhere yet."""
        return [(name, label) for name, found in self.mappings.items() for label, to in found.items() if to is None]


def proposed(group: Group) -> Choice:
    """Return the choice that a page begins with: the most used type stays, under its own name."""
    first = group.members[0]
    return Choice(first.name, first.type.schema, first.type.name)


def plan(group: Group, choice: Choice) -> Plan:
    """Work a choice out: the V7 type, its labels, and where each label ends; what ends nowhere is ``unmapped``.

    Raises:
        UsageError: the choice names a type, a label or a name that cannot be.
    """
    members = group.by_name
    if choice.base not in members or choice.base in choice.taken_out:
        raise UsageError("The V7 type takes its values from a member that stays in the group.", "Choose such a member.")
    if strange := sorted(choice.taken_out - set(members)):
        raise UsageError(f"{strange[0]} is no member of this group.", "Load the page again.")
    target = _target(group, choice)
    is_new = target != members[choice.base].type
    stay = [member for member in group.members if member.name not in choice.taken_out]
    if len(stay) < 2:
        raise UsageError("At least two types must stay in the group.", "Reject the group if nothing becomes one.")
    going = tuple(member for member in stay if is_new or member.name != choice.base)
    base_labels = members[choice.base].labels
    labels = tuple(dict.fromkeys((*base_labels, *choice.further)))
    mappings: dict[str, dict[str, str | None]] = {}
    for member in going:
        chosen = choice.mapping.get(member.name, {})
        labels = tuple(dict.fromkeys((*labels, *(label for label, to in chosen.items() if label == to))))
        mappings[member.name] = _mapping(member, chosen, labels)
    return Plan(target, is_new, base_labels, labels, going, mappings)


def _target(group: Group, choice: Choice) -> TypeName:
    target = TypeName(choice.schema.strip(), choice.name.strip())
    for part in (target.schema, target.name):
        if not part or "\0" in part or len(part.encode()) > 63:
            raise UsageError("A name of a type has 1 to 63 bytes.", "Shorten or enter the name.")
    if target == group.by_name[choice.base].type:
        return target
    document = group.inventory.document
    if target.key in group.by_name:
        raise UsageError(f"{target.key} is a member of the group.", "Choose it as the member that stays.")
    if any(joined(t["schema"], t["name"]) == target.key for t in document["types"]):
        raise UsageError(f"{target.key} is an ENUM type of its own already.", "Choose another name.")
    if not any(t["schema"] == target.schema for t in document["types"]):
        raise UsageError(f"No ENUM type lives in the schema {target.schema}.", "Choose a schema that has ENUM types.")
    return target


def _mapping(member: Member, chosen: Mapping[str, str], labels: Sequence[str]) -> dict[str, str | None]:
    found = {label: suggestion.target for label, suggestion in suggest(member.labels, labels).items()}
    for label, target in chosen.items():
        if label not in found or target not in labels:
            raise UsageError(f"{target!r} is no value of the V7 type.", "Map each value to one that it has, or add it.")
        found[label] = target
    return found


def conversion(found: Plan, member: Member) -> Conversion:
    """Return what turns one type that goes into the V7 type of a plan."""
    return Conversion(
        source=member.type,
        source_labels=member.labels,
        target=found.target,
        target_labels=found.labels,
        target_is_new=found.is_new,
        added=() if found.is_new else found.added,
        mapping={label: to for label, to in found.mappings[member.name].items() if to is not None},
        columns=member.facts["columns"],
        uses=member.facts["uses"],
    )


def risk(found: Plan, member: Member) -> tuple[str, list[enum_risk.Reason]]:
    """Return how risky it is to let one type go, with the reasons, the worst first."""
    work = conversion(found, member)
    merged = merged_labels(work.mapping)
    back = inverse(work.mapping)
    lost = [member.rows["labels"][label] for to, labels in merged.items() for label in labels if label != back[to]]
    return enum_risk.assess(
        enum_risk.Facts(
            rows=_rewritten(member),
            dependants=sum(use["kind"] not in ("column", "default") for use in member.facts["uses"]),
            code_uses=member.code_uses,
            by_hand=len(by_hand(work)),
            merged=merged,
            merged_rows=None if None in lost else sum(lost),
        )
    )


def _rewritten(member: Member) -> int | None:
    """Return the rows of the tables that hold a type, None where one of them is not known."""
    sizes = {c["table"]: c["rows"] for c in member.rows["columns"] if c["note"] != PARTITIONED}
    return None if None in sizes.values() else sum(sizes.values())
