"""The gate: seats and signatures in, ``Granted`` or a list of named reasons out. Pure rules, no Django.

Everything that is missing, unknown or contradictory closes the gate. There is no rank, flag or force that opens it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from approvals.facts import (
    OWN_CHANGES,
    AccountChangeFact,
    Decision,
    Denied,
    Granted,
    Prerequisite,
    Reason,
    SeatState,
    SignatoryFact,
    SignatureFact,
    State,
    Subject,
    SubjectFacts,
)
from approvals.seats import (
    AFTER,
    APPROVED,
    ARCHITECT,
    BEFORE,
    DB_TEAM_LEAD,
    DEV_TEAM,
    PHASE,
    REJECTED,
    ROLLBACK,
    SEATS,
    TEST_SENTINEL,
    Seat,
    SubjectKind,
    Verdict,
    seats_beside,
)

__all__ = [
    "AFTER",
    "APPROVED",
    "ARCHITECT",
    "BEFORE",
    "DB_TEAM_LEAD",
    "DEV_TEAM",
    "PHASE",
    "REJECTED",
    "ROLLBACK",
    "SEATS",
    "TEST_SENTINEL",
    "AccountChangeFact",
    "Decision",
    "Denied",
    "Granted",
    "Prerequisite",
    "Reason",
    "Seat",
    "SeatState",
    "SignatoryFact",
    "SignatureFact",
    "Subject",
    "SubjectFacts",
    "SubjectKind",
    "Verdict",
    "decide",
    "evaluate",
    "may_sign",
    "seat_states",
    "seats_beside",
    "statement_for",
]


def statement_for(seat: Seat, facts: SubjectFacts, decision: Verdict = APPROVED) -> str:
    """Return the sentence a person signs: the seat's meaning bound to subject, target, fingerprint, nonce, expiry."""
    expires = facts.expires_at.astimezone(UTC).isoformat(timespec="seconds") if facts.expires_at else "no expiry"
    bound = seat.statement_template.format(
        id=facts.id,
        title=facts.title,
        digest=facts.digest,
        target_name=facts.target_name,
        system_identifier=facts.system_identifier,
        fingerprint=facts.fingerprint,
        nonce=facts.nonce,
        expires_at=expires,
    )
    return bound if decision == APPROVED else f"I refuse to sign this: “{bound}”"


def decide(
    *, seats: Sequence[Seat], signatures: Iterable[SignatureFact], facts: SubjectFacts, now: datetime
) -> Decision:
    """Decide about a subject, comparing each signed statement with what it would say now. See :func:`evaluate`."""
    statements = {seat.key: statement_for(seat, facts) for seat in seats}
    foreign = [s for s in seats if s.subject != facts.kind]
    stale = (*facts.stale_reasons, *(f"The seat {s.meaning} is not about a {facts.kind}." for s in foreign))
    return evaluate(
        seats,
        signatures,
        facts.prerequisites,
        facts.digest,
        now,
        facts.expires_at,
        author=facts.author,
        stale_reasons=stale,
        statements=statements,
    )


def evaluate(
    seats: Sequence[Seat],
    signatures: Iterable[SignatureFact],
    prerequisites: Sequence[Prerequisite],
    digest: str,
    now: datetime,
    expires_at: datetime | None,
    *,
    author: str = "",
    stale_reasons: Sequence[str] = (),
    statements: Mapping[str, str] | None = None,
) -> Decision:
    """Say whether every seat is approved, in order, by the right people, for exactly this digest, now.

    ``signatures`` are all signatures of the subject; those of other seats open nothing but still bind a person to a
    persona. ``statements`` maps a seat to the sentence that must have been signed; None leaves that check out.
    A prerequisite of a seat that is not asked for here is left out.
    A changeset without author, expiry or prerequisites is closed: missing data closes (document sections 3 and 9).
    """
    given = tuple(signatures)
    reasons: list[Reason] = []
    if not seats:
        reasons.append(Reason("no-seats", "No seats are defined, so nobody can have agreed."))
    if len({seat.key for seat in seats}) != len(seats):
        reasons.append(Reason("duplicate-seat", "Two seats have the same name."))
    reasons += _about_the_subject(seats, prerequisites, digest, now, expires_at, author, stale_reasons)
    reasons += _about_the_people(given)
    for seat in sorted(seats, key=lambda s: s.order):
        reasons += _about_the_seat(seat, given, digest, author, now, statements)
    if reasons:
        return Denied(tuple(reasons))
    return Granted(tuple(living for seat in seats for living in _living(seat.key, given)))


