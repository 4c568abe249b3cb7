"""Tasks: moved by whoever is responsible; started and completed once what they wait for is completed.

The document's tasks have evidence of their own (:attr:`SubworkflowTask.is_proven`): they complete from it, not by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import connections

from tracking import catalogue
from tracking.actors import ARCHITECT, Actor, meant_by, require
from tracking.choices import TaskStatus
from tracking.machines import TASK
from tracking.models import Phase, SubworkflowTask
from tracking.services.writing import change, locked, transition, writing
from v7migration.errors import InvalidValue, Refused, TransitionRefused

EDITABLE = frozenset({"notes", "deliverable_urls", "dart_task_id", "dart_task_url"})
PLANNED = EDITABLE | {"task_number", "task_name", "responsible_persona", "dependencies"}
Record = Callable[[SubworkflowTask, datetime], None]


def _responsible(task: SubworkflowTask) -> frozenset[str]:
    return meant_by(task.responsible_persona)


def _responsible_or_architect(task: SubworkflowTask) -> frozenset[str]:
    return meant_by(task.responsible_persona) | {ARCHITECT}


def open_dependencies(task: SubworkflowTask) -> list[SubworkflowTask]:
    """Return the tasks this one still waits for, in order."""
    waited_for = SubworkflowTask.objects.filter(pk__in=task.dependencies).exclude(status=TaskStatus.COMPLETED)
    return list(waited_for)


def _waits_for(task: SubworkflowTask) -> str:
    names = [f"{row.document_number} {row.task_name}" for row in open_dependencies(task)]
    return f"it waits for {'; '.join(names)}" if names else "it waits for a task that does not exist"


def _move(
    name: str,
    task: SubworkflowTask,
    actor: Actor,
    reason: str,
    seen_at: datetime | None,
    then: Record | None = None,
    personas: Callable[[SubworkflowTask], frozenset[str]] | None = _responsible,
) -> SubworkflowTask:
    return transition(
        row=task,
        machine=TASK,
        name=name,
        actor=actor,
        reason=reason,
        personas=personas,
        seen_at=seen_at,
        then=then,
        why_not=_waits_for,
    )


def _refuse_by_hand(task: SubworkflowTask, name: str) -> None:
    if task.is_proven:
        raise TransitionRefused(
            f"“{task}” completes from its evidence; nobody can {name} it by hand.",
            "Its page lists what is there and what is missing.",
        )


def _begun(row: SubworkflowTask, now: datetime) -> None:
    row.started_at = row.started_at or now


def _ended(row: SubworkflowTask, now: datetime) -> None:
    row.completed_at = now


def _free(row: SubworkflowTask, now: datetime) -> None:
    row.blockers = []


def task_start(
    *, task: SubworkflowTask, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> SubworkflowTask:
    """Start a task whose dependencies are completed (responsible persona)."""
    return _move("start", task, actor, reason, seen_at, _begun)


def task_block(*, task: SubworkflowTask, actor: Actor, reason: str, seen_at: datetime | None = None) -> SubworkflowTask:
    """Block a task; the reason joins its blockers (responsible persona)."""

    def record(row: SubworkflowTask, now: datetime) -> None:
        row.blockers = [*row.blockers, reason]

    return _move("block", task, actor, reason, seen_at, record)


def task_unblock(
    *, task: SubworkflowTask, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> SubworkflowTask:
    """Free a blocked task: it goes on if it had begun, and waits again if it had not (responsible persona)."""
    current = SubworkflowTask.objects.filter(pk=task.pk).values_list("started_at", flat=True).first()
    return _move("resume" if current else "unblock", task, actor, reason, seen_at, _free)


def task_submit(
    *, task: SubworkflowTask, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> SubworkflowTask:
    """Hand a task's result over for review (responsible persona).

    Raises:
        TransitionRefused: also for a task that completes from its evidence.
    """
    _refuse_by_hand(task, "submit")
    return _move("submit", task, actor, reason, seen_at)


def task_send_back(
    *, task: SubworkflowTask, actor: Actor, reason: str, seen_at: datetime | None = None
) -> SubworkflowTask:
    """Return a task from review to work, with a reason (responsible persona or The Architect)."""
    return _move("send_back", task, actor, reason, seen_at, None, _responsible_or_architect)


def task_complete(
    *, task: SubworkflowTask, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> SubworkflowTask:
    """Complete a reviewed task (responsible persona).

    Raises:
        TransitionRefused: also for a task that completes from its evidence.
    """
    _refuse_by_hand(task, "complete")
    return _move("complete", task, actor, reason, seen_at, _ended)


def task_carry(*, task: SubworkflowTask, actor: Actor, reason: str, is_complete: bool) -> SubworkflowTask:
    """Take a task as far as its evidence carries it: started by the first piece, completed by the last.

    No persona is asked for: each piece of evidence was left by a person who may. A task that people blocked, deferred
    or cancelled stays where it is.

    Args:
        actor: who left the newest piece of the evidence.
        reason: what the evidence is, for the history.
        is_complete: every piece is there.

    Raises:
        TransitionRefused: it waits for another task, or somebody moved it at this moment.
        Fenced: the rows are being moved.
    """
    steps: dict[str, tuple[str, Record | None]] = {TaskStatus.PENDING: ("start", _begun)}
    if is_complete:
        steps |= {TaskStatus.IN_PROGRESS: ("submit", None), TaskStatus.REVIEW: ("complete", _ended)}
    with writing(actor=actor, reason=reason):
        while step := steps.get(task.status):
            task = _move(step[0], task, actor, reason, None, step[1], None)
    return task


def task_take_back(*, task: SubworkflowTask, actor: Actor, reason: str) -> SubworkflowTask:
    """Set a task back to the waiting ones, because the run that was its evidence was taken back.

    No persona is asked for: who took the run back had the right to. ``actor`` is that person.

    Raises:
        TransitionRefused: somebody moved it at this moment.
        Fenced: the rows are being moved.
    """

    def record(row: SubworkflowTask, now: datetime) -> None:
        row.started_at = row.completed_at = None

    return _move("take_back", task, actor, reason, None, record, None)


def task_cancel(
    *, task: SubworkflowTask, actor: Actor, reason: str, seen_at: datetime | None = None
) -> SubworkflowTask:
    """Give a task up for good, with a reason (responsible persona or The Architect)."""
    return _move("cancel", task, actor, reason, seen_at, None, _responsible_or_architect)


def task_defer(*, task: SubworkflowTask, actor: Actor, reason: str, seen_at: datetime | None = None) -> SubworkflowTask:
    """Put a task off, with a reason (responsible persona or The Architect)."""
    return _move("defer", task, actor, reason, seen_at, _free, _responsible_or_architect)


def task_reopen(
    *, task: SubworkflowTask, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> SubworkflowTask:
    """Take a deferred task up again (responsible persona or The Architect)."""
    return _move("reopen", task, actor, reason, seen_at, None, _responsible_or_architect)


def task_create(*, actor: Actor, parent_phase: int, reason: str = "", **content: Any) -> SubworkflowTask:
    """Plan a task of a phase (its lead or The Architect); ``content`` holds its fields (see ``PLANNED``).

    Raises:
        TransitionRefused: wrong persona.
        InvalidValue: no such phase or dependency, or an invalid value.
        Refused: the phase has a task of this number.
    """
    with writing(actor=actor, reason=reason) as alias:
        phase = Phase.objects.using(alias).filter(phase_number=parent_phase).first()
        if phase is None:
            raise InvalidValue(f"There is no phase {parent_phase}.", "Phases are 1 to 7.")
        require(actor, meant_by(phase.lead_persona) | {ARCHITECT}, f"plan a task of “{phase}”")
        task = SubworkflowTask(parent_phase=phase)
        change(task, content, PLANNED)
        _refuse_unknown_dependencies(task)
        task.save()
    return task


def _refuse_unknown_dependencies(task: SubworkflowTask) -> None:
    wanted = set(task.dependencies)
    known = set(SubworkflowTask.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    if unknown := sorted(str(key) for key in wanted - known):
        raise InvalidValue(f"There is no task {', '.join(unknown)}.", "Name tasks by their ids.")


def task_delete(*, task: SubworkflowTask, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> None:
    """Delete a task that was planned by mistake; its history keeps it. Any other is cancelled, not deleted.

    Raises:
        TransitionRefused: wrong persona, or the task began, is one of the document's, or another waits for it.
        StaleForm: somebody saved it after it was read.
    """
    with writing(actor=actor, reason=reason) as alias:
        row = locked(task, alias, seen_at=seen_at)
        require(actor, meant_by(row.parent_phase.lead_persona) | {ARCHITECT}, f"delete “{row}”")
        begun = row.status != TaskStatus.PENDING or row.started_at is not None
        waited_for = SubworkflowTask.objects.filter(dependencies__contains=[row.pk]).exists()
        if begun or waited_for or catalogue.entry(row.parent_phase_id, row.task_number):
            why = "began" if begun else "is waited for by another" if waited_for else "is one of the document's"
            raise TransitionRefused(f"“{row}” {why} and cannot be deleted.", "Cancel it, with a reason.")
        row.delete(using=alias)


def task_update(
    *,
    task: SubworkflowTask,
    actor: Actor,
    changes: Mapping[str, Any],
    reason: str = "",
    seen_at: datetime | None = None,
) -> SubworkflowTask:
    """Change notes, deliverables or the DART link of a task (responsible persona or The Architect).

    Raises:
        Refused: a field that is not one of these, or an invalid value.
    """
    with writing(actor=actor, reason=reason) as alias:
        row = locked(task, alias, seen_at=seen_at)
        require(actor, _responsible_or_architect(row), f"change “{row}”")
        _refuse_used(row, str(changes.get("dart_task_id") or ""), alias)
        change(row, changes, EDITABLE)
        row.save()
    return row


def task_link(*, task: SubworkflowTask, username: str, dart_task_id: str, dart_task_url: str) -> SubworkflowTask:
    """Record the id and the address that DART gave a task. No persona is asked: it is what DART answered.

    Args:
        username: who delivered it, empty for a process without a person.

    Raises:
        Refused: another task has the id.
        Fenced: the rows are being moved.
    """
    with writing(actor=Actor(username), reason="Delivered to DART") as alias:
        row = locked(task, alias)
        _refuse_used(row, dart_task_id, alias)
        change(row, {"dart_task_id": dart_task_id, "dart_task_url": dart_task_url}, EDITABLE)
        row.save()
    return row


def _refuse_used(task: SubworkflowTask, dart_task_id: str, alias: str) -> None:
    if dart_task_id:
        lock_dart_id(dart_task_id, alias)
        refuse_dart_id(dart_task_id, but=task)


def lock_dart_id(dart_task_id: str, alias: str) -> None:
    """Let two who record an id of DART at the same moment wait for each other, until the transaction ends."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"tracking.dart:{dart_task_id}"])


def refuse_dart_id(dart_task_id: str, *, but: SubworkflowTask | None) -> None:
    """Refuse an id of DART that a task has; ``but``: the one that may have it.

    Raises:
        Refused: another task has it.
    """
    others = SubworkflowTask.objects.filter(dart_task_id=dart_task_id)
    other = (others.exclude(pk=but.pk) if but else others).first()
    if other is not None:
        raise Refused(f"“{other}” has the DART id {dart_task_id} already.", "Each task has an id of its own.")
