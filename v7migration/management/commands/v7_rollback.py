"""``v7_rollback``: bring the rows home, run Section 9, prove that the target is as before (document 5.4)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.core.management.base import CommandParser

from approvals.gates import DB_TEAM_LEAD
from v7migration.errors import V7Error
from v7migration.ledger.models import Run
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.confirmation import confirm_target
from v7migration.management.printing import print_checks
from v7migration.management.runs import run_document, told_of_run
from v7migration.pipeline import emergency
from v7migration.pipeline.rollback import authorize, find_run, rollback


class Command(StageCommand):
    """Take the standing run back: in an incident, or after The Architect signed the rollback."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``, ``--incident TEXT``, ``--no-input``."""
        add_arguments(parser)
        parser.add_argument(
            "--incident",
            default="",
            metavar="TEXT",
            help="declare an emergency: a running run is stopped, people are told",
        )
        parser.add_argument("--no-input", action="store_true", help="do not ask for the target's name")

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Show the target, ask, roll back, print the proof; exit 1 when the target is not as before."""
        operator = person_from(options, persona=DB_TEAM_LEAD)
        run = find_run()
        self.say(f"Target  {run.changeset.snapshot.target_name}")
        self.say(f"Run     {run.pk} of changeset {run.changeset.number}, {run.state}")
        right = authorize(run=run, operator=operator, incident=options["incident"])
        self.say(f"Right   {right}")
        self.say("Plan    bring the tracking rows home, then Section 9 in one transaction, then compare the catalogs")
        confirm_target(run.changeset.snapshot.database, ask=not options["no_input"])
        with told_of_run(run.changeset), _told_of_emergency(run):
            done = rollback(run=run, operator=operator, right=right, told=self.say)
        self._print_proof(done)
        if (waiting := emergency.unfinished()) is not None:
            persona, sentence = emergency.turn(waiting)
            self.say(f"Next    {persona}: {sentence}. Nothing else is executed before that.")
        report = done.report
        found = {"drift": report["drift"], "stability": report["stability"], "emergency": emergency.of_run(run)}
        return run_document(done) | found, 0 if report["as_before"] and report["stable"] else 1

    def _print_proof(self, done: Run) -> None:
        """Print the document's queries, the stability checks, what came home and what differs."""
        print_checks(self.say, done.report["document"])
        self.say("")
        print_checks(self.say, done.report["stability"])
        home = done.report.get("home", {}).get("tables", {})
        self.say(f"Rows brought home: {sum(t['rows'] for t in home.values())} in {len(home)} tables")
        if done.report["as_before"]:
            self.say("The target's catalogs are as before (migration_gate aside, which keeps the run's account).")
        for drift in done.report["drift"]:
            self.say(f"  differs: {drift}")


@contextmanager
def _told_of_emergency(run: Run) -> Iterator[None]:
    """Let an error also tell how far the emergency protocol got."""
    try:
        yield
    except V7Error as error:
        error.evidence |= {"emergency": emergency.of_run(run)}
        raise
