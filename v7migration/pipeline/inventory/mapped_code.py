"""Reads the newest code map for people: its changes, and the lines of one, filtered and paged in the database."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.db import connections
from django.db.models import F, Func, JSONField, Value

from v7migration.ledger.models import Inventory
from v7migration.pipeline.consolidation import change_of, standing_rows
from v7migration.pipeline.inventory.code_map import described, storable
from v7migration.pipeline.inventory.source_tree import Document
from v7migration.postgres.kept import query

PER_PAGE = 200
LAST_PAGE = 10_000_000
BROKEN = 40  # kinds of breaking lines that a page names; the rest is counted
NONE = "none"
"""How a filter asks for files without a layer, or without a workflow."""


@dataclass(frozen=True)
class Filter:
    """Which lines of a change are wanted; '' and False take all. ``path`` is a part of a path, case does not matter."""

    layer: str = ""
    workflow: str = ""
    confidence: str = ""
    path: str = ""
    is_breaking: bool = False


@dataclass(frozen=True)
class Lines:
    """A page of lines: ``rows`` of :data:`PER_PAGE` at most, ``broken`` what breaks among all, and how many all are."""

    rows: list[Document]
    broken: list[Document]
    kinds: int
    lines: int
    files: int
    breaking: int
    page: int

    @property
    def pages(self) -> int:
        """How many pages there are, one at least."""
        return max(1, -(-self.lines // PER_PAGE))

    @property
    def first(self) -> int:
        """The place of the page's first line, from 1."""
        return (self.page - 1) * PER_PAGE + 1

    @property
    def last(self) -> int:
        """The place of the page's last line."""
        return self.first + len(self.rows) - 1


@dataclass(frozen=True)
class Standing:
    """How a map stands to the changes that are proposed now: keys of rows that it lacks, has otherwise, or too many."""

    lacking: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    gone: tuple[str, ...] = ()

    @property
    def is_current(self) -> bool:
        """Whether the map knows exactly the changes of now."""
        return not (self.lacking or self.changed or self.gone)


def newest() -> Document | None:
    """Return whose and of when the newest code map is, with its ``totals`` and ``roots``; None before the first."""
    names = ("pk", "taken_at", "taken_by", "subject", "document__root", "document__totals")
    return Inventory.objects.filter(part=Inventory.Part.CODE).values(*names).first()


def changes(inventory: Any) -> list[Document]:
    """Return the changes of a map without their lines; ``files`` is the number of files that each touches."""
    return [row for (row,) in asked("code_map/changes", inventory=inventory)]


def part(inventory: Any, name: str) -> list[Any]:
    """Return one of the map's lists: ``renames``, ``defined_twice``, ``lost``, ``cycles`` or ``faults``."""
    kept = Func(F("document"), Value(name), function="jsonb_extract_path", output_field=JSONField())
    found = Inventory.objects.filter(pk=inventory).values_list(kept, flat=True).first()
    return found if isinstance(found, list) else []


def lines(inventory: Any, change: str, wanted: Filter, page: int = 1) -> Lines:
    """Return a page of the lines that a change touches; a page beyond the last is the last.

    Args:
        inventory: the key of the map.
        change: the ``migration`` of the change.
        wanted: which lines.
        page: from 1.
    """
    ((found,),) = asked(
        "code_map/lines", inventory=inventory, change=change, layer=wanted.layer, workflow=wanted.workflow,
        confidence=wanted.confidence, path=wanted.path, breaking=wanted.is_breaking,
        page=min(max(page, 1), LAST_PAGE), size=PER_PAGE, named=BROKEN,
    )  # fmt: skip
    return Lines(**found)


def standing(mapped: list[Document]) -> Standing:
    """Compare the changes of a map with the rows of v7_enum_migrations that are proposed now."""
    now = {str(row.pk): storable(described(change_of(row))) for row in standing_rows()}
    then = {change["migration"]: change for change in mapped}
    return Standing(
        lacking=tuple(key for key in now if key not in then),
        changed=tuple(key for key in now if key in then and any(then[key].get(k) != v for k, v in now[key].items())),
        gone=tuple(key for key in then if key not in now),
    )


def asked(name: str, **values: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a kept query whose one column is JSON, asked of the control plane with these values."""
    with connections["default"].cursor() as cursor:
        cursor.execute(query(name), values)
        return [(json.loads(row[0]) if isinstance(row[0], str) else row[0],) for row in cursor.fetchall()]
