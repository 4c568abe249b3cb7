"""The ledger app."""

from django.apps import AppConfig


class LedgerConfig(AppConfig):
    """Evidence: scripts, snapshots, rehearsals, changesets, runs, incidents and the event log."""

    name = "v7migration.ledger"
    label = "ledger"
    verbose_name = "Ledger"
