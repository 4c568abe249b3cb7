"""``v7_integrate``: fit the application to the migrated target (document 2.3.2), one subcommand per integration."""

from __future__ import annotations

from argparse import SUPPRESS
from typing import Any

from django.core.management.base import CommandParser

from v7migration.management.base import StageCommand
from v7migration.management.integrations import SUBCOMMANDS


class Command(StageCommand):
    """Do what the named subcommand does; each has its own arguments and its own help."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """Add the subcommands, each with ``--json`` and its own arguments."""
        named = parser.add_subparsers(dest="subcommand", required=True, metavar="SUBCOMMAND")
        for subcommand in SUBCOMMANDS:
            own = named.add_parser(subcommand.name, help=subcommand.help, description=subcommand.help)
            own.add_argument("--json", action="store_true", default=SUPPRESS, help="print one JSON object")
            subcommand.arguments(own)

    def handle(self, *args: Any, **options: Any) -> None:
        """Settle first where the subcommand wants it, then run it."""
        self.chosen = next(subcommand for subcommand in SUBCOMMANDS if subcommand.name == options["subcommand"])
        self.settles = self.chosen.settles
        super().handle(*args, **options)

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Run the subcommand."""
        return self.chosen.act(options, self.say)
