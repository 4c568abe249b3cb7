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
from approvals.gates import AFTER, ROLLBACK
from tracking.actors import require
from tracking.views.acting import actor_of
from v7migration.ledger.models import Event, Run, RunState, RunStep
from v7migration.ledger.services import request_stop
from v7migration.pipeline import emergency, sign_off
from v7migration.pipeline.stopping import STOPPERS
from v7migration.views.reading import parsed, plan

LONG = 2  # seconds
BLOCKING = """
    SELECT pid, coalesce(nullif(application_name, ''), usename, backend_type), state
    FROM pg_stat_activity WHERE pid = ANY (pg_blocking_pids(%s))
"""


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
    facts = sign_off.run_facts(run)
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
        "emergency": emergency.of_run(run),
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
        "at_work": _at_work(run, rows),
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


def _at_work(run: Run, rows: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the step at work (key, section, statement, line), its seconds so far and the sessions it waits for."""
    if run.state != RunState.RUNNING:
        return None
    found = [(section, step) for section in rows for step in section["steps"] if step["state"] == RunStep.State.INTENT]
    if not found:
        return None
    section, step = found[-1]
    attempt, now = step["attempts"][-1], step["detail"].get("now", {})
    seconds = (selectors.database_now() - attempt.started_at).total_seconds()
    if seconds < LONG and not now:
        return None
    return {
        **now,
        "key": step["key"],
        "title": step["title"],
        "section": section["number"],
        "seconds": round(seconds),
        "gave_way": len(step["detail"].get("waits", ())),
        "blocking": now.get("blocking") or _blocking(attempt),
    }


def _blocking(attempt: RunStep) -> list[dict[str, Any]]:
    """Return the sessions of the target that an attempt waits for right now, as far as the web role may see them."""
    if not attempt.backend_pid:
        return []
    try:
        with connections["target"].cursor() as cursor:
            cursor.execute(BLOCKING, [attempt.backend_pid])
            return [dict(zip(("pid", "application", "state"), row, strict=True)) for row in cursor.fetchall()]
    except Error:
        return []
