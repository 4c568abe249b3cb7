"""Tasks: the list, and the page with what the document says about the task and what can be done now."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django_filters.views import FilterView
from django_tables2 import SingleTableMixin

from tracking import catalogue, services
from tracking.actors import meant_by
from tracking.filters import TaskFilter
from tracking.machines import TASK
from tracking.models import SubworkflowTask
from tracking.tables import TaskTable
from tracking.views.acting import Service, actor_of, move, moves, seen_at
from v7migration.errors import HomeMoving, V7Error
from v7migration.middleware import status_of
from v7migration.pipeline import tasks
from v7migration.pipeline.integrate.dart import recording

SERVICES: dict[str, Service] = {
    "start": services.task_start,
    "block": services.task_block,
    "unblock": services.task_unblock,
    "submit": services.task_submit,
    "send_back": services.task_send_back,
    "complete": services.task_complete,
    "cancel": services.task_cancel,
    "defer": services.task_defer,
    "reopen": services.task_reopen,
}
FROM_EVIDENCE = frozenset({"submit", "complete"})


class TaskList(LoginRequiredMixin, SingleTableMixin, FilterView):  # type: ignore[misc]
    """All tasks, by phase and number."""

    table_class = TaskTable
    filterset_class = TaskFilter
    template_name = "pages/table.html"
    table_pagination = {"per_page": 50}
    extra_context = {"title": "Tasks", "lead": "What each phase consists of, who is responsible, and where it stands."}

    def get_queryset(self) -> QuerySet[SubworkflowTask]:
        """Return the tasks with their phases."""
        return SubworkflowTask.objects.select_related("parent_phase")


@login_required
@require_safe
def task_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one task."""
    return _page(request, _get(pk))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_move(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """Make a transition of a task."""
    task = _get(pk)

    def page(refusal: V7Error, status: int) -> HttpResponse:
        return _page(request, _get(pk), refusal=refusal, status=status)

    back = reverse("task", args=[pk])
    return move(request, name=name, services=SERVICES, row={"task": task}, back=back, page=page)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def task_dart(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Record the task's id in DART by hand."""
    task = _get(pk)
    if request.method == "POST":
        try:
            recording.record_task(
                task=task, actor=actor_of(request), dart_id=request.POST.get("dart_id", ""), seen_at=seen_at(request)
            )
        except HomeMoving:
            raise
        except V7Error as refusal:
            return _page(request, _get(pk), refusal=refusal, status=status_of(refusal))
        messages.success(request, "The DART id is recorded.")
    return redirect("task", pk=pk)


def _get(pk: UUID) -> SubworkflowTask:
    return get_object_or_404(SubworkflowTask.objects.select_related("parent_phase"), pk=pk)


def _by_hand(task: SubworkflowTask) -> dict[str, Service]:
    """Return the services that the task's page offers; evidence completes a proven task, not a button."""
    return {name: service for name, service in SERVICES.items() if name not in FROM_EVIDENCE or not task.is_proven}


def _page(
    request: HttpRequest, task: SubworkflowTask, *, refusal: V7Error | None = None, status: int = 200
) -> HttpResponse:
    waits_for = {row.pk: row for row in SubworkflowTask.objects.filter(pk__in=task.dependencies)}
    context: dict[str, Any] = {
        "title": task.task_name,
        "task": task,
        "entry": catalogue.entry(task.parent_phase_id, task.task_number),
        "moves": moves(task, TASK, _by_hand(task), reverse("task", args=[task.pk])),
        "proofs": tasks.proofs(task),
        "dart_id": request.POST.get("dart_id", task.dart_task_id or ""),
        "may_move": actor_of(request).holds_any(meant_by(task.responsible_persona)),
        "dependencies": [waits_for[key] for key in task.dependencies if key in waits_for],
        "missing": [key for key in task.dependencies if key not in waits_for],
        "dependents": SubworkflowTask.objects.filter(dependencies__contains=[task.pk]),
        "history": task.history.all()[:8],
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "pages/task.html", context, status=status)