def _about_the_subject(
    seats: Sequence[Seat],
    prerequisites: Sequence[Prerequisite],
    digest: str,
    now: datetime,
    expires_at: datetime | None,
    author: str,
    stale_reasons: Sequence[str],
) -> list[Reason]:
    reasons = [Reason("stale", sentence) for sentence in stale_reasons]
    if not digest:
        reasons.append(Reason("digest-unknown", "It is not known what was signed: there is no digest."))
    if any(seat.subject == "changeset" for seat in seats):
        if not author:
            reasons.append(Reason("author-unknown", "The author of the changeset is not known."))
        if expires_at is None:
            reasons.append(Reason("expiry-unknown", "It is not known until when the changeset may be executed."))
        if not prerequisites:
            reasons.append(Reason("prerequisites-unknown", "It is not known whether the tasks before it are done."))
    if expires_at is not None and now >= expires_at:
        reasons.append(_expired(expires_at))
    asked = {None, *(seat.key for seat in seats)}
    reasons += [
        Reason("prerequisite", p.reason or f"{p.name} is not done.", p.seat)
        for p in prerequisites
        if not p.met and p.seat in asked
    ]
    return reasons


def _expired(expires_at: datetime) -> Reason:
    return Reason("expired", f"It expired at {_when(expires_at)}; freeze again and sign the new changeset.")


def _about_the_people(signatures: Sequence[SignatureFact]) -> list[Reason]:
    living = [s for s in signatures if not s.revoked]
    reasons: list[Reason] = []
    for person in sorted({s.person for s in living}):
        personas = sorted({s.persona for s in living if s.person == person})
        if len(personas) > 1:
            reasons.append(
                Reason(
                    "one-person-two-personas",
                    f"{person} signed for {' and for '.join(personas)}; one person, one voice.",
                )
            )
    for persona in sorted({s.persona for s in living}):
        people = sorted({s.person for s in living if s.persona == persona})
        if len(people) > 1:
            reasons.append(Reason("one-persona-two-people", f"{' and '.join(people)} both signed for {persona}."))
    return reasons


def _living(seat: str, signatures: Iterable[SignatureFact]) -> list[SignatureFact]:
    return [s for s in signatures if s.seat == seat and not s.revoked]


def _about_the_seat(
    seat: Seat,
    signatures: Sequence[SignatureFact],
    digest: str,
    author: str,
    now: datetime,
    statements: Mapping[str, str] | None,
) -> list[Reason]:
    """Return what stands against one seat; empty means approved."""
    living = _living(seat.key, signatures)
    if not living:
        return [_empty_seat(seat, signatures)]
    if len(living) > 1:
        return [Reason("two-signatures", f"{seat.meaning}: {len(living)} signatures stand in one seat.", seat.key)]
    signature = living[0]
    named = f"{seat.meaning} ({seat.persona})"
    found: list[tuple[bool, str, str]] = [
        (signature.decision != APPROVED, "rejected", f"{named}: rejected by {_name(signature)}: {signature.reason}"),
        (signature.persona != seat.persona, "wrong-persona", f"{named}: signed by {signature.persona} instead."),
        (not signature.person, "person-unknown", f"{named}: it is not known who signed."),
        (signature.digest != digest, "digest-differs", f"{named}: {_name(signature)} signed something else."),
        (
            statements is not None
            and (signature.decision, signature.digest) == (APPROVED, digest)
            and signature.statement != statements.get(seat.key),
            "statement-differs",
            f"{named}: the signed statement is not about this subject, target and nonce.",
        ),
        (
            signature.signed_at > now,
            "signed-in-the-future",
            f"{named}: signed at {_when(signature.signed_at)}, which is not yet.",
        ),
        (
            seat.subject == "changeset" and signature.person == author and seat.persona != DB_TEAM_LEAD,
            "author",
            f"{named}: {author} froze this changeset and may sign it only as {DB_TEAM_LEAD}.",
        ),
    ]
    reasons = [Reason(code, sentence, seat.key) for wrong, code, sentence in found if wrong]
    earlier = [s for key in seat.requires for s in _living(key, signatures) if s.signed_at > signature.signed_at]
    if earlier:
        sentence = f"{named}: signed before {' and '.join(_name(s) for s in earlier)}; revoke it and sign again."
        reasons.append(Reason("out-of-order", sentence, seat.key))
    return reasons


