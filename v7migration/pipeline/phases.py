"""Moves of a phase that its review gate decides (DOMAIN: phases): the start of the next one, and completing it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from approvals import gates
from approvals.selectors import database_now, signature_facts
from tracking.actors import Actor
from tracking.catalogue import DATABASE_PHASE
from tracking.models import Phase
from tracking.services import phase_complete, phase_start
from v7migration.ledger.models import Run
from v7migration.pipeline import review_gates, sign_off
from v7migration.pipeline.runs import standing_run


def start(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Start a phase; the one before it is completed and its review gate is signed, for what is there now.

    Raises:
        TransitionRefused: wrong persona, wrong state, or what of the review gate is open, by name.
        StaleForm: somebody saved the phase after ``seen_at``.
    """
    return phase_start(phase=phase, actor=actor, unless=_before, reason=reason, seen_at=seen_at)


def complete(*, phase: Phase, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> Phase:
    """Complete an approved phase, while its signature covers what is there now.

    Raises:
        TransitionRefused, StaleForm: as :func:`start`.
    """
    return phase_complete(phase=phase, actor=actor, unless=_own, reason=reason, seen_at=seen_at)


@dataclass(frozen=True)
class ReviewGate:
    """The seats that approve a phase and what they are about: the phase itself, or the ``run`` of the Database Phase.

    ``facts`` is None while no run stands: nothing was executed, or it was taken back.
    """

    seats: tuple[gates.Seat, ...]
    facts: gates.SubjectFacts | None
    run: Run | None = None

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return each reason why the gate is not signed, for what is there now; empty when it is.

        An account that was closed since leaves its signature valid: a phase lasts for weeks, and people leave.
        """
        if self.facts is None:
            return ("Nothing was executed, or it was taken back.",)
        given = signature_facts(self.facts.subject)
        decision = gates.decide(seats=self.seats, signatures=given, facts=self.facts, now=database_now())
        return tuple(reason.sentence for reason in decision.reasons)

    @property
    def states(self) -> tuple[gates.SeatState, ...]:
        """Return where each seat stands, in signing order; every one is open while no run stands."""
        if self.facts is None:
            return gates.seat_states(self.seats, ())
        return gates.seat_states(self.seats, signature_facts(self.facts.subject), self.facts.prerequisites)


def gate_of(number: int) -> ReviewGate:
    """Return the review gate of a phase as it stands now; the Database Phase has the seats of the run that stands.

    Raises:
        Phase.DoesNotExist: there is no such phase.
    """
    if number != DATABASE_PHASE:
        return ReviewGate(gates.PHASE, review_gates.facts(number))
    run = standing_run()
    return ReviewGate(gates.AFTER, sign_off.run_facts(run) if run is not None else None, run)


def gate_against(number: int) -> str:
    """Return what stands against the review gate of a phase, as a clause; empty when it is signed."""
    said = " ".join(gate_of(number).reasons)
    return f"the review gate of phase {number} is not signed: {said.removesuffix('.')}" if said else ""


def _before(phase: Phase) -> str:
    return "" if phase.phase_number in (1, DATABASE_PHASE) else gate_against(phase.phase_number - 1)


def _own(phase: Phase) -> str:
    return gate_against(phase.phase_number)
