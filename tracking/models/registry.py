"""The registries of layers and workflows: data that staff edit, always in the control plane."""

from __future__ import annotations

from django.db import models


class Layer(models.Model):
    """A layer of the application and the persona that guards it."""

    number = models.IntegerField(primary_key=True)
    name = models.CharField(max_length=100)
    guardian = models.CharField(max_length=100, help_text="Name of the persona that guards this layer.")

    class Meta:
        db_table = "tracking_layer"
        ordering = ["number"]

    def __str__(self) -> str:
        return f"Layer {self.number}: {self.name}"


class WorkflowCode(models.Model):
    """A business workflow and the persona that speaks for it."""

    code = models.CharField(max_length=10, primary_key=True)
    name = models.CharField(max_length=100)
    persona = models.CharField(max_length=100, help_text="Name of the persona that speaks for this workflow.")

    class Meta:
        db_table = "tracking_workflow"
        ordering = ["code"]
        verbose_name = "workflow"

    def __str__(self) -> str:
        return f"{self.code} {self.name}"
