"""The tracked rows, one module per table."""

from tracking.models.enum_migration import EnumMigration
from tracking.models.file import LEGACY_COLUMNS, V7_COLUMNS, File, FileValue
from tracking.models.impact import GlobalImpact
from tracking.models.phase import Phase
from tracking.models.registry import Layer, WorkflowCode
from tracking.models.task import SubworkflowTask
from tracking.models.test_result import TestResult
from tracking.models.views import EnumConsolidationStatus, FileMigrationReadiness, MigrationDashboard

__all__ = [
    "LEGACY_COLUMNS",
    "V7_COLUMNS",
    "EnumConsolidationStatus",
    "EnumMigration",
    "File",
    "FileMigrationReadiness",
    "FileValue",
    "GlobalImpact",
    "Layer",
    "MigrationDashboard",
    "Phase",
    "SubworkflowTask",
    "TestResult",
    "WorkflowCode",
]
