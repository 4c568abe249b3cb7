"""``v7_rehearse``: forward, back after every step, verify, back, forward again on a scratch copy (2.1.2, 4.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from v7migration.ledger.models import Rehearsal
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.script_file import read_script
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.rehearse import rehearse
from v7migration.postgres.locks import DOCUMENTED, strength
from v7migration.postgres.script import ScriptInvalid

PRINTS = ("before", "after", "back", "again")
SYNTAX_ERROR = "42601"
WORK = {" rewrites": "rewrote", " scans": "scanned"}
EMPTY: dict[str, Any] = {
    "prefixes": {"total": 0, "ok": 0, "note": "", "steps": []},
    "locks": [],
    "dependents": {"target": [], "forward": []},
    "sample": None,
}
"""What ``--json`` tells beside stages and failures, as it is when nothing could run."""


class Command(StageCommand):
    """Rehearse the script with the planning rows of now, or any other script; the target is only read."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as`` and ``--script FILE``."""
        add_arguments(parser, required=False)
        parser.add_argument("--script", type=Path, help="rehearse this file instead of the product's script")

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Rehearse and print each stage; exit 1 when it is red."""
        person = person_from(options).get_username() if options.get("as_username") else ""
        own = options["script"] is None
        try:
            content = gatekeeper.rendered_script(gatekeeper.source_bytes()) if own else read_script(options["script"])
            found = rehearse(content=content, person=person, own_script=own, say=lambda stage: self.say(f"  … {stage}"))
        except ScriptInvalid as invalid:
            document = _unreadable(invalid)
            self._print_failures(document["failures"])
            self.say("Not rehearsed: the script cannot be read. Correct it and try again; the target was not touched.")
            return document, invalid.exit_code
        self._print(found)
        return _document(found), 0 if found.ok else 1

    def _print(self, found: Rehearsal) -> None:
        for stage in found.report["stages"]:
            self.say(f"  {'✓' if stage['ok'] else '✗'} {stage['name']:<18} {stage['milliseconds']:>9.1f} ms")
        self._print_proof(found.report)
        self._print_locks(found.report["locks"])
        self._print_failures(found.report["failures"])
        if note := found.report.get("note"):
            self.say(f"  note: {note}")
        self.say(f"Rehearsal {found.pk}: {'green' if found.ok else 'RED'}; script {found.script_id[:12]}")

    def _print_proof(self, report: dict[str, Any]) -> None:
        """Print the prefixes, the rows it was tried on, and what hangs on the objects that Section 9 drops."""
        prefixes, sample = report["prefixes"], report["sample"]
        if prefixes["total"]:
            self.say(f"  back after each step: {prefixes['ok']} of {prefixes['total']} lead to the start")
        if prefixes["note"]:
            self.say(f"  back after each step: not tried: {prefixes['note']}")
        about = "" if sample["estimate"] is None else f" of about {sample['estimate']} in the target"
        self.say(f"  rows of file_audit: {sample['rows']} {sample['how']}{about}")
        if sample["note"]:
            self.say(f"    {sample['note']}")
        for reason, count in sample["refused"].items():
            self.say(f"    {count} refused: {reason}")
        for place, where in (("target", "in the target"), ("forward", "after the forward run")):
            for entry in report["dependents"][place]:
                self.say(f"  ! {where} {entry['object']} depends on {entry['depends_on']}: {entry['effect']}")

    def _print_locks(self, found: list[dict[str, Any]]) -> None:
        """Print the statements that lock tables which were there before, more than reading does."""
        for lock in found:
            if strength(lock["mode"]) <= strength("RowExclusiveLock") and not lock["rewrote"]:
                continue
            work = "".join(word for word in (" rewrites", " scans") if lock[WORK[word]])
            manual = " (by the manual)" if lock["source"] == DOCUMENTED else ""
            where = f"step {lock['step']:<5} line {lock['line']:<5}"
            held = f"{lock['mode']} on {lock['relation']}{manual}{work}"
            self.say(f"  lock: {where} {held} {lock['milliseconds']:.1f} ms")

    def _print_failures(self, failures: list[dict[str, Any]]) -> None:
        for failure in failures:
            section = failure.get("section")
            where = f"section {'-' if section is None else section}, line {failure.get('line')}"
            self.say(f"  ✗ {where} [{failure.get('sqlstate') or '-'}] {failure['message']}")
            if said := failure.get("rollback"):
                self.say(f"    {said}")
            if "rollback" in failure and not failure["leaves"]:
                self.say("    the rollback from there would leave nothing")
            for left in failure.get("leaves", ()):
                self.say(f"    would leave: {left}")


def _unreadable(invalid: ScriptInvalid) -> dict[str, Any]:
    """Return what ``--json`` prints for a script that cannot be read: red, with the place of each problem."""
    return {
        "ok": False,
        "rehearsal": None,
        "failures": [
            {
                "section": problem.section,
                "line": problem.line,
                "sqlstate": SYNTAX_ERROR if problem.id == "V7S010" else "",
                "message": problem.message,
                "hint": problem.hint,
            }
            for problem in invalid.problems
        ],
        "fingerprints": dict.fromkeys(PRINTS),
        "stages": [],
        "note": "",
        **EMPTY,
        "error": invalid.message,
        "next_step": invalid.next_step,
        "exit_code": invalid.exit_code,
    }


def _document(found: Rehearsal) -> dict[str, Any]:
    prints = found.report["fingerprints"]
    return {
        "ok": found.ok,
        "rehearsal": str(found.pk),
        "script": found.script_id,
        "failures": found.report["failures"],
        "fingerprints": {key: prints.get(key) for key in PRINTS},
        "stages": found.report["stages"],
        "note": found.report.get("note", ""),
        **{key: found.report[key] for key in EMPTY},
    }
