"""The draft of an assessment: what the form of a layer shows before its guardian wrote a word (document 2.1.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tracking.choices import ChangeType, Risk
from tracking.models import GlobalImpact, Layer, WorkflowCode
from v7migration.pipeline.coverage import evidence
from v7migration.pipeline.coverage.cells import Cell, Coverage, changes_of, look
from v7migration.pipeline.coverage.evidence import counted

NAMED = 5


@dataclass(frozen=True)
class Draft:
    """The cells of a layer that a form may cover, those that it proposes, and the evidence that stands beside it."""

    cells: tuple[Cell, ...]
    chosen: tuple[Cell, ...]
    code_map: str
    unregistered: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return the layer (of a filed impact: the layers) in words."""
        return ", ".join(dict.fromkeys(cell.place.title for cell in self.cells))

    @property
    def initial(self) -> dict[str, Any]:
        """Return what the fields of the form show first."""
        layer = self.cells[0].layer
        workflows = {code for cell in self.chosen for code in cell.evidence.workflows if code}
        return {
            "change_type": ChangeType.ENUM.value,
            "impact_description": _description(self.title, self.chosen),
            "affected_layers": [] if layer is None else [layer],
            "affected_workflows": sorted(workflows - set(self.unregistered)),
            "risk_assessment": suggested_risk(self.chosen).value,
            "changes": [cell.change for cell in self.chosen],
            "breaking": any(cell.evidence.breaking for cell in self.chosen),
            "code_map": self.code_map,
        }


def draft(*, layer: int | None, change: str = "", found: Coverage | None = None) -> Draft | None:
    """Return the draft for a layer (None: files of no known layer), or None where nothing is to be assessed there.

    Args:
        change: propose this change alone; '' proposes all open changes of the layer, or all where none is open.
        found: the coverage where it is known already.
    """
    found = found or look()
    cells = [cell for cell in found.cells if cell.layer == layer]
    if not cells or found.code_map is None:
        return None
    chosen = (
        [cell for cell in cells if cell.change == change] or [cell for cell in cells if not cell.is_covered] or cells
    )
    offered = [cell for cell in cells if not cell.is_covered or cell in chosen]
    if layer is not None and not Layer.objects.filter(number=layer).exists():
        return None
    return Draft(tuple(offered), tuple(chosen), found.code_map.id, _unregistered(cells))


def draft_of(impact: GlobalImpact, *, found: Coverage | None = None) -> Draft | None:
    """Return what the newest code map shows of what an impact covers; None where that is nothing."""
    found = found or look()
    names = set(changes_of(impact))
    layers: list[int | None] = [*impact.affected_layers] or [None]
    cells = tuple(cell for cell in found.cells if cell.change in names and cell.layer in layers)
    if not cells or found.code_map is None:
        return None
    return Draft(cells, cells, found.code_map.id, _unregistered(cells))


def _unregistered(cells: Iterable[Cell]) -> tuple[str, ...]:
    registered = set(WorkflowCode.objects.values_list("code", flat=True))
    told = {code for cell in cells for code in cell.evidence.workflows if code}
    return tuple(sorted(told - registered))


def accepted_names() -> list[str]:
    """Return the names of the V7 types that the accepted changes lead to, sorted."""
    return sorted({row.v7_enum_name for row in evidence.accepted()})


def suggested_risk(cells: Iterable[Cell]) -> Risk:
    """Suggest a risk: high where a line breaks for certain, medium where one may break, low where none does."""
    found = [cell.evidence for cell in cells]
    if any(item.breaks_for_certain for item in found):
        return Risk.HIGH
    return Risk.MEDIUM if any(item.breaking for item in found) else Risk.LOW


def _description(title: str, cells: tuple[Cell, ...]) -> str:
    lines = {line for cell in cells for line in cell.evidence.lines}
    files, breaking = len({line.path for line in lines}), [line for line in lines if line.breaking]
    named = ", ".join(cell.change for cell in cells[:NAMED])
    more = f" and {len(cells) - NAMED} more" if len(cells) > NAMED else ""
    said = f"{title}: {named}{more}: {counted(len(lines), 'line')} in {counted(files, 'file')}. "
    if not breaking:
        return said + "None breaks."
    paths = sorted({line.path for line in breaking})
    beyond = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
    return said + f"Breaking: {counted(len(breaking), 'line')}, in {', '.join(paths[:NAMED])}{beyond}."
