"""The project as a Django app: its commands, and the rights of the web role after each migration."""

from __future__ import annotations

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class V7MigrationConfig(AppConfig):
    """Hold the commands and checks of the project."""

    name = "v7migration"
    label = "v7migration"
    verbose_name = "V7 Migration"

    def ready(self) -> None:
        """Register the checks, the grants, and who hears of new evidence."""
        from tracking import home
        from v7migration import checks  # noqa: F401
        from v7migration.grants import grant_web_role
        from v7migration.ledger import services as ledger
        from v7migration.pipeline import tasks
        from v7migration.pipeline.integrate.dart import outbox

        # Apps without models get no signal; when the last app of ours gets its own, every table is there.
        last = apps.get_app_config("tracking")
        post_migrate.connect(grant_web_role, sender=last, dispatch_uid="v7migration.grant_web_role")
        ledger.recorded.connect(tasks.on_record, dispatch_uid="v7migration.tasks.record")
        home.written.connect(tasks.on_write, dispatch_uid="v7migration.tasks.write")
        ledger.recorded.connect(outbox.on_record, dispatch_uid="v7migration.dart.record")
        home.written.connect(outbox.on_write, dispatch_uid="v7migration.dart.write")
