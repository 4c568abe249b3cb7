"""The success criteria of the phase, with what stands behind each (document 7)."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from v7migration.pipeline.criteria import criteria


@login_required
@require_safe
def criteria_page(request: HttpRequest) -> HttpResponse:
    """Show the ten criteria with evidence, person and time."""
    found = criteria()
    context = {"title": "Success criteria", "criteria": found, "met": sum(criterion.met for criterion in found)}
    return render(request, "pages/criteria.html", context)
