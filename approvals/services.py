"""Signing, rejecting, revoking, and who holds which persona. Every write of this app is here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth import authenticate
from django.contrib.auth.models import Group, Permission, User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.http import HttpRequest

from approvals.actors import acting
from approvals.gates import (
    APPROVED,
    ARCHITECT,
    REJECTED,
    SEATS,
    Reason,
    Seat,
    Subject,
    SubjectFacts,
    Verdict,
    statement_for,
)
from approvals.locks import lock_subject
from approvals.models import Holding, Persona, Revocation, Signatory, Signature, SigningAttempt
from approvals.refusals import SigningRefused
from approvals.selectors import (
    personas_of,
    refusal_of,
    signature_facts,
    signing_personas_of,
)
from v7migration.errors import Refused, UsageError
from v7migration.ledger.models import Run, RunState
from v7migration.ledger.services import append_event

__all__ = [
    "attested",
    "grant",
    "password_refusal",
    "person_create",
    "personas_of",
    "revoke",
    "sign",
    "statement_for",
    "withdraw",
]

PEOPLE_GROUP = "People"
OUR_APPS = ("ledger", "approvals", "tracking")


def sign(
    *,
    subject: Subject,
    seat: str,
    person: User,
    password: str,
    decision: Verdict,
    reason: str,
    address: str,
    facts: SubjectFacts | Callable[[], SubjectFacts],
    shown_digest: str,
    user_agent: str = "",
    then: Callable[[Signature], object] | None = None,
) -> Signature:
    """Approve or reject a seat of a subject, as ``person``, and return the signature.

    The password is asked of the same person again. ``facts`` may be a callable: it is then asked after the row
    of the subject is locked. ``shown_digest`` is the digest on the page that was signed. ``then`` does what the
    signature carries: what it raises takes the signature back. Raises
    :class:`SigningRefused`, after which nothing stands but the attempt (document sections 3 and 9).
    Opens its own transaction, so it may not be called inside one.
    """
    with attested(person=person, password=password, subject=subject, seat=seat, address=address):
        lock_subject(subject)
        known = facts() if callable(facts) else facts
        place = _place(subject, seat, known, shown_digest)
        live = User.objects.get(pk=person.pk)
        _refuse_if(_words_refusal(place, decision, reason))
        _refuse_if(_standing_refusal(live, place, known, decision))
        _bind(subject, place, live)
        signature = _write(
            place, live, known, decision=decision, reason=reason.strip(), address=address, user_agent=user_agent
        )
        append_event(
            kind=f"signature.{decision}",
            actor=live.get_username(),
            subject=f"{subject.kind}:{subject.id}",
            payload={
                "seat": place.key,
                "persona": place.persona,
                "reason": signature.reason,
                "signature": signature.id,
            },
        )
        if then is not None:
            then(signature)
    return signature


def revoke(
    *,
    signature: Signature,
    person: User,
    password: str,
    reason: str,
    address: str = "",
    then: Callable[[Revocation], object] | None = None,
) -> Revocation:
    """Take a signature back: the signer's own, or any as The Architect. The seat may then be signed again.

    Takes the lock that the runner holds while it commits, so that a revocation is before a COMMIT or after it,
    never unseen. ``then`` undoes what the signature carried: what it raises lets the signature stand. Raises
    :class:`SigningRefused`.
    """
    subject = Subject(signature.subject_kind, signature.subject_id)  # type: ignore[arg-type]
    with attested(person=person, password=password, subject=subject, seat=signature.seat, address=address):
        lock_subject(subject)
        live = User.objects.get(pk=person.pk)
        _refuse_if(_revocation_refusal(signature, live, reason))
        revocation: Revocation = Revocation.objects.create(
            signature=signature, by=live, by_name=_full_name(live), reason=reason.strip(), address=address
        )
        append_event(
            kind="signature.revoked",
            actor=live.get_username(),
            subject=f"{subject.kind}:{subject.id}",
            payload={"seat": signature.seat, "signer": signature.person_name, "reason": revocation.reason},
        )
        if then is not None:
            then(revocation)
    return revocation


@contextmanager
def attested(*, person: User, password: str, subject: Subject, seat: str, address: str) -> Iterator[None]:
    """Ask for the person's own password again, then lend the transaction in which this person signs.

    A :class:`SigningRefused` of the password, or raised inside, leaves nothing behind but the attempt. Durable: it may
    not be opened inside another transaction.
    """
    try:
        _refuse_if(password_refusal(person, password, address))
        with acting(person.get_username()), transaction.atomic(using="default", durable=True):
            yield
    except SigningRefused as refusal:
        _record_attempt(refusal, subject=subject, seat=seat, username=person.get_username(), address=address)
        raise


def _refuse_if(reason: Reason | None) -> None:
    if reason is not None:
        raise SigningRefused(reason)


def password_refusal(person: User, password: str, address: str) -> Reason | None:
    """Ask for the password as the sign-in does, so that guessing here is counted and locked out there too."""
    request = HttpRequest()
    request.META.update(REMOTE_ADDR=address or "127.0.0.1")
    account = authenticate(request, username=person.get_username(), password=password)
    if account is None or account.pk != person.pk:
        return Reason("wrong-password", "The password is not right, or the account is locked or not active.")
    return None


def _place(subject: Subject, seat: str, facts: SubjectFacts, shown_digest: str) -> Seat:
    if seat not in SEATS:
        raise SigningRefused(Reason("unknown-seat", f"There is no seat {seat}.", seat))
    if facts.subject != subject:
        raise SigningRefused(Reason("wrong-subject", "The facts are about something else.", seat))
    if shown_digest != facts.digest:
        raise SigningRefused(Reason("stale-page", "The page shows another state than there is now.", seat))
    return SEATS[seat]


def _words_refusal(seat: Seat, decision: str, reason: str) -> Reason | None:
    if decision not in (APPROVED, REJECTED):
        return Reason("decision-unknown", "Approve or reject: there is no other decision.", seat.key)
    if decision == REJECTED and not reason.strip():
        return Reason("reason-missing", "A rejection says why.", seat.key)
    return None


def _standing_refusal(person: User, seat: Seat, facts: SubjectFacts, decision: Verdict) -> Reason | None:
    return refusal_of(user=person, seat=seat, facts=facts, approving=decision == APPROVED)


def _revocation_refusal(signature: Signature, person: User, reason: str) -> Reason | None:
    if not reason.strip():
        return Reason("reason-missing", "A revocation says why.", signature.seat)
    if person.pk != signature.person_id and ARCHITECT not in signing_personas_of(person):
        return Reason("not-yours", f"Only {signature.person_name} or {ARCHITECT} may revoke it.", signature.seat)
    ended = Run.objects.filter(state__in=(RunState.FINISHED, RunState.ROLLED_BACK), kind=Run.Kind.EXECUTE)
    if signature.subject_kind == "changeset" and ended.filter(changeset_id=signature.subject_id).exists():
        sentence = "The run of this changeset has ended: there is nothing left to stop. The way back is a rollback."
        return Reason("too-late", sentence, signature.seat)
    standing = Revocation.objects.filter(signature=signature).first()
    if standing is not None:
        return Reason("already-revoked", f"Already revoked at {standing.at:%Y-%m-%d %H:%M:%S %Z}.", signature.seat)
    return None


def _bind(subject: Subject, seat: Seat, person: User) -> None:
    """Let one person speak for one persona on this subject; the constraints decide, not a look before."""
    try:
        with transaction.atomic(using="default"):
            Signatory.objects.get_or_create(
                subject_kind=subject.kind, subject_id=subject.id, persona=seat.persona, person=person
            )
    except IntegrityError as error:
        raise SigningRefused(_broken_rule(error, seat, person)) from error


def _write(
    seat: Seat, person: User, facts: SubjectFacts, *, decision: Verdict, reason: str, address: str, user_agent: str
) -> Signature:
    of_seat = [fact for fact in signature_facts(facts.subject) if fact.seat == seat.key]
    try:
        with transaction.atomic(using="default"):
            signature: Signature = Signature.objects.create(
                subject_kind=facts.kind,
                subject_id=facts.id,
                seat=seat.key,
                round=sum(fact.revoked for fact in of_seat),
                persona=seat.persona,
                person=person,
                person_name=_full_name(person),
                decision=decision,
                reason=reason,
                statement=statement_for(seat, facts, decision),
                digest=facts.digest,
                nonce=facts.nonce,
                address=address,
                user_agent=user_agent[:300],
            )
    except IntegrityError as error:
        raise SigningRefused(_broken_rule(error, seat, person)) from error
    return signature


def _broken_rule(error: IntegrityError, seat: Seat, person: User) -> Reason:
    """Name the rule whose constraint refused a row; an unknown one is no refusal but a fault, and raised."""
    name = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None)
    username = person.get_username()
    sentences = {
        "approvals_one_person_per_persona": ("persona-taken", f"Somebody else already speaks for {seat.persona} here."),
        "approvals_one_persona_per_person": ("second-persona", f"{username} already speaks for another persona here."),
        "approvals_one_signature_per_seat_and_round": ("already-signed", f"{seat.meaning}: already signed."),
        "approvals_signature_in_its_round": ("already-signed", f"{seat.meaning}: already signed."),
        "approvals_signature_by_a_holder": ("wrong-persona", f"{username} does not hold {seat.persona}."),
    }
    if name not in sentences:
        raise error
    code, sentence = sentences[name]
    return Reason(code, sentence, seat.key)


def _record_attempt(refusal: SigningRefused, *, subject: Subject, seat: str, username: str, address: str) -> None:
    reason = refusal.reason
    with transaction.atomic(using="default", durable=True):
        SigningAttempt.objects.create(
            username=username,
            subject_kind=subject.kind[:10],
            subject_id=subject.id[:64],
            seat=seat[:40],
            code=reason.code,
            sentence=reason.sentence,
            address=address,
        )
        append_event(
            kind="signature.refused",
            actor=username,
            subject=f"{subject.kind}:{subject.id}"[:120],
            payload={"seat": seat[:40], "code": reason.code, "sentence": reason.sentence},
        )


def _full_name(person: User) -> str:
    return person.get_full_name() or person.get_username()


def grant(*, persona: str, user: User, by: User | None) -> Holding:
    """Let ``user`` hold ``persona`` (a name). ``by`` None: from the server's shell. Raises :class:`UsageError`."""
    found = _persona(persona)
    name = by.get_username() if by else ""
    with acting(name), transaction.atomic(using="default"):
        return Holding.objects.get_or_create(persona=found, user=user, defaults={"granted_by": name})[0]


