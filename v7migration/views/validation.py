"""The validation of a run: every check with its evidence, and accepting a failure by name (document 2.3.1, 5.3)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from v7migration.errors import V7Error
from v7migration.ledger.models import Run, Validation
from v7migration.middleware import status_of
from v7migration.pipeline import validation
from v7migration.views.persons import person_of

EARLIER = 50


class AcceptForm(forms.Form):
    """Failures by name, and why they may stand."""

    reason = forms.CharField(
        label="Reason", max_length=validation.LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why the chosen failures may stand. It becomes part of what is signed.",
    )  # fmt: skip


class FilterForm(forms.Form):
    """Which checks are shown."""

    show = forms.ChoiceField(
        label="Checks", required=False, choices=[("", "All"), ("failed", "Failed"), ("passed", "Passed")]
    )

    def wanted(self, checks: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """Return the checks that were asked for; a value that is none of the choices shows all."""
        chosen = self.cleaned_data.get("show") if self.is_valid() else ""
        return [check for check in checks if not chosen or check["ok"] == (chosen == "passed")]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_validation(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show the newest validation of a run (or the one that ``of`` names); a Test Sentinel accepts failures by name."""
    run = get_object_or_404(Run.objects.select_related("changeset__snapshot"), pk=run_id, kind=Run.Kind.EXECUTE)
    if request.method != "POST":
        return _page(request, run)
    try:
        rows = validation.accept(
            run=run, person=person_of(request), keys=request.POST.getlist("failure"),
            reason=request.POST.get("reason", ""),
        )  # fmt: skip
    except V7Error as refusal:
        return _page(request, run, status=status_of(refusal), refusal=refusal, form=AcceptForm(request.POST))
    messages.success(request, f"Accepted by name: {', '.join(row.check_name for row in rows)}.")
    return redirect("run-validation", run_id=run.pk)


def _page(
    request: HttpRequest, run: Run, *, status: int = 200, refusal: V7Error | None = None, form: AcceptForm | None = None
) -> HttpResponse:
    newest = validation.newest(run)
    found = _named(request, run) or newest
    failures = validation.failures(run, newest)
    open_ones = validation.unaccepted(failures)
    checks = found.document["checks"] if found is not None else []
    shown = FilterForm(request.GET)
    chosen = set(request.POST.getlist("failure"))
    context = {
        "title": "Validation",
        "run": run,
        "validation": found,
        "is_newest": found == newest,
        "checks": shown.wanted(checks),
        "total": len(checks),
        "failed": sum(not check["ok"] for check in checks),
        "filter": shown,
        "waiting": [{"failure": failure, "chosen": failure["evidence"] in chosen} for failure in open_ones],
        "acceptable": [failure for failure in open_ones if failure["grade"] != "critical"],
        "standing": [failure for failure in failures if failure["accepted"] is not None],
        "acceptances": run.accepted_failures.all(),
        "earlier": run.validations.defer("document")[:EARLIER],
        "may_accept": validation.may_accept(person_of(request)),
        "accept_form": form or AcceptForm(),
        "refusal": refusal,
    }
    return render(request, "pages/validation.html", context, status=status)


def _named(request: HttpRequest, run: Run) -> Validation | None:
    """Return the validation that the address asks for, None where it asks for none."""
    wanted = request.GET.get("of", "")
    if not wanted:
        return None
    try:
        key = UUID(wanted)
    except ValueError as error:
        raise Http404(wanted) from error
    found: Validation = get_object_or_404(run.validations, pk=key)
    return found
