"""Impacts: the list, filing and changing one, and its review."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_http_methods, require_safe
from django_filters.views import FilterView
from django_tables2 import SingleTableMixin

from tracking import services
from tracking.actors import DB_TEAM_LEAD, assessors
from tracking.filters import ImpactFilter
from tracking.forms import ImpactForm
from tracking.machines import IMPACT
from tracking.models import GlobalImpact, Layer, WorkflowCode
from tracking.tables import ImpactTable
from tracking.views.acting import Service, actor_of, move, moves
from tracking.views.voiding import refused_until_confirmed, voided
from v7migration.errors import HomeMoving, StaleForm, V7Error
from v7migration.middleware import status_of

SERVICES: dict[str, Service] = {
    "review": services.impact_review,
    "approve": services.impact_approve,
    "reject": services.impact_reject,
    "implement": services.impact_implement,
}


class ImpactList(LoginRequiredMixin, SingleTableMixin, FilterView):  # type: ignore[misc]
    """All impacts, newest first."""

    table_class = ImpactTable
    filterset_class = ImpactFilter
    template_name = "pages/table.html"
    table_pagination = {"per_page": 50}
    extra_context = {
        "title": "Impacts",
        "lead": "What the migration changes for each layer and workflow, filed and reviewed by their guardians.",
        "new": ("impact-new", "File an impact"),
    }

    def get_queryset(self) -> QuerySet[GlobalImpact]:
        """Return the impacts."""
        return GlobalImpact.objects.all()


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def impact_new(request: HttpRequest) -> HttpResponse:
    """File an impact."""
    return _write(request, None)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def impact_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what an impact says."""
    return _write(request, get_object_or_404(GlobalImpact, pk=pk))


def _write(request: HttpRequest, impact: GlobalImpact | None) -> HttpResponse:
    if request.method != "POST":
        return _form(request, ImpactForm(impact=impact), impact)
    form = ImpactForm(request.POST, impact=impact)
    if not form.is_valid():
        return _form(request, form, impact, status=400)
    if (warning := refused_until_confirmed(request)) is not None:
        return _form(request, form, impact, status=409, refusal=warning)
    try:
        saved = _save(request, form, impact)
    except HomeMoving:
        raise
    except V7Error as refusal:
        stale = isinstance(refusal, StaleForm)
        return _form(request, form, impact, status=status_of(refusal), refusal=refusal, stale=stale)
    messages.success(request, "The impact is saved." if impact else "The impact is filed.")
    return redirect("impact", pk=saved.pk)


def _save(request: HttpRequest, form: ImpactForm, impact: GlobalImpact | None) -> GlobalImpact:
    actor, reason = actor_of(request), form.cleaned_data["reason"]
    if impact is None:
        return services.impact_create(actor=actor, reason=reason, **form.content)
    seen_at = parse_datetime(form.cleaned_data["updated_at"])
    if seen_at is None:
        raise StaleForm("The form does not say which version it shows.", "Load it again.")
    return services.impact_update(impact=impact, actor=actor, changes=form.content, reason=reason, seen_at=seen_at)


def _form(
    request: HttpRequest,
    form: ImpactForm,
    impact: GlobalImpact | None,
    *,
    status: int = 200,
    refusal: V7Error | None = None,
    stale: bool = False,
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": "Change an impact" if impact else "File an impact",
        "form": form,
        "impact": impact,
        "refusal": refusal,
        "stale": stale,
        "now": GlobalImpact.objects.filter(pk=impact.pk).first() if impact and stale else None,
        "voids": voided(),
        "may_write": actor_of(request).holds_any(assessors() | {DB_TEAM_LEAD}),
    }
    return render(request, "pages/impact_form.html", context, status=status)


@login_required
@require_safe
def impact_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one impact."""
    return _page(request, get_object_or_404(GlobalImpact, pk=pk))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def impact_move(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """Make a transition of an impact; signed rows change only after a confirmation."""
    impact = get_object_or_404(GlobalImpact, pk=pk)

    def page(refusal: V7Error, status: int) -> HttpResponse:
        return _page(request, get_object_or_404(GlobalImpact, pk=pk), refusal=refusal, status=status)

    if (warning := refused_until_confirmed(request)) is not None:
        return page(warning, 409)
    back = reverse("impact", args=[pk])
    return move(request, name=name, services=SERVICES, row={"impact": impact}, back=back, page=page)


def _page(
    request: HttpRequest, impact: GlobalImpact, *, refusal: V7Error | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": "Impact",
        "impact": impact,
        "layers": Layer.objects.filter(number__in=impact.affected_layers),
        "workflows": WorkflowCode.objects.filter(code__in=impact.affected_workflows),
        "moves": moves(impact, IMPACT, SERVICES, reverse("impact", args=[impact.pk])),
        "history": impact.history.all()[:8],
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
        "voids": voided(),
    }
    return render(request, "pages/impact.html", context, status=status)
