"""ENUM types with usage analysis: duplicates, hints, unused types and rows per label (document 2.1.1, action 2)."""

from __future__ import annotations

from typing import Any

from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.target import Connection
from v7migration.postgres import catalog, enum_rows
from v7migration.postgres.enum_groups import subset_hints

TABLE_SECONDS = 60.0
"""How long counting may take in one table before the table is left out and reported."""
NOT_SCANNED = "not scanned"


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
