"""Phases: who moves them, and what each move records."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from datetime import datetime
from typing import Any, NoReturn

from tracking.actors import ARCHITECT, Actor, meant_by, require
from tracking.catalogue import DATABASE_PHASE
from tracking.choices import PhaseStatus
from tracking.machines import PHASE
from tracking.models import Phase
from tracking.services.writing import change, locked, transition, writing
from v7migration.errors import TransitionRefused

EDITABLE = frozenset({"phase_name", "lead_persona", "deliverables"})
REJECTED = "rejected"
Unless = Callable[[Phase], str]
Record = Callable[[Phase, datetime], None]


def _leads(phase: Phase) -> frozenset[str]:
    return meant_by(phase.lead_persona) | {ARCHITECT}


def _architect(_: Phase) -> frozenset[str]:
    return frozenset({ARCHITECT})


def _completed(row: Phase, now: datetime) -> None:
    row.completed_at = now


def _unapproved(row: Phase, _: datetime) -> None:
    row.completed_at = row.approval_status = row.approved_by = row.approval_notes = None


def _waits_for_previous(phase: Phase) -> str:
    return f"Phase {phase.phase_number - 1} is not completed"


def _move(
    name: str,
    phase: Phase,
    actor: Actor,
    reason: str,
    seen_at: datetime | None = None,
    *,
    personas: Callable[[Phase], frozenset[str]] | None = _leads,
    then: Record | None = None,
    why_not: Callable[[Phase], str] | None = None,
    unless: Unless | None = None,
) -> Phase:
    return transition(
        row=phase, machine=PHASE, name=name, actor=actor, reason=reason, personas=personas, seen_at=seen_at,
        then=then, why_not=why_not, unless=unless,
    )  # fmt: skip


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


def phase_start(
    *,
    phase: Phase,
    actor: Actor,
    unless: Unless,
    reason: str = "",
    seen_at: datetime | None = None,
) -> Phase:
    """Start a phase (its lead or The Architect), also again after a rollback; the previous one is completed.

    ``unless`` names what else must come first, '' when nothing must: the review gate of the previous phase.
    """

    def record(row: Phase, now: datetime) -> None:
        row.started_at, row.completed_at = now, None

    return _move("start", phase, actor, reason, seen_at, then=record, why_not=_waits_for_previous, unless=unless)


def phase_submit_for_review(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Hand a phase to its review gate (its lead or The Architect)."""
    return _move("submit_for_review", phase, actor, reason, seen_at)


def phase_send_back(*, phase: Phase, actor: Actor, reason: str, seen_at: datetime | None = None) -> Phase:
    """Return a phase from review to work, with a reason (The Architect)."""
    return _move("send_back", phase, actor, reason, seen_at, personas=_architect)


