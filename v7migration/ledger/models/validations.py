"""Validations of a run by a Test Sentinel, and failures that were accepted by name, written once (document 2.3.1)."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from v7migration.ledger.appendonly import AppendOnly
from v7migration.ledger.models.runs import Run


class Validation(AppendOnly):
    """One validation of a finished run: every check with its evidence, and who made it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="validations")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    ok = models.BooleanField()
    document = models.JSONField(help_text="every check with its evidence, what was recorded in v7_test_results")

    class Meta:
        ordering = ["-at"]
        constraints = [models.CheckConstraint(condition=~Q(by=""), name="ledger_validation_names_its_person")]

    def __str__(self) -> str:
        return f"validation of run {str(self.run_id)[:8]} by {self.by}: {'green' if self.ok else 'red'}"


class AcceptedFailure(AppendOnly):
    """A check that fails and may stand: accepted by name, with grade and reason, for exactly this evidence."""

    id = models.BigAutoField(primary_key=True)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="accepted_failures")
    validation = models.ForeignKey(Validation, on_delete=models.PROTECT, related_name="accepted")
    check_name = models.CharField(max_length=300)
    evidence = models.CharField(max_length=64, help_text="SHA-256 of what was expected and what was found")
    found = models.TextField(help_text="what was found, in words")
    grade = models.CharField(max_length=8)
    reason = models.TextField()
    by = models.CharField(max_length=150)
    at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["run", "check_name", "evidence"], name="ledger_acceptedfailure_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="ledger_acceptedfailure_has_reason"),
            models.CheckConstraint(
                condition=Q(grade__in=["low", "medium", "high"]), name="ledger_acceptedfailure_not_critical"
            ),
        ]

    def __str__(self) -> str:
        return f"failure of {self.check_name} accepted by {self.by}"
