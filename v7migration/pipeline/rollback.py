"""Rollback: the emergency protocol of document 5.4, or what The Architect signed.

Bring the rows home, Section 9 in one transaction, proof that the target is as before and stable.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from psycopg import sql

from approvals import gates
from approvals import selectors as approvals_selectors
from tracking import home, moving
from v7migration.errors import GateClosed, Refused, StepFailed
from v7migration.ledger.models import Emergency, Incident, Run, RunState
from v7migration.ledger.services import append_event, open_incident
from v7migration.pipeline import emergency, notices, settle, sign_off, stopping
from v7migration.pipeline.account import StepAccount, attempts
from v7migration.pipeline.emergency import ROLL_BACK, STOP, VERIFY, Protocol, Told
from v7migration.pipeline.target import Connection, describe, runner
from v7migration.postgres import catalog, dependents, stability
from v7migration.postgres.fingerprint import differences, fingerprint
from v7migration.postgres.queries import Check, run_document_queries
from v7migration.postgres.runner import Hooks, StepError, committed_steps, run_step
from v7migration.postgres.script import Script, Step, parse
from v7migration.postgres.script.way_back import never_made

DEPENDENT = "2BP01"


class ObjectsInTheWay(Refused):
    """Objects that are not ours depend on what Section 9 drops, or would vanish with it; nothing was touched."""

    def __init__(self, found: list[dict[str, str]]) -> None:
        super().__init__(_in_the_way(found), "Drop or change them, or ask their owners; then run v7_rollback again.")
        self.evidence = {"dependents": found}


@dataclass(frozen=True)
class Right:
    """By what right a run is taken back: an incident that stands or is opened with ``text``, or The Architect."""

    words: str
    incident: Incident | None = None
    text: str = ""

    @property
    def is_emergency(self) -> bool:
        """Whether the emergency protocol of document 5.4 is followed."""
        return bool(self.incident or self.text)

    def __str__(self) -> str:
        return self.words


def find_run() -> Run:
    """Return the run that a rollback would take back: the newest execution that stands, or whose proof is missing.

    Raises:
        Refused: nothing stands.
    """
    executions = Run.objects.filter(kind=Run.Kind.EXECUTE).select_related("changeset__snapshot", "changeset__script")
    newest = executions.first()
    if newest is not None and (_unproved(newest) is not None or _under_way(newest) is not None):
        return newest
    run = executions.exclude(state=RunState.ROLLED_BACK).first()
    if run is None:
        raise Refused("There is no run to take back.", "v7_status shows the runs.")
    return run


def _unproved(run: Run) -> Run | None:
    """Return the rollback that took this run back and died before its proof, if it did."""
    done = _committed(run)
    return done if done is not None and "as_before" not in done.report else None


def _committed(run: Run) -> Run | None:
    """Return the rollback that took this run back, if one did."""
    if run.state != RunState.ROLLED_BACK:
        return None
    return run.rollbacks.filter(state=RunState.FINISHED).first()


def _under_way(run: Run) -> Emergency | None:
    """Return the emergency of this run while the target is not proved stable."""
    found = Emergency.objects.filter(run=run).select_related("incident").first()
    return found if found is not None and emergency.taken(found) < VERIFY else None


def authorize(*, run: Run, operator: User, incident: str = "") -> Right:
    """Say by what right this run may be taken back, or refuse. Nothing is written.

    The changeset's signatures authorise Section 9 in an incident; without one The Architect signs the seat
    "Rollback" first. Expiry, revocation, drift and staleness never close the way back.

    Args:
        incident: what happened, where the operator declares an emergency now.

    Raises:
        Refused: the operator is not a DB Team Lead.
        GateClosed: no incident and no signature.
    """
    if gates.DB_TEAM_LEAD not in approvals_selectors.personas_of(operator):
        raise Refused(
            f"{operator.get_username()} does not hold the persona {gates.DB_TEAM_LEAD}.", "Name one who does with --as."
        )
    if (declared := _under_way(run)) is not None:
        return _by(declared.incident)
    if (committed := _unproved(run)) is not None:
        return Right(str(committed.report.get("right", "")))
    # An incident that was remediated before the run finished is over: it opens no way back afterwards.
    over = [Incident.State.CLOSED]
    if run.state == RunState.FINISHED:
        over += [Incident.State.REMEDIATED, Incident.State.REVIEWED]
    if (standing := run.incidents.filter(blocking=True).exclude(state__in=over).first()) is not None:
        return _by(standing)
    if incident.strip():
        return Right("an incident", text=incident.strip())
    decision = approvals_selectors.decision_on(seats=gates.ROLLBACK, facts=sign_off.run_facts(run))
    if not isinstance(decision, gates.Granted):
        raise GateClosed(
            [reason.sentence for reason in decision.reasons],
            f"The Architect signs the rollback at /runs/{run.pk}/sign/rollback/ ; "
            "in an emergency: v7_rollback --incident TEXT.",
        )
    return Right("signed by The Architect")


def _by(incident: Incident) -> Right:
    return Right(f"incident {incident.pk}", incident)


def rollback(*, run: Run, operator: User, right: Right, told: Told = emergency.silent) -> Run:
    """Take a run back and return the rollback's own run, with its proof in ``report``.

    In an emergency the first four steps of the protocol are taken, each once; a rollback that died goes on after the
    last one it recorded. Once Section 9 has committed, only its account and its proof are outstanding.

    Args:
        run: the execution.
        operator: a DB Team Lead.
        right: what :func:`authorize` answered, kept in the report.
        told: hears each step of the protocol in a sentence, as it happens.

    Raises:
        Refused: the target is unfit, another runner is at work, or objects of others are in the way; nothing was
            touched.
        StepFailed: Section 9 failed as a whole; nothing changed, an incident is open.
    """
    name, found = operator.get_username(), run.get_state_display().lower()
    with runner(application_name=f"v7_rollback by {name}", needs_file_audit=False) as connection:
        stopped = stopping.all_work_stopped(
            connection, run=run, operator=name, emergency=right.is_emergency, told=told
        )  # fmt: skip
        with stopped as asked, settle.answering(connection):
            for sentence in settle.settle(connection):
                told(sentence)
            run.refresh_from_db()
            return _Way(run, operator, right, connection, told).go(found=found, asked=asked)


class _Way:
    """The way back of one execution, under the run's lock."""

    def __init__(self, run: Run, operator: User, right: Right, connection: Connection, told: Told) -> None:
        self.run, self.operator, self.right, self.connection, self.told = run, operator, right, connection, told
        self.script: Script = parse(bytes(run.changeset.script.content))

    def go(self, *, found: str, asked: bool) -> Run:
        """Stop, notify, roll back, verify. ``found``: how the run stood before; ``asked``: it was asked to stop."""
        if not self.right.is_emergency:
            done = self._taken_back(str(self.right))
            return _Proof(done, self.connection, self.script, self.told).kept()
        protocol = self._declared()
        now = self.run.get_state_display().lower()
        sentence = f"Run {self.run.pk} was {found}, is {now}; its lock is held here, so nothing of it is at work."
        protocol.take(STOP, sentence, {"was": found, "is": now, "asked_to_stop": asked})
        emergency.notify_leaders(protocol)
        done = self._taken_back(f"incident {protocol.emergency.incident_id}")
        protocol.take(ROLL_BACK, _what_went_home(done), {"rollback": str(done.pk), "home": done.report.get("home", {})})
        return _Proof(done, self.connection, self.script, self.told).kept(protocol)

    def _declared(self) -> Protocol:
        """Declare the emergency; a run that only failed is left as it is where its way back is barred."""
        if not self.right.text and _under_way(self.run) is None and self.run.state != RunState.ROLLED_BACK:
            self._refuse_objects_in_the_way()
        return emergency.begin(
            run=self.run, operator=self.operator, incident=self.right.incident, text=self.right.text, told=self.told
        )

    def _taken_back(self, right: str) -> Run:
        """Take the run back, or return the rollback that did and whose proof is outstanding."""
        committed = _committed(self.run)
        if committed is None:
            self._refuse_objects_in_the_way()
            return _Rollback(self.run, self.operator.get_username(), right, self.connection, self.script).go()
        if "as_before" in committed.report and _under_way(self.run) is None:
            raise Refused(f"Run {self.run.pk} has been taken back already.", "v7_status shows where things stand.")
        return committed

    def _refuse_objects_in_the_way(self) -> None:
        if found := dependents.of_script(self.connection, self.script):
            raise ObjectsInTheWay(found)


