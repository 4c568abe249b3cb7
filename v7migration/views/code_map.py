"""The code map: which files and lines each proposed change touches, and what else the reading of the sources found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import Any
from uuid import UUID

import django_tables2 as tables
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_safe

from tracking.models import EnumMigration
from tracking.tables import LOOK, NUMBER
from v7migration.pipeline.inventory import mapped_code
from v7migration.pipeline.inventory.mapped_code import NONE, Filter, Standing
from v7migration.source.changes import RANK
from v7migration.templatetags.v7 import badge, plain

Document = dict[str, Any]

PER_PAGE = 100
BREAK = SafeString("<br>")
NAMED = 12
PATH = {"td": {"class": "path"}}
CONFIDENCES = tuple(reversed(list(RANK)))
LISTS = {
    "changes": ("Changes", "What is proposed, with the files and lines that each touches.", "changes"),
    "renames": (
        "Broken imports",
        "Imports of files that get a V7 name: they break when the file is renamed.",
        "breaking_imports",
    ),
    "twice": ("Defined twice", "ENUM classes of one name that the sources declare more than once.", ""),
    "lost": ("Lost imports", "Imports of the tree's own modules that lead nowhere.", "lost_imports"),
    "cycles": ("Cycles", "Files that import each other in a circle.", "cycles"),
    "faults": ("Not read", "Files that could not be read or parsed; what they touch is not known.", "faults"),
}
"""The lists that the page shows: their titles, what they hold, and their name among the map's totals."""
KEPT = {"twice": "defined_twice"}


class ChangeTable(tables.Table):  # type: ignore[misc]
    """The proposed changes, each with what it touches."""

    name = tables.Column(verbose_name="ENUM type")
    breaking = tables.Column(accessor="counts__breaking", attrs=NUMBER)
    files = tables.Column(attrs=NUMBER)
    certain = tables.Column(accessor="counts__certain", attrs=NUMBER)
    likely = tables.Column(accessor="counts__likely", attrs=NUMBER)
    possible = tables.Column(accessor="counts__possible", attrs=NUMBER)
    layers = tables.Column(orderable=False, verbose_name="Files by layer")
    workflows = tables.Column(orderable=False, verbose_name="Files by workflow")

    class Meta:
        attrs = LOOK
        order_by = ("-breaking", "-files", "name")
        empty_text = "No change was proposed when this map was taken."

    def render_name(self, record: Document) -> SafeString:
        """Return the type as a link, and the name that it gets."""
        becomes = format_html(
            '<br><span class="soft mono v7-label">→ {}</span>', plain(record["becomes"] or record["name"])
        )
        url = reverse("code-map-change", args=[record["migration"]])
        return format_html('<a class="mono v7-label" href="{}">{}</a>{}', url, plain(record["name"]), becomes)

    def render_layers(self, value: list[Document], record: Document) -> SafeString | str:
        """Return each layer with its number of files, as a link to them."""
        return _shares(record, "layer", value, "L")

    def render_workflows(self, value: list[Document], record: Document) -> SafeString | str:
        """Return each workflow with its number of files, as a link to them."""
        return _shares(record, "workflow", value, "")


class FoundTable(tables.Table):  # type: ignore[misc]
    """What else the reading found: a place, and a sentence about it."""

    place = tables.Column(verbose_name="Where", attrs=PATH)
    becomes = tables.Column(verbose_name="Imported file, and its new name", attrs=PATH)
    what = tables.Column(orderable=False)
    reason = tables.Column()

    class Meta:
        attrs = LOOK
        empty_text = "Nothing of this kind was found."


@login_required
@require_safe
def code_map(request: HttpRequest) -> HttpResponse:
    """Show the newest code map: its changes, or another of :data:`LISTS`."""
    shown = request.GET.get("show", "changes")
    shown = shown if shown in LISTS else "changes"
    found = mapped_code.newest()
    context: Document = {"title": "Code map", "found": found, "shown": shown}
    if found is not None:
        mapped = mapped_code.changes(found["pk"])
        totals = found["document__totals"]
        rows = (
            mapped if shown == "changes" else list(_found(shown, mapped_code.part(found["pk"], KEPT.get(shown, shown))))
        )
        context |= {
            "heading": LISTS[shown][0], "lead": LISTS[shown][1], "table": _table(request, shown, rows),
            "totals": totals, "lists": [(name, title, totals.get(total)) for name, (title, _, total) in LISTS.items()],
            "cut": max(0, totals.get(LISTS[shown][2], 0) - len(rows)), **_standing(mapped_code.standing(mapped)),
        }  # fmt: skip
    return render(request, "pages/code_map.html", context)


