"""What is proven: the ten success criteria, and the evidence behind the tasks that nobody ticks off by hand."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from tracking.choices import TaskStatus
from v7migration.api.problems import answers
from v7migration.pipeline import criteria, tasks

router = Router(tags=["workflow"])
PAGE = "address of the page that shows the evidence, on this server; empty where there is none yet"


class CriterionOut(Schema):
    """One of the ten success criteria (document, section 7), computed from what is recorded."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "number": 5,
                    "title": "Rollback capability verified",
                    "met": True,
                    "said": "Section 9 led back to fingerprint c3c3c3c3c3c3, equal to the start.",
                    "page": "/changesets/3f3f3f3f/",
                    "by": "sam",
                    "at": "2026-11-23T04:00:00.123456+00:00",
                }
            ]
        }
    )

    number: int
    title: str
    met: bool
    said: str = Field(description="what stands behind it, or what is missing")
    page: str = Field(description=PAGE)
    by: str = Field(description="whose evidence it is; empty while it is open")
    at: datetime | None


class ProofOut(Schema):
    """One piece of evidence: an action of the document, or its verification."""

    action: str
    met: bool
    said: str = Field(description="what was found, or what is missing and what to do")
    by: str
    at: datetime | None
    page: str = Field(description=PAGE)


class ProvenTask(Schema):
    """A task that moves by its evidence."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "task": "2.1.1",
                    "title": "Database Assessment",
                    "status": "in_progress",
                    "persona": "Data Sentinel",
                    "evidence": [
                        {
                            "action": "Take a snapshot of the schema",
                            "met": True,
                            "said": "Snapshot c3c3c3c3c3c3 was taken.",
                            "by": "ada",
                            "at": "2026-11-23T04:00:00.123456+00:00",
                            "page": "/dependencies/",
                        }
                    ],
                }
            ]
        }
    )

    task: str = Field(description="its number in the document")
    title: str
    status: TaskStatus
    persona: str
    evidence: list[ProofOut]


@router.get(
    "/criteria", response=answers(list[CriterionOut]), operation_id="read_criteria", summary="Read the success criteria"
)
def criteria_list(request: HttpRequest) -> Any:
    """Return the ten success criteria as the page and `v7_status --json` have them."""
    return [criterion.as_dict() for criterion in criteria.criteria()]


@router.get(
    "/evidence",
    response=answers(list[ProvenTask]),
    operation_id="read_evidence",
    summary="Read the evidence of the tasks",
)
def evidence_list(request: HttpRequest) -> Any:
    """Return the tasks that complete from their evidence, with what is there and what is missing."""
    return tasks.as_document()
