"""The task catalogue of the Database Phase: what the phase document says about each task (section 2), read-only."""

from __future__ import annotations

from dataclasses import dataclass

DATABASE_PHASE = 4
REVIEW_GATES = {
    1: "database reality documented",
    2: "all proposals complete",
    3: "global impacts approved",
    4: "database scripts tested",
    5: "code complete",
    6: "tests passing",
    7: "30 days of stability",
}
"""What must hold before the next phase begins, phase by phase."""


@dataclass(frozen=True)
class CatalogueTask:
    """One task as the document describes it; ``number`` is its ``task_number`` in Phase 4."""

    number: int
    document_number: str
    title: str
    responsible: str
    duration: str
    actions: tuple[str, ...]
    prerequisites: tuple[str, ...]
    verification: str
    waits_for: tuple[int, ...] = ()

    @property
    def is_of_a_run(self) -> bool:
        """Say whether its evidence is a run's, so that a rollback takes the evidence away."""
        return self.document_number not in PRE_EXECUTION


TASKS = (
    CatalogueTask(
        1,
        "2.1.1",
        "Database State Documentation",
        "The Architect",
        "4 hours",
        (
            "Export complete database schema snapshot",
            "Document all existing ENUMs with usage analysis",
            "Identify table dependencies and foreign key relationships",
            "Create baseline performance metrics",
            "Archive current state in version control",
        ),
        (),
        "Schema export matches production database",
    ),
    CatalogueTask(
        2,
        "2.1.2",
        "Script Review and Validation",
        "DB Team Lead",
        "8 hours",
        (
            "Review V7_Migration_Tables.sql for syntax correctness",
            "Validate against existing schema for conflicts",
            "Test scripts in isolated development environment",
            "Verify rollback scripts function correctly",
            "Document any required modifications",
        ),
        (),
        "Scripts execute cleanly in test environment",
    ),
    CatalogueTask(
        3,
        "2.1.3",
        "Impact Analysis",
        "Layer Guardians",
        "4 hours",
        (
            "Review proposed ENUM consolidations",
            "Map affected code files to database changes",
            "Identify breaking changes requiring code updates",
            "Document mitigation strategies",
            "Create dependency graph",
        ),
        (),
        "All impacts documented in v7_global_impacts design",
    ),
    CatalogueTask(
        4,
        "2.2.1",
        "Create V7 Infrastructure Tables",
        "DB Team Lead",
        "1 hour",
        (
            "Execute Section 1: Create v7_migration_workflow table",
            "Execute Section 3: Create v7_enum_migrations table",
            "Execute Section 4: Create v7_global_impacts table",
            "Execute Section 5: Create v7_subworkflow_tasks table",
            "Execute Section 6: Create v7_test_results table",
            "Execute Section 7: Create performance indexes",
            "Execute Section 8: Create monitoring views",
        ),
        (
            "Written approval from The Architect",
            "All pre-execution tasks completed",
            "Rollback plan tested and ready",
        ),
        "The verification query of 2.2.1 lists 5 tables",
        (1, 2, 3),
    ),
    CatalogueTask(
        5,
        "2.2.2",
        "Enhance File Audit Table",
        "DB Team Lead",
        "30 minutes",
        (
            "Execute Section 2: ALTER TABLE file_audit with V7 columns",
            "Verify no data loss occurred",
            "Update existing rows with default V7 status",
        ),
        (),
        "The verification query of 2.2.2 counts all workflow files",
        (4,),
    ),
    CatalogueTask(
        6,
        "2.2.3",
        "Populate Initial Data",
        "The Architect",
        "2 hours",
        (
            "Insert 7 migration phases into v7_migration_workflow",
            "Document known ENUM duplications in v7_enum_migrations",
            "Create initial global impact assessments",
            "Generate sub-workflow tasks for Phase 1",
        ),
        (),
        "Dashboard view shows initialized data",
        (5,),
    ),
    CatalogueTask(
        7,
        "2.3.1",
        "Validation Testing",
        "Test Sentinel",
        "2 hours",
        (
            "Verify all tables created successfully",
            "Test CRUD operations on each table",
            "Validate view performance",
            "Confirm rollback scripts work",
            "Document any anomalies",
        ),
        (),
        "All tests pass",
        (6,),
    ),
    CatalogueTask(
        8,
        "2.3.2",
        "Integration Setup",
        "Dev Team",
        "2 hours",
        (
            "Update SQLAlchemy models for V7 tables",
            "Create Pydantic schemas for V7 data",
            "Implement basic CRUD endpoints",
            "Connect to DART for task synchronization",
        ),
        (),
        "API endpoints return V7 data",
        (6,),
    ),
)
PRE_EXECUTION = ("2.1.1", "2.1.2", "2.1.3")


def entry(phase_number: int, task_number: int) -> CatalogueTask | None:
    """Return what the document says about a task, None where it says nothing."""
    if phase_number != DATABASE_PHASE:
        return None
    return next((task for task in TASKS if task.number == task_number), None)
