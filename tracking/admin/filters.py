"""List filters that ask what a row's arrays hold."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from tracking.models import Layer, WorkflowCode


class _Holds(admin.SimpleListFilter):
    """Rows whose array holds a value."""

    column = ""

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the rows whose array holds the chosen value; nothing chosen keeps all."""
        chosen = self.value()
        return queryset.filter(**{f"{self.column}__contains": [chosen]}) if chosen else queryset


class AffectedWorkflow(_Holds):
    """By workflow."""

    title = "workflow"
    parameter_name = "workflow"
    column = "affected_workflows"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the registered workflows."""
        return [(row.code, str(row)) for row in WorkflowCode.objects.all()]


class AffectedLayer(_Holds):
    """By layer."""

    title = "layer"
    parameter_name = "layer"
    column = "affected_layers"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the registered layers."""
        return [(str(row.number), str(row)) for row in Layer.objects.all()]

    def value(self) -> str | None:
        """Return a number that was chosen; anything else is no choice."""
        chosen = super().value()
        return chosen if chosen is not None and chosen.isascii() and chosen.isdigit() and len(chosen) < 10 else None


class FileWorkflow(AffectedWorkflow):
    """Files by workflow."""

    column = "workflows"
