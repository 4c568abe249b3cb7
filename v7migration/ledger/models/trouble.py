"""Incidents and emergencies: what must be understood before the next attempt (document 5)."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils import timezone
from django_fsm import ConcurrentTransitionMixin, FSMField, transition

from v7migration.ledger.appendonly import AppendOnly
from v7migration.ledger.models.runs import Run

if TYPE_CHECKING:
    Racing = models.Model  # the library is untyped: as a base it would take the types of every column away
else:

    class Racing(ConcurrentTransitionMixin, models.Model):
        class Meta:
            abstract = True


class Contested(Racing):
    """A row whose state only transitions change; of two people who move it at once, the database lets one."""

    class Meta:
        abstract = True


class Incident(Contested):
    """Something that must be understood before the next attempt (document 5.4, steps 5 and 6).

    It is open until somebody documents root cause and remediation, and blocks until somebody else has reviewed them.
    """

    class State(models.TextChoices):
        OPEN = "open"
        REMEDIATED = "remediated"
        REVIEWED = "reviewed"
        CLOSED = "closed"

    class Kind(models.TextChoices):
        EXECUTION = "execution"
        INDEX = "index"
        ROLLBACK = "rollback"
        CONFLICT = "conflict"
        ENVIRONMENT = "environment"
        VALIDATION = "validation"
        PERFORMANCE = "performance"
        INTEGRATION = "integration"
        EMERGENCY = "emergency"
        SECURITY = "security"

    class Severity(models.TextChoices):
        LOW = "low"
        MEDIUM = "medium"
        HIGH = "high"
        CRITICAL = "critical"

    UNREVIEWED = (State.OPEN, State.REMEDIATED)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    run = models.ForeignKey(Run, null=True, blank=True, on_delete=models.PROTECT, related_name="incidents")
    step = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=12, choices=Kind.choices, default=Kind.EXECUTION)
    severity = models.CharField(max_length=8, choices=Severity.choices, default=Severity.HIGH)
    assigned_to = models.CharField(max_length=100, blank=True, help_text="the persona whose turn it is")
    title = models.CharField(max_length=300)
    detail = models.JSONField(default=dict)
    blocking = models.BooleanField(default=True, help_text="a documented index failure does not block")
    state = FSMField(max_length=12, choices=State.choices, default=State.OPEN, protected=True)
    opened_at = models.DateTimeField(db_default=Now())
    opened_by = models.CharField(max_length=150)
    root_cause = models.TextField(blank=True)
    remediation = models.TextField(blank=True)
    remediated_by = models.CharField(max_length=150, blank=True)
    remediated_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.CharField(max_length=150, blank=True)
    reviewed_at = models.DateTimeField(null=True, blank=True)
    review_note = models.TextField(blank=True)

    class Meta:
        ordering = ["-opened_at"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["open", "remediated", "reviewed", "closed"]), name="ledger_incident_state_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    kind__in=[
                        *("execution", "index", "rollback", "conflict", "environment"),
                        *("validation", "performance", "integration", "emergency", "security"),
                    ]
                ),
                name="ledger_incident_kind_known",
            ),
            models.CheckConstraint(
                condition=Q(severity__in=["low", "medium", "high", "critical"]), name="ledger_incident_severity_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="reviewed")
                | (Q(reviewed_at__isnull=False) & ~Q(reviewed_by="") & ~Q(remediated_by="")),
                name="ledger_incident_reviewed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(reviewed_by="") | ~Q(reviewed_by=F("remediated_by")),
                name="ledger_incident_reviewed_by_another",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title} ({self.state})"

    @transition(field=state, source=State.OPEN, target=State.REMEDIATED)
    def remediate(self, *, actor: str, root_cause: str, remediation: str) -> None:
        """Take root cause and remediation; an earlier review was of other words."""
        self.root_cause, self.remediation = root_cause, remediation
        self.remediated_by, self.remediated_at = actor, timezone.now()
        self.reviewed_by, self.reviewed_at, self.review_note = "", None, ""

    @transition(field=state, source=State.REMEDIATED, target=State.REVIEWED)
    def accept(self, *, reviewer: str, note: str) -> None:
        """Take the acceptance of a reviewer."""
        self.reviewed_by, self.reviewed_at, self.review_note = reviewer, timezone.now(), note

    @transition(field=state, source=State.REMEDIATED, target=State.OPEN)
    def send_back(self, *, reviewer: str, note: str) -> None:
        """Take the rejection of a reviewer; the words stay, to be corrected."""
        self.reviewed_by, self.reviewed_at, self.review_note = reviewer, timezone.now(), note

    @transition(field=state, source=State.REVIEWED, target=State.CLOSED)
    def close(self) -> None:
        """End it: what it was about is over."""


class Emergency(Contested):
    """The emergency protocol of document 5.4 for one execution: six steps, each with time, person and evidence."""

    class State(models.TextChoices):
        DECLARED = "declared"
        STOPPED = "stopped"
        NOTIFIED = "notified"
        ROLLED_BACK = "rolled_back"
        STABLE = "stable"
        EXPLAINED = "explained"
        CLOSED = "closed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    run = models.OneToOneField(Run, on_delete=models.PROTECT, related_name="emergency", help_text="the execution")
    incident = models.ForeignKey(Incident, on_delete=models.PROTECT, related_name="+")
    state = FSMField(max_length=12, choices=State.choices, default=State.DECLARED, protected=True)
    declared_at = models.DateTimeField(db_default=Now())
    declared_by = models.CharField(max_length=150)

    class Meta:
        ordering = ["-declared_at"]
        verbose_name_plural = "emergencies"
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=["declared", "stopped", "notified", "rolled_back", "stable", "explained", "closed"]
                ),
                name="ledger_emergency_state_known",
            ),
        ]

    def __str__(self) -> str:
        return f"emergency of run {str(self.run_id)[:8]}: {self.state}"

    @transition(field=state, source=State.DECLARED, target=State.STOPPED)
    def stop(self) -> None:
        """1. All work has stopped."""

    @transition(field=state, source=State.STOPPED, target=State.NOTIFIED)
    def notify(self) -> None:
        """2. The Architect and DB Team Lead were told."""

    @transition(field=state, source=State.NOTIFIED, target=State.ROLLED_BACK)
    def roll_back(self) -> None:
        """3. The rows are home and Section 9 has committed."""

    @transition(field=state, source=State.ROLLED_BACK, target=State.STABLE)
    def verify(self) -> None:
        """4. The target is stable."""

    @transition(field=state, source=State.STABLE, target=State.EXPLAINED)
    def explain(self) -> None:
        """5. The root cause is documented."""

    @transition(field=state, source=State.EXPLAINED, target=State.CLOSED)
    def close(self) -> None:
        """6. The remediation is planned and reviewed: the next attempt may begin."""

    @transition(field=state, source=State.EXPLAINED, target=State.STABLE)
    def ask_again(self) -> None:
        """A reviewer sent root cause and remediation back."""


class EmergencyStep(AppendOnly):
    """One step of the protocol as it was taken. Steps 5 and 6 stand again after a reviewer sent them back."""

    id = models.BigAutoField(primary_key=True)
    emergency = models.ForeignKey(Emergency, on_delete=models.PROTECT, related_name="steps")
    number = models.IntegerField(help_text="1 to 6, as in document 5.4")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    evidence = models.JSONField(help_text="a sentence under 'found', and what it rests on")

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(condition=Q(number__gte=1, number__lte=6), name="ledger_emergencystep_number_known"),
        ]

    def __str__(self) -> str:
        return f"step {self.number} of the emergency {str(self.emergency_id)[:8]}"
