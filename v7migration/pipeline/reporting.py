"""Trouble becomes an incident: once, with its kind and severity, assigned and told to the persona who takes it up.

The rows of document 5 that no failed step tells of: conflicts, the test environment, failed checks, slower queries,
integration issues. A failed step opens its own incident (``pipeline.execute``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.contrib.auth.models import User
from django.db import connections, transaction

from approvals.gates import ARCHITECT, DB_TEAM_LEAD, DEV_TEAM, TEST_SENTINEL
from approvals.selectors import personas_of
from v7migration.errors import Refused, SchemaConflict, UsageError
from v7migration.ledger.models import Incident, Run, RunState, RunStep
from v7migration.ledger.services import append_event, open_incident
from v7migration.pipeline import grading, notices
from v7migration.pipeline.incidents import require
from v7migration.pipeline.target import Connection
from v7migration.postgres import preflight
from v7migration.postgres.queries import Check
from v7migration.postgres.runner import ALREADY_EXISTS, StepError
from v7migration.postgres.scratch import ScratchUnfit
from v7migration.postgres.script import Script

GRADERS = frozenset({TEST_SENTINEL, ARCHITECT})
REPORTERS = frozenset({DEV_TEAM, TEST_SENTINEL, ARCHITECT, DB_TEAM_LEAD})


def open_once(*, key: str, detail: Mapping[str, Any], opened_by: str, **about: Any) -> tuple[Incident, bool]:
    """Open an incident unless one with this ``key`` is open, and say whether it was opened now.

    ``about``: the arguments of :func:`open_incident`. Whoever it is assigned to is told by mail, once.
    """
    with transaction.atomic():
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"incident {key}"])
        same = Incident.objects.filter(detail__key=key, state__in=Incident.UNREVIEWED).first()
        if same is not None:
            append_event(kind="incident.seen_again", actor=opened_by, subject=str(same.pk), payload={"key": key})
            return same, False
        incident = open_incident(step="", detail={**detail, "key": key}, opened_by=opened_by, **about)
    transaction.on_commit(lambda: _notify(incident))
    return incident, True


def _notify(incident: Incident) -> None:
    """Tell the persona to whom an incident is assigned; a mail that fails stops nothing."""
    where = f"on {incident.run.changeset.snapshot.target_name}\n" if incident.run is not None else ""
    body = f"{incident.title}\n{where}\nSeverity: {incident.severity}\n\nSee /incidents/{incident.pk}/ .\n"
    about = f"V7 Migration: {incident.title}"
    notices.notify([incident.assigned_to], about, body, str(incident.pk), actor=incident.opened_by)


# -- document 5.1 ----------------------------------------------------------------------------------------------


@contextmanager
def conflicts(*, person: str, stage: str, target: str) -> Iterator[None]:
    """Document a schema conflict that stops a stage, escalate it to The Architect, and refuse as before.

    Raises:
        SchemaConflict: with the incident's address in its next step.
    """
    try:
        yield
    except SchemaConflict as conflict:
        incident = conflict_found(conflict.objects, message=conflict.message, person=person, stage=stage, target=target)
        raise SchemaConflict(
            conflict.objects,
            conflict.message,
            f"{conflict.next_step} It is documented and escalated to {ARCHITECT}: /incidents/{incident.pk}/.",
        ) from conflict


def conflict_found(objects: Sequence[str], *, message: str, person: str, stage: str, target: str) -> Incident:
    """Open the incident of a schema conflict, once for each distinct set of objects on a target."""
    names = sorted(objects)
    return open_once(
        key=f"conflict {target}: {', '.join(names)}",
        run=None, title=f"Schema conflict: {', '.join(names)}", opened_by=person, blocking=False,
        kind=Incident.Kind.CONFLICT, severity=Incident.Severity.HIGH, assigned_to=ARCHITECT,
        detail={"message": message, "objects": names, "stage": stage, "target": target},
    )[0]  # fmt: skip


def look_for_conflicts(connection: Connection, script: Script, *, person: str, stage: str, target: str) -> list[str]:
    """Return what the target holds of the names that a script creates, and document it as a conflict.

    While a run of ours stands these objects are its own, and none of them is a conflict.
    """
    found = foreign_objects(connection, script)
    if found:
        message = f"The target already holds objects that the script creates: {', '.join(found)}."
        conflict_found(found, message=message, person=person, stage=stage, target=target)
    return found


def foreign_objects(connection: Connection, script: Script) -> list[str]:
    """Return the names that a script creates and the target holds without a run of ours that stands."""
    runs = Run.objects.filter(kind=Run.Kind.EXECUTE, steps__state=RunStep.State.COMMITTED)
    if runs.exclude(state=RunState.ROLLED_BACK).exists():
        return []
    return sorted(preflight.existing(connection, preflight.names_created(script)))


@contextmanager
def environment(*, person: str, target: str) -> Iterator[None]:
    """Document a test environment that does not work; nothing proceeds without a green rehearsal anyway.

    Raises:
        ScratchUnfit: as the environment did, with the incident's address in its next step.
    """
    try:
        yield
    except ScratchUnfit as failure:
        incident = open_once(
            key=f"environment {target}: {failure.cause}", run=None, title=f"Test environment: {failure.message}",
            opened_by=person, blocking=False, kind=Incident.Kind.ENVIRONMENT, severity=Incident.Severity.MEDIUM,
            assigned_to=DB_TEAM_LEAD,
            detail={
                "message": failure.message, "cause": failure.cause, "what_next": failure.next_step, "target": target
            },
        )[0]  # fmt: skip
        failure.next_step = f"{failure.next_step} Documented at /incidents/{incident.pk}/."
        raise


# -- document 5.2 ----------------------------------------------------------------------------------------------


def about_failed_step(error: StepError, *, goes_on: bool) -> dict[str, Any]:
    """Return what kind of incident a failed step is: ``kind``, ``severity``, ``assigned_to`` and ``blocking``.

    A step whose section goes on (an index) is documented for a later fix; an object of the step's name that exists
    already is a conflict for The Architect; every other failure holds the run.
    """
    if goes_on:
        kind, severity, persona = Incident.Kind.INDEX, Incident.Severity.MEDIUM, DB_TEAM_LEAD
    elif error.sqlstate in ALREADY_EXISTS:
        kind, severity, persona = Incident.Kind.CONFLICT, Incident.Severity.HIGH, ARCHITECT
    else:
        kind, severity, persona = Incident.Kind.EXECUTION, Incident.Severity.HIGH, DB_TEAM_LEAD
    return {"kind": kind, "severity": severity, "assigned_to": persona, "blocking": not goes_on}


# -- document 5.3 ----------------------------------------------------------------------------------------------


def validation(run: Run | None, checks: Iterable[Check], *, person: str) -> Incident | None:
    """Document failed checks with their grades, or end the incidents of earlier ones when everything holds.

    Returns the incident that tells of these failures, None when there are none. Checks that failed before and are
    on file already open no second one.
    """
    failures = grading.graded(checks)
    if not failures:
        _close_validation(run, person)
        return None
    names = sorted(failure["name"] for failure in failures)
    severity = grading.worst(failures)
    return open_once(
        key=f"validation {run.pk if run else 'before any run'}: {', '.join(names)}",
        run=run, title=f"{len(names)} {'check fails' if len(names) == 1 else 'checks fail'}: {', '.join(names)}",
        opened_by=person, blocking=severity == Incident.Severity.CRITICAL, kind=Incident.Kind.VALIDATION,
        severity=severity, assigned_to=TEST_SENTINEL, detail={"failures": failures},
    )[0]  # fmt: skip


def _close_validation(run: Run | None, person: str) -> None:
    for incident in Incident.objects.filter(run=run, kind=Incident.Kind.VALIDATION).exclude(state="closed"):
        with transaction.atomic():
            if Incident.objects.filter(pk=incident.pk).exclude(state="closed").update(state=Incident.State.CLOSED):
                append_event(
                    kind="incident.closed", actor=person, subject=str(incident.pk),
                    payload={"why": "v7_verify is green: every check holds"},
                )  # fmt: skip


def performance(run: Run, found: Mapping[str, Any], *, person: str) -> Incident | None:
    """Document queries that got slower than the baseline (monitor and optimize), once for the same queries."""
    if found["ok"]:
        return None
    lines = [line for line in found["queries"] if line["name"] in found["degraded"]]
    return open_once(
        key=f"performance {run.pk}: {', '.join(sorted(found['degraded']))}",
        run=run, title=f"Slower than before the run: {', '.join(found['degraded'])}", opened_by=person, blocking=False,
        kind=Incident.Kind.PERFORMANCE, severity=Incident.Severity.MEDIUM, assigned_to=DB_TEAM_LEAD,
        detail={"queries": lines, "baseline": found["baseline"], "measured": found["measured"]},
    )[0]  # fmt: skip


def integration(*, run: Run, person: User, title: str, description: str, severity: str) -> Incident:
    """Report an issue with the application's integration on a run; Dev Team works on it.

    Raises:
        TransitionRefused: the person holds none of the personas that may report.
        UsageError: a text is missing, or the severity is none.
    """
    require(person, REPORTERS, "report an integration issue")
    title, description = title.strip(), description.strip()
    if not (title and description) or severity not in Incident.Severity.values:
        raise UsageError("An issue needs a title, a description and a severity.", "Fill in all three.")
    return open_once(
        key=f"integration {run.pk}: {title}", run=run, title=title, opened_by=person.get_username(), blocking=False,
        kind=Incident.Kind.INTEGRATION, severity=severity, assigned_to=DEV_TEAM, detail={"description": description},
    )[0]  # fmt: skip


def regrade_incident(*, incident: Incident, person: User, severity: str, reason: str) -> Incident:
    """Change how bad an incident is, with the reason, as Test Sentinel or The Architect.

    Raises:
        TransitionRefused: the person holds neither persona.
        UsageError: no reason, or no such severity.
        Refused: the incident is over, or somebody changed it meanwhile.
    """
    require(person, GRADERS, "grade an incident")
    if not reason.strip() or severity not in Incident.Severity.values:
        raise UsageError("A grade needs a reason.", f"Choose one of {', '.join(Incident.Severity.values)} and say why.")
    with transaction.atomic():
        same = Incident.objects.filter(pk=incident.pk, severity=incident.severity, state__in=Incident.UNREVIEWED)
        if not same.update(severity=severity):
            raise Refused("This incident is over, or somebody graded it meanwhile.", "Reload its page.")
        append_event(
            kind="incident.regraded", actor=person.get_username(), subject=str(incident.pk),
            payload={"from": incident.severity, "to": severity, "reason": reason.strip()},
        )  # fmt: skip
    return Incident.objects.get(pk=incident.pk)


def may_grade(person: User) -> bool:
    """Say whether this person may change how bad an incident is."""
    return bool(personas_of(person) & GRADERS)


def may_report(person: User) -> bool:
    """Say whether this person may report an integration issue."""
    return bool(personas_of(person) & REPORTERS)
