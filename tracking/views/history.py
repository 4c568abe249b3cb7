"""The history of a row: who changed what, when and why."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from tracking.machines import FILE, IMPACT, PHASE, Machine
from tracking.models import EnumMigration, File, GlobalImpact, Phase, SubworkflowTask, TestResult

MODELS: dict[str, tuple[Any, str]] = {
    "phase": (Phase, "phase"),
    "task": (SubworkflowTask, "task"),
    "impact": (GlobalImpact, "impact"),
    "enum": (EnumMigration, "enum"),
    "result": (TestResult, ""),
    "file": (File, ""),
}
KINDS = {"+": "created", "~": "changed", "-": "deleted"}
MACHINES: tuple[Machine, ...] = (FILE, IMPACT, PHASE)  # the columns of states, the particular ones first
UNINTERESTING = frozenset({"updated_at", "created_at"})


@dataclass(frozen=True)
class Change:
    """One field of a version that differs from the version before."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Version:
    """One version of a row."""

    at: datetime
    person: str
    kind: str
    reason: str
    changes: tuple[Change, ...]
    first: bool
    state: str


@login_required
@require_safe
def history_page(request: HttpRequest, model: str, pk: str) -> HttpResponse:
    """Show every version of a row, newest first."""
    if model not in MODELS:
        raise Http404("There is no such kind of row.")
    kind, page = MODELS[model]
    records = list(kind.history.filter(**{kind._meta.pk.name: _key(kind, pk)}).order_by("history_date", "history_id"))
    row = kind.objects.filter(pk=_key(kind, pk)).first()
    if row is None and not records:
        raise Http404("There is no such row.")
    context = {
        "title": "History",
        "row": row if row is not None else records[-1],
        "gone": row is None,
        "versions": _versions(records),
        "back": _address(page, row),
        "kind": kind._meta.verbose_name,
    }
    return render(request, "pages/history.html", context)


def _key(kind: Any, pk: str) -> Any:
    try:
        return int(pk) if kind is File else uuid.UUID(pk)
    except ValueError as error:
        raise Http404("There is no such row.") from error


def _address(page: str, row: Any) -> str:
    if not page or row is None:
        return ""
    return reverse(page, args=[row.phase_number if isinstance(row, Phase) else row.pk])


def _versions(records: list[Any]) -> list[Version]:
    found = []
    for before, record in zip([None, *records], records, strict=False):
        compared = differences(before, record) if before is not None and record.history_type == "~" else ()
        found.append(
            Version(
                at=record.history_date,
                person=record.history_user_id or "",
                kind=KINDS[record.history_type],
                reason=record.history_change_reason or "",
                changes=tuple(Change(name.replace("_", " "), left, right) for name, left, right in compared),
                first=before is None and record.history_type == "~",
                state=_state(record),
            )
        )
    return found[::-1]


def _state(record: Any) -> str:
    """Return the state the row was in, whatever its column is called."""
    return next((str(getattr(record, m.column)) for m in MACHINES if hasattr(record, m.column)), "")


def values(record: Any) -> dict[str, Any]:
    """Return the values of a version by the names of their columns."""
    return {field.name: getattr(record, field.attname) for field in record.tracked_fields}


def differences(before: Any, after: Any) -> list[tuple[str, Any, Any]]:
    """Return each column in which two versions differ, with both values; the times of the row itself aside."""
    left, right = values(before), values(after)
    return [
        (name, left[name], value) for name, value in right.items() if name not in UNINTERESTING and left[name] != value
    ]
