"""Incidents: what happened, and the root cause and remediation without which nothing is tried again."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from tracking.actors import Actor, require
from tracking.views.acting import actor_of
from v7migration.errors import V7Error
from v7migration.ledger.models import Incident
from v7migration.ledger.services import remediate_incident
from v7migration.middleware import status_of
from v7migration.pipeline.incidents import authors


class RemediationForm(forms.Form):
    """Root cause and remediation (document 5.4, steps 5 and 6)."""

    root_cause = forms.CharField(
        label="Root cause",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What happened, and why.",
    )
    remediation = forms.CharField(
        label="Remediation",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text="What was done so that it does not happen again.",
    )


@login_required
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    """List the incidents, newest first."""
    context = {"title": "Incidents", "incidents": Incident.objects.select_related("run__changeset")[:200]}
    return render(request, "pages/incidents.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def incident_page(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Show an incident; its own persona, DB Team Lead or The Architect record root cause and remediation."""
    incident = get_object_or_404(Incident.objects.select_related("run__changeset"), pk=incident_id)
    actor = actor_of(request)
    if request.method != "POST":
        return _page(request, incident, actor, RemediationForm())
    form = RemediationForm(request.POST)
    try:
        require(actor, authors(incident), "close an incident")
        if not form.is_valid():
            return _page(request, incident, actor, form, status=400)
        remediate_incident(incident=incident, actor=actor.username, **form.cleaned_data)
    except V7Error as refusal:
        return _page(request, incident, actor, form, status=status_of(refusal), refusal=refusal)
    messages.success(request, "Root cause and remediation are recorded. The run may go on, or be taken back.")
    return redirect("incident", incident_id=incident.pk)


def _page(
    request: HttpRequest,
    incident: Incident,
    actor: Actor,
    form: RemediationForm,
    *,
    status: int = 200,
    refusal: V7Error | None = None,
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": "Incident",
        "incident": incident,
        "form": form,
        "may_write": incident.state == Incident.State.OPEN and actor.holds_any(authors(incident)),
        "refusal": refusal,
    }
    return render(request, "pages/incident.html", context, status=status)
