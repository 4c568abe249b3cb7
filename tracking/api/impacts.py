"""Impacts for programs: filed, read, changed until approved, moved, deleted while pending."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import Q
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import FilterLookup, FilterSchema, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from tracking import services
from tracking.api.acts import Change, ConfirmVoids, Move, ReasonQuery, SeenQuery, ask_before_voiding, moved
from tracking.api.histories import HistoryFilters, HistoryOrder, VersionOut, history_page
from tracking.api.lists import Ordered, Page, by_severity, page
from tracking.api.values import Document, Moment, Names, Number, Numbers, Reason, Short, Text, Words, left_out
from tracking.choices import ChangeType, ImpactStatus, Risk
from tracking.models import GlobalImpact
from tracking.views.acting import actor_of
from tracking.views.impacts import SERVICES
from v7migration.api.problems import WRITING, answers
from v7migration.pipeline import coverage

router = Router(tags=["impacts"])
Transition = Literal["review", "approve", "reject", "implement"]
FILED: dict[str, Any] = {
    "change_type": "enum",
    "impact_description": "Two status types become one.",
    "change_detail": {"tables": ["companies"]},
    "affected_workflows": ["WF4"],
    "affected_layers": [1, 2],
    "risk_assessment": "high",
    "mitigation_strategy": "Cast in the services first.",
}
EXAMPLE: dict[str, Any] = {
    **FILED,
    "id": "9b1f6a34-2c71-4c0e-8a8e-5f4e3d2c1b0a",
    "reviewed_by_personas": [],
    "approval_status": "pending",
    "implementation_notes": "",
    "created_at": "2026-11-23T04:00:00.123456+00:00",
    "updated_at": "2026-11-23T04:00:00.123456+00:00",
}


class ImpactOut(Schema):
    """A row of v7_global_impacts."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    change_type: ChangeType
    change_detail: dict[str, Any]
    affected_workflows: list[str]
    affected_layers: list[int]
    impact_description: str
    risk_assessment: Risk
    mitigation_strategy: str
    reviewed_by_personas: list[str]
    approval_status: ImpactStatus
    implementation_notes: str
    created_at: datetime
    updated_at: datetime


class BusinessImpact(Schema):
    """What an impact means for workflows, said by the persona of each."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"said": {"WF4": "Domains are curated an hour later."}}]}
    )

    said: Annotated[dict[str, Words], Field(min_length=1, max_length=50, description="the text by the workflow")]


class ImpactFiled(Schema):
    """A new impact; layers and workflows are registered ones."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [FILED]})

    change_type: ChangeType
    impact_description: Words
    change_detail: Document = {}
    affected_workflows: Names = []
    affected_layers: Numbers = []
    risk_assessment: Risk = Risk.MEDIUM
    mitigation_strategy: Text = ""
    implementation_notes: Text = ""
    reason: Reason = ""