def _empty_seat(seat: Seat, signatures: Sequence[SignatureFact]) -> Reason:
    revoked = [s for s in signatures if s.seat == seat.key]
    if revoked:
        last = max(revoked, key=lambda s: s.round)
        sentence = f"{seat.meaning} ({seat.persona}): {_name(last)} revoked the signature: {last.revoked_reason}"
        if last.revoked_by and last.revoked_by != last.person:
            sentence = f"{seat.meaning} ({seat.persona}): {last.revoked_by} revoked it: {last.revoked_reason}"
        return Reason("revoked", sentence, seat.key)
    return Reason("missing", f"{seat.meaning}: {seat.persona} has not signed.", seat.key)


def seat_states(
    seats: Sequence[Seat], signatures: Iterable[SignatureFact], prerequisites: Sequence[Prerequisite] = ()
) -> tuple[SeatState, ...]:
    """Return each seat for display: open, waiting (for whom), approved, rejected or revoked, in signing order."""
    given = tuple(signatures)
    return tuple(_seat_state(seat, seats, given, prerequisites) for seat in sorted(seats, key=lambda s: s.order))


def _seat_state(
    seat: Seat, seats: Sequence[Seat], signatures: Sequence[SignatureFact], prerequisites: Sequence[Prerequisite]
) -> SeatState:
    of_seat = sorted((s for s in signatures if s.seat == seat.key), key=lambda s: (not s.revoked, s.round))
    waiting = _waits_for(seat, seats, signatures, prerequisites)
    if not of_seat:
        return SeatState(seat=seat, state="waiting" if waiting else "open", waiting_for=waiting)
    last = of_seat[-1]
    state: State = "revoked" if last.revoked else last.decision
    reason = last.revoked_reason if last.revoked else last.reason
    return SeatState(
        seat=seat,
        state=state,
        waiting_for=waiting if last.revoked else (),
        signed_by=_name(last),
        person=last.person,
        signed_at=last.signed_at,
        reason=reason,
        signature=last,
    )


def _waits_for(
    seat: Seat, seats: Sequence[Seat], signatures: Sequence[SignatureFact], prerequisites: Sequence[Prerequisite]
) -> tuple[str, ...]:
    """Return the personas whose approval a seat still needs, then the prerequisites it waits for."""
    known = {s.key: s for s in seats}
    missing = [
        f"{known[key].persona} ({known[key].meaning})" if key in known else key
        for key in seat.requires
        if not any(s.decision == APPROVED for s in _living(key, signatures))
    ]
    return (*missing, *(p.name for p in _unmet_for(seat, prerequisites)))


def _unmet_for(seat: Seat, prerequisites: Sequence[Prerequisite]) -> list[Prerequisite]:
    return [
        p for p in prerequisites if not p.met and (p.seat == seat.key or (p.seat is None and seat.awaits_prerequisites))
    ]


def may_sign(
    person: str,
    personas: frozenset[str],
    seat: Seat,
    *,
    facts: SubjectFacts,
    signatures: Iterable[SignatureFact],
    now: datetime,
    signatories: Iterable[SignatoryFact] = (),
    account_changes: Iterable[AccountChangeFact] = (),
    is_active: bool = True,
    decision: Verdict = APPROVED,
) -> Reason | None:
    """Return why this person may not sign this seat now, or None. Pages and the signing service ask the same.

    A rejection needs the same person and subject as an approval, but neither its turn nor the prerequisites:
    whoever sees a fault may say so at once. The first reason that holds is returned.
    """
    given = tuple(signatures)
    return (
        _person_refusal(person, personas, seat, facts, is_active)
        or _account_refusal(person, facts, account_changes, seat)
        or _subject_refusal(seat, facts, now)
        or _binding_refusal(person, seat, signatories)
        or _seat_refusal(seat, facts, given, decision)
    )


