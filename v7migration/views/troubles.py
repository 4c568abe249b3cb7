"""Trouble that a person reports or judges: an integration issue on a run, the grade of an incident (document 5.3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from v7migration.errors import V7Error
from v7migration.ledger.models import Event, Incident, Run
from v7migration.middleware import status_of
from v7migration.pipeline import reporting
from v7migration.views.persons import person_of


class IssueForm(forms.Form):
    """What does not work, and how bad that is."""

    title = forms.CharField(label="Title", max_length=200, help_text="One line: what does not work.")
    description = forms.CharField(
        label="Description",
        max_length=10_000,
        widget=forms.Textarea(attrs={"rows": 5}),
        help_text="What you did, what you expected, what came instead.",
    )
    severity = forms.ChoiceField(label="Severity", choices=Incident.Severity.choices, initial=Incident.Severity.MEDIUM)


class GradeForm(forms.Form):
    """Another grade, and why."""

    severity = forms.ChoiceField(label="Grade", choices=Incident.Severity.choices)
    reason = forms.CharField(
        label="Reason",
        max_length=2_000,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why it is better or worse than it was graded.",
    )


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_issue(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Report an integration issue on a run; it becomes an incident of Dev Team."""
    run = get_object_or_404(Run.objects.select_related("changeset"), pk=run_id)
    form = IssueForm(request.POST or None)
    context = {"title": "Integration issue", "run": run, "may_report": reporting.may_report(person_of(request))}
    if request.method != "POST":
        return _page(request, "pages/issue.html", form, context)
    if not form.is_valid():
        return _page(request, "pages/issue.html", form, context, status=400)
    try:
        incident = reporting.integration(run=run, person=person_of(request), **form.cleaned_data)
    except V7Error as refusal:
        return _page(request, "pages/issue.html", form, {**context, "refusal": refusal}, status=status_of(refusal))
    messages.success(request, "The issue is reported: Dev Team was told.")
    return redirect("incident", incident_id=incident.pk)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def incident_grade(request: HttpRequest, incident_id: UUID) -> HttpResponse:
    """Change how bad an incident is, with a reason (Test Sentinel or The Architect)."""
    incident = get_object_or_404(Incident, pk=incident_id)
    form = GradeForm(request.POST or None, initial={"severity": incident.severity})
    context = {
        "title": "Grade",
        "incident": incident,
        "may_grade": reporting.may_grade(person_of(request)),
        "grades": Event.objects.filter(subject=str(incident.pk), kind="incident.regraded"),
    }
    if request.method != "POST":
        return _page(request, "pages/grade.html", form, context)
    if not form.is_valid():
        return _page(request, "pages/grade.html", form, context, status=400)
    try:
        reporting.regrade_incident(incident=incident, person=person_of(request), **form.cleaned_data)
    except V7Error as refusal:
        return _page(request, "pages/grade.html", form, {**context, "refusal": refusal}, status=status_of(refusal))
    messages.success(request, "The grade is changed; the old one stays in the events.")
    return redirect("incident", incident_id=incident.pk)


def _page(
    request: HttpRequest, template: str, form: forms.Form, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    return render(request, template, {**context, "form": form}, status=status)
