"""``v7_status``: where everything stands, and what is next."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from tracking import home
from tracking.selectors import dashboard
from v7migration.ledger.models import Incident, Run
from v7migration.management.base import StageCommand
from v7migration.management.printing import print_document
from v7migration.management.runs import run_document
from v7migration.pipeline import coverage, escalation, gatekeeper, tasks
from v7migration.pipeline.criteria import criteria
from v7migration.pipeline.document import document
from v7migration.pipeline.standing import DOCUMENT_VERSION, Standing, nothing_frozen, standing


class Command(StageCommand):
    """Print home, changeset, next action, principles, phases, the last run and open incidents."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--document``."""
        parser.add_argument(
            "--document", action="store_true", help="each line of the phase document with its evidence instead"
        )

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Read where everything stands and print it; nothing is changed."""
        if options["document"]:
            lines = document()
            print_document(self.console, lines)
            return {"lines": [line.as_dict() for line in lines], "met": sum(line.met for line in lines)}, 0
        return self._standing(), 0

    def _standing(self) -> dict[str, Any]:
        changeset = gatekeeper.latest()
        now = standing(changeset) if changeset is not None else None
        run = Run.objects.first()
        incidents = list(Incident.objects.exclude(state=Incident.State.CLOSED))
        goes_to = {entry.incident.pk: entry.to for entry in escalation.incidents()}
        told: dict[str, Any] = {
            "home": home.current(),
            "home_open": home.is_open(),
            "version": DOCUMENT_VERSION,
            "status": now.label if now else "NOTHING FROZEN",
            "next_action": _action(now),
            "principles": [vars(p) for p in now.principles] if now else [],
            "phases": [_phase(row) for row in dashboard()],
            "tasks": tasks.as_document(),
            "changeset": changeset.digest if changeset else None,
            "run": run_document(run) if run else None,
            "incidents": [
                {
                    "id": str(i.pk),
                    "title": i.title,
                    "state": i.state,
                    "kind": i.kind,
                    "severity": i.severity,
                    "assigned_to": i.assigned_to,
                    "goes_to": goes_to.get(i.pk, ""),
                    "blocking": i.blocking,
                    "run": str(i.run_id or ""),
                }
                for i in incidents
            ],
            "coverage": _coverage(),
            "stops": escalation.what_stops_all_work(),
            "criteria": [criterion.as_dict() for criterion in criteria()],
        }
        self._print(told)
        return told

    def _print(self, told: dict[str, Any]) -> None:
        opened = "open" if told["home_open"] else "fenced: a run or a rollback is under way or stopped"
        self.say(f"Home       {told['home']} ({opened})")
        self.say(f"Changeset  {told['changeset'] or 'none'}  {told['status']}")
        action = told["next_action"]
        people = ", ".join(action["people"]) or "nobody holds it"
        self.say(f"Next       {action['persona']}: {action['sentence']}  ({people})")
        for principle in told["principles"]:
            self.say(f"  {principle['state']:<13} {principle['name']}: {principle['evidence']}")
        for phase in told["phases"]:
            done = f"{phase['completed_tasks']}/{phase['total_tasks']} tasks"
            self.say(f"Phase {phase['phase_number']}    {phase['phase_name']:<15} {phase['phase_status']:<12} {done}")
        for task in told["tasks"]:
            there = sum(proof["met"] for proof in task["evidence"])
            said = f"{task['status']:<12} {there}/{len(task['evidence'])} pieces of evidence"
            self.say(f"Task {task['task']} {task['title']:<32} {said}")
        if run := told["run"]:
            self.say(f"Run        {run['run']}  {run['kind']}: {run['state']}")
        for incident in told["incidents"]:
            about = f"{incident['severity']} {incident['kind']}, {incident['state']}"
            to = f", goes to {incident['goes_to']}" if incident["goes_to"] else ""
            self.say(f"Incident   {incident['id']}  {incident['title']} ({about}{to})")
        self.say(f"Coverage   {told['coverage']['sentence']}")
        for reason in told["coverage"]["reasons"]:
            self.say(f"  open          {reason}")
        for criterion in told["criteria"]:
            state = "met" if criterion["met"] else "open"
            self.say(f"Criterion {criterion['number']:>2}  {state:<5} {criterion['title']}: {criterion['said']}")
        for sentence in told["stops"]:
            self.say(f"STOP       {sentence}")


def _action(now: Standing | None) -> dict[str, Any]:
    action = now.next_action if now is not None else nothing_frozen()
    return {"persona": action.persona, "people": list(action.people), "sentence": action.sentence, "seat": action.seat}


def _coverage() -> dict[str, Any]:
    """Say which accepted changes are assessed in which layers, and what is missing."""
    found = coverage.look()
    return {
        "complete": found.is_complete, "sentence": found.sentence, "covered": found.covered, "total": len(found.cells),
        "code_map": found.code_map.id if found.code_map else None, "reasons": coverage.reasons(found),
        "layers": coverage.matrix(found).as_list(), "open": [cell.as_dict() for cell in found.open],
    }  # fmt: skip


def _phase(row: Any) -> dict[str, Any]:
    keys = (
        "phase_number",
        "phase_name",
        "phase_status",
        "lead_persona",
        "total_tasks",
        "completed_tasks",
        "highest_risk",
    )
    return {key: getattr(row, key) for key in keys}
