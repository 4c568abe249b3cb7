"""Rollback: bring the rows home, Section 9 in one transaction, proof that the target is as before (5.4)."""

from __future__ import annotations

import re
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
from v7migration.postgres.script.objects import created
from v7migration.postgres.session import run_lock


def find_run() -> Run:
    """Return the run that a rollback would take back: the newest execution that stands.

    Raises:
        Refused: nothing stands.
    """
    run = (
        Run.objects.filter(kind=Run.Kind.EXECUTE)
        .exclude(state=RunState.ROLLED_BACK)
        .select_related("changeset")
        .first()
    )
    if run is None:
        raise Refused("There is no run to take back.", "v7_status shows the runs.")
    return run


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
    standing = run.incidents.filter(blocking=True).exclude(state=Incident.State.CLOSED).first()
    if standing is not None:
        return f"incident {standing.pk}"
    if incident:
        opened = open_incident(
            run=run, step="", title=incident, detail={"opened_for": "rollback"}, opened_by=operator.get_username()
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

    Args:
        right: what :func:`authorize` answered, kept in the report.

    Raises:
        Refused: the target is unfit or another runner is at work; nothing was touched.
        StepFailed: Section 9 failed as a whole; nothing changed, an incident is open.
    """
    with runner(application_name=f"v7_rollback by {operator.get_username()}", needs_file_audit=False) as connection:
        with run_lock(connection):
            settle.settle(connection)
            run.refresh_from_db()
            if run.state == RunState.ROLLED_BACK:
                raise Refused(f"Run {run.pk} has been taken back already.", "v7_status shows where things stand.")
            return _Rollback(run, operator.get_username(), right, connection).go()


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
        """Bring home what the target holds, drop it, prove the result, and end both runs."""
        settle.reconcile(self.executed, self.committed)
        live = home.read() == home.LIVE
        try:
            if live:
                moving.close_fence(self.connection)
                self.run.report["home"] = moving.bring_home(self.connection)
            if self.committed:
                self._section_9(live)
        except BaseException:
            self._not_done(live)
            raise
        self.run.save(update_fields=["report"])
        settle.finish_rollback(self.run)
        self._prove()
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
                skipping=self._was_never_made,
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
        moving.compare(connection, moving.control_connection(), what="Before Section 9")
        connection.execute("SET LOCAL search_path = public")

    def _was_never_made(self, message: str) -> bool:
        """Say whether a NOTICE about a missing object is fine: no committed step made an object of that name."""
        words = {part for word in re.findall(r"[^\s\"',]+", message) for part in word.split(".")}
        made = (
            name.split(".")[-2:] if kind in ("trigger", "column") else name.split(".")[-1:]
            for section in self.script.sections
            for step in section.steps
            if step.key in self.committed
            for statement in step.statements
            for kind, name in created(statement)
        )
        return not any(words.issuperset(parts) for parts in made)

    def _incident(self, error: StepError) -> None:
        incident = open_incident(
            run=self.run, step=error.step, title=f"The rollback failed: {error.message}", detail=error.as_dict(),
            opened_by=self.operator,
        )  # fmt: skip
        raise StepFailed(
            f"Section 9 failed as a whole (line {error.line}): {error.message} [{error.sqlstate}]. Nothing changed.",
            f"{error.hint or 'Remove what stands in the way'}; enter it at /incidents/{incident.pk}/ "
            "and run v7_rollback again.",
        ) from error

    def _not_done(self, live: bool) -> None:
        """A rollback that did not commit leaves the target's rows as the truth: open their fence again."""
        if self.connection.closed or committed_steps(self.connection, self.run.pk):
            return
        if live:
            moving.open_target_fence(self.connection)
        Run.objects.filter(pk=self.run.pk).update(state=RunState.FAILED, finished_at=timezone.now())

    def _prove(self) -> None:
        """Compare the target with the snapshot from before the run: equal but for ``migration_gate``."""
        before = self.executed.changeset.snapshot
        now = catalog.snapshot(self.connection)
        checks = run_document_queries(self.connection, "rolled back")
        Run.objects.filter(pk=self.run.pk).update(
            report={
                **self.run.report,
                "target": describe(catalog.identity(self.connection)),
                "as_before": fingerprint(now) == before.fingerprint,
                "drift": differences(before.document, now),
                "document": [check.as_dict() for check in checks],
            }
        )


def _began(pk: Any, xid: str, pid: int) -> None:
    RunStep.objects.filter(pk=pk).update(transaction_id=xid, backend_pid=pid)
