"""Phases for programs: seven rows, read, changed and moved; none is made or deleted."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, NoReturn
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import FilterLookup, FilterSchema, Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from tracking import services
from tracking.api.acts import Change, ConfirmVoids, Move, ask_before_voiding, moved
from tracking.api.histories import HistoryFilters, HistoryOrder, VersionOut, history_page
from tracking.api.lists import Ordered, Page, page
from tracking.api.values import Document, Short, ShortName, left_out
from tracking.catalogue import REVIEW_GATES
from tracking.choices import PhaseStatus
from tracking.models import Phase
from tracking.views.acting import actor_of
from tracking.views.phases import SERVICES
from v7migration.api.gate import SeatOut, seat_out
from v7migration.api.problems import WRITING, answers
from v7migration.errors import Refused
from v7migration.pipeline import phases

router = Router(tags=["phases"])
Key = Annotated[int, Path(ge=1, le=7, description="1 to 7")]
Transition = Literal["start", "submit_for_review", "send_back", "approve", "complete", "block", "unblock", "roll_back"]
EXAMPLE: dict[str, Any] = {
    "id": "0c6f8b9a-31a8-4a43-9d3f-0123456789ab",
    "phase_number": 4,
    "phase_name": "Database Phase",
    "status": "in_progress",
    "lead_persona": "DB Team Lead",
    "started_at": "2026-11-23T04:00:00.123456+00:00",
    "completed_at": None,
    "approval_status": None,
    "approved_by": None,
    "approval_notes": None,
    "deliverables": {"script": "V7_Migration_Tables.sql"},
    "blockers": [],
    "created_at": "2026-11-20T08:00:00+00:00",
    "updated_at": "2026-11-23T04:00:00.123456+00:00",
}


class PhaseOut(Schema):
    """A row of v7_migration_workflow."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    phase_number: int
    phase_name: str
    status: PhaseStatus
    lead_persona: str
    started_at: datetime | None
    completed_at: datetime | None
    approval_status: str | None
    approved_by: str | None
    approval_notes: str | None
    deliverables: dict[str, Any]
    blockers: list[Any]
    created_at: datetime
    updated_at: datetime


class PhaseGateOut(Schema):
    """The review gate of a phase."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "phase_number": 4,
                    "review_gate": "database scripts tested",
                    "run": "5b6f3c0e-52a1-4c6f-9c53-0d6f0a4f2d11",
                    "open": False,
                    "reasons": ["Phase 4 complete: The Architect has not signed."],
                    "seats": [],
                }
            ]
        }
    )

    phase_number: int
    review_gate: str = Field(description="what must hold before the next phase begins")
    run: UUID | None = Field(description="the run whose seats approve the Database Phase; null for every other phase")
    open: bool = Field(description="whether every seat is signed, for what is there now")
    reasons: list[str] = Field(description="every reason that keeps the gate closed: what it waits for")
    seats: list[SeatOut]


class PhaseChange(Change):
    """What may be changed: its lead writes deliverables; The Architect also the name and the lead."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"updated_at": EXAMPLE["updated_at"], "deliverables": {"plan": "done"}}]}
    )

    phase_name: ShortName = left_out()
    lead_persona: ShortName = left_out()
    deliverables: Document = left_out()


class PhaseFilters(FilterSchema):
    """By state and lead."""

    status: PhaseStatus | None = None
    lead_persona: Annotated[Short | None, FilterLookup("lead_persona__icontains")] = None


class PhaseOrder(Ordered):
    """How phases are sorted."""

    order: Literal["phase_number", "-phase_number", "updated_at", "-updated_at"] = "phase_number"


@router.get("", response=answers(Page[PhaseOut]), operation_id="list_phases", summary="List the phases")
def phase_list(request: HttpRequest, filters: Query[PhaseFilters], paging: Query[PhaseOrder]) -> dict[str, Any]:
    """Return the seven phases."""
    return page(filters.filter(Phase.objects.all()), paging)


@router.post("", response=answers(None, 403, status=204), operation_id="create_phase", summary="Refused: no new phases")
def phase_create(request: HttpRequest) -> NoReturn:
    """Always refused with 409: the seven phases are all there are."""
    raise Refused("There are seven phases, and no other.", "Change one of the seven, or plan tasks in it.")


@router.get("/{number}", response=answers(PhaseOut, 404), operation_id="read_phase", summary="Read a phase")
def phase_read(request: HttpRequest, number: Key) -> Phase:
    """Return one phase."""
    return get_object_or_404(Phase, phase_number=number)


@router.get(
    "/{number}/history",
    response=answers(Page[VersionOut], 404),
    operation_id="read_phase_history",
    summary="Read the history of a phase",
)
def phase_history(
    request: HttpRequest, number: Key, filters: Query[HistoryFilters], paging: Query[HistoryOrder]
) -> dict[str, Any]:
    """Return every version of a phase, newest first."""
    return history_page(Phase, get_object_or_404(Phase, phase_number=number).pk, filters, paging)


@router.get(
    "/{number}/gate",
    response=answers(PhaseGateOut, 404),
    operation_id="read_phase_gate",
    summary="Say how the review gate of a phase stands",
)
def phase_gate(request: HttpRequest, number: Key) -> PhaseGateOut:
    """Return the seats that approve a phase with who signed, and every reason that keeps its review gate closed."""
    gate = phases.gate_of(get_object_or_404(Phase, phase_number=number).phase_number)
    reasons = list(gate.reasons)
    return PhaseGateOut(
        phase_number=number,
        review_gate=REVIEW_GATES[number],
        run=gate.run.pk if gate.run is not None else None,
        open=not reasons,
        reasons=reasons,
        seats=[seat_out(state) for state in gate.states],
    )


@router.patch("/{number}", response=answers(PhaseOut, *WRITING), operation_id="update_phase", summary="Change a phase")
def phase_update(request: HttpRequest, number: Key, change: PhaseChange, confirm_voids: ConfirmVoids = False) -> Phase:
    """Change what a phase says; its state moves by transitions only."""
    phase, content = get_object_or_404(Phase, phase_number=number), change.content
    ask_before_voiding(Phase, confirm_voids, content)
    services.phase_update(
        phase=phase, actor=actor_of(request), changes=content, reason=change.reason, seen_at=change.updated_at
    )
    return phase_read(request, number)


@router.delete(
    "/{number}",
    response=answers(None, 403, 404, status=204),
    operation_id="delete_phase",
    summary="Refused: phases stay",
)
def phase_delete(request: HttpRequest, number: Key) -> NoReturn:
    """Always refused with 409: a phase is rolled back, never deleted."""
    raise Refused(f"Phase {number} cannot be deleted: the seven phases are all there are.", "Roll it back instead.")


@router.post(
    "/{number}/{transition}", response=answers(PhaseOut, *WRITING), operation_id="move_phase", summary="Move a phase"
)
def phase_move(request: HttpRequest, number: Key, transition: Transition, move: Move) -> Phase:
    """Make a transition: the lead starts, submits, blocks and unblocks; The Architect also completes and rolls back.

    ``approve`` is always refused: The Architect signs the review gate on the phase's page. A phase starts only when
    the gate of the one before it is signed, for what is there now.
    """
    moved(request, SERVICES[transition], move, phase=phase_read(request, number))
    return phase_read(request, number)
