"""The approvals app."""

from __future__ import annotations

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Who agreed to what: personas, seats, signatures and the pure gate rules."""

    name = "approvals"
    verbose_name = "Approvals"

    def ready(self) -> None:
        """Connect the signals that name who changes an account."""
        from approvals import signals  # noqa: F401
