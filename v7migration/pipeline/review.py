"""Review: what stands against the script, by reading it, by the target, by Squawk and by rehearsal (document 2.1.2)."""

from __future__ import annotations

import hashlib
from typing import Any

import psycopg
from django.contrib.auth.models import User
from django.db import Error, transaction

from v7migration.errors import Refused
from v7migration.ledger.models import Review
from v7migration.ledger.services import append_event, store_script
from v7migration.pipeline import acceptance, findings, reporting
from v7migration.pipeline.incidents import require
from v7migration.pipeline.target import TargetState, describe, observe_from_web, web_session
from v7migration.postgres.script import Script


def review(content: bytes, *, own_script: bool = False) -> dict[str, Any]:
    """Return ``verdict`` (``refuse``, ``accept``: to be accepted, ``clean``), ``findings`` and ``conflicts``.

    Each finding has a stable id, severity, section, line (1-based, in the bytes given), message and hint. ``conflicts``
    names what the target holds of the names that the script creates; None when the target does not answer.
    ``rehearsal`` is the id of the rehearsal of exactly these bytes whose findings are joined, None without one.

    Args:
        content: the script.
        own_script: it is the product's own: its conflicts are documented and escalated (document 5.1).
    """
    sha256 = hashlib.sha256(content).hexdigest()
    target, rehearsal = _target(), findings.newest_rehearsal(sha256)
    found = findings.collect(content, document=target.document if target else None, rehearsal=rehearsal)
    known = acceptance.accepted(sha256)
    for finding in found.findings:
        row = known.get(acceptance.key_of(finding))
        finding["accepted_by"] = row.by if row else None
    conflicts = _conflicts(found.script, target, own_script) if found.script and target else None
    return {
        "verdict": found.verdict, "findings": found.findings, "conflicts": conflicts, "script": sha256,
        "rehearsal": str(rehearsal.pk) if rehearsal else None, "squawk": found.squawk,
    }  # fmt: skip


def record(content: bytes, *, person: User, own_script: bool = False) -> Review:
    """Review a script as a DB Team Lead and keep the review as evidence.

    Raises:
        TransitionRefused: the person is no DB Team Lead.
    """
    require(person, acceptance.REVIEWERS, "review a script")
    document = review(content, own_script=own_script)
    with transaction.atomic():
        row = Review.objects.create(
            script=store_script(content), rehearsal_id=document["rehearsal"], by=person.get_username(),
            verdict=document["verdict"], document=document,
        )  # fmt: skip
        append_event(
            kind="script.reviewed", actor=row.by, subject=str(row.pk),
            payload={"script": row.script_id, "verdict": row.verdict, "findings": len(document["findings"])},
        )  # fmt: skip
    return row


def _target() -> TargetState | None:
    try:
        return observe_from_web()
    except (Error, psycopg.Error, Refused):
        return None


def _conflicts(script: Script, target: TargetState, own_script: bool) -> list[str] | None:
    try:
        session = web_session()
        if not own_script:
            return reporting.foreign_objects(session, script)
        name = describe(target.identity)
        return reporting.look_for_conflicts(session, script, person="", stage="review", target=name)
    except (Error, psycopg.Error):
        return None
