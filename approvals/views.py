"""Pages for signing in and for signing. A signing page loads no script; who signs is never read from the form."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LoginView
from django.core.exceptions import NON_FIELD_ERRORS
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from approvals import gates, selectors
from approvals.forms import RevokeForm, SignForm
from approvals.models import Signature
from tracking.catalogue import DATABASE_PHASE, REVIEW_GATES
from tracking.models import Phase, SubworkflowTask
from tracking.selectors import phase_tasks
from v7migration.errors import V7Error
from v7migration.ledger.models import Changeset, Run
from v7migration.middleware import status_of
from v7migration.pipeline import gatekeeper, review_gates, sign, sign_off
from v7migration.pipeline.target import observe_from_web


class SignIn(LoginView):
    """The sign-in page."""

    template_name = "login.html"
    redirect_authenticated_user = True


@dataclass(frozen=True)
class Subject:
    """What is signed on this page, and how: the facts, the way back, and the services that sign.

    ``key`` stands for the subject in its addresses. A run has its changeset beside it; a phase has none.
    """

    facts: gates.SubjectFacts
    title: str
    key: str | int | UUID
    take: Callable[..., Signature]
    stale: Sequence[gatekeeper.Staleness] = ()
    changeset: Changeset | None = None
    run: Run | None = None
    phase: Phase | None = None

    @property
    def manifest(self) -> dict[str, Any]:
        """What the signatures of a changeset cover; nothing for a run or a phase."""
        return gatekeeper.manifest(self.changeset) if self.changeset and not self.run else {}

    @property
    def back(self) -> str:
        """Return the address of the subject's own page."""
        return reverse(self.facts.kind, args=[self.key])

    @property
    def review_gate(self) -> str:
        """What must hold of the phase."""
        return REVIEW_GATES[self.phase.phase_number] if self.phase else ""

    @property
    def tasks(self) -> list[SubworkflowTask]:
        """The tasks that the signature of a phase covers."""
        return phase_tasks(self.phase.phase_number) if self.phase else []

    def url(self, name: str, seat: str) -> str:
        """Return the address of a seat's page or of its revocation."""
        return reverse(f"{self.facts.kind}-{name}", args=[self.key, seat])


def _changeset(digest: str, seat: str) -> tuple[Subject, gates.Seat]:
    changeset = get_object_or_404(
        Changeset.objects.select_related("snapshot", "rehearsal", "script", "source"), pk=digest
    )
    stale = [] if changeset.runs.exists() else gatekeeper.staleness(changeset, target=observe_from_web())

    def take(**given: Any) -> Signature:
        return sign.sign_changeset(changeset=changeset, **given)

    subject = Subject(
        facts=gatekeeper.facts(changeset, stale=stale),
        title=f"Changeset {changeset.number}",
        key=digest,
        take=take,
        stale=stale,
        changeset=changeset,
    )
    return subject, _seat(seat, gates.BEFORE)


def _run(run_id: UUID, seat: str) -> tuple[Subject, gates.Seat]:
    run = get_object_or_404(Run.objects.select_related("changeset__snapshot", "changeset__rehearsal"), pk=run_id)

    def take(**given: Any) -> Signature:
        return sign.sign_run(run=run, **given)

    subject = Subject(
        facts=sign_off.run_facts(run),
        title=f"Run {str(run.pk)[:8]}",
        key=run.pk,
        take=take,
        changeset=run.changeset,
        run=run,
    )
    return subject, _seat(seat, (*gates.AFTER, *gates.ROLLBACK))


def _phase(number: int, seat: str) -> tuple[Subject, gates.Seat]:
    phase = get_object_or_404(Phase.objects.exclude(phase_number=DATABASE_PHASE), phase_number=number)

    def take(**given: Any) -> Signature:
        return sign.sign_phase(number=number, **given)

    subject = Subject(facts=review_gates.facts(number), title=str(phase), key=number, take=take, phase=phase)
    return subject, _seat(seat, gates.PHASE)


def _seat(key: str, seats: tuple[gates.Seat, ...]) -> gates.Seat:
    found = next((seat for seat in seats if seat.key == key), None)
    if found is None:
        raise Http404("There is no such seat.")
    return found


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def changeset_sign(request: HttpRequest, digest: str, seat: str) -> HttpResponse:
    """Show and take the signature of a seat before execution."""
    return _sign(request, *_changeset(digest, seat))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def changeset_revoke(request: HttpRequest, digest: str, seat: str) -> HttpResponse:
    """Take back a signature of a changeset."""
    return _revoke(request, *_changeset(digest, seat))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def run_sign(request: HttpRequest, run_id: UUID, seat: str) -> HttpResponse:
    """Show and take the signature of a seat after execution, or of the rollback."""
    return _sign(request, *_run(run_id, seat))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def run_revoke(request: HttpRequest, run_id: UUID, seat: str) -> HttpResponse:
    """Take back a signature of a run."""
    return _revoke(request, *_run(run_id, seat))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def phase_sign(request: HttpRequest, number: int, seat: str) -> HttpResponse:
    """Show and take the signature of a phase's review gate."""
    return _sign(request, *_phase(number, seat))


