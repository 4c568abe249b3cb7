"""Test results for programs: recorded, read, remarked upon; deleted with a reason when recorded by mistake."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import FilterLookup, FilterSchema, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from tracking import services
from tracking.api.acts import ReasonQuery, SeenQuery, content_of
from tracking.api.histories import HistoryFilters, HistoryOrder, VersionOut, history_page
from tracking.api.lists import Ordered, Page, page
from tracking.api.values import NO_NUL, Document, Flag, Moment, Reason, Short, Text, left_out
from tracking.choices import TestStatus, TestType
from tracking.models import TestResult
from tracking.services.writing import NOT_SEEN
from tracking.views.acting import actor_of
from v7migration.api.problems import WRITING, answers

router = Router(tags=["test results"])
Path500 = Annotated[str, Field(max_length=500, pattern=NO_NUL)]
Component = Annotated[str, Field(min_length=1, max_length=500, pattern=r"^[^\x00]*[^\x00\s][^\x00]*$")]
RECORDED: dict[str, Any] = {
    "test_type": "integration",
    "component_tested": "models.domain",
    "v7_file_path": "WF4_V7_L1_1of1_DomainModel.py",
    "test_status": "pass",
    "performance_metrics": {"seconds": 0.41},
    "backwards_compatible": True,
}
EXAMPLE: dict[str, Any] = {
    **RECORDED,
    "id": "1f2e3d4c-5b6a-4978-8a9b-c0d1e2f30415",
    "error_details": "",
    "tested_by": "sam",
    "tested_at": "2026-11-23T04:00:00.123456+00:00",
    "retest_required": False,
    "notes": "",
    "updated_at": "2026-11-23T04:00:00.223456+00:00",
}


class TestResultOut(Schema):
    """A row of v7_test_results."""

    __test__ = False
    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    id: UUID
    test_type: TestType
    component_tested: str
    v7_file_path: str
    test_status: TestStatus
    error_details: str
    performance_metrics: dict[str, Any]
    backwards_compatible: bool | None
    tested_by: str
    tested_at: datetime
    retest_required: bool
    notes: str
    updated_at: datetime | None = Field(description="the last change, by the history; null where it holds none")


class TestResultRecorded(Schema):
    """A new result, in the name of whoever calls."""

    __test__ = False
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [RECORDED]})

    test_type: TestType
    component_tested: Component
    test_status: TestStatus
    v7_file_path: Path500 = ""
    error_details: Text = ""
    performance_metrics: Document = {}
    backwards_compatible: Flag | None = None
    retest_required: Flag = False
    notes: Text = ""
    reason: Reason = ""


class TestResultChange(Schema):
    """The remarks on a result. What was measured stays as it was recorded: record another result instead."""

    __test__ = False
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"updated_at": EXAMPLE["updated_at"], "retest_required": True}]},
    )

    updated_at: Moment | None = Field(description="as it was read; 412 when somebody changed the row since")
    reason: Reason = ""
    backwards_compatible: Flag | None = left_out()
    retest_required: Flag = left_out()
    notes: Text = left_out()


class TestResultFilters(FilterSchema):
    """By kind, outcome, component, path, person and time."""

    __test__ = False
    test_type: TestType | None = None
    test_status: TestStatus | None = None
    retest_required: bool | None = None
    v7_file_path: Annotated[Short | None, FilterLookup("v7_file_path")] = None
    tested_by: Short | None = None
    q: Annotated[
        Short | None, Field(description="the component contains this"), FilterLookup("component_tested__icontains")
    ] = None
    tested_since: Annotated[Moment | None, FilterLookup("tested_at__gte")] = None


class TestResultOrder(Ordered):
    """How results are sorted."""

    __test__ = False
    order: Literal["tested_at", "-tested_at", "component_tested", "-component_tested"] = "-tested_at"


def _results() -> QuerySet[TestResult]:
    versions = TestResult.history.filter(id=OuterRef("pk")).order_by("-history_date")
    return TestResult.objects.annotate(updated_at=Subquery(versions.values("history_date")[:1]))


@router.get(
    "", response=answers(Page[TestResultOut]), operation_id="list_test_results", summary="List the test results"
)
def result_list(
    request: HttpRequest, filters: Query[TestResultFilters], paging: Query[TestResultOrder]
) -> dict[str, Any]:
    """Return the results, newest first."""
    return page(filters.filter(_results()), paging)


@router.post(
    "",
    response=answers(TestResultOut, *WRITING, status=201),
    operation_id="create_test_result",
    summary="Record a test result",
)
def result_create(request: HttpRequest, recorded: TestResultRecorded) -> Status[Any]:
    """Record a result, as anybody who holds a persona."""
    content = recorded.model_dump(exclude={"reason"})
    result = services.test_result_record(actor=actor_of(request), reason=recorded.reason, **content)
    return Status(201, result_read(request, result.pk))


@router.get(
    "/{result_id}", response=answers(TestResultOut, 404), operation_id="read_test_result", summary="Read a test result"
)
def result_read(request: HttpRequest, result_id: UUID) -> TestResult:
    """Return one result."""
    return get_object_or_404(_results(), pk=result_id)


@router.get(
    "/{result_id}/history",
    response=answers(Page[VersionOut], 404),
    operation_id="read_test_result_history",
    summary="Read the history of a test result",
)
def result_history(
    request: HttpRequest, result_id: UUID, filters: Query[HistoryFilters], paging: Query[HistoryOrder]
) -> dict[str, Any]:
    """Return every version of a test result, newest first; also of a deleted one."""
    return history_page(TestResult, result_id, filters, paging)


@router.patch(
    "/{result_id}",
    response=answers(TestResultOut, *WRITING),
    operation_id="update_test_result",
    summary="Remark upon a test result",
)
def result_update(request: HttpRequest, result_id: UUID, change: TestResultChange) -> TestResult:
    """Change the remarks, as whoever recorded the result or as the Test Sentinel."""
    services.test_result_update(
        result=result_read(request, result_id),
        actor=actor_of(request),
        changes=content_of(change),
        reason=change.reason,
        seen_at=change.updated_at,
    )
    return result_read(request, result_id)


@router.delete(
    "/{result_id}",
    response=answers(None, 403, 404, 412, status=204),
    operation_id="delete_test_result",
    summary="Delete a test result",
)
def result_delete(
    request: HttpRequest, result_id: UUID, updated_at: SeenQuery = None, reason: ReasonQuery = ""
) -> Status[None]:
    """Delete a result that was recorded by mistake, with a reason; its history keeps it."""
    services.test_result_delete(
        result=result_read(request, result_id),
        actor=actor_of(request),
        reason=reason,
        seen_at=updated_at or NOT_SEEN,
    )
    return Status(204, None)
