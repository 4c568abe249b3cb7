"""Tasks for programs: planned, read, changed, moved; deleted only while nothing came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import FilterLookup, FilterSchema, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from tracking import services
from tracking.api.acts import Change, ConfirmVoids, Move, ReasonQuery, SeenQuery, ask_before_voiding, moved
from tracking.api.histories import HistoryFilters, HistoryOrder, VersionOut, history_page
from tracking.api.lists import Ordered, Page, page
from tracking.api.values import (
    BIGGEST,
    MANY,
    DartId,
    Lines,
    Moment,
    Name,
    Reason,
    Short,
    ShortName,
    Text,
    Url,
    left_out,
)
from tracking.choices import TaskStatus
from tracking.models import SubworkflowTask
from tracking.views.acting import actor_of
from tracking.views.tasks import SERVICES
from v7migration.api.problems import WRITING, answers

router = Router(tags=["tasks"])
PhaseNumber = Annotated[int, Field(ge=1, le=7)]
Transition = Literal["start", "block", "unblock", "submit", "send_back", "complete", "cancel", "defer", "reopen"]
PLAN: dict[str, Any] = {
    "parent_phase": 5,
    "task_number": 1,
    "task_name": "Map the services to the new ENUM types",
    "responsible_persona": "Dev Team",
    "notes": "Begin with the models.",
}
EXAMPLE: dict[str, Any] = {
    **PLAN,
    "id": "7d0e1f4c-8a55-4c0b-b7c1-0a1b2c3d4e5f",
    "document_number": "5.1",
    "status": "pending",
    "dart_task_id": None,
    "dart_task_url": None,
    "started_at": None,
    "completed_at": None,
    "blockers": [],
    "dependencies": [],
    "deliverable_urls": [],
    "created_at": "2026-11-23T04:00:00.123456+00:00",
    "updated_at": "2026-11-23T04:00:00.123456+00:00",
}


class TaskOut(Schema):
    """A row of v7_subworkflow_tasks."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    parent_phase: int = Field(validation_alias="parent_phase_id")
    task_number: int
    document_number: str = Field(description="the number in the phase document, such as 2.1.1")
    task_name: str
    responsible_persona: str
    status: TaskStatus
    dart_task_id: str | None
    dart_task_url: str | None
    started_at: datetime | None
    completed_at: datetime | None
    blockers: list[str]
    dependencies: list[UUID]
    deliverable_urls: list[str]
    notes: str
    created_at: datetime
    updated_at: datetime


class TaskPlan(Schema):
    """A new task of a phase."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [PLAN]})

    parent_phase: Annotated[int, Field(ge=1, le=7, strict=True)]
    task_number: Annotated[int, Field(ge=1, le=BIGGEST, strict=True)]
    task_name: Name
    responsible_persona: ShortName
    dependencies: Annotated[list[UUID], Field(max_length=MANY)] = []
    deliverable_urls: Lines = []
    notes: Text = ""
    dart_task_id: DartId | None = None
    dart_task_url: Url | None = None
    reason: Reason = ""


class TaskChange(Change):
    """What may be changed of a task by whoever is responsible for it, or by The Architect."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"updated_at": EXAMPLE["updated_at"], "notes": "The models are done."}]}
    )

    notes: Text = left_out()
    deliverable_urls: Lines = left_out()
    dart_task_id: DartId | None = left_out()
    dart_task_url: Url | None = left_out()


class TaskFilters(FilterSchema):
    """By phase, state, persona, words and the last change."""

    phase: Annotated[PhaseNumber | None, FilterLookup("parent_phase_id")] = None
    status: TaskStatus | None = None
    responsible_persona: Annotated[Short | None, FilterLookup("responsible_persona__icontains")] = None
    q: Annotated[Short | None, Field(description="the name contains this"), FilterLookup("task_name__icontains")] = None
    updated_since: Annotated[Moment | None, FilterLookup("updated_at__gte")] = None


class TaskOrder(Ordered):
    """How tasks are sorted."""

    order: Literal["number", "-number", "task_name", "-task_name", "status", "-status", "updated_at", "-updated_at"] = (
        "number"
    )


@router.get("", response=answers(Page[TaskOut]), operation_id="list_tasks", summary="List the tasks")
def task_list(request: HttpRequest, filters: Query[TaskFilters], paging: Query[TaskOrder]) -> dict[str, Any]:
    """Return the tasks of all phases, or those that the filters leave."""
    return page(filters.filter(SubworkflowTask.objects.all()), paging, {"number": ("parent_phase_id", "task_number")})


@router.post("", response=answers(TaskOut, *WRITING, status=201), operation_id="create_task", summary="Plan a task")
def task_create(request: HttpRequest, plan: TaskPlan, confirm_voids: ConfirmVoids = False) -> Status[Any]:
    """Plan a task of a phase, as its lead or The Architect."""
    ask_before_voiding(SubworkflowTask, confirm_voids)
    content = plan.model_dump(exclude={"parent_phase", "reason"})
    task = services.task_create(actor=actor_of(request), parent_phase=plan.parent_phase, reason=plan.reason, **content)
    return Status(201, task_read(request, task.pk))


@router.get("/{task_id}", response=answers(TaskOut, 404), operation_id="read_task", summary="Read a task")
def task_read(request: HttpRequest, task_id: UUID) -> SubworkflowTask:
    """Return one task."""
    return get_object_or_404(SubworkflowTask, pk=task_id)


@router.get(
    "/{task_id}/history",
    response=answers(Page[VersionOut], 404),
    operation_id="read_task_history",
    summary="Read the history of a task",
)
def task_history(
    request: HttpRequest, task_id: UUID, filters: Query[HistoryFilters], paging: Query[HistoryOrder]
) -> dict[str, Any]:
    """Return every version of a task, newest first; also of a deleted one."""
    return history_page(SubworkflowTask, task_id, filters, paging)


@router.patch("/{task_id}", response=answers(TaskOut, *WRITING), operation_id="update_task", summary="Change a task")
def task_update(
    request: HttpRequest, task_id: UUID, change: TaskChange, confirm_voids: ConfirmVoids = False
) -> SubworkflowTask:
    """Change notes, deliverables or the DART link of a task; its state moves by transitions only."""
    task, content = task_read(request, task_id), change.content
    ask_before_voiding(SubworkflowTask, confirm_voids, content)
    services.task_update(
        task=task, actor=actor_of(request), changes=content, reason=change.reason, seen_at=change.updated_at
    )
    return task_read(request, task_id)


@router.delete(
    "/{task_id}", response=answers(None, 403, 404, 412, status=204), operation_id="delete_task", summary="Delete a task"
)
def task_delete(
    request: HttpRequest,
    task_id: UUID,
    updated_at: SeenQuery = None,
    reason: ReasonQuery = "",
    confirm_voids: ConfirmVoids = False,
) -> Status[None]:
    """Delete a task that was planned by mistake: nothing came of it, none waits for it. Any other is cancelled."""
    task = task_read(request, task_id)
    ask_before_voiding(SubworkflowTask, confirm_voids)
    services.task_delete(task=task, actor=actor_of(request), reason=reason, seen_at=updated_at)
    return Status(204, None)


@router.post(
    "/{task_id}/{transition}", response=answers(TaskOut, *WRITING), operation_id="move_task", summary="Move a task"
)
def task_move(request: HttpRequest, task_id: UUID, transition: Transition, move: Move) -> SubworkflowTask:
    """Make a transition, as whoever is responsible. Tasks 2.1.1 to 2.1.3 complete from their evidence only."""
    moved(request, SERVICES[transition], move, task=task_read(request, task_id))
    return task_read(request, task_id)