def phase_approve(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> NoReturn:
    """Refuse to approve a phase by hand: The Architect signs its review gate, and the signature approves it.

    Raises:
        TransitionRefused: always, with the seat that is signed instead.
    """
    where = f"/phases/{phase.phase_number}/"
    seat = "Phase 4 complete" if phase.phase_number == DATABASE_PHASE else "Phase approved"
    raise TransitionRefused(
        f"“{phase}” is approved by a signature; nobody can approve it by hand.",
        f"{ARCHITECT} signs the seat “{seat}”: see {where} .",
    )


def phase_complete(
    *,
    phase: Phase,
    actor: Actor,
    unless: Unless,
    reason: str = "",
    seen_at: datetime | None = None,
) -> Phase:
    """Complete an approved phase (The Architect only); ``unless`` names what of its review gate is open."""
    return _move("complete", phase, actor, reason, seen_at, personas=_architect, then=_completed, unless=unless)


def phase_block(*, phase: Phase, actor: Actor, reason: str, seen_at: datetime | None = None) -> Phase:
    """Block a phase; the reason joins its blockers (its lead or The Architect)."""

    def record(row: Phase, now: datetime) -> None:
        row.blockers = [*row.blockers, {"reason": reason, "by": actor.username, "at": now.isoformat()}]

    return _move("block", phase, actor, reason, seen_at, then=record)


def phase_unblock(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Take a phase up again; its blockers are cleared and stay in the history (its lead or The Architect)."""

    def record(row: Phase, now: datetime) -> None:
        row.blockers = []

    return _move("unblock", phase, actor, reason, seen_at, then=record)


def phase_roll_back(*, phase: Phase, actor: Actor, reason: str, seen_at: datetime | None = None) -> Phase:
    """Take a phase back, with a reason; its approval falls with it (The Architect only)."""
    return _move("roll_back", phase, actor, reason, seen_at, personas=_architect, then=_unapproved)


def phase_take_back(*, phase: Phase, actor: Actor, reason: str) -> Phase:
    """Take a phase back, because the run that its approval was about was taken back.

    No persona is asked for: who took the run back had the right to. ``actor`` is that person.

    Raises:
        TransitionRefused: somebody moved it at this moment.
        Fenced: the rows are being moved.
    """
    return _move("roll_back", phase, actor, reason, personas=None, then=_unapproved)


def phase_note_approval(
    *, phase_number: int, actor: str, approval_status: str, approved_by: str | None, note: str
) -> Phase:
    """Write what a review gate decided into the phase row; the gate itself judged who may decide.

    Args:
        actor: username of whoever signed.
        approved_by: the name in the row; None where nobody approves any more.
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


APPROVING: dict[str, str] = {PhaseStatus.REVIEW: "approve"}
COMPLETING: dict[str, str] = {
    PhaseStatus.IN_PROGRESS: "submit_for_review",
    **APPROVING,
    PhaseStatus.APPROVED: "complete",
}
RETURNING: dict[str, str] = {
    PhaseStatus.APPROVED: "block",
    PhaseStatus.BLOCKED: "unblock",
    PhaseStatus.IN_PROGRESS: "submit_for_review",
}
"""Which transition a signature, or its revocation, makes in which state."""


def phase_carry(
    *,
    phase_number: int,
    actor: Actor,
    reason: str,
    approval_status: str,
    approved_by: str,
    note: str,
    is_complete: bool,
) -> Phase:
    """Take a phase as far as the signature of its review gate carries it, and write the decision into its row.

    No persona is asked for: the gate judged who may sign. A phase that is there already only gets the decision.

    Args:
        actor: who signed.
        reason: what was signed, for the history.
        approval_status, approved_by, note: the decision, the name and the line for the row.
        is_complete: to ``completed``, from wherever it is under way; else from ``review`` to ``approved``.

    Raises:
        TransitionRefused: the phase does not stand where this can be signed.
        Fenced: the rows are being moved.
    """
    reached = {PhaseStatus.COMPLETED} if is_complete else {PhaseStatus.APPROVED, PhaseStatus.COMPLETED}
    with writing(actor=actor, reason=reason):
        row = phase_note_approval(
            phase_number=phase_number, actor=actor.username, approval_status=approval_status,
            approved_by=approved_by, note=note,
        )  # fmt: skip
        row = _walk(row, COMPLETING if is_complete else APPROVING, actor, reason, reached)
        if row.status not in reached:
            state = row.get_status_display().lower()
            raise TransitionRefused(f"“{row}” is {state} and cannot be approved.", "Its page says what it waits for.")
    return row


def phase_return(*, phase_number: int, actor: Actor, reason: str, approval_status: str, note: str) -> Phase:
    """Write into a phase's row that its approval was rejected or revoked, and take the phase back.

    A rejected phase goes from review back to work; one whose approval was revoked goes back to review, by the
    transitions that every home's triggers know. A completed phase stays completed.

    Raises:
        Fenced: the rows are being moved.
    """
    with writing(actor=actor, reason=reason):
        row = phase_note_approval(
            phase_number=phase_number, actor=actor.username, approval_status=approval_status,
            approved_by=None, note=note,
        )  # fmt: skip
        if row.status == PhaseStatus.APPROVED:
            return _walk(row, RETURNING, actor, reason, {PhaseStatus.REVIEW})
        if row.status == PhaseStatus.REVIEW and approval_status == REJECTED:
            return _walk(row, {PhaseStatus.REVIEW: "send_back"}, actor, reason, {PhaseStatus.IN_PROGRESS})
    return row


def _walk(row: Phase, steps: Mapping[str, str], actor: Actor, reason: str, until: Container[str]) -> Phase:
    while row.status not in until and (step := steps.get(row.status)):
        then = _completed if step == "complete" else None
        row = _move(step, row, actor, reason, personas=None, then=then)
    return row
