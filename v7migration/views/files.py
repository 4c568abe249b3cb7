"""The page of the inventory of files: compliance by layer and workflow, and the files behind each number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from tracking.tables import LOOK, NUMBER
from v7migration.ledger.models import Inventory
from v7migration.pipeline.inventory import known_file
from v7migration.templatetags.v7 import plain

PATH = {"td": {"class": "path"}}
PER_PAGE = 50
LISTS = {
    "impacts": ("Impact", "How much changing a file touches, from 1 to 10, with the reasons; the highest first."),
    "violations": ("Violations", "Files whose name does not follow the standard, with the reason."),
    "near": ("Near misses", "Names that nearly follow the standard, with what is wrong."),
    "proposals": ("Target names", "The names that files would get, from workflow, layer, place in the set and stem."),
    "sets": ("Sets", "Within one workflow and layer all files share one N, and every K from 1 to N occurs once."),
    "orphans": ("Orphans", "Files of the source tree that file_audit does not know."),
    "phantoms": ("Phantoms", "Rows of file_audit without a file in the source tree."),
    "exempt": ("No V7 name needed", "Names that Python or tools look for, and infrastructure without a workflow."),
    "faults": ("Not listed", "What could not be listed or read; the rest was done."),
}
"""The lists that the page shows: their titles and what they hold."""


class FoundTable(tables.Table):  # type: ignore[misc]
    """Files with a sentence about each."""

    path = tables.Column(attrs=PATH)
    score = tables.Column(attrs=NUMBER)
    layer = tables.Column(attrs=NUMBER)
    workflow = tables.Column()
    target = tables.Column(verbose_name="Target name", attrs=PATH)
    reason = tables.Column()

    class Meta:
        attrs = LOOK
        empty_text = "Nothing of this kind was found."

    def render_path(self, value: str) -> SafeString:
        """Return the path as a link to all that is known of the file."""
        return format_html(
            '<a class="plain" href="{}?{}">{}</a>', reverse("file"), urlencode({"path": value}), plain(value)
        )


class SetTable(tables.Table):  # type: ignore[misc]
    """The sets that names form."""

    workflow = tables.Column()
    layer = tables.Column(attrs=NUMBER)
    files = tables.Column(attrs=NUMBER)
    reason = tables.Column(verbose_name="What is wrong", empty_values=())

    class Meta:
        attrs = LOOK
        empty_text = "No name of the tree belongs to a set yet."

    def render_reason(self, value: str | None) -> str:
        """Say that a set is whole where nothing is wrong."""
        return value or "whole"


@login_required
@require_safe
def file_inventory(request: HttpRequest) -> HttpResponse:
    """Show the newest inventory of files: shares by layer and workflow, and one of :data:`LISTS`."""
    shown = request.GET.get("show", "violations")
    shown = shown if shown in LISTS else "violations"
    newest = Inventory.objects.filter(part=Inventory.Part.FILES)
    found = newest.values(
        "pk", "taken_at", "taken_by", "subject", "document__totals", "document__by_layer", "document__by_workflow",
        "document__audit", "document__matching",
    ).first()  # fmt: skip
    context: dict[str, Any] = {"title": "Inventory of files", "found": found, "shown": shown}
    if found is not None:
        rows = _rows(found["pk"], shown)
        kept = list(_filtered(rows, request.GET.get("layer", ""), request.GET.get("workflow", "")))
        context |= {
            "heading": LISTS[shown][0], "lead": LISTS[shown][1], "table": _table(request, shown, kept),
            "lists": _counted(found["document__totals"]), "is_filtered": len(kept) != len(rows),
            "by": [("Layer", "layer", found["document__by_layer"]),
                   ("Workflow", "workflow", found["document__by_workflow"])],
        }  # fmt: skip
    return render(request, "pages/file_inventory.html", context)


def _rows(key: Any, shown: str) -> list[dict[str, Any]]:
    """Read one list of an inventory, and no other: an inventory of 200,000 files is large."""
    name = "violations" if shown == "near" else shown
    rows = Inventory.objects.filter(pk=key).values_list(f"document__{name}", flat=True)[0] or []
    rows = [{"path": row} if isinstance(row, str) else row for row in rows]
    if shown == "impacts":
        ordered = sorted(rows, key=lambda row: (-row["score"], row["path"]))
        return [{**row, "reason": "; ".join(row["reasons"]) or "nothing else needs it"} for row in ordered]
    if shown == "near":
        return [row for row in rows if row["near"]]
    return [{**row, "reason": row["note"]} for row in rows] if shown == "proposals" else rows


def _filtered(rows: Iterable[dict[str, Any]], layer: str, workflow: str) -> Iterable[dict[str, Any]]:
    for row in rows:
        if (not layer or _key(row.get("layer")) == layer) and (not workflow or _key(row.get("workflow")) == workflow):
            yield row


def _key(value: object) -> str:
    return "none" if value is None else str(value)


def _table(request: HttpRequest, shown: str, rows: list[dict[str, Any]]) -> tables.Table:
    if shown == "sets":
        table: tables.Table = SetTable(rows)
    else:
        held = {name for row in rows[:1] for name in row}
        table = FoundTable(rows, exclude=[name for name in FoundTable.base_columns if name not in {"path", *held}])
    tables.RequestConfig(request, paginate={"per_page": PER_PAGE}).configure(table)
    return table


def _counted(totals: dict[str, int]) -> list[tuple[str, str, int]]:
    """Return the lists with how much each holds; of sets those that are not whole."""
    counted = {"near": "near_misses", "sets": "broken_sets", "impacts": "files"}
    return [(name, title, totals.get(counted.get(name, name), 0)) for name, (title, _) in LISTS.items()]


@login_required
@require_safe
def file_page(request: HttpRequest) -> HttpResponse:
    """Show what is known of the file that ``?path=`` names: its score and why, what is filed and proposed for it."""
    path = request.GET.get("path", "").replace("\0", "")
    found = known_file.known(path) if path else None
    context = {"title": plain(path) if path else "File", "path": path, "file": found}
    return render(request, "pages/file.html", context, status=200 if found or not path else 404)
