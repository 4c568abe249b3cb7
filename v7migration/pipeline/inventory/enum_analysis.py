"""ENUM types with usage analysis: duplicates, hints, unused types, rows per label, code (document 2.1.1, action 2)."""

from __future__ import annotations

from typing import Any

from v7migration.errors import Refused
from v7migration.ledger.inventories import keep_inventory
from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.inventory.code_map import storable
from v7migration.pipeline.inventory.source_tree import Sources
from v7migration.pipeline.target import Connection
from v7migration.postgres import catalog, enum_rows
from v7migration.postgres.enum_groups import subset_hints
from v7migration.source.enums import defined_twice

TABLE_SECONDS = 60.0
"""How long counting may take in one table before the table is left out and reported."""
ALONE = 500  # enums of the code without a type that are listed; the rest is counted


def analyse(connection: Connection, *, count: bool = False) -> dict[str, Any]:
    """Analyse the ENUM types of the target.

    Args:
        count: count the rows per label instead of estimating them from the planner's statistics.

    Returns the JSON document ``enums``: ``types`` (with ``used_by``, ``uses`` and ``columns``),
    ``groups``, ``conflicts``, ``hints`` (subsets), ``unused`` (names) and ``rows`` (per type, label and column).
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
    return {
        "types": [enum.as_dict() | {"columns": held.get(enum.key, [])} for enum in types],
        "groups": catalog.equal_value_groups(types),
        "conflicts": catalog.enum_conflicts(types),
        "hints": subset_hints(types),
        "unused": [enum.key for enum in types if not enum.used_by],
        "rows": rows,
    }


def keep(analysed: dict[str, Any], tree: Sources | Refused, *, snapshot: Snapshot, person: str) -> dict[str, Any]:
    """Compare what was analysed with the source tree (``code``), keep the document as evidence and return it."""
    document = {**analysed, "code": _code(tree)}
    keep_inventory(
        taken_by=person,
        part=Inventory.Part.ENUMS,
        subject=snapshot.target_name,
        snapshot=snapshot,
        document=document,
    )
    return document


def _code(tree: Sources | Refused) -> dict[str, Any]:
    """Return code against database: ``state``, ``matches``, ``only_in_code``, …, or why the source was not scanned."""
    if isinstance(tree, Refused):
        return {"state": "not scanned", "reason": str(tree)}
    compared = tree.compared
    return {
        "state": "scanned",
        "matches": [storable(match.as_dict()) | {"type": match.type} for match in compared.matches],
        "only_in_database": list(compared.only_in_database),
        "only_in_code": storable([enum.as_dict() for enum in compared.only_in_code[:ALONE]]),
        "only_in_code_total": len(compared.only_in_code),
        "defined_twice": storable(defined_twice(tree.survey.enums)),
    }