@login_required
@require_safe
def code_map_change(request: HttpRequest, key: UUID) -> HttpResponse:
    """Show the files and lines that one change touches; the change of a map is named by its row's id."""
    row = EnumMigration.objects.filter(pk=key).first()
    found = mapped_code.newest()
    mapped = mapped_code.changes(found["pk"]) if found else []
    change = next((entry for entry in mapped if entry["migration"] == str(key)), None)
    if row is None and change is None:
        raise Http404("Neither the newest code map nor v7_enum_migrations knows this change.")
    name = change["name"] if change else row.current_enum_name  # type: ignore[union-attr]
    context: Document = {"title": f"Code of {plain(name)}", "name": name, "row": row, "found": found, "change": change}
    if found is not None:
        standing = mapped_code.standing(mapped)
        context |= {"is_old": str(key) in standing.changed, "is_over": str(key) in standing.gone}
    if found is not None and change is not None:
        wanted = _wanted(request)
        lines = mapped_code.lines(found["pk"], str(key), wanted, _page(request))
        context |= {
            "wanted": wanted, "is_filtered": wanted != Filter(), "lines": lines, "files": list(_by_file(lines.rows)),
            "confidences": CONFIDENCES, "layers": _choices(change["layers"], "layer", wanted.layer),
            "workflows": _choices(change["workflows"], "workflow", wanted.workflow),
            "fates": [(old, new) for old, new in change["values"].items() if new != "stays"],
            "total": sum(change["counts"][name] for name in CONFIDENCES), "faults": found["document__totals"]["faults"],
        }  # fmt: skip
    return render(request, "pages/code_map_change.html", context)


def _wanted(request: HttpRequest) -> Filter:
    """Return the filter of an address; what no line can have finds no line, NUL is left out."""
    told = {name: request.GET.get(name, "").replace("\0", "").strip() for name in ("layer", "workflow", "path")}
    confidence = request.GET.get("confidence", "")
    return Filter(
        **told, confidence=confidence if confidence in RANK else "", is_breaking=bool(request.GET.get("breaking"))
    )


def _page(request: HttpRequest) -> int:
    said = request.GET.get("page", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 8 else 1


def _by_file(rows: Iterable[Document]) -> Iterator[Document]:
    """Group the lines of a page by file, in their order."""
    for path, lines in groupby(rows, key=lambda row: row["path"]):
        held = list(lines)
        yield {**held[0], "path": path, "lines": held, "more": held[0]["of_file"] - len(held)}


def _choices(shares: list[Document], by: str, wanted: str) -> list[tuple[str, str, Document]]:
    """Return the value, the name and the counts of each layer or workflow of a change, and of one that it lacks."""
    choices = [(_key(share[by]), _name(share, by), share) for share in shares]
    if wanted and wanted not in {value for value, _, _ in choices}:
        choices.append((wanted, f"{wanted} (no file)", {}))
    return choices


def _key(value: object) -> str:
    return NONE if value is None else str(value)


def _name(share: Document, by: str) -> str:
    if share[by] is None:
        return f"no {by}"
    return f"L{share[by]} {share['name']}" if by == "layer" else f"{share[by]} {share['name']}"


def _shares(record: Document, by: str, shares: list[Document], sign: str) -> SafeString | str:
    url = reverse("code-map-change", args=[record["migration"]])
    named = (
        (url, by, _key(s[by]), _name(s, by), s["files"], "none" if s[by] is None else f"{sign}{s[by]}", s["files"])
        for s in shares[:NAMED]
    )
    links = format_html_join("", '<a href="{}?{}={}" aria-label="{}: {} files">{} <b>{}</b></a>', named)
    return format_html('<div class="v7-shares">{}</div>', links) if links else "–"


def _standing(standing: Standing) -> Document:
    """Return what the page says of a map that does not know the changes of now."""
    names = dict(EnumMigration.objects.filter(pk__in=standing.lacking).values_list("pk", "current_enum_name"))
    return {"standing": standing, "lacking": list(names.items())[:PER_PAGE]}


def _table(request: HttpRequest, shown: str, rows: list[Document]) -> tables.Table:
    if shown == "changes":
        table: tables.Table = ChangeTable(rows)
    else:
        held = {name for row in rows[:1] for name in row} or {"place"}
        table = FoundTable(rows, exclude=[name for name in FoundTable.base_columns if name not in held])
    tables.RequestConfig(request, paginate={"per_page": PER_PAGE}).configure(table)
    return table


def _found(shown: str, kept: list[Any]) -> Iterator[Document]:
    """Return one of the map's lists as rows of a :class:`FoundTable`."""
    for entry in kept:
        if shown == "renames":
            target = plain(entry["target"])
            for line in entry["breaks"]:
                yield {"place": _at(line), "becomes": f"{plain(entry['path'])} → {target}", "reason": line["reason"]}
        elif shown == "twice":
            same = "equal values" if entry["same_values"] else badge("no", "different values")
            yield {"place": plain(entry["name"]), "what": _lines(map(_at, entry["enums"])), "reason": same}
        elif shown == "lost":
            yield {"place": _at(entry), "reason": plain(entry["module"])}
        elif shown == "cycles":
            yield {"place": _lines(map(plain, entry)), "reason": f"{len(entry)} files"}
        else:
            yield {"place": plain(entry["path"]), "reason": plain(entry["reason"])}


def _at(entry: Document) -> str:
    return f"{plain(entry['path'])}:{entry['line']}"


def _lines(texts: Iterable[str]) -> SafeString:
    return format_html_join(BREAK, '<span class="mono">{}</span>', ((text,) for text in texts))
