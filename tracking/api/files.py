"""Files for programs: file_audit is the application's; its twelve V7 columns are changed and moved here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any, Literal, NoReturn

from django.db.models import DateTimeField, OuterRef, Q, QuerySet, Subquery, Value
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import FilterLookup, FilterSchema, Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from tracking import home, services
from tracking.api.acts import content_of
from tracking.api.histories import HistoryFilters, HistoryOrder, VersionOut, history_page
from tracking.api.lists import Ordered, Page, page
from tracking.api.values import BIGGEST, NO_NUL, AnyJson, Day, Lines, Moment, Names, Number, Reason, Short, left_out
from tracking.choices import FileStatus
from tracking.models import LEGACY_COLUMNS, V7_COLUMNS, File
from tracking.services.writing import NOT_SEEN
from tracking.views.acting import actor_of
from v7migration.api.problems import WRITING, answers
from v7migration.errors import Refused

router = Router(tags=["files"])
Key = Annotated[int, Path(ge=1, le=BIGGEST)]
Transition = Literal["assess", "design", "approve", "implement", "test", "migrate", "retire", "step_back"]
Word = Annotated[str, Field(max_length=50, pattern=NO_NUL)]
TargetName = Annotated[str, Field(max_length=500, pattern=NO_NUL)]
EXAMPLE: dict[str, Any] = {
    "id": 17,
    "file_number": "0017",
    "file_path": "src/models/domain.py",
    "file_name": "domain.py",
    "layer_number": 1,
    "layer_name": "Models & ENUMs",
    "status": "NOVEL",
    "workflows": ["WF4"],
    "has_technical_debt": False,
    "technical_debt": None,
    "jira_tickets": None,
    "audit_status": "audited",
    "audit_date": None,
    "audited_by": None,
    "notes": None,
    "created_at": None,
    "updated_at": None,
    "v7_workflow_status": "assessed",
    "v7_target_name": "WF4_V7_L1_1of1_DomainModel.py",
    "v7_database_enums": None,
    "v7_enum_mappings": None,
    "v7_dependencies": ["src/models/base.py"],
    "v7_dependents": [],
    "v7_impact_score": 4,
    "v7_review_status": None,
    "v7_reviewed_by": None,
    "v7_implementation_status": None,
    "v7_test_status": None,
    "v7_retirement_date": None,
    "v7_updated_at": "2026-11-23T04:00:00.123456+00:00",
}


class FileOut(Schema):
    """A row of file_audit; its V7 columns are null until a run has added them."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: int
    file_number: str
    file_path: str
    file_name: str
    layer_number: int | None
    layer_name: str | None
    status: str
    workflows: list[str] | None
    has_technical_debt: bool | None
    technical_debt: str | None
    jira_tickets: list[str] | None
    audit_status: str | None
    audit_date: datetime | None
    audited_by: str | None
    notes: str | None
    created_at: datetime | None
    updated_at: datetime | None = Field(description="the application's own column; see v7_updated_at")
    v7_workflow_status: FileStatus | None
    v7_target_name: str | None
    v7_database_enums: Any
    v7_enum_mappings: Any
    v7_dependencies: list[str] | None
    v7_dependents: list[str] | None
    v7_impact_score: int | None
    v7_review_status: str | None
    v7_reviewed_by: list[str] | None
    v7_implementation_status: str | None
    v7_test_status: str | None
    v7_retirement_date: date | None
    v7_updated_at: datetime | None = Field(description="when a V7 column was last changed; null: never")


class FileChange(Schema):
    """Eleven of the twelve V7 columns; the twelfth, the state, moves by transitions only."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"v7_updated_at": EXAMPLE["v7_updated_at"], "v7_impact_score": 7}]},
    )

    v7_updated_at: Moment | None = Field(
        description="as it was read (null: never changed); 412 when somebody changed the V7 columns since"
    )
    reason: Reason = ""
    v7_target_name: TargetName | None = left_out()
    v7_database_enums: AnyJson = left_out()
    v7_enum_mappings: AnyJson = left_out()
    v7_dependencies: Lines | None = left_out()
    v7_dependents: Lines | None = left_out()
    v7_impact_score: Annotated[int, Field(ge=1, le=10, strict=True)] | None = left_out()
    v7_review_status: Word | None = left_out()
    v7_reviewed_by: Names | None = left_out()
    v7_implementation_status: Word | None = left_out()
    v7_test_status: Word | None = left_out()
    v7_retirement_date: Day | None = left_out()


class FileMove(Schema):
    """A transition of a file."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Looked at with WF4."}]})

    reason: Reason = ""
    v7_updated_at: Moment | None = Field(default=None, description="as it was read; 412 when it changed since")


