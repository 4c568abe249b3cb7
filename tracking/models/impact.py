"""v7_global_impacts: what a change means for every layer and workflow."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Value

from tracking.choices import ChangeType, ImpactStatus, Risk
from tracking.machines import IMPACT
from tracking.models.base import RowHistory, TrackedRow, json_is, move, one_of, state_field
from tracking.models.enum_migration import words


class GlobalImpact(TrackedRow):
    """One assessed impact of the migration."""

    change_type = models.CharField(max_length=20, choices=ChangeType.choices)
    change_detail = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    affected_workflows = words()
    affected_layers: ArrayField[list[int], list[int]] = ArrayField(
        models.IntegerField(), default=list, db_default=Value([], ArrayField(models.IntegerField())), blank=True
    )
    impact_description = models.TextField()
    risk_assessment = models.CharField(
        max_length=20, choices=Risk.choices, default=Risk.MEDIUM, db_default=Risk.MEDIUM.value
    )
    mitigation_strategy = models.TextField(default="", db_default="", blank=True)
    reviewed_by_personas = words()
    approval_status = state_field(IMPACT, ImpactStatus.choices)
    implementation_notes = models.TextField(default="", db_default="", blank=True)

    history = RowHistory("global_impact_history")

    class Meta:
        db_table = IMPACT.table
        ordering = ["-created_at"]
        verbose_name = "global impact"
        indexes = [models.Index(fields=["risk_assessment"], name="idx_global_impacts_risk")]
        constraints = [
            one_of("change_type", ChangeType.values, "global_impacts_change_type_check"),
            one_of("risk_assessment", Risk.values, "global_impacts_risk_assessment_check"),
            one_of("approval_status", ImpactStatus.values, "global_impacts_approval_status_check"),
            json_is("change_detail", "object", "global_impacts_change_detail_check"),
        ]

    def __str__(self) -> str:
        return f"{self.get_change_type_display()} impact: {self.impact_description[:60]}"

    @move(IMPACT)
    def review(self) -> None:
        """Take the impact into review, also again after a rejection."""

    @move(IMPACT)
    def approve(self) -> None:
        """Accept assessment and mitigation."""

    @move(IMPACT)
    def reject(self) -> None:
        """Refuse it; it can be reviewed again."""

    @move(IMPACT)
    def implement(self) -> None:
        """Record that the mitigation is in place."""
