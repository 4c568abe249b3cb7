"""One pass of the delivery: what waits is sent, tasks are compared on both sides; never in a web request.

Each thing is created once: before it is sent the row says so, and a row that was sent without an answer is looked for
by its marker first. A DART that does not answer counts against nobody; what DART refuses is given up at once.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db import IntegrityError, connections, transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Greatest, Now

from tracking.actors import Actor
from tracking.catalogue import DATABASE_PHASE
from tracking.models import SubworkflowTask
from tracking.services import task_link
from v7migration.errors import Fenced, Refused
from v7migration.ledger.models import DartDelivery, DartLink
from v7migration.ledger.services import append_event
from v7migration.pipeline.integrate.dart import comparing, content, outbox, secret
from v7migration.pipeline.integrate.dart.client import (
    PATIENCE,
    Gateway,
    Limited,
    Place,
    Rejected,
    Seen,
    TokenRefused,
    Unknown,
    Unreachable,
    Workspace,
)

Kind, State = DartDelivery.Kind, DartDelivery.State
FIRST_PAUSE, LONGEST_PAUSE = 30, 3_600
"""Seconds: the pause after a failed try doubles from the first to the second."""
MOST_TRIES = 20
IN_A_ROW = 3
"""So many unanswered requests in a row, and DART is taken to be down: the pass ends."""
SKEW = timedelta(hours=1)
_LOCK = "v7migration.dart"


class Waits(Exception):
    """Something else must come first; the row waits without a try."""


@dataclass
class Report:
    """What a pass did, in sentences."""

    is_dry: bool
    sent: list[dict[str, Any]] = field(default_factory=list)
    failed: list[dict[str, Any]] = field(default_factory=list)
    waiting: list[dict[str, Any]] = field(default_factory=list)
    differences: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return the report as ``--json`` prints it."""
        counts = {state: DartDelivery.objects.filter(state=state).count() for state in State.values}
        return {
            "dry_run": self.is_dry, "sent": self.sent, "failed": self.failed, "waiting": self.waiting,
            "differences": self.differences, "outbox": counts,
        }  # fmt: skip


def deliver(*, actor: Actor | None, is_dry: bool, patience: float = PATIENCE) -> dict[str, Any]:
    """Make one pass and return what it did.

    Args:
        actor: in whose name states that only DART changed come into the tables; None: they are only shown.
        is_dry: say what would be sent and taken, and change nothing.
        patience: seconds for each request.

    Raises:
        UsageError: no token, or an address that it may not be sent to.
        Refused: the client is not installed, or another pass is under way.
        DartError: DART does not answer, refuses the token or asks to wait; what waits stays queued.
    """
    gateway = Gateway(Place.configured(), patience=patience)
    report = Report(is_dry)
    try:
        with _alone(), _kept(not is_dry):
            outbox.fill()
            _Pass(gateway, gateway.workspace(), actor, report).run()
            return report.as_dict()
    finally:
        gateway.close()


@contextmanager
def _alone() -> Iterator[None]:
    """Hold the one right to deliver.

    Raises:
        Refused: another process has it.
    """
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtextextended(%s, 0))", [_LOCK])
        if not cursor.fetchone()[0]:
            raise Refused("Another delivery to DART is under way.", "Wait for it to end.")
    try:
        yield
    finally:
        with connections["default"].cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [_LOCK])


@contextmanager
def _kept(is_kept: bool) -> Iterator[None]:
    """Keep what the block writes into the outbox, or for a dry run take it back."""
    if is_kept:
        yield
        return
    with transaction.atomic(using="default"):
        yield
        transaction.set_rollback(True, using="default")


