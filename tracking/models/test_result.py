"""v7_test_results: what was tested and how it ended."""

from __future__ import annotations

from datetime import datetime

from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import Value

from tracking.choices import TestStatus, TestType
from tracking.models.base import HistoricRow, RandomUUID, RowHistory, json_is, one_of


class TestResult(HistoricRow):
    """One test run of one component."""

    __test__ = False

    id = models.UUIDField(primary_key=True, db_default=RandomUUID(), editable=False)
    test_type = models.CharField(max_length=20, choices=TestType.choices)
    component_tested = models.CharField(max_length=500)
    v7_file_path = models.CharField(max_length=500, default="", db_default="", blank=True)
    test_status = models.CharField(max_length=20, choices=TestStatus.choices)
    error_details = models.TextField(default="", db_default="", blank=True)
    performance_metrics = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    backwards_compatible = models.BooleanField(null=True, blank=True)
    tested_by = models.CharField(max_length=200)
    tested_at = models.DateTimeField(db_default=TransactionNow())
    retest_required = models.BooleanField(default=False, db_default=False)
    notes = models.TextField(default="", db_default="", blank=True)

    history = RowHistory("test_result_history")

    class Meta:
        db_table = "v7_test_results"
        ordering = ["-tested_at"]
        indexes = [models.Index(fields=["test_status"], name="idx_test_results_status")]
        constraints = [
            one_of("test_type", TestType.values, "test_results_test_type_check"),
            one_of("test_status", TestStatus.values, "test_results_test_status_check"),
            json_is("performance_metrics", "object", "test_results_performance_metrics_check"),
        ]

    def __str__(self) -> str:
        return f"{self.test_type} test of {self.component_tested}: {self.test_status}"

    def _stamp(self, now: datetime) -> None:
        """Keep ``tested_at`` as recorded: a result has no ``updated_at``."""
