"""Forms of tracked rows, laid out by crispy in the admin theme's widgets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Fieldset, Layout
from django import forms
from django.forms.fields import InvalidJSONInput
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from tracking.choices import ChangeType, Risk
from tracking.jsonb import NOT_JSONB, refuse_unkeepable
from tracking.models import GlobalImpact, Layer, WorkflowCode
from v7migration.pipeline import coverage

LONG = 20_000
CONTENT = (
    "change_type",
    "impact_description",
    "affected_layers",
    "affected_workflows",
    "risk_assessment",
    "mitigation_strategy",
    "change_detail",
    "implementation_notes",
)


def _layers() -> list[tuple[int, str]]:
    return [(row.number, f"{row.number} {row.name} ({row.guardian})") for row in Layer.objects.all()]


def _workflows() -> list[tuple[str, str]]:
    return [(row.code, f"{row.code} {row.name}") for row in WorkflowCode.objects.all()]


def _told(cell: coverage.Cell) -> str:
    found = cell.evidence
    breaks = f", {found.breaking} breaking" if found.breaking else ""
    return f"{cell.change} ({found.size}{breaks})"


def _text(rows: int) -> forms.Widget:
    widget: forms.Widget = UnfoldAdminTextareaWidget(attrs={"rows": rows})
    return widget


class JsonbField(forms.JSONField):
    """JSON that a jsonb column can keep: finite numbers, whole characters, no NUL, nested within reason."""

    default_error_messages = {"not-jsonb": NOT_JSONB}

    def to_python(self, value: Any) -> Any:
        """Return the value, or refuse what PostgreSQL would refuse."""
        try:
            found = super().to_python(value)
            refuse_unkeepable(found)
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(self.error_messages["not-jsonb"], code="not-jsonb") from error
        return found

    def bound_data(self, data: Any, initial: Any) -> Any:
        """Return what the form shows again: as it was typed when it is refused."""
        try:
            self.to_python(data)
        except forms.ValidationError:
            return InvalidJSONInput(data or "")
        return super().bound_data(data, initial)


class ImpactForm(forms.Form):
    """An impact as people file it. Layers and workflows come from the registries that staff edit."""

    change_type = forms.ChoiceField(choices=ChangeType.choices, label="What changes", widget=UnfoldAdminSelectWidget)
    impact_description = forms.CharField(
        label="Impact", max_length=LONG, widget=_text(4), help_text="What breaks or moves, and where."
    )
    affected_layers = forms.TypedMultipleChoiceField(
        choices=_layers, coerce=int, required=False, label="Layers", widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    affected_workflows = forms.MultipleChoiceField(
        choices=_workflows, required=False, label="Workflows", widget=UnfoldAdminCheckboxSelectMultipleWidget
    )
    risk_assessment = forms.ChoiceField(
        choices=Risk.choices, label="Risk", initial=Risk.MEDIUM, widget=UnfoldAdminSelectWidget
    )
    mitigation_strategy = forms.CharField(label="Mitigation", required=False, max_length=LONG, widget=_text(3))
    change_detail = JsonbField(
        label="Details (JSON)",
        required=False,
        initial=dict,
        widget=_text(3),
        help_text='An object, such as {"tables": ["companies"]}.',
    )
    implementation_notes = forms.CharField(
        label="Implementation notes", required=False, max_length=LONG, widget=_text(2)
    )
    changes = forms.MultipleChoiceField(
        required=False, label="Accepted changes that it covers",
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )  # fmt: skip
    breaking = forms.BooleanField(required=False, label="Something breaks", widget=UnfoldBooleanWidget)
    code_map = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)
    reason = forms.CharField(
        label="Reason for the history", required=False, max_length=1_000, widget=UnfoldAdminTextInputWidget
    )
    updated_at = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        data: Mapping[str, Any] | None = None,
        *,
        impact: GlobalImpact | None = None,
        draft: coverage.Draft | None = None,
    ) -> None:
        """``draft``: what the code map shows of the layer that is assessed."""
        super().__init__(data, initial=initial_of(impact) if impact else draft.initial if draft else None)
        names = coverage.accepted_names()
        told = {cell.change: _told(cell) for cell in draft.cells} if draft else {}
        offered = names if impact else list(told) or names
        self.fields["changes"].choices = [(name, told.get(name, name)) for name in offered]  # type: ignore[attr-defined]
        if impact and draft:
            self.initial["code_map"] = draft.code_map
        self.helper = FormHelper()
        self.helper.form_tag = False
        self.helper.disable_csrf = True
        self.helper.layout = Layout(
            Fieldset("The change", "change_type", *(("changes", "breaking") if offered else ()), "impact_description"),
            Fieldset("Where it is felt", "affected_layers", "affected_workflows"),
            Fieldset("How bad, and what then", "risk_assessment", "mitigation_strategy", "implementation_notes"),
            Fieldset("Besides", "change_detail", "reason"),
            "updated_at",
            "code_map",
        )

    def clean_change_detail(self) -> dict[str, Any]:
        """Return the details: an object, empty when nothing was typed."""
        found = self.cleaned_data["change_detail"]
        if found is None:
            return {}
        if not isinstance(found, dict):
            raise forms.ValidationError("Enter a JSON object: names with values in braces.", code="not-an-object")
        return found

    @property
    def assessed(self) -> coverage.Assessed:
        """Return which accepted changes the impact covers."""
        said = self.cleaned_data
        return coverage.Assessed(tuple(said["changes"]), said["breaking"], said["code_map"])

    @property
    def content(self) -> dict[str, Any]:
        """Return the fields of the row."""
        return {name: self.cleaned_data[name] for name in CONTENT}


def initial_of(impact: GlobalImpact) -> dict[str, Any]:
    """Return what the form of an impact shows first; what the form has fields for is left out of the details."""
    detail = impact.change_detail if isinstance(impact.change_detail, dict) else {}
    return {
        **{name: getattr(impact, name) for name in CONTENT},
        "change_detail": {key: value for key, value in detail.items() if key not in coverage.RESERVED},
        "changes": coverage.changes_of(impact),
        "breaking": bool(detail.get(coverage.BREAKING)),
        "code_map": detail.get(coverage.CODE_MAP, ""),
        "updated_at": impact.updated_at.isoformat(),
    }
