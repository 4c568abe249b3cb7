"""The admin of validations and accepted failures, read-only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from v7migration.adminsite import ReadOnlyAdmin, column, document
from v7migration.ledger.models import AcceptedFailure, Validation


@admin.register(Validation)
class ValidationAdmin(ReadOnlyAdmin):
    """Validations, newest first."""

    list_display = ["at", "run", "ok", "by"]
    list_filter = ["ok", "by", "at"]
    search_fields = ["run__id__iexact", "by"]
    date_hierarchy = "at"
    fields = [("at", "by"), ("run", "ok"), "contents"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Validation]:
        """Leave the documents out: each holds every check with its evidence."""
        rows: QuerySet[Validation] = super().get_queryset(request)
        return rows.defer("document").select_related("run")

    @column("Checks")
    def contents(self, row: Validation) -> SafeString:
        """Count the checks, and name those that fail."""
        checks = row.document["checks"]
        return document({"checks": len(checks), "failed": [check["name"] for check in checks if not check["ok"]]})


@admin.register(AcceptedFailure)
class AcceptedFailureAdmin(ReadOnlyAdmin):
    """Failed checks that a Test Sentinel accepted by name."""

    list_display = ["at", "check_name", "grade", "by", "reason"]
    list_filter = ["grade", "by", "at"]
    search_fields = ["check_name", "found", "reason", "by"]
    date_hierarchy = "at"
    fields = [("at", "by"), ("check_name", "grade"), "found", "reason", "evidence", ("run", "validation")]
