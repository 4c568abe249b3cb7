"""Runs: the list, the page with live progress, and the stop button."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.db import Error, connections
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from approvals import selectors
from approvals.gates import AFTER, ARCHITECT, DB_TEAM_LEAD, ROLLBACK
from tracking.actors import require
from tracking.views.acting import actor_of
from v7migration.ledger.models import Event, Run, RunState, RunStep
from v7migration.ledger.services import request_stop
from v7migration.pipeline import gatekeeper
from v7migration.views.reading import parsed, plan

STOPPERS = frozenset({DB_TEAM_LEAD, ARCHITECT})
LONG = 3  # seconds
BLOCKING = "SELECT pid, usename, application_name, state FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(%s))"


@login_required
@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    """List the runs, newest first."""
    context = {"title": "Runs", "runs": Run.objects.select_related("changeset__snapshot", "undoes")[:200]}
    return render(request, "pages/runs.html", context)


@login_required
@require_safe
def run_page(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Show one run with its steps, its proofs and its seats."""
    run = get_object_or_404(
        Run.objects.select_related("changeset__snapshot", "changeset__rehearsal", "undoes"), pk=run_id
    )
    facts = gatekeeper.run_facts(run)
    executes = run.kind == Run.Kind.EXECUTE
    context = {
        "title": f"Run {str(run.pk)[:8]}",
        **_progress(run),
        "changeset": run.changeset,
        "report": run.report,
        "seats": selectors.seat_board(seats=AFTER, facts=facts, user=request.user) if executes else [],
        "rollback_seats": selectors.seat_board(seats=ROLLBACK, facts=facts, user=request.user) if executes else [],
        "rollbacks": run.rollbacks.all(),
        "incidents": run.incidents.all(),
        "events": Event.objects.filter(subject=str(run.pk))[:50],
        "may_stop": run.state == RunState.RUNNING and actor_of(request).holds_any(STOPPERS),
    }
    return render(request, "pages/run.html", context)


@login_required
@require_safe
@never_cache
def run_progress(request: HttpRequest, run_id: UUID, fragment: bool = True) -> HttpResponse:
    """Return the steps of a run as a fragment; once the run ends, ask the page to load itself again."""
    run = get_object_or_404(Run.objects.select_related("changeset"), pk=run_id)
    response = render(request, "parts/progress.html", _progress(run))
    if run.state != RunState.RUNNING:
        response.headers["HX-Refresh"] = "true"
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def run_stop(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Ask a run to stop before its next commit (DB Team Lead or The Architect)."""
    run = get_object_or_404(Run, pk=run_id)
    if request.method != "POST":  # a sign-in in between leads here
        return redirect("run", run_id=run.pk)
    actor = actor_of(request)
    require(actor, STOPPERS, "stop a run")
    request_stop(run=run, actor=actor.username)
    messages.warning(request, "The run stops before its next commit. v7_execute goes on; v7_rollback goes back.")
    return redirect("run", run_id=run.pk)


def _progress(run: Run) -> dict[str, Any]:
    """Return the plan of a run joined with the attempts at its steps."""
    attempts: dict[str, list[RunStep]] = {}
    for step in run.steps.all():
        attempts.setdefault(step.key, []).append(step)
    rows = [
        {**section, "steps": [{**step, **_state(step["key"], attempts)} for step in section["steps"]]}
        for section in _sections(run)
    ]
    steps = [step for section in rows for step in section["steps"]]
    done = sum(step["state"] in ("committed", "skipped") for step in steps)
    return {
        "run": run,
        "progress": rows,
        "done": done,
        "total": len(steps),
        "milliseconds": sum(a.milliseconds or 0 for found in attempts.values() for a in found),
        "at_work": _at_work(run, attempts),
        "blocking": _blocking(run, attempts),
    }


def _sections(run: Run) -> list[dict[str, Any]]:
    if run.kind == Run.Kind.EXECUTE:
        found: list[dict[str, Any]] = plan(run.changeset.script_id)["sections"]
        return found
    section = parsed(run.changeset.script_id).rollback
    if section is None:
        return []
    steps = [{"key": s.key, "title": s.title, "line": s.line} for s in section.steps]
    return [{"number": 9, "title": section.title, "reason": "", "purpose": section.purpose, "steps": steps}]


def _state(key: str, attempts: dict[str, list[RunStep]]) -> dict[str, Any]:
    """Return where a step stands; Section 0 is skipped when the run began beyond it."""
    if found := attempts.get(key):
        last = found[-1]
        return {"state": last.state, "milliseconds": last.milliseconds, "detail": last.detail, "attempts": found}
    skipped = key.startswith("0.") and bool(attempts)
    return {"state": "skipped" if skipped else "pending", "milliseconds": None, "detail": {}, "attempts": []}


def _at_work(run: Run, attempts: dict[str, list[RunStep]]) -> dict[str, Any] | None:
    """Return the step at work and for how many seconds, once that is long enough to wonder."""
    working = [a for found in attempts.values() for a in found if a.state == RunStep.State.INTENT]
    if run.state != RunState.RUNNING or not working:
        return None
    seconds = (selectors.database_now() - working[-1].started_at).total_seconds()
    return {"key": working[-1].key, "seconds": round(seconds)} if seconds >= LONG else None


def _blocking(run: Run, attempts: dict[str, list[RunStep]]) -> list[dict[str, Any]]:
    """Return the sessions of the target that the step at work waits for, right now."""
    if run.state != RunState.RUNNING:
        return []
    pids = [a.backend_pid for found in attempts.values() for a in found if a.state == "intent" and a.backend_pid]
    if not pids:
        return []
    try:
        with connections["target"].cursor() as cursor:
            cursor.execute(BLOCKING, [pids[-1]])
            return [dict(zip(("pid", "user", "application", "state"), row, strict=True)) for row in cursor.fetchall()]
    except Error:
        return []
