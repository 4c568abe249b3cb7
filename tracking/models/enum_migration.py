"""v7_enum_migrations: which ENUM types become one."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value

from tracking.choices import EnumMigrationStatus, Risk
from tracking.machines import ENUM_MIGRATION
from tracking.models.base import RowHistory, TrackedRow, json_is, move, one_of, state_field


def words() -> ArrayField[list[str], list[str]]:
    """Return a field for a list of names, empty by default (``varchar[]``)."""
    base: models.CharField[str, str] = models.CharField()
    return ArrayField(base, default=list, db_default=Value([], ArrayField(models.CharField())), blank=True)


def lines() -> ArrayField[list[str], list[str]]:
    """Return a field for a list of texts, empty by default (``text[]``)."""
    base: models.TextField[str, str] = models.TextField()
    base.empty_values = []  # '' is a label that PostgreSQL accepts
    return ArrayField(base, default=list, db_default=Value([], ArrayField(models.TextField())), blank=True)


class EnumMigration(TrackedRow):
    """One ENUM type of the target and the V7 type that takes its place."""

    current_enum_name = models.CharField(max_length=200)
    current_enum_values = lines()
    v7_enum_name = models.CharField(max_length=200)
    v7_enum_values = lines()
    consolidates_with = words()
    affected_tables = words()
    affected_columns = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    migration_script = models.TextField(default="", db_default="", blank=True)
    rollback_script = models.TextField(default="", db_default="", blank=True)
    status = state_field(ENUM_MIGRATION, EnumMigrationStatus.choices)
    risk_level = models.CharField(
        max_length=20, choices=Risk.choices, default=Risk.MEDIUM, db_default=Risk.MEDIUM.value
    )
    approved_by = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001 (NULL: nobody yet)
    implemented_at = models.DateTimeField(null=True, blank=True)
    validated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    history = RowHistory("enum_migration_history")

    class Meta:
        db_table = ENUM_MIGRATION.table
        ordering = ["v7_enum_name", "current_enum_name"]
        verbose_name = "ENUM migration"
        indexes = [models.Index(fields=["status"], name="idx_enum_migrations_status")]
        constraints = [
            one_of("status", EnumMigrationStatus.values, "enum_migrations_status_check"),
            one_of("risk_level", Risk.values, "enum_migrations_risk_level_check"),
            json_is("affected_columns", "object", "enum_migrations_affected_columns_check"),
        ]

    def __str__(self) -> str:
        return f"{self.current_enum_name} → {self.v7_enum_name}"

    @move(ENUM_MIGRATION)
    def approve(self) -> None:
        """Accept the proposed consolidation."""

    @move(ENUM_MIGRATION)
    def implement(self) -> None:
        """Record that the columns use the V7 type."""

    @move(ENUM_MIGRATION)
    def confirm(self) -> None:
        """Record that the change was validated."""

    @move(ENUM_MIGRATION)
    def retire(self) -> None:
        """Record that the old type is gone."""

    @move(ENUM_MIGRATION)
    def roll_back(self) -> None:
        """Record that the columns use the old type again."""

    @move(ENUM_MIGRATION)
    def propose_again(self) -> None:
        """Propose it anew after a rollback."""
