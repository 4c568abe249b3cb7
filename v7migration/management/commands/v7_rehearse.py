"""``v7_rehearse``: forward, verify, back, compare, forward again on a scratch copy (documents 2.1.2, 4.4)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from v7migration.errors import UsageError
from v7migration.ledger.models import Rehearsal
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.rehearse import rehearse
from v7migration.postgres.script import ScriptInvalid

PRINTS = ("before", "after", "back", "again")
SYNTAX_ERROR = "42601"


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
            content = gatekeeper.rendered_script(gatekeeper.source_bytes()) if own else _read(options["script"])
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
            self.say(f"  {'✓' if stage['ok'] else '✗'} {stage['name']:<14} {stage['milliseconds']:>9.1f} ms")
        self._print_failures(found.report["failures"])
        if note := found.report.get("note"):
            self.say(f"  note: {note}")
        self.say(f"Rehearsal {found.pk}: {'green' if found.ok else 'RED'}; script {found.script_id[:12]}")

    def _print_failures(self, failures: list[dict[str, Any]]) -> None:
        for failure in failures:
            section = failure.get("section")
            where = f"section {'-' if section is None else section}, line {failure.get('line')}"
            self.say(f"  ✗ {where} [{failure.get('sqlstate') or '-'}] {failure['message']}")


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
        "error": invalid.message,
        "next_step": invalid.next_step,
        "exit_code": invalid.exit_code,
    }


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}.", "Name a readable file with --script.") from error


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
    }
