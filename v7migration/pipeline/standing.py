"""Where a changeset stands, what is next and whose turn it is: read by pages, dashboard and commands alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from approvals import gates, selectors
from approvals.gates import AFTER, APPROVED, ARCHITECT, BEFORE, DB_TEAM_LEAD, REJECTED, SeatState
from approvals.seats import COMPLETE_SEAT, COUNTERSIGN_SEAT, INTEGRATION_SEAT, VALIDATION_SEAT
from tracking.actors import meant_by
from tracking.models import GlobalImpact
from v7migration.ledger.models import Changeset, Run, RunState
from v7migration.pipeline import acceptance, emergency, gatekeeper, incidents, sign_off, tasks
from v7migration.pipeline.gatekeeper import Staleness
from v7migration.pipeline.target import TargetState

DOCUMENT_VERSION = "1.0"
LABELS = {
    "pending_approval": "PENDING APPROVAL",
    "approved": "APPROVED",
    "rejected": "REJECTED",
    "stale": "STALE",
    "expired": "EXPIRED",
    "executing": "EXECUTING",
    "stopped": "STOPPED",
    "failed": "FAILED",
    "executed": "EXECUTED",
    "rolled_back": "ROLLED BACK",
}
_OF_RUN = {
    RunState.RUNNING: "executing",
    RunState.STOPPED: "stopped",
    RunState.FAILED: "failed",
    RunState.FINISHED: "executed",
    RunState.ROLLED_BACK: "rolled_back",
}


@dataclass(frozen=True)
class NextAction:
    """What happens next: the persona whose turn it is, the people who hold it, and a sentence."""

    persona: str
    people: tuple[str, ...]
    sentence: str
    seat: str = ""


@dataclass(frozen=True)
class Principle:
    """One principle of the Guardian's Paradox (document 8) with its evidence; ``state``: ok, open, not_assessed."""

    name: str
    state: str
    evidence: str


@dataclass(frozen=True)
class Line:
    """One of the six lines of document section 9: who signed, when, or that nobody did."""

    group: str
    title: str
    state: str
    name: str = ""
    at: datetime | None = None
    note: str = ""


@dataclass(frozen=True)
class Standing:
    """One changeset at this moment. ``staleness`` is empty once a run exists: the run keeps its own account.

    ``awaited``: what the seats after the execution wait for besides each other.
    """

    changeset: Changeset
    run: Run | None
    facts: gates.SubjectFacts
    staleness: list[Staleness]
    decision: gates.Decision
    before: tuple[SeatState, ...]
    after: tuple[SeatState, ...]
    awaited: tuple[gates.Prerequisite, ...] = ()

    @cached_property
    def status(self) -> str:
        """Return the code of the status; :attr:`label` says it as the document does."""
        if self.run is not None:
            return _OF_RUN[RunState(self.run.state)]
        if any(seat.state == REJECTED for seat in self.before):
            return "rejected"
        if self.staleness:
            return "stale"
        if any(reason.code == "expired" for reason in self.decision.reasons):
            return "expired"
        return "approved" if isinstance(self.decision, gates.Granted) else "pending_approval"

    @property
    def label(self) -> str:
        """Return the status in the words of the document's head."""
        return LABELS[self.status]

    @cached_property
    def next_action(self) -> NextAction:
        """Return what happens next and whose turn it is."""
        if (waiting := emergency.unfinished()) is not None:
            persona, sentence = emergency.turn(waiting)
            return action(persona, f"An emergency holds everything (run {str(waiting.run_id)[:8]}): {sentence}.")
        if self.run is not None:
            return _after_start(self.run, self.after, self.awaited)
        return _before_start(self)

    @cached_property
    def principles(self) -> tuple[Principle, ...]:
        """Return the five principles of document section 8 with their evidence."""
        return _principles(self)

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """Return the six lines of document section 9."""
        return _lines(self.before, self.after, stale=bool(self.staleness))


