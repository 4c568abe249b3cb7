"""``v7_verify``: the document's queries word for word, and stricter checks (documents 2.3.1, 4.1 to 4.4)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.printing import print_checks
from v7migration.pipeline.verify import verify


class Command(StageCommand):
    """Check the target as it stands now; exit 1 when a check fails."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``."""
        add_arguments(parser, required=False)

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Verify and print each check with expectation and result."""
        person = person_from(options).get_username() if options.get("as_username") else ""
        ok, checks = verify(person=person)
        found = [check.as_dict() for check in checks]
        print_checks(self.say, found)
        self.say("Verified: every check holds." if ok else "Not verified: see the lines marked ✗.")
        return {"ok": ok, "checks": found}, 0 if ok else 1
