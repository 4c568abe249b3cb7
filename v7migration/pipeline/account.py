"""The account of a run as it happens: each step's intent and outcome in the control plane, and the log's lines.

The truth is the target's ledger; this is what people see of it, on the run's page while a step is at work and in the
log, one line of JSON for each event (``v7migration.logs``).
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from contextlib import suppress
from typing import Any

from django.db import Error, connections
from django.utils import timezone

from v7migration.ledger.models import Run, RunStep
from v7migration.ledger.services import record_intent
from v7migration.postgres.runner import Done, StepError
from v7migration.postgres.script import Statement, Step

Blocking = list[dict[str, object]]
TOLD_EVERY = 1.0
"""Seconds between two notes on a step at work."""
TOLD_AFTER = 0.4
"""Seconds after which a step at work is worth a note."""
_log = logging.getLogger("v7migration.run")


def tell(run: Run, event: str, **fields: Any) -> None:
    """Write one line to the log of runs: the event, the run's id and kind, and the fields."""
    _log.info(event, extra={"fields": {"run": str(run.pk), "kind": run.kind, **fields}})


def attempts(run: Run) -> Counter[str]:
    """Return how many attempts at each step of a run are recorded, by the step's key."""
    return Counter(RunStep.objects.filter(run=run).values_list("key", flat=True))


class StepAccount:
    """One attempt at one step: recorded before the target hears of it, and told of everything after."""

    def __init__(self, run: Run, step: Step, *, section: int, before: int = 0) -> None:
        """Record the intent; ``before``: how many attempts at the step are recorded already."""
        self.run, self.step = run, step
        self.intent = record_intent(
            run=run, key=step.key, section=section, title=step.title, digest=run.changeset_id, attempt=before + 1
        )
        self.waits: list[dict[str, Any]] = []
        self.now: dict[str, Any] = {}
        self.told = time.monotonic() - TOLD_EVERY + TOLD_AFTER
        self._tell("step.intent", section=section, title=step.title)

    def _tell(self, event: str, **fields: Any) -> None:
        tell(self.run, event, step=self.step.key, attempt=self.intent.attempt, **fields)

    def began(self, xid: str, pid: int) -> None:
        """Record transaction and backend: the way to ask the server what became of them."""
        self.intent.transaction_id, self.intent.backend_pid = xid, pid
        RunStep.objects.filter(pk=self.intent.pk).update(transaction_id=xid, backend_pid=pid)
        self._tell("step.began", transaction_id=xid, backend_pid=pid)

    def statement(self, statement: Statement, number: int, total: int) -> None:
        """Remember which statement is at work."""
        self.now = {"statement": number, "of": total, "line": statement.line, "command": statement.kind}
        self._tell("step.statement", **self.now)

    def waiting(self, attempt: int, blocking: Blocking, pause: float) -> None:
        """Record that the step gave way to a lock, to whom, and when it tries again."""
        self.waits.append({"try": attempt, "blocking": blocking, "pause_seconds": round(pause, 1)})
        self._tell("step.waiting", tries=attempt, blocking=blocking, pause_seconds=round(pause, 1))
        self._note({**self.now, "waiting": True, "blocking": blocking})

    def lasting(self, seconds: float, blocking: Blocking) -> None:
        """Note from the runner's second thread what the step is at; that thread has a session of its own."""
        if time.monotonic() - self.told < TOLD_EVERY:
            return
        now = {**self.now, "seconds": round(seconds, 1), "blocking": blocking}
        self._tell("step.lasting", **now)
        try:
            self._note(now)
        finally:
            connections["default"].close()

    def _note(self, now: dict[str, Any]) -> None:
        self.told = time.monotonic()
        with suppress(Error):  # a note: the outcome is what must not be lost
            RunStep.objects.filter(pk=self.intent.pk, state=RunStep.State.INTENT).update(
                detail={"now": now, "waits": self.waits}
            )

    def committed(self, done: Done) -> None:
        """Record the outcome: what each statement took, how often the step gave way."""
        detail = {"attempts": done.attempts, "statements": done.statements}
        self._outcome(RunStep.State.COMMITTED, done.milliseconds, detail)
        self._tell("step.committed", milliseconds=round(done.milliseconds, 1), attempts=done.attempts)

    def failed(self, error: StepError) -> None:
        """Record the failure in the server's own words."""
        self._outcome(RunStep.State.FAILED, None, error.as_dict())
        self._tell("step.failed", line=error.line, sqlstate=error.sqlstate, message=error.message)

    def _outcome(self, state: str, milliseconds: float | None, detail: dict[str, Any]) -> None:
        intent = self.intent
        intent.state, intent.milliseconds, intent.finished_at = state, milliseconds, timezone.now()
        intent.detail = {**detail, "waits": self.waits} if self.waits else detail
        intent.save(update_fields=["state", "milliseconds", "detail", "finished_at"])
