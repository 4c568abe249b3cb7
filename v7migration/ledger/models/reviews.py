"""Reviews of scripts, what was accepted by name in them, and what they required: written once (document 2.1.2)."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from v7migration.ledger.appendonly import AppendOnly
from v7migration.ledger.models.evidence import Rehearsal, Script


class Review(AppendOnly):
    """One review of exactly these bytes: its findings and its verdict."""

    class Verdict(models.TextChoices):
        REFUSE = "refuse", "Refused"
        ACCEPT = "accept", "To be accepted"
        CLEAN = "clean", "Clean"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="reviews")
    rehearsal = models.ForeignKey(Rehearsal, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    document = models.JSONField(help_text="findings, conflicts, what Squawk said")

    class Meta:
        ordering = ["-at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["refuse", "accept", "clean"]), name="ledger_review_verdict_known"
            ),
        ]

    def __str__(self) -> str:
        return f"review of {self.script_id[:12]}: {self.verdict}"


class Acceptance(AppendOnly):
    """A finding that a person accepted by name, with the reason, for exactly these bytes."""

    id = models.BigAutoField(primary_key=True)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="acceptances")
    script = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64, help_text="SHA-256 of the finding's id, line and message")
    finding = models.CharField(max_length=80, help_text="the finding's id")
    line = models.IntegerField()
    message = models.TextField()
    statement = models.CharField(max_length=64, blank=True, help_text="SHA-256 of the statement's text")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    reason = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["script", "key"], name="ledger_acceptance_once"),
            models.CheckConstraint(condition=~Q(reason=""), name="ledger_acceptance_has_reason"),
        ]

    def __str__(self) -> str:
        return f"{self.finding} in line {self.line} accepted by {self.by}"


class Modification(AppendOnly):
    """A modification of the script that its review required."""

    id = models.BigAutoField(primary_key=True)
    review = models.ForeignKey(Review, on_delete=models.PROTECT, related_name="modifications")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    text = models.TextField()

    class Meta:
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="ledger_modification_has_text")]

    def __str__(self) -> str:
        return f"modification required by {self.by}"
