"""What goes to DART, and what was last seen of each task on both sides (document 2.3.2, action 4)."""

from __future__ import annotations

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class DartDelivery(models.Model):
    """One thing that DART is to hold: a task of the tables, a request for review, a comment, the kickoff of Phase 5.

    It is queued by what happened and delivered later, once for each key, however often the delivery is tried.
    """

    class Kind(models.TextChoices):
        TASK = "task", "Task"
        REVIEW = "review", "Request for review"
        COMMENT = "comment", "Comment"
        KICKOFF = "kickoff", "Kickoff of Phase 5"

    class State(models.TextChoices):
        QUEUED = "queued", "Queued"
        DELIVERED = "delivered", "Delivered"
        DEAD = "dead", "Given up"

    id = models.BigAutoField(primary_key=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    subject = models.CharField(max_length=64, help_text="id of the task, changeset, incident or run it is about")
    key = models.CharField(max_length=200, unique=True, help_text="what it is, so that it is queued and sent once")
    payload = models.JSONField(help_text="what DART is to hold")
    revision = models.IntegerField(default=1, help_text="counts the changes of the payload")
    state = models.CharField(max_length=10, choices=State.choices, default=State.QUEUED)
    attempts = models.IntegerField(default=0, help_text="failed tries that count")
    next_try_at = models.DateTimeField(db_default=Now())
    sent_at = models.DateTimeField(null=True, blank=True, help_text="sent, and no answer came yet: look before again")
    last_error = models.TextField(blank=True)
    dart_id = models.CharField(max_length=50, blank=True)
    dart_url = models.CharField(max_length=500, blank=True)
    queued_at = models.DateTimeField(db_default=Now())
    queued_by = models.CharField(max_length=150, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    recorded_by = models.CharField(
        max_length=150, blank=True, help_text="who recorded the id by hand; empty: delivered"
    )

    class Meta:
        ordering = ["id"]
        verbose_name = "DART delivery"
        verbose_name_plural = "DART deliveries"
        indexes = [models.Index(fields=["state", "next_try_at"], name="idx_ledger_dartdelivery_due")]
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["task", "review", "comment", "kickoff"]), name="ledger_dartdelivery_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(state__in=["queued", "delivered", "dead"]), name="ledger_dartdelivery_state_known"
            ),
            models.CheckConstraint(
                condition=~Q(state="delivered") | (~Q(dart_id="") & Q(delivered_at__isnull=False)),
                name="ledger_dartdelivery_delivered_somewhere",
            ),
            models.UniqueConstraint(
                fields=["dart_id"],
                condition=Q(kind__in=["task", "review", "kickoff"]) & ~Q(dart_id=""),
                name="ledger_dartdelivery_id_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.subject[:12]}: {self.state}"

    @property
    def words(self) -> str:
        """Return its title, or the first line of a comment."""
        return str(self.payload.get("title") or self.payload.get("text", "").split("\n")[0])


class DartLink(models.Model):
    """What both sides said of a task when they were last compared: tells who changed what since."""

    task = models.UUIDField(primary_key=True, help_text="id of the row in v7_subworkflow_tasks, in either home")
    dart_id = models.CharField(max_length=50)
    in_table = models.JSONField(help_text="the task as the table had it")
    in_dart = models.JSONField(help_text="the task as DART had it")
    differences = models.JSONField(default=list, help_text="where the two still differ, with both values")
    compared_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["task"]
        verbose_name = "DART link"

    def __str__(self) -> str:
        return f"{self.dart_id} of task {self.task}"
