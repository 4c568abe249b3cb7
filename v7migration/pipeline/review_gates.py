"""What the review gate of a phase is about: the phase, its tasks and deliverables, and what its seat waits for.

The Architect is the only approving authority for a phase. The Database Phase is approved by the seats of its run; what
those wait for on the phase's own row is here, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC
from typing import Any

import psycopg
from django.db import Error

from approvals import gates
from approvals.seats import COMPLETE_SEAT
from tracking import selectors
from tracking.catalogue import DATABASE_PHASE, REVIEW_GATES
from tracking.choices import PhaseStatus, TaskStatus
from tracking.models import Phase, SubworkflowTask
from v7migration.errors import Refused
from v7migration.pipeline.gatekeeper import sha256_of
from v7migration.pipeline.target import web_session
from v7migration.postgres import catalog

NOT_BEGUN = (PhaseStatus.NOT_STARTED, PhaseStatus.ROLLED_BACK)
REVIEWED = (PhaseStatus.REVIEW, PhaseStatus.APPROVED, PhaseStatus.COMPLETED)
UNDER_WAY = (PhaseStatus.IN_PROGRESS, *REVIEWED)


def facts(number: int) -> gates.SubjectFacts:
    """Return what the seat of a phase is about, read now.

    Each start of the phase is a subject of its own: what was signed before a rollback says nothing of the next round.

    Raises:
        Phase.DoesNotExist: there is no such phase.
    """
    phase = Phase.objects.get(phase_number=number)
    tasks = selectors.phase_tasks(number)
    database, system_identifier = _target()
    return gates.SubjectFacts(
        kind="phase",
        id=f"{number}:{_round(phase)}",
        digest=sha256_of(content(phase, tasks)),
        author="",
        frozen_at=phase.started_at,
        target_name=database,
        system_identifier=system_identifier,
        fingerprint="",
        nonce=str(phase.pk),
        expires_at=None,
        prerequisites=tuple(_prerequisites(phase, tasks)),
        stale_reasons=tuple(_closed(phase, database)),
        title=f"{phase} (review gate: {REVIEW_GATES[number]})",
    )


def subject(number: int) -> gates.Subject:
    """Return the subject of a phase's gate in its present round.

    Raises:
        Phase.DoesNotExist: there is no such phase.
    """
    return gates.Subject("phase", f"{number}:{_round(Phase.objects.get(phase_number=number))}")


def content(phase: Phase, tasks: list[SubworkflowTask]) -> dict[str, Any]:
    """Return what a signature of the gate covers, as canonical data."""
    return {
        "phase": phase.phase_number, "name": phase.phase_name, "lead": phase.lead_persona, "round": _round(phase),
        "review_gate": REVIEW_GATES[phase.phase_number], "deliverables": phase.deliverables,
        "tasks": [
            {"id": str(t.pk), "number": t.task_number, "name": t.task_name, "responsible": t.responsible_persona,
             "status": t.status, "deliverables": t.deliverable_urls}
            for t in tasks
        ],
    }  # fmt: skip


def number_of(subject_id: str) -> int:
    """Return the phase that a subject's id names."""
    return int(subject_id.partition(":")[0])


def in_review() -> list[gates.SubjectFacts]:
    """Return the facts of the phases whose review gate is waiting now; the Database Phase waits on its run."""
    waiting = Phase.objects.filter(status=PhaseStatus.REVIEW).exclude(phase_number=DATABASE_PHASE)
    return [facts(number) for number in waiting.values_list("phase_number", flat=True)]


def database_phase() -> Iterator[gates.Prerequisite]:
    """Yield what the run's last seat waits for on the row of the Database Phase, which its signature completes."""
    phase = Phase.objects.get(phase_number=DATABASE_PHASE)
    name = f"Phase {DATABASE_PHASE} is under way"
    yield gates.Prerequisite(name, met=phase.status in UNDER_WAY, seat=COMPLETE_SEAT, reason=_stands(phase))
    yield from _tasks(selectors.phase_tasks(DATABASE_PHASE), seat=COMPLETE_SEAT)


def _round(phase: Phase) -> str:
    """Return the moment the phase was last started; a phase that has to start (again) is in no round."""
    if phase.status in NOT_BEGUN or phase.started_at is None:
        return "not started"
    return phase.started_at.astimezone(UTC).isoformat()


def _target() -> tuple[str, str]:
    """Return the target's database and system identifier, empty where it does not answer."""
    try:
        identity = catalog.identity(web_session())
    except (Error, psycopg.Error, Refused):
        return "", ""
    return identity.database, str(identity.system_identifier)


def _closed(phase: Phase, database: str) -> Iterator[str]:
    if phase.status in NOT_BEGUN or phase.started_at is None:
        yield f"{phase} is {phase.get_status_display().lower()}: there is nothing to approve yet."
    if not database:
        yield "The target does not answer, so it is not known for which database this would be signed."


def _prerequisites(phase: Phase, tasks: list[SubworkflowTask]) -> Iterator[gates.Prerequisite]:
    number = phase.phase_number
    yield gates.Prerequisite(f"Phase {number} in review", met=phase.status in REVIEWED, reason=_stands(phase))
    yield from _tasks(tasks)
    if number in (1, DATABASE_PHASE):
        return
    before = Phase.objects.get(phase_number=number - 1)
    yield gates.Prerequisite(
        f"Phase {number - 1} completed",
        met=before.status == PhaseStatus.COMPLETED,
        reason=f"{before} is {before.get_status_display().lower()}, not completed.",
    )


def _tasks(tasks: list[SubworkflowTask], seat: str | None = None) -> Iterator[gates.Prerequisite]:
    """Yield the tasks of a phase: each is completed, or cancelled or deferred with the reason its history keeps."""
    for task in tasks:
        yield gates.Prerequisite(
            str(task),
            met=TaskStatus(task.status) not in selectors.OPEN_TASKS,
            reason=f"{task} is {task.get_status_display().lower()}, not completed ({task.responsible_persona}).",
            seat=seat,
        )


_NEXT = {
    PhaseStatus.NOT_STARTED: "starts it",
    PhaseStatus.ROLLED_BACK: "starts it again",
    PhaseStatus.BLOCKED: "unblocks it",
    PhaseStatus.IN_PROGRESS: "submits it for review",
}


def _stands(phase: Phase) -> str:
    step = _NEXT.get(PhaseStatus(phase.status), "moves it")
    state = phase.get_status_display().lower()
    return f"{phase} is {state}: its lead ({phase.lead_persona}) {step} at /phases/{phase.phase_number}/."