def standing(changeset: Changeset, *, target: TargetState | None = None) -> Standing:
    """Look at a changeset now.

    Args:
        changeset: the changeset.
        target: the target as just read, to compare it; None leaves that comparison out.
    """
    run = changeset.runs.filter(kind=Run.Kind.EXECUTE).first()
    stale = [] if run is not None else gatekeeper.staleness(changeset, target=target)
    facts = gatekeeper.facts(changeset, stale=stale)
    signatures = selectors.signature_facts(facts.subject)
    after: tuple[SeatState, ...] = ()
    awaited: tuple[gates.Prerequisite, ...] = ()
    if run is not None:
        of_run = sign_off.run_facts(run)
        awaited = tuple(p for p in of_run.prerequisites if not p.met)
        after = gates.seat_states(AFTER, selectors.signature_facts(of_run.subject), of_run.prerequisites)
    return Standing(
        changeset=changeset,
        run=run,
        facts=facts,
        staleness=stale,
        decision=selectors.decision_on(seats=BEFORE, facts=facts),
        before=gates.seat_states(BEFORE, signatures, facts.prerequisites),
        after=after,
        awaited=awaited,
    )


def action(persona: str, sentence: str, seat: str = "") -> NextAction:
    """Return a next action with the people who hold the persona."""
    holders = {user.pk: user for name in sorted(meant_by(persona)) for user in selectors.holders_of(name)}
    people = tuple(user.get_full_name() or user.get_username() for user in holders.values())
    return NextAction(persona, people, sentence, seat)


def nothing_frozen() -> NextAction:
    """Return what is next when there is no changeset: the first piece of evidence that the preparation lacks."""
    if lacking := tasks.missing():
        task, proof = lacking
        where = f" See {proof.page}" if proof.page and proof.page not in proof.said else ""
        sentence = f"Task {task.document_number} {task.task_name}: {proof.action}. {proof.said}{where}"
        return action(task.responsible_persona, sentence)
    if waiting := acceptance.newest_waiting():
        return action(DB_TEAM_LEAD, f"{waiting.sentence} Then v7_freeze.")
    return action(DB_TEAM_LEAD, "Rehearse and freeze a changeset: v7_rehearse, v7_review, then v7_freeze.")


def _before_start(standing: Standing) -> NextAction:
    if standing.status == "rejected":
        return action(DB_TEAM_LEAD, "Correct what was rejected, rehearse and freeze again.")
    if standing.status in ("stale", "expired") and (waiting := acceptance.newest_waiting()):
        return action(DB_TEAM_LEAD, f"{waiting.sentence} Then v7_freeze.")
    if standing.status in ("stale", "expired"):
        return action(DB_TEAM_LEAD, "Rehearse and freeze again: what was signed is not what is there now.")
    if standing.status == "approved":
        return action(DB_TEAM_LEAD, "Run v7_execute in a terminal.")
    for seat in standing.before:
        if seat.state in ("open", "revoked") and not seat.waiting_for:
            return action(seat.seat.persona, f"Sign “{seat.seat.meaning}”.", seat.seat.key)
    unmet = [p for p in standing.facts.prerequisites if not p.met]
    if unmet:
        return action(_persona_in(unmet[0].reason), unmet[0].reason)
    return action(ARCHITECT, "; ".join(reason.sentence for reason in standing.decision.reasons))


def _persona_in(sentence: str) -> str:
    """Return the persona a prerequisite names in brackets at its end."""
    return sentence.rpartition("(")[2].rstrip(").") if "(" in sentence else DB_TEAM_LEAD


def _after_start(run: Run, after: Sequence[SeatState], awaited: Sequence[gates.Prerequisite]) -> NextAction:
    if run.state == RunState.RUNNING:
        return action(DB_TEAM_LEAD, f"The run is under way ({run.operator}); wait for it, or stop it on its page.")
    if run.state in (RunState.STOPPED, RunState.FAILED):
        waiting = incidents.unreviewed(run).first()
        if waiting is not None:
            sentence = f"The incident “{waiting.title}” holds the run: {incidents.turn(waiting)[1]}."
            return action(incidents.whose_turn(waiting), sentence)
        return action(DB_TEAM_LEAD, "Run v7_execute to go on, or v7_rollback to go back.")
    if run.state == RunState.ROLLED_BACK:
        return action(DB_TEAM_LEAD, "The run was taken back. A new cycle begins with v7_rehearse and v7_freeze.")
    state = next((state for state in after if state.state != APPROVED), None)
    if state is None:
        return action(ARCHITECT, "Phase 4 is complete. Kick off Phase 5.")
    seat = state.seat
    if (first := next((p for p in awaited if p.seat == seat.key), None)) is not None:
        more = sum(p.seat == seat.key for p in awaited) - 1
        return action(seat.persona, f"{first.reason} ({more} more on the run's page.)" if more else first.reason)
    return action(seat.persona, f"Sign “{seat.meaning}” on the run's page.", seat.key)


