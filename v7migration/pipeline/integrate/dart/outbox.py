"""The outbox: what DART is to hear of, queued once for each key by what happened, delivered later.

Who queues listens to committed evidence; :func:`fill` derives the same rows from the evidence again before each
delivery, so that nothing is lost when a process dies between the two.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from approvals.facts import SignatureFact
from approvals.gates import APPROVED, Subject
from approvals.seats import INTEGRATION_SEAT
from approvals.selectors import signature_facts
from tracking import selectors as tracked
from tracking.models import SubworkflowTask
from v7migration.ledger.models import Changeset, DartDelivery, Run
from v7migration.pipeline import escalation
from v7migration.pipeline.integrate.dart import content, secret
from v7migration.pipeline.runs import standing_run

Kind, State = DartDelivery.Kind, DartDelivery.State
_OF_EVENTS = {"changeset.frozen": "review", "signature.approved": "kickoff", "incident.opened": "comments"}


def on_record(kind: str = "", **_: Any) -> None:
    """Hear of an event of the ledger: a frozen changeset, a signature, an incident."""
    match _OF_EVENTS.get(kind):
        case "review":
            queue_review()
        case "kickoff":
            queue_kickoff()
        case "comments" if secret.is_present():
            queue_comments()


def on_write(**_: Any) -> None:
    """Hear of tracked rows that were written; without a token nobody waits for their tasks in DART."""
    if secret.is_present():
        queue_tasks()


def fill() -> None:
    """Queue whatever the evidence asks for and is not queued yet."""
    queue_review()
    queue_kickoff()
    queue_tasks()
    queue_comments()


def queue(*, kind: str, subject: str, key: str, payload: content.Payload, by: str = "") -> None:
    """Queue something unless it is queued or delivered already; a task whose words changed is queued again."""
    known = {"kind": kind, "subject": subject, "payload": payload, "queued_by": by}
    with transaction.atomic(using="default"):
        row, is_new = DartDelivery.objects.get_or_create(key=key, defaults=known)
        if not is_new and kind == Kind.TASK and row.payload != payload:
            DartDelivery.objects.filter(pk=row.pk).update(
                payload=payload, revision=F("revision") + 1, state=State.QUEUED, attempts=0, last_error="",
                next_try_at=Now(),
            )  # fmt: skip


def queue_review() -> None:
    """Queue the request to review the newest changeset while nothing of it was executed (document: "Next Action")."""
    changeset = Changeset.objects.select_related("snapshot").first()
    if changeset is None or Run.objects.filter(changeset=changeset, kind=Run.Kind.EXECUTE).exists():
        return
    queue(
        kind=Kind.REVIEW, subject=changeset.digest, key=f"review:{changeset.digest}",
        payload=content.of_review(changeset), by=changeset.author,
    )  # fmt: skip


def queue_kickoff() -> None:
    """Queue the kickoff of Phase 5 once Integration Verified of the standing run is signed (criterion 9)."""
    run = standing_run()
    signature = integration_verified(run) if run is not None else None
    if run is None or signature is None:
        return
    queue(
        kind=Kind.KICKOFF, subject=str(run.pk), key=f"kickoff:{run.pk}", payload=content.of_kickoff(run, signature),
        by=signature.person,
    )  # fmt: skip


def why_not(row: DartDelivery) -> str:
    """Return why a request for review, or a kickoff, is not to be sent (any more); empty while it is."""
    if row.kind == Kind.REVIEW:
        newest = Changeset.objects.values_list("digest", flat=True).first()
        if newest != row.subject:
            return "A newer changeset took its place."
        is_begun = Run.objects.filter(changeset_id=row.subject, kind=Run.Kind.EXECUTE).exists()
        return "It was signed and executed: nothing is left to review." if is_begun else ""
    run = standing_run()
    if run is None or str(run.pk) != row.subject or integration_verified(run) is None:
        return "Integration Verified of its run is not signed any more."
    return ""


def integration_verified(run: Run) -> SignatureFact | None:
    """Return the signature "Integration Verified" of a run, None while it is missing or revoked."""
    facts = signature_facts(Subject("run", str(run.pk)))
    signed = [f for f in facts if f.seat == INTEGRATION_SEAT and f.decision == APPROVED and not f.revoked]
    return signed[-1] if signed else None


def queue_tasks() -> None:
    """Queue each task that DART does not hold as the table has it."""
    guards = content.guarded()
    known = dict(DartDelivery.objects.filter(kind=Kind.TASK).values_list("subject", "payload"))
    for task in SubworkflowTask.objects.order_by("parent_phase", "task_number"):
        payload = content.of_task(task, guards)
        if known.get(str(task.pk)) != payload:
            queue(kind=Kind.TASK, subject=str(task.pk), key=f"task:{task.pk}", payload=payload)


def queue_comments() -> None:
    """Queue a comment for each incident that waits, and each task blocked too long, once for everybody it goes to."""
    for found in escalation.incidents():
        said = f"It goes to {found.to}{f' ({found.why})' if found.why else ''}."
        step = found.why.replace(" ", "-") or "opened"
        queue(
            kind=Kind.COMMENT, subject=str(found.incident.pk), key=f"comment:incident:{found.incident.pk}:{step}",
            payload=content.of_incident(found.incident, said), by=found.incident.opened_by,
        )  # fmt: skip
    for blocked in tracked.escalations():
        since = f"{blocked.blocked_since:%Y-%m-%dT%H:%M:%S}"
        said = f"Blocked since {since.replace('T', ' ')} UTC: it goes to {blocked.to}."
        queue(
            kind=Kind.COMMENT, subject=str(blocked.task.pk), key=f"comment:task:{blocked.task.pk}:{since}:{blocked.to}",
            payload=content.of_blocked(blocked.task, said),
        )  # fmt: skip


def due() -> QuerySet[DartDelivery]:
    """Return what is to be sent now: tasks before what hangs on them."""
    return DartDelivery.objects.filter(state=State.QUEUED, next_try_at__lte=Now()).order_by("-kind", "id")
