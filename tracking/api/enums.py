"""ENUM migrations for programs: proposed, read, changed while proposed, moved, withdrawn."""

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
from tracking.api.lists import Ordered, Page, by_severity, page
from tracking.api.values import Columns, Labels, Moment, Name, Names, Reason, Script, Short, left_out
from tracking.choices import EnumMigrationStatus, Risk
from tracking.models import EnumMigration
from tracking.views.acting import actor_of
from tracking.views.enums import SERVICES
from v7migration.api.problems import WRITING, answers

router = Router(tags=["enum migrations"])
Transition = Literal["approve", "implement", "confirm", "retire", "roll_back", "propose_again"]
PROPOSED: dict[str, Any] = {
    "current_enum_name": "public.page_status",
    "current_enum_values": ["new", "done"],
    "v7_enum_name": "v7_status_type",
    "v7_enum_values": ["new", "done"],
    "consolidates_with": ["public.site_status"],
    "affected_tables": ["public.pages"],
    "affected_columns": {"public.pages": ["status"]},
    "risk_level": "medium",
}
EXAMPLE: dict[str, Any] = {
    **PROPOSED,
    "id": "4a3c2b1d-9e8f-4d6c-8b7a-001122334455",
    "migration_script": "",
    "rollback_script": "",
    "status": "proposed",
    "approved_by": None,
    "implemented_at": None,
    "validated_at": None,
    "retired_at": None,
    "created_at": "2026-11-23T04:00:00.123456+00:00",
    "updated_at": "2026-11-23T04:00:00.123456+00:00",
}


class EnumMigrationOut(Schema):
    """A row of v7_enum_migrations."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    current_enum_name: str
    current_enum_values: list[str]
    v7_enum_name: str
    v7_enum_values: list[str]
    consolidates_with: list[str]
    affected_tables: list[str]
    affected_columns: dict[str, Any]
    migration_script: str
    rollback_script: str
    status: EnumMigrationStatus
    risk_level: Risk
    approved_by: str | None
    implemented_at: datetime | None
    validated_at: datetime | None
    retired_at: datetime | None
    created_at: datetime
    updated_at: datetime


class EnumMigrationProposed(Schema):
    """A new proposal: the V7 type that takes the place of a type."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [PROPOSED]})

    current_enum_name: Name
    current_enum_values: Labels
    v7_enum_name: Name
    v7_enum_values: Labels
    consolidates_with: Names = []
    affected_tables: Names = []
    affected_columns: Columns = {}
    risk_level: Risk = Risk.MEDIUM
    migration_script: Script = ""
    rollback_script: Script = ""
    reason: Reason = ""


