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
from psycopg.errors import LockNotAvailable, QueryCanceled

from approvals.gates import DB_TEAM_LEAD, Granted
from approvals.selectors import personas_of
from tracking import moving
from v7migration.errors import GateClosed, Refused, SchemaConflict, StepFailed
from v7migration.ledger.models import Changeset, Run, RunState, RunStep
from v7migration.ledger.services import append_event, open_incident
from v7migration.pipeline import emergency, incidents, integrity, notices, reporting, settle, stopping
from v7migration.pipeline.account import Blocking, StepAccount, attempts, tell
from v7migration.pipeline.consolidation import must_be_documented
from v7migration.pipeline.drift import Drifted, DriftWatch
from v7migration.pipeline.gatekeeper import Authorization, authorize, facts, still_granted
from v7migration.pipeline.observer import Observer, fresh
from v7migration.pipeline.stopping import Stopped
from v7migration.pipeline.target import Connection, TargetState, gate_shape, has_gate, observe, runner
from v7migration.postgres import preflight
from v7migration.postgres.queries import run_document_queries
from v7migration.postgres.runner import Hooks, StepError, committed_steps, run_step
from v7migration.postgres.script import POPULATION, Script, Section, Statement, Step, parse, plan_order
from v7migration.postgres.session import run_lock
from v7migration.postgres.watch import watermark


class Reporter(Protocol):
    """Told what happens, as it happens."""

    def note(self, sentence: str) -> None:
        """What became of the last run, or where this one goes on."""

    def section(self, section: Section, reason: str) -> None:
        """A section begins."""

    def step(self, step: Step, state: str, milliseconds: float) -> None:
        """A step is ``running``, ``committed``, ``failed``, ``skipped`` or was ``committed before``."""

    def statement(self, number: int, total: int, line: int) -> None:
        """A statement of the running step begins."""

    def waiting(self, attempt: int, blocking: Blocking, pause: float) -> None:
        """A lock is taken: the attempt gave way and tries again after ``pause`` seconds."""

    def lasting(self, seconds: float, blocking: Blocking) -> None:
        """The attempt is at work for so long, blocked by these sessions now; told from another thread."""


GATE_PATIENCE = 20
"""Milliseconds for which a step waits for people who sign at this moment, before it gives way."""


@dataclass
class Prepared:
    """A run that may go on: the parsed bytes, and what the target has committed already.

    ``authorization`` is None when every step is committed: nothing will run, only the account is closed.
    ``target`` is the target as it was read when nothing was committed, ``mark`` the catalogs' watermark before that.
    """

    changeset: Changeset
    authorization: Authorization | None
    run: Run
    script: Script
    committed: set[str]
    skip_section_0: bool
    target: TargetState | None = None
    mark: str = ""


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
            for sentence in settle.settle(connection):
                reporter.note(sentence)
            target = changeset.snapshot.target_name
            with reporting.conflicts(person=operator.get_username(), stage="execute", target=target):
                prepared = _prepare(changeset, operator, connection)
            if prepared.committed:
                reporter.note(_where_it_stands(prepared))
        return _Execution(prepared, connection, reporter).go()


def _where_it_stands(prepared: Prepared) -> str:
    """Say what the target knows as committed, and where the run goes on."""
    number, run = len(prepared.committed), prepared.run.pk
    if prepared.authorization is None:
        return f"Run {run}: every step is committed in the target ({number}); only its account is closed now."
    return f"Run {run} goes on: the target's ledger holds {number} committed step{'s' if number > 1 else ''}."


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
            ("v7_rollback takes it back; a" if run.state == RunState.FINISHED else "A")
            + " new cycle begins with v7_rehearse and v7_freeze.",
        )
    emergency.refuse_next_execution()
    _refuse_beside_another_run(changeset)
    script = parse(bytes(changeset.script.content))
    committed = committed_steps(connection, run.pk) if run is not None else set()
    if run is not None and _all_committed(script, committed):
        skipped = not any(key.startswith("0.") for key in committed)
        return Prepared(changeset, None, run, script, committed, skipped)
    target, mark = None, ""
    if not committed:
        preflight.check_no_leftovers(connection, preflight.names_created(script))
        mark = watermark(connection)
        target = observe(connection)
    authorization = authorize(changeset, target=target)
    incidents.refuse_unreviewed(run)
    skip = _skips_section_0(changeset, connection, committed)
    if run is None:
        run = _begin(changeset, operator)
    return Prepared(changeset, authorization, run, script, committed, skip, target, mark)


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


