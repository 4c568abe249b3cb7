"""The admin of the outbox of DART, read-only: its page retries and records."""

from __future__ import annotations

from django.contrib import admin

from v7migration.adminsite import ReadOnlyAdmin
from v7migration.ledger.models import DartDelivery, DartLink


@admin.register(DartDelivery)
class DartDeliveryAdmin(ReadOnlyAdmin):
    """What DART is to hold, and what became of it."""

    list_display = ["id", "kind", "words", "state", "attempts", "queued_at", "dart_id", "recorded_by"]
    list_filter = ["state", "kind", "queued_at"]
    search_fields = ["key", "subject", "dart_id", "last_error"]
    date_hierarchy = "queued_at"
    fields = [
        ("kind", "state"), ("key", "subject"), "payload", ("attempts", "next_try_at", "sent_at"), "last_error",
        ("dart_id", "dart_url"), ("queued_at", "queued_by"), ("delivered_at", "recorded_by"),
    ]  # fmt: skip


@admin.register(DartLink)
class DartLinkAdmin(ReadOnlyAdmin):
    """What both sides said of each task."""

    list_display = ["task", "dart_id", "compared_at"]
    list_filter = ["compared_at"]
    search_fields = ["task", "dart_id"]
    date_hierarchy = "compared_at"
    fields = [("task", "dart_id"), "compared_at", "in_table", "in_dart", "differences"]
