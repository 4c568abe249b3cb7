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
        content = gatekeeper.rendered_script(gatekeeper.source_bytes()) if own else _read(options["script"])
        found = rehearse(content=content, person=person, own_script=own, say=lambda stage: self.say(f"  … {stage}"))
        self._print(found)
        return _document(found), 0 if found.ok else 1

    def _print(self, found: Rehearsal) -> None:
        for stage in found.report["stages"]:
            self.say(f"  {'✓' if stage['ok'] else '✗'} {stage['name']:<14} {stage['milliseconds']:>9.1f} ms")
        for failure in found.report["failures"]:
            where = f"section {failure.get('section')}, line {failure.get('line')}"
            self.say(f"  ✗ {where} [{failure.get('sqlstate') or '-'}] {failure['message']}")
        if note := found.report.get("note"):
            self.say(f"  note: {note}")
        self.say(f"Rehearsal {found.pk}: {'green' if found.ok else 'RED'}; script {found.script_id[:12]}")


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
        "fingerprints": {key: prints.get(key) for key in ("before", "after", "back", "again")},
        "stages": found.report["stages"],
        "note": found.report.get("note", ""),
    }
