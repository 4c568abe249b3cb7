"""Layers and workflows: registries that staff edit, always in the control plane."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from tracking.models import Layer, WorkflowCode
from v7migration.adminsite import StaffAdmin


@admin.register(Layer)
class LayerAdmin(StaffAdmin):
    """The layers and their guardians."""

    list_display = ["number", "name", "guardian"]
    list_display_links = ["number", "name"]
    list_filter = ["guardian"]
    search_fields = ["name", "guardian"]
    fields = [("number", "name"), "guardian"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Keep the number of a layer that exists: rows and file names use it."""
        return ["number"] if obj else []


@admin.register(WorkflowCode)
class WorkflowAdmin(StaffAdmin):
    """The workflows and the personas that speak for them."""

    list_display = ["code", "name", "persona"]
    list_display_links = ["code", "name"]
    list_filter = ["persona"]
    search_fields = ["code", "name", "persona"]
    fields = [("code", "name"), "persona"]

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Keep the code of a workflow that exists: rows and file names use it."""
        return ["code"] if obj else []
