"""``v7_review``: read the script and say what stands against it (document 2.1.2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from v7migration.errors import UsageError
from v7migration.management.base import StageCommand
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.review import review


class Command(StageCommand):
    """Print the findings with line, reason and what to do; exit 1 when one of them forbids the script."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--script FILE``."""
        parser.add_argument("--script", type=Path, help="review this file instead of the product's script")

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Review and print the findings."""
        if options["script"] is None:
            content = gatekeeper.rendered_script(gatekeeper.source_bytes())
        else:
            try:
                content = options["script"].read_bytes()
            except OSError as error:
                raise UsageError(f"{options['script']} cannot be read: {error.strerror}.") from error
        document = review(content, own_script=options["script"] is None)
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
        self.say(f"Verdict: {document['verdict']} ({len(document['findings'])} findings)")
        return document, 1 if document["verdict"] == "refuse" else 0
