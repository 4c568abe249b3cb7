"""Incidents: what happened, root cause and remediation, and their review by somebody else before the next attempt."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from approvals.selectors import personas_of
from v7migration.errors import V7Error
from v7migration.ledger.models import Event, Incident
from v7migration.middleware import status_of
from v7migration.pipeline import emergency, incidents, notices
from v7migration.views.persons import person_of

ALL = [("", "All")]
LONGEST_LIST = 200


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


class ReviewForm(forms.Form):
    """The judgement on what somebody else wrote."""

    verdict = forms.ChoiceField(
        label="Verdict",
        choices=[("accept", "Accept: the next attempt may begin"), ("send_back", "Send back to its author")],
        widget=forms.RadioSelect,
    )
    note = forms.CharField(
        label="Note",
        max_length=10_000,
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Needed when it is sent back: what is missing or wrong.",
    )


class FilterForm(forms.Form):
    """What the list shows."""

    state = forms.ChoiceField(label="State", choices=[*ALL, *Incident.State.choices], required=False)
    kind = forms.ChoiceField(label="Kind", choices=[*ALL, *Incident.Kind.choices], required=False)
    severity = forms.ChoiceField(label="Severity", choices=[*ALL, *Incident.Severity.choices], required=False)

    def wanted(self) -> dict[str, str]:
        """Return the conditions that were chosen; a value that is none of the choices is left out."""
        self.is_valid()
        return {name: value for name, value in self.cleaned_data.items() if value}


@login_required
@require_safe
def incident_list(request: HttpRequest) -> HttpResponse:
    """List the incidents, newest first, by state, kind and severity."""
    form = FilterForm(request.GET)
    found = Incident.objects.filter(**form.wanted()).select_related("run__changeset")
    context = {
        "title": "Incidents", "incidents": found[:LONGEST_LIST], "filter": form, "is_filtered": bool(form.wanted()),
    }  # fmt: skip
    return render(request, "pages/incidents.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def incident_page(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Show an incident; its authors document it, somebody else reviews that, and it is closed."""
    incident = get_object_or_404(Incident.objects.select_related("run__changeset"), pk=incident_id)
    if request.method != "POST":
        return _page(request, incident)
    match request.POST.get("action", "document"):
        case "review":
            return _review(request, incident)
        case "close":
            return _close(request, incident)
        case _:
            return _document(request, incident)


def _document(request: HttpRequest, incident: Incident) -> HttpResponse:
    form = RemediationForm(request.POST)
    try:
        incidents.require_author(incident, person_of(request))
        if not form.is_valid():
            return _page(request, incident, form=form, status=400)
        incidents.document(incident=incident, person=person_of(request), **form.cleaned_data)
    except V7Error as refusal:
        return _page(request, incident, form=form, status=status_of(refusal), refusal=refusal)
    messages.success(request, "Root cause and remediation are recorded. Somebody else reviews them.")
    return redirect("incident", incident_id=incident.pk)


def _review(request: HttpRequest, incident: Incident) -> HttpResponse:
    form = ReviewForm(request.POST)
    if not form.is_valid():
        return _page(request, incident, review=form, status=400)
    approve, note = form.cleaned_data["verdict"] == "accept", form.cleaned_data["note"]
    try:
        incidents.review(incident=incident, person=person_of(request), approve=approve, note=note)
    except V7Error as refusal:
        return _page(request, incident, review=form, status=status_of(refusal), refusal=refusal)
    messages.success(request, "Reviewed: the next attempt may begin." if approve else "Sent back with your note.")
    return redirect("incident", incident_id=incident.pk)


def _close(request: HttpRequest, incident: Incident) -> HttpResponse:
    try:
        incidents.close(incident=incident, person=person_of(request))
    except V7Error as refusal:
        return _page(request, incident, status=status_of(refusal), refusal=refusal)
    messages.success(request, "The incident is closed.")
    return redirect("incident", incident_id=incident.pk)


def _page(
    request: HttpRequest,
    incident: Incident,
    *,
    form: RemediationForm | None = None,
    review: ReviewForm | None = None,
    status: int = 200,
    refusal: V7Error | None = None,
) -> HttpResponse:
    person = person_of(request)
    incident = Incident.objects.select_related("run__changeset", "run__undoes").get(pk=incident.pk)
    held = personas_of(person)
    before = {"root_cause": incident.root_cause, "remediation": incident.remediation}
    context: dict[str, Any] = {
        "title": "Incident",
        "incident": incident,
        "form": form or RemediationForm(initial=before),
        "review": review or ReviewForm(),
        "may_write": incident.state == Incident.State.OPEN and bool(held & incidents.authors(incident)),
        "may_review": incidents.may_review(incident=incident, person=person),
        "is_author": incident.remediated_by == person.get_username(),
        "may_close": incident.state == Incident.State.REVIEWED and bool(held & incidents.AUTHORS),
        "turn": incidents.turn(incident)[1] if incident.state in Incident.UNREVIEWED else "",
        "emergency": emergency.of_run(incident.run) if incident.run is not None else None,
        "notices": notices.notices_about(str(incident.pk)),
        "events": Event.objects.filter(subject=str(incident.pk))[:50],
        "refusal": refusal,
    }
    return render(request, "pages/incident.html", context, status=status)
