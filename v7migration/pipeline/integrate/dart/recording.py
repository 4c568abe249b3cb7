"""What people do with the outbox: record an id by hand, take up again what was given up.

Everything works without DART: somebody makes the task there, or anywhere else, and records its id here.
"""

from __future__ import annotations

from typing import Any

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from tracking.actors import ARCHITECT, DB_TEAM_LEAD, DEV_TEAM, Actor, require
from tracking.models import SubworkflowTask
from tracking.services import task_update
from tracking.services.tasks import lock_dart_id, refuse_dart_id
from v7migration.errors import InvalidValue, Refused, UsageError, V7Error
from v7migration.ledger.models import DartDelivery, DartLink, Event
from v7migration.ledger.services import append_event
from v7migration.pipeline.integrate.dart import content, outbox, secret
from v7migration.pipeline.integrate.dart.client import DUID, Place

Kind, State = DartDelivery.Kind, DartDelivery.State
MAY = frozenset({ARCHITECT, DB_TEAM_LEAD, DEV_TEAM})
BY_HAND = (Kind.REVIEW, Kind.KICKOFF)
LONGEST_LIST = 200
DECIDED = ("dart.conflict", "dart.taken")


def record(*, delivery: DartDelivery, actor: Actor, dart_id: str) -> DartDelivery:
    """Record the id of the task that a person made for a request for review, or for the kickoff of Phase 5.

    Raises:
        TransitionRefused: the person may not.
        InvalidValue: it is no id of DART.
        Refused: it was delivered or recorded before, nobody signed for it (any more), or the id belongs to something
            else.
    """
    require(actor, MAY, "record an id of DART")
    dart_id = checked(dart_id)
    if delivery.kind not in BY_HAND:
        raise Refused("The id of a task is recorded on the task's page.", "Open /tasks/.")
    try:
        with transaction.atomic(using="default"):
            lock_dart_id(dart_id, "default")
            row = DartDelivery.objects.select_for_update().get(pk=delivery.pk)
            _refuse_delivered(row)
            _refuse_moot(row)
            _refuse_used(dart_id)
            row.state, row.dart_id, row.dart_url = State.DELIVERED, dart_id, _link(dart_id)
            row.recorded_by, row.last_error = actor.username, ""
            row.delivered_at = Now()
            row.save(update_fields=["state", "dart_id", "dart_url", "recorded_by", "last_error", "delivered_at"])
            told = {"kind": row.kind, "key": row.key, "dart_id": dart_id}
            append_event(kind="dart.recorded", actor=actor.username, subject=row.subject, payload=told)
    except IntegrityError as error:
        raise Refused(f"The DART id {dart_id} is recorded for something else.", "Record the right one.") from error
    row.refresh_from_db()
    return row


def record_task(*, task: SubworkflowTask, actor: Actor, dart_id: str, seen_at: Any = None) -> SubworkflowTask:
    """Record, or with an empty id take away, the id of a tracked task that a person made in DART.

    Raises:
        TransitionRefused: neither the responsible persona nor The Architect.
        InvalidValue: it is no id of DART.
        Refused: the id belongs to something else.
        StaleForm: somebody saved the task meanwhile.
    """
    changes: dict[str, str | None] = {"dart_task_id": None, "dart_task_url": None}
    if dart_id.strip():
        dart_id = checked(dart_id)
        _refuse_used(dart_id, but=task)
        changes = {"dart_task_id": dart_id, "dart_task_url": _link(dart_id)}
    try:
        with transaction.atomic(using="default"):
            row = task_update(
                task=task, actor=actor, changes=changes, reason="The DART id was recorded by hand", seen_at=seen_at
            )
            _note_task(row, actor)
    except IntegrityError as error:
        raise Refused(f"The DART id {dart_id} is recorded for something else.", "Record the right one.") from error
    return row


def _note_task(task: SubworkflowTask, actor: Actor) -> None:
    """Let the outbox know the id that a person gave a task; without one, it has nothing of it in DART any more."""
    key, payload = f"task:{task.pk}", content.of_task(task, content.guarded())
    if not task.dart_task_id:
        DartDelivery.objects.filter(key=key).update(
            state=State.QUEUED, dart_id="", dart_url="", sent_at=None, attempts=0, next_try_at=Now(), recorded_by=""
        )
        return
    known = {"kind": Kind.TASK, "subject": str(task.pk), "payload": payload}
    row, _ = DartDelivery.objects.get_or_create(key=key, defaults=known)
    DartDelivery.objects.filter(pk=row.pk).update(
        state=State.DELIVERED, dart_id=task.dart_task_id, dart_url=task.dart_task_url or "", delivered_at=Now(),
        recorded_by=actor.username, last_error="", attempts=0,
    )  # fmt: skip
    told = {"kind": Kind.TASK, "key": key, "dart_id": task.dart_task_id}
    append_event(kind="dart.recorded", actor=actor.username, subject=str(task.pk), payload=told)


