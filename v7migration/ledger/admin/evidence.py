"""The admin of what was found and frozen, read-only."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import F, Func, IntegerField, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from v7migration.adminsite import NOTHING, ReadOnlyAdmin, ReadOnlyTable, column, document, short, verbatim
from v7migration.ledger.models import (
    Baseline,
    Changeset,
    EnumDecision,
    Event,
    Inventory,
    Rehearsal,
    Run,
    Script,
    Snapshot,
)


@admin.register(Script)
class ScriptAdmin(ReadOnlyAdmin):
    """Scripts by their SHA-256."""

    list_display = ["digest", "size", "lines", "first_seen_at"]
    list_filter = ["first_seen_at"]
    search_fields = ["sha256"]
    date_hierarchy = "first_seen_at"
    ordering = ["-first_seen_at"]
    fields = ["sha256", "first_seen_at", "size", "text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Script]:
        """Read sizes instead of contents."""
        length = Func(F("content"), function="octet_length", output_field=IntegerField())
        rows: QuerySet[Script] = super().get_queryset(request)
        return rows.annotate(bytes_stored=length)

    @column("SHA-256", order="sha256")
    def digest(self, row: Script) -> SafeString:
        """Show the beginning of the digest."""
        return short(row.sha256)

    @column("Size", order="bytes_stored")
    def size(self, row: Any) -> str:
        """Show the number of bytes."""
        return f"{row.bytes_stored:,} bytes"

    @column("Lines")
    def lines(self, row: Script) -> int:
        """Count the lines."""
        return bytes(row.content).count(b"\n")

    @column("Content")
    def text(self, row: Script) -> SafeString:
        """Show the bytes as text."""
        return verbatim(bytes(row.content).decode(errors="replace"))


def _version(number: int) -> str:
    return f"PostgreSQL {number // 10000}.{number % 10000}"


@admin.register(Snapshot)
class SnapshotAdmin(ReadOnlyAdmin):
    """Snapshots of the target's catalogs."""

    list_display = ["print_of", "target_name", "database", "server", "taken_by", "taken_at"]
    list_filter = ["target_name", "taken_by", "taken_at"]
    search_fields = ["fingerprint", "target_name", "database", "taken_by", "system_identifier"]
    date_hierarchy = "taken_at"
    fields = [
        ("taken_at", "taken_by"),
        ("target_name", "database"),
        ("system_identifier", "server"),
        ("fingerprint", "fingerprint_version"),
        "contents",
        "enum_findings",
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Snapshot]:
        """Leave the documents where they are until one is asked for."""
        rows: QuerySet[Snapshot] = super().get_queryset(request)
        return rows.defer("document", "enums")

    @column("Fingerprint", order="fingerprint")
    def print_of(self, row: Snapshot) -> SafeString:
        """Show the beginning of the fingerprint."""
        return short(row.fingerprint)

    @column("Server", order="server_version")
    def server(self, row: Snapshot) -> str:
        """Show the server's version."""
        return _version(row.server_version)

    @column("Contents")
    def contents(self, row: Snapshot) -> SafeString:
        """Count what the document holds, kind by kind."""
        sized = {key: len(value) for key, value in row.document.items() if isinstance(value, list | dict)}
        return document(sized)

    @column("ENUM types")
    def enum_findings(self, row: Snapshot) -> SafeString:
        """Count types, groups of equal ones and conflicts."""
        return document({key: len(value) for key, value in row.enums.items() if isinstance(value, list | dict)})


@admin.register(Inventory)
class InventoryAdmin(ReadOnlyAdmin):
    """What the parts of an inventory found."""

    list_display = ["taken_at", "part", "subject", "taken_by"]
    list_filter = ["part", "taken_by", "taken_at"]
    search_fields = ["subject", "taken_by"]
    date_hierarchy = "taken_at"
    fields = [("taken_at", "taken_by"), ("part", "subject"), "contents"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Inventory]:
        """Leave the documents out: a list of them is long, and each may be large."""
        rows: QuerySet[Inventory] = super().get_queryset(request)
        return rows.defer("document")

    @column("Found")
    def contents(self, row: Inventory) -> SafeString:
        """Count what was found, kind by kind."""
        sized = {key: len(value) if isinstance(value, list | dict) else value for key, value in row.document.items()}
        return document(sized)


@admin.register(EnumDecision)
class EnumDecisionAdmin(ReadOnlyAdmin):
    """What was decided on groups of ENUM types."""

    list_display = ["at", "group", "number", "verdict", "by"]
    list_filter = ["verdict", "by", "at"]
    search_fields = ["group", "by", "reason"]
    date_hierarchy = "at"
    fields = [("at", "by"), ("group", "number"), "verdict", "reason", "decided"]

    @column("Decided")
    def decided(self, row: EnumDecision) -> SafeString:
        """Show members, mapping and risks."""
        return document(row.document)