def withdraw(*, persona: str, user: User, by: User | None) -> None:
    """Take ``persona`` from ``user``; signatures that were given stand. Raises :class:`UsageError`."""
    found = _persona(persona)
    with acting(by.get_username() if by else ""), transaction.atomic(using="default"):
        Holding.objects.filter(persona=found, user=user).delete()


def _persona(name: str) -> Persona:
    persona = Persona.objects.filter(name=name).first()
    if persona is None:
        known = ", ".join(Persona.objects.values_list("name", flat=True))
        raise UsageError(f"There is no persona “{name}”.", f"Personas are: {known}.")
    return persona


def person_create(
    *,
    username: str,
    password: str,
    personas: Sequence[str] = (),
    full_name: str = "",
    email: str = "",
    superuser: bool = False,
    by: User | None = None,
) -> User:
    """Make an account that may look at everything and holds ``personas``; return it.

    People are staff with view permissions only: without one the admin shows them an empty frame. Raises
    :class:`Refused` for a taken name or a weak password, :class:`UsageError` for an unknown persona.
    """
    first, _, last = full_name.strip().partition(" ")
    user = User(username=username, first_name=first, last_name=last, email=email, is_staff=True, is_superuser=superuser)
    user.set_password(password)
    try:
        User._meta.get_field("username").clean(username, user)
        validate_password(password, user)
    except ValidationError as error:
        raise Refused(" ".join(error.messages), "Choose another name or password.") from error
    with acting(by.get_username() if by else ""), transaction.atomic(using="default"):
        if User.objects.filter(username__iexact=username).exists():
            raise Refused(f"There is already an account {username}.", "Choose another name.")
        user.save()
        user.groups.add(people_group())
        for persona in personas:
            grant(persona=persona, user=user, by=by)
    return user


def people_group() -> Group:
    """Return the group of all people, with permission to view every model of ours (and to change none)."""
    group, _ = Group.objects.get_or_create(name=PEOPLE_GROUP)
    group.permissions.set(_view_permissions())
    return group


def _view_permissions() -> QuerySet[Permission, Any]:
    return Permission.objects.filter(codename__startswith="view_", content_type__app_label__in=OUR_APPS)
