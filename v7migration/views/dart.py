"""DART: what waits, what was delivered or given up, where the two sides differ; ids by hand."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from tracking.views.acting import actor_of
from v7migration.errors import V7Error
from v7migration.ledger.models import DartDelivery
from v7migration.middleware import status_of
from v7migration.pipeline.integrate.dart import recording


@login_required
@require_safe
def dart_page(request: HttpRequest) -> HttpResponse:
    """Show the outbox and the differences."""
    return _page(request)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dart_record(request: HttpRequest) -> HttpResponse:
    """Record the id of a task that a person made in DART."""
    if request.method == "POST":
        number = request.POST.get("delivery", "")
        is_number = number.isascii() and number.isdigit() and len(number) <= 18
        row = get_object_or_404(DartDelivery, pk=int(number) if is_number else 0)
        try:
            recording.record(delivery=row, actor=actor_of(request), dart_id=request.POST.get("dart_id", ""))
        except V7Error as refusal:
            return _page(request, refusal=refusal, typed={row.pk: request.POST.get("dart_id", "")})
        messages.success(request, "The DART id is recorded.")
    return redirect("dart")


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def dart_retry(request: HttpRequest) -> HttpResponse:
    """Queue again what was given up."""
    if request.method == "POST":
        try:
            found = recording.retry(wanted=request.POST.get("delivery", ""), actor=actor_of(request))
        except V7Error as refusal:
            return _page(request, refusal=refusal)
        messages.success(request, f"Queued again: {len(found)}. The next pass of v7_integrate dart sends it.")
    return redirect("dart")


def _page(request: HttpRequest, *, refusal: V7Error | None = None, typed: dict[int, str] | None = None) -> HttpResponse:
    found = recording.overview()
    context: dict[str, Any] = {
        "title": "DART",
        **found,
        "forms": [(row, (typed or {}).get(row.pk, "")) for row in found["by_hand"]],
        "may": actor_of(request).holds_any(recording.MAY),
        "refusal": refusal,
    }
    return render(request, "pages/dart.html", context, status=status_of(refusal) if refusal else 200)
