"""``v7_review``: read the script and say what stands against it (document 2.1.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from approvals.gates import DB_TEAM_LEAD
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.script_file import read_script
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.review import record, review


class Command(StageCommand):
    """Print the findings with line, reason and what to do; exit 1 when one of them forbids the script."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--script FILE``, ``--as``."""
        parser.add_argument("--script", type=Path, help="review this file instead of the product's script")
        add_arguments(parser, required=False)

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Review and print the findings."""
        if options["script"] is None:
            content = gatekeeper.rendered_script(gatekeeper.source_bytes())
        else:
            content = read_script(options["script"])
        own = options["script"] is None
        if options.get("as_username"):
            row = record(content, person=person_from(options, persona=DB_TEAM_LEAD), own_script=own)
            document = {**row.document, "review": str(row.pk)}
        else:
            document = {**review(content, own_script=own), "review": None}
        self._print(document)
        return document, 1 if document["verdict"] == "refuse" else 0

    def _print(self, document: dict[str, Any]) -> None:
        for finding in document["findings"]:
            self.say(f"{finding['severity']:<7} {finding['id']}  line {finding['line']:>5}  {finding['message']}")
            if finding["hint"]:
                self.say(f"{'':<23}{finding['hint']}")
        if document["conflicts"] is None:
            self.say("Conflicts with the target: not assessed (it does not answer, or the script cannot be read).")
        if document["rehearsal"] is None:
            self.say("Rehearsal: none of exactly these bytes, so what only a server knows is not in this review.")
        if note := document["squawk"].get("note"):
            self.say(note)
        waiting = [f for f in document["findings"] if f["severity"] == "accept" and not f["accepted_by"]]
        counted = f"{len(document['findings'])} findings, {len(waiting)} to be accepted"
        self.say(f"Verdict: {document['verdict']} ({counted})")
        if document["review"]:
            self.say(f"Kept as evidence: /reviews/{document['review']}/")
