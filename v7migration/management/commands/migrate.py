"""``migrate`` for the control plane only."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.core.management.commands.migrate import Command as MigrateCommand

from v7migration.checks import same_database


class Command(MigrateCommand):
    """Migrate the control plane; refuse the target, whose schema only a signed changeset changes."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Refuse ``--database=target`` and two aliases that name one database; else migrate."""
        if options["database"] != "default":
            raise CommandError(
                "Django never migrates the target: its schema changes only through a signed changeset. "
                "Use v7_freeze, the signing pages and v7_execute.",
                returncode=5,
            )
        if same_database():
            raise CommandError(
                "DATABASE_URL and TARGET_DATABASE_URL name one database. Give the control plane its own.", returncode=5
            )
        super().handle(*args, **options)
