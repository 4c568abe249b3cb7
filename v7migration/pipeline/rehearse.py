"""Rehearse: forward, verify, back, compare, forward again, on a scratch copy of the target (2.1.2, 4.4).

At every prefix of the steps Section 9 is run and compared with the start, inside a transaction that is rolled back, so
that one walk forward proves every way back. What the rollback of a broken script would leave is reported too.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import psycopg

from v7migration.connections import rehearsal_url, runner_url
from v7migration.errors import NegativeVerdict
from v7migration.ledger.models import Rehearsal
from v7migration.ledger.services import append_event, store_script
from v7migration.pipeline import reporting
from v7migration.pipeline.consolidation import must_be_documented
from v7migration.pipeline.target import gate_objects, has_gate, runner, take_snapshot
from v7migration.postgres import catalog, content, dependents, locks, shape
from v7migration.postgres.fingerprint import added, differences, fingerprint
from v7migration.postgres.queries import run_document_queries
from v7migration.postgres.runner import ConnectionLost, Hooks, StepError, run_step
from v7migration.postgres.scratch import Scratch, ScratchUnfit, scratch_copy
from v7migration.postgres.script import Script, Section, Step, parse, plan_order
from v7migration.postgres.script.way_back import never_made
from v7migration.postgres.session import Limits, reason_of

Say = Callable[[str], None]
Failure = dict[str, Any]
ADVICE = {"4.3 enums": ": run v7_inventory --only enums, and let a Guardian decide on its groups at /enums/groups/"}
FILE_AUDIT = ("public", "file_audit")
SCRATCH_LIMITS = Limits(lock_timeout=10_000, tries=1)
SHOWN = 5


class RehearsalFailed(NegativeVerdict):
    """A stage of the rehearsal failed; ``failures`` locate it."""

    def __init__(self, failures: list[Failure]) -> None:
        self.failures = failures
        super().__init__(failures[0]["message"], "Correct the script and rehearse again; the target was not touched.")


class _Undone(Exception):
    """Takes a transaction back in which the way back was tried."""


def rehearse(*, content: bytes, person: str, own_script: bool = True, say: Say = lambda line: None) -> Rehearsal:
    """Rehearse the exact bytes ``content`` against a scratch copy of the target and store the result.

    Args:
        content: the script, with the planning rows rendered in when it is the product's own.
        person: username that the evidence names.
        own_script: run the document's verification queries too. Only such a rehearsal can be frozen.
        say: told each stage as it begins.

    Raises:
        ScriptInvalid: the bytes are not a script.
        Refused: the target or the scratch server cannot be used (:class:`ScratchUnfit` names which part of it).
    """
    script = parse(content)
    with runner(application_name="v7_rehearse", needs_file_audit=own_script) as target:
        snapshot = take_snapshot(target, person=person)
        version = target.info.server_version
        in_target = dependents.of_script(target, script)
        if own_script:
            name = snapshot.target_name
            reporting.look_for_conflicts(target, script, person=person, stage="rehearse", target=name)
    say(f"scratch copy of {snapshot.target_name}")
    with (
        reporting.environment(person=person, target=snapshot.target_name),
        rehearsal_url(version // 10_000) as admin,
        scratch_copy(runner_url(), admin) as scratch,
    ):
        report = _Rehearsing(script, scratch, own_script, say, must_be_documented(snapshot.enums)).run()
    report["dependents"]["target"] = in_target
    report["target_differs_from_scratch"] = differences(snapshot.document, report.pop("document"))
    rehearsal = Rehearsal.objects.create(
        script=store_script(content), snapshot=snapshot, by=person, ok=not report["failures"],
        server_version=report["server_version"], report=report,
    )  # fmt: skip
    append_event(
        kind="rehearsal.finished", actor=person, subject=str(rehearsal.pk),
        payload={"ok": rehearsal.ok, "script": rehearsal.script_id, "failures": report["failures"]},
    )  # fmt: skip
    return rehearsal


class _Rehearsing:
    """One rehearsal: walks the stages and fills the report."""

    def __init__(self, script: Script, scratch: Scratch, own_script: bool, say: Say, has_duplicates: bool) -> None:
        self.script, self.connection, self.own_script, self.say = script, scratch.connection, own_script, say
        self.has_duplicates = has_duplicates
        self.run_id = uuid4()
        self.digest = hashlib.sha256(script.content).hexdigest()
        self.before: dict[str, Any] = {}
        self.executed: set[str] = set()
        self.added: dict[str, str] = {}
        self.report: dict[str, Any] = {
            "failures": [], "stages": [], "steps": {}, "fingerprints": {}, "checks": [], "note": scratch.note,
            "server_version": scratch.server_version, "sampled_rows": scratch.sample.rows, "locks": [],
            "sample": scratch.sample.as_dict(), "own_script": own_script,
            "prefixes": {"total": 0, "ok": 0, "note": "", "steps": []},
            "dependents": {"target": [], "forward": []},
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Walk forward, check, back, compare, forward; the first failure ends the walk and stays in the report.

        Raises:
            ScratchUnfit: the scratch server ended the session.
        """
        try:
            self.before = catalog.snapshot(self.connection)
            self.report["document"] = self.before
            self.report["fingerprints"]["before"] = fingerprint(self.before)
            try:
                self._walk()
            except RehearsalFailed as failed:
                self.report["failures"] = failed.failures
        except (ConnectionLost, psycopg.OperationalError) as error:
            if not self.connection.closed:
                raise
            raise ScratchUnfit(
                "server",
                f"The rehearsal server ended the session: {reason_of(error)}.",
                "See the log of the scratch server, repair it, then rehearse again; the target was not touched.",
            ) from error
        return self.report

    def _walk(self) -> None:
        rows = self._rows(columns=content.columns_of(self.connection, *FILE_AUDIT))
        after = self._stage("forward", self._first_forward)
        if self.own_script:  # a stranger's may change rows, and must bring them back
            self._same_rows("forward", rows)
        self.report["fingerprints"]["after"] = fingerprint(after)
        gate = gate_objects(self.connection)
        self.report["gate_shape"] = fingerprint({"objects": gate})
        self.report["made"] = shape.made({"objects": {}}, {"objects": gate}) | shape.made(self.before, after)
        self.report["dependents"]["forward"] = dependents.of_script(self.connection, self.script)
        self._judge_prefixes()
        self._stage("verify", self._verify)
        back = self._stage("back", self._back)
        self.report["fingerprints"]["back"] = fingerprint(back)
        self._equal("back", self.before, back, "the rollback does not lead back to the start")
        self._same_rows("back", rows)
        again = self._stage("forward again", self._forward)
        self.report["fingerprints"]["again"] = fingerprint(again)
        self._equal("forward again", after, again, "the second forward run differs from the first")

    def _rows(self, *, columns: list[str]) -> dict[str, Any] | None:
        """Return columns, count and checksum of file_audit, None where it is missing or may not be read whole."""
        if not columns:
            return None
        try:
            return {"columns": columns, **content.proof(self.connection, *FILE_AUDIT, columns=columns)}
        except psycopg.errors.InsufficientPrivilege:
            return None

    def _same_rows(self, stage: str, before: dict[str, Any] | None) -> None:
        """Compare the rows of file_audit with those from the start: nobody else writes to the scratch copy."""
        if before is None:
            return
        now = self._rows(columns=before["columns"])
        self.report.setdefault("content", {"start": before})[stage] = now
        if now != before:
            message = f"after {stage} the rows of file_audit are not as they were at the start"
            raise RehearsalFailed([_failure(None, message, stage=stage)])

    def _stage(self, name: str, work: Callable[[], Any]) -> Any:
        self.say(name)
        started, ok = time.monotonic(), False
        aside = self._milliseconds_of_prefixes()
        try:
            result = work()
            ok = True
            return result
        finally:
            elapsed = (time.monotonic() - started) * 1000 - (self._milliseconds_of_prefixes() - aside)
            self.report["stages"].append({"name": name, "milliseconds": round(elapsed, 1), "ok": ok})

    def _first_forward(self) -> dict[str, Any]:
        """Walk forward and note of each step its times, locks and changes, and whether the way back leads home."""
        watch = locks.Watch(self.connection)
        hooks = {"opening": watch.opening, "done": watch.done}
        now = self.before
        for section, step in self._plan():
            done = self._step(section, step, **hooks)
            now = catalog.snapshot(self.connection)
            self.report["steps"][step.key] = {
                "milliseconds": round(done.milliseconds, 1),
                "statements": done.statements,
                "differences": differences(self.before, now),
                "added": self._newly_added(now),
            }
            self.report["locks"] = locks.summary(self.report["steps"])
            self._prefix(step)
        return now

    def _newly_added(self, now: dict[str, Any]) -> dict[str, str | None]:
        """Return what this step did to added objects: the digests that are new or other, None for what is gone."""
        was, self.added = self.added, added(self.before, now)
        gone: dict[str, str | None] = dict.fromkeys(was.keys() - self.added.keys())
        return gone | {name: digest for name, digest in self.added.items() if was.get(name) != digest}

    def _forward(self) -> dict[str, Any]:
        for section, step in self._plan():
            self._step(section, step)
        return catalog.snapshot(self.connection)

    def _plan(self) -> list[tuple[Section, Step]]:
        """The steps of one walk forward; Section 0 only where ``migration_gate`` is not there yet."""
        self.run_id, self.executed = uuid4(), set()
        gate_exists = has_gate(self.connection)
        sections = [section for section, _ in plan_order(self.script) if not (gate_exists and section.number == 0)]
        return [(section, step) for section in sections for step in section.steps]

    def _step(self, section: Section, step: Step, **hooks: Any) -> Any:
        """Run one step forward; where it fails, say what the rollback from here would leave."""
        try:
            done = self._run(step, skipping=lambda message: not self.own_script, **hooks)
        except StepError as error:
            failure = {"section": section.number, **error.as_dict(), **self._left_by_rollback()}
            raise RehearsalFailed([failure]) from error
        self.executed.add(step.key)
        return done

    def _run(self, step: Step, **hooks: Any) -> Any:
        return run_step(
            self.connection, step, run_id=self.run_id, digest=self.digest, limits=SCRATCH_LIMITS,
            hooks=Hooks(**{"ledger": self.own_script, **hooks}),
        )  # fmt: skip

    def _may_be_missing(self) -> Callable[[str], bool]:
        """Return the rule of the real rollback; a stranger's script may pass over anything."""
        return never_made(self.script, frozenset(self.executed)) if self.own_script else lambda message: True

    def _prefix(self, step: Step) -> None:
        """Try Section 9 from here and compare with the start, in a transaction that is taken back."""
        rollback = self.script.rollback
        if rollback is None or not all(part.transactional for part in rollback.steps):
            self.report["prefixes"]["note"] = (
                "there is no rollback"
                if rollback is None
                else "the rollback holds a statement that cannot be in a transaction: only the whole way back was tried"
            )
            return
        whole = Step(rollback.steps[0].key, rollback.title, rollback.statements, True, rollback.line)
        started, found, error = time.monotonic(), list[str](), None

        def look(connection: psycopg.Connection[Any]) -> None:
            found.extend(differences(self.before, catalog.snapshot(connection)))
            raise _Undone

        try:
            self._run(whole, ledger=False, skipping=self._may_be_missing(), inside=look)
        except _Undone:
            pass
        except StepError as failed:
            error = failed.as_dict()
        ok = not found and error is None
        prefixes = self.report["prefixes"]
        prefixes["total"] += 1
        prefixes["ok"] += ok
        elapsed = round((time.monotonic() - started) * 1000, 1)
        prefixes["steps"].append(
            {"after": step.key, "ok": ok, "milliseconds": elapsed, "differences": found, "error": error}
        )

    def _milliseconds_of_prefixes(self) -> float:
        return float(sum(entry["milliseconds"] for entry in self.report["prefixes"]["steps"]))

    def _judge_prefixes(self) -> None:
        """Fail when the way back from any prefix does not lead to the start."""
        prefixes = self.report["prefixes"]
        if not prefixes["total"]:
            return
        bad = [entry for entry in prefixes["steps"] if not entry["ok"]]
        elapsed = round(self._milliseconds_of_prefixes(), 1)
        self.report["stages"].append({"name": "every prefix back", "milliseconds": elapsed, "ok": not bad})
        if bad:
            raise RehearsalFailed([_prefix_failure(entry) for entry in bad])

    def _verify(self) -> None:
        if not self.own_script:
            return
        checks = run_document_queries(self.connection, "after", has_duplicates=self.has_duplicates)
        self.report["checks"] = [check.as_dict() for check in checks]
        failed = [
            _failure(None, f"check {c.name}: expected {c.expected}, found {c.actual}" + ADVICE.get(c.name, ""))
            for c in checks
            if not c.ok
        ]
        if failed:
            raise RehearsalFailed(failed)

    def _back(self) -> dict[str, Any]:
        if self.script.rollback is None:
            left = differences(self.before, catalog.snapshot(self.connection))
            message = (
                f"there is no rollback (Section 9): the script would leave {_listed(left) or 'no trace in the schema'}"
            )
            line = self.script.content.count(b"\n") + 1
            raise RehearsalFailed([_failure(9, message, line=line, leaves=left, rollback="there is no rollback")])
        for step in self.script.rollback.steps:
            try:
                self._run(step, skipping=self._may_be_missing())
            except StepError as error:
                now = catalog.snapshot(self.connection)
                left = differences(self.before, now)
                raise RehearsalFailed([{"section": 9, **error.as_dict(), "leaves": left}]) from error
        return catalog.snapshot(self.connection)

    def _left_by_rollback(self) -> dict[str, Any]:
        """Run the rollback from where the script stands and say what it leaves, or why it fails itself."""
        said = "" if self.script.rollback else "there is no rollback"
        for step in self.script.rollback.steps if self.script.rollback else ():
            try:
                self._run(step, ledger=False, skipping=self._may_be_missing())
            except StepError as error:
                said = f"the rollback fails too: line {error.line}: {error.message} [{error.sqlstate}]"
                break
        return {"rollback": said, "leaves": differences(self.before, catalog.snapshot(self.connection))}

    def _equal(self, stage: str, left: dict[str, Any], right: dict[str, Any], sentence: str) -> None:
        if found := differences(left, right):
            self.report["differences"] = found
            raise RehearsalFailed([_failure(9, f"{sentence}: {_listed(found)}", stage=stage, leaves=found)])


def _failure(section: int | None, message: str, **more: Any) -> Failure:
    return {"section": section, "line": 0, "sqlstate": "", "message": message, **more}


def _prefix_failure(entry: dict[str, Any]) -> Failure:
    """Say of a prefix why its way back is not one."""
    where = f"after step {entry['after']}"
    if error := entry["error"]:
        return {
            "section": 9,
            **error,
            "message": f"{where} the rollback fails: {error['message']}",
            "stage": "prefixes",
        }
    message = f"{where} the rollback does not lead back to the start: {_listed(entry['differences'])}"
    return _failure(9, message, stage="prefixes", step=entry["after"], leaves=entry["differences"])


def _listed(found: list[str]) -> str:
    return "; ".join(found[:SHOWN]) + ("; …" if len(found) > SHOWN else "")
