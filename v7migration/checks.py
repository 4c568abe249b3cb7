"""System checks of the two databases."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


def same_database() -> bool:
    """Say whether both aliases are configured with one database (host, port and name)."""

    def place(alias: str) -> tuple[Any, ...]:
        entry = settings.DATABASES[alias]
        return entry.get("HOST", ""), str(entry.get("PORT") or "5432"), entry.get("NAME", "")

    default = place("default")
    return default == place("target") and default[2] != "never_initialised"


@register()
def databases_differ(**_: Any) -> list[CheckMessage]:
    """Refuse a control plane that is the target: a rollback would have nowhere to bring the rows home to."""
    if not same_database():
        return []
    return [
        Error(
            "DATABASE_URL and TARGET_DATABASE_URL name one database.",
            hint="The control plane needs a database of its own: create one and set DATABASE_URL to it.",
            id="v7migration.E001",
        )
    ]
