"""Runs, their steps, and the append-only log of events: to read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import FilterLookup, FilterSchema, Query, Router, Schema
from pydantic import ConfigDict, Field

from tracking.api.lists import Ordered, Page, page
from tracking.api.values import Moment, Short
from v7migration.api.problems import answers
from v7migration.ledger.models import Event, Run, RunState

router = Router(tags=["workflow"])
events = Router(tags=["workflow"])
EVENT_PERMISSION = "ledger.view_event"
BIGGEST = 2**63 - 1


class RunOut(Schema):
    """One execution of a changeset, or one rollback of an execution."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "5b6f3c0e-52a1-4c6f-9c53-0d6f0a4f2d11",
                    "changeset": "3f" * 32,
                    "kind": "execute",
                    "undoes": None,
                    "operator": "lena",
                    "state": "finished",
                    "started_at": "2026-11-23T04:00:00.123456+00:00",
                    "finished_at": "2026-11-23T04:01:00.654321+00:00",
                    "populated": True,
                }
            ]
        }
    )

    id: UUID
    changeset: str = Field(validation_alias="changeset_id")
    kind: str = Field(description="execute or rollback")
    undoes: UUID | None = Field(validation_alias="undoes_id", description="the execution that a rollback takes back")
    operator: str
    state: str
    started_at: datetime
    finished_at: datetime | None
    populated: bool = Field(description="the rows are in the target since this run")


class StepOut(Schema):
    """One attempt at one step."""

    key: str
    section: int
    title: str
    attempt: int
    state: str
    started_at: datetime
    finished_at: datetime | None
    milliseconds: float | None
    detail: Any = Field(description="error with SQLSTATE and line, waits, notices")


class RunDetail(RunOut):
    """A run with its steps and its proofs."""

    steps: list[StepOut]
    report: Any = Field(description="integrity proof, the document's queries, differences")


class RunFilters(FilterSchema):
    """By state, kind and operator."""

    state: RunState | None = None
    kind: Run.Kind | None = None
    operator: Short | None = None


class RunOrder(Ordered):
    """How runs are sorted."""

    order: Literal["started_at", "-started_at"] = "-started_at"


@router.get("", response=answers(Page[RunOut]), operation_id="list_runs", summary="List the runs")
def run_list(request: HttpRequest, filters: Query[RunFilters], paging: Query[RunOrder]) -> dict[str, Any]:
    """Return the runs, newest first."""
    return page(filters.filter(Run.objects.all()), paging)


@router.get("/{run_id}", response=answers(RunDetail, 404), operation_id="read_run", summary="Read a run")
def run_detail(request: HttpRequest, run_id: UUID) -> Any:
    """Return one run with every attempt at every step, and its proofs."""
    run = get_object_or_404(Run, pk=run_id)
    fields = {name: getattr(run, name) for name in ("id", "changeset_id", "kind", "undoes_id", "operator", "state")}
    times = {name: getattr(run, name) for name in ("started_at", "finished_at", "populated", "report")}
    return {**fields, **times, "steps": list(run.steps.all())}


class EventOut(Schema):
    """One line of the append-only log."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": 41,
                    "at": "2026-11-23T04:00:00.123456+00:00",
                    "kind": "signature.approved",
                    "actor": "lena",
                    "subject": "changeset:3f3f",
                    "payload": {"seat": "script-review"},
                }
            ]
        }
    )

    id: int
    at: datetime
    kind: str
    actor: str
    subject: str
    payload: Any


class EventFilters(FilterSchema):
    """By kind, actor, subject, time, and what came after a known event."""

    kind: Short | None = None
    actor: Short | None = None
    subject: Short | None = None
    since: Annotated[Moment | None, FilterLookup("at__gte")] = None
    after: Annotated[
        int | None, Field(ge=0, le=BIGGEST, description="only events with a larger id"), FilterLookup("id__gt")
    ] = None


class EventOrder(Ordered):
    """How events are sorted."""

    order: Literal["id", "-id"] = "-id"


@events.get("", response=answers(Page[EventOut], 403), operation_id="list_events", summary="List the events")
def event_list(request: HttpRequest, filters: Query[EventFilters], paging: Query[EventOrder]) -> dict[str, Any]:
    """Return the append-only log, newest first; for people who may view events in the admin, too."""
    if not request.user.has_perm(EVENT_PERMISSION):
        raise PermissionDenied("Your account may not view the events.")
    return page(filters.filter(Event.objects.all()), paging)
