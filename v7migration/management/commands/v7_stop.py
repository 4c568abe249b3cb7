"""``v7_stop``: stop the run that is at work, before its next COMMIT (document 5.4, step 1)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from v7migration.ledger.models import Run
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.runs import run_document
from v7migration.pipeline import stopping


class Command(StageCommand):
    """Ask the running run to stop; with ``--now`` also cancel the statement that it is waiting for."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``, ``--reason TEXT``, ``--now``."""
        add_arguments(parser)
        parser.add_argument("--reason", default="", help="why, for the events of the run")
        parser.add_argument(
            "--now", action="store_true", help="also cancel the statement at work (needs TARGET_RUNNER_URL)"
        )

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Ask for the stop and say what will happen; exit 5 when nothing runs."""
        person = person_from(options)
        run = stopping.running()
        stopping.stop(run=run, person=person, reason=options["reason"].strip())
        self.say(f"Run {run.pk} ({run.operator}) on {run.changeset.snapshot.target_name} was asked to stop.")
        self.say("It obeys before its next COMMIT: the step at work is rolled back, finished steps remain.")
        cancelled = 0
        if options["now"]:
            stands, cancelled = stopping.cancel(run=run, person=person)
            self.say(f"Statements cancelled: {cancelled}.")
            self.say("The run stands." if stands else "It has not ended yet; v7_status says when it has.")
        self.say("Then v7_execute goes on, or v7_rollback goes back.")
        run = Run.objects.get(pk=run.pk)
        return run_document(run) | {"stop_requested_by": person.get_username(), "cancelled": cancelled}, 0
