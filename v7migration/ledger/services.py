"""Writing evidence."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.db import connections

from v7migration.ledger.models import Incident, Run, RunStep, Script


def append_event(*, kind: str, actor: str = "", subject: str = "", payload: Mapping[str, Any] | None = None) -> int:
    """Add one event to the append-only log and return its id."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT append_event(%s, %s, %s, %s::jsonb)", [kind, actor, subject, json.dumps(dict(payload or {}), default=str)]
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
    append_event(kind="incident.opened", actor=opened_by, subject=str(incident.id), payload={"title": title, "step": step})
    return incident


def record_intent(*, run: Run, key: str, section: int, title: str, digest: str) -> RunStep:
    """Record that a step is about to be attempted, before the target hears of it."""
    attempt = RunStep.objects.filter(run=run, key=key).count() + 1
    return RunStep.objects.create(run=run, key=key, section=section, title=title[:300], attempt=attempt, digest=digest)
