"""What every command of the workflow shares: ``--json``, errors as sentences, exit codes."""

from __future__ import annotations

import json
import sys
from contextlib import suppress
from typing import Any

import psycopg
from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, OperationalError
from rich.console import Console

from tracking import home
from v7migration.errors import GateClosed, Refused, V7Error
from v7migration.pipeline import tasks
from v7migration.pipeline.settle import settle
from v7migration.pipeline.target import runner
from v7migration.postgres.session import reason_of, run_lock


class StageCommand(BaseCommand):
    """A command of one stage: parses arguments, makes one call, prints.

    Subclasses write :meth:`arguments` and :meth:`act`. ``act`` prints for people through ``self.console`` and
    returns the object that ``--json`` prints, and the exit code.
    """

    requires_system_checks: list[Any] = []
    settles = True
    console: Console

    def add_arguments(self, parser: CommandParser) -> None:
        """Add ``--json`` and the stage's own arguments."""
        parser.add_argument("--json", action="store_true", help="print one JSON object on standard output")
        self.arguments(parser)

    def arguments(self, parser: CommandParser) -> None:
        """Add the stage's own arguments."""

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Do the stage's work; return what ``--json`` prints, and the exit code."""
        raise NotImplementedError

    def handle(self, *args: Any, **options: Any) -> None:
        """Run :meth:`act`; a typed error goes to standard error (and into the JSON object) and sets the exit code."""
        as_json = bool(options["json"])
        out = getattr(self.stderr if as_json else self.stdout, "_out", sys.stderr)
        self.console = Console(file=out, highlight=False, soft_wrap=True)
        try:
            document, code = self._translated(options)
        except V7Error as error:
            if as_json:
                self._print_json(_error_document(error))
            raise
        if as_json:
            self._print_json(document)
        if code:
            sys.exit(code)

    def _translated(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        try:
            if self.settles:
                for sentence in _settle_if_idle():
                    self.say(f"→ {sentence}")
            return self.act(options)
        except (OperationalError, psycopg.OperationalError) as error:  # the driver's own: of the runner's session
            raise Refused(
                f"A database does not answer: {reason_of(error)}.",
                "Check DATABASE_URL and TARGET_DATABASE_URL (embedded: manage.py v7_postgres status).",
            ) from error
        except psycopg.Error as error:
            raise Refused(
                f"The target refuses what it is asked: {reason_of(error)} (SQLSTATE {error.sqlstate}).",
                "Give the role the right that it lacks, or look into the server's log, then try again.",
            ) from error
        except DatabaseError as error:
            if getattr(error.__cause__, "sqlstate", "") not in ("42P01", "3F000"):
                raise
            raise Refused("The control plane has no tables yet.", "Run manage.py migrate, then try again.") from error

    def _print_json(self, document: dict[str, Any]) -> None:
        """Print one object piece by piece: as one text, that of a large source tree takes several times its memory."""
        out = getattr(self.stdout, "_out", sys.stdout)
        json.dump(document, out, indent=2, default=str)
        out.write("\n")

    def say(self, text: str) -> None:
        """Print a line for people; square brackets are shown as they are."""
        self.console.print(text, markup=False)


def _settle_if_idle() -> list[str]:
    """Finish and tell what a run or rollback that died left half-said; leave a live one, or an absent target, alone."""
    if home.fence("default") is None:
        return []
    if home.is_open():
        tasks.catch_up()
        return []
    with suppress(Refused), runner(application_name="settle", needs_file_audit=False) as connection:
        with run_lock(connection):
            return settle(connection)
    return []


def _error_document(error: V7Error) -> dict[str, Any]:
    document: dict[str, Any] = {"error": error.message, "next_step": error.next_step, "exit_code": error.exit_code}
    if isinstance(error, GateClosed):
        document |= {"open": False, "reasons": list(error.reasons)}
    if problems := getattr(error, "problems", None):
        document["findings"] = [vars(p) for p in problems]
    return document | error.evidence
