"""The admin of runs, incidents and emergencies, read-only."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.utils.safestring import SafeString

from v7migration.adminsite import ReadOnlyAdmin, ReadOnlyTable, column, document, short, state_column
from v7migration.ledger.models import (
    Emergency,
    EmergencyStep,
    Incident,
    Run,
    RunStep,
)


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
