"""Groups of ENUM types: the list, and the page on which a Guardian accepts, splits or rejects one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import django_tables2 as tables
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.http import require_http_methods, require_safe
from django_tables2 import RequestConfig

from tracking.models import EnumMigration
from tracking.tables import LOOK, NUMBER
from tracking.views.acting import actor_of
from tracking.views.voiding import refused_until_confirmed, voided
from v7migration.errors import HomeMoving, V7Error
from v7migration.middleware import status_of
from v7migration.pipeline import consolidation
from v7migration.pipeline.consolidation import Choice, Group, Plan
from v7migration.postgres.enum_conversion import scripts
from v7migration.postgres.enum_mapping import align, suggest
from v7migration.postgres.qualified import joined
from v7migration.templatetags.v7 import badge, plain, utc

SHOWN = 4
OPTIONS = 4_000
"""How many choices one page offers; on a larger one only labels without a suggestion have a choice."""
HOW = {"same": "same text", "spelling": "but for case or punctuation", "stem": "but for a shared word"}


class GroupTable(tables.Table):  # type: ignore[misc]
    """Groups, those that wait first."""

    types = tables.Column(accessor="members", orderable=False, verbose_name="Types")
    reason = tables.Column()
    values = tables.Column(accessor="members", orderable=False, verbose_name="Values", attrs=NUMBER)
    rows = tables.Column(accessor="members", orderable=False, verbose_name="Rows", attrs=NUMBER)
    decision = tables.Column(empty_values=(), orderable=False)

    class Meta:
        attrs = LOOK
        empty_text = "No two ENUM types are the same."

    def render_types(self, record: Group) -> SafeString:
        """Return the first members as a link."""
        names = [plain(member.type.short) for member in record.members]
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        url = reverse("enum-group", args=[record.key])
        return format_html('<a class="mono v7-label" href="{}">{}</a>', url, ", ".join(names[:SHOWN]) + more)

    def render_values(self, record: Group) -> int:
        """Return how many labels the widest member has."""
        return max(len(member.labels) for member in record.members)

    def render_rows(self, record: Group) -> str:
        """Return the rows of all members' tables, with a sign where some are not known."""
        known = [member.rows["rows"] or 0 for member in record.members if member.rows["method"] != "unknown"]
        if not known:
            return "unknown"
        return f"{'≥ ' if len(known) < len(record.members) else ''}{sum(known):,}"

    def render_decision(self, record: Group) -> SafeString:
        """Return what was decided, by whom and when."""
        if record.decision is None:
            return badge("waiting", "waits for a decision", "warn")
        state, at = badge(record.decision.verdict), utc(record.decision.at)
        return format_html('{} <span class="soft small">{}, {}</span>', state, record.decision.by, at)


@login_required
@require_safe
def enum_groups(request: HttpRequest) -> HttpResponse:
    """List the groups, and what else the newest ENUM inventory found."""
    inventory = consolidation.latest()
    found = sorted(consolidation.groups(inventory), key=lambda group: group.decision is not None)
    table = GroupTable(found)
    RequestConfig(request, paginate={"per_page": 50}).configure(table)
    document = inventory.document if inventory else {}
    context = {
        "title": "ENUM groups",
        "inventory": inventory,
        "table": table,
        "waiting": sum(group.decision is None for group in found),
        "document": document,
        "hints": _hints(document.get("hints", ())),
        "types": list(_types(document)),
        "earlier": consolidation.earlier(),
        "personas": sorted(consolidation.deciders()),
    }
    return render(request, "pages/enum_groups.html", context)


def _types(document: dict[str, Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any], list[tuple[str, int | None]]]]:
    """Yield each type with its rows, and these by label in the type's order, which a stored document does not keep."""
    rows = {entry["type"]: entry for entry in document.get("rows", ())}
    for type_ in document.get("types", ()):
        found = rows[joined(type_["schema"], type_["name"])]
        yield type_, found, [(label, found["labels"].get(label)) for label in type_["labels"]]


