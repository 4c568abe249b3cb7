"""v7_subworkflow_tasks: the tasks of each phase."""

from __future__ import annotations

from uuid import UUID

from django.contrib.postgres.fields import ArrayField
from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q, Value

from tracking import catalogue
from tracking.choices import TaskStatus
from tracking.machines import TASK
from tracking.models.base import RowHistory, TrackedRow, move, one_of, state_field
from tracking.models.enum_migration import lines
from tracking.models.phase import Phase

DART_TASK_ID = r"^[A-Za-z0-9]{12}$"


def dependencies_are_completed(task: SubworkflowTask) -> bool:
    """Say whether every task this one waits for is completed; a dependency that does not exist is not."""
    wanted = set(task.dependencies)
    done = SubworkflowTask.objects.filter(pk__in=wanted, status=TaskStatus.COMPLETED).count()
    return done == len(wanted)


class SubworkflowTask(TrackedRow):
    """One task of a phase. In Phase 4 the numbers 1 to 8 stand for the document's tasks 2.1.1 to 2.3.2."""

    parent_phase = models.ForeignKey(
        Phase,
        on_delete=models.PROTECT,
        to_field="phase_number",
        db_column="parent_phase",
        db_index=False,
        related_name="tasks",
    )
    task_number = models.IntegerField()
    task_name = models.CharField(max_length=200)
    responsible_persona = models.CharField(max_length=100)
    status = state_field(TASK, TaskStatus.choices)
    # NULL: not in DART yet. Existing queries look for completed tasks whose id IS NULL.
    dart_task_id = models.CharField(  # noqa: DJ001
        max_length=50,
        null=True,
        blank=True,
        validators=[RegexValidator(DART_TASK_ID, "A DART id is 12 letters and digits.")],
    )
    dart_task_url = models.CharField(max_length=500, null=True, blank=True)  # noqa: DJ001
    started_at = models.DateTimeField(null=True, blank=True)
    completed_at = models.DateTimeField(null=True, blank=True)
    blockers = lines()
    dependencies: ArrayField[list[UUID], list[UUID]] = ArrayField(
        models.UUIDField(), default=list, db_default=Value([], ArrayField(models.UUIDField())), blank=True
    )
    deliverable_urls = lines()
    notes = models.TextField(default="", db_default="", blank=True)

    history = RowHistory("subworkflow_task_history", no_db_index=["parent_phase"])

    class Meta:
        db_table = TASK.table
        ordering = ["parent_phase", "task_number"]
        verbose_name = "task"
        indexes = [models.Index(fields=["status"], name="idx_subworkflow_status")]
        constraints = [
            models.UniqueConstraint(fields=["parent_phase", "task_number"], name="subworkflow_tasks_number_key"),
            models.CheckConstraint(condition=Q(task_number__gte=1), name="subworkflow_tasks_number_check"),
            one_of("status", TaskStatus.values, "subworkflow_tasks_status_check"),
        ]

    def __str__(self) -> str:
        return f"Task {self.document_number}: {self.task_name}"

    @property
    def document_number(self) -> str:
        """Return the number the phase document gives the task (``2.1.1``), else phase and task number (``1.3``)."""
        described = catalogue.entry(self.parent_phase_id, self.task_number)
        return described.document_number if described else f"{self.parent_phase_id}.{self.task_number}"

    @property
    def is_proven(self) -> bool:
        """Say whether the task is one of the document's: it completes from its evidence, and nobody by hand."""
        return catalogue.entry(self.parent_phase_id, self.task_number) is not None

    @property
    def is_of_a_run(self) -> bool:
        """Say whether its evidence is a run's, so that a rollback takes the evidence away."""
        described = catalogue.entry(self.parent_phase_id, self.task_number)
        return described is not None and described.is_of_a_run

    @move(TASK, conditions=[dependencies_are_completed])
    def start(self) -> None:
        """Begin the task."""

    @move(TASK)
    def block(self) -> None:
        """Stop until a blocker is gone."""

    @move(TASK)
    def unblock(self) -> None:
        """Return a task that was blocked before it began to the waiting ones."""

    @move(TASK, conditions=[dependencies_are_completed])
    def resume(self) -> None:
        """Go on with a task that was blocked while it was under way."""

    @move(TASK)
    def submit(self) -> None:
        """Hand the result over for review."""

    @move(TASK)
    def take_back(self) -> None:
        """Return the task to the waiting ones: the run that was its evidence was taken back."""

    @move(TASK)
    def send_back(self) -> None:
        """Return the result for more work."""

    @move(TASK, conditions=[dependencies_are_completed])
    def complete(self) -> None:
        """Accept the result."""

    @move(TASK)
    def cancel(self) -> None:
        """Give the task up for good."""

    @move(TASK)
    def defer(self) -> None:
        """Put the task off."""

    @move(TASK)
    def reopen(self) -> None:
        """Take up a deferred task again."""
