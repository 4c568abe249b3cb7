"""The admin of signed "no impacts" and of business impacts, read-only."""

from __future__ import annotations

from django.contrib import admin

from v7migration.adminsite import ReadOnlyAdmin
from v7migration.ledger.models import BusinessImpact, NoImpact


@admin.register(NoImpact)
class NoImpactAdmin(ReadOnlyAdmin):
    """Changes that have no impact in a layer, as it was signed."""

    list_display = ["at", "change", "layer", "persona", "by", "reason"]
    list_filter = ["layer", "persona", "by", "at"]
    search_fields = ["change", "reason", "by"]
    date_hierarchy = "at"
    fields = [("at", "by"), ("person_name", "persona"), ("change", "layer"), "statement", "reason", "evidence"]


@admin.register(BusinessImpact)
class BusinessImpactAdmin(ReadOnlyAdmin):
    """What impacts mean for the business, as Workflow Personas recorded it."""

    list_display = ["at", "workflow", "persona", "by", "text"]
    list_filter = ["workflow", "persona", "by", "at"]
    search_fields = ["text", "by", "impact"]
    date_hierarchy = "at"
    fields = [("at", "by"), ("workflow", "persona"), "impact", "text"]
