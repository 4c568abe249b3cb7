"""The history of a row for programs: every version with who, when, what and why; the newest first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.http import Http404
from ninja import FilterLookup, FilterSchema, Schema
from pydantic import ConfigDict, Field

from tracking.api.lists import Ordered, page
from tracking.api.values import Moment, Short
from tracking.views.history import KINDS, differences, values

Kind = Literal["created", "changed", "deleted"]
SYMBOLS = {word: symbol for symbol, word in KINDS.items()}


class ChangeOut(Schema):
    """One field that differs from the version before."""

    field: str
    before: Any
    after: Any


class VersionOut(Schema):
    """One version of a row."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "id": "7d0f8c52-4f5d-4c1b-8a52-0123456789ab",
                    "at": "2026-11-23T04:00:00.123456+00:00",
                    "person": "dana",
                    "kind": "changed",
                    "reason": "Reviewed with the team.",
                    "changes": [{"field": "risk_assessment", "before": "high", "after": "low"}],
                    "row": {"risk_assessment": "low", "affected_layers": [1]},
                }
            ]
        }
    )

    id: Any = Field(description="of the version")
    at: datetime
    person: str | None = Field(description="who wrote it; null: the system")
    kind: Kind
    reason: str | None
    changes: list[ChangeOut] = Field(
        description="what differs from the version before; empty where there is none, and for a row made or deleted"
    )
    row: dict[str, Any] = Field(description="the row as it was then; a deleted one as it was last")


class HistoryFilters(FilterSchema):
    """By person, kind and time."""

    person: Annotated[Short | None, FilterLookup("history_user_id")] = None
    kind: Kind | None = None
    since: Annotated[Moment | None, FilterLookup("history_date__gte")] = None
    until: Annotated[Moment | None, FilterLookup("history_date__lt")] = None

    def filter_kind(self, value: Kind | None) -> Q:
        """Return the versions that made, changed or deleted the row."""
        return Q() if value is None else Q(history_type=SYMBOLS[value])


class HistoryOrder(Ordered):
    """How versions are sorted."""

    order: Literal["at", "-at"] = "-at"


def history_page(model: Any, key: Any, filters: HistoryFilters, paging: HistoryOrder) -> dict[str, Any]:
    """Return a page of the versions of a row, each compared with the one before it, whatever the filters leave out.

    Raises:
        Http404: there is no such row, and there never was one that the history knows.
    """
    records = model.history.filter(id=key)
    if not records.exists() and not model.objects.filter(pk=key).exists():
        raise Http404
    found = page(filters.filter(records.annotate(before=_before(model))), paging, {"at": ("history_date",)})
    before = model.history.in_bulk([record.before for record in found["items"] if record.before])
    return {**found, "items": [_shown(record, before.get(record.before)) for record in found["items"]]}


def _before(model: Any) -> Subquery:
    """Return the id of the version before the one at hand."""
    earlier = Q(history_date__lt=OuterRef("history_date")) | Q(
        history_date=OuterRef("history_date"), history_id__lt=OuterRef("history_id")
    )
    versions: QuerySet[Any] = model.history.filter(earlier, id=OuterRef("id"))
    return Subquery(versions.order_by("-history_date", "-history_id").values("history_id")[:1])


def _shown(record: Any, before: Any) -> dict[str, Any]:
    is_compared = before is not None and record.history_type == "~"
    return {
        "id": record.history_id,
        "at": record.history_date,
        "person": record.history_user_id or None,
        "kind": KINDS[record.history_type],
        "reason": record.history_change_reason or None,
        "changes": [
            {"field": name, "before": left, "after": right}
            for name, left, right in (differences(before, record) if is_compared else ())
        ],
        "row": values(record),
    }
