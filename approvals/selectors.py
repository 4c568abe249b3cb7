"""Reads of who agreed to what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from django.contrib.auth.models import AbstractBaseUser, User
from django.db import connections
from django.db.models import Count, Max, QuerySet

from approvals.gates import (
    AccountChangeFact,
    Denied,
    Granted,
    Reason,
    Seat,
    SeatState,
    SignatoryFact,
    SignatureFact,
    Subject,
    SubjectFacts,
    decide,
    may_sign,
    seat_states,
)
from approvals.models import AccountChange, Holding, Signatory, Signature, SigningAttempt

AS_STORED = ("seat", "persona", "decision", "digest", "signed_at", "statement", "reason", "person_name", "round")
PERSON = ("username", "is_active")
REVOCATION = ("pk", "by__username", "reason")


def database_now() -> datetime:
    """Return the control plane's clock: the one clock by which signatures are dated and expire."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        return cast(datetime, cursor.fetchone()[0])


def personas_of(user: AbstractBaseUser | Any) -> frozenset[str]:
    """Return the names of the personas a live account holds; none for anybody else. No rank adds one."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    return frozenset(Holding.objects.filter(user_id=user.pk).values_list("persona__name", flat=True))


def signing_personas_of(user: AbstractBaseUser | Any) -> frozenset[str]:
    """Return the personas of a live account that may sign at all (the Conductor may not)."""
    if not user.is_authenticated or not user.is_active:
        return frozenset()
    holdings = Holding.objects.filter(user_id=user.pk, persona__may_approve=True)
    return frozenset(holdings.values_list("persona__name", flat=True))


def holders_of(persona: str) -> QuerySet[User]:
    """Return the live accounts that hold a persona."""
    return User.objects.filter(holdings__persona__name=persona, is_active=True).order_by("username")


def signatures_of(subject: Subject) -> QuerySet[Signature]:
    """Return all signatures of a subject, the revoked ones too, oldest first."""
    found: QuerySet[Signature] = Signature.objects.filter(subject_kind=subject.kind, subject_id=subject.id)
    return found.select_related("person", "revocation", "revocation__by").order_by("signed_at", "id")


def signature_facts(subject: Subject) -> tuple[SignatureFact, ...]:
    """Return the signatures of a subject as the gate reads them, in one query without a model: a run asks often."""
    return tuple(fact for fact, _ in _facts_and_accounts(subject))


def _facts_and_accounts(subject: Subject) -> Iterable[tuple[SignatureFact, bool]]:
    """Return each signature of a subject, oldest first, and whether its person's account is live now."""
    rows = (
        Signature.objects.filter(subject_kind=subject.kind, subject_id=subject.id)
        .order_by("signed_at", "id")
        .values(*AS_STORED, *(f"person__{name}" for name in PERSON), *(f"revocation__{name}" for name in REVOCATION))
    )
    for row in rows:
        fact = SignatureFact(
            **{name: row[name] for name in AS_STORED},
            person=row["person__username"],
            revoked=row["revocation__pk"] is not None,
            revoked_by=row["revocation__by__username"] or "",
            revoked_reason=row["revocation__reason"] or "",
        )
        yield fact, row["person__is_active"]


def signatory_facts(subject: Subject) -> tuple[SignatoryFact, ...]:
    """Return who speaks for which persona on a subject."""
    bound = Signatory.objects.filter(subject_kind=subject.kind, subject_id=subject.id)
    return tuple(SignatoryFact(*row) for row in bound.values_list("persona", "person__username"))


def account_change_facts(user: AbstractBaseUser | Any) -> tuple[AccountChangeFact, ...]:
    """Return the recorded changes to an account."""
    changes = AccountChange.objects.filter(user_id=user.pk).order_by("at", "id")
    return tuple(AccountChangeFact(*row) for row in changes.values_list("kind", "changed_by", "at"))


def attempts_at(subject: Subject) -> QuerySet[SigningAttempt]:
    """Return the refused attempts at a subject, newest first."""
    found: QuerySet[SigningAttempt] = SigningAttempt.objects.filter(subject_kind=subject.kind, subject_id=subject.id)
    return found


def decision_on(*, seats: Sequence[Seat], facts: SubjectFacts) -> Granted | Denied:
    """Decide with the signatures as they are stored now, by the database's clock.

    A signature counts only while its person has a live account: this is read here, at the moment of deciding.
    """
    stored = list(_facts_and_accounts(facts.subject))
    decision = decide(seats=seats, signatures=[fact for fact, _ in stored], facts=facts, now=database_now())
    if isinstance(decision, Denied):
        return decision
    live = {fact.person for fact, is_live in stored if is_live}
    gone = sorted({signature.person for signature in decision.signatures} - live)
    if gone:
        return Denied(tuple(Reason("inactive", f"The account of {p}, who signed, is not active.") for p in gone))
    return decision


@dataclass(frozen=True)
class SeatRow:
    """A seat as a page shows it: its state, and whether the reader may sign or revoke (with the reason if not)."""

    state: SeatState
    signature: Signature | None
    refusal: Reason | None
    may_revoke: bool

    @property
    def may_sign(self) -> bool:
        """Return whether the reader may sign this seat now."""
        return self.refusal is None


def refusal_of(
    *, user: AbstractBaseUser | Any, seat: Seat, facts: SubjectFacts, approving: bool = True
) -> Reason | None:
    """Return why ``user`` may not sign (or, ``approving=False``, reject) a seat now, or None."""
    return may_sign(
        user.get_username() if user.is_authenticated else "",
        signing_personas_of(user),
        seat,
        facts=facts,
        signatures=signature_facts(facts.subject),
        now=database_now(),
        signatories=signatory_facts(facts.subject),
        account_changes=account_change_facts(user) if user.is_authenticated else (),
        is_active=bool(user.is_active),
        decision="approved" if approving else "rejected",
    )


def seat_board(*, seats: Sequence[Seat], facts: SubjectFacts, user: AbstractBaseUser | Any) -> list[SeatRow]:
    """Return the seats of a subject in signing order, as ``user`` sees them."""
    stored = {(s.seat, s.round): s for s in signatures_of(facts.subject)}
    architect = "The Architect" in signing_personas_of(user)
    rows: list[SeatRow] = []
    for state in seat_states(seats, signature_facts(facts.subject), facts.prerequisites):
        fact = state.signature
        standing = fact is not None and not fact.revoked
        rows.append(
            SeatRow(
                state=state,
                signature=stored.get((fact.seat, fact.round)) if fact else None,
                refusal=refusal_of(user=user, seat=state.seat, facts=facts),
                may_revoke=standing and fact is not None and (architect or fact.person == user.get_username()),
            )
        )
    return rows


@dataclass(frozen=True)
class WaitingSeat:
    """A seat that this person could sign now."""

    facts: SubjectFacts
    seat: Seat


def waiting_for(
    *, user: AbstractBaseUser | Any, subjects: Iterable[tuple[Sequence[Seat], SubjectFacts]]
) -> list[WaitingSeat]:
    """Return the seats among ``subjects`` that ``user`` may sign now, in the order given."""
    if not signing_personas_of(user):
        return []
    return [
        WaitingSeat(facts=facts, seat=seat)
        for seats, facts in subjects
        for seat in seats
        if refusal_of(user=user, seat=seat, facts=facts) is None
    ]


def people() -> QuerySet[User]:
    """Return all accounts with their personas, for lists."""
    return (
        User.objects.prefetch_related("holdings__persona")
        .annotate(signature_count=Count("signatures", distinct=True), last_change=Max("account_changes__at"))
        .order_by("username")
    )
