"""``v7_inventory``: what is there before anything changes (document 2.1.1)."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from approvals.selectors import personas_of
from tracking.actors import Actor
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.timings import print_baseline
from v7migration.pipeline import inventory


class Command(StageCommand):
    """Take snapshot, fingerprint, ENUM types and dependencies of the target, and propose ENUM consolidations."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as`` and ``--only PART``."""
        add_arguments(parser, required=False)
        parser.add_argument("--only", choices=inventory.PARTS, help="take one part of the inventory")

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Take the inventory and print its summary."""
        person = person_from(options) if options.get("as_username") else None
        actor = Actor(person.get_username(), personas_of(person)) if person else None
        snapshot, result = inventory.take(actor=actor, only=options["only"])
        self.say(f"Target       {snapshot.target_name}")
        self.say(f"Fingerprint  {snapshot.fingerprint}")
        self.say(f"Objects      {len(snapshot.document['objects'])}")
        if enums := result.get("enums"):
            unused = sum(not t["used_by"] for t in enums["types"])
            grouped = sum(len(g["types"]) for g in enums["groups"])
            self.say(
                f"ENUM types   {len(enums['types'])}: {grouped} in {len(enums['groups'])} groups of duplicates, "
                f"{len(enums['conflicts'])} conflicts, {unused} unused"
            )
        if proposed := result.get("proposed"):
            self.say(f"Proposed     {proposed['added']} consolidations added to v7_enum_migrations")
        elif enums and actor is None:
            self.say("Proposed     nothing: name yourself with --as to propose consolidations")
        if "files" in result:
            self.say(f"Files        {result['files']['state']}")
        if "baseline" in result:
            print_baseline(self.say, result["baseline"])
        return result, 0
