"""Both sides of a task: who changed what since they were last compared, and whose word holds.

The tables win on state, and both values are shown. Where only DART changed a state, it comes into the table as the
operator, through the same transitions and personas as everywhere. Title and start are the table's; tags of people and
a due date are DART's; an assignee that people chose in DART stays until the table names another persona.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from tracking import services
from tracking.actors import Actor, meant_by
from tracking.choices import TaskStatus
from tracking.machines import TASK
from tracking.models import SubworkflowTask
from tracking.services.writing import writing
from v7migration.errors import Refused, StaleForm, TransitionRefused
from v7migration.ledger.models import DartLink
from v7migration.ledger.services import append_event
from v7migration.pipeline.integrate.dart import content
from v7migration.pipeline.integrate.dart.client import Seen, Workspace

TABLE, DART = "table", "DART"
NOBODY = "Nobody took it over: run v7_integrate dart --as a holder of {persona}."

OF_A_ROLLBACK = frozenset({"take_back"})
"""Transitions that no person makes."""


@dataclass
class Comparison:
    """What follows from two sides: fields to send, a state to take, and what is said of each difference.

    ``said`` holds {``field``, ``table``, ``dart``, ``kept`` (table, DART or empty: nobody decided yet), ``why``}.
    """

    push: dict[str, Any] = field(default_factory=dict)
    take: str = ""
    said: list[dict[str, str]] = field(default_factory=list)

    def differ(self, name: str, table: Any, dart: Any, kept: str, why: str) -> None:
        """Note a difference that a person made in DART."""
        self.said.append({"field": name, "table": _shown(table), "dart": _shown(dart), "kept": kept, "why": why})


def compare(
    task: SubworkflowTask,
    payload: content.Payload,
    seen: Seen,
    link: DartLink | None,
    workspace: Workspace,
    actor: Actor | None,
) -> Comparison:
    """Compare a task with its twin in DART.

    Args:
        payload: the task as the table has it (:func:`content.of_task`).
        link: what both sides said last time; None: they were never compared, so every difference is a conflict.
        actor: who would take a state over.
    """
    found = Comparison()
    _state(found, task, payload, seen, link, workspace, actor)
    _title_and_start(found, payload, seen, link)
    tags = content.merged_tags(payload["tags"], seen.tags)
    if set(tags) != set(seen.tags):
        found.push["tags"] = tags
    _people(found, payload, seen, link, workspace)
    return found


def _state(
    found: Comparison,
    task: SubworkflowTask,
    payload: content.Payload,
    seen: Seen,
    link: DartLink | None,
    workspace: Workspace,
    actor: Actor | None,
) -> None:
    wanted = content.status_title(payload["status"], workspace.statuses)
    if wanted in ("", seen.status):
        return
    they_changed = link is None or seen.status != link.in_dart["status"]
    we_changed = link is None or payload["status"] != link.in_table["status"]
    if they_changed and not we_changed:
        taken, why = _takeable(task, payload["status"], seen.status, actor)
        if taken:
            found.take = taken
            found.differ("status", payload["status"], seen.status, DART, why)
            return
        if not why:
            found.differ("status", payload["status"], seen.status, "", NOBODY.format(persona=task.responsible_persona))
            return
        found.differ("status", payload["status"], seen.status, TABLE, why)
    elif they_changed:
        found.differ("status", payload["status"], seen.status, TABLE, "Both sides changed it: the table wins on state.")
    found.push["status"] = wanted


def _takeable(task: SubworkflowTask, status: str, title: str, actor: Actor | None) -> tuple[str, str]:
    """Return the state that a status of DART asks for, and why; no state: the table wins; neither: nobody may."""
    if task.is_proven:
        return "", "The state follows the evidence."
    meant = [target for target in content.statuses_meant(title) if way(status, target)]
    if not meant:
        return "", f"No transition leads from {status} to “{title}”."
    if actor is None or not actor.holds_any(meant_by(task.responsible_persona)):
        return "", ""
    return meant[0], f"Only DART changed it: taken as {actor.username}."


def way(start: str, end: str) -> list[str]:
    """Return the names of the transitions that lead from one state to another, the fewest; empty where none does.

    Nothing passes through a state that ends, is blocked or put off on its way to another.
    """
    queue, known = deque([(start, [])]), {start}  # type: ignore[var-annotated]
    aside = {TaskStatus.BLOCKED, TaskStatus.DEFERRED, TaskStatus.CANCELLED}
    while queue:
        state, names = queue.popleft()
        if state == end:
            return names
        if state in aside and state != start:
            continue
        for jump in TASK.jumps:
            if jump.source == state and jump.target not in known and jump.name not in OF_A_ROLLBACK:
                known.add(jump.target)
                queue.append((jump.target, [*names, jump.name]))
    return []


def take(
    found: Comparison, task: SubworkflowTask, actor: Actor | None, seen: Seen, workspace: Workspace
) -> content.Payload:
    """Bring a task into the state that DART asks for, in one transaction, and return what the table says then.

    A refusal (another task must come first, the row moved meanwhile) leaves the table as it is: its state is sent.
    """
    assert actor is not None  # noqa: S101 (compare offers nothing to take without one)
    reason, target = f"In DART it is “{seen.status}” ({seen.url})", found.take
    said = next(said for said in found.said if said["field"] == "status")
    try:
        with writing(actor=actor, reason=reason):
            moved = task
            for name in way(task.status, target):
                move = services.task_unblock if name in ("unblock", "resume") else getattr(services, f"task_{name}")
                moved = move(task=moved, actor=actor, reason=reason)
    except (TransitionRefused, StaleForm, Refused) as error:
        task.refresh_from_db()
        said |= {"kept": TABLE, "why": error.message}
        found.push["status"] = content.status_title(task.status, workspace.statuses)
        return content.of_task(task, content.guarded())
    append_event(
        kind="dart.taken", actor=actor.username, subject=str(task.pk), payload={**said, "title": str(task)}
    )  # fmt: skip
    return content.of_task(moved, content.guarded())


def _title_and_start(found: Comparison, payload: content.Payload, seen: Seen, link: DartLink | None) -> None:
    for name, theirs in (("title", seen.title), ("start_at", seen.start_at)):
        if not payload[name] or payload[name] == theirs:
            continue
        found.push[name] = payload[name]
        if link is None or theirs != link.in_dart[name]:
            found.differ(name, payload[name], theirs, TABLE, "It is kept in the table, and sent again.")


def _people(
    found: Comparison, payload: content.Payload, seen: Seen, link: DartLink | None, workspace: Workspace
) -> None:
    wanted = content.assignees(payload["persona"], workspace)
    there = content.known_as(seen.assignees, workspace)
    if not wanted or (there and set(there) <= set(wanted)):
        return
    if link is None or payload["persona"] != link.in_table["persona"]:
        found.push |= content.assigned(wanted, seen.several)
        return
    found.differ("assignee", payload["persona"], ", ".join(seen.assignees), DART, "People chose it in DART: it stays.")


def keep(task: SubworkflowTask, payload: content.Payload, seen: Seen, found: Comparison) -> None:
    """Keep what both sides say now, with the differences that stand; those that the table won become events."""
    with transaction.atomic(using="default"):
        standing = [s for s in found.said if not s["kept"] or (s["kept"] == DART and s["field"] != "status")]
        known = DartLink.objects.filter(pk=task.pk).first()
        in_dart = seen.as_dict()
        if any(said["field"] == "status" and not said["kept"] for said in found.said) and known is not None:
            in_dart["status"] = known.in_dart["status"]  # nobody decided: it is still DART's change
        DartLink.objects.update_or_create(
            task=task.pk,
            defaults={
                "dart_id": seen.duid, "in_table": payload, "in_dart": in_dart, "differences": standing,
                "compared_at": Now(),
            },
        )  # fmt: skip
        for said in found.said:
            if said["kept"] == TABLE:
                told = {**said, "title": str(task)}
                append_event(kind="dart.conflict", subject=str(task.pk), payload=told)


def _shown(value: Any) -> str:
    return str(value) if value not in (None, "") else "nothing"
