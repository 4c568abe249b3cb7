"""``v7_verify``: the document's queries word for word, and stricter checks (documents 2.3.1, 4.1 to 4.4).

As a Test Sentinel it is task 2.3.1, which the seat "Validation complete" waits for: it proves the rollback on a copy of
the target as it is now, too, and each check becomes a row of v7_test_results. As anybody else it looks.
"""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import CommandParser

from approvals.gates import TEST_SENTINEL
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.printing import print_checks
from v7migration.management.timings import print_timings
from v7migration.pipeline import validation
from v7migration.pipeline.verify import Verification, validate, verify


class Command(StageCommand):
    """Check the target as it stands now; exit 1 when a check fails."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``."""
        add_arguments(parser, required=False)

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Verify and print each check with expectation and result, then what got slower and what is to be fixed."""
        person = person_from(options) if options.get("as_username") else None
        if person is not None and validation.may_accept(person):
            found = validate(person=person)
        else:
            found = verify(person=person.get_username() if person is not None else "")
        checks = [check.as_dict() for check in found.checks]
        print_checks(self.say, checks)
        self._print(found)
        self.say("Verified: every check holds." if found.ok else "Not verified: see the lines marked ✗.")
        self._print_validation(found, person)
        document = {
            "ok": found.ok, "checks": checks, "failures": found.failures, "performance": found.performance,
            "to_fix": [{"incident": str(i.pk), "step": i.step, "title": i.title} for i in found.to_fix],
            "incidents": [
                {"id": str(i.pk), "kind": i.kind, "severity": i.severity, "title": i.title} for i in found.incidents
            ],
            "validation": _told(found),
        }  # fmt: skip
        return document, 0 if found.ok else 1

    def _print_validation(self, found: Verification, person: User | None) -> None:
        """Say whether this counts for the sign-off, and what keeps its seat closed."""
        if found.validation is None:
            who = f"{person.get_username()} is no {TEST_SENTINEL}" if person is not None else "nobody is named"
            self.say(f"This does not count as the validation of task 2.3.1: {who}. --as USERNAME names one.")
            return
        run, count = found.validation.run, found.recorded
        self.say(f"Validated by {found.validation.by}: {count} rows of v7_test_results. {validation.page_of(run)}")
        for failure in validation.failures(run):
            accepted = failure["accepted"]
            self.say(
                f"Accepted by {accepted.by}: {failure['name']} ({accepted.reason})" if accepted
                else validation.sentence(failure, run)
            )  # fmt: skip

    def _print(self, found: Verification) -> None:
        """Print timings, failures by grade, indexes to be fixed, and where each is documented."""
        if found.performance is not None:
            print_timings(self.say, found.performance)
        for failure in found.failures:
            self.say(f"✗ {failure['grade']:<9} {failure['name']}: {failure['title']}")
            for step in failure["repair"]:
                self.say(f"    to do: {step}")
        for incident in found.to_fix:
            self.say(f"! to fix later: {incident.title}  /incidents/{incident.pk}/")
        for incident in found.incidents:
            self.say(f"Incident   {incident.severity} {incident.kind}, for {incident.assigned_to}: {incident.title}")
            self.say(f"           /incidents/{incident.pk}/")


def _told(found: Verification) -> dict[str, Any] | None:
    """Return the validation for ``--json``; None for a verification that does not count."""
    if found.validation is None:
        return None
    waiting = validation.open_failures(found.validation.run)
    return {
        "id": str(found.validation.pk), "by": found.validation.by, "page": validation.page_of(found.validation.run),
        "recorded": found.recorded, "open": [failure["name"] for failure in waiting],
    }  # fmt: skip
