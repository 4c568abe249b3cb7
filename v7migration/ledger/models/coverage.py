"""What people say of changes: a signed "no impact" in a layer, and what they mean for a workflow (document 2.1.3)."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from v7migration.ledger.appendonly import AppendOnly
from v7migration.ledger.models.evidence import Inventory


class NoImpact(AppendOnly):
    """A person, for a persona, signed that a change has no impact in a layer, for exactly this evidence."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    change = models.CharField(max_length=200, help_text="name of the V7 type")
    layer = models.IntegerField(null=True, blank=True, help_text="number of the layer; empty: files of no known layer")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    person_name = models.CharField(max_length=300, help_text="full name at the time of signing")
    persona = models.CharField(max_length=100)
    reason = models.TextField()
    statement = models.TextField()
    evidence = models.CharField(max_length=64, help_text="SHA-256 of the lines that the code map showed")
    code_map = models.ForeignKey(Inventory, on_delete=models.PROTECT, related_name="+", help_text="what was looked at")
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        ordering = ["-at"]
        verbose_name = "no impact"
        verbose_name_plural = "no impacts"
        indexes = [models.Index(fields=["change", "layer"], name="idx_ledger_noimpact_cell")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(change="") & ~Q(reason="") & ~Q(statement="") & ~Q(evidence="") & ~Q(persona=""),
                name="ledger_noimpact_complete",
            ),
        ]

    def __str__(self) -> str:
        where = "files of no known layer" if self.layer is None else f"layer {self.layer}"
        return f"{self.change} has no impact in {where}, signed by {self.by}"


class BusinessImpact(AppendOnly):
    """What an impact means for the business of one workflow, in the words of its Workflow Persona."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    impact = models.UUIDField(help_text="id of the row in v7_global_impacts, in either home")
    workflow = models.CharField(max_length=10)
    persona = models.CharField(max_length=100)
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    text = models.TextField()

    class Meta:
        ordering = ["at"]
        indexes = [models.Index(fields=["impact"], name="idx_ledger_businessimpact")]
        constraints = [
            models.CheckConstraint(
                condition=~Q(text="") & ~Q(workflow="") & ~Q(persona=""), name="ledger_businessimpact_complete"
            ),
        ]

    def __str__(self) -> str:
        return f"business impact on {self.workflow} by {self.by}"
