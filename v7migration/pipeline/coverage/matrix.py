"""Layer × workflow: how many pairs of change and layer reach into each workflow, and how many are covered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tracking.models import WorkflowCode
from v7migration.pipeline.coverage.cells import Cell, Coverage, Place


@dataclass(frozen=True)
class Count:
    """How many cells there are, how many are covered, and how many of the rest have an answer that no longer holds."""

    total: int
    done: int
    stale: int

    @property
    def share(self) -> int:
        """Return how much is covered, in percent."""
        return 100 * self.done // self.total if self.total else 100

    def as_dict(self) -> dict[str, int]:
        """Return the count as JSON-able facts."""
        return {"total": self.total, "done": self.done, "stale": self.stale}


@dataclass(frozen=True)
class Row:
    """A layer: all its cells counted, and those that reach into each workflow, in the order of the columns."""

    place: Place
    all: Count
    counts: tuple[tuple[str, Count | None], ...]


@dataclass(frozen=True)
class Matrix:
    """Layers as rows, workflows as columns; a cell counts in every workflow that its files belong to."""

    columns: tuple[tuple[str, str], ...]
    """Code and name of each workflow; '' for files without one."""
    rows: tuple[Row, ...]
    all: Count

    def as_list(self) -> list[dict[str, Any]]:
        """Return the matrix as JSON-able facts, a layer each."""
        return [
            {
                "layer": row.place.layer, "name": row.place.name, "persona": row.place.persona, **row.all.as_dict(),
                "workflows": {code or "none": count.as_dict() for code, count in row.counts if count},
            }
            for row in self.rows
        ]  # fmt: skip


def matrix(found: Coverage) -> Matrix:
    """Return the matrix of a coverage."""
    names = dict(WorkflowCode.objects.values_list("code", "name"))
    told = {code for cell in found.cells for code in cell.evidence.workflows}
    columns = sorted(code for code in told if code) + ([""] if "" in told else [])
    by_layer: dict[int | None, list[Cell]] = {}
    for cell in found.cells:
        by_layer.setdefault(cell.layer, []).append(cell)
    return Matrix(
        tuple((code, names.get(code, "not registered") if code else "No workflow") for code in columns),
        tuple(_row(cells, columns) for cells in by_layer.values()),
        count(found.cells),
    )


def _row(cells: list[Cell], columns: list[str]) -> Row:
    counted = []
    for code in columns:
        inside = [cell for cell in cells if code in cell.evidence.workflows]
        counted.append((code, count(inside) if inside else None))
    return Row(cells[0].place, count(cells), tuple(counted))


def count(cells: Iterable[Cell]) -> Count:
    """Count some cells."""
    known = list(cells)
    return Count(len(known), sum(cell.is_covered for cell in known), sum(cell.state == "stale" for cell in known))
