"""ENUM types with usage analysis: duplicates, hints, unused types and rows per label (document 2.1.1, action 2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from tracking import home
from tracking.actors import Actor
from tracking.models import EnumMigration
from tracking.services import enum_migration_propose
from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.target import Connection
from v7migration.postgres import catalog, enum_rows
from v7migration.postgres.enum_groups import subset_hints

TABLE_SECONDS = 60.0
"""How long counting may take in one table before the table is left out and reported."""
NOT_SCANNED = "not scanned"
RISK_BY_TABLES = ((0, "low"), (2, "medium"), (6, "high"))


def analyse(connection: Connection, snapshot: Snapshot, *, person: str, count: bool = False) -> dict[str, Any]:
    """Analyse the ENUM types of the target, keep the result as evidence and return it.

    Args:
        count: count the rows per label instead of estimating them from the planner's statistics.

    Returns the JSON document ``enums``: ``types`` (with ``used_by``, ``uses`` and ``columns``), ``groups``,
    ``conflicts``, ``hints`` (subsets), ``unused`` (names), ``rows`` (per type, label and column) and ``code``.
    """
    types = catalog.enums(connection)
    columns = enum_rows.enum_columns(connection)
    held: dict[str, list[dict[str, Any]]] = {}
    for column in columns:
        held.setdefault(column.type, []).append(column.as_dict())
    if count:
        rows = enum_rows.counted_rows(connection, types, columns, seconds=TABLE_SECONDS)
    else:
        rows = enum_rows.estimated_rows(types, columns)
    document = {
        "types": [enum.as_dict() | {"columns": held.get(enum.key, [])} for enum in types],
        "groups": catalog.equal_value_groups(types),
        "conflicts": catalog.enum_conflicts(types),
        "hints": subset_hints(types),
        "unused": [enum.key for enum in types if not enum.used_by],
        "rows": rows,
        "code": {"state": NOT_SCANNED},
    }
    Inventory.objects.create(
        taken_by=person,
        part=Inventory.Part.ENUMS,
        subject=snapshot.target_name,
        snapshot=snapshot,
        document=document,
    )
    return document


def propose_consolidations(snapshot: Snapshot, *, actor: Actor) -> dict[str, Any]:
    """Propose a consolidation for each duplicated type, and say how many rows v7_enum_migrations gained.

    The most used type of a group stays; the others are to be consolidated into it. Nothing is proposed while
    the tracking rows are being moved.

    Raises:
        TransitionRefused: the actor's personas may not propose.
    """
    types = {f"{t['schema']}.{t['name']}": t for t in snapshot.enums["types"]}
    if not home.is_open():
        return {"added": 0, "note": "the tracking rows are fenced: run v7_inventory again after the run"}
    before = EnumMigration.objects.count()
    with home.writing(person=actor.username, reason=f"inventory {snapshot.fingerprint[:12]}"):
        for group in snapshot.enums["groups"]:
            for proposal in _proposals(group, types):
                enum_migration_propose(actor=actor, reason=f"inventory: {group['reason']}", **proposal)
    return {"added": EnumMigration.objects.count() - before, "groups": len(snapshot.enums["groups"])}


def _short(name: str) -> str:
    return name.removeprefix("public.")


def _proposals(group: dict[str, Any], types: dict[str, dict[str, Any]]) -> Iterable[dict[str, Any]]:
    near = [entry["type"] for entry in group.get("near", ())]
    members = sorted([*group["types"], *near], key=lambda name: (-len(types[name]["used_by"]), len(name), name))
    kept, *others = members
    for name in others:
        columns = _columns(types[name]["used_by"])
        yield {
            "current_enum_name": _short(name),
            "current_enum_values": list(types[name]["labels"]),
            "v7_enum_name": _short(kept),
            "v7_enum_values": list(types[kept]["labels"]),
            "consolidates_with": [_short(other) for other in members if other != name],
            "affected_tables": sorted(columns),
            "affected_columns": {table: sorted(names) for table, names in sorted(columns.items())},
            "risk_level": _risk(len(types[name]["used_by"])),
        }


def _columns(used_by: list[str]) -> dict[str, set[str]]:
    """Read ``schema.table.column`` entries out of a type's users."""
    found: dict[str, set[str]] = defaultdict(set)
    for user in used_by:
        parts = user.split(" ")[0].split(".")
        if len(parts) == 3:
            found[_short(".".join(parts[:2]))].add(parts[2])
    return found


def _risk(users: int) -> str:
    return [risk for least, risk in RISK_BY_TABLES if users >= least][-1]
