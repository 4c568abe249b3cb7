"""The three monitoring views of the target, read as they are."""

from __future__ import annotations

from django.contrib import admin

from tracking.models import EnumConsolidationStatus, FileMigrationReadiness, MigrationDashboard
from v7migration.adminsite import ViewAdmin, column, state_column


@admin.register(MigrationDashboard)
class MigrationDashboardAdmin(ViewAdmin):
    """v7_migration_dashboard."""

    list_display = [
        *("phase_number", "phase_name", "state", "lead_persona", "tasks", "migrated_files", "enum_migrations", "risk"),
    ]
    list_display_links = ["phase_number", "phase_name"]
    list_filter = ["phase_status"]
    search_fields = ["phase_name", "lead_persona"]
    state = state_column("phase_status", "State")

    @column("Highest risk", label=True)
    def risk(self, row: MigrationDashboard) -> tuple[str, str]:
        """Show the worst risk of any impact."""
        return (row.highest_risk, row.get_highest_risk_display() or "") if row.highest_risk else ("low", "None")

    @column("Tasks done", order="completed_tasks")
    def tasks(self, row: MigrationDashboard) -> str:
        """Show done and all tasks."""
        return f"{row.completed_tasks} of {row.total_tasks}"


@admin.register(EnumConsolidationStatus)
class EnumConsolidationStatusAdmin(ViewAdmin):
    """v7_enum_consolidation_status."""

    list_display = ["v7_enum_name", "enums_to_consolidate", "state", "risk", "affected_table_count", "sources"]
    list_filter = ["status", "risk_level"]
    search_fields = ["v7_enum_name"]
    state = state_column("status", "State")
    risk = state_column("risk_level", "Risk")

    @column("From")
    def sources(self, row: EnumConsolidationStatus) -> str:
        """List the types it takes the place of."""
        return ", ".join(row.source_enums)


@admin.register(FileMigrationReadiness)
class FileMigrationReadinessAdmin(ViewAdmin):
    """v7_file_migration_readiness."""

    list_display = [
        *("layer_number", "layer_name", "total_files", "pending_assessment", "assessed", "designed", "approved"),
        *("implementing", "testing", "migrated", "retired", "avg_impact_score"),
    ]
    list_display_links = ["layer_number", "layer_name"]
    search_fields = ["layer_name"]
