"""The tracking app: the rows people track, in whichever home holds them."""

from django.apps import AppConfig


class TrackingConfig(AppConfig):
    """Phases, tasks, ENUM migrations, impacts, test results and files."""

    name = "tracking"
    verbose_name = "Tracking"
