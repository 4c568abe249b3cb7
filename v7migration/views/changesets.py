"""Changesets: the list, and the page that people read before they sign."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from approvals import selectors
from approvals.gates import AFTER, BEFORE, ROLLBACK
from v7migration.ledger.models import Changeset
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.standing import DOCUMENT_VERSION, Standing, standing
from v7migration.pipeline.target import TargetState, observe_from_web
from v7migration.views.reading import plan, sections

SHOWN = 50


@login_required
@require_safe
def changeset_list(request: HttpRequest) -> HttpResponse:
    """List the newest changesets with their status."""
    newest = Changeset.objects.select_related("snapshot", "rehearsal", "script", "source")[:SHOWN]
    context = {"title": "Changesets", "standings": [standing(changeset) for changeset in newest]}
    return render(request, "pages/changesets.html", context)


@login_required
@require_safe
def changeset_page(request: HttpRequest, digest: str) -> HttpResponse:
    """Show everything a signature covers, and how it stands now. A unique beginning of a digest is enough."""
    changeset = _find(digest)
    if changeset.digest != digest:
        return redirect("changeset", digest=changeset.digest)
    unreachable, target = "", None
    if not changeset.runs.exists():
        try:
            target = observe_from_web()
        except Error as error:
            unreachable = str(error).strip().splitlines()[0]
    now = standing(changeset, target=target)
    context = {
        "title": f"Changeset {changeset.number}",
        "version": DOCUMENT_VERSION,
        "now": now,
        "changeset": changeset,
        "manifest": gatekeeper.manifest(changeset),
        "seats": selectors.seat_board(seats=BEFORE, facts=now.facts, user=request.user),
        "run_seats": _run_seats(request, now),
        "attempts": selectors.attempts_at(now.facts.subject)[:20],
        "plan": plan(changeset.script_id),
        "sections": sections(changeset.script_id),
        "rehearsal": changeset.rehearsal,
        "report": changeset.rehearsal.report,
        "unreachable": unreachable,
        "target": _target(target),
    }
    return render(request, "pages/changeset.html", context)


def _find(digest: str) -> Changeset:
    wanted = Changeset.objects.select_related("snapshot", "rehearsal", "script", "source")
    found = list(wanted.filter(digest__startswith=digest)[:2]) if len(digest) >= 8 else []
    if len(found) != 1:
        raise Http404("There is no such changeset.")
    return found[0]


def _run_seats(request: HttpRequest, now: Standing) -> list[Any]:
    if now.run is None:
        return []
    facts = gatekeeper.run_facts(now.run)
    return [
        row for seats in (AFTER, ROLLBACK) for row in selectors.seat_board(seats=seats, facts=facts, user=request.user)
    ]


def _target(target: TargetState | None) -> str:
    return target.fingerprint if target else ""
