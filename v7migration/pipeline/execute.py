"""Execute: the steps of a signed changeset in order, only with an Authorization (document 2.2).

Per step: intent in the control plane; BEGIN, statements, checks and ledger row in the target; the gate again
under a row lock; COMMIT; outcome. What happened to a run that died is read from the target's ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Protocol

import django.db
from django.contrib.auth.models import User
from django.db import IntegrityError, connections, transaction
from django.utils import timezone
from psycopg.errors import LockNotAvailable

from approvals.gates import DB_TEAM_LEAD, Granted
from approvals.selectors import personas_of
from tracking import moving
from v7migration.connections import runner_url
from v7migration.errors import GateClosed, Refused, StepFailed
from v7migration.ledger.models import Changeset, Incident, Run, RunState, RunStep
from v7migration.ledger.services import append_event, open_incident, record_intent
from v7migration.pipeline import integrity, settle
from v7migration.pipeline.gatekeeper import Authorization, authorize, still_granted
from v7migration.pipeline.target import Connection, TargetState, gate_shape, has_gate, observe, runner
from v7migration.postgres import catalog, preflight
from v7migration.postgres.fingerprint import differences
from v7migration.postgres.queries import run_document_queries
from v7migration.postgres.runner import Hooks, StepError, committed_steps, run_step
from v7migration.postgres.script import POPULATION, Script, Section, Step, parse, plan_order
from v7migration.postgres.session import Limits, connect, run_lock


class Reporter(Protocol):
    """Told what happens, as it happens."""

    def section(self, section: Section, reason: str) -> None:
        """A section begins."""

    def step(self, step: Step, state: str, milliseconds: float) -> None:
        """A step is ``running``, ``committed``, ``failed``, ``skipped`` or was ``committed before``."""

    def statement(self, number: int, total: int, line: int) -> None:
        """A statement of the running step begins."""

    def waiting(self, attempt: int, blocking: list[dict[str, object]], pause: float) -> None:
        """A lock is taken: the attempt gave way and tries again after ``pause`` seconds."""


class Stopped(StepFailed):
    """Somebody stopped the run between two steps."""


@dataclass
class Prepared:
    """A run that may go on: the parsed bytes, and what the target has committed already.

    ``authorization`` is None when every step is committed: nothing will run, only the account is closed.
    """

    changeset: Changeset
    authorization: Authorization | None
    run: Run
    script: Script
    committed: set[str]
    skip_section_0: bool
    before: dict[str, Any]


def execute(*, changeset: Changeset, operator: User, reporter: Reporter) -> Run:
    """Execute a signed changeset, or go on with its stopped run, and return the run.

    Raises:
        Refused: (exit 5) the target is unfit or another runner is at work; nothing was touched.
        GateClosed: (exit 3) with the names of missing seats and tasks; nothing was touched.
        StepFailed: (exit 4) a step failed; finished steps remain, the failed one left nothing.
    """
    _refuse_other_operators(operator)
    name = f"v7_execute by {operator.get_username()}"
    with runner(application_name=name) as connection, run_lock(connection, patience=settle.PATIENCE):
        with settle.answering(connection):
            settle.settle(connection)
            prepared = _prepare(changeset, operator, connection)
        return _Execution(prepared, connection, reporter).go()


def _refuse_other_operators(operator: User) -> None:
    if DB_TEAM_LEAD not in personas_of(operator):
        raise Refused(
            f"{operator.get_username()} does not hold the persona {DB_TEAM_LEAD}.",
            f"An operator is a {DB_TEAM_LEAD}: name one with --as.",
        )


def _prepare(changeset: Changeset, operator: User, connection: Connection) -> Prepared:
    """Read every truth that decides whether and where the run goes on; touch nothing before the gate is open."""
    run = Run.objects.filter(changeset=changeset, kind=Run.Kind.EXECUTE).first()
    if run is not None and run.state in (RunState.FINISHED, RunState.ROLLED_BACK):
        raise Refused(
            f"Changeset {changeset.number} was executed by run {run.pk} ({run.get_state_display().lower()}).",
            "v7_rollback takes it back; a new cycle begins with v7_rehearse and v7_freeze.",
        )
    _refuse_beside_another_run(changeset)
    script = parse(bytes(changeset.script.content))
    committed = committed_steps(connection, run.pk) if run is not None else set()
    before = changeset.snapshot.document
    if run is not None and _all_committed(script, committed):
        skipped = not any(key.startswith("0.") for key in committed)
        return Prepared(changeset, None, run, script, committed, skipped, before)
    target: TargetState | None = None
    if not committed:
        preflight.check_no_leftovers(connection, _created_by(script))
        target = observe(connection)
    authorization = authorize(changeset, target=target)
    _refuse_open_incidents(run)
    skip = _skips_section_0(changeset, connection, committed)
    if run is None:
        run = _begin(changeset, operator)
    return Prepared(changeset, authorization, run, script, committed, skip, before)


def _all_committed(script: Script, committed: set[str]) -> bool:
    """Say whether nothing that the run needs is outstanding; a section that may fail is not needed."""
    needed = [s for s, _ in plan_order(script) if s.number != 0 and s.on_failure != "continue"]
    return bool(committed) and all(step.key in committed for section in needed for step in section.steps)


def _begin(changeset: Changeset, operator: User) -> Run:
    name, started = operator.get_username(), {"changeset": changeset.digest}
    try:
        with transaction.atomic():
            run = Run.objects.create(changeset=changeset, kind=Run.Kind.EXECUTE, operator=name)
            append_event(kind="run.started", actor=name, subject=str(run.pk), payload=started)
    except IntegrityError as error:
        raise Refused(
            f"Another operator has just started changeset {changeset.number}.",
            "Watch that run (v7_status), or stop it on its page.",
        ) from error
    return run


def _refuse_beside_another_run(changeset: Changeset) -> None:
    open_states = (RunState.RUNNING, RunState.STOPPED, RunState.FAILED, RunState.FINISHED)
    other = (
        Run.objects.filter(kind=Run.Kind.EXECUTE, state__in=open_states)
        .exclude(changeset=changeset)
        .filter(steps__state=RunStep.State.COMMITTED)
        .select_related("changeset")
        .first()
    )
    if other is not None:
        raise Refused(
            f"Run {other.pk} of changeset {other.changeset.number} is {other.get_state_display().lower()} "
            "on this target.",
            "Take it back with v7_rollback (or let it finish) before another changeset runs.",
        )


def _refuse_open_incidents(run: Run | None) -> None:
    if run is None:
        return
    waiting = Incident.objects.filter(run=run, blocking=True, state=Incident.State.OPEN).first()
    if waiting is not None:
        raise GateClosed(
            [f"incident {waiting.pk} ({waiting.title}) has no root cause and remediation yet"],
            f"Enter both at /incidents/{waiting.pk}/, then run v7_execute again; "
            "or take the run back with v7_rollback.",
        )


def _created_by(script: Script) -> list[str]:
    return [name for s in script.sections if s.number != 0 for name in s.creates if "." in name]


def _skips_section_0(changeset: Changeset, connection: Connection, committed: set[str]) -> bool:
    """Say whether ``migration_gate`` is there in the rehearsed shape (a rollback leaves it)."""
    if not has_gate(connection) or any(key.startswith("0.") for key in committed):
        return False
    if gate_shape(connection) != changeset.rehearsal.report["gate_shape"]:
        raise Refused(
            "The schema migration_gate of the target has another shape than Section 0 makes.",
            "If no run needs its account any more, its owner may rename it; then rehearse and freeze again.",
        )
    return True


class _Execution:
    """One sitting of a run: walks the plan from the first step that the target does not know as committed."""

    def __init__(self, prepared: Prepared, connection: Connection, reporter: Reporter) -> None:
        self.changeset, self.run, self.script = prepared.changeset, prepared.run, prepared.script
        self.committed, self.skip_section_0, self.before = prepared.committed, prepared.skip_section_0, prepared.before
        self.all_committed = prepared.authorization is None
        self.connection, self.reporter = connection, reporter
        self.rehearsed: dict[str, Any] = self.changeset.rehearsal.report["steps"]
        self.expected: list[str] | None = self._expected_so_far()

    def go(self) -> Run:
        """Run the plan to its end; an interruption leaves the run ``stopped``, a failure ``failed``."""
        try:
            with settle.answering(self.connection):
                self._sit()
                self._finish()
        except KeyboardInterrupt as interrupt:
            self._stopped()
            raise Stopped(
                "The run was interrupted; finished steps remain, the one at work committed as a whole or left nothing.",
                "v7_execute goes on; v7_rollback goes back.",
            ) from interrupt
        except BaseException:
            self._stopped()
            raise
        return self.run

    def _sit(self) -> None:
        """Close the planning fence and walk the plan."""
        begun = bool(self.committed)
        self.run.stop_requested_by = ""
        self._state(RunState.RUNNING)
        if not self.all_committed:
            moving.close_fence(moving.control_connection())
        self.baseline = integrity.baseline(self.connection, self.run, begun=begun)
        with connect(runner_url(), application_name="v7_execute observer") as observer:
            self.observer = observer
            for section, reason in plan_order(self.script):
                self._section(section, reason)

    def _stopped(self) -> None:
        """Leave a run that nobody walks as ``stopped``, as far as both databases still answer."""
        settle.reconnect()
        with suppress(django.db.Error):
            if self.run.state == RunState.RUNNING:
                self._state(RunState.STOPPED)
        settle.after_trouble(self.connection)

    def _expected_so_far(self) -> list[str] | None:
        """Return the rehearsed differences of what is committed, or None where the steps were not taken in order."""
        skipped = {0} if self.skip_section_0 else set()
        order = [step.key for s, _ in plan_order(self.script) if s.number not in skipped for step in s.steps]
        done = order[: len(self.committed)]
        if not done or set(done) != self.committed:
            return None
        found: list[str] | None = self.rehearsed.get(done[-1], {}).get("differences")
        return found

    def _section(self, section: Section, reason: str) -> None:
        self.reporter.section(section, reason)
        for step in section.steps:
            if section.number == 0 and self.skip_section_0:
                self.reporter.step(step, "skipped", 0)
            elif step.key in self.committed:
                self.reporter.step(step, "committed before", 0)
            elif self.all_committed:
                self.reporter.step(step, "skipped", 0)
            else:
                self._step(section, step)

    def _step(self, section: Section, step: Step) -> None:
        self._check_drift(step)
        intent = record_intent(
            run=self.run, key=step.key, section=section.number, title=step.title, digest=self.changeset.digest
        )
        self.reporter.step(step, "running", 0)
        try:
            done = run_step(
                self.connection,
                step,
                run_id=self.run.pk,
                digest=self.changeset.digest,
                hooks=self._hooks(section, intent),
            )
        except StepError as error:
            self._failed(section, step, intent, error)
            return
        self.expected = self.rehearsed.get(step.key, {}).get("differences", self.expected)
        detail = {"attempts": done.attempts, "statements": done.statements}
        _outcome(intent, RunStep.State.COMMITTED, done.milliseconds, detail)
        self.committed.add(step.key)
        self.reporter.step(step, "committed", done.milliseconds)

    def _hooks(self, section: Section, intent: RunStep) -> Hooks:
        def began(xid: str, pid: int) -> None:
            RunStep.objects.filter(pk=intent.pk).update(transaction_id=xid, backend_pid=pid)
            intent.transaction_id, intent.backend_pid = xid, pid

        def opening(connection: Connection) -> None:
            if not self.committed:  # the rows are fenced now: rows, script and target must still be what was signed
                authorize(self.changeset, target=observe(connection))

        def inside(connection: Connection) -> None:
            if section.number == POPULATION:
                self.run.report["population"] = moving.populate(connection)
            integrity.check(connection, self.baseline, written=section.number == POPULATION)

        return Hooks(
            opening=opening,
            began=began,
            inside=inside,
            committing=self._committing,
            statement=lambda statement, number, total: self.reporter.statement(number, total, statement.line),
            waiting=self.reporter.waiting,
            observer=lambda: self.observer,
            tried_before=intent.attempt > 1,
        )

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Hold the changeset's row across the target's COMMIT and ask the gate and the stop button once more."""
        with transaction.atomic():
            self._hold_changeset()
            decision = still_granted(self.changeset)
            if not isinstance(decision, Granted):
                raise GateClosed(
                    [r.sentence for r in decision.reasons], "The step was rolled back; the run stands stopped."
                )
            stopped_by = Run.objects.values_list("stop_requested_by", flat=True).get(pk=self.run.pk)
            if stopped_by:
                raise Stopped(
                    f"{stopped_by} stopped the run; the step was rolled back.",
                    "v7_execute goes on; v7_rollback goes back.",
                )
            yield

    def _hold_changeset(self) -> None:
        """Lock the changeset's row against a revocation, waiting no longer than the step may hold its own locks.

        Raises:
            StepError: somebody signs or revokes at this moment: the step gives way and tries again.
        """
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{Limits().lock_timeout}ms"])
                cursor.execute(
                    "SELECT digest FROM ledger_changeset WHERE digest = %s FOR SHARE", [self.changeset.digest]
                )
        except django.db.OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            message = "somebody is signing or revoking this changeset"
            raise StepError("gate", 0, LockNotAvailable.sqlstate or "", message, "Let that session end.") from error

    def _check_drift(self, step: Step) -> None:
        """Compare what changed in the target so far with what changed in the rehearsal; anything else is drift.

        What the step itself makes is none where it may have been made before without a record (a concurrent index).
        """
        if self.expected is None:
            return
        own = [] if step.transactional else self.rehearsed.get(step.key, {}).get("differences", [])
        found = differences(self.before, catalog.snapshot(self.connection))
        foreign = sorted(set(found) - {*self.expected, *own})
        missing = sorted(set(self.expected) - set(found))
        if foreign or missing:
            self._state(RunState.STOPPED)
            sentences = [*foreign, *(f"missing: {m}" for m in missing)]
            self.run.report["drift"] = sentences
            self.run.save(update_fields=["report"])
            raise StepFailed(
                f"The target drifted before step {step.key}: {'; '.join(sentences[:5])}.",
                "Somebody changed the target during the run. Find out who; then v7_rollback, "
                "or undo it and v7_execute.",
            )

    def _failed(self, section: Section, step: Step, intent: RunStep, error: StepError) -> None:
        """Record a failed step; go on where the section says so, else stop the run (document 5.2)."""
        _outcome(intent, RunStep.State.FAILED, None, error.as_dict())
        self.reporter.step(step, "failed", 0)
        goes_on = section.on_failure == "continue"
        incident = open_incident(
            run=self.run, step=step.key, title=f"Step {step.key} failed: {error.message}", opened_by=self.run.operator,
            detail={**error.as_dict(), "policy": section.on_failure, "integrity": self._proof()}, blocking=not goes_on,
        )  # fmt: skip
        self.run.report.setdefault("failures", []).append({**error.as_dict(), "incident": str(incident.pk)})
        if goes_on:
            self.expected = None  # the rehearsed differences include what this step did not make
            self.run.save(update_fields=["report"])
            return
        self._state(RunState.FAILED)
        raise StepFailed(
            f"Step {step.key} (line {error.line}) failed: {error.message} [{error.sqlstate}]. It left nothing behind.",
            f"Enter root cause and remediation at /incidents/{incident.pk}/, then v7_execute; "
            "or go back with v7_rollback.",
        )

    def _proof(self) -> dict[str, Any]:
        return integrity.compare(self.connection, self.baseline) if not self.connection.closed else {}

    def _state(self, state: RunState) -> None:
        self.run.state = state
        if state in (RunState.STOPPED, RunState.FAILED):
            self.run.stop_requested_by = ""
        self.run.save(update_fields=["state", "report", "stop_requested_by"])
        append_event(kind=f"run.{state.value}", actor=self.run.operator, subject=str(self.run.pk))

    def _finish(self) -> None:
        """Run the document's queries; then make the target the home and close the run's account in one transaction."""
        groups = self.changeset.snapshot.enums["groups"]
        checks = run_document_queries(self.connection, "after", has_duplicates=bool(groups))
        self.run.report["integrity"] = integrity.compare(self.connection, self.baseline)
        self.run.report["document"] = [check.as_dict() for check in checks]
        self.run.populated, self.run.finished_at = True, timezone.now()
        with transaction.atomic():
            moving.open_planning_home(home="live")
            self.run.save(update_fields=["populated", "finished_at"])
            self._state(RunState.FINISHED)


def _outcome(intent: RunStep, state: str, milliseconds: float | None, detail: dict[str, Any]) -> None:
    intent.state, intent.milliseconds, intent.detail, intent.finished_at = state, milliseconds, detail, timezone.now()
    intent.save(update_fields=["state", "milliseconds", "detail", "finished_at"])
