"""Rollback: bring the rows home, Section 9 in one transaction, proof that the target is as before (5.4)."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib.auth.models import User
from django.core.mail import send_mail
from django.utils import timezone
from psycopg import sql

from approvals import gates
from approvals import selectors as approvals_selectors
from tracking import home, moving
from v7migration.errors import GateClosed, Refused, StepFailed
from v7migration.ledger.models import Incident, Run, RunState, RunStep
from v7migration.ledger.services import append_event, open_incident, record_intent
from v7migration.pipeline import gatekeeper, settle
from v7migration.pipeline.target import Connection, describe, runner
from v7migration.postgres import catalog
from v7migration.postgres.fingerprint import differences, fingerprint
from v7migration.postgres.queries import run_document_queries
from v7migration.postgres.runner import Hooks, StepError, committed_steps, run_step
from v7migration.postgres.script import Script, parse
from v7migration.postgres.script.way_back import never_made
from v7migration.postgres.session import run_lock


def find_run() -> Run:
    """Return the run that a rollback would take back: the newest execution that stands, or whose proof is missing.

    Raises:
        Refused: nothing stands.
    """
    executions = Run.objects.filter(kind=Run.Kind.EXECUTE).select_related("changeset")
    newest = executions.first()
    if newest is not None and _unproved(newest) is not None:
        return newest
    run = executions.exclude(state=RunState.ROLLED_BACK).first()
    if run is None:
        raise Refused("There is no run to take back.", "v7_status shows the runs.")
    return run


def _unproved(run: Run) -> Run | None:
    """Return the rollback that took this run back and died before its proof, if it did."""
    if run.state != RunState.ROLLED_BACK:
        return None
    done = run.rollbacks.filter(state=RunState.FINISHED).first()
    return done if done is not None and "as_before" not in done.report else None


def authorize(*, run: Run, operator: User, incident: str = "") -> str:
    """Say by what right this run may be taken back, or refuse.

    The changeset's signatures authorise Section 9 in an incident; without one The Architect signs the seat
    "Rollback" first. Expiry, revocation, drift and staleness never close the way back.

    Args:
        incident: text with which the operator opens an incident now; The Architect and DB Team Lead are told.

    Raises:
        Refused: the operator is not a DB Team Lead.
        GateClosed: no incident and no signature.
    """
    if gates.DB_TEAM_LEAD not in approvals_selectors.personas_of(operator):
        raise Refused(
            f"{operator.get_username()} does not hold the persona {gates.DB_TEAM_LEAD}.", "Name one who does with --as."
        )
    # An incident that was remediated before the run finished is over: it opens no way back afterwards.
    over = [Incident.State.CLOSED]
    if run.state == RunState.FINISHED:
        over += [Incident.State.REMEDIATED, Incident.State.REVIEWED]
    if (committed := _unproved(run)) is not None:
        return str(committed.report.get("right", ""))
    standing = run.incidents.filter(blocking=True).exclude(state__in=over).first()
    if standing is not None:
        return f"incident {standing.pk}"
    if incident:
        opened = open_incident(
            run=run,
            step="",
            title=incident,
            detail={"opened_for": "rollback"},
            opened_by=operator.get_username(),
            kind=Incident.Kind.EMERGENCY,
            severity=Incident.Severity.CRITICAL,
        )
        _notify(run, incident, operator)
        return f"incident {opened.pk}"
    decision = approvals_selectors.decision_on(seats=gates.ROLLBACK, facts=gatekeeper.run_facts(run))
    if not isinstance(decision, gates.Granted):
        raise GateClosed(
            [reason.sentence for reason in decision.reasons],
            f"The Architect signs the rollback at /runs/{run.pk}/sign/rollback/ ; "
            "in an emergency: v7_rollback --incident TEXT.",
        )
    return "signed by The Architect"


def _notify(run: Run, text: str, operator: User) -> None:
    people = [p for name in (gates.ARCHITECT, gates.DB_TEAM_LEAD) for p in approvals_selectors.holders_of(name)]
    addresses = sorted({person.email for person in people if person.email})
    subject = f"V7 Migration: emergency rollback of run {run.pk}"
    what = f"{operator.get_username()} takes back run {run.pk} on {run.changeset.snapshot.target_name}."
    body = f"{what}\n\nIncident: {text}\n"
    sent = send_mail(subject, body, None, addresses, fail_silently=True) if addresses else 0
    append_event(
        kind="incident.notified", actor=operator.get_username(), subject=str(run.pk),
        payload={"to": addresses, "people": sorted(p.get_username() for p in people), "sent": bool(sent)},
    )  # fmt: skip


def rollback(*, run: Run, operator: User, right: str) -> Run:
    """Take a run back and return the rollback's own run, with its proof in ``report``.

    A rollback that died after Section 9 had committed is finished: only its account and its proof are outstanding.

    Args:
        right: what :func:`authorize` answered, kept in the report.

    Raises:
        Refused: the target is unfit or another runner is at work; nothing was touched.
        StepFailed: Section 9 failed as a whole; nothing changed, an incident is open.
    """
    with runner(application_name=f"v7_rollback by {operator.get_username()}", needs_file_audit=False) as connection:
        with run_lock(connection, patience=settle.PATIENCE), settle.answering(connection):
            settle.settle(connection)
            run.refresh_from_db()
            if run.state != RunState.ROLLED_BACK:
                done = _Rollback(run, operator.get_username(), right, connection).go()
            elif (unproved := _unproved(run)) is not None:
                done = unproved
            else:
                raise Refused(f"Run {run.pk} has been taken back already.", "v7_status shows where things stand.")
            return _prove(done, connection)


class _Rollback:
    """One rollback: rows home, Section 9, proof."""

    def __init__(self, run: Run, operator: str, right: str, connection: Connection) -> None:
        self.executed, self.operator, self.connection = run, operator, connection
        self.script: Script = parse(bytes(run.changeset.script.content))
        self.committed = committed_steps(connection, run.pk)
        self.run = Run.objects.create(
            changeset=run.changeset, kind=Run.Kind.ROLLBACK, undoes=run, operator=operator, report={"right": right}
        )
        append_event(
            kind="run.started",
            actor=operator,
            subject=str(self.run.pk),
            payload={"undoes": str(run.pk), "right": right},
        )

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
            intent = record_intent(
                run=self.run, key=step.key, section=9, title=step.title, digest=self.run.changeset_id
            )
            hooks = Hooks(
                opening=self._compare_under_lock if live else lambda connection: None,
                skipping=never_made(self.script, self.committed),
                began=partial(_began, intent.pk),
            )
            try:
                done = run_step(self.connection, step, run_id=self.run.pk, digest=self.run.changeset_id, hooks=hooks)
            except StepError as error:
                RunStep.objects.filter(pk=intent.pk).update(
                    state=RunStep.State.FAILED, detail=error.as_dict(), finished_at=timezone.now()
                )
                self._incident(error)
            RunStep.objects.filter(pk=intent.pk).update(
                state=RunStep.State.COMMITTED, milliseconds=done.milliseconds, finished_at=timezone.now()
            )

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
        incident = open_incident(
            run=self.run, step=error.step, title=f"The rollback failed: {error.message}", detail=error.as_dict(),
            opened_by=self.operator, kind=Incident.Kind.ROLLBACK, severity=Incident.Severity.CRITICAL,
        )  # fmt: skip
        raise StepFailed(
            f"Section 9 failed as a whole (line {error.line}): {error.message} [{error.sqlstate}]. Nothing changed.",
            f"{error.hint or 'Remove what stands in the way'}; enter it at /incidents/{incident.pk}/ "
            "and run v7_rollback again.",
        ) from error


def _prove(rollback: Run, connection: Connection) -> Run:
    """Compare the target with the snapshot from before the run (equal but for ``migration_gate``); keep the proof."""
    before = rollback.changeset.snapshot
    now = catalog.snapshot(connection)
    checks = run_document_queries(connection, "rolled back")
    rollback.report = {
        **rollback.report,
        "target": describe(catalog.identity(connection)),
        "as_before": fingerprint(now) == before.fingerprint,
        "drift": differences(before.document, now),
        "document": [check.as_dict() for check in checks],
    }
    rollback.save(update_fields=["report"])
    return rollback


def _began(pk: Any, xid: str, pid: int) -> None:
    RunStep.objects.filter(pk=pk).update(transaction_id=xid, backend_pid=pid)
