"""Cells: each accepted change in each layer that it touches, and whether somebody answered for it (document 2.1.3).

A cell is covered by an approved assessment, or by a "no impact" that was signed for the lines that are there now.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from approvals.gates import ARCHITECT
from approvals.selectors import holders_of
from tracking.choices import ImpactStatus
from tracking.models import EnumMigration, GlobalImpact, Layer
from v7migration.ledger.models import NoImpact
from v7migration.pipeline.coverage import evidence
from v7migration.pipeline.coverage.evidence import CodeMap, Evidence, Key

PAGE = "/coverage/"
CHANGES, CODE_MAP, BREAKING = "changes", "code_map", "breaking"
"""Keys of ``change_detail``: which changes an assessment covers, which map it was made for, whether they break."""

NO_LAYER, UNREGISTERED = "Files of no known layer", "(not registered)"
REGISTER = "Staff register the layer in the admin, with its guardian; then it can be assessed."


class State(StrEnum):
    """How far the answer for a cell is, the nearest to an answer last."""

    TO_ASSESS = "to_assess"
    STALE = "stale"
    FILED = "filed"
    IN_REVIEW = "in_review"
    NO_IMPACT = "no_impact"
    APPROVED = "approved"


LABELS = {
    State.TO_ASSESS: "To assess",
    State.STALE: "Stale",
    State.FILED: "Filed",
    State.IN_REVIEW: "In review",
    State.NO_IMPACT: "No impact",
    State.APPROVED: "Approved",
}
COVERED = frozenset({State.APPROVED, State.NO_IMPACT})
OF_STATUS = {
    ImpactStatus.PENDING: State.FILED,
    ImpactStatus.REVIEWING: State.IN_REVIEW,
    ImpactStatus.APPROVED: State.APPROVED,
    ImpactStatus.IMPLEMENTED: State.APPROVED,
}


@dataclass(frozen=True)
class Place:
    """A layer as the gate names it, with the persona that answers for it and the people who hold that persona."""

    layer: int | None
    name: str
    persona: str
    people: tuple[str, ...]

    @property
    def title(self) -> str:
        """Return the layer in words."""
        return self.name if self.layer is None else f"Layer {self.layer} {self.name}".rstrip()


@dataclass(frozen=True)
class Cell:
    """One accepted change in one layer.

    ``by`` and ``at`` are who gave the answer and when, ``why`` says what is wrong with an answer that does not count.
    """

    change: str
    place: Place
    evidence: Evidence
    state: State = State.TO_ASSESS
    by: str = ""
    at: datetime | None = None
    why: str = ""
    impact: GlobalImpact | None = None
    no_impact: NoImpact | None = None

    @property
    def layer(self) -> int | None:
        """Return the number of the layer, None for files of no known layer."""
        return self.place.layer

    @property
    def is_covered(self) -> bool:
        """Say whether somebody answered for the cell as it is now."""
        return self.state in COVERED

    @property
    def label(self) -> str:
        """Return the state in words."""
        return LABELS[self.state]

    @property
    def query(self) -> str:
        """Return change and layer as the pages take them."""
        return urlencode({"change": self.change, "layer": layer_word(self.layer)})

    @property
    def url(self) -> str:
        """Return the page of the cell."""
        return f"{PAGE}cell/?{self.query}"

    @property
    def form(self) -> str:
        """Return the page on which an assessment of the cell is filed."""
        return f"/impacts/new/?{self.query}"

    @property
    def turn(self) -> tuple[str, str]:
        """Return whose turn it is (a persona) and on which page; empty for a covered cell."""
        if self.is_covered:
            return "", ""
        if self.impact is not None and self.state in (State.FILED, State.IN_REVIEW):
            page = f"/impacts/{self.impact.pk}/"
            return (ARCHITECT if self.state == State.IN_REVIEW else self.place.persona), page
        return self.place.persona, self.form

    @property
    def next_step(self) -> str:
        """Return what is to be done next, '' for a covered cell."""
        if self.is_covered:
            return ""
        persona, page = self.turn
        does = {State.FILED: "takes the assessment into review", State.IN_REVIEW: "approves or rejects it"}
        return f"{persona} {does.get(self.state, 'files an assessment')} at {page}"

    def as_dict(self) -> dict[str, Any]:
        """Return the cell as JSON-able facts."""
        return {
            "change": self.change, "layer": self.layer, "layer_name": self.place.name, "persona": self.place.persona,
            "workflows": [code for code in self.evidence.workflows if code], "files": self.evidence.files,
            "lines": len(self.evidence.lines), "breaking": self.evidence.breaking, "state": self.state.value,
            "by": self.by, "why": self.why, "impact": str(self.impact.pk) if self.impact else None,
            "no_impact": str(self.no_impact.pk) if self.no_impact else None, "evidence": self.evidence.digest,
            "next_step": self.next_step,
        }  # fmt: skip


@dataclass(frozen=True)
class Coverage:
    """All cells as they are now, and why they may not be all: no map, or one that is older than the changes."""

    cells: tuple[Cell, ...]
    code_map: CodeMap | None
    gaps: tuple[str, ...] = ()

    @cached_property
    def open(self) -> tuple[Cell, ...]:
        """Return the cells for which nobody has answered."""
        return tuple(cell for cell in self.cells if not cell.is_covered)

    @property
    def is_complete(self) -> bool:
        """Say whether every accepted change is answered for in every layer that it touches."""
        return not self.gaps and not self.open

    @property
    def covered(self) -> int:
        """Return how many cells are covered."""
        return len(self.cells) - len(self.open)

    @property
    def last(self) -> Cell | None:
        """Return the cell that was answered last, None while none is."""
        return max((cell for cell in self.cells if cell.at), key=lambda cell: (cell.at, cell.by), default=None)

    @property
    def sentence(self) -> str:
        """Return how far it is."""
        if self.gaps:
            return " ".join(self.gaps)
        if not self.cells:
            return "No accepted change touches a line of the code."
        return f"{self.covered} of {len(self.cells)} pairs of change and layer are assessed."

    def find(self, change: str, layer: int | None) -> Cell | None:
        """Return the cell of a change and a layer."""
        return next((cell for cell in self.cells if (cell.change, cell.layer) == (change, layer)), None)


Act = tuple[str, datetime | None]
"""Who did it, and when."""
NOBODY: Act = ("", None)


@dataclass
class _Answers:
    """What people said, by the cell that they said it about, and what they knew: each code map is asked for once."""

    rows: Iterable[EnumMigration]
    impacts: dict[Key, list[GlobalImpact]] = field(default_factory=lambda: defaultdict(list))
    none: dict[Key, list[NoImpact]] = field(default_factory=lambda: defaultdict(list))
    approved: dict[Any, Act] = field(default_factory=dict)
    filed: dict[Any, Act] = field(default_factory=dict)
    known: dict[str, dict[Key, Evidence] | None] = field(default_factory=dict)

    def known_to(self, impact: GlobalImpact) -> dict[Key, Evidence] | None:
        """Return what the code map showed that an assessment was made for, None where it names no map."""
        name = str(impact.change_detail.get(CODE_MAP))
        if name not in self.known:
            made_for = evidence.find(name)
            self.known[name] = made_for.evidence(self.rows) if made_for is not None else None
        return self.known[name]


def layer_word(layer: int | None) -> str:
    """Return a layer as an address carries it."""
    return "none" if layer is None else str(layer)


def look() -> Coverage:
    """Look at every accepted change in every layer that the newest code map shows it in."""
    rows = evidence.accepted()
    code_map = evidence.newest()
    if not rows:
        return Coverage((), code_map)
    if code_map is None:
        told = "There is no code map, so it is not known which layers the accepted changes touch. "
        return Coverage((), None, (f"{told}{evidence.RETAKE}",))
    gaps = _gaps(code_map.unknown(rows))
    found = code_map.evidence(rows)
    answers, places = _answers(rows), Places()
    cells = [_cell(places.of(key[1]), found[key], answers) for key in sorted(found, key=_order)]
    return Coverage(tuple(cells), code_map, gaps)


def _order(key: Key) -> tuple[bool, int, str]:
    return key[1] is None, key[1] or 0, key[0]


def _gaps(unknown: list[EnumMigration]) -> tuple[str, ...]:
    if not unknown:
        return ()
    named = ", ".join(row.current_enum_name for row in unknown[:3])
    more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
    return (f"The code map is older than the accepted changes: it does not know {named}{more}. {evidence.RETAKE}",)


class Places:
    """The layers with who answers for them, each read once.

    A layer is answered for by its guardian; by The Architect where nobody holds that persona, where the layer is not
    registered, and for files of no known layer.
    """

    def __init__(self) -> None:
        self.layers = {layer.number: layer for layer in Layer.objects.all()}
        self.found: dict[int | None, Place] = {}
        self.people: dict[str, tuple[str, ...]] = {}

    def of(self, number: int | None) -> Place:
        """Return a layer."""
        if number not in self.found:
            layer = self.layers.get(number) if number is not None else None
            name = layer.name if layer else NO_LAYER if number is None else UNREGISTERED
            people = self._people(layer.guardian) if layer else ()
            persona = layer.guardian if layer and people else ARCHITECT
            people = people or self._people(ARCHITECT)
            self.found[number] = Place(number, name, persona, people)
        return self.found[number]

    def _people(self, persona: str) -> tuple[str, ...]:
        if persona not in self.people:
            names = (user.get_full_name() or user.get_username() for user in holders_of(persona))
            self.people[persona] = tuple(names)
        return self.people[persona]


def changes_of(impact: GlobalImpact) -> list[str]:
    """Return the changes that an impact says it covers; people may have typed anything there."""
    said = impact.change_detail.get(CHANGES) if isinstance(impact.change_detail, dict) else None
    return [name for name in said if isinstance(name, str)] if isinstance(said, list) else []


def _answers(rows: Iterable[EnumMigration]) -> _Answers:
    found = _Answers(rows)
    for impact in GlobalImpact.objects.order_by("created_at"):
        for change in changes_of(impact):
            layers: list[int | None] = [*impact.affected_layers] or [None]
            for layer in layers:
                found.impacts[change, layer].append(impact)
    for row in NoImpact.objects.select_related("code_map").defer("code_map__document").order_by("at"):
        found.none[row.change, row.layer].append(row)
    known = {impact.pk for impacts in found.impacts.values() for impact in impacts}
    told = GlobalImpact.history.filter(id__in=known).order_by("history_date")
    for pk, status, person, at in told.values_list("id", "approval_status", "history_user_id", "history_date"):
        found.filed.setdefault(pk, (person or "", at))
        if status == ImpactStatus.APPROVED:
            found.approved.setdefault(pk, (person or "", at))
    return found


def _cell(place: Place, found: Evidence, answers: _Answers) -> Cell:
    """Return a cell with the answer that is nearest to covering it; of equal ones the newest."""
    key = (found.change, found.layer)
    best = Cell(found.change, place, found, why=REGISTER if place.name == UNREGISTERED else "")
    ranks = list(State)
    for answer in (*_of_impacts(key, place, found, answers), *_of_none(key, place, found, answers)):
        if ranks.index(answer.state) >= ranks.index(best.state):
            best = answer
    return best


def _of_impacts(key: Key, place: Place, found: Evidence, answers: _Answers) -> Iterable[Cell]:
    for impact in answers.impacts[key]:
        state = OF_STATUS.get(ImpactStatus(impact.approval_status))
        act, why = answers.filed.get(impact.pk, NOBODY), ""
        if state is None:
            state, why = State.TO_ASSESS, "The assessment was rejected: review it again, or file another."
        elif state == State.APPROVED:
            act = answers.approved.get(impact.pk, act)
            why = _outgrown(found, answers.known_to(impact))
            state = State.STALE if why else state
        yield Cell(found.change, place, found, state, *act, why, impact=impact)


def _outgrown(found: Evidence, known: dict[Key, Evidence] | None) -> str:
    """Say why an approved assessment does not hold any more; '' while nothing breaks that it did not know."""
    if known is None:
        return "The assessment does not say for which code map it was made; file it again from the coverage page."
    more = found.breaking_beyond(known.get((found.change, found.layer)))
    if not more:
        return ""
    told = f"{evidence.counted(len(more), 'breaking line')} more than when it was assessed"
    return f"{told}, such as {more[0].path}:{more[0].line}; file a new assessment."


def _of_none(key: Key, place: Place, found: Evidence, answers: _Answers) -> Iterable[Cell]:
    for row in answers.none[key]:
        if row.evidence == found.digest:
            yield Cell(found.change, place, found, State.NO_IMPACT, row.by, row.at, no_impact=row)
        else:
            why = f"“No impact” was signed by {row.by} for other lines than there are now; sign or assess again."
            yield Cell(found.change, place, found, State.STALE, row.by, row.at, why, no_impact=row)


# -- the gate ------------------------------------------------------------------------------------------------------

NAMED = 5
MISSING = {
    State.TO_ASSESS: "no assessment",
    State.STALE: "no assessment that still holds",
    State.FILED: "an assessment that nobody has reviewed",
    State.IN_REVIEW: "an assessment that is not approved",
}


def reasons(found: Coverage) -> list[str]:
    """Return why the gate is closed: a sentence for each layer and answer, with changes, page and persona."""
    told = [f"{gap} ({ARCHITECT})." for gap in found.gaps]
    groups: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in found.open:
        impact = cell.impact.pk if cell.impact else None
        groups.setdefault((cell.layer, cell.state, impact, cell.why), []).append(cell)
    return told + [_reason(cells) for cells in groups.values()]


def _reason(cells: list[Cell]) -> str:
    first = cells[0]
    named = ", ".join(cell.change for cell in cells[:NAMED])
    more = f" and {len(cells) - NAMED} more" if len(cells) > NAMED else ""
    persona, page = first.turn
    if page.startswith("/impacts/new/") and len(cells) > 1:
        page = f"/impacts/new/?layer={layer_word(first.layer)}"
    why = f" {first.why}" if first.why else ""
    return f"{first.place.title} has {MISSING[first.state]} of {named}{more}.{why} See {page} ({persona})."


def to_assess(found: Coverage, personas: Iterable[str]) -> list[tuple[Place, int]]:
    """Return the layers that wait for an assessment by one of some personas, and how many changes each has open."""
    wanted, counts = set(personas), dict[Place, int]()
    for cell in found.open:
        if cell.state in (State.TO_ASSESS, State.STALE) and cell.place.persona in wanted:
            counts[cell.place] = counts.get(cell.place, 0) + 1
    return list(counts.items())


def document(found: Coverage) -> Mapping[str, Any]:
    """Return what the signatures cover of the assessments."""
    return {
        "code_map": found.code_map.id if found.code_map else None,
        "sentence": found.sentence,
        "cells": [
            {key: value for key, value in cell.as_dict().items() if key not in ("persona", "why", "next_step")}
            for cell in found.cells
        ],
    }
