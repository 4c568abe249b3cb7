"""Who needs whom in the target: the picture with its filter, the table of the same, and both to take away."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django import forms
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.views.decorators.http import require_safe

from v7migration.ledger.models import Inventory
from v7migration.pipeline.inventory import dependency_graph
from v7migration.pipeline.inventory.dependency_graph import Answer, Question

SCALES = ("fit", "50", "75", "100", "150", "200")
FITS = 1000
"""Width in pixels that a page has for a picture on a usual screen."""
MOST_STEPS = 6
SUGGESTED = 2000
LISTED = 200


class DependencyForm(forms.Form):
    """The filter: a table, how far to go from it, which kinds."""

    table = forms.CharField(required=False, max_length=400, label="Table, view, function or type")
    direction = forms.ChoiceField(
        required=False,
        label="Show",
        choices=[
            (dependency_graph.BOTH, "both directions"),
            (dependency_graph.NEEDS, "what it needs"),
            (dependency_graph.NEEDED_BY, "what needs it"),
        ],
    )
    steps = forms.ChoiceField(required=False, choices=[(n, n) for n in range(1, MOST_STEPS + 1)], label="Steps")
    kind = forms.MultipleChoiceField(
        required=False,
        label="Kinds",
        choices=[(kind, kind) for kind in dependency_graph.KINDS],
        widget=forms.CheckboxSelectMultiple,
    )
    unfolded = forms.BooleanField(required=False, label="Draw each partition and each of many alike")
    cluster = forms.CharField(required=False, max_length=400, widget=forms.HiddenInput)

    def question(self, table: str) -> Question:
        """Return the question; what the form did not understand is left out."""
        data = self.cleaned_data
        return Question(
            table=table,
            cluster="" if table else data.get("cluster", ""),
            kinds=frozenset(data.get("kind", ())),
            steps=int(data.get("steps") or 1),
            direction=data.get("direction") or dependency_graph.BOTH,
            unfolded=bool(data.get("unfolded")),
        )


class DependencyTable(tables.Table):  # type: ignore[misc]
    """The dependencies that are drawn, as a list."""

    source = tables.Column(accessor="from", verbose_name="Needs")
    kind = tables.Column(attrs={"td": {"class": "nowrap"}})
    target = tables.Column(accessor="to", verbose_name="Is needed")
    detail = tables.Column(empty_values=(), orderable=False, verbose_name="By what, which columns")

    class Meta:
        attrs = {"class": "v7-table"}
        empty_text = "There are no dependencies of these kinds."

    def render_source(self, value: str) -> SafeString:
        """Return a link to what is around the object."""
        return _link(value)

    def render_target(self, value: str) -> SafeString:
        """Return a link to what is around the object."""
        return _link(value)

    def render_detail(self, record: dict[str, Any]) -> str:
        """Return the names of constraints and triggers, and the columns."""
        return dependency_graph.detail(record)[2:-1] or "–"


@login_required
@require_safe
def dependency_page(request: HttpRequest) -> HttpResponse:
    """Draw the dependencies of the newest inventory, filtered by table, kind and steps, with the same as a table."""
    inventory = dependency_graph.newest()
    form = DependencyForm(request.GET)
    form.is_valid()
    context: dict[str, Any] = {
        "title": "Dependencies",
        "inventory": inventory,
        "form": form,
        "words": "",
        "answer": None,
    }
    if inventory is None:
        return render(request, "pages/dependencies.html", context)
    words = form.cleaned_data.get("table", "")
    found = dependency_graph.find(dependency_graph.graph_of(inventory.pk), words) if words else [""]
    if len(found) != 1:
        context |= {"words": words, "meant": [(name, _address(name)) for name in found[:LISTED]], "count": len(found)}
        return render(request, "pages/dependencies.html", context | _suggestions(inventory))
    shown = dependency_graph.answer_of(inventory.pk, form.question(found[0]), inventory.subject)
    rows = DependencyTable(shown.view.edges, order_by="source")
    tables.RequestConfig(request, paginate={"per_page": 50}).configure(rows)
    context |= {"answer": shown, "table": rows, "alone": _alone(shown), **_scaled(request, shown)}
    return render(request, "pages/dependencies.html", context | _suggestions(inventory))


@login_required
@require_safe
def dependency_file(request: HttpRequest, form: str) -> HttpResponse:
    """Return what the page shows as a file: ``svg``, which stands alone in light and dark, or ``json``."""
    shown = _asked(request)
    name = f"dependencies.{form}"
    body = dependency_graph.svg(shown) if form == "svg" else dependency_graph.as_json(shown)
    kind = "image/svg+xml" if form == "svg" else "application/json"
    return HttpResponse(
        body, content_type=f"{kind}; charset=utf-8", headers={"Content-Disposition": f'attachment; filename="{name}"'}
    )


def _asked(request: HttpRequest) -> Answer:
    """Return the answer to the question in an address that names one object, or none."""
    inventory = dependency_graph.newest()
    if inventory is None:
        raise Http404("No dependencies were read yet.")
    form = DependencyForm(request.GET)
    form.is_valid()
    words = form.cleaned_data.get("table", "")
    found = dependency_graph.find(dependency_graph.graph_of(inventory.pk), words) if words else [""]
    if len(found) != 1:
        raise Http404("The address names no object, or several.")
    return dependency_graph.answer_of(inventory.pk, form.question(found[0]), inventory.subject)


def _scaled(request: HttpRequest, shown: Answer) -> dict[str, Any]:
    """Return the picture at the scale that the address asks for; without one, a little too wide is fitted."""
    usual = "fit" if FITS < shown.picture.width <= 1.5 * FITS else "100"
    scale = request.GET.get("scale", usual)
    scale = scale if scale in SCALES else usual
    width, height = "100%", ""
    if scale != "fit":
        width, height = (str(round(side * int(scale) / 100)) for side in (shown.picture.width, shown.picture.height))
    svg = dependency_graph.svg(shown, link=lambda box: _behind(box, request), width=width, height=height)
    return {"svg": mark_safe(svg), "scale": scale, "scales": SCALES}  # noqa: S308 (a template escaped every word)


def _behind(box: Mapping[str, Any], request: HttpRequest) -> str:
    """Return the address behind a box: around an object, into a cluster, or the same picture with all of many alike."""
    if box["kind"] == "fan":
        query = request.GET.copy()
        query["unfolded"] = "on"
        return f"?{query.urlencode()}"
    return _address(box["id"], "cluster" if box["kind"] == "cluster" else "table")


def _alone(shown: Answer) -> list[tuple[str, str]]:
    """Return the objects that the table cannot list, because no dependency has them."""
    touched = {end for edge in shown.view.edges for end in (edge["from"], edge["to"])}
    names = [node["id"] for node in shown.view.nodes if node["id"] not in touched]
    return [(dependency_graph.one_line(name), _address(name)) for name in names[:LISTED]]


def _suggestions(inventory: Inventory) -> dict[str, Any]:
    nodes = dependency_graph.graph_of(inventory.pk)["nodes"]
    return {"suggestions": [node["id"] for node in nodes if node["kind"] in dependency_graph.RELATIONS][:SUGGESTED]}


def _address(name: str, field: str = "table") -> str:
    """Return the address of the page about an object, or about a cluster."""
    return f"{reverse('dependencies')}?{urlencode({field: name})}"


def _link(name: str) -> SafeString:
    return format_html('<a class="mono" href="{}">{}</a>', _address(name), dependency_graph.one_line(name))
