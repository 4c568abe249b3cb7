"""file_audit, of which only the twelve V7 columns are ours, and the values a rollback brought home."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from tracking import home, services
from tracking.actors import Actor
from tracking.admin.base import TrackedAdmin
from tracking.admin.filters import FileWorkflow
from tracking.admin.forms import LinesField, TrackedForm
from tracking.machines import FILE
from tracking.models import LEGACY_COLUMNS, V7_COLUMNS, File, FileValue
from tracking.models.base import HistoricRow
from v7migration.adminsite import MayBeAbsent, ReadOnlyAdmin, column, document, state_column

_LEGACY = (
    ("The file, as the application audits it", {"fields": (
        ("file_number", "file_name"), "file_path", ("layer_number", "layer_name"), ("status", "workflows"),
    )}),
    ("Audit", {"classes": ["collapse"], "fields": (
        ("audit_status", "audit_date"), ("audited_by", "has_technical_debt"), "technical_debt",
        ("jira_tickets", "notes"), ("created_at", "updated_at"),
    )}),
)  # fmt: skip
_V7 = (
    ("V7", {"fields": (
        "v7_workflow_status", "v7_target_name", ("v7_impact_score", "v7_retirement_date"),
        ("v7_review_status", "v7_reviewed_by"), ("v7_implementation_status", "v7_test_status"),
    )}),
    ("Dependencies", {"fields": (
        ("v7_dependencies", "v7_dependents"), ("v7_database_enums", "v7_enum_mappings"),
    )}),
)  # fmt: skip


class FileForm(TrackedForm):
    """The V7 columns of a file."""

    columns = V7_COLUMNS
    v7_dependencies = LinesField(required=False, label="Depends on")
    v7_dependents = LinesField(required=False, label="What depends on it")
    v7_reviewed_by = LinesField(required=False, label="Reviewed by")


class AuditedFileForm(TrackedForm):
    """A file before the run: the V7 columns do not exist and are not read."""

    columns = ("file_path",)


@admin.register(File)
class FileAdmin(MayBeAbsent, TrackedAdmin):
    """Files. The V7 columns exist while the target is the home of the tracked rows; without them all is read-only."""

    machine = FILE
    absent = "The target has no file_audit: it is not the database that is to be migrated."
    recorded = (*LEGACY_COLUMNS, "file_path", "v7_workflow_status")
    search_fields = ["file_path", "file_name", "file_number", "notes"]
    date_hierarchy = "audit_date"
    legacy_list = ["file_path", "file_number", "layer", "origin", "in_workflows", "audit_status"]
    origin = state_column("status", "Origin")
    state = state_column("v7_workflow_status", "V7 state")

    def get_list_display(self, request: HttpRequest) -> list[str]:
        """List the V7 columns where they exist."""
        live = ["file_path", "layer", "in_workflows", "state", "v7_target_name", "v7_impact_score"]
        return live if self._live() else self.legacy_list

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        """Filter by the V7 state where it exists."""
        shared = ["status", "layer_number", FileWorkflow, "has_technical_debt"]
        return ["v7_workflow_status", *shared] if self._live() else shared

    def row_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the V7 columns first, where they exist."""
        return (*_V7, *_LEGACY) if self._live() else _LEGACY

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Edit the V7 columns where they exist."""
        kwargs.setdefault("form", FileForm if self._live() else AuditedFileForm)
        return super().get_form(request, obj, change, **kwargs)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Refuse everybody: the rows are the application's."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Let people with the permission write the V7 columns while they exist."""
        return self._live() and bool(super().has_change_permission(request, obj))

    def movable(self, row: File) -> bool:
        """A file has a V7 state while the columns exist."""
        return self._live() and row.v7_workflow_status is not None

    def move(self, row: File, name: str, actor: Actor, reason: str, seen: str) -> HistoricRow:
        """Ask the file's service."""
        return services.file_move(file=row, name=name, actor=actor, reason=reason)

    @staticmethod
    def _live() -> bool:
        return home.current() == home.LIVE

    @column("Layer", order="layer_number")
    def layer(self, row: File) -> str:
        """Show number and name of the layer."""
        return f"{row.layer_number} {row.layer_name or ''}" if row.layer_number is not None else "–"

    @column("Workflows")
    def in_workflows(self, row: File) -> str:
        """List the workflows."""
        return ", ".join(row.workflows or []) or "–"


@admin.register(FileValue)
class FileValueAdmin(ReadOnlyAdmin):
    """V7 values of files that a rollback brought home; the next run restores them."""

    list_display = ["file_path", "file_id", "filled"]
    search_fields = ["file_path"]
    fields = [("file_path", "file_id"), "values_shown"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[FileValue]:
        """Return the values, by path."""
        rows: QuerySet[FileValue] = super().get_queryset(request)
        return rows.order_by("file_path")

    @column("Values kept")
    def filled(self, row: FileValue) -> int:
        """Count the columns that hold something."""
        return sum(value is not None for value in (row.values or {}).values())

    @column("Values")
    def values_shown(self, row: FileValue) -> SafeString:
        """Show the values as they were stored."""
        return document(row.values)
