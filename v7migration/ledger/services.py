"""Writing evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django.db.models import Q
from django.dispatch import Signal
from django_fsm import ConcurrentTransition, TransitionNotAllowed

from v7migration.errors import Refused, UsageError
from v7migration.ledger.models import Emergency, EmergencyStep, Incident, Run, RunState, RunStep, Script

# What moves in an incident; the rest stands once it is recorded (v7migration.grants).
MOVING = (
    "state", "root_cause", "remediation", "remediated_by", "remediated_at", "reviewed_by", "reviewed_at", "review_note"
)  # fmt: skip

# The steps of document 5.4 and the transition that takes each.
PROTOCOL = {1: "stop", 2: "notify", 3: "roll_back", 4: "verify", 5: "explain", 6: "close"}

recorded = Signal()
"""Sent with ``kind`` once an event is committed; whoever listens cannot undo what it tells of."""


def append_event(*, kind: str, actor: str = "", subject: str = "", payload: Mapping[str, Any] | None = None) -> int:
    """Add one event to the append-only log and return its id."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT append_event(%s, %s, %s, %s::jsonb)",
            [kind, actor, subject, json.dumps(dict(payload or {}), default=str)],
        )
        number = int(cursor.fetchone()[0])
    transaction.on_commit(lambda: recorded.send_robust(sender=None, kind=kind), using="default", robust=True)
    return number


def store_script(content: bytes) -> Script:
    """Store bytes under their SHA-256 (once) and return the row."""
    sha256 = hashlib.sha256(content).hexdigest()
    return Script.objects.get_or_create(sha256=sha256, defaults={"content": content})[0]


def open_incident(
    *,
    run: Run | None,
    step: str,
    title: str,
    detail: Mapping[str, Any],
    opened_by: str,
    blocking: bool = True,
    kind: str = Incident.Kind.EXECUTION,
    severity: str = Incident.Severity.HIGH,
    assigned_to: str = "DB Team Lead",
) -> Incident:
    """Open an incident and write the event of it.

    Args:
        run: the run it is about, if any.
        step: key of the step that failed, or empty.
        title: one line, cut at 300 characters.
        detail: whatever explains it, as JSON-able data.
        opened_by: username of the person at work, empty for none.
        blocking: nothing goes on before it is reviewed.
        kind: one of ``Incident.Kind``.
        severity: one of ``Incident.Severity``.
        assigned_to: the persona whose turn it is.
    """
    with transaction.atomic():
        incident = Incident.objects.create(
            run=run, step=step, title=title[:300], detail=dict(detail), opened_by=opened_by, blocking=blocking,
            kind=kind, severity=severity, assigned_to=assigned_to,
        )  # fmt: skip
        told = {"title": title, "step": step, "kind": kind, "severity": severity, "assigned_to": assigned_to}
        append_event(kind="incident.opened", actor=opened_by, subject=str(incident.pk), payload=told)
    return incident


def declare_emergency(*, run: Run, incident: Incident, actor: str) -> Emergency:
    """Declare the emergency of an execution, or return the one that was declared before (document 5.4)."""
    with transaction.atomic():
        known = {"incident": incident, "declared_by": actor}
        emergency, is_new = Emergency.objects.get_or_create(run=run, defaults=known)
        if is_new:
            told = {"incident": str(incident.pk), "title": incident.title}
            append_event(kind="emergency.declared", actor=actor, subject=str(run.pk), payload=told)
    return emergency


def record_emergency_step(*, emergency: Emergency, number: int, actor: str, evidence: Mapping[str, Any]) -> Emergency:
    """Take the next step of the emergency protocol and keep its evidence, all or nothing.

    Args:
        emergency: whose step it is.
        number: 1 to 4; steps 5 and 6 follow from the incidents.
        actor: username of the person at work.
        evidence: JSON-able; ``found`` holds a sentence for people.

    Raises:
        Refused: another step is next.
    """
    with transaction.atomic():
        row = Emergency.objects.select_for_update().get(pk=emergency.pk)
        _take(row, number, actor, evidence)
        _follow_incidents(row, actor)
    return row


def _take(emergency: Emergency, number: int, actor: str, evidence: Mapping[str, Any]) -> None:
    step = getattr(emergency, PROTOCOL[number])
    try:
        step()
    except TransitionNotAllowed as error:
        raise Refused(
            f"Step {number} of the emergency protocol is not next: it is {emergency.get_state_display().lower()}.",
            "v7_status says what is next.",
        ) from error
    emergency.save(update_fields=["state"])
    EmergencyStep.objects.create(emergency=emergency, number=number, by=actor, evidence=dict(evidence))
    append_event(
        kind=f"emergency.{emergency.state}", actor=actor, subject=str(emergency.run_id),
        payload={"step": number, "found": evidence.get("found", "")},
    )  # fmt: skip


def _emergency_of(incident: Incident) -> Emergency | None:
    """Hold the emergency of the execution that an incident is about, so that two people cannot both be the last."""
    if incident.run is None:
        return None
    return Emergency.objects.select_for_update().filter(run=incident.run.undoes or incident.run).first()


