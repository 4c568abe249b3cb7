"""Phases: the seven, and the page of one with its tasks and transitions."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from approvals.selectors import seat_board
from tracking import selectors, services
from tracking.catalogue import DATABASE_PHASE, REVIEW_GATES
from tracking.machines import PHASE
from tracking.models import Phase
from tracking.views.acting import Service, move, moves
from v7migration.errors import V7Error
from v7migration.pipeline import phases

SERVICES: dict[str, Service] = {
    "start": phases.start,
    "submit_for_review": services.phase_submit_for_review,
    "send_back": services.phase_send_back,
    "approve": services.phase_approve,
    "complete": phases.complete,
    "block": services.phase_block,
    "unblock": services.phase_unblock,
    "roll_back": services.phase_roll_back,
}
FROM_SEAT = frozenset({"approve"})
FROM_THE_RUN = FROM_SEAT | {"complete"}


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


def by_hand(phase: Phase) -> dict[str, Service]:
    """Return the services that pages offer for a phase; a signature approves it, the run's last one completes the 4th.

    The others are refused with the seat's address, whoever asks for them.
    """
    signed = FROM_THE_RUN if phase.phase_number == DATABASE_PHASE else FROM_SEAT
    return {name: service for name, service in SERVICES.items() if name not in signed}


def _seats(request: HttpRequest, phase: Phase) -> dict[str, Any]:
    """Return the seats of a phase: its review gate, or for the Database Phase those of the run that stands."""
    gate = phases.gate_of(phase.phase_number)
    found = {"run": gate.run, "review_gate": REVIEW_GATES[phase.phase_number]}
    if gate.facts is None:
        return found
    return {**found, "seats": seat_board(seats=gate.seats, facts=gate.facts, user=request.user)}


def _page(request: HttpRequest, phase: Phase, *, refusal: V7Error | None = None, status: int = 200) -> HttpResponse:
    tasks = selectors.phase_tasks(phase.phase_number)
    context: dict[str, Any] = {
        "title": phase.phase_name,
        "phase": phase,
        "tasks": tasks,
        "completed": sum(task.status == "completed" for task in tasks),
        "moves": moves(phase, PHASE, by_hand(phase), reverse("phase", args=[phase.phase_number])),
        **_seats(request, phase),
        "history": phase.history.all()[:8],
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "pages/phase.html", context, status=status)
