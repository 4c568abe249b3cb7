"""The three monitoring views of Section 8, read-only."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models

from tracking.choices import EnumMigrationStatus, PhaseStatus, Risk


class ReadOnlyQuerySet(models.QuerySet[Any]):
    """Rows of a view: every way to write them is refused."""

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise TypeError("A monitoring view is read, never written.")

    create = update = delete = bulk_create = bulk_update = get_or_create = update_or_create = _refuse


class ReadOnlyView(models.Model):
    """A row of a view."""

    objects = ReadOnlyQuerySet.as_manager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Refuse: a view computes its rows."""
        raise TypeError("A monitoring view is read, never written.")

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: a view computes its rows."""
        raise TypeError("A monitoring view is read, never written.")


class MigrationDashboard(ReadOnlyView):
    """v7_migration_dashboard: a line for each phase."""

    phase_number = models.IntegerField(primary_key=True)
    phase_name = models.CharField(max_length=100)
    phase_status = models.CharField(max_length=50, choices=PhaseStatus.choices)
    lead_persona = models.CharField(max_length=100)
    total_tasks = models.BigIntegerField()
    completed_tasks = models.BigIntegerField()
    migrated_files = models.BigIntegerField()
    enum_migrations = models.BigIntegerField()
    highest_risk = models.CharField(max_length=20, choices=Risk.choices, null=True)  # noqa: DJ001

    class Meta:
        managed = False
        db_table = "v7_migration_dashboard"
        ordering = ["phase_number"]
        verbose_name = "dashboard line"

    def __str__(self) -> str:
        return f"Phase {self.phase_number}: {self.phase_name}"


class EnumConsolidationStatus(ReadOnlyView):
    """v7_enum_consolidation_status: a line for each V7 type that takes the place of others."""

    v7_enum_name = models.CharField(max_length=200, primary_key=True)
    enums_to_consolidate = models.BigIntegerField()
    source_enums: ArrayField[list[str], list[str]] = ArrayField(models.CharField())
    status = models.CharField(max_length=50, choices=EnumMigrationStatus.choices)
    risk_level = models.CharField(max_length=20, choices=Risk.choices)
    affected_table_count = models.BigIntegerField()

    class Meta:
        managed = False
        db_table = "v7_enum_consolidation_status"
        ordering = ["v7_enum_name"]
        verbose_name = "ENUM consolidation"

    def __str__(self) -> str:
        return self.v7_enum_name


class FileMigrationReadiness(ReadOnlyView):
    """v7_file_migration_readiness: a line for each layer."""

    layer_number = models.IntegerField(primary_key=True)
    layer_name = models.CharField(max_length=100, null=True)  # noqa: DJ001
    total_files = models.BigIntegerField()
    pending_assessment = models.BigIntegerField()
    assessed = models.BigIntegerField()
    designed = models.BigIntegerField()
    approved = models.BigIntegerField()
    implementing = models.BigIntegerField()
    testing = models.BigIntegerField()
    migrated = models.BigIntegerField()
    retired = models.BigIntegerField()
    avg_impact_score = models.DecimalField(max_digits=6, decimal_places=2, null=True)

    class Meta:
        managed = False
        db_table = "v7_file_migration_readiness"
        ordering = ["layer_number"]
        verbose_name = "file readiness"
        verbose_name_plural = "file readiness"

    def __str__(self) -> str:
        return f"Layer {self.layer_number}"
