"""The forms of tracked rows: why, what the form was opened on, and fields for lists."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import router
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from tracking.models.base import HistoricRow
from v7migration.errors import V7Error

VERSION = "row_version"
REASON = "change_reason"


def version_of(row: HistoricRow, columns: Sequence[str]) -> str:
    """Return a digest of what a row says in ``columns``: two forms opened on the same values share it."""
    said = [(name, getattr(row, name)) for name in columns]
    return hashlib.sha256(repr(said).encode()).hexdigest()


class DocumentField(forms.JSONField):
    """A JSON document, indented; nothing is shown as nothing."""

    def prepare_value(self, value: Any) -> Any:
        """Show the document as people write one."""
        if value is None or isinstance(value, str):
            return value
        return json.dumps(value, indent=2, ensure_ascii=False)


class LinesField(forms.CharField):
    """A list of words or sentences, one to a line."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("widget", UnfoldAdminTextareaWidget(attrs={"rows": 3}))
        options["help_text"] = options.get("help_text") or "One to a line."
        super().__init__(**options)

    def prepare_value(self, value: Any) -> Any:
        """Show a list as lines."""
        return "\n".join(map(str, value)) if isinstance(value, list | tuple) else value

    def to_python(self, value: Any) -> Any:
        """Read lines into a list; empty lines are none."""
        if isinstance(value, list | tuple):
            return list(value)
        return [line.strip() for line in (value or "").splitlines() if line.strip()]

    def has_changed(self, initial: Any, data: Any) -> bool:
        """Compare lists, not their rendering."""
        return bool(list(initial or []) != self.to_python(data))


class ManyField(forms.TypedMultipleChoiceField):
    """A list of known things, each with a box to tick; what a row holds already stays choosable."""

    def __init__(self, known: Callable[[], Iterable[tuple[Any, str]]], **options: Any) -> None:
        self.known = known
        widget = UnfoldAdminCheckboxSelectMultipleWidget()
        super().__init__(choices=known, required=False, empty_value=[], widget=widget, **options)

    def prepare_value(self, value: Any) -> Any:
        """Offer also what is chosen but no longer known."""
        listed = list(self.known())
        names = {str(key) for key, _ in listed}
        strays = [(each, f"{each} (not registered)") for each in value or [] if str(each) not in names]
        self.widget.choices = [*listed, *strays]
        return value

    def valid_value(self, value: Any) -> bool:
        """Accept what is registered; a stray is refused when it is sent again."""
        return any(str(key) == str(value) for key, _ in self.known())


class TrackedForm(forms.ModelForm):  # type: ignore[type-arg]
    """The form of a tracked row. A row that changed after the form was opened is not saved over."""

    row_version = forms.CharField(widget=forms.HiddenInput, required=False)
    change_reason = forms.CharField(
        label="Why",
        widget=UnfoldAdminTextInputWidget,
        max_length=500,
        help_text="Stands beside your name in the history of the row.",
    )
    columns: Sequence[str] = ()
    signed: frozenset[str] = frozenset()
    """Columns that a signature covers: to save one of them may void signatures."""

    @staticmethod
    def refusal() -> V7Error | None:
        """Return why signed columns may not be saved yet, None where they may."""
        return None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.instance.pk is not None and not self.instance._state.adding and VERSION in self.fields:
            self.fields[VERSION].initial = version_of(self.instance, self._columns())

    def _columns(self) -> Sequence[str]:
        return self.columns or [field.attname for field in self.instance._meta.concrete_fields]

    def clean(self) -> dict[str, Any]:
        """Lock the row and compare it with what the form was opened on."""
        cleaned: dict[str, Any] = super().clean() or {}
        touches_signed = self.instance._state.adding or any(name in self.signed for name in self.changed_data)
        if self.signed and touches_signed and (refused := self.refusal()):
            raise ValidationError(str(refused), code="void")
        if self.instance._state.adding or VERSION not in self.fields:
            return cleaned
        model = type(self.instance)
        rows = model._base_manager.using(router.db_for_write(model))
        now = rows.select_for_update(no_key=True).filter(pk=self.instance.pk).first()
        if now is None or version_of(now, self._columns()) != cleaned.get(VERSION):
            raise ValidationError(
                "Somebody else changed this row after you opened the form. Nothing was saved. "
                "Open it again and repeat your change.",
                code="stale",
            )
        return cleaned
