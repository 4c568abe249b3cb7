"""The three monitoring views for programs: the same lines in both homes."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict

from tracking import selectors
from tracking.choices import EnumMigrationStatus, PhaseStatus, Risk
from v7migration.api.problems import answers

router = Router(tags=["views"])


class DashboardLine(Schema):
    """A line of v7_migration_dashboard: a phase."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "phase_number": 4,
                    "phase_name": "Database Phase",
                    "phase_status": "in_progress",
                    "lead_persona": "DB Team Lead",
                    "total_tasks": 8,
                    "completed_tasks": 3,
                    "migrated_files": 0,
                    "enum_migrations": 11,
                    "highest_risk": "high",
                }
            ]
        }
    )

    phase_number: int
    phase_name: str
    phase_status: PhaseStatus
    lead_persona: str
    total_tasks: int
    completed_tasks: int
    migrated_files: int
    enum_migrations: int
    highest_risk: Risk | None


class ConsolidationLine(Schema):
    """A line of v7_enum_consolidation_status: a V7 type and what it takes the place of."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "v7_enum_name": "v7_status_type",
                    "enums_to_consolidate": 2,
                    "source_enums": ["public.page_status", "public.site_status"],
                    "status": "proposed",
                    "risk_level": "medium",
                    "affected_table_count": 2,
                }
            ]
        }
    )

    v7_enum_name: str
    enums_to_consolidate: int
    source_enums: list[str]
    status: EnumMigrationStatus
    risk_level: Risk
    affected_table_count: int


class ReadinessLine(Schema):
    """A line of v7_file_migration_readiness: a layer and where its files stand."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "layer_number": 1,
                    "layer_name": "Models & ENUMs",
                    "total_files": 31,
                    "pending_assessment": 30,
                    "assessed": 1,
                    "designed": 0,
                    "approved": 0,
                    "implementing": 0,
                    "testing": 0,
                    "migrated": 0,
                    "retired": 0,
                    "avg_impact_score": 4.5,
                }
            ]
        }
    )

    layer_number: int | None
    layer_name: str | None
    total_files: int
    pending_assessment: int
    assessed: int
    designed: int
    approved: int
    implementing: int
    testing: int
    migrated: int
    retired: int
    avg_impact_score: float | None


@router.get(
    "/migration-dashboard",
    response=answers(list[DashboardLine]),
    operation_id="read_migration_dashboard",
    summary="Read v7_migration_dashboard",
)
def migration_dashboard(request: HttpRequest) -> Any:
    """Return a line for each phase."""
    return selectors.dashboard()


@router.get(
    "/enum-consolidation-status",
    response=answers(list[ConsolidationLine]),
    operation_id="read_enum_consolidation_status",
    summary="Read v7_enum_consolidation_status",
)
def enum_consolidation_status(request: HttpRequest) -> Any:
    """Return a line for each V7 type, the worst risk first."""
    return selectors.enum_consolidations()


@router.get(
    "/file-migration-readiness",
    response=answers(list[ReadinessLine]),
    operation_id="read_file_migration_readiness",
    summary="Read v7_file_migration_readiness",
)
def file_migration_readiness(request: HttpRequest) -> Any:
    """Return a line for each layer; nothing stands anywhere before a run has added the column."""
    return selectors.file_readiness()
