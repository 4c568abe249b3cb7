"""v7_migration_workflow: the seven phases."""

from __future__ import annotations

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q, Value

from tracking.catalogue import DATABASE_PHASE
from tracking.choices import PhaseStatus
from tracking.machines import PHASE
from tracking.models.base import RowHistory, TrackedRow, json_is, move, one_of, state_field


def previous_phase_is_completed(phase: Phase) -> bool:
    """Say whether the phase may start: the one before it is completed (the Database Phase is built first)."""
    if phase.phase_number in (1, DATABASE_PHASE):
        return True
    before = Phase.objects.filter(phase_number=phase.phase_number - 1)
    return before.filter(status=PhaseStatus.COMPLETED).exists()


class Phase(TrackedRow):
    """One of the seven phases, with its lead, its review gate and what blocks it."""

    phase_number = models.IntegerField(unique=True, validators=[MinValueValidator(1), MaxValueValidator(7)])
    phase_name = models.CharField(max_length=100)
    status = state_field(PHASE, PhaseStatus.choices)
    lead_persona = models.CharField(max_length=100)
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    # NULL: nobody has decided. Existing queries test for it.
    approval_status = models.CharField(max_length=50, null=True, blank=True)  # noqa: DJ001
    approved_by = models.CharField(max_length=200, null=True, blank=True)  # noqa: DJ001
    approval_notes = models.TextField(null=True, blank=True)  # noqa: DJ001
    deliverables = models.JSONField(default=dict, db_default=Value({}, models.JSONField()), blank=True)
    blockers = models.JSONField(default=list, db_default=Value([], models.JSONField()), blank=True)

    history = RowHistory("phase_history", no_db_index=["phase_number"])

    class Meta:
        db_table = PHASE.table
        ordering = ["phase_number"]
        indexes = [models.Index(fields=["status"], name="idx_v7_workflow_status")]
        constraints = [
            models.CheckConstraint(
                condition=Q(phase_number__gte=1, phase_number__lte=7), name="workflow_phase_number_check"
            ),
            one_of("status", PhaseStatus.values, "workflow_status_check"),
            json_is("deliverables", "object", "workflow_deliverables_check"),
            json_is("blockers", "array", "workflow_blockers_check"),
        ]

    def __str__(self) -> str:
        return f"Phase {self.phase_number}: {self.phase_name}"

    @move(PHASE, conditions=[previous_phase_is_completed])
    def start(self) -> None:
        """Begin the phase, or begin it again after a rollback."""

    @move(PHASE)
    def submit_for_review(self) -> None:
        """Hand the phase's results to its review gate."""

    @move(PHASE)
    def send_back(self) -> None:
        """Return a phase in review to work."""

    @move(PHASE)
    def approve(self) -> None:
        """Accept the reviewed results."""

    @move(PHASE)
    def complete(self) -> None:
        """Close the phase; the next one may start."""

    @move(PHASE)
    def block(self) -> None:
        """Stop the phase until a blocker is gone."""

    @move(PHASE)
    def unblock(self) -> None:
        """Go on after a blocker."""

    @move(PHASE)
    def roll_back(self) -> None:
        """Take the phase's results back; it can be started again."""
