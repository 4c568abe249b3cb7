"""The home page: what waits for the person who looks at it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals import gates
from approvals import selectors as approvals_selectors
from approvals.gates import AFTER, ARCHITECT, BEFORE
from tracking import home as tracking_home
from tracking import selectors as tracking_selectors
from tracking.actors import assessors
from tracking.models import GlobalImpact, Layer, WorkflowCode
from v7migration.ledger.models import Incident, Run, RunState
from v7migration.pipeline import coverage, escalation, gatekeeper, review_gates, sign_off
from v7migration.pipeline.incidents import authors
from v7migration.pipeline.standing import Standing, nothing_frozen, standing


@login_required
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show seats, tasks, impacts and incidents that wait for this person, and where the migration stands."""
    personas = approvals_selectors.personas_of(request.user)
    newest = gatekeeper.latest()
    current = standing(newest) if newest is not None else None
    context = {
        "title": "Home",
        "personas": sorted(personas),
        "seats": _seats(request, current),
        "tasks": tracking_selectors.tasks_waiting_for(personas),
        "impacts": _impacts(personas),
        "to_assess": _to_assess(personas),
        "unspoken": coverage.unspoken(tracking_selectors.open_impacts(), personas),
        "incidents": _incidents(personas),
        "stops": escalation.what_stops_all_work(),
        "escalations": tracking_selectors.escalations(),
        "current": current,
        "next_action": current.next_action if current else nothing_frozen(),
        "last_run": Run.objects.select_related("changeset").first(),
        "home_name": tracking_home.current(),
        "home_open": tracking_home.is_open(),
    }
    return render(request, "pages/home.html", context)


def _seats(request: HttpRequest, current: Standing | None) -> list[dict[str, Any]]:
    """Return the seats this person may sign now: newest changeset or finished run, then the phases in review."""
    subjects: list[tuple[Sequence[gates.Seat], gates.SubjectFacts]] = []
    if current is not None and current.run is None:
        subjects.append((BEFORE, current.facts))
    elif current is not None and current.run is not None and current.run.state == RunState.FINISHED:
        subjects.append((AFTER, sign_off.run_facts(current.run)))
    subjects += [(gates.PHASE, facts) for facts in review_gates.in_review()]
    waiting = approvals_selectors.waiting_for(user=request.user, subjects=subjects)
    names = {"changeset": f"changeset {current.changeset.number}" if current else "", "run": "the run"}
    return [
        {
            "seat": seat.seat,
            "subject": names.get(seat.facts.kind, seat.facts.title),
            "url": reverse(f"{seat.facts.kind}-sign", args=[_key(seat.facts), seat.seat.key]),
        }
        for seat in waiting
    ]


def _key(facts: gates.SubjectFacts) -> str | int:
    """Return what stands for a subject in the addresses of its seats."""
    return review_gates.number_of(facts.id) if facts.kind == "phase" else facts.id


def _incidents(personas: frozenset[str]) -> list[dict[str, Any]]:
    """Return the incidents that wait for somebody, those that are this person's first; and whether they are."""
    found = [
        {"escalated": entry, "mine": bool({*entry.to.split(" + "), entry.incident.assigned_to} & personas),
         "writes": entry.incident.state == Incident.State.OPEN and bool(authors(entry.incident) & personas)}
        for entry in escalation.incidents()
    ]  # fmt: skip
    return sorted(found, key=lambda line: not line["mine"])


def _to_assess(personas: frozenset[str]) -> list[dict[str, Any]]:
    """Return the layers whose accepted changes these personas have to assess, with the form that begins it."""
    return [
        {"place": place, "count": count, "url": f"{reverse('impact-new')}?layer={coverage.layer_word(place.layer)}"}
        for place, count in coverage.to_assess(coverage.look(), personas)
    ]


def _impacts(personas: frozenset[str]) -> list[GlobalImpact]:
    """Return the undecided impacts that these personas can move: those of their own layer or workflow first."""
    found = tracking_selectors.open_impacts()
    if not personas & assessors():
        return []
    if ARCHITECT not in personas:
        found = [impact for impact in found if impact.approval_status == "pending"]
    layers = set(Layer.objects.filter(guardian__in=personas).values_list("number", flat=True))
    codes = set(WorkflowCode.objects.filter(persona__in=personas).values_list("code", flat=True))
    return sorted(
        found, key=lambda impact: not (layers & set(impact.affected_layers) or codes & set(impact.affected_workflows))
    )
