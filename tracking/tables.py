"""The lists of tracked rows."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import django_tables2 as tables
from django.db.models import Case, IntegerField, Value, When
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tracking.choices import Risk, severity
from tracking.models import EnumMigration, File, GlobalImpact, SubworkflowTask, TestResult
from v7migration.templatetags.v7 import badge, utc

LOOK = {"class": "v7-table"}
NUMBER = {"td": {"class": "num"}, "th": {"class": "num"}}
SHOWN = 6


class StateColumn(tables.Column):  # type: ignore[misc]
    """A state as a labelled badge."""

    def render(self, value: str, record: Any, bound_column: Any) -> SafeString:
        """Return the badge of the stored value with the label of the choice."""
        stored = getattr(record, bound_column.accessor)
        return badge(stored, str(value))


class TimeColumn(tables.Column):  # type: ignore[misc]
    """A time in UTC, with its zone."""

    def render(self, value: Any) -> SafeString | str:
        """Return the time."""
        return utc(value)


class WordsColumn(tables.Column):  # type: ignore[misc]
    """A list of words, cut short."""

    def render(self, value: list[Any]) -> str:
        """Return the first words and how many more there are."""
        more = f" and {len(value) - SHOWN} more" if len(value) > SHOWN else ""
        return ", ".join(map(str, value[:SHOWN])) + more if value else "–"


def _link(url: str, text: Any) -> SafeString:
    return format_html('<a href="{}">{}</a>', url, text)


class TaskTable(tables.Table):  # type: ignore[misc]
    """Tasks."""

    number = tables.Column(verbose_name="No.", accessor="task_number", order_by=("parent_phase", "task_number"))
    task_name = tables.Column(verbose_name="Task")
    parent_phase = tables.Column(verbose_name="Phase", accessor="parent_phase_id", attrs=NUMBER)
    status = StateColumn()
    updated_at = TimeColumn(verbose_name="Changed")

    class Meta:
        model = SubworkflowTask
        fields = ("number", "task_name", "parent_phase", "responsible_persona", "status", "updated_at")
        attrs = LOOK
        order_by = ("number",)
        row_attrs = {"data-id": lambda record: record.pk, "data-number": lambda record: record.document_number}
        empty_text = "No task matches."

    def render_number(self, record: SubworkflowTask) -> str:
        """Return the number of the document."""
        return record.document_number

    def render_task_name(self, value: str, record: SubworkflowTask) -> SafeString:
        """Return the name as a link."""
        return _link(reverse("task", args=[record.pk]), value)


class ImpactTable(tables.Table):  # type: ignore[misc]
    """Impacts."""

    impact_description = tables.Column(verbose_name="Impact")
    change_type = tables.Column(verbose_name="Change")
    affected_layers = WordsColumn(verbose_name="Layers")
    affected_workflows = WordsColumn(verbose_name="Workflows")
    risk_assessment = StateColumn(verbose_name="Risk")
    approval_status = StateColumn(verbose_name="Status")
    updated_at = TimeColumn(verbose_name="Changed")

    class Meta:
        model = GlobalImpact
        fields = (
            "impact_description", "change_type", "affected_layers", "affected_workflows", "risk_assessment",
            "approval_status", "updated_at",
        )  # fmt: skip
        attrs = LOOK
        empty_text = "No impact matches."

    def render_impact_description(self, value: str, record: GlobalImpact) -> SafeString:
        """Return the beginning of the description as a link."""
        return _link(reverse("impact", args=[record.pk]), value if len(value) <= 120 else f"{value[:119]}…")

    def order_risk_assessment(self, queryset: Any, is_descending: bool) -> tuple[Any, bool]:
        """Sort by severity, never by the alphabet."""
        return queryset.order_by(*_by_risk("risk_assessment", is_descending)), True


class EnumTable(tables.Table):  # type: ignore[misc]
    """ENUM migrations."""

    current_enum_name = tables.Column(verbose_name="ENUM type")
    v7_enum_name = tables.Column(verbose_name="V7 type")
    consolidates_with = WordsColumn(orderable=False)
    affected_tables = WordsColumn(orderable=False)
    risk_level = StateColumn(verbose_name="Risk")
    status = StateColumn()

    class Meta:
        model = EnumMigration
        fields = ("current_enum_name", "v7_enum_name", "consolidates_with", "affected_tables", "risk_level", "status")
        attrs = LOOK
        empty_text = "No ENUM migration matches."

    def render_current_enum_name(self, value: str, record: EnumMigration) -> SafeString:
        """Return the name as a link."""
        return _link(reverse("enum", args=[record.pk]), value)

    def order_risk_level(self, queryset: Any, is_descending: bool) -> tuple[Any, bool]:
        """Sort by severity, never by the alphabet."""
        return queryset.order_by(*_by_risk("risk_level", is_descending)), True


def _by_risk(field: str, is_descending: bool) -> list[Any]:
    rank = Case(*(When(**{field: r, "then": Value(severity(r))}) for r in Risk.values), output_field=IntegerField())
    return [rank.desc() if is_descending else rank.asc(), "pk"]


class FileTable(tables.Table):  # type: ignore[misc]
    """Files as the audit knows them before the run."""

    file_number = tables.Column(verbose_name="No.")
    file_path = tables.Column(verbose_name="Path", attrs={"td": {"class": "path"}})
    layer_number = tables.Column(verbose_name="Layer", attrs=NUMBER)
    workflows = WordsColumn(orderable=False)

    class Meta:
        model = File
        fields: tuple[str, ...] = ("file_number", "file_path", "layer_number", "workflows", "status", "audit_status")
        attrs = LOOK
        empty_text = "No file matches."

    def render_file_path(self, value: str) -> SafeString:
        """Return the path as a link to all that is known of the file."""
        return _link(f"{reverse('file')}?{urlencode({'path': value})}", value)


class LiveFileTable(FileTable):
    """Files with what the run added."""

    v7_workflow_status = StateColumn(verbose_name="V7 status")
    v7_target_name = tables.Column(verbose_name="Target name", attrs={"td": {"class": "path"}})
    v7_impact_score = tables.Column(verbose_name="Score", attrs=NUMBER)

    class Meta(FileTable.Meta):
        fields: tuple[str, ...] = (
            "file_number", "file_path", "layer_number", "workflows", "status", "v7_workflow_status", "v7_target_name",
            "v7_impact_score",
        )  # fmt: skip


class ResultTable(tables.Table):  # type: ignore[misc]
    """Test results."""

    component_tested = tables.Column(verbose_name="Component")
    test_status = StateColumn(verbose_name="Result")
    backwards_compatible = tables.BooleanColumn(yesno="yes,no", null=True)
    tested_at = TimeColumn()

    class Meta:
        model = TestResult
        fields = (
            "component_tested",
            "test_type",
            "test_status",
            "backwards_compatible",
            "retest_required",
            "tested_by",
            "tested_at",
        )
        attrs = LOOK
        empty_text = "No result is recorded yet."
