"""``v7_verify``: the document's queries word for word, and stricter checks (documents 2.3.1, 4.1 to 4.4)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.printing import print_checks
from v7migration.management.timings import print_timings
from v7migration.pipeline.verify import Verification, verify


class Command(StageCommand):
    """Check the target as it stands now; exit 1 when a check fails."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``."""
        add_arguments(parser, required=False)

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Verify and print each check with expectation and result, then what got slower and what is to be fixed."""
        person = person_from(options).get_username() if options.get("as_username") else ""
        found = verify(person=person)
        checks = [check.as_dict() for check in found.checks]
        print_checks(self.say, checks)
        self._print(found)
        self.say("Verified: every check holds." if found.ok else "Not verified: see the lines marked ✗.")
        document = {
            "ok": found.ok, "checks": checks, "failures": found.failures, "performance": found.performance,
            "to_fix": [{"incident": str(i.pk), "step": i.step, "title": i.title} for i in found.to_fix],
            "incidents": [
                {"id": str(i.pk), "kind": i.kind, "severity": i.severity, "title": i.title} for i in found.incidents
            ],
        }  # fmt: skip
        return document, 0 if found.ok else 1

    def _print(self, found: Verification) -> None:
        """Print timings, failures by grade, indexes to be fixed, and where each is documented."""
        if found.performance is not None:
            print_timings(self.say, found.performance)
        for failure in found.failures:
            self.say(f"✗ {failure['grade']:<9} {failure['name']}: {failure['title']}")
        for incident in found.to_fix:
            self.say(f"! to fix later: {incident.title}  /incidents/{incident.pk}/")
        for incident in found.incidents:
            self.say(f"Incident   {incident.severity} {incident.kind}, for {incident.assigned_to}: {incident.title}")
            self.say(f"           /incidents/{incident.pk}/")
