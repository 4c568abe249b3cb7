"""What the code map shows of each accepted change in each layer: the evidence beside an assessment (document 2.1.3)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from tracking.models import EnumMigration
from v7migration.ledger.models import Inventory
from v7migration.pipeline.consolidation import change_of, standing_rows
from v7migration.source.changes import CERTAIN

Key = tuple[str, int | None]
"""A change by the name of its V7 type, and a layer; None: files of no known layer."""
RETAKE = "Run v7_inventory --only code."


class Line(NamedTuple):
    """One line that a change touches. ``workflows`` are those of its file."""

    path: str
    line: int
    what: str
    confidence: str
    breaking: bool
    workflows: tuple[str, ...]


@dataclass(frozen=True)
class Evidence:
    """All lines of one layer that one change touches, by path and line."""

    change: str
    layer: int | None
    lines: tuple[Line, ...]

    @cached_property
    def files(self) -> int:
        """Return how many files the lines are in."""
        return len({line.path for line in self.lines})

    @cached_property
    def breaking(self) -> int:
        """Return how many of the lines break."""
        return sum(line.breaking for line in self.lines)

    @cached_property
    def breaks_for_certain(self) -> int:
        """Return how many of the lines break where the map is certain that the change is meant."""
        return sum(line.breaking and line.confidence == CERTAIN for line in self.lines)

    @property
    def size(self) -> str:
        """Return how many lines in how many files, in words."""
        return f"{counted(len(self.lines), 'line')} in {counted(self.files, 'file')}"

    @cached_property
    def workflows(self) -> tuple[str, ...]:
        """Return the workflows of the files, sorted; '' where a file has none."""
        return tuple(sorted({code for line in self.lines for code in line.workflows or ("",)}))

    @cached_property
    def digest(self) -> str:
        """Return the SHA-256 of what the lines say. Their numbers are left out: a blank line above is no other fact."""
        said = sorted([line.path, line.what, line.confidence, line.breaking] for line in self.lines)
        return hashlib.sha256(json.dumps([self.change, self.layer, said]).encode()).hexdigest()

    def breaking_beyond(self, earlier: Evidence | None) -> list[Line]:
        """Return the breaking lines that ``earlier`` (None: nothing) did not show."""
        known = Counter((line.path, line.what) for line in earlier.lines if line.breaking) if earlier else Counter()
        found = []
        for line in self.lines:
            if not line.breaking:
                continue
            if known[line.path, line.what] > 0:
                known[line.path, line.what] -= 1
            else:
                found.append(line)
        return found


@dataclass(frozen=True)
class CodeMap:
    """A stored code map, by its row of the ledger; ``digests`` and ``touched`` are by id of the migration row."""

    id: str
    taken_at: datetime
    taken_by: str
    faults: int
    digests: Mapping[str, str]
    touched: Mapping[str, Mapping[int | None, tuple[Line, ...]]]

    def evidence(self, rows: Iterable[EnumMigration]) -> dict[Key, Evidence]:
        """Return the evidence of the changes that some rows of v7_enum_migrations make."""
        return _evidence(self.id, tuple((str(row.pk), row.v7_enum_name) for row in rows))

    def unknown(self, rows: Iterable[EnumMigration]) -> list[EnumMigration]:
        """Return the rows that this map was not made for: they are newer, or were changed since."""
        return [row for row in rows if self.digests.get(str(row.pk)) != change_of(row).digest]


def counted(number: int, what: str) -> str:
    """Return a number with the word for what is counted, as in ``2 lines``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def newest() -> CodeMap | None:
    """Return the newest code map, None before the first."""
    found = Inventory.objects.filter(part=Inventory.Part.CODE).values_list("pk", flat=True).first()
    return _map(str(found)) if found else None


def find(inventory: object) -> CodeMap | None:
    """Return the code map of a row of the ledger by its id; None where there is none, whatever was asked."""
    try:
        wanted = UUID(str(inventory))
    except ValueError:
        return None
    if not Inventory.objects.filter(pk=wanted, part=Inventory.Part.CODE).exists():
        return None
    return _map(str(wanted))


def accepted() -> list[EnumMigration]:
    """Return the rows of the accepted consolidations that the code has to follow."""
    return standing_rows()


@lru_cache(maxsize=8)
def _map(inventory: str) -> CodeMap:
    """Read a map out of its row: rows of the ledger never change, so what was read once is kept."""
    row = Inventory.objects.get(pk=inventory)
    changes = row.document.get("changes", [])
    return CodeMap(
        id=inventory,
        taken_at=row.taken_at,
        taken_by=row.taken_by,
        faults=int(row.document.get("totals", {}).get("faults", 0)),
        digests={change["migration"]: change.get("digest", "") for change in changes},
        touched={change["migration"]: _touched(change["files"]) for change in changes},
    )


def _touched(files: Iterable[Mapping[str, Any]]) -> dict[int | None, tuple[Line, ...]]:
    found: dict[int | None, list[Line]] = {}
    for file in files:
        workflows = tuple(file["workflows"])
        found.setdefault(file["layer"], []).extend(
            Line(file["path"], line["line"], line["what"], line["confidence"], line["breaking"], workflows)
            for line in file["lines"]
        )
    return {layer: tuple(lines) for layer, lines in found.items()}


@lru_cache(maxsize=16)
def _evidence(inventory: str, rows: tuple[tuple[str, str], ...]) -> dict[Key, Evidence]:
    """Join the rows that end in one V7 type: a line that several of them touch in the same way counts once."""
    touched = _map(inventory).touched
    found: dict[Key, set[Line]] = {}
    for pk, name in rows:
        for layer, lines in touched.get(pk, {}).items():
            found.setdefault((name, layer), set()).update(lines)
    return {key: Evidence(*key, tuple(sorted(lines))) for key, lines in found.items()}
