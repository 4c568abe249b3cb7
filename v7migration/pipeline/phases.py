"""Moves of a phase that its review gate decides (DOMAIN: phases): the start of the next one, and completing it."""

from __future__ import annotations

from datetime import datetime

from approvals import gates
from approvals.selectors import database_now, signature_facts
from tracking.actors import Actor
from tracking.catalogue import DATABASE_PHASE
from tracking.models import Phase
from tracking.services import phase_complete, phase_start
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


def gate_against(number: int) -> str:
    """Return what stands against the review gate of a phase, as a clause; empty when it is signed.

    The Database Phase has the seats of the run that stands. An account that was closed since leaves its signature
    valid: a phase lasts for weeks, and people leave.
    """
    if number == DATABASE_PHASE:
        run = standing_run()
        if run is None:
            return f"the review gate of phase {number} is not signed: nothing was executed, or it was taken back"
        seats, facts = gates.AFTER, sign_off.run_facts(run)
    else:
        seats, facts = gates.PHASE, review_gates.facts(number)
    decision = gates.decide(seats=seats, signatures=signature_facts(facts.subject), facts=facts, now=database_now())
    if decision.granted:
        return ""
    said = " ".join(reason.sentence for reason in decision.reasons)
    return f"the review gate of phase {number} is not signed: {said.removesuffix('.')}"


def _before(phase: Phase) -> str:
    return "" if phase.phase_number in (1, DATABASE_PHASE) else gate_against(phase.phase_number - 1)


def _own(phase: Phase) -> str:
    return gate_against(phase.phase_number)
