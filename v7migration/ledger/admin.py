"""The evidence, to read: what was frozen, rehearsed and run. Nothing here is written in the admin."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import F, Func, IntegerField, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from v7migration.adminsite import NOTHING, ReadOnlyAdmin, ReadOnlyTable, column, document, short, state_column, verbatim
from v7migration.ledger.models import (
    Baseline,
    Changeset,
    Emergency,
    EmergencyStep,
    Event,
    Incident,
    Inventory,
    Rehearsal,
    Run,
    RunStep,
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


class RunStepTable(ReadOnlyTable):
    """The attempts of a run."""

    model = RunStep
    fields = ["key", "section", "title", "attempt", "state", "milliseconds", "transaction_id", "finished_at"]
    ordering = ["id"]
    tab = True


class IncidentTable(ReadOnlyTable):
    """The incidents of a run."""

    model = Incident
    fields = ["title", "state", "blocking", "opened_at", "opened_by"]
    tab = True


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Executions and rollbacks; they are started and resumed by their operator's commands."""

    list_display = ["run", "kind_shown", "state_shown", "of", "operator", "started_at", "took", "populated"]
    list_filter = ["kind", "state", "operator", "populated", "started_at"]
    search_fields = ["id__iexact", "changeset__digest", "operator"]
    date_hierarchy = "started_at"
    list_select_related = ["changeset"]
    fields = [
        ("id", "kind"),
        ("state", "operator"),
        ("changeset", "undoes"),
        ("started_at", "finished_at"),
        ("populated", "stop_requested_by"),
        "report_text",
    ]
    inlines = [RunStepTable, IncidentTable]
    kind_shown = state_column("kind", "Kind")
    state_shown = state_column("state", "State")

    @column("Run", order="id")
    def run(self, row: Run) -> SafeString:
        """Show the beginning of the id."""
        return short(row.pk, 8)

    @column("Changeset", order="changeset__number")
    def of(self, row: Run) -> str:
        """Name the changeset by its number."""
        return f"Changeset {row.changeset.number}"

    @column("Took")
    def took(self, row: Run) -> str:
        """Show how long it took, once it ended."""
        return _duration(row.finished_at - row.started_at) if row.finished_at else "–"

    @column("Report")
    def report_text(self, row: Run) -> SafeString:
        """Show proof, verbatim queries and differences."""
        return document(row.report)


def _duration(span: timedelta) -> str:
    seconds = span.total_seconds()
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


@admin.register(RunStep)
class RunStepAdmin(ReadOnlyAdmin):
    """Single attempts at steps."""

    list_display = ["key", "title", "section", "attempt", "state_shown", "milliseconds", "run", "started_at"]
    list_filter = ["state", "section", "run__kind", "started_at"]
    search_fields = ["key", "title", "run__id__iexact", "transaction_id"]
    date_hierarchy = "started_at"
    list_select_related = ["run"]
    ordering = ["-id"]
    fields = [
        ("run", "key"),
        ("section", "title"),
        ("attempt", "state"),
        ("started_at", "finished_at"),
        ("milliseconds", "transaction_id"),
        ("backend_pid", "digest"),
        "detail_text",
    ]
    state_shown = state_column("state", "State")

    @column("Detail")
    def detail_text(self, row: RunStep) -> SafeString:
        """Show error, waits and notices."""
        return document(row.detail)


@admin.register(Incident)
class IncidentAdmin(ReadOnlyAdmin):
    """Incidents; root cause and remediation are entered on the incident's own page."""

    list_display = [
        "title", "state_shown", "kind_shown", "severity_shown", "assigned_to", "blocking", "step", "run_id_shown",
        "opened_at",
    ]  # fmt: skip
    list_filter = ["state", "kind", "severity", "assigned_to", "blocking", "opened_at"]
    search_fields = ["title", "step", "opened_by", "assigned_to", "root_cause", "remediation", "review_note"]
    date_hierarchy = "opened_at"
    list_select_related = ["run"]
    fields = [
        "title",
        ("state", "blocking"),
        ("kind", "severity"),
        ("run", "step"),
        ("opened_at", "opened_by"),
        "assigned_to",
        "root_cause",
        "remediation",
        ("remediated_at", "remediated_by"),
        "review_note",
        ("reviewed_at", "reviewed_by"),
        "detail_text",
    ]
    state_shown = state_column("state", "State")
    kind_shown = state_column("kind", "Kind")
    severity_shown = state_column("severity", "Severity")

    @column("Run", order="run")
    def run_id_shown(self, row: Incident) -> SafeString | str:
        """Show the beginning of the run's id."""
        return short(row.run_id, 8) if row.run_id else "–"

    @column("Detail")
    def detail_text(self, row: Incident) -> SafeString:
        """Show what was recorded when it was opened."""
        return document(row.detail)


class EmergencyStepTable(ReadOnlyTable):
    """The steps of an emergency that were taken."""

    model = EmergencyStep
    fields = ["number", "at", "by"]
    ordering = ["id"]


@admin.register(Emergency)
class EmergencyAdmin(ReadOnlyAdmin):
    """Emergencies: v7_rollback walks their first four steps, the incident's page the last two."""

    list_display = ["run_shown", "state_shown", "incident", "declared_by", "declared_at"]
    list_filter = ["state", "declared_by", "declared_at"]
    search_fields = ["run__id__iexact", "incident__title", "declared_by"]
    date_hierarchy = "declared_at"
    list_select_related = ["run", "incident"]
    fields = [("run", "state"), "incident", ("declared_at", "declared_by")]
    inlines = [EmergencyStepTable]
    state_shown = state_column("state", "State")

    @column("Run", order="run")
    def run_shown(self, row: Emergency) -> SafeString:
        """Show the beginning of the run's id."""
        return short(row.run_id, 8)


@admin.register(EmergencyStep)
class EmergencyStepAdmin(ReadOnlyAdmin):
    """Single steps of the emergency protocol."""

    list_display = ["number", "emergency", "by", "at"]
    list_filter = ["number", "by", "at"]
    search_fields = ["emergency__run__id__iexact", "by"]
    date_hierarchy = "at"
    list_select_related = ["emergency"]
    ordering = ["-id"]
    fields = [("emergency", "number"), ("at", "by"), "evidence_text"]

    @column("Evidence")
    def evidence_text(self, row: EmergencyStep) -> SafeString:
        """Show what the step rests on."""
        return document(row.evidence)


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
