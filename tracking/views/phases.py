"""Phases: the seven, and the page of one with its tasks and transitions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from tracking import selectors, services
from tracking.machines import PHASE
from tracking.models import Phase
from tracking.views.acting import Service, move, moves
from v7migration.errors import V7Error

SERVICES: dict[str, Service] = {
    "start": services.phase_start,
    "submit_for_review": services.phase_submit_for_review,
    "send_back": services.phase_send_back,
    "approve": services.phase_approve,
    "complete": services.phase_complete,
    "block": services.phase_block,
    "unblock": services.phase_unblock,
    "roll_back": services.phase_roll_back,
}


@login_required
@require_safe
def phase_list(request: HttpRequest) -> HttpResponse:
    """Show the seven phases with their progress."""
    context = {
        "title": "Phases",
        "rows": selectors.dashboard(),
        "phases": {p.phase_number: p for p in Phase.objects.all()},
    }
    return render(request, "pages/phases.html", context)


@login_required
@require_safe
def phase_page(request: HttpRequest, number: int) -> HttpResponse:
    """Show one phase."""
    return _page(request, get_object_or_404(Phase, phase_number=number))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def phase_move(request: HttpRequest, number: int, name: str) -> HttpResponse:
    """Make a transition of a phase."""
    phase = get_object_or_404(Phase, phase_number=number)

    def page(refusal: V7Error, status: int) -> HttpResponse:
        return _page(request, get_object_or_404(Phase, phase_number=number), refusal=refusal, status=status)

    back = reverse("phase", args=[number])
    return move(request, name=name, services=SERVICES, row={"phase": phase}, back=back, page=page)


def _page(request: HttpRequest, phase: Phase, *, refusal: V7Error | None = None, status: int = 200) -> HttpResponse:
    tasks = selectors.phase_tasks(phase.phase_number)
    context: dict[str, Any] = {
        "title": phase.phase_name,
        "phase": phase,
        "tasks": tasks,
        "completed": sum(task.status == "completed" for task in tasks),
        "moves": moves(phase, PHASE, SERVICES, reverse("phase", args=[phase.phase_number])),
        "history": phase.history.all()[:8],
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "pages/phase.html", context, status=status)
