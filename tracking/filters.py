"""Filters of the lists."""

from __future__ import annotations

import django_filters as filters
from django.db.models import Q, QuerySet

from tracking.choices import (
    AuditStatus,
    ChangeType,
    EnumMigrationStatus,
    FileStatus,
    ImpactStatus,
    Risk,
    TaskStatus,
    TestStatus,
    TestType,
)
from tracking.models import EnumMigration, File, GlobalImpact, Layer, Phase, SubworkflowTask, TestResult, WorkflowCode


def _phases() -> list[tuple[int, str]]:
    return [(phase.phase_number, f"{phase.phase_number} {phase.phase_name}") for phase in Phase.objects.all()]


def _layers() -> list[tuple[int, str]]:
    return [(layer.number, f"{layer.number} {layer.name}") for layer in Layer.objects.all()]


def _workflows() -> list[tuple[str, str]]:
    return [(code.code, f"{code.code} {code.name}") for code in WorkflowCode.objects.all()]


class TaskFilter(filters.FilterSet):  # type: ignore[misc]
    """By phase, state, persona and words."""

    phase = filters.ChoiceFilter(field_name="parent_phase", choices=_phases, empty_label="All", label="Phase")
    status = filters.ChoiceFilter(choices=TaskStatus.choices, empty_label="All")
    responsible_persona = filters.CharFilter(lookup_expr="icontains", label="Responsible")
    q = filters.CharFilter(field_name="task_name", lookup_expr="icontains", label="Name contains")

    class Meta:
        model = SubworkflowTask
        fields: list[str] = []


class ImpactFilter(filters.FilterSet):  # type: ignore[misc]
    """By change, risk, status, layer, workflow and words."""

    change_type = filters.ChoiceFilter(choices=ChangeType.choices, empty_label="All", label="Change")
    risk_assessment = filters.ChoiceFilter(choices=Risk.choices, empty_label="All", label="Risk")
    approval_status = filters.ChoiceFilter(choices=ImpactStatus.choices, empty_label="All", label="Status")
    layer = filters.ChoiceFilter(choices=_layers, empty_label="All", label="Layer", method="of_layer")
    workflow = filters.ChoiceFilter(choices=_workflows, empty_label="All", label="Workflow", method="of_workflow")
    q = filters.CharFilter(field_name="impact_description", lookup_expr="icontains", label="Text contains")

    class Meta:
        model = GlobalImpact
        fields: list[str] = []

    def of_layer(self, queryset: QuerySet[GlobalImpact], name: str, value: str) -> QuerySet[GlobalImpact]:
        """Return the impacts that affect a layer."""
        return queryset.filter(affected_layers__contains=[int(value)])

    def of_workflow(self, queryset: QuerySet[GlobalImpact], name: str, value: str) -> QuerySet[GlobalImpact]:
        """Return the impacts that affect a workflow."""
        return queryset.filter(affected_workflows__contains=[value])


class EnumFilter(filters.FilterSet):  # type: ignore[misc]
    """By status, risk and name."""

    status = filters.ChoiceFilter(choices=EnumMigrationStatus.choices, empty_label="All")
    risk_level = filters.ChoiceFilter(choices=Risk.choices, empty_label="All", label="Risk")
    q = filters.CharFilter(method="named", label="Name contains")

    class Meta:
        model = EnumMigration
        fields: list[str] = []

    def named(self, queryset: QuerySet[EnumMigration], name: str, value: str) -> QuerySet[EnumMigration]:
        """Return the rows whose old or new type has such a name."""
        return queryset.filter(Q(current_enum_name__icontains=value) | Q(v7_enum_name__icontains=value))


class FileFilter(filters.FilterSet):  # type: ignore[misc]
    """By layer, origin and path."""

    layer_number = filters.ChoiceFilter(choices=_layers, empty_label="All", label="Layer")
    status = filters.ChoiceFilter(choices=AuditStatus.choices, empty_label="All", label="Origin")
    q = filters.CharFilter(field_name="file_path", lookup_expr="icontains", label="Path contains")

    class Meta:
        model = File
        fields: list[str] = []


class LiveFileFilter(FileFilter):
    """Also by the status that the run added."""

    v7_workflow_status = filters.ChoiceFilter(choices=FileStatus.choices, empty_label="All", label="V7 status")


class ResultFilter(filters.FilterSet):  # type: ignore[misc]
    """By kind, result and component."""

    test_type = filters.ChoiceFilter(choices=TestType.choices, empty_label="All", label="Kind")
    test_status = filters.ChoiceFilter(choices=TestStatus.choices, empty_label="All", label="Result")
    q = filters.CharFilter(field_name="component_tested", lookup_expr="icontains", label="Component contains")

    class Meta:
        model = TestResult
        fields: list[str] = []
