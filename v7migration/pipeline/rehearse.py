"""Rehearse: forward, verify, back, compare, forward again, on a scratch copy of the target (2.1.2, 4.4)."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from v7migration.connections import rehearsal_url, runner_url
from v7migration.errors import NegativeVerdict
from v7migration.ledger.models import Rehearsal
from v7migration.ledger.services import append_event, store_script
from v7migration.pipeline.target import gate_shape, has_gate, runner, take_snapshot
from v7migration.postgres import catalog
from v7migration.postgres.fingerprint import differences, fingerprint
from v7migration.postgres.queries import run_document_queries
from v7migration.postgres.runner import Hooks, StepError, run_step
from v7migration.postgres.scratch import Scratch, scratch_copy
from v7migration.postgres.script import Script, Section, parse, plan_order
from v7migration.postgres.session import Limits

Say = Callable[[str], None]
ADVICE = {"4.3 enums": ": run v7_inventory --as USERNAME, which documents the duplicated ENUM types"}
SCRATCH_LIMITS = Limits(lock_timeout=10_000, tries=1)


class RehearsalFailed(NegativeVerdict):
    """A stage of the rehearsal failed; ``failures`` locate it."""

    def __init__(self, failures: list[dict[str, Any]]) -> None:
        self.failures = failures
        super().__init__(failures[0]["message"], "Correct the script and rehearse again; the target was not touched.")


def rehearse(*, content: bytes, person: str, own_script: bool = True, say: Say = lambda line: None) -> Rehearsal:
    """Rehearse the exact bytes ``content`` against a scratch copy of the target and store the result.

    Args:
        content: the script, with the planning rows rendered in when it is the product's own.
        person: username that the evidence names.
        own_script: run the document's verification queries too.
        say: told each stage as it begins.

    Raises:
        ScriptInvalid: the bytes are not a script.
        Refused: the target or the scratch server cannot be used.
    """
    script = parse(content)
    with runner(application_name="v7_rehearse", needs_file_audit=own_script) as target:
        snapshot = take_snapshot(target, person=person)
        version = target.info.server_version
    say(f"scratch copy of {snapshot.target_name}")
    with rehearsal_url(version // 10_000) as admin, scratch_copy(runner_url(), admin) as scratch:
        report = _Rehearsing(script, scratch, own_script, say, bool(snapshot.enums["groups"])).run()
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
        self.report: dict[str, Any] = {
            "failures": [], "stages": [], "steps": {}, "fingerprints": {}, "checks": [], "note": scratch.note,
            "server_version": scratch.server_version, "sampled_rows": scratch.sampled_rows,
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        """Walk forward, check, back, compare, forward; the first failure ends the walk and stays in the report."""
        before = catalog.snapshot(self.connection)
        self.report["document"] = before
        self.report["fingerprints"]["before"] = fingerprint(before)
        try:
            after = self._stage("forward", lambda: self._forward(before, note_steps=True))
            self.report["fingerprints"]["after"] = fingerprint(after)
            self.report["gate_shape"] = gate_shape(self.connection)
            self._stage("verify", self._verify)
            back = self._stage("back", self._back)
            self.report["fingerprints"]["back"] = fingerprint(back)
            self._equal("back", before, back, "the rollback does not lead back to the start")
            again = self._stage("forward again", lambda: self._forward(before, note_steps=False))
            self.report["fingerprints"]["again"] = fingerprint(again)
            self._equal("forward again", after, again, "the second forward run differs from the first")
        except RehearsalFailed as failed:
            self.report["failures"] = failed.failures
        return self.report

    def _stage(self, name: str, work: Callable[[], Any]) -> Any:
        self.say(name)
        started, ok = time.monotonic(), False
        try:
            result = work()
            ok = True
            return result
        finally:
            elapsed = round((time.monotonic() - started) * 1000, 1)
            self.report["stages"].append({"name": name, "milliseconds": elapsed, "ok": ok})

    def _forward(self, before: dict[str, Any], *, note_steps: bool) -> dict[str, Any]:
        gate_exists = has_gate(self.connection)
        self.run_id = uuid4()
        for section, _ in plan_order(self.script):
            if gate_exists and section.number == 0:
                continue
            for step in section.steps:
                done = self._step(section, step)
                if note_steps:
                    now = catalog.snapshot(self.connection)
                    self.report["steps"][step.key] = {
                        "milliseconds": round(done.milliseconds, 1),
                        "statements": done.statements,
                        "differences": differences(before, now),
                    }
        return catalog.snapshot(self.connection)

    def _step(self, section: Section, step: Any) -> Any:
        hooks = Hooks(ledger=self.own_script, skipping=lambda message: not self.own_script)
        try:
            return run_step(
                self.connection, step, run_id=self.run_id, digest=self.digest, hooks=hooks, limits=SCRATCH_LIMITS
            )
        except StepError as error:
            raise RehearsalFailed([{"section": section.number, **error.as_dict()}]) from error

    def _verify(self) -> None:
        if not self.own_script:
            return
        checks = run_document_queries(self.connection, "after", has_duplicates=self.has_duplicates)
        self.report["checks"] = [check.as_dict() for check in checks]
        failed = [
            {
                "section": None,
                "line": 0,
                "sqlstate": "",
                "message": f"check {c.name}: expected {c.expected}, found {c.actual}" + ADVICE.get(c.name, ""),
            }
            for c in checks
            if not c.ok
        ]
        if failed:
            raise RehearsalFailed(failed)

    def _back(self) -> dict[str, Any]:
        if self.script.rollback is None:
            message = "the script has no Section 9 (rollback)"
            raise RehearsalFailed([{"section": 9, "line": 0, "sqlstate": "", "message": message}])
        for step in self.script.rollback.steps:
            self._step(self.script.rollback, step)
        return catalog.snapshot(self.connection)

    def _equal(self, stage: str, left: dict[str, Any], right: dict[str, Any], sentence: str) -> None:
        if found := differences(left, right):
            self.report["differences"] = found
            message = f"{sentence}: {'; '.join(found[:5])}{'; …' if len(found) > 5 else ''}"
            raise RehearsalFailed([{"section": 9, "line": 0, "sqlstate": "", "message": message, "stage": stage}])