def _hints(hints: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return each type once with all types of which it holds some values, where it lacks the same of them."""
    found: dict[tuple[str, ...], list[str]] = {}
    for hint in hints:
        found.setdefault((hint["type"], *hint["missing"]), []).append(hint["within"])
    return [{"type": key[0], "missing": key[1:], "within": within} for key, within in found.items()]


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def enum_group(request: HttpRequest, key: str) -> HttpResponse:
    """Show a group side by side; a Guardian decides on it."""
    group = consolidation.find(key)
    if group is None:
        raise Http404("The newest ENUM inventory holds no such group.")
    if request.method != "POST":
        return _page(request, group)
    verdict = request.POST.get("verdict", "")
    if verdict != "rejected" and (refusal := refused_until_confirmed(request)) is not None:
        return _page(request, group, refusal=refusal, status=409)
    try:
        consolidation.decide(
            actor=actor_of(request), group=group, verdict=verdict, reason=request.POST.get("reason", ""),
            choice=_choice(request.POST, group) if verdict != "rejected" else None, seen=_seen(request.POST),
        )  # fmt: skip
    except HomeMoving:
        raise
    except V7Error as refusal:
        return _page(request, consolidation.find(key) or group, refusal=refusal, status=status_of(refusal))
    messages.success(request, f"Recorded: the group is {verdict}.")
    return redirect("enum-group", key=key)


def _seen(data: QueryDict) -> int:
    said = data.get("seen", "")
    return int(said) if said.isascii() and said.isdigit() and len(said) < 6 else -1


def _choice(data: QueryDict, group: Group) -> Choice:
    """Read what a person chose; what the form does not say is as proposed."""
    begin = consolidation.proposed(group)
    base = data.get("base", begin.base)
    kept = group.by_name.get(base)
    further = tuple(dict.fromkeys(line for line in data.get("further", "").splitlines() if line))
    choice = Choice(
        base=base,
        schema=data.get("schema") or (kept.type.schema if kept else begin.schema),
        name=data.get("name") or (kept.type.name if kept else begin.name),
        further=further,
        taken_out=frozenset(data.getlist("out")),
    )
    labels = tuple(dict.fromkeys((*(kept.labels if kept else ()), *further)))
    mapping = {
        member.name: found
        for i, member in enumerate(group.members)
        if (found := _chosen(data, i, member.labels, labels))
    }
    return Choice(**{**vars(choice), "mapping": mapping})


def _chosen(data: QueryDict, i: int, own: tuple[str, ...], labels: tuple[str, ...]) -> dict[str, str]:
    """Read where a person sends the labels of member ``i``: ``add``, or the position of a label of the V7 type."""
    found = {}
    for j, label in enumerate(own):
        said = data.get(f"m-{i}-{j}", "")
        if said == "add":
            found[label] = label
        elif said.isascii() and said.isdigit() and int(said[:6]) < len(labels):
            found[label] = labels[int(said[:6])]
    return found


def _page(request: HttpRequest, group: Group, *, refusal: V7Error | None = None, status: int = 200) -> HttpResponse:
    data = request.POST if request.method == "POST" else request.GET
    choice = _choice(data, group)
    plan: Plan | None = None
    try:
        plan = consolidation.plan(group, choice)
    except V7Error as error:
        refusal, status = refusal or error, status if refusal else status_of(error)
    context: dict[str, Any] = {
        "title": "ENUM group",
        "group": group,
        "choice": choice,
        "further": "\n".join(choice.further),
        "schemas": sorted({t["schema"] for t in group.inventory.document["types"]}),
        "plan": plan,
        "going": _going(group, choice, plan, data) if plan else [],
        "lines": _lines(group, plan, choice) if plan else [],
        "staying": [m for m in group.members if m.name not in choice.taken_out],
        "reason": data.get("reason", ""),
        "may_decide": actor_of(request).holds_any(consolidation.deciders()),
        "personas": sorted(consolidation.deciders()),
        "rows": _rows_of(group),
        "refusal": refusal,
        "voids": voided(),
    }
    return render(request, "pages/enum_group.html", context, status=status)


def _rows_of(group: Group) -> list[EnumMigration]:
    """Return the tracked rows that the standing decision wrote."""
    if group.decision is None:
        return []
    names = [group.by_name[row["type"]].type.short for row in group.decision.document.get("rows", ())]
    return list(EnumMigration.objects.filter(current_enum_name__in=names))


def _lines(group: Group, plan: Plan, choice: Choice) -> list[dict[str, Any]]:
    """Return the alignment: for each label of the V7 type what each member that stays has for it, with its rows."""
    members = [member for member in group.members if member.name not in choice.taken_out]
    kept: dict[str, Any] = {member.name: {label: label for label in member.labels} for member in members}
    mappings = kept | dict(plan.mappings)
    rows = {member.name: member.rows["labels"] for member in members}
    return [
        {
            "label": label,
            "is_new": label in plan.added,
            "cells": [
                {"state": cell.state, "labels": [(found, rows[name].get(found)) for found in cell.labels]}
                for name, cell in cells.items()
            ],
        }
        for label, cells in align(plan.labels, mappings)
    ]


def _going(group: Group, choice: Choice, plan: Plan, data: QueryDict) -> list[dict[str, Any]]:
    """Return each type that goes: its labels with their choices, its risk with the reasons, its scripts."""
    offered = tuple(dict.fromkeys((*plan.base_labels, *choice.further)))
    few = sum(len(member.labels) for member in plan.going) * len(offered) <= OPTIONS
    index = {member.name: i for i, member in enumerate(group.members)}
    found = []
    for member in plan.going:
        level, reasons = consolidation.risk(plan, member)
        suggestions = suggest(member.labels, offered)
        labels = [
            {
                "field": f"m-{index[member.name]}-{j}",
                "text": label,
                "rows": member.rows["labels"][label],
                "to": plan.mappings[member.name][label],
                "how": HOW.get(suggestions[label].how, ""),
                "said": data.get(f"m-{index[member.name]}-{j}", ""),
                "is_open": few or suggestions[label].target is None,
                "suggested": suggestions[label].target,
            }
            for j, label in enumerate(member.labels)
        ]
        entry: dict[str, Any] = {"member": member, "labels": labels, "risk": level, "reasons": reasons, "scripts": ()}
        if None not in plan.mappings[member.name].values():
            entry["scripts"] = scripts(consolidation.conversion(plan, member))
        entry["is_open"] = len(plan.going) < SHOWN or not entry["scripts"]
        found.append(entry | {"offered": [(str(n), label) for n, label in enumerate(offered)]})
    return found
