"""Phases: who moves them, and what each move records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tracking.actors import ARCHITECT, Actor, meant_by, require
from tracking.machines import PHASE
from tracking.models import Phase
from tracking.services.writing import change, locked, transition, writing

EDITABLE = frozenset({"phase_name", "lead_persona", "deliverables"})


def _leads(phase: Phase) -> frozenset[str]:
    return meant_by(phase.lead_persona) | {ARCHITECT}


def _architect(_: Phase) -> frozenset[str]:
    return frozenset({ARCHITECT})


def _waits_for_previous(phase: Phase) -> str:
    return f"Phase {phase.phase_number - 1} is not completed"


def phase_update(
    *,
    phase: Phase,
    actor: Actor,
    changes: Mapping[str, Any],
    reason: str = "",
    seen_at: datetime | None = None,
) -> Phase:
    """Change the deliverables of a phase (its lead or The Architect), its name or its lead (The Architect only).

    Raises:
        TransitionRefused: wrong persona.
        InvalidValue: a field that is not one of these, or an invalid value.
        StaleForm: somebody saved it after it was read.
    """
    with writing(actor=actor, reason=reason) as alias:
        row = locked(phase, alias, seen_at=seen_at)
        may = _leads(row) if set(changes) <= {"deliverables"} else _architect(row)
        require(actor, may, f"change “{row}”")
        change(row, changes, EDITABLE)
        row.save()
    return row


def phase_start(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Start a phase (its lead or The Architect), also again after a rollback; the previous one is completed."""

    def record(row: Phase, now: datetime) -> None:
        row.started_at, row.completed_at = now, None

    return transition(
        row=phase,
        machine=PHASE,
        name="start",
        actor=actor,
        reason=reason,
        personas=_leads,
        seen_at=seen_at,
        then=record,
        why_not=_waits_for_previous,
    )


def phase_submit_for_review(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Hand a phase to its review gate (its lead or The Architect)."""
    return transition(
        row=phase,
        machine=PHASE,
        name="submit_for_review",
        actor=actor,
        reason=reason,
        personas=_leads,
        seen_at=seen_at,
    )


def phase_send_back(*, phase: Phase, actor: Actor, reason: str, seen_at: datetime | None = None) -> Phase:
    """Return a phase from review to work, with a reason (The Architect)."""
    return transition(
        row=phase, machine=PHASE, name="send_back", actor=actor, reason=reason, personas=_architect, seen_at=seen_at
    )


def phase_approve(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Approve a reviewed phase (The Architect only)."""

    def record(row: Phase, now: datetime) -> None:
        row.approval_status, row.approved_by, row.approval_notes = "approved", actor.username, reason

    return transition(
        row=phase,
        machine=PHASE,
        name="approve",
        actor=actor,
        reason=reason,
        personas=_architect,
        seen_at=seen_at,
        then=record,
    )


def phase_complete(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Complete an approved phase (The Architect only)."""

    def record(row: Phase, now: datetime) -> None:
        row.completed_at = now

    return transition(
        row=phase,
        machine=PHASE,
        name="complete",
        actor=actor,
        reason=reason,
        personas=_architect,
        seen_at=seen_at,
        then=record,
    )


def phase_block(*, phase: Phase, actor: Actor, reason: str, seen_at: datetime | None = None) -> Phase:
    """Block a phase; the reason joins its blockers (its lead or The Architect)."""

    def record(row: Phase, now: datetime) -> None:
        row.blockers = [*row.blockers, {"reason": reason, "by": actor.username, "at": now.isoformat()}]

    return transition(
        row=phase,
        machine=PHASE,
        name="block",
        actor=actor,
        reason=reason,
        personas=_leads,
        seen_at=seen_at,
        then=record,
    )


def phase_unblock(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Take a phase up again; its blockers are cleared and stay in the history (its lead or The Architect)."""

    def record(row: Phase, now: datetime) -> None:
        row.blockers = []

    return transition(
        row=phase,
        machine=PHASE,
        name="unblock",
        actor=actor,
        reason=reason,
        personas=_leads,
        seen_at=seen_at,
        then=record,
    )


def phase_roll_back(*, phase: Phase, actor: Actor, reason: str, seen_at: datetime | None = None) -> Phase:
    """Take a phase back, with a reason; its approval falls with it (The Architect only)."""

    def record(row: Phase, now: datetime) -> None:
        row.completed_at = row.approval_status = row.approved_by = row.approval_notes = None

    return transition(
        row=phase,
        machine=PHASE,
        name="roll_back",
        actor=actor,
        reason=reason,
        personas=_architect,
        seen_at=seen_at,
        then=record,
    )


def phase_note_approval(*, phase_number: int, actor: str, approval_status: str, approved_by: str, note: str) -> Phase:
    """Write what a review gate decided into the phase row; the gate itself judged who may decide.

    Args:
        actor: username of whoever signed.
        note: a line that joins ``approval_notes``.

    Raises:
        Fenced: the rows are being moved.
        LookupError: there is no such phase.
    """
    with writing(actor=Actor(actor), reason=f"Review gate: {approval_status}") as alias:
        found = Phase.objects.using(alias).filter(phase_number=phase_number).first()
        if found is None:
            raise LookupError(f"there is no phase {phase_number}")
        row = locked(found, alias)
        row.approval_status = approval_status
        row.approved_by = approved_by
        row.approval_notes = "\n".join(filter(None, [row.approval_notes, note]))
        row.save()
    return row
