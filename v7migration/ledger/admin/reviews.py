"""The admin of reviews, acceptances and required modifications, read-only."""

from __future__ import annotations

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from v7migration.adminsite import ReadOnlyAdmin, column, document
from v7migration.ledger.models import Acceptance, Modification, Review


@admin.register(Review)
class ReviewAdmin(ReadOnlyAdmin):
    """Reviews, newest first."""

    list_display = ["at", "verdict", "script", "by"]
    list_filter = ["verdict", "by", "at"]
    search_fields = ["script__sha256", "by"]
    date_hierarchy = "at"
    fields = [("at", "by"), ("verdict", "rehearsal"), "script", "contents"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Review]:
        """Leave the documents out: each may hold thousands of findings."""
        rows: QuerySet[Review] = super().get_queryset(request)
        return rows.defer("document")

    @column("Findings")
    def contents(self, row: Review) -> SafeString:
        """Count the findings by severity."""
        found = [finding["severity"] for finding in row.document["findings"]]
        return document({severity: found.count(severity) for severity in ("refuse", "accept", "advice")})


@admin.register(Acceptance)
class AcceptanceAdmin(ReadOnlyAdmin):
    """Findings that people accepted by name."""

    list_display = ["at", "finding", "line", "by", "reason"]
    list_filter = ["finding", "by", "at"]
    search_fields = ["finding", "message", "reason", "by"]
    date_hierarchy = "at"
    fields = [("at", "by"), ("finding", "line"), "message", "reason", "review", "script"]


@admin.register(Modification)
class ModificationAdmin(ReadOnlyAdmin):
    """Modifications that reviews required."""

    list_display = ["at", "by", "text", "review"]
    list_filter = ["by", "at"]
    search_fields = ["text", "by"]
    date_hierarchy = "at"
    fields = [("at", "by"), "text", "review"]
