"""``v7_execute``: run a signed changeset on the target, section by section (document 2.2)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from approvals.gates import DB_TEAM_LEAD
from v7migration.ledger.models import Changeset
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.confirmation import confirm_target
from v7migration.management.printing import ProgressReporter, print_checks
from v7migration.management.runs import run_document, told_of_run
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.execute import execute
from v7migration.pipeline.target import observe, runner
from v7migration.postgres.script import parse, plan_order


class Command(StageCommand):
    """Execute the newest changeset (or go on with its stopped run); asks for the target's name first."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``, ``--changeset DIGEST``, ``--no-input``."""
        add_arguments(parser)
        parser.add_argument("--changeset", help="digest, or its beginning; default: the newest")
        parser.add_argument("--no-input", action="store_true", help="do not ask for the target's name")

    @staticmethod
    def _refuse_before_asking(changeset: Changeset) -> None:
        """Say that the gate is closed before anybody types a name."""
        with runner(application_name="v7_execute") as connection:
            begun = gatekeeper.run_of(changeset) is not None
            gatekeeper.authorize(changeset, target=None if begun else observe(connection))

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Show target and plan, ask, run, print the document's queries."""
        operator = person_from(options, persona=DB_TEAM_LEAD)
        changeset = gatekeeper.find(options["changeset"])
        order = plan_order(parse(bytes(changeset.script.content)))
        self.say(f"Target     {changeset.snapshot.target_name}")
        self.say(f"Changeset  {changeset.number}  {changeset.digest}")
        self.say("Order      " + ", ".join("population" if s.number == 10 else str(s.number) for s, _ in order))
        if not options["no_input"]:
            self._refuse_before_asking(changeset)
        confirm_target(changeset.snapshot.database, ask=not options["no_input"])
        with ProgressReporter(self.console, sum(len(s.steps) for s, _ in order)) as reporter:
            with told_of_run(changeset):
                run = execute(changeset=changeset, operator=operator, reporter=reporter)
        print_checks(self.say, run.report["document"])
        self.say("")
        self.say(f"Run {run.pk} is {run.state}. The target is now the home of the tracking rows.")
        return run_document(run), 0
