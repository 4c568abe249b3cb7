"""Forms of signing and revoking. Person, persona, time and digest signed are never read from a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crispy_forms.helper import FormHelper
from crispy_forms.layout import Layout, Submit
from django import forms

from approvals.gates import APPROVED, REJECTED, Seat, SubjectFacts
from approvals.models import TOKEN_DAYS


class PasswordAgainField(forms.CharField):
    """The signer's own password, asked in the same POST; it is never stripped and never rendered back."""

    def __init__(self, **kwargs: Any) -> None:
        widget = forms.PasswordInput(attrs={"autocomplete": "current-password"}, render_value=False)
        super().__init__(label="Your password, again", strip=False, max_length=4096, widget=widget, **kwargs)


class SignForm(forms.Form):
    """Approve or reject one seat. ``shown_digest`` says which state the page showed; another one means: read again."""

    decision = forms.ChoiceField(
        choices=[(APPROVED, "Approve"), (REJECTED, "Reject")], widget=forms.RadioSelect, label="Decision"
    )
    reason = forms.CharField(
        required=False,
        max_length=4000,
        widget=forms.Textarea(attrs={"rows": 3}),
        label="Reason",
        help_text="Required when you reject.",
    )
    password = PasswordAgainField()
    shown_digest = forms.CharField(widget=forms.HiddenInput, max_length=64)

    def __init__(self, data: Mapping[str, Any] | None = None, *, facts: SubjectFacts, seat: Seat) -> None:
        self.facts = facts
        self.seat = seat
        super().__init__(data, initial={"shown_digest": facts.digest})
        self.helper = _helper(
            Layout("decision", "reason", "password", "shown_digest", Submit("sign", f"Sign: {seat.meaning}")),
            "sign-form",
        )

    def clean(self) -> dict[str, Any]:
        """Require a reason with a rejection, and the page that was read to show what is there now."""
        cleaned = super().clean() or {}
        if cleaned.get("decision") == REJECTED and not cleaned.get("reason"):
            self.add_error("reason", forms.ValidationError("Say why you reject it.", code="reason-missing"))
        if not self.facts.digest or cleaned.get("shown_digest") != self.facts.digest:
            raise forms.ValidationError(
                "This page shows another state than there is now. Reload it, read it again, then sign.",
                code="stale-page",
            )
        return cleaned


class RevokeForm(forms.Form):
    """Take a signature back, with a reason."""

    reason = forms.CharField(max_length=4000, widget=forms.Textarea(attrs={"rows": 3}), label="Reason")
    password = PasswordAgainField()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = _helper(Layout("reason", "password", Submit("revoke", "Revoke the signature")), "revoke-form")


class TokenForm(forms.Form):
    """Make a personal token for the API."""

    name = forms.CharField(max_length=100, label="What it is for")
    days = forms.IntegerField(min_value=1, max_value=TOKEN_DAYS, initial=30, label="Days until it expires")
    password = PasswordAgainField()


def _helper(layout: Layout, form_id: str) -> FormHelper:
    helper = FormHelper()
    helper.form_method = "post"
    helper.form_id = form_id
    helper.layout = layout
    return helper