class EnumMigrationChange(Change):
    """What may be changed while it is proposed; the type itself is another row."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"updated_at": EXAMPLE["updated_at"], "risk_level": "high"}]}
    )

    current_enum_values: Labels = left_out()
    v7_enum_name: Name = left_out()
    v7_enum_values: Labels = left_out()
    consolidates_with: Names = left_out()
    affected_tables: Names = left_out()
    affected_columns: Columns = left_out()
    risk_level: Risk = left_out()
    migration_script: Script = left_out()
    rollback_script: Script = left_out()


class EnumMigrationFilters(FilterSchema):
    """By state, risk, name and the last change."""

    status: EnumMigrationStatus | None = None
    risk_level: Risk | None = None
    q: Annotated[
        Short | None,
        Field(description="the old or the new name contains this"),
        FilterLookup(["current_enum_name__icontains", "v7_enum_name__icontains"]),
    ] = None
    updated_since: Annotated[Moment | None, FilterLookup("updated_at__gte")] = None


class EnumMigrationOrder(Ordered):
    """How ENUM migrations are sorted; risks by how bad they are."""

    order: Literal[
        "v7_enum_name", "-v7_enum_name", "current_enum_name", "-current_enum_name", "updated_at", "-updated_at",
        "risk", "-risk",
    ] = "v7_enum_name"  # fmt: skip


@router.get(
    "",
    response=answers(Page[EnumMigrationOut]),
    operation_id="list_enum_migrations",
    summary="List the ENUM migrations",
)
def enum_list(
    request: HttpRequest, filters: Query[EnumMigrationFilters], paging: Query[EnumMigrationOrder]
) -> dict[str, Any]:
    """Return the ENUM migrations."""
    return page(filters.filter(EnumMigration.objects.all()), paging, {"risk": (by_severity("risk_level"),)})


@router.post(
    "",
    response=answers(EnumMigrationOut, *WRITING, status=201),
    operation_id="create_enum_migration",
    summary="Propose an ENUM migration",
)
def enum_create(
    request: HttpRequest, proposed: EnumMigrationProposed, confirm_voids: ConfirmVoids = False
) -> Status[Any]:
    """Propose that a V7 type takes the place of a type, as an assessor, the DB Team Lead or The Architect."""
    ask_before_voiding(EnumMigration, confirm_voids)
    content = proposed.model_dump(exclude={"reason"})
    row = services.enum_migration_propose(actor=actor_of(request), reason=proposed.reason, only_new=True, **content)
    return Status(201, enum_read(request, row.pk))


@router.get(
    "/{enum_migration_id}",
    response=answers(EnumMigrationOut, 404),
    operation_id="read_enum_migration",
    summary="Read an ENUM migration",
)
def enum_read(request: HttpRequest, enum_migration_id: UUID) -> EnumMigration:
    """Return one ENUM migration."""
    return get_object_or_404(EnumMigration, pk=enum_migration_id)


@router.get(
    "/{enum_migration_id}/history",
    response=answers(Page[VersionOut], 404),
    operation_id="read_enum_migration_history",
    summary="Read the history of an ENUM migration",
)
def enum_migration_history(
    request: HttpRequest, enum_migration_id: UUID, filters: Query[HistoryFilters], paging: Query[HistoryOrder]
) -> dict[str, Any]:
    """Return every version of an ENUM migration, newest first; also of a deleted one."""
    return history_page(EnumMigration, enum_migration_id, filters, paging)


@router.patch(
    "/{enum_migration_id}",
    response=answers(EnumMigrationOut, *WRITING),
    operation_id="update_enum_migration",
    summary="Change an ENUM migration",
)
def enum_update(
    request: HttpRequest, enum_migration_id: UUID, change: EnumMigrationChange, confirm_voids: ConfirmVoids = False
) -> EnumMigration:
    """Change an open proposal."""
    row, content = enum_read(request, enum_migration_id), change.content
    ask_before_voiding(EnumMigration, confirm_voids, content)
    services.enum_migration_update(
        row=row, actor=actor_of(request), changes=content, reason=change.reason, seen_at=change.updated_at
    )
    return enum_read(request, enum_migration_id)


@router.delete(
    "/{enum_migration_id}",
    response=answers(None, 403, 404, 412, status=204),
    operation_id="delete_enum_migration",
    summary="Withdraw an ENUM migration",
)
def enum_delete(
    request: HttpRequest,
    enum_migration_id: UUID,
    updated_at: SeenQuery = None,
    reason: ReasonQuery = "",
    confirm_voids: ConfirmVoids = False,
) -> Status[None]:
    """Withdraw an open proposal; its history keeps it. One that is approved is rolled back, not deleted."""
    row = enum_read(request, enum_migration_id)
    ask_before_voiding(EnumMigration, confirm_voids)
    services.enum_migration_delete(row=row, actor=actor_of(request), reason=reason, seen_at=updated_at)
    return Status(204, None)


@router.post(
    "/{enum_migration_id}/{transition}",
    response=answers(EnumMigrationOut, *WRITING),
    operation_id="move_enum_migration",
    summary="Move an ENUM migration",
)
def enum_move(
    request: HttpRequest,
    enum_migration_id: UUID,
    transition: Transition,
    move: Move,
    confirm_voids: ConfirmVoids = False,
) -> EnumMigration:
    """Make a transition: The Architect approves, the DB Team Lead implements, the Test Sentinel confirms."""
    row = enum_read(request, enum_migration_id)
    ask_before_voiding(EnumMigration, confirm_voids)
    moved(request, SERVICES[transition], move, row=row)
    return enum_read(request, enum_migration_id)
