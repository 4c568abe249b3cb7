"""Which database holds a model: tracked rows follow their home, everything else is in the control plane."""

from __future__ import annotations

from typing import Any

from django.db.models import Model

from tracking import home

ALWAYS_TARGET = {"file", "migrationdashboard", "enumconsolidationstatus", "filemigrationreadiness"}
ALWAYS_CONTROL = {"filevalue", "layer", "workflowcode"}


class HomeRouter:
    """Follow the current home; instance hints are ignored, so an object loaded before a move follows it."""

    def _alias(self, model: type[Model]) -> str:
        if model._meta.app_label != "tracking":
            return "default"
        name = model._meta.model_name or ""
        if name in ALWAYS_TARGET:
            return "target"
        return "default" if name in ALWAYS_CONTROL else home.alias()

    def db_for_read(self, model: type[Model], **hints: Any) -> str:
        """Return the alias to read ``model`` from."""
        return self._alias(model)

    def db_for_write(self, model: type[Model], **hints: Any) -> str:
        """Return the alias to write ``model`` to."""
        return self._alias(model)

    def allow_relation(self, obj1: Model, obj2: Model, **hints: Any) -> bool:
        """Allow relations: both ends of a tracked relation are always in one home."""
        return True

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        """Never let Django change the target's schema: only the gated runner does."""
        return db == "default"