@login_required
@never_cache
@require_http_methods(["GET", "POST"])
def phase_revoke(request: HttpRequest, number: int, seat: str) -> HttpResponse:
    """Take back a signature of a phase."""
    return _revoke(request, *_phase(number, seat))


def _sign(request: HttpRequest, subject: Subject, seat: gates.Seat) -> HttpResponse:
    if request.method == "GET":
        return _page(request, subject, seat, SignForm(facts=subject.facts, seat=seat))
    form = SignForm(request.POST, facts=subject.facts, seat=seat)
    if not form.is_valid():
        return _page(request, subject, seat, form, status=_form_status(form))
    try:
        signature = subject.take(
            seat=seat.key,
            person=request.user,
            password=form.cleaned_data["password"],
            decision=form.cleaned_data["decision"],
            reason=form.cleaned_data["reason"],
            shown_digest=form.cleaned_data["shown_digest"],
            address=request.META.get("REMOTE_ADDR", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )
    except V7Error as refusal:
        return _page(request, subject, seat, form, status=status_of(refusal), refusal=refusal)
    request.session.cycle_key()  # the password was given again: an earlier copy of the session is of no use
    verb = "signed" if signature.decision == gates.APPROVED else "rejected"
    messages.success(request, f"You {verb} “{seat.meaning}” as {seat.persona}.")
    return redirect(subject.back)


def _form_status(form: forms.Form) -> int:
    return 409 if form.has_error(NON_FIELD_ERRORS, "stale-page") else 400


def _revoke(request: HttpRequest, subject: Subject, seat: gates.Seat) -> HttpResponse:
    if request.method == "GET":  # a sign-in in between leads here
        return redirect(subject.url("sign", seat.key))
    signature = _standing(subject, seat)
    form = RevokeForm(request.POST, auto_id="revoke_%s")
    sign_form = SignForm(facts=subject.facts, seat=seat)
    if signature is None:
        refusal = V7Error("No signature stands in this seat.", "Reload the page.")
        return _page(request, subject, seat, sign_form, form, status=409, refusal=refusal)
    if not form.is_valid():
        return _page(request, subject, seat, sign_form, form, status=400)
    try:
        sign.revoke(
            signature=signature,
            person=request.user,  # type: ignore[arg-type]
            password=form.cleaned_data["password"],
            reason=form.cleaned_data["reason"],
            address=request.META.get("REMOTE_ADDR", ""),
        )
    except V7Error as refusal:
        return _page(request, subject, seat, sign_form, form, status=status_of(refusal), refusal=refusal)
    request.session.cycle_key()
    messages.success(request, f"The signature “{seat.meaning}” was revoked.")
    return redirect(subject.back)


def _standing(subject: Subject, seat: gates.Seat) -> Signature | None:
    stored = selectors.signatures_of(subject.facts.subject).filter(seat=seat.key, revocation__isnull=True)
    return stored.last()


def _page(
    request: HttpRequest,
    subject: Subject,
    seat: gates.Seat,
    form: SignForm,
    revoke_form: RevokeForm | None = None,
    *,
    status: int = 200,
    refusal: V7Error | None = None,
) -> HttpResponse:
    rows = selectors.seat_board(seats=gates.seats_beside(seat), facts=subject.facts, user=request.user)
    row = next(row for row in rows if row.state.seat == seat)
    reject_refusal = selectors.refusal_of(user=request.user, seat=seat, facts=subject.facts, approving=False)
    context = {
        "title": seat.meaning,
        "subject": subject,
        "facts": subject.facts,
        "seat": seat,
        "row": row,
        "rows": rows,
        "may_reject": reject_refusal is None,
        "statement": gates.statement_for(seat, subject.facts),
        "form": form,
        "revoke_form": revoke_form or RevokeForm(auto_id="revoke_%s"),
        "sign_url": subject.url("sign", seat.key),
        "revoke_url": subject.url("revoke", seat.key),
        "refusal": refusal,
    }
    return render(request, "pages/sign.html", context, status=status)
