"""file_audit, which is not ours, with the twelve columns that Section 2 adds to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from tracking import home
from tracking.choices import AuditStatus, FileStatus
from tracking.machines import FILE
from tracking.models.base import HistoricRow, RowHistory, move, state_field

V7_COLUMNS = (
    "v7_workflow_status",
    "v7_target_name",
    "v7_database_enums",
    "v7_enum_mappings",
    "v7_dependencies",
    "v7_dependents",
    "v7_impact_score",
    "v7_review_status",
    "v7_reviewed_by",
    "v7_implementation_status",
    "v7_test_status",
    "v7_retirement_date",
)
LEGACY_COLUMNS = (
    "file_number",
    "file_name",
    "layer_number",
    "layer_name",
    "status",
    "workflows",
    "has_technical_debt",
    "technical_debt",
    "jira_tickets",
    "audit_status",
    "audit_date",
    "audited_by",
    "notes",
    "created_at",
    "updated_at",
)


class FileManager(models.Manager["File"]):
    """Files as the target has them now: before the run the twelve columns do not exist and are not read."""

    def get_queryset(self) -> models.QuerySet[File]:
        """Return all files."""
        files = super().get_queryset()
        return files.defer(*V7_COLUMNS) if home.current() == home.PLANNING else files


def _array_of(base: models.Field[Any, Any]) -> ArrayField[list[str] | None, list[str] | None]:
    return ArrayField(base, null=True, blank=True)


class File(HistoricRow):
    """One row of file_audit. Only the twelve columns are ever written, and only in the live home."""

    id = models.AutoField(primary_key=True)
    file_number = models.CharField(max_length=4, unique=True)
    file_path = models.CharField(max_length=255, unique=True)
    file_name = models.CharField(max_length=255)
    layer_number = models.IntegerField(null=True)
    layer_name = models.CharField(max_length=100, null=True)  # noqa: DJ001
    status = models.CharField(max_length=20, choices=AuditStatus.choices)
    workflows = _array_of(models.CharField())
    has_technical_debt = models.BooleanField(null=True)
    technical_debt = models.TextField(null=True)  # noqa: DJ001
    jira_tickets = _array_of(models.CharField())
    audit_status = models.CharField(max_length=50, null=True)  # noqa: DJ001
    audit_date = models.DateTimeField(null=True)
    audited_by = models.CharField(max_length=100, null=True)  # noqa: DJ001
    notes = models.TextField(null=True)  # noqa: DJ001
    created_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(null=True)

    v7_workflow_status = state_field(FILE, FileStatus.choices, db_default=models.NOT_PROVIDED, null=True)
    v7_target_name = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    v7_database_enums = models.JSONField(null=True, blank=True)
    v7_enum_mappings = models.JSONField(null=True, blank=True)
    v7_dependencies = _array_of(models.TextField())
    v7_dependents = _array_of(models.TextField())
    v7_impact_score = models.IntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(10)]
    )
    v7_review_status = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    v7_reviewed_by = _array_of(models.CharField())
    v7_implementation_status = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    v7_test_status = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    v7_retirement_date = models.DateField(null=True, blank=True)

    objects = FileManager()
    history = RowHistory("file_history", excluded_fields=list(LEGACY_COLUMNS), no_db_index=["file_path"])

    class Meta:
        managed = False
        db_table = FILE.table
        ordering = ["file_path"]
        verbose_name = "file"

    def __str__(self) -> str:
        return self.file_path

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write some or all of the twelve columns; the application's own columns are left alone."""
        wanted: Iterable[str] = kwargs.pop("update_fields", None) or V7_COLUMNS
        if self._state.adding or set(wanted) - set(V7_COLUMNS):
            raise TypeError("file_audit belongs to the application: only its v7 columns are written here.")
        super().save(*args, update_fields=list(wanted), **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Refuse: the rows of file_audit are the application's."""
        raise TypeError("file_audit belongs to the application: its rows are not deleted here.")

    @move(FILE)
    def assess(self) -> None:
        """Record that the file was assessed."""

    @move(FILE)
    def design(self) -> None:
        """Record that its target was designed."""

    @move(FILE)
    def approve(self) -> None:
        """Accept the design."""

    @move(FILE)
    def implement(self) -> None:
        """Begin to implement."""

    @move(FILE)
    def test(self) -> None:
        """Begin to test."""

    @move(FILE)
    def migrate(self) -> None:
        """Record that the file has its V7 name."""

    @move(FILE)
    def retire(self) -> None:
        """Record that the old file is gone."""

    @move(FILE)
    def step_back(self) -> None:
        """Return to the state before this one."""


class FileValue(models.Model):
    """The twelve values of one file, brought home by a rollback and restored by the next run."""

    file_id = models.IntegerField(primary_key=True)
    file_path = models.CharField(max_length=255)
    values = models.JSONField()

    class Meta:
        db_table = "file_values_home"
        ordering = ["file_path"]
        verbose_name = "file values"
        verbose_name_plural = "file values"

    def __str__(self) -> str:
        return self.file_path
