"""The seats of the gate: who agrees to what, in which order (document sections 3 and 9). No Django here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ARCHITECT = "The Architect"
DB_TEAM_LEAD = "DB Team Lead"
TEST_SENTINEL = "Test Sentinel"
DEV_TEAM = "Dev Team"

VALIDATION_SEAT = "validation"
COUNTERSIGN_SEAT = "validation-countersign"
INTEGRATION_SEAT = "integration"
COMPLETE_SEAT = "phase-complete"
"""The keys of the seats after a run; the signature of the last one completes the Database Phase."""

SubjectKind = Literal["changeset", "run", "phase", "coverage"]
Verdict = Literal["approved", "rejected"]
APPROVED: Verdict = "approved"
REJECTED: Verdict = "rejected"


@dataclass(frozen=True)
class Seat:
    """One signature that must be given: by which persona, meaning what, after which others.

    ``awaits_prerequisites``: this seat says yes to the whole, so it opens only when everything else is in place.
    """

    key: str
    persona: str
    meaning: str
    statement_template: str
    subject: SubjectKind
    order: int
    requires: tuple[str, ...] = ()
    awaits_prerequisites: bool = False


_CHANGESET = (
    " Changeset {digest}, target {target_name} (system identifier {system_identifier}), schema fingerprint "
    "{fingerprint}, nonce {nonce}, valid until {expires_at}."
)
_RUN = (
    " Run {id}, evidence {digest}, target {target_name} (system identifier {system_identifier}), schema fingerprint "
    "{fingerprint}, nonce {nonce}."
)

_PHASE = " Phase {id}, content {digest}, target {target_name} (system identifier {system_identifier}), nonce {nonce}."

BEFORE: tuple[Seat, ...] = (
    Seat(
        key="script-review",
        persona=DB_TEAM_LEAD,
        meaning="Script reviewed",
        statement_template="I reviewed every section of this script, its plan and its rollback, and find it "
        "correct for this target." + _CHANGESET,
        subject="changeset",
        order=1,
    ),
    Seat(
        key="rehearsal",
        persona=TEST_SENTINEL,
        meaning="Rehearsal and rollback verified",
        statement_template="I verified the rehearsal of exactly these bytes: forward, checked, rolled back to an "
        "equal catalog, forward again." + _CHANGESET,
        subject="changeset",
        order=2,
        requires=("script-review",),
    ),
    Seat(
        key="execution",
        persona=ARCHITECT,
        meaning="Script review accepted and execution approved",
        statement_template="I accept the script review and I approve the execution of this script, and its "
        "rollback in an incident." + _CHANGESET,
        subject="changeset",
        order=3,
        requires=("script-review", "rehearsal"),
        awaits_prerequisites=True,
    ),
)

AFTER: tuple[Seat, ...] = (
    Seat(
        key=VALIDATION_SEAT,
        persona=TEST_SENTINEL,
        meaning="Validation complete",
        statement_template="I validated what this run created: tables, views, row operations and the rollback." + _RUN,
        subject="run",
        order=1,
    ),
    Seat(
        key=COUNTERSIGN_SEAT,
        persona=ARCHITECT,
        meaning="Validation countersigned",
        statement_template="I accept the validation of this run." + _RUN,
        subject="run",
        order=2,
        requires=(VALIDATION_SEAT,),
    ),
    Seat(
        key=INTEGRATION_SEAT,
        persona=DEV_TEAM,
        meaning="Integration verified",
        statement_template="I verified that the application works with what this run created." + _RUN,
        subject="run",
        order=3,
        requires=(VALIDATION_SEAT, COUNTERSIGN_SEAT),
    ),
    Seat(
        key=COMPLETE_SEAT,
        persona=ARCHITECT,
        meaning="Phase 4 complete",
        statement_template="I declare the Database Phase complete." + _RUN,
        subject="run",
        order=4,
        requires=(VALIDATION_SEAT, COUNTERSIGN_SEAT, INTEGRATION_SEAT),
        awaits_prerequisites=True,
    ),
)

ROLLBACK: tuple[Seat, ...] = (
    Seat(
        key="rollback",
        persona=ARCHITECT,
        meaning="Rollback approved",
        statement_template="I approve taking this run back with Section 9." + _RUN,
        subject="run",
        order=1,
        awaits_prerequisites=True,
    ),
)

PHASE: tuple[Seat, ...] = (
    Seat(
        key="phase-review",
        persona=ARCHITECT,
        meaning="Phase approved",
        statement_template="I approve the results of {title}." + _PHASE,
        subject="phase",
        order=1,
        awaits_prerequisites=True,
    ),
)
"""The review gate of a phase, of which The Architect alone decides; the Database Phase has its run's seats instead."""

GROUPS = (BEFORE, AFTER, ROLLBACK, PHASE)
SEATS: dict[str, Seat] = {seat.key: seat for group in GROUPS for seat in group}


def seats_beside(seat: Seat) -> tuple[Seat, ...]:
    """Return the group a seat belongs to, one of ``GROUPS``; empty when it is not ours."""
    return next((group for group in GROUPS if seat in group), ())