class FileFilters(FilterSchema):
    """By layer, origin, workflow, V7 state and path."""

    layer_number: Number | None = None
    status: Short | None = None
    workflow: Short | None = None
    v7_workflow_status: FileStatus | None = None
    q: Annotated[Short | None, Field(description="the path contains this"), FilterLookup("file_path__icontains")] = None

    def filter_workflow(self, value: str | None) -> Q:
        """Return the files of a workflow."""
        return Q() if value is None else Q(workflows__contains=[value])

    def filter_v7_workflow_status(self, value: FileStatus | None) -> Q:
        """Return the files in a V7 state: none before a run has added the column."""
        if value is None:
            return Q()
        return Q(v7_workflow_status=value) if home.current() == home.LIVE else Q(pk__in=[])


class FileOrder(Ordered):
    """How files are sorted."""

    order: Literal["file_path", "-file_path", "file_number", "-file_number", "layer_number", "-layer_number"] = (
        "file_path"
    )


def _files() -> QuerySet[File]:
    if home.current() == home.PLANNING:
        return File.objects.annotate(v7_updated_at=Value(None, output_field=DateTimeField()))
    versions = File.history.filter(id=OuterRef("pk")).order_by("-history_date")
    return File.objects.annotate(v7_updated_at=Subquery(versions.values("history_date")[:1]))


def _shown(file: Any) -> dict[str, Any]:
    """Return a file with its V7 columns, which are not read while they do not exist."""
    found = {name: getattr(file, name) for name in ("id", "file_path", *LEGACY_COLUMNS, "v7_updated_at")}
    live = home.current() == home.LIVE
    return found | {name: getattr(file, name) if live else None for name in V7_COLUMNS}


@router.get("", response=answers(Page[FileOut]), operation_id="list_files", summary="List the files")
def file_list(request: HttpRequest, filters: Query[FileFilters], paging: Query[FileOrder]) -> dict[str, Any]:
    """Return the files of the target, by path."""
    found = page(filters.filter(_files()), paging)
    return {**found, "items": [_shown(file) for file in found["items"]]}


@router.post("", response=answers(None, 403, status=204), operation_id="create_file", summary="Refused: no new files")
def file_create(request: HttpRequest) -> NoReturn:
    """Always refused with 409: the rows of file_audit are the application's."""
    raise Refused("file_audit belongs to the application: its rows are not made here.", "Let the application add it.")


@router.get("/{file_id}", response=answers(FileOut, 404), operation_id="read_file", summary="Read a file")
def file_read(request: HttpRequest, file_id: Key) -> dict[str, Any]:
    """Return one file."""
    return _shown(get_object_or_404(_files(), pk=file_id))


@router.get(
    "/{file_id}/history",
    response=answers(Page[VersionOut], 404),
    operation_id="read_file_history",
    summary="Read the history of a file",
)
def file_history(
    request: HttpRequest, file_id: Key, filters: Query[HistoryFilters], paging: Query[HistoryOrder]
) -> dict[str, Any]:
    """Return every version of the V7 columns of a file, newest first."""
    return history_page(File, file_id, filters, paging)


@router.patch("/{file_id}", response=answers(FileOut, *WRITING), operation_id="update_file", summary="Change a file")
def file_update(request: HttpRequest, file_id: Key, change: FileChange) -> dict[str, Any]:
    """Change V7 columns of a file, as an assessor or the Dev Team, once a run has added them."""
    services.file_update(
        file=get_object_or_404(_files(), pk=file_id),
        actor=actor_of(request),
        changes=content_of(change),
        reason=change.reason,
        seen_at=change.v7_updated_at,
    )
    return file_read(request, file_id)


@router.delete(
    "/{file_id}",
    response=answers(None, 403, 404, status=204),
    operation_id="delete_file",
    summary="Refused: files stay",
)
def file_delete(request: HttpRequest, file_id: Key) -> NoReturn:
    """Always refused with 409: the rows of file_audit are the application's."""
    raise Refused("file_audit belongs to the application: its rows are not deleted here.", "Retire the file instead.")


@router.post(
    "/{file_id}/{transition}", response=answers(FileOut, *WRITING), operation_id="move_file", summary="Move a file"
)
def file_move(request: HttpRequest, file_id: Key, transition: Transition, move: FileMove) -> dict[str, Any]:
    """Make a transition of a file on its way to its V7 name."""
    services.file_move(
        file=get_object_or_404(_files(), pk=file_id),
        name=transition,
        actor=actor_of(request),
        reason=move.reason.strip(),
        seen_at=move.v7_updated_at if "v7_updated_at" in move.model_fields_set else NOT_SEEN,
    )
    return file_read(request, file_id)
