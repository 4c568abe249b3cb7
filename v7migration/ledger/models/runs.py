"""Runs and their steps, and how fast the target answered around them."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from v7migration.ledger.appendonly import AppendOnly
from v7migration.ledger.models.evidence import Changeset


class RunState(models.TextChoices):
    """Where a run stands."""

    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    FINISHED = "finished"
    ROLLED_BACK = "rolled_back"


class Run(models.Model):
    """One execution of a changeset, or one rollback of an execution."""

    class Kind(models.TextChoices):
        EXECUTE = "execute"
        ROLLBACK = "rollback"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    changeset = models.ForeignKey(Changeset, on_delete=models.PROTECT, related_name="runs")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    undoes = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="rollbacks")
    operator = models.CharField(max_length=150)
    state = models.CharField(max_length=12, choices=RunState.choices, default=RunState.RUNNING)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    populated = models.BooleanField(default=False, help_text="the population committed: the target is the home")
    stop_requested_by = models.CharField(max_length=150, blank=True)
    report = models.JSONField(default=dict, help_text="integrity proof, verbatim queries, differences")

    class Meta:
        ordering = ["-started_at"]
        constraints = [
            models.CheckConstraint(condition=Q(state__in=RunState.values), name="ledger_run_state_known"),
            models.UniqueConstraint(
                fields=["changeset"],
                condition=Q(kind="execute"),
                name="ledger_run_once_per_changeset",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {str(self.id)[:8]} of {self.changeset_id[:12]}: {self.state}"


class RunStep(models.Model):
    """One attempt at one step: the intent before, the outcome after. The truth is the target's run_ledger."""

    class State(models.TextChoices):
        INTENT = "intent"
        COMMITTED = "committed"
        FAILED = "failed"
        SKIPPED = "skipped"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="steps")
    key = models.CharField(max_length=20)
    section = models.IntegerField()
    title = models.CharField(max_length=300)
    attempt = models.IntegerField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.INTENT)
    digest = models.CharField(max_length=64)
    transaction_id = models.CharField(max_length=20, blank=True)
    backend_pid = models.IntegerField(null=True, blank=True)
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True, blank=True)
    milliseconds = models.FloatField(null=True, blank=True)
    detail = models.JSONField(default=dict, help_text="error with SQLSTATE and line, waits, notices")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["intent", "committed", "failed", "skipped"]), name="ledger_runstep_state_known"
            ),
            models.UniqueConstraint(fields=["run", "key", "attempt"], name="ledger_runstep_attempt_once"),
        ]

    def __str__(self) -> str:
        return f"step {self.key} attempt {self.attempt}: {self.state}"


class Baseline(AppendOnly):
    """How fast the target answered at one moment (documents 2.1.1, 5.3): before a run, or after the one it names."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    taken_at = models.DateTimeField(db_default=Now())
    taken_by = models.CharField(max_length=150, blank=True)
    target_name = models.CharField(max_length=300)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.PROTECT, related_name="measurements")
    document = models.JSONField(help_text="queries with milliseconds and plans, sizes, use of the indexes")

    class Meta:
        ordering = ["-taken_at"]

    def __str__(self) -> str:
        return f"measurement of {self.target_name}"
