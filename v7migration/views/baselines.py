"""The page of the performance baseline: how fast the target answered, before a run and after it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from v7migration.ledger.models import Baseline

LISTED = 20


@login_required
@require_safe
def baseline(request: HttpRequest, key: UUID | None = None) -> HttpResponse:
    """Show a measurement of the target; without a key the newest that was taken before a run, or else the newest."""
    newest = list(Baseline.objects.defer("document")[:LISTED])
    before = Baseline.objects.filter(run=None).first() or Baseline.objects.first()
    taken = get_object_or_404(Baseline, pk=key) if key else before
    context: dict[str, Any] = {
        "title": "Performance baseline", "taken": taken, "chosen": key is not None, "newest": newest,
        "found": taken.document if taken else {},
    }  # fmt: skip
    return render(request, "pages/baseline.html", context)
