"""Changesets: the list, and the page that people read before they sign."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.db import Error
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals import selectors
from approvals.gates import BEFORE
from v7migration.ledger.models import Changeset
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.standing import DOCUMENT_VERSION, Standing, standing
from v7migration.pipeline.target import observe_from_web
from v7migration.views.reading import plan, sections
from v7migration.views.rehearsals import rehearsed_steps
from v7migration.views.reviews import groups

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
        "groups": groups(gatekeeper.manifest(changeset)["findings"]),
        "seats": selectors.seat_board(seats=BEFORE, facts=now.facts, user=request.user),
        "attempts": selectors.attempts_at(now.facts.subject)[:20],
        "plan": plan(changeset.script_id),
        "sections": sections(changeset.script_id),
        "rehearsal": changeset.rehearsal,
        "report": changeset.rehearsal.report,
        "fingerprints": _fingerprints(changeset),
        "rehearsed": rehearsed_steps(changeset),
        "next_url": _next_url(request, now),
        "unreachable": unreachable,
    }
    return render(request, "pages/changeset.html", context)


def _find(digest: str) -> Changeset:
    wanted = Changeset.objects.select_related("snapshot", "rehearsal", "script", "source")
    found: list[Changeset] = list(wanted.filter(digest__startswith=digest)[:2]) if len(digest) >= 8 else []
    if len(found) != 1:
        raise Http404("There is no such changeset.")
    return found[0]


def _fingerprints(changeset: Changeset) -> list[tuple[str, str]]:
    """Return the fingerprints of the rehearsal in the order in which they were taken."""
    found = changeset.rehearsal.fingerprints
    named = (("before", "Before"), ("after", "Forward"), ("back", "Back"), ("again", "Forward again"))
    return [(title, found[name]) for name, title in named if name in found]


def _next_url(request: HttpRequest, now: Standing) -> str:
    """Return where this person goes on, empty when it is somebody else's turn."""
    action = now.next_action
    if not action.seat or action.persona not in selectors.signing_personas_of(request.user):
        return ""
    if now.run is None:
        return reverse("changeset-sign", args=[now.changeset.digest, action.seat])
    return reverse("run-sign", args=[now.run.pk, action.seat])
