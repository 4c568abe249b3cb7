"""Reviews: the script with the findings beside their lines, accepted by name, and the modifications it needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from v7migration.errors import V7Error
from v7migration.ledger.models import Review
from v7migration.middleware import status_of
from v7migration.pipeline import acceptance
from v7migration.views.persons import person_of

SHOWN = 100
LINKS = 12
ORDER = {"refuse": 0, "accept": 1, "advice": 2}


class AcceptForm(forms.Form):
    """Findings by name, and why they may stand."""

    reason = forms.CharField(
        label="Reason", max_length=acceptance.LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Why the chosen findings may stand. It becomes part of what is signed.",
    )  # fmt: skip


class ModificationForm(forms.Form):
    """What must be changed."""

    text = forms.CharField(
        label="Required modification", max_length=acceptance.LONGEST, widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Which line must say what, before this script may run.",
    )  # fmt: skip


@dataclass
class Group:
    """The findings of one id and severity: the first message, how many say it otherwise, and their lines."""

    id: str
    severity: str
    message: str
    hint: str
    lines: list[int] = field(default_factory=list)
    others: int = 0

    @property
    def links(self) -> list[int]:
        """The first lines."""
        return self.lines[:LINKS]

    @property
    def more(self) -> int:
        """How many lines are not linked."""
        return len(self.lines) - len(self.links)


def groups(findings: list[dict[str, Any]]) -> list[Group]:
    """Group findings by id and severity, the gravest first."""
    found: dict[tuple[str, str], Group] = {}
    for item in findings:
        key = (item["id"], item["severity"])
        group = found.setdefault(key, Group(*key, item["message"], item["hint"]))
        group.others += item["message"] != group.message
        if item["line"] not in group.lines[-1:]:
            group.lines.append(item["line"])
    return sorted(found.values(), key=lambda group: (ORDER[group.severity], group.id))


@login_required
@require_safe
def review_list(request: HttpRequest) -> HttpResponse:
    """List the newest reviews."""
    context = {"title": "Script reviews", "rows": acceptance.listed(SHOWN)}
    return render(request, "pages/reviews.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def review_page(request: HttpRequest, review_id: UUID) -> HttpResponse:
    """Show a review; a DB Team Lead accepts findings by name and requires modifications."""
    review = get_object_or_404(Review.objects.select_related("script", "rehearsal"), pk=review_id)
    if request.method != "POST":
        return _page(request, review)
    form = AcceptForm(request.POST)
    modification = ModificationForm(request.POST)
    try:
        said = _act(request, review)
    except V7Error as refusal:
        status = status_of(refusal)
        action = request.POST.get("action")
        shown = {"accept": form} if action == "accept" else {"modification": modification} if action == "modify" else {}
        return _page(request, review, status=status, refusal=refusal, **shown)
    messages.success(request, said)
    return redirect("review", review_id=review.pk)


def _act(request: HttpRequest, review: Review) -> str:
    """Do what was posted; gives the sentence that says so."""
    person, posted = person_of(request), request.POST
    match posted.get("action"):
        case "carry":
            rows = acceptance.carry_over(review=review, person=person)
            return f"{len(rows)} acceptances were carried over to these bytes."
        case "modify":
            acceptance.require_modification(review=review, person=person, text=posted.get("text", ""))
            return "The required modification is recorded."
        case _:
            reason = posted.get("reason", "")
            rows = acceptance.accept(review=review, person=person, keys=posted.getlist("finding"), reason=reason)
            return f"Accepted by name: {', '.join(f'{row.finding} in line {row.line}' for row in rows)}."


def _page(
    request: HttpRequest, review: Review, *, status: int = 200, refusal: V7Error | None = None, **shown: forms.Form
) -> HttpResponse:
    findings = review.document["findings"]
    known = acceptance.accepted(review.script_id)
    by_line: dict[int, list[dict[str, Any]]] = {}
    for item in findings:
        row = known.get(acceptance.key_of(item))
        by_line.setdefault(item["line"], []).append({**item, "accepted_by": row.by if row else ""})
    waiting = acceptance.waiting(review.script_id, findings)
    chosen = set(request.POST.getlist("finding"))
    keys = [(acceptance.key_of(item), item) for item in waiting]
    text = bytes(review.script.content).decode(errors="replace").removesuffix("\n")
    context = {
        "title": "Script review",
        "review": review,
        "document": review.document,
        "groups": groups(findings),
        "by_line": by_line,
        "lines": text.split("\n"),
        "waiting": [{"key": key, "finding": item, "chosen": key in chosen} for key, item in keys],
        "acceptances": sorted(known.values(), key=lambda row: (row.line, row.finding)),
        "carried": len(acceptance.carried(review)) if waiting else 0,
        "modifications": review.modifications.all(),
        "may_accept": acceptance.may_accept(person_of(request)),
        "accept_form": shown.get("accept") or AcceptForm(),
        "modification_form": shown.get("modification") or ModificationForm(),
        "refusal": refusal,
    }
    return render(request, "pages/review.html", context, status=status)