def _person_refusal(
    person: str, personas: frozenset[str], seat: Seat, facts: SubjectFacts, is_active: bool
) -> Reason | None:
    if not person or not is_active:
        return Reason("inactive", "This account is not active.", seat.key)
    if SEATS.get(seat.key) != seat:
        return Reason("unknown-seat", f"There is no seat {seat.key}.", seat.key)
    if seat.subject != facts.kind:
        return Reason(
            "wrong-subject", f"{seat.meaning} is signed on a {seat.subject}, not on a {facts.kind}.", seat.key
        )
    if seat.persona not in personas:
        return Reason(
            "wrong-persona", f"{seat.meaning} is signed by {seat.persona}; {person} does not hold it.", seat.key
        )
    if facts.kind == "changeset" and not facts.author:
        return Reason("author-unknown", "The author of the changeset is not known.", seat.key)
    if facts.kind == "changeset" and person == facts.author and seat.persona != DB_TEAM_LEAD:
        return Reason("author", f"{person} froze this changeset and may sign it only as {DB_TEAM_LEAD}.", seat.key)
    return None


def _account_refusal(
    person: str, facts: SubjectFacts, account_changes: Iterable[AccountChangeFact], seat: Seat
) -> Reason | None:
    if facts.kind != "changeset":
        return None
    if facts.frozen_at is None:
        return Reason("freeze-unknown", "It is not known when the changeset was frozen.", seat.key)
    for change in sorted(account_changes, key=lambda c: c.at):
        harmless = change.kind in OWN_CHANGES and change.changed_by == person
        if change.at > facts.frozen_at and not harmless:
            return Reason(
                "account-changed",
                f"The account {person} was changed ({change.kind}) at {_when(change.at)} by "
                f"{change.changed_by or 'somebody who is not known'}, after the freeze: it cannot sign this changeset. "
                "Freeze again.",
                seat.key,
            )
    return None


def _subject_refusal(seat: Seat, facts: SubjectFacts, now: datetime) -> Reason | None:
    if not facts.digest:
        return Reason("digest-unknown", "It is not known what would be signed: there is no digest.", seat.key)
    if facts.stale_reasons:
        return Reason("stale", "; ".join(facts.stale_reasons), seat.key)
    if facts.kind == "changeset" and facts.expires_at is None:
        return Reason("expiry-unknown", "It is not known until when the changeset may be executed.", seat.key)
    if facts.expires_at is not None and now >= facts.expires_at:
        expired = _expired(facts.expires_at)
        return Reason(expired.code, expired.sentence, seat.key)
    return None


def _binding_refusal(person: str, seat: Seat, signatories: Iterable[SignatoryFact]) -> Reason | None:
    for bound in signatories:
        if bound.person == person and bound.persona != seat.persona:
            return Reason(
                "second-persona", f"{person} already speaks for {bound.persona} here; one person, one voice.", seat.key
            )
        if bound.persona == seat.persona and bound.person != person:
            return Reason("persona-taken", f"{bound.person} already speaks for {bound.persona} here.", seat.key)
    return None


def _seat_refusal(
    seat: Seat, facts: SubjectFacts, signatures: Sequence[SignatureFact], decision: Verdict
) -> Reason | None:
    for standing in _living(seat.key, signatures):
        verb = "signed" if standing.decision == APPROVED else "rejected"
        return Reason(
            "already-signed",
            f"{seat.meaning}: already {verb} at {_when(standing.signed_at)} by {_name(standing)}.",
            seat.key,
        )
    if decision == REJECTED:
        return None
    waiting = _waits_for(seat, seats_beside(seat), signatures, ())
    if waiting:
        return Reason("out-of-order", f"{seat.meaning} waits for {' and '.join(waiting)}.", seat.key)
    unmet = _unmet_for(seat, facts.prerequisites)
    if unmet:
        return Reason("prerequisite", " ".join(p.reason or f"{p.name} is not done." for p in unmet), seat.key)
    if seat.subject == "changeset" and seat.awaits_prerequisites and not facts.prerequisites:
        return Reason("prerequisites-unknown", "It is not known whether the tasks before it are done.", seat.key)
    return None


def _name(signature: SignatureFact) -> str:
    return signature.person_name or signature.person


def _when(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S %Z}".strip()
