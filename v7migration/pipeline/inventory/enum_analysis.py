"""ENUM types with usage analysis: duplicates, hints, unused types, rows per label, code (document 2.1.1, action 2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings

from v7migration.errors import Refused
from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.inventory.code_map import storable
from v7migration.pipeline.target import Connection
from v7migration.postgres import catalog, enum_rows
from v7migration.postgres.enum_groups import EnumType, subset_hints
from v7migration.source.enums import against, defined_twice
from v7migration.source.survey import survey

TABLE_SECONDS = 60.0
"""How long counting may take in one table before the table is left out and reported."""
ALONE = 500  # enums of the code without a type that are listed; the rest is counted


def analyse(connection: Connection, *, count: bool = False) -> tuple[list[EnumType], dict[str, Any]]:
    """Analyse the ENUM types of the target.

    Args:
        count: count the rows per label instead of estimating them from the planner's statistics.

    Returns the types and the JSON document ``enums``: ``types`` (with ``used_by``, ``uses`` and ``columns``),
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
    return types, {
        "types": [enum.as_dict() | {"columns": held.get(enum.key, [])} for enum in types],
        "groups": catalog.equal_value_groups(types),
        "conflicts": catalog.enum_conflicts(types),
        "hints": subset_hints(types),
        "unused": [enum.key for enum in types if not enum.used_by],
        "rows": rows,
    }


def keep(
    analysed: tuple[list[EnumType], dict[str, Any]], *, source: Path, snapshot: Snapshot, person: str
) -> dict[str, Any]:
    """Compare what was analysed with the source tree (``code``), keep the document as evidence and return it."""
    types, document = analysed
    document = {**document, "code": _code(source, types)}
    Inventory.objects.create(
        taken_by=person,
        part=Inventory.Part.ENUMS,
        subject=snapshot.target_name,
        snapshot=snapshot,
        document=document,
    )
    return document


def _code(source: Path, types: list[EnumType]) -> dict[str, Any]:
    """Return code against database: ``state``, ``matches``, ``only_in_code``, …, or why the source was not scanned."""
    try:
        with survey(source, cache=settings.STATE_DIR / "cache") as found:
            compared, twice = against(types, found.enums), defined_twice(found.enums)
    except (Refused, OSError) as reason:
        return {"state": "not scanned", "reason": str(reason)}
    return {
        "state": "scanned",
        "matches": [storable(match.as_dict()) | {"type": match.type} for match in compared.matches],
        "only_in_database": list(compared.only_in_database),
        "only_in_code": storable([enum.as_dict() for enum in compared.only_in_code[:ALONE]]),
        "only_in_code_total": len(compared.only_in_code),
        "defined_twice": storable(twice),
    }
