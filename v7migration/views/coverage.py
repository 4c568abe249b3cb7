"""Coverage: the matrix of layers and workflows, the cells behind each number, and the page that signs "no impact"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import django_tables2 as tables
from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from approvals.forms import PasswordAgainField
from approvals.selectors import signing_personas_of
from tracking.tables import LOOK, NUMBER
from v7migration.errors import V7Error
from v7migration.middleware import status_of
from v7migration.pipeline import coverage
from v7migration.pipeline.coverage import Cell, Coverage, State
from v7migration.templatetags.v7 import badge, plain
from v7migration.views.persons import person_of

PER_PAGE = 50
SHOWN = 500
TONES = {
    State.TO_ASSESS: "warn",
    State.STALE: "bad",
    State.FILED: "info",
    State.IN_REVIEW: "info",
    State.NO_IMPACT: "good",
    State.APPROVED: "good",
}


def state_badge(cell: Cell) -> SafeString:
    """Return the state of a cell as a badge."""
    return badge(cell.state.value, cell.label, TONES[cell.state])


class CellTable(tables.Table):  # type: ignore[misc]
    """Changes in layers."""

    change = tables.Column(verbose_name="Change")
    layer = tables.Column(accessor="place__title", order_by=("layer",))
    workflows = tables.Column(accessor="evidence__workflows", orderable=False)
    files = tables.Column(accessor="evidence__files", attrs=NUMBER)
    lines = tables.Column(accessor="evidence__lines", attrs=NUMBER, orderable=False)
    breaking = tables.Column(accessor="evidence__breaking", attrs=NUMBER)
    state = tables.Column()
    by = tables.Column(verbose_name="By", empty_values=())
    next_step = tables.Column(verbose_name="Next", orderable=False, empty_values=())

    class Meta:
        attrs = LOOK
        empty_text = "No accepted change touches the code here."

    def render_change(self, record: Cell) -> SafeString:
        """Return the change as a link to its lines in the layer."""
        return format_html('<a class="mono v7-label" href="{}">{}</a>', record.url, plain(record.change))

    def render_workflows(self, value: tuple[str, ...]) -> str:
        """Return the workflows."""
        return ", ".join(code or "none" for code in value)

    def render_lines(self, value: tuple[Any, ...]) -> int:
        """Return how many lines there are."""
        return len(value)

    def render_state(self, record: Cell) -> SafeString:
        """Return the state, linked to the impact where there is one."""
        if record.impact is None:
            return state_badge(record)
        url = reverse("impact", args=[record.impact.pk])
        return format_html('<a href="{}">{}</a>', url, state_badge(record))

    def render_by(self, record: Cell) -> str:
        """Return who gave the answer."""
        return record.by or "–"

    def render_next_step(self, record: Cell) -> SafeString | str:
        """Return whose turn it is, linked to the page."""
        if record.is_covered:
            return "–"
        persona, page = record.turn
        people = ", ".join(record.place.people) if persona == record.place.persona else ""
        said = format_html('<a href="{}">{}</a>', page, persona)
        return format_html('{} <span class="soft small">{}</span>', said, people) if people else said


class NoImpactForm(forms.Form):
    """Why a change has no impact in a layer, and the signer's password. ``shown_digest`` says what the page showed."""

    reason = forms.CharField(
        label="Reason", max_length=4_000, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why none of these lines has to change. It becomes part of what is signed.",
    )  # fmt: skip
    password = PasswordAgainField()
    shown_digest = forms.CharField(widget=forms.HiddenInput, max_length=64)


@login_required
@require_safe
def coverage_page(request: HttpRequest) -> HttpResponse:
    """Show the matrix, and the cells that ``?layer=``, ``?workflow=`` and ``?state=`` leave."""
    found = coverage.look()
    wanted = {name: request.GET.get(name, "") for name in ("layer", "workflow", "state")}
    kept = list(_filtered(found.cells, **wanted))
    table = CellTable(kept)
    tables.RequestConfig(request, paginate={"per_page": PER_PAGE}).configure(table)
    context = {
        "title": "Coverage",
        "found": found,
        "matrix": coverage.matrix(found),
        "table": table,
        "kept": len(kept),
        "is_filtered": len(kept) != len(found.cells),
        "states": [(state.value, coverage.LABELS[state], wanted["state"] == state.value) for state in State],
        "wanted": wanted,
    }
    return render(request, "pages/coverage.html", context)


def _filtered(cells: Iterable[Cell], *, layer: str, workflow: str, state: str) -> Iterable[Cell]:
    for cell in cells:
        if layer and coverage.layer_word(cell.layer) != layer:
            continue
        if workflow and ("" if workflow == "none" else workflow) not in cell.evidence.workflows:
            continue
        if not state or cell.state.value == state:
            yield cell


@login_required
@require_safe
def coverage_cell(request: HttpRequest) -> HttpResponse:
    """Show the lines of one change (``?change=``) in one layer (``?layer=``), and who answered for them."""
    _, cell = _asked(request)
    refusal = coverage.refusal_of(cell, signing_personas_of(request.user))
    context = {
        "title": f"{cell.change} in {cell.place.title}",
        "cell": cell,
        "state": state_badge(cell),
        "lines": cell.evidence.lines[:SHOWN],
        "more": len(cell.evidence.lines) - SHOWN,
        "may_sign": refusal is None,
        "sign_url": f"{reverse('coverage-sign')}?{cell.query}",
    }
    return render(request, "pages/coverage_cell.html", context)


@login_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def coverage_sign(request: HttpRequest) -> HttpResponse:
    """Show and take the signature that a change has no impact in a layer."""
    _, cell = _asked(request)
    if request.method != "POST":
        form = NoImpactForm(initial={"shown_digest": cell.evidence.digest})
        return _sign_page(request, cell, form)
    form = NoImpactForm(request.POST)
    if not form.is_valid():
        return _sign_page(request, cell, form, status=400)
    try:
        coverage.sign_no_impact(
            person=person_of(request), change=cell.change, layer=cell.layer,
            address=request.META.get("REMOTE_ADDR", ""), **form.cleaned_data,
        )  # fmt: skip
    except V7Error as refusal:
        return _sign_page(request, cell, form, refusal=refusal, status=status_of(refusal))
    request.session.cycle_key()  # the password was given again: an earlier copy of the session is of no use
    messages.success(request, f"You signed that {cell.change} has no impact in {cell.place.title}.")
    return redirect(cell.url)


def _asked(request: HttpRequest) -> tuple[Coverage, Cell]:
    said = request.GET.get("layer", "")
    if said != "none" and not (said.isascii() and said.isdigit() and len(said) < 6):
        raise Http404("Name a change and a layer.")
    found = coverage.look()
    cell = found.find(request.GET.get("change", ""), None if said == "none" else int(said))
    if cell is None:
        raise Http404("No accepted change of this name touches this layer.")
    return found, cell


def _sign_page(
    request: HttpRequest, cell: Cell, form: NoImpactForm, *, refusal: V7Error | None = None, status: int = 200
) -> HttpResponse:
    context = {
        "title": "No impact",
        "cell": cell,
        "state": state_badge(cell),
        "lines": cell.evidence.lines[:SHOWN],
        "more": len(cell.evidence.lines) - SHOWN,
        "statement": coverage.statement_for(cell),
        "form": form,
        "cannot": coverage.refusal_of(cell, signing_personas_of(request.user)),
        "refusal": refusal,
        "action": f"{request.path}?{cell.query}",
    }
    return render(request, "pages/coverage_sign.html", context, status=status)