class _Pass:
    def __init__(self, gateway: Gateway, workspace: Workspace, actor: Actor | None, report: Report) -> None:
        self.gateway, self.workspace, self.actor, self.report = gateway, workspace, actor, report
        self.unanswered = 0

    def run(self) -> None:
        """Send what is due, then compare the tasks that were delivered before."""
        due = list(outbox.due())
        for row in due:
            self._try(row)
        settled = DartDelivery.objects.filter(kind=Kind.TASK, state=State.DELIVERED)
        for row in settled.exclude(pk__in=[row.pk for row in due]):
            self._try(row)

    def _try(self, row: DartDelivery) -> None:
        sent_before = row.sent_at
        try:
            self._send(row)
            self.unanswered = 0
        except Waits as reason:
            self.report.waiting.append(_told(row, str(reason)))
            _update(row, last_error=str(reason))
        except TokenRefused:
            _update(row, sent_at=sent_before)
            raise
        except Limited as limit:
            _update(row, sent_at=sent_before)
            waits = DartDelivery.objects.filter(state=State.QUEUED)
            waits.update(next_try_at=Greatest(F("next_try_at"), Now() + timedelta(seconds=limit.seconds)))
            raise
        except Unreachable as error:
            if not error.is_sent:
                _update(row, sent_at=sent_before)
            self._postpone(row, error)
        except Rejected as error:
            self._give_up(row, error.message)

    def _postpone(self, row: DartDelivery, error: Unreachable) -> None:
        self.unanswered += 1
        self.report.waiting.append(_told(row, error.message))
        if self.unanswered >= IN_A_ROW:
            raise error
        if row.state != State.QUEUED:
            return
        if row.attempts + 1 >= MOST_TRIES:
            self._give_up(row, f"{MOST_TRIES} tries failed. {error.message}")
            return
        pause = min(FIRST_PAUSE * 2**row.attempts, LONGEST_PAUSE) * random.uniform(0.75, 1.25)  # noqa: S311 (jitter)
        _update(
            row, attempts=F("attempts") + 1, last_error=error.message, next_try_at=Now() + timedelta(seconds=pause)
        )  # fmt: skip

    def _give_up(self, row: DartDelivery, why: str) -> None:
        self.report.failed.append(_told(row, why))
        if self.report.is_dry or row.state == State.DEAD:
            return
        with transaction.atomic(using="default"):
            _update(row, state=State.DEAD, last_error=why, attempts=F("attempts") + 1)
            told = {"kind": row.kind, "key": row.key, "why": why}
            append_event(kind="dart.dead", actor=row.queued_by, subject=row.subject, payload=told)

    # -- what each kind needs ----------------------------------------------------------------------------------

    def _send(self, row: DartDelivery) -> None:
        match row.kind:
            case Kind.TASK:
                self._task(row)
            case Kind.COMMENT:
                self._comment(row)
            case _:
                self._asked(row)

    def _asked(self, row: DartDelivery) -> None:
        """Create the task that asks for a review, or for the kickoff of Phase 5."""
        if why := outbox.why_not(row):
            raise Waits(why)
        seen = self._created(row, row.payload, row.payload["description"])
        if seen is not None:
            self._done(row, seen.duid, seen.url)

    def _comment(self, row: DartDelivery) -> None:
        duid = self._commented(row)
        mark = content.marker(row.key)
        if self.report.is_dry:
            self._would(row, f"comment on {duid}")
            return
        found = self.gateway.find_comment(duid, mark) if row.sent_at else ""
        if not found:
            _update(row, sent_at=Coalesce(F("sent_at"), Now()))
            found = self.gateway.comment(duid, f"{row.payload['text']}\n\n{mark}")
        self._done(row, found, self.gateway.place.link(duid))

    @staticmethod
    def _commented(row: DartDelivery) -> str:
        """Return the id of the task in DART that a comment belongs to."""
        tasks = SubworkflowTask.objects.filter(pk=row.payload["task"]) if "task" in row.payload else (
            SubworkflowTask.objects.filter(
                parent_phase__phase_number=DATABASE_PHASE, task_number=row.payload["task_number"]
            )
        )  # fmt: skip
        duid = tasks.values_list("dart_task_id", flat=True).first()
        if not duid:
            raise Waits("Its task is not in DART yet.")
        return str(duid)

    def _task(self, row: DartDelivery) -> None:
        """Bring a task and its twin in DART together, creating the twin first where there is none."""
        task = SubworkflowTask.objects.select_related("parent_phase").filter(pk=row.subject).first()
        if task is None:
            raise Rejected(0, "the task was deleted from the tables")
        duid = task.dart_task_id or row.dart_id
        if not duid:
            seen = self._created(row, row.payload, content.description_of(task))
            if seen is None:
                return
        else:
            seen = self._found(duid)
        if seen.duid != row.dart_id and not self.report.is_dry:
            self._claim(row, seen)
        self._link(task, seen)
        seen = self._together(row, task, seen)
        if row.state == State.QUEUED and not self.report.is_dry:
            self._done(row, seen.duid, seen.url)

    def _found(self, duid: str) -> Seen:
        try:
            return self.gateway.task(duid)
        except Unknown as error:
            said = f"it knows no task {duid}; it was deleted there, or the id is wrong"
            raise Rejected(error.status, said) from error

    def _claim(self, row: DartDelivery, seen: Seen) -> None:
        """Keep the id at once, so that nothing that fails later forgets it."""
        try:
            with transaction.atomic(using="default"):
                _update(row, dart_id=seen.duid, dart_url=seen.url)
        except IntegrityError as error:
            raise Rejected(0, f"the id {seen.duid} is recorded for something else") from error

    def _link(self, task: SubworkflowTask, seen: Seen) -> None:
        """Write id and address into the table; rows that are being moved get them in a later pass."""
        if self.report.is_dry or (task.dart_task_id == seen.duid and task.dart_task_url):
            return
        who = self.actor.username if self.actor else ""
        try:
            task_link(task=task, username=who, dart_task_id=seen.duid, dart_task_url=seen.url)
        except Fenced as error:
            raise Waits(f"It is {seen.duid} in DART. {error.message}") from error

    def _together(self, row: DartDelivery, task: SubworkflowTask, seen: Seen) -> Seen:
        """Compare both sides, take what comes from DART, send what the table decides, and keep what was seen."""
        link = DartLink.objects.filter(pk=task.pk, dart_id=seen.duid).first()
        found = comparing.compare(task, row.payload, seen, link, self.workspace, self.actor)
        self.report.differences += [{"task": task.document_number, **said} for said in found.said]
        if self.report.is_dry:
            if found.push or found.take:
                self._would(row, f"send {sorted(found.push)}, take {found.take or 'nothing'}")
            return seen
        payload = row.payload
        if found.take:
            try:
                payload = comparing.take(found, task, self.actor, seen, self.workspace)
            except Fenced as error:
                raise Waits(error.message) from error
        if found.push:
            seen = self.gateway.update(seen.duid, found.push)
            self.report.sent.append(_told(row, f"{seen.duid}: {', '.join(sorted(found.push))}"))
        comparing.keep(task, payload, seen, found)
        return seen

    def _created(self, row: DartDelivery, payload: content.Payload, description: str) -> Seen | None:
        """Return the new task in DART, or the one that an earlier try made without an answer; None in a dry run."""
        board = self.gateway.place.board(payload["phase"])
        if board and board not in self.workspace.dartboards:
            raise Waits(f"DART has no dartboard “{board}” (V7_DART_DARTBOARD); it has {_some(self.workspace)}.")
        if row.dart_id:
            return self._found(row.dart_id)
        if self.report.is_dry:
            self._would(row, f"create “{payload['title']}”")
            return None
        if row.sent_at and (before := self._before(row, payload["title"], board)) is not None:
            return before
        fields = content.fields_of(
            payload, key=row.key, description=description, workspace=self.workspace, place=self.gateway.place,
            several=self.gateway.several,
        )  # fmt: skip
        _update(row, sent_at=Coalesce(F("sent_at"), Now()))
        seen = self.gateway.create(fields)
        self._claim(row, seen)
        if missing := content.unassigned(payload, seen, self.workspace):
            seen = self.gateway.update(seen.duid, missing)
        return seen

    def _before(self, row: DartDelivery, title: str, board: str) -> Seen | None:
        known = DartDelivery.objects.exclude(dart_id="").values_list("dart_id", flat=True)
        assert row.sent_at is not None  # noqa: S101 (the caller looked)
        return self.gateway.find_task(
            content.marker(row.key), title=title, board=board, since=row.sent_at - SKEW, known=frozenset(known)
        )

    def _would(self, row: DartDelivery, what: str) -> None:
        self.report.sent.append(_told(row, f"would {what}"))

    def _done(self, row: DartDelivery, duid: str, url: str) -> None:
        """Mark a row as delivered, unless its words changed meanwhile: then the new ones wait."""
        with transaction.atomic(using="default"):
            _update(row, dart_id=duid, dart_url=url, last_error="")
            same = DartDelivery.objects.filter(pk=row.pk, revision=row.revision)
            same.update(state=State.DELIVERED, delivered_at=Now(), attempts=0, sent_at=None)
            told = {"kind": row.kind, "key": row.key, "dart_id": duid, "url": url}
            who = self.actor.username if self.actor else row.queued_by
            append_event(kind="dart.delivered", actor=who, subject=row.subject, payload=told)
        self.report.sent.append(_told(row, duid))


def _update(row: DartDelivery, **values: Any) -> None:
    DartDelivery.objects.filter(pk=row.pk).update(**values)
    row.refresh_from_db(fields=list(values))


def _told(row: DartDelivery, said: str) -> dict[str, Any]:
    return {"id": row.pk, "kind": row.kind, "key": row.key, "said": secret.redacted(said)}


def _some(workspace: Workspace) -> str:
    return ", ".join(workspace.dartboards[:5]) or "none"
