"""Telling people by mail (document 5.4, step 2). A mail server that fails stops nothing, and is shown."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage, get_connection

from approvals.gates import ARCHITECT, DB_TEAM_LEAD
from approvals.selectors import holders_of
from v7migration.ledger.models import Event, Incident
from v7migration.ledger.services import append_event

PATIENCE = 10
"""Seconds for which a mail server may keep a rollback waiting."""
SENT, FAILED, NO_ADDRESS, NOBODY = "sent", "failed", "no address on file", "nobody holds this persona"
LEADERS = (ARCHITECT, DB_TEAM_LEAD)
KINDS = {True: "notice.sent", False: "notice.failed"}


@dataclass(frozen=True)
class Delivery:
    """What became of the notice to one person: ``outcome`` is one of the words above, ``why`` the server's."""

    persona: str
    person: str
    address: str
    outcome: str
    why: str = ""

    @property
    def words(self) -> str:
        """Say it for people."""
        whom = f"{self.person} ({self.persona})" if self.person else self.persona
        return f"{whom}: {self.outcome}{f' ({self.why})' if self.why else ''}"


@dataclass(frozen=True)
class Notice:
    """A notice and its deliveries."""

    subject: str
    deliveries: tuple[Delivery, ...]

    @property
    def reached(self) -> list[str]:
        """Return who was sent the notice."""
        return [d.person for d in self.deliveries if d.outcome == SENT]

    @property
    def missed(self) -> list[str]:
        """Return who was not, with the reason."""
        return [d.words for d in self.deliveries if d.outcome != SENT]

    @property
    def found(self) -> str:
        """Say in a sentence who was told and who could not be."""
        told = f"Sent to {', '.join(self.reached)}." if self.reached else "Nobody could be told by mail."
        return told + (f" Could not be sent to {'; '.join(self.missed)}." if self.missed else "")

    def as_dict(self) -> dict[str, Any]:
        """Return the notice as JSON-able data."""
        return {"found": self.found, "subject": self.subject, "deliveries": [asdict(d) for d in self.deliveries]}


def notify(personas: Iterable[str], subject: str, body: str, about: str, *, actor: str = "") -> Notice:
    """Send a notice to everybody who holds one of the personas, and record what became of it as an event.

    Args:
        personas: names of personas.
        subject: one line; line breaks become spaces.
        body: plain text.
        about: what the event is about (the id of an incident or a run); its page shows the deliveries.
        actor: username of the person at work.
    """
    subject = " ".join(subject.split())
    deliveries, letters = _addressed(personas)
    notice = Notice(subject, (*deliveries, *_deliver(letters, subject, body)))
    append_event(kind=KINDS[not notice.missed], actor=actor, subject=about, payload=notice.as_dict())
    return notice


def notify_of(incident: Incident, *, actor: str = "") -> Notice:
    """Tell The Architect and the DB Team Leads of an incident."""
    run = incident.run
    where = f" on {run.changeset.snapshot.target_name}" if run is not None else ""
    about = f"Run {run.pk}{where}\n" if run is not None else ""
    body = (
        f"{incident.title}\n\n{about}Kind: {incident.get_kind_display().lower()}, {incident.severity}\n"
        f"Its turn: {incident.assigned_to or DB_TEAM_LEAD}\n\nSee /incidents/{incident.pk}/ .\n"
    )
    return notify(LEADERS, f"V7 Migration: {incident.title}", body, str(incident.pk), actor=actor)


def notices_about(subject: str) -> list[Event]:
    """Return the notices that were sent, or could not be, about an incident or a run, newest first."""
    return list(Event.objects.filter(subject=subject, kind__in=KINDS.values()))


def _addressed(personas: Iterable[str]) -> tuple[list[Delivery], list[tuple[str, User]]]:
    """Sort the holders: who cannot be written to, and who can (each address once)."""
    hopeless: list[Delivery] = []
    letters: dict[str, tuple[str, User]] = {}
    for persona in personas:
        people = list(holders_of(persona))
        if not people:
            hopeless.append(Delivery(persona, "", "", NOBODY))
        for person in people:
            if person.email:
                letters.setdefault(person.email.lower(), (persona, person))
            else:
                hopeless.append(Delivery(persona, person.get_username(), "", NO_ADDRESS))
    return hopeless, list(letters.values())


def _deliver(letters: list[tuple[str, User]], subject: str, body: str) -> list[Delivery]:
    """Send to each address by itself, so that a bad one keeps nobody else from being told."""
    done, reason = [], ""
    connection = get_connection(timeout=settings.EMAIL_TIMEOUT or PATIENCE)
    for persona, person in letters:
        if not reason:
            reason = _tried(connection.open)
        message = EmailMessage(subject, body, None, [person.email], connection=connection)
        why = reason or _tried(message.send)
        done.append(Delivery(persona, person.get_username(), person.email, FAILED if why else SENT, why))
    if letters and not reason:
        _tried(connection.close)
    return done


def _tried(call: Any) -> str:
    """Call, and return why it failed, or nothing. Any backend may be configured, with errors of its own."""
    try:
        call()
    except Exception as error:  # noqa: BLE001 (no mail server may stop a rollback)
        return " ".join(str(error).split())[:300] or type(error).__name__
    return ""