def _in_the_way(found: list[dict[str, str]]) -> str:
    listed = "; ".join(f"{entry['object']} (on {entry['depends_on']})" for entry in found)
    one = len(found) == 1
    return (
        f"{len(found)} object{'' if one else 's'} that {'is' if one else 'are'} not ours depend{'s' if one else ''} on "
        f"what Section 9 drops: {listed}."
    )


def _what_went_home(done: Run) -> str:
    tables = done.report.get("home", {}).get("tables", {})
    if not tables:
        return "Section 9 ran in one transaction; the tracking rows had never left the planning home."
    rows = sum(table["rows"] for table in tables.values())
    return f"{rows} rows of {len(tables)} tables are home, equal on both sides; Section 9 ran in one transaction."


class _Rollback:
    """One rollback: rows home, Section 9, proof."""

    def __init__(self, run: Run, operator: str, right: str, connection: Connection, script: Script) -> None:
        self.executed, self.operator, self.connection, self.script = run, operator, connection, script
        self.committed = committed_steps(connection, run.pk)
        report = {"right": right, "files": stability.files(connection)}
        started = {"undoes": str(run.pk), "right": right}
        with transaction.atomic():
            self.run = Run.objects.create(
                changeset=run.changeset, kind=Run.Kind.ROLLBACK, undoes=run, operator=operator, report=report
            )
            append_event(kind="run.started", actor=operator, subject=str(self.run.pk), payload=started)

    def go(self) -> Run:
        """Bring home what the target holds, drop it, and end both runs."""
        live = home.read() == home.LIVE
        try:
            if live:
                moving.close_fence(self.connection)
                self.run.report["home"] = moving.bring_home(self.connection)
                self.run.save(update_fields=["report"])
            if self.committed:
                self._section_9(live)
            settle.finish_rollback(self.run)
        except KeyboardInterrupt as interrupt:
            settle.after_trouble(self.connection)
            raise StepFailed(
                "The rollback was interrupted; Section 9 committed as a whole or left nothing.",
                "Run v7_rollback again: it reads from the target which of the two, and goes on from there.",
            ) from interrupt
        except BaseException:
            settle.after_trouble(self.connection)
            raise
        self.run.refresh_from_db()
        return self.run

    def _section_9(self, live: bool) -> None:
        section = self.script.rollback
        if section is None:
            raise Refused("The changeset has no Section 9.", "It could not have been frozen like this: see v7_status.")
        for step in section.steps:
            account = StepAccount(self.run, step, section=9, before=attempts(self.run)[step.key])
            hooks = Hooks(
                opening=lambda connection, step=step: self._opening(connection, step, live),  # type: ignore[misc]
                skipping=never_made(self.script, self.committed),
                began=account.began,
                statement=account.statement,
                waiting=account.waiting,
            )
            try:
                done = run_step(self.connection, step, run_id=self.run.pk, digest=self.run.changeset_id, hooks=hooks)
            except StepError as error:
                account.failed(error)
                self._incident(error)
            else:
                account.committed(done)

    def _opening(self, connection: Connection, step: Step, live: bool) -> None:
        """Look once more, inside the transaction: at the rows under lock, and at objects made since the first look."""
        if live:
            self._compare_under_lock(connection)
        if found := dependents.of_script(connection, self.script):
            raise StepError(step.key, step.line, DEPENDENT, _in_the_way(found), "Drop or change them.")

    def _compare_under_lock(self, connection: Connection) -> None:
        """Compare the rows at home with the target's once more, while nobody can write them."""
        tables = sql.SQL(", ").join(
            sql.Identifier(schema, table.name)
            for table in moving.tracked_tables()
            for schema in ["v7_history" if table.name.endswith("_history") else "public"]
        )
        connection.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(tables))
        connection.execute("SET LOCAL search_path = public, v7_monitoring, v7_history, migration_gate")
        moving.compare_homes(connection)
        connection.execute("SET LOCAL search_path = public")

    def _incident(self, error: StepError) -> None:
        detail = error.as_dict()
        if error.sqlstate == DEPENDENT and not self.connection.closed:
            detail["dependents"] = dependents.of_script(self.connection, self.script)
        incident = open_incident(
            run=self.run, step=error.step, title=f"The rollback failed: {error.message}", detail=detail,
            opened_by=self.operator, kind=Incident.Kind.ROLLBACK, severity=Incident.Severity.CRITICAL,
        )  # fmt: skip
        notices.notify_of(incident, actor=self.operator)
        failed = StepFailed(
            f"Section 9 failed as a whole (line {error.line}): {error.message} [{error.sqlstate}]. Nothing changed.",
            f"{error.hint or 'Remove what stands in the way'}; enter it at /incidents/{incident.pk}/ "
            "and run v7_rollback again.",
        )
        failed.evidence = {"dependents": detail.get("dependents", [])}
        raise failed from error


