"""``v7_freeze``: freeze script, planning rows, target and rehearsal into a changeset that people sign."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.pipeline.sign import freeze


class Command(StageCommand):
    """Freeze a changeset; needs a green rehearsal of exactly these bytes."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``."""
        add_arguments(parser)

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Freeze and print the digest and where to sign."""
        changeset = freeze(person=person_from(options))
        self.say(f"Changeset {changeset.number} is frozen for {changeset.snapshot.target_name}")
        self.say(f"Digest    {changeset.digest}")
        self.say(f"Sign at   /changesets/{changeset.digest}/ before {changeset.expires_at:%Y-%m-%d %H:%M} UTC")
        return {"changeset": changeset.digest, "number": changeset.number}, 0