@admin.register(Baseline)
class BaselineAdmin(ReadOnlyAdmin):
    """How fast the target answered, before and after runs."""

    list_display = ["taken_at", "target_name", "run", "queries", "taken_by"]
    list_filter = ["target_name", "taken_by", "taken_at"]
    search_fields = ["target_name", "taken_by"]
    date_hierarchy = "taken_at"
    fields = [("taken_at", "taken_by"), ("target_name", "run"), "measured"]

    @column("Queries timed")
    def queries(self, row: Baseline) -> int:
        """Count the queries."""
        return len(row.document["queries"])

    @column("Measured")
    def measured(self, row: Baseline) -> SafeString:
        """Show queries, sizes and use of the indexes."""
        return document(row.document)


@admin.register(Rehearsal)
class RehearsalAdmin(ReadOnlyAdmin):
    """Rehearsals on the scratch server."""

    list_display = ["finished_at", "verdict", "script_digest", "target", "server", "by"]
    list_filter = ["ok", "by", "finished_at"]
    search_fields = ["script__sha256", "by", "snapshot__target_name"]
    date_hierarchy = "finished_at"
    fields = [("finished_at", "by"), ("verdict", "server"), ("script_digest", "target"), "report_text"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Rehearsal]:
        """Join the snapshot's name without its document."""
        rows: QuerySet[Rehearsal] = super().get_queryset(request)
        return rows.select_related("snapshot").defer("snapshot__document", "snapshot__enums")

    @column("Verdict", order="ok", label=True)
    def verdict(self, row: Rehearsal) -> tuple[str, str]:
        """Show green or red, as a word."""
        return ("green", "Green") if row.ok else ("red", "Red")

    @column("Script", order="script")
    def script_digest(self, row: Rehearsal) -> SafeString:
        """Show which bytes were rehearsed."""
        return short(row.script_id)

    @column("Target", order="snapshot__target_name")
    def target(self, row: Rehearsal) -> str:
        """Show whose copy it ran on."""
        return row.snapshot.target_name

    @column("Scratch server", order="server_version")
    def server(self, row: Rehearsal) -> str:
        """Show the scratch server's version."""
        return _version(row.server_version)

    @column("Report")
    def report_text(self, row: Rehearsal) -> SafeString:
        """Show stages, fingerprints and failures."""
        return document(row.report)


class RunTable(ReadOnlyTable):
    """The runs of a changeset."""

    model = Run
    fields = ["kind", "state", "operator", "started_at", "finished_at", "populated"]


@admin.register(Changeset)
class ChangesetAdmin(ReadOnlyAdmin):
    """Changesets: what three people sign."""

    list_display = ["number", "short_digest", "target", "author", "frozen_at", "expires_at"]
    list_display_links = ["number", "short_digest"]
    list_filter = ["author", "frozen_at"]
    search_fields = ["digest", "author", "script__sha256", "snapshot__target_name"]
    date_hierarchy = "frozen_at"
    fields = [
        ("number", "author"),
        "digest",
        ("frozen_at", "expires_at"),
        ("target", "nonce"),
        ("script", "source"),
        ("snapshot", "rehearsal"),
        "covered",
    ]
    inlines = [RunTable]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Changeset]:
        """Join names without documents."""
        rows: QuerySet[Changeset] = super().get_queryset(request)
        return rows.select_related("snapshot", "rehearsal").defer(
            "snapshot__document", "snapshot__enums", "rehearsal__report"
        )

    @column("Digest", order="digest")
    def short_digest(self, row: Changeset) -> SafeString:
        """Show the beginning of the digest."""
        return short(row.digest)

    @column("Target", order="snapshot__target_name")
    def target(self, row: Changeset) -> str:
        """Show what it is for."""
        return row.snapshot.target_name

    @column("Manifest: everything a signature covers")
    def covered(self, row: Changeset) -> SafeString:
        """Show the manifest as it is stored."""
        return verbatim(row.manifest)


@admin.register(Event)
class EventAdmin(ReadOnlyAdmin):
    """The append-only log."""

    list_display = ["at", "kind_shown", "actor", "subject_shown", "id"]
    list_filter = ["kind", "actor", "at"]
    search_fields = ["kind", "actor", "subject"]
    date_hierarchy = "at"
    fields = [("id", "at"), ("kind", "actor"), "subject", "payload_text"]

    @column("Kind", order="kind")
    def kind_shown(self, row: Event) -> SafeString:
        """Show the event's kind."""
        return format_html('<code class="v7-mono">{}</code>', row.kind)

    @column("Subject", order="subject")
    def subject_shown(self, row: Event) -> SafeString:
        """Show what it is about, shortened."""
        return short(row.subject, 28) if row.subject else NOTHING

    @column("Payload")
    def payload_text(self, row: Event) -> SafeString:
        """Show what the event carries."""
        return document(row.payload)