def retry(*, wanted: str, actor: Actor) -> list[DartDelivery]:
    """Queue again what was given up: one row by its number, or ``all``; return what will be tried.

    Raises:
        TransitionRefused: the person may not.
        UsageError: it is neither a number nor ``all``.
        Refused: there is no such row, or it was not given up.
    """
    require(actor, MAY, "retry a delivery to DART")
    if wanted != "all" and not (wanted.isascii() and wanted.isdigit() and len(wanted) <= 18):
        raise UsageError(f"{wanted!r} is no delivery.", "Name its number, as /dart/ shows it, or all.")
    with transaction.atomic(using="default"):
        rows = DartDelivery.objects.select_for_update().filter(state=State.DEAD)
        found = list(rows if wanted == "all" else rows.filter(pk=int(wanted)))
        if wanted != "all" and not found:
            raise Refused(f"Delivery {wanted} was not given up.", "/dart/ lists what was.")
        for row in found:
            DartDelivery.objects.filter(pk=row.pk).update(
                state=State.QUEUED, attempts=0, next_try_at=Now(), last_error=""
            )
            told = {"kind": row.kind, "key": row.key, "why": row.last_error}
            append_event(kind="dart.retried", actor=actor.username, subject=row.subject, payload=told)
    return found


def checked(dart_id: str) -> str:
    """Return an id of DART: twelve letters and digits; the address of a task is taken for its id.

    Raises:
        InvalidValue: it is none.
    """
    text = dart_id.strip()
    if "/t/" in text:
        text = text.split("/t/", 1)[1].split("-", 1)[0].strip("/")
    if not DUID.fullmatch(text):
        sentence = "A DART id is 12 letters and digits, as at the end of the task's address."
        raise InvalidValue("This is no DART id.", sentence, {"dart_id": [sentence]})
    return text


def _refuse_used(dart_id: str, *, but: SubworkflowTask | None = None) -> None:
    """Refuse an id that a delivery or a tracked task has; ``but``: the task that may have it."""
    refuse_dart_id(dart_id, but=but)
    key = f"task:{but.pk}" if but else ""
    row = DartDelivery.objects.filter(dart_id=dart_id).exclude(key=key).exclude(kind=Kind.COMMENT).first()
    if row is not None:
        raise Refused(f"The DART id {dart_id} belongs to “{row.words}”.", "Record the right one.")


def overview() -> dict[str, Any]:
    """Return what the page of DART shows: the queue, what was delivered and given up, and where the sides differ."""
    outbox.queue_review()
    outbox.queue_kickoff()
    rows = DartDelivery.objects.order_by("-id")
    by_hand = rows.filter(kind__in=BY_HAND).exclude(state=State.DELIVERED)
    links = {link.task: link for link in DartLink.objects.exclude(differences=[])}
    tasks = SubworkflowTask.objects.filter(pk__in=links)
    return {
        "is_configured": secret.is_present(),
        "origin": _origin(),
        "queued": rows.filter(state=State.QUEUED)[:LONGEST_LIST],
        "dead": rows.filter(state=State.DEAD)[:LONGEST_LIST],
        "delivered": rows.filter(state=State.DELIVERED).order_by("-delivered_at")[:LONGEST_LIST],
        "by_hand": [row for row in by_hand[:LONGEST_LIST] if not outbox.why_not(row)],
        "standing": [(task, said) for task in tasks for said in links[task.pk].differences],
        "decided": Event.objects.filter(kind__in=DECIDED).order_by("-id")[:50],
    }


def _origin() -> str:
    try:
        return Place.configured().origin
    except V7Error:
        return ""


def _link(dart_id: str) -> str:
    origin = _origin()
    return f"{origin}/t/{dart_id}" if origin else ""


def _refuse_delivered(row: DartDelivery) -> None:
    if row.state == State.DELIVERED:
        raise Refused(f"It is task {row.dart_id} already.", "Load the page again.")


def _refuse_moot(row: DartDelivery) -> None:
    if why := outbox.why_not(row):
        raise Refused(why, "Load the page again.")
