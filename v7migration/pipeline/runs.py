"""What everybody asks of runs: the execution that stands, what it committed, what the checks last found of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from v7migration.ledger.models import Event, Run, RunState, RunStep

DONE = (RunStep.State.COMMITTED, RunStep.State.SKIPPED)


def standing_run() -> Run | None:
    """Return the newest execution that was not taken back, whether finished or not; None where there is none."""
    found = Run.objects.filter(kind=Run.Kind.EXECUTE).exclude(state=RunState.ROLLED_BACK)
    return found.select_related("changeset__rehearsal").first()


def taken_back() -> Run | None:
    """Return the newest rollback that finished, None where nothing was ever taken back."""
    return Run.objects.filter(kind=Run.Kind.ROLLBACK, state=RunState.FINISHED).first()


def page_of(run: Run | None) -> str:
    """Return the page of a run, the list of runs without one."""
    return f"/runs/{run.pk}/" if run is not None else "/runs/"


def last_attempts(run: Run) -> dict[int, list[RunStep]]:
    """Return the last attempt at each step of a run, by section, in the order of the steps' first attempts."""
    last: dict[str, RunStep] = {}
    for step in RunStep.objects.filter(run=run).order_by("id"):
        last[step.key] = step
    sections: dict[int, list[RunStep]] = {}
    for step in last.values():
        sections.setdefault(step.section, []).append(step)
    return sections


@dataclass(frozen=True)
class Checked:
    """The checks of a run as they were last made, by whom and when: of a verification, or of the run's own end."""

    checks: tuple[dict[str, Any], ...]
    by: str
    at: datetime | None

    def named(self, name: str) -> dict[str, Any] | None:
        """Return one check, None where it was not made."""
        return next((check for check in self.checks if check["name"] == name), None)


def last_checks(run: Run) -> Checked:
    """Return what was last checked of a run: by ``v7_verify``, else the document's queries at the run's own end."""
    verified: dict[str, Any] = run.report.get("verify") or {}
    if not verified:
        return Checked(tuple(run.report.get("document", ())), run.operator, run.finished_at)
    event = Event.objects.filter(kind="verify.finished", subject=str(run.pk)).first()
    return Checked(tuple(verified["checks"]), verified.get("by") or "", event.at if event else None)
