"""The accepted consolidations as changes that are looked for in the code."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tracking.choices import EnumMigrationStatus
from tracking.models import EnumMigration
from v7migration.postgres.qualified import last, parts_of
from v7migration.source.changes import ENUM, Change

PROPOSED = (EnumMigrationStatus.PROPOSED, EnumMigrationStatus.APPROVED, EnumMigrationStatus.IMPLEMENTED)


def standing_rows() -> list[EnumMigration]:
    """Return the rows of v7_enum_migrations that the code still has to follow: neither taken back nor validated."""
    return list(EnumMigration.objects.filter(status__in=PROPOSED).order_by("current_enum_name", "pk"))


def change_of(row: EnumMigration) -> Change:
    """Return a row of v7_enum_migrations as the change that is looked for in the code."""
    *schema, name = parts_of(row.current_enum_name)
    return Change(
        key=str(row.pk),
        kind=ENUM,
        name=name,
        schema=".".join(schema),
        renamed=last(row.v7_enum_name),
        labels=tuple(row.current_enum_values),
        new_labels=tuple(row.v7_enum_values),
        columns=tuple(_columns(row.affected_columns)),
    )


def _columns(affected: Any) -> Iterable[tuple[str, str]]:
    """Pairs of bare table and column out of ``{table: [columns]}``, whatever people wrote into it."""
    for table, columns in affected.items() if isinstance(affected, dict) else ():
        for column in columns if isinstance(columns, list) else ():
            if isinstance(column, str):
                yield last(str(table)), column