def _follow_incidents(emergency: Emergency, actor: str) -> None:
    """Take steps 5 and 6 once the blocking incidents of the run and its rollbacks say so (document 5.4)."""
    about = Q(run=emergency.run_id) | Q(run__undoes=emergency.run_id)
    incidents = list(Incident.objects.filter(about, blocking=True).order_by("opened_at"))
    states = {incident.state for incident in incidents}
    if emergency.state == Emergency.State.EXPLAINED and Incident.State.OPEN in states:
        emergency.ask_again()
        emergency.save(update_fields=["state"])
        append_event(kind="emergency.sent_back", actor=actor, subject=str(emergency.run_id))
    if emergency.state == Emergency.State.STABLE and Incident.State.OPEN not in states:
        causes = _told(incidents, ("root_cause", "remediation", "remediated_by"))
        _take(emergency, 5, actor, {"found": "The root cause is documented.", "incidents": causes})
    if emergency.state == Emergency.State.EXPLAINED and not states & set(Incident.UNREVIEWED):
        found = "Root cause and remediation are reviewed: the next attempt may begin."
        reviews = _told(incidents, ("reviewed_by", "review_note"))
        _take(emergency, 6, actor, {"found": found, "incidents": reviews})
        for incident in incidents:
            if incident.state == Incident.State.REVIEWED:
                incident.close()
                incident.save(update_fields=["state"])
                append_event(kind="incident.closed", actor=actor, subject=str(incident.pk))


def _told(incidents: Iterable[Incident], words: Iterable[str]) -> list[dict[str, str]]:
    return [{"incident": str(row.pk), **{word: getattr(row, word) for word in words}} for row in incidents]


def record_intent(*, run: Run, key: str, section: int, title: str, digest: str, attempt: int) -> RunStep:
    """Record that a step is about to be attempted (``attempt``: from 1), before the target hears of it."""
    return RunStep.objects.create(run=run, key=key, section=section, title=title[:300], attempt=attempt, digest=digest)


def remediate_incident(*, incident: Incident, actor: str, root_cause: str, remediation: str) -> Incident:
    """Record root cause and remediation of an open incident (document 5.4, step 5); somebody else reviews them.

    Raises:
        UsageError: a text is missing.
        Refused: somebody recorded them before.
    """
    root_cause, remediation = root_cause.strip(), remediation.strip()
    if not (root_cause and remediation):
        raise UsageError("Root cause and remediation are both needed.", "Say what happened and what was done about it.")
    with _moving(incident, actor) as row:
        row.remediate(actor=actor, root_cause=root_cause, remediation=remediation)
        told = {"root_cause": root_cause, "remediation": remediation}
        append_event(kind="incident.remediated", actor=actor, subject=str(row.pk), payload=told)
    return row


def review_incident(*, incident: Incident, reviewer: str, approve: bool, note: str) -> Incident:
    """Accept what was documented, so that the next attempt may begin, or send it back with a note (5.4, step 6).

    Who holds the persona to review is decided by ``pipeline.incidents``; here nobody reviews his own words.

    Raises:
        UsageError: it is sent back without a note.
        Refused: there is nothing to review (any more), or the reviewer wrote it.
    """
    note = note.strip()
    if not (approve or note):
        raise UsageError("Sending it back needs a note.", "Say what is missing or wrong.")
    with _moving(incident, reviewer) as row:
        if row.state == Incident.State.REMEDIATED and row.remediated_by == reviewer:
            raise Refused(
                f"{reviewer} wrote this root cause and remediation; nobody reviews his own words.",
                "Somebody else reviews them: The Architect, or a DB Team Lead where The Architect wrote them.",
            )
        (row.accept if approve else row.send_back)(reviewer=reviewer, note=note)
        event = "incident.reviewed" if approve else "incident.sent_back"
        append_event(kind=event, actor=reviewer, subject=str(row.pk), payload={"note": note})
    return row


def close_incident(*, incident: Incident, actor: str) -> Incident:
    """Close a reviewed incident: what it was about is over.

    Raises:
        Refused: it was not reviewed, or was closed before.
    """
    with _moving(incident, actor) as row:
        row.close()
        append_event(kind="incident.closed", actor=actor, subject=str(row.pk))
    return row


@contextmanager
def _moving(incident: Incident, actor: str) -> Iterator[Incident]:
    """Lend the row as it is stored now; what the block changed is saved unless somebody moved it meanwhile.

    The emergency that the incident belongs to is held meanwhile and follows.

    Raises:
        Refused: the incident does not stand where this step begins, or another person was first.
    """
    try:
        with transaction.atomic():
            emergency = _emergency_of(incident)
            row = Incident.objects.select_related("run").get(pk=incident.pk)
            yield row
            row.save(update_fields=MOVING)
            if emergency is not None:
                _follow_incidents(emergency, actor)
                row.refresh_from_db()
    except (TransitionNotAllowed, ConcurrentTransition) as error:
        state = Incident.objects.values_list("state", flat=True).get(pk=incident.pk)
        raise Refused(f"This incident is {state} by now.", "Reload its page to see what was recorded.") from error


def request_stop(*, run: Run, actor: str, reason: str = "") -> None:
    """Ask a running run to stop; the runner obeys before its next COMMIT.

    Raises:
        Refused: the run is not running, so there is nothing to stop.
    """
    if not Run.objects.filter(pk=run.pk, state=RunState.RUNNING).update(stop_requested_by=actor):
        state = Run(state=Run.objects.values_list("state", flat=True).get(pk=run.pk)).get_state_display().lower()
        raise Refused(f"Run {run.pk} is not running, but {state}: there is nothing to stop.", "v7_status says more.")
    append_event(kind="run.stop_requested", actor=actor, subject=str(run.pk), payload={"reason": reason})