@dataclass
class _Proof:
    """The proof that the target is as before the run (but for ``migration_gate``) and stable (document 5.4, step 4)."""

    rollback: Run
    connection: Connection
    script: Script
    told: Told
    checks: list[Check] = field(default_factory=list)

    def kept(self, protocol: Protocol | None = None) -> Run:
        """Look, keep the proof in the report, take the protocol's step if the target is stable; return the rollback."""
        before, now = self.rollback.changeset.snapshot, catalog.snapshot(self.connection)
        document = [check.as_dict() for check in run_document_queries(self.connection, "rolled back")]
        stable = [check.as_dict() for check in (*self._look(before.document), self._fences())]
        drift = differences(before.document, now)
        ok = all(check["ok"] for check in (*document, *stable))
        self.rollback.report = {
            **self.rollback.report,
            "target": describe(catalog.identity(self.connection)),
            "as_before": fingerprint(now) == before.fingerprint,
            "drift": drift, "document": document, "stability": stable, "stable": ok,
        }  # fmt: skip
        self.rollback.save(update_fields=["report"])
        if protocol is not None:
            self._told_of(protocol, ok, drift, stable)
        return self.rollback

    def _told_of(self, protocol: Protocol, ok: bool, drift: list[str], stable: list[dict[str, Any]]) -> None:
        if not ok:
            bad = "; ".join(f"{c['title']}: {c['actual']}" for c in stable if not c["ok"]) or "the document's queries"
            self.told(f"{VERIFY}. {emergency.TITLES[VERIFY]}: not stable yet ({bad}). v7_rollback looks again.")
            return
        same = f"{len(drift)} differences from before the run" if drift else "the catalogs are as before"
        found = f"{same}; {len(stable)} stability checks are green."
        protocol.take(VERIFY, found, {"as_before": not drift, "drift": drift, "stability": stable})

    def _look(self, before: dict[str, Any]) -> list[Check]:
        parts = before.get("objects", {}).get("table public.file_audit", {}).get("parts", {})
        known = {name.split(" ", 1)[-1] for name in parts}
        return stability.examine(self.connection, known=known, before=self.rollback.report.get("files", {}))

    def _fences(self) -> Check:
        """The planning home is current and takes writes; the target's fence is closed."""
        control, live = home.fence("default"), settle.target_is_open(self.connection)
        actual = (
            f"home {control.current_home if control else 'unknown'}, "
            f"{'open' if control and control.is_open else 'closed'}; the target's fence {'open' if live else 'closed'}"
        )
        expected = "home planning, open; the target's fence closed"
        return Check(
            "fences", "The rows are in the planning home and can be written", expected, actual, actual == expected
        )
