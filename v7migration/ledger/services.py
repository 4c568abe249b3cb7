"""Writing evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from django.db import connections, transaction
from django_fsm import ConcurrentTransition, TransitionNotAllowed

from v7migration.errors import Refused, UsageError
from v7migration.ledger.models import Incident, Run, RunState, RunStep, Script

# What moves in an incident; the rest stands once it is recorded (v7migration.grants).
MOVING = (
    "state", "root_cause", "remediation", "remediated_by", "remediated_at", "reviewed_by", "reviewed_at", "review_note"
)  # fmt: skip


def append_event(*, kind: str, actor: str = "", subject: str = "", payload: Mapping[str, Any] | None = None) -> int:
    """Add one event to the append-only log and return its id."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT append_event(%s, %s, %s, %s::jsonb)",
            [kind, actor, subject, json.dumps(dict(payload or {}), default=str)],
        )
        return int(cursor.fetchone()[0])


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


def record_intent(*, run: Run, key: str, section: int, title: str, digest: str) -> RunStep:
    """Record that a step is about to be attempted, before the target hears of it."""
    attempt = RunStep.objects.filter(run=run, key=key).count() + 1
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
    with _moving(incident) as row:
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
    with _moving(incident) as row:
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
    with _moving(incident) as row:
        row.close()
        append_event(kind="incident.closed", actor=actor, subject=str(row.pk))
    return row


@contextmanager
def _moving(incident: Incident) -> Iterator[Incident]:
    """Lend the row as it is stored now; what the block changed is saved unless somebody moved it meanwhile.

    Raises:
        Refused: the incident does not stand where this step begins, or another person was first.
    """
    try:
        with transaction.atomic():
            row = Incident.objects.select_related("run").get(pk=incident.pk)
            yield row
            row.save(update_fields=MOVING)
    except (TransitionNotAllowed, ConcurrentTransition) as error:
        state = Incident.objects.values_list("state", flat=True).get(pk=incident.pk)
        raise Refused(f"This incident is {state} by now.", "Reload its page to see what was recorded.") from error


def request_stop(*, run: Run, actor: str) -> None:
    """Ask a running run to stop; the runner obeys before its next COMMIT.

    Raises:
        Refused: the run is not running.
    """
    if not Run.objects.filter(pk=run.pk, state=RunState.RUNNING).update(stop_requested_by=actor):
        raise Refused("This run is not running.", "Reload its page.")
    append_event(kind="run.stop_requested", actor=actor, subject=str(run.pk))