def _principles(standing: Standing) -> tuple[Principle, ...]:
    changeset, approved = standing.changeset, sum(seat.state == APPROVED for seat in standing.before)
    equal, back = changeset.rehearsal.led_back, str(changeset.rehearsal.fingerprints.get("back", ""))
    stale = bool(standing.staleness)
    return (
        Principle(
            "No Autonomous Execution",
            "ok" if approved == len(standing.before) and not stale else "open",
            f"{approved} of {len(standing.before)} seats approved"
            f"{', for a state that is no longer there' if stale and approved else ''}; "
            "without all of them v7_execute refuses.",
        ),
        Principle(
            "Reversibility",
            "ok" if equal else "open",
            f"Rehearsed: Section 9 led back to fingerprint {back[:12]}, equal to the start."
            if equal
            else "No rehearsal led back to an equal catalog.",
        ),
        Principle(
            "Documentation First",
            "ok" if gatekeeper.intact(changeset) else "open",
            f"Script {changeset.script_id[:12]} and manifest {changeset.digest[:12]} were stored before anything ran.",
        ),
        Principle(
            "Reality Over Theory",
            "open" if stale else "ok",
            " ".join(s.sentence for s in standing.staleness)
            if stale
            else f"Frozen on fingerprint {changeset.snapshot.fingerprint[:12]} of the target; compared at signing, "
            "at start and between steps.",
        ),
        _global_awareness(standing),
    )


def _global_awareness(standing: Standing) -> Principle:
    """Every accepted change is assessed in every layer that it touches, and the signatures cover it."""
    signed, impacts = gatekeeper.manifest(standing.changeset).get("coverage", {}), GlobalImpact.objects.count()
    missing = [p for p in standing.facts.prerequisites if not p.met and p.name == gatekeeper.COVERAGE]
    told = " ".join(p.reason for p in missing[:2]) if missing else signed.get("sentence", "Nothing was assessed.")
    on_file = f"{impacts} {'impact is' if impacts == 1 else 'impacts are'} on file."
    return Principle("Global Awareness", "open" if missing or not signed else "ok", f"{told} {on_file}")


def _lines(before: Sequence[SeatState], after: Sequence[SeatState], *, stale: bool) -> tuple[Line, ...]:
    first = {seat.seat.persona: seat for seat in before}
    later = {seat.seat.key: seat for seat in after}
    required = "Required approvals before execution"
    signed_off = "Post-execution sign-offs"
    signers = (ARCHITECT, DB_TEAM_LEAD, gates.TEST_SENTINEL)
    lines = [_line(required, persona, first.get(persona), stale=stale) for persona in signers]
    validated, counter = later.get(VALIDATION_SEAT), later.get(COUNTERSIGN_SEAT)
    note = ""
    if counter is not None and counter.state == APPROVED and counter.signed_at is not None:
        note = f"countersigned by {counter.signed_by}, {counter.signed_at:%Y-%m-%d %H:%M} UTC"
    elif validated is not None and validated.state == APPROVED:
        note = f"waits for the countersignature of {ARCHITECT}"
    lines.append(_line(signed_off, "Validation Complete", validated, note))
    lines.append(_line(signed_off, "Integration Verified", later.get(INTEGRATION_SEAT)))
    lines.append(_line(signed_off, "Phase 4 Complete", later.get(COMPLETE_SEAT)))
    return tuple(lines)


def _line(group: str, title: str, seat: SeatState | None, note: str = "", *, stale: bool = False) -> Line:
    if seat is None:
        return Line(group, title, "waiting", note="after the execution")
    state = "stale" if stale and seat.state == APPROVED else seat.state
    return Line(group, title, state, seat.signed_by, seat.signed_at, note or seat.reason)
