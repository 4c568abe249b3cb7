"""Who documents an incident, and who reviews what was documented, before anything is tried again (document 5.4)."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from approvals.gates import ARCHITECT, DB_TEAM_LEAD
from approvals.selectors import holders_of, personas_of
from v7migration.errors import GateClosed, TransitionRefused
from v7migration.ledger.models import Incident, Run
from v7migration.ledger.services import close_incident, remediate_incident, review_incident

AUTHORS = frozenset({DB_TEAM_LEAD, ARCHITECT})
OWNED = (Incident.Kind.VALIDATION, Incident.Kind.INTEGRATION)
"""Kinds whose own persona (Test Sentinel, Dev Team) documents them too."""


def authors(incident: Incident) -> frozenset[str]:
    """Return the personas that may enter root cause and remediation of an incident."""
    return AUTHORS | {incident.assigned_to} if incident.kind in OWNED else AUTHORS


def unreviewed(run: Run) -> QuerySet[Incident]:
    """Return the incidents that hold a run: of itself and of its rollbacks, blocking, and not reviewed yet."""
    return Incident.objects.filter(Q(run=run) | Q(run__undoes=run), blocking=True, state__in=Incident.UNREVIEWED)


def refuse_unreviewed(run: Run | None) -> None:
    """Let a run go on only when root cause and remediation of what stopped it are documented and reviewed.

    Raises:
        GateClosed: with what is missing, who does it and where.
    """
    waiting = unreviewed(run).first() if run is not None else None
    if waiting is None:
        return
    state = "has no root cause and remediation yet"
    if waiting.state == Incident.State.REMEDIATED:
        state = "waits for the review of its root cause and remediation"
    raise GateClosed(
        [f"incident {waiting.pk} ({waiting.title}) {state}"],
        f"{turn(waiting)[1]}; then run v7_execute again, or take the run back with v7_rollback.",
    )


def turn(incident: Incident) -> tuple[frozenset[str], str]:
    """Return whose turn it is (personas) and what they do, in words that end a sentence with the page's address."""
    where = f"at /incidents/{incident.pk}/"
    if incident.state == Incident.State.OPEN:
        may = authors(incident)
        return may, f"{' or '.join(sorted(may))} enters root cause and remediation {where}"
    reviewers = reviewing_personas(incident)
    names = f"{ARCHITECT} or a {DB_TEAM_LEAD}" if DB_TEAM_LEAD in reviewers else ARCHITECT
    return reviewers, f"{names} (but not {incident.remediated_by}) reviews root cause and remediation {where}"


def whose_turn(incident: Incident) -> str:
    """Return the one persona to name: who documents, or who reviews what somebody else wrote."""
    if incident.state == Incident.State.OPEN:
        return DB_TEAM_LEAD
    others = holders_of(ARCHITECT).exclude(username=incident.remediated_by)
    return ARCHITECT if others.exists() or reviewing_personas(incident) == {ARCHITECT} else DB_TEAM_LEAD


def reviewing_personas(incident: Incident) -> frozenset[str]:
    """Return the personas that may review: The Architect; also a DB Team Lead where The Architect wrote the words."""
    author = User.objects.filter(username=incident.remediated_by).first()
    if author is not None and ARCHITECT in personas_of(author):
        return AUTHORS
    return frozenset({ARCHITECT})


def may_review(*, incident: Incident, person: User) -> bool:
    """Say whether this person may review what was documented: the right persona, and not the author."""
    if incident.state != Incident.State.REMEDIATED or incident.remediated_by == person.get_username():
        return False
    return bool(personas_of(person) & reviewing_personas(incident))


def require_author(incident: Incident, person: User) -> None:
    """Refuse a person who may not document this incident.

    Raises:
        TransitionRefused: with the personas that may.
    """
    require(person, authors(incident), "document an incident")


def document(*, incident: Incident, person: User, root_cause: str, remediation: str) -> Incident:
    """Record root cause and remediation as a DB Team Lead or The Architect.

    Raises:
        TransitionRefused: the person holds neither persona.
        UsageError, Refused: see :func:`remediate_incident`.
    """
    require_author(incident, person)
    return remediate_incident(
        incident=incident, actor=person.get_username(), root_cause=root_cause, remediation=remediation
    )


def review(*, incident: Incident, person: User, approve: bool, note: str) -> Incident:
    """Accept root cause and remediation, or send them back, as somebody who did not write them.

    Raises:
        TransitionRefused: the person does not hold the persona that reviews.
        UsageError, Refused: see :func:`review_incident`.
    """
    incident = Incident.objects.get(pk=incident.pk)
    if incident.remediated_by != person.get_username():  # an author is refused for that reason, whatever he holds
        require(person, reviewing_personas(incident), "review an incident")
    return review_incident(incident=incident, reviewer=person.get_username(), approve=approve, note=note)


def close(*, incident: Incident, person: User) -> Incident:
    """Close a reviewed incident that needs no run to end.

    Raises:
        TransitionRefused: the person holds neither persona.
        Refused: it was not reviewed.
    """
    require(person, AUTHORS, "close an incident")
    return close_incident(incident=incident, actor=person.get_username())


def require(person: User, personas: frozenset[str], deed: str) -> None:
    """Refuse a person who holds none of the personas that may do something with an incident.

    Raises:
        TransitionRefused: with the personas that may.
    """
    held = personas_of(person)
    if held & personas:
        return
    raise TransitionRefused(
        f"{person.get_username()} holds {', '.join(sorted(held)) or 'no persona'} and may not {deed}.",
        f"Ask one of: {', '.join(sorted(personas))}.",
    )
