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
from v7migration.pipeline import coverage

LINES = 200
"""How many lines of evidence stand beside a form; the page of each change and layer lists more."""
SERVICES: dict[str, Service] = {
    "review": services.impact_review,
    "approve": coverage.approve,
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
    """File an impact; ``?layer=`` and ``?change=`` begin with what the code map shows there."""
    return _write(request, None, _draft(request))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def impact_edit(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Change what an impact says."""
    impact = get_object_or_404(GlobalImpact, pk=pk)
    return _write(request, impact, coverage.draft_of(impact))


def _draft(request: HttpRequest) -> coverage.Draft | None:
    """Return the draft that the address asks for; None for an address that names no layer to assess."""
    said = request.GET.get("layer", "")
    if not (said == "none" or (said.isascii() and said.isdigit() and len(said) < 6)):
        return None
    layer = None if said == "none" else int(said)
    return coverage.draft(layer=layer, change=request.GET.get("change", ""))


def _write(request: HttpRequest, impact: GlobalImpact | None, draft: coverage.Draft | None = None) -> HttpResponse:
    if request.method != "POST":
        return _form(request, ImpactForm(impact=impact, draft=draft), impact, draft=draft)
    form = ImpactForm(request.POST, impact=impact, draft=draft)
    if not form.is_valid():
        return _form(request, form, impact, draft=draft, status=400)
    if (warning := refused_until_confirmed(request)) is not None:
        return _form(request, form, impact, draft=draft, status=409, refusal=warning)
    try:
        saved = _save(request, form, impact)
    except HomeMoving:
        raise
    except V7Error as refusal:
        stale = isinstance(refusal, StaleForm)
        return _form(request, form, impact, draft=draft, status=status_of(refusal), refusal=refusal, stale=stale)
    messages.success(request, "The impact is saved." if impact else "The impact is filed.")
    return redirect("impact", pk=saved.pk)


def _save(request: HttpRequest, form: ImpactForm, impact: GlobalImpact | None) -> GlobalImpact:
    actor, reason = actor_of(request), form.cleaned_data["reason"]
    said: dict[str, Any] = {"assessed": form.assessed, "content": form.content, "reason": reason}
    if impact is None:
        return coverage.file_impact(actor=actor, **said)
    seen_at = parse_datetime(form.cleaned_data["updated_at"])
    if seen_at is None:
        raise StaleForm("The form does not say which version it shows.", "Load it again.")
    return coverage.change_impact(impact=impact, actor=actor, seen_at=seen_at, **said)


def _form(
    request: HttpRequest,
    form: ImpactForm,
    impact: GlobalImpact | None,
    *,
    draft: coverage.Draft | None = None,
    status: int = 200,
    refusal: V7Error | None = None,
    stale: bool = False,
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": "Change an impact" if impact else "File an impact",
        "form": form,
        "impact": impact,
        "draft": draft,
        "evidence": _evidence(draft) if draft else [],
        "refusal": refusal,
        "stale": stale,
        "now": GlobalImpact.objects.filter(pk=impact.pk).first() if impact and stale else None,
        "voids": voided(),
        "may_write": actor_of(request).holds_any(assessors() | {DB_TEAM_LEAD}),
    }
    return render(request, "pages/impact_form.html", context, status=status)


def _evidence(draft: coverage.Draft) -> list[tuple[coverage.Cell, tuple[coverage.Line, ...], int]]:
    """Return the first lines of each cell that the form may cover, the breaking ones first, and how many are left."""
    shown = max(5, LINES // len(draft.cells))
    return [
        (cell, tuple(sorted(cell.evidence.lines, key=lambda line: not line.breaking)[:shown]),
         len(cell.evidence.lines) - shown)
        for cell in draft.cells
    ]  # fmt: skip


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


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def impact_business(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Record what an impact means for the workflows that the person speaks for (``said-WF1`` and so on)."""
    impact = get_object_or_404(GlobalImpact, pk=pk)
    if request.method != "POST":  # a sign-in in between leads here
        return redirect("impact", pk=pk)
    said = {name.removeprefix("said-"): text for name, text in request.POST.dict().items() if name.startswith("said-")}
    try:
        coverage.record_business_impact(impact=impact, actor=actor_of(request), said=said)
    except V7Error as refusal:
        return _page(request, impact, refusal=refusal, status=status_of(refusal))
    messages.success(request, "The business impact is recorded.")
    return redirect("impact", pk=pk)


def _voices(request: HttpRequest, impact: GlobalImpact) -> list[dict[str, Any]]:
    """Return the affected workflows, what was said of each, and whether this person may speak for it."""
    personas = actor_of(request).personas
    is_open = impact.approval_status not in ("approved", "implemented")
    return [
        {
            "voice": voice,
            "mine": is_open and voice.persona in personas,
            "text": request.POST.get(f"said-{voice.workflow}", voice.said.text if voice.said else ""),
        }
        for voice in coverage.voices(impact)
    ]


def _page(
    request: HttpRequest, impact: GlobalImpact, *, refusal: V7Error | None = None, status: int = 200
) -> HttpResponse:
    said = _voices(request, impact)
    context: dict[str, Any] = {
        "title": "Impact",
        "impact": impact,
        "speaks": any(entry["mine"] for entry in said),
        "layers": Layer.objects.filter(number__in=impact.affected_layers),
        "workflows": WorkflowCode.objects.filter(code__in=impact.affected_workflows),
        "voices": said,
        "changes": coverage.changes_of(impact),
        "moves": moves(impact, IMPACT, SERVICES, reverse("impact", args=[impact.pk])),
        "history": impact.history.all()[:8],
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
        "voids": voided(),
    }
    return render(request, "pages/impact.html", context, status=status)
