"""JUnit XML of pytest for programs: taken by the service behind ``v7_integrate junit``, once for each content."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from ninja import Query, Router, Schema, Status
from ninja.errors import HttpError
from pydantic import ConfigDict, Field

from tracking.api.values import SAYS_SOMETHING
from tracking.views.acting import actor_of
from v7migration.api.problems import answers
from v7migration.errors import InvalidValue
from v7migration.pipeline.integrate.junit import take_contents

router = Router(tags=["test results"])
XML = ("application/xml", "text/xml")
FORM = "multipart/form-data"
PART = "file"
"""The name of the form's field that holds a report; several fields of this name are several reports."""
LARGEST = 8 * 1024 * 1024
"""Bytes of all reports of one request; the command takes larger ones."""
MOST = 5_000
"""Test cases of one request: each is a row with its history, and all are one transaction."""
LONGEST = 200
FileName = Annotated[
    str,
    Query(min_length=1, max_length=LONGEST, pattern=SAYS_SOMETHING, description="what the history calls a report"),
]
REPORT = (
    '<testsuites><testsuite name="pytest" timestamp="2026-11-23T04:00:00+00:00">'
    '<testcase classname="tests.integration.test_domain" name="test_reads" time="0.25"/>'
    '<testcase classname="tests.integration.test_domain" name="test_writes" time="0.5">'
    '<failure message="assert 1 == 2"/></testcase></testsuite></testsuites>'
)
_XML = {
    "type": "object",
    "xml": {"name": "testsuites"},
    "description": "what `pytest --junit-xml=FILE` writes; at most 8 MiB and 5,000 cases",
}
_FILES = {"type": "array", "minItems": 1, "items": {"type": "string", "format": "binary"}}
_FIELDS = {"type": "object", "required": [PART], "additionalProperties": False, "properties": {PART: _FILES}}
BODY: dict[str, Any] = {
    "required": True,
    "content": {
        "application/xml": {"schema": _XML, "example": REPORT},
        FORM: {"schema": _FIELDS, "example": {PART: [REPORT]}},
    },
}


class TakenBefore(Schema):
    """Who recorded the same content first, and when."""

    by: str
    at: datetime


class ReportTaken(Schema):
    """What became of one report: how many tests ended how, and whether they were recorded now or earlier."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "file": "report.xml",
                    "sha256": "3f" * 32,
                    "taken": True,
                    "tests": 2,
                    "pass": 1,
                    "fail": 1,
                    "skip": 0,
                    "error": 0,
                    "timeout": 0,
                    "without_path": 2,
                    "before": None,
                }
            ]
        }
    )

    file: str
    sha256: str = Field(description="digest of what the report says, however it is laid out")
    taken: bool = Field(description="false: the same content was recorded before, and nothing was recorded now")
    tests: int
    passed: int = Field(alias="pass")
    fail: int
    skip: int
    error: int
    timeout: int
    without_path: int = Field(description="tests whose file has no V7 name")
    before: TakenBefore | None = Field(description="by whom and when it was recorded before; null where it is new")


class ReportsTaken(Schema):
    """Every report of the request, in its order."""

    reports: list[ReportTaken]


@router.post(
    "",
    response={**answers(ReportsTaken, 403, 413, 415), 201: ReportsTaken},
    by_alias=True,
    operation_id="take_junit_reports",
    summary="Take JUnit XML into the test results",
    openapi_extra={"requestBody": BODY},
)
def junit_take(request: HttpRequest, name: FileName = "report.xml") -> Status[Any]:
    """Record the cases of pytest's JUnit XML in the name of whoever calls, as anybody who holds a persona.

    The body is one report, or a form with a report in each field `file`. All are read before anything is recorded.
    201: something was recorded; 200: the same content was recorded before (see `before`), and nothing was now.
    """
    reports = take_contents(_sent(request, name), actor=actor_of(request), most=MOST)
    return Status(201 if any(report["taken"] for report in reports) else 200, {"reports": reports})


def _sent(request: HttpRequest, name: str) -> list[tuple[str, bytes]]:
    """Return the reports of a body by their names.

    Raises:
        HttpError: 415, neither XML nor a form.
        RequestDataTooBig: all reports together are too large.
        InvalidValue: the form is not as described.
    """
    if request.content_type in XML:
        content = request.read(LARGEST + 1)
        _refuse_too_large(len(content))
        return [(name, content)]
    if request.content_type != FORM:
        kind = request.content_type or "of no content type"
        raise HttpError(415, f"The body is {kind}, neither {XML[0]} nor {FORM}")
    strange = sorted({*request.POST, *request.FILES} - {PART} | {PART} & {*request.POST})
    files = request.FILES.getlist(PART)
    if strange or not files:
        raise InvalidValue(
            "The form holds something else than reports." if strange else "The form holds no report.",
            f"Send each report as a file in a field named {PART}, and nothing else.",
            {field[:LONGEST]: ["It is not a file of this form."] for field in strange} or {PART: ["It is missing."]},
        )
    _refuse_too_large(sum(file.size or 0 for file in files))
    return [((file.name or name)[:LONGEST], file.read()) for file in files]


def _refuse_too_large(size: int) -> None:
    if size > LARGEST:
        raise RequestDataTooBig(f"Reports of {LARGEST:,} bytes are the most.")