def _skips_section_0(changeset: Changeset, connection: Connection, committed: set[str]) -> bool:
    """Say whether ``migration_gate`` is there in the rehearsed shape (a rollback leaves it)."""
    if not has_gate(connection) or any(key.startswith("0.") for key in committed):
        return False
    if gate_shape(connection) != changeset.rehearsal.report["gate_shape"]:
        raise SchemaConflict(
            ["migration_gate"],
            "The schema migration_gate of the target has another shape than Section 0 makes.",
            "If no run needs its account any more, its owner may rename it; then rehearse and freeze again.",
        )
    return True


class _Execution:
    """One sitting of a run: walks the plan from the first step that the target does not know as committed."""

    def __init__(self, prepared: Prepared, connection: Connection, reporter: Reporter) -> None:
        self.changeset, self.run, self.script = prepared.changeset, prepared.run, prepared.script
        self.committed, self.skip_section_0 = prepared.committed, prepared.skip_section_0
        self.all_committed = prepared.authorization is None
        self.connection, self.reporter = connection, reporter
        self.drift = DriftWatch.of(self.changeset, self.script, self.committed, skips_section_0=self.skip_section_0)
        self.target, self.drift.mark = prepared.target, prepared.mark

    def go(self) -> Run:
        """Run the plan to its end; an interruption leaves the run ``stopped``, a failure ``failed``."""
        try:
            with settle.answering(self.connection):
                with stopping.obeyed(self.run):
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
        self.facts, self.attempts = facts(self.changeset), attempts(self.run)
        self.observer = Observer()
        try:
            with self._drift_stops():
                for section, reason in plan_order(self.script):
                    self._section(section, reason)
        finally:
            self.observer.close()

    def _stopped(self) -> None:
        """Leave a run that nobody walks as ``stopped``, as far as both databases still answer."""
        settle.reconnect()
        with suppress(django.db.Error):
            if self.run.state == RunState.RUNNING:
                self._state(RunState.STOPPED)
        settle.after_trouble(self.connection)

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
        if self.committed:
            self.drift.before_step(self.connection, step)
        account = StepAccount(self.run, step, section=section.number, before=self.attempts[step.key])
        self.reporter.step(step, "running", 0)
        try:
            done = run_step(
                self.connection,
                step,
                run_id=self.run.pk,
                digest=self.changeset.digest,
                hooks=self._hooks(section, step, account),
            )
        except StepError as error:
            self._failed(section, step, account, error)
            return
        account.committed(done)
        self.drift.committed_step(step)
        self.reporter.step(step, "committed", done.milliseconds)

    def _hooks(self, section: Section, step: Step, account: StepAccount) -> Hooks:
        def inside(connection: Connection) -> None:
            if section.number == POPULATION:
                self.run.report["population"] = moving.populate(connection)
            self.drift.before_commit(connection, self.observer.watermark, fresh, step)
            integrity.check(connection, self.baseline, written=section.number == POPULATION)

        def statement(statement: Statement, number: int, total: int) -> None:
            account.statement(statement, number, total)
            self.reporter.statement(number, total, statement.line)

        def waiting(attempt: int, blocking: Blocking, pause: float) -> None:
            account.waiting(attempt, blocking, pause)
            self.reporter.waiting(attempt, blocking, pause)
            stopping.obey(self.run)

        def lasting(seconds: float, blocking: Blocking) -> None:
            account.lasting(seconds, blocking)
            self.reporter.lasting(seconds, blocking)

        return Hooks(
            opening=self._authorize_first,
            began=account.began,
            inside=inside,
            committing=self._committing,
            statement=statement,
            waiting=waiting,
            lasting=lasting,
            observer=self.observer.session,
            tried_before=account.intent.attempt > 1,
        )

    def _authorize_first(self, connection: Connection) -> None:
        """Inside the first transaction, with the rows fenced: rows, script and target must still be what was signed."""
        if self.committed:
            return
        mark = watermark(connection)
        if self.target is None or mark != self.drift.mark:
            self.target, self.drift.mark = observe(connection), mark
        authorize(self.changeset, target=self.target)

    @contextmanager
    def _committing(self) -> Iterator[None]:
        """Hold the changeset's row across the target's COMMIT and ask the gate and the stop button once more."""
        with transaction.atomic():
            self._hold_changeset()
            decision = still_granted(self.facts)
            if not isinstance(decision, Granted):
                reasons = [r.sentence for r in decision.reasons]
                tell(self.run, "gate.closed", reasons=reasons)
                raise GateClosed(reasons, "The step was rolled back; the run stands stopped.")
            stopping.obey(self.run)
            yield

    def _hold_changeset(self) -> None:
        """Lock the changeset's row against a revocation, hardly waiting: the step holds its locks in the target.

        Raises:
            StepError: somebody signs or revokes at this moment: the step gives way and tries again.
        """
        try:
            with connections["default"].cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{GATE_PATIENCE}ms"])
                cursor.execute(
                    "SELECT digest FROM ledger_changeset WHERE digest = %s FOR SHARE", [self.changeset.digest]
                )
        except django.db.OperationalError as error:
            if not isinstance(error.__cause__, LockNotAvailable):
                raise
            message = "somebody is signing or revoking this changeset"
            raise StepError("gate", 0, LockNotAvailable.sqlstate or "", message, "Let that session end.") from error

    @contextmanager
    def _drift_stops(self) -> Iterator[None]:
        """Keep what drifted on the run, and leave the run stopped."""
        try:
            yield
        except Drifted as drifted:
            self.run.report["drift"] = drifted.sentences
            self._state(RunState.STOPPED)
            raise

    def _failed(self, section: Section, step: Step, account: StepAccount, error: StepError) -> None:
        """Record a failed step; go on where the section says so, else stop the run (document 5.2)."""
        account.failed(error)
        if error.sqlstate == QueryCanceled.sqlstate:
            stopping.obey(self.run)
        self.reporter.step(step, "failed", 0)
        goes_on = section.on_failure == "continue"
        incident = open_incident(
            run=self.run, step=step.key, title=f"Step {step.key} failed: {error.message}", opened_by=self.run.operator,
            detail={**error.as_dict(), "policy": section.on_failure, "integrity": self._proof()},
            **reporting.about_failed_step(error, goes_on=goes_on),
        )  # fmt: skip
        self.run.report.setdefault("failures", []).append({**error.as_dict(), "incident": str(incident.pk)})
        if goes_on:
            self.run.save(update_fields=["report"])
            return
        self._state(RunState.FAILED)
        notices.notify_of(incident, actor=self.run.operator)
        raise StepFailed(
            f"Step {step.key} (line {error.line}) failed: {error.message} [{error.sqlstate}]. It left nothing behind.",
            f"Root cause and remediation are entered and reviewed at /incidents/{incident.pk}/, then v7_execute; "
            "or go back with v7_rollback.",
        )

    def _proof(self) -> dict[str, Any]:
        return integrity.assess(self.connection, self.baseline) if not self.connection.closed else {}

    def _state(self, state: RunState) -> None:
        self.run.state = state
        if state in (RunState.STOPPED, RunState.FAILED):
            self.run.stop_requested_by = ""
        with transaction.atomic():
            self.run.save(update_fields=["state", "report", "stop_requested_by"])
            append_event(kind=f"run.{state.value}", actor=self.run.operator, subject=str(self.run.pk))
        tell(self.run, f"run.{state.value}", operator=self.run.operator)

    def _finish(self) -> None:
        """Run the document's queries; then make the target the home and close the run's account in one transaction."""
        has_duplicates = must_be_documented(self.changeset.snapshot.enums)
        checks = run_document_queries(self.connection, "after", has_duplicates=has_duplicates)
        self.run.report["integrity"] = integrity.compare(self.connection, self.baseline)
        self.run.report["document"] = [check.as_dict() for check in checks]
        self.run.populated, self.run.finished_at = True, timezone.now()
        with transaction.atomic():
            moving.open_planning_home(home="live")
            self.run.save(update_fields=["populated", "finished_at"])
            self._state(RunState.FINISHED)
