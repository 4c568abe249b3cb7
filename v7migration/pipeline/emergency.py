"""The emergency protocol of document 5.4: stop, notify, roll back, verify, root cause, remediation.

The ledger keeps the state machine and the evidence of each step. ``v7_rollback`` walks the first four steps and goes on
where an earlier one died; the last two follow from the incident's page, and no changeset runs before them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals.gates import ARCHITECT, DB_TEAM_LEAD
from v7migration.errors import GateClosed
from v7migration.ledger.models import Emergency, Incident, Run
from v7migration.ledger.services import declare_emergency, open_incident, record_emergency_step
from v7migration.pipeline import incidents, notices

Told = Callable[[str], None]
STOP, NOTIFY, ROLL_BACK, VERIFY, ROOT_CAUSE, REMEDIATION = range(1, 7)
TITLES = {
    STOP: "Stop all work",
    NOTIFY: "Notify The Architect and DB Team Lead",
    ROLL_BACK: "Execute the rollback (Section 9)",
    VERIFY: "Verify system stability",
    ROOT_CAUSE: "Document the root cause",
    REMEDIATION: "Plan and review the remediation",
}
_TAKEN = {state: number for number, state in enumerate(Emergency.State)}


def silent(sentence: str) -> None:
    """Tell nobody."""


@dataclass
class Protocol:
    """The emergency of one execution, at work: takes its steps in order, each once, and tells them as they happen."""

    emergency: Emergency
    operator: str
    told: Told = silent

    def has_taken(self, number: int) -> bool:
        """Say whether a step was taken, by this command or by one before it."""
        return taken(self.emergency) >= number

    def take(self, number: int, found: str, evidence: Mapping[str, Any] | None = None) -> None:
        """Record a step with a sentence and what it rests on; a step that was taken before stays as it is."""
        if self.has_taken(number):
            return
        self.emergency = record_emergency_step(
            emergency=self.emergency, number=number, actor=self.operator, evidence={"found": found, **(evidence or {})}
        )
        self.told(f"{number}. {TITLES[number]}: {found}")


def begin(*, run: Run, operator: User, incident: Incident | None, text: str, told: Told) -> Protocol:
    """Declare the emergency of a run, or go on with it.

    Args:
        run: the execution.
        operator: the person at work.
        incident: the incident that is its reason; None opens one.
        text: what the operator says happened, the title of a new incident.
        told: hears each step.
    """
    name = operator.get_username()
    with transaction.atomic():
        emergency = Emergency.objects.filter(run=run).first()
        if emergency is None:
            incident = incident or open_incident(
                run=run, step="", title=text, detail={"opened_for": "rollback", "state_of_the_run": run.state},
                opened_by=name, kind=Incident.Kind.EMERGENCY, severity=Incident.Severity.CRITICAL,
            )  # fmt: skip
            emergency = declare_emergency(run=run, incident=incident, actor=name)
        else:
            told(f"The emergency of {emergency.declared_at:%Y-%m-%d %H:%M} UTC goes on after step {taken(emergency)}.")
    return Protocol(emergency, name, told)


def notify_leaders(protocol: Protocol) -> None:
    """Take step 2: write to The Architect and the DB Team Leads; who could not be told is part of the evidence."""
    if protocol.has_taken(NOTIFY):
        return
    emergency = Emergency.objects.select_related("run__changeset__snapshot", "incident").get(pk=protocol.emergency.pk)
    run, incident = emergency.run, emergency.incident
    subject = f"V7 Migration: emergency rollback of run {run.pk}"
    body = (
        f"{protocol.operator} takes back run {run.pk} on {run.changeset.snapshot.target_name}.\n\n"
        f"Incident: {incident.title}\nSee /incidents/{incident.pk}/ : root cause and remediation are entered and "
        "reviewed there before the next attempt.\n"
    )
    notice = notices.notify(notices.LEADERS, subject, body, str(incident.pk), actor=protocol.operator)
    protocol.take(NOTIFY, notice.found, {"deliveries": notice.as_dict()["deliveries"]})


def taken(emergency: Emergency) -> int:
    """Return the number of the last step that stands."""
    return _TAKEN[Emergency.State(emergency.state)]


def unfinished() -> Emergency | None:
    """Return the emergency that holds the next attempt, the newest if there are several."""
    waiting = Emergency.objects.exclude(state=Emergency.State.CLOSED)
    return waiting.select_related("incident", "run").first()


def refuse_next_execution() -> None:
    """Let nothing be executed before the emergency's root cause and remediation are reviewed (document 5.4).

    Raises:
        GateClosed: with what is next, who does it and where.
    """
    waiting = unfinished()
    if waiting is None:
        return
    persona, sentence = turn(waiting)
    raise GateClosed(
        [f"the emergency of run {waiting.run_id} ({waiting.incident.title}) is not closed: {_missing(waiting)}"],
        f"{sentence} ({persona}). v7_execute and its gate open after that.",
    )


def _missing(emergency: Emergency) -> str:
    if taken(emergency) >= ROOT_CAUSE:
        return "its root cause and remediation are not reviewed yet"
    return "it has no root cause and remediation yet"


def turn(emergency: Emergency) -> tuple[str, str]:
    """Return whose turn it is in an emergency that is not closed, and what is next, in a sentence without its stop."""
    if taken(emergency) < VERIFY:
        number = taken(emergency) + 1
        return DB_TEAM_LEAD, f"v7_rollback goes on with step {number} of the emergency protocol: {TITLES[number]}"
    waiting = incidents.unreviewed(emergency.run).order_by("opened_at").first()
    if waiting is None:
        return ARCHITECT, f"The incident at /incidents/{emergency.incident_id}/ is reviewed"
    return incidents.whose_turn(waiting), incidents.turn(waiting)[1]


def describe(emergency: Emergency) -> dict[str, Any]:
    """Return the emergency as JSON-able data: ``state``, ``incident`` and the six ``steps`` of the document.

    A step's ``state`` is ``done``, ``next`` or ``waiting``; ``at``, ``by`` and ``evidence`` are of the time it was
    last taken.
    """
    last = taken(emergency)
    records = {step.number: step for step in emergency.steps.order_by("id")}
    steps = []
    for number, title in TITLES.items():
        record = records.get(number) if number <= last else None
        steps.append({
            "number": number, "title": title,
            "state": "done" if number <= last else "next" if number == last + 1 else "waiting",
            "at": record.at if record else None, "by": record.by if record else "",
            "found": record.evidence.get("found", "") if record else "",
            "evidence": {k: v for k, v in record.evidence.items() if k != "found"} if record else {},
        })  # fmt: skip
    return {
        "state": str(emergency.state), "run": str(emergency.run_id), "incident": str(emergency.incident_id),
        "declared_at": emergency.declared_at, "declared_by": emergency.declared_by, "steps": steps,
    }  # fmt: skip


def of_run(run: Run) -> dict[str, Any] | None:
    """Return the emergency of an execution (or of the one that a rollback undoes) as :func:`describe` does, or None."""
    emergency = Emergency.objects.filter(run=run.undoes_id or run.pk).first()
    return describe(emergency) if emergency is not None else None