class ImpactChange(Change):
    """What may be changed until the impact is approved; afterwards only the implementation notes."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"updated_at": EXAMPLE["updated_at"], "risk_assessment": "medium"}]}
    )

    change_type: ChangeType = left_out()
    impact_description: Words = left_out()
    change_detail: Document = left_out()
    affected_workflows: Names = left_out()
    affected_layers: Numbers = left_out()
    risk_assessment: Risk = left_out()
    mitigation_strategy: Text = left_out()
    implementation_notes: Text = left_out()


class ImpactFilters(FilterSchema):
    """By change, risk, state, layer, workflow, words and the last change."""

    change_type: ChangeType | None = None
    risk_assessment: Risk | None = None
    approval_status: ImpactStatus | None = None
    layer: Number | None = None
    workflow: Short | None = None
    q: Annotated[
        Short | None, Field(description="the description contains this"), FilterLookup("impact_description__icontains")
    ] = None
    updated_since: Annotated[Moment | None, FilterLookup("updated_at__gte")] = None

    def filter_layer(self, value: int | None) -> Q:
        """Return the impacts that affect a layer."""
        return Q() if value is None else Q(affected_layers__contains=[value])

    def filter_workflow(self, value: str | None) -> Q:
        """Return the impacts that affect a workflow."""
        return Q() if value is None else Q(affected_workflows__contains=[value])


class ImpactOrder(Ordered):
    """How impacts are sorted; risks by how bad they are."""

    order: Literal["created_at", "-created_at", "updated_at", "-updated_at", "risk", "-risk"] = "-created_at"


@router.get("", response=answers(Page[ImpactOut]), operation_id="list_impacts", summary="List the impacts")
def impact_list(request: HttpRequest, filters: Query[ImpactFilters], paging: Query[ImpactOrder]) -> dict[str, Any]:
    """Return the impacts, newest first."""
    return page(filters.filter(GlobalImpact.objects.all()), paging, {"risk": (by_severity("risk_assessment"),)})


@router.post(
    "", response=answers(ImpactOut, *WRITING, status=201), operation_id="create_impact", summary="File an impact"
)
def impact_create(request: HttpRequest, filed: ImpactFiled, confirm_voids: ConfirmVoids = False) -> Status[Any]:
    """File an impact, as a guardian, a workflow persona, the DB Team Lead or The Architect.

    One that covers accepted changes (``changes`` in ``change_detail``) is filed by the guardians of its layers.
    """
    ask_before_voiding(GlobalImpact, confirm_voids)
    content = filed.model_dump(exclude={"reason"})
    assessed = coverage.assessed_in(content["change_detail"])
    impact = coverage.file_impact(actor=actor_of(request), assessed=assessed, content=content, reason=filed.reason)
    return Status(201, impact_read(request, impact.pk))


@router.get("/{impact_id}", response=answers(ImpactOut, 404), operation_id="read_impact", summary="Read an impact")
def impact_read(request: HttpRequest, impact_id: UUID) -> GlobalImpact:
    """Return one impact."""
    return get_object_or_404(GlobalImpact, pk=impact_id)


@router.get(
    "/{impact_id}/history",
    response=answers(Page[VersionOut], 404),
    operation_id="read_impact_history",
    summary="Read the history of an impact",
)
def impact_history(
    request: HttpRequest, impact_id: UUID, filters: Query[HistoryFilters], paging: Query[HistoryOrder]
) -> dict[str, Any]:
    """Return every version of an impact, newest first; also of a deleted one."""
    return history_page(GlobalImpact, impact_id, filters, paging)


@router.patch(
    "/{impact_id}", response=answers(ImpactOut, *WRITING), operation_id="update_impact", summary="Change an impact"
)
def impact_update(
    request: HttpRequest, impact_id: UUID, change: ImpactChange, confirm_voids: ConfirmVoids = False
) -> GlobalImpact:
    """Change what an impact says, until it is approved."""
    impact, content = impact_read(request, impact_id), change.content
    ask_before_voiding(GlobalImpact, confirm_voids, content)
    coverage.amend_impact(
        impact=impact, actor=actor_of(request), changes=content, reason=change.reason, seen_at=change.updated_at
    )
    return impact_read(request, impact_id)


@router.delete(
    "/{impact_id}",
    response=answers(None, 403, 404, 412, status=204),
    operation_id="delete_impact",
    summary="Delete an impact",
)
def impact_delete(
    request: HttpRequest,
    impact_id: UUID,
    updated_at: SeenQuery = None,
    reason: ReasonQuery = "",
    confirm_voids: ConfirmVoids = False,
) -> Status[None]:
    """Delete a pending impact; its history keeps it. One that is in review or decided stays."""
    impact = impact_read(request, impact_id)
    ask_before_voiding(GlobalImpact, confirm_voids)
    services.impact_delete(impact=impact, actor=actor_of(request), reason=reason, seen_at=updated_at)
    return Status(204, None)


@router.post(
    "/{impact_id}/business-impact",
    response=answers(ImpactOut, *WRITING),
    operation_id="record_business_impact",
    summary="Say what it means for a workflow",
)
def impact_business(request: HttpRequest, impact_id: UUID, told: BusinessImpact) -> GlobalImpact:
    """Record what an impact means for workflows, as their personas; approval waits for it."""
    impact = impact_read(request, impact_id)
    coverage.record_business_impact(impact=impact, actor=actor_of(request), said=told.said)
    return impact


@router.post(
    "/{impact_id}/{transition}",
    response=answers(ImpactOut, *WRITING),
    operation_id="move_impact",
    summary="Move an impact",
)
def impact_move(
    request: HttpRequest, impact_id: UUID, transition: Transition, move: Move, confirm_voids: ConfirmVoids = False
) -> GlobalImpact:
    """Make a transition: assessors review and implement, The Architect approves or rejects."""
    impact = impact_read(request, impact_id)
    ask_before_voiding(GlobalImpact, confirm_voids)
    moved(request, SERVICES[transition], move, impact=impact)
    return impact_read(request, impact_id)
