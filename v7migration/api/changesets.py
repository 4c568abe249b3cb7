"""Changesets: what was frozen and is signed, to read."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from django.http import Http404, HttpRequest
from ninja import FilterLookup, FilterSchema, Path, Query, Router, Schema
from pydantic import ConfigDict, Field

from tracking.api.lists import Ordered, Page, page
from tracking.api.values import Moment, Short
from v7migration.api.problems import answers
from v7migration.ledger.models import Changeset
from v7migration.pipeline import gatekeeper

router = Router(tags=["workflow"])
DIGEST = "^[0-9a-f]{6,64}$"
Digest = Annotated[str, Path(pattern=DIGEST, description="digest of the changeset, or its beginning")]
EXAMPLE: dict[str, Any] = {
    "digest": "3f" * 32,
    "number": 1,
    "author": "lena",
    "frozen_at": "2026-11-23T04:00:00.123456+00:00",
    "expires_at": "2026-12-07T04:00:00.123456+00:00",
    "script": "a1" * 32,
    "source": "b2" * 32,
    "target": "v7_target on localhost",
    "fingerprint": "c3" * 32,
    "rehearsal": "5b6f3c0e-52a1-4c6f-9c53-0d6f0a4f2d11",
    "rehearsal_ok": True,
}


class ChangesetOut(Schema):
    """One changeset: bytes, target, fingerprint and rehearsal under one digest. GET /gate says how it stands."""

    model_config = ConfigDict(json_schema_extra={"examples": [EXAMPLE]})

    digest: str = Field(description="SHA-256 of the manifest; a signature names it")
    number: int
    author: str
    frozen_at: datetime
    expires_at: datetime
    script: str = Field(validation_alias="script_id", description="SHA-256 of the script with the rows rendered in")
    source: str = Field(validation_alias="source_id", description="SHA-256 of the script's file as it was read")
    target: str = Field(validation_alias="snapshot.target_name")
    fingerprint: str = Field(validation_alias="snapshot.fingerprint", description="of the target's catalogs")
    rehearsal: UUID = Field(validation_alias="rehearsal_id")
    rehearsal_ok: bool = Field(validation_alias="rehearsal.ok")


class ChangesetDetail(ChangesetOut):
    """A changeset with everything that a signature covers."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    **EXAMPLE,
                    "intact": True,
                    "manifest": {"number": 1, "author": "lena", "fingerprint": "c3" * 32},
                    "runs": ["9a1f3c0e-52a1-4c6f-9c53-0d6f0a4f2d11"],
                }
            ]
        }
    )

    intact: bool = Field(description="whether the stored manifest and scripts still give their digests")
    manifest: dict[str, Any] = Field(description="what a signature covers, findings and coverage among it")
    runs: list[UUID] = Field(description="the runs of it, newest first; see GET /runs/{run_id}")

    @staticmethod
    def resolve_intact(changeset: Changeset) -> bool:
        """Return whether what is stored is what was frozen."""
        return gatekeeper.intact(changeset)

    @staticmethod
    def resolve_manifest(changeset: Changeset) -> dict[str, Any]:
        """Return the manifest as a document."""
        return gatekeeper.manifest(changeset)

    @staticmethod
    def resolve_runs(changeset: Changeset) -> list[UUID]:
        """Return the ids of its runs."""
        return list(changeset.runs.values_list("pk", flat=True))


class ChangesetFilters(FilterSchema):
    """By author, target and time."""

    author: Short | None = None
    target: Annotated[Short | None, FilterLookup("snapshot__target_name__icontains")] = None
    frozen_since: Annotated[Moment | None, FilterLookup("frozen_at__gte")] = None


class ChangesetOrder(Ordered):
    """How changesets are sorted."""

    order: Literal["number", "-number"] = "-number"


@router.get("", response=answers(Page[ChangesetOut]), operation_id="list_changesets", summary="List the changesets")
def changeset_list(
    request: HttpRequest, filters: Query[ChangesetFilters], paging: Query[ChangesetOrder]
) -> dict[str, Any]:
    """Return the changesets, newest first."""
    heavy = ("manifest", "snapshot__document", "snapshot__enums", "rehearsal__report")
    rows = Changeset.objects.select_related("snapshot", "rehearsal").defer(*heavy)
    return page(filters.filter(rows), paging)


@router.get(
    "/{digest}", response=answers(ChangesetDetail, 404), operation_id="read_changeset", summary="Read a changeset"
)
def changeset_detail(request: HttpRequest, digest: Digest) -> Changeset:
    """Return one changeset with its manifest and its runs."""
    return changeset_of(digest)


def changeset_of(digest: str) -> Changeset:
    """Return the one changeset whose digest begins so.

    Raises:
        Http404: there is none, or more than one.
    """
    changesets = Changeset.objects.select_related("snapshot", "rehearsal", "script", "source")
    found: list[Changeset] = list(changesets.filter(digest__startswith=digest)[:2])
    if len(found) != 1:
        raise Http404
    return found[0]
