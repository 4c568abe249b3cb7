"""ENUM migrations: the list, and the page of one with what it takes the place of."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe
from django_filters.views import FilterView
from django_tables2 import SingleTableMixin

from tracking import services
from tracking.filters import EnumFilter
from tracking.machines import ENUM_MIGRATION
from tracking.models import EnumMigration
from tracking.tables import EnumTable
from tracking.views.acting import Service, move, moves
from tracking.views.voiding import refused_until_confirmed, voided
from v7migration.errors import V7Error

SERVICES: dict[str, Service] = {
    "approve": services.enum_migration_approve,
    "implement": services.enum_migration_implement,
    "confirm": services.enum_migration_confirm,
    "retire": services.enum_migration_retire,
    "roll_back": services.enum_migration_roll_back,
    "propose_again": services.enum_migration_propose_again,
}


class EnumList(LoginRequiredMixin, SingleTableMixin, FilterView):  # type: ignore[misc]
    """The ENUM types of the target that become one."""

    table_class = EnumTable
    filterset_class = EnumFilter
    template_name = "pages/table.html"
    table_pagination = {"per_page": 50}
    extra_context = {
        "title": "ENUM migrations",
        "lead": "Which ENUM type of the target takes the place of which others. Accepting an ENUM group writes them.",
        "new": ("enum-groups", "ENUM groups"),
    }

    def get_queryset(self) -> QuerySet[EnumMigration]:
        """Return the rows, by V7 type."""
        return EnumMigration.objects.all()


@login_required
@require_safe
def enum_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show one ENUM migration."""
    return _page(request, get_object_or_404(EnumMigration, pk=pk))


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def enum_move(request: HttpRequest, pk: UUID, name: str) -> HttpResponse:
    """Make a transition of an ENUM migration; signed rows change only after a confirmation."""
    row = get_object_or_404(EnumMigration, pk=pk)

    def page(refusal: V7Error, status: int) -> HttpResponse:
        return _page(request, get_object_or_404(EnumMigration, pk=pk), refusal=refusal, status=status)

    if (refusal := refused_until_confirmed(request)) is not None:
        return page(refusal, 409)
    return move(request, name=name, services=SERVICES, row={"row": row}, back=reverse("enum", args=[pk]), page=page)


def _page(
    request: HttpRequest, row: EnumMigration, *, refusal: V7Error | None = None, status: int = 200
) -> HttpResponse:
    context: dict[str, Any] = {
        "title": row.current_enum_name,
        "row": row,
        "moves": moves(row, ENUM_MIGRATION, SERVICES, reverse("enum", args=[row.pk])),
        "siblings": EnumMigration.objects.filter(v7_enum_name=row.v7_enum_name).exclude(pk=row.pk),
        "history": row.history.all()[:8],
        "refusal": refusal,
        "reason": request.POST.get("reason", ""),
        "voids": voided(),
    }
    return render(request, "pages/enum.html", context, status=status)
