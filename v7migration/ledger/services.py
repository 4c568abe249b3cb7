"""Writing evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import connections
from django.db.models.functions import Now

from v7migration.errors import Refused, UsageError
from v7migration.ledger.models import Incident, Run, RunState, RunStep, Script


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
    *, run: Run | None, step: str, title: str, detail: Mapping[str, Any], opened_by: str, blocking: bool = True
) -> Incident:
    """Open an incident and write the event of it."""
    incident = Incident.objects.create(
        run=run, step=step, title=title[:300], detail=dict(detail), opened_by=opened_by, blocking=blocking
    )
    append_event(
        kind="incident.opened", actor=opened_by, subject=str(incident.id), payload={"title": title, "step": step}
    )
    return incident


def record_intent(*, run: Run, key: str, section: int, title: str, digest: str) -> RunStep:
    """Record that a step is about to be attempted, before the target hears of it."""
    attempt = RunStep.objects.filter(run=run, key=key).count() + 1
    return RunStep.objects.create(run=run, key=key, section=section, title=title[:300], attempt=attempt, digest=digest)


def remediate_incident(*, incident: Incident, actor: str, root_cause: str, remediation: str) -> Incident:
    """Record root cause and remediation of an open incident, after which the run may go on (document 5.4).

    Raises:
        UsageError: a text is missing.
        Refused: somebody recorded them before.
    """
    if not (root_cause.strip() and remediation.strip()):
        raise UsageError("Root cause and remediation are both needed.", "Say what happened and what was done about it.")
    changed = Incident.objects.filter(pk=incident.pk, state=Incident.State.OPEN).update(
        state=Incident.State.REMEDIATED, root_cause=root_cause.strip(), remediation=remediation.strip(),
        remediated_by=actor, remediated_at=Now(),
    )  # fmt: skip
    if not changed:
        raise Refused("This incident is not open any more.", "Reload its page to see what was recorded.")
    append_event(kind="incident.remediated", actor=actor, subject=str(incident.pk), payload={"root_cause": root_cause})
    return Incident.objects.get(pk=incident.pk)


def request_stop(*, run: Run, actor: str) -> None:
    """Ask a running run to stop; the runner obeys before its next COMMIT.

    Raises:
        Refused: the run is not running.
    """
    if not Run.objects.filter(pk=run.pk, state=RunState.RUNNING).update(stop_requested_by=actor):
        raise Refused("This run is not running.", "Reload its page.")
    append_event(kind="run.stop_requested", actor=actor, subject=str(run.pk))
