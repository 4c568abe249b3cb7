"""Who agreed to what, to read; and the personas. Signing, rejecting and revoking have pages of their own."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from approvals.models import (
    AccountChange,
    Holding,
    Persona,
    PersonalToken,
    Revocation,
    Signatory,
    Signature,
    SigningAttempt,
)
from approvals.seats import SEATS
from v7migration.adminsite import ReadOnlyAdmin, ReadOnlyStack, ReadOnlyTable, StaffAdmin, column, short, state_column


class HoldingTable(ReadOnlyTable):
    """Who holds a persona; it is granted and withdrawn on the person's page."""

    model = Holding
    fields = ["user", "granted_by", "granted_at"]
    readonly_fields = fields
    verbose_name_plural = "held by"
    show_change_link = False


@admin.register(Persona)
class PersonaAdmin(StaffAdmin):
    """The roles of the migration. Seats name them, so a persona keeps its name and is not deleted."""

    list_display = ["name", "layer_number", "workflow_code", "may_sign", "holders", "description"]
    list_filter = ["may_approve"]
    search_fields = ["name", "description", "holdings__user__username", "workflow_code"]
    fields = ["name", "description", ("layer_number", "workflow_code"), "may_approve"]
    inlines = [HoldingTable]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Persona]:
        """Count the live holders."""
        rows: QuerySet[Persona] = super().get_queryset(request)
        return rows.annotate(holder_count=Count("holdings", filter=Q(holdings__user__is_active=True)))

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> list[str]:
        """Keep the name, and whether it may sign, of a persona that exists."""
        return ["name", "may_approve"] if obj else []

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        """Refuse everybody: seats and signatures name personas."""
        return False

    @column("May sign", order="may_approve", boolean=True)
    def may_sign(self, row: Persona) -> bool:
        """Say whether a holder may sign."""
        return row.may_approve

    @column("Held by", order="holder_count")
    def holders(self, row: Any) -> str:
        """Count the people, in words."""
        return {0: "nobody", 1: "1 person"}.get(row.holder_count, f"{row.holder_count} people")


@admin.register(Holding)
class HoldingAdmin(ReadOnlyAdmin):
    """Who holds which persona; granted and withdrawn on the person's page."""

    list_display = ["user", "persona", "granted_by_shown", "granted_at"]
    list_filter = ["persona", "granted_at"]
    search_fields = ["user__username", "user__first_name", "user__last_name", "persona__name", "granted_by"]
    date_hierarchy = "granted_at"
    list_select_related = ["user", "persona"]
    fields = [("user", "persona"), ("granted_by_shown", "granted_at")]

    @column("Granted by", order="granted_by")
    def granted_by_shown(self, row: Holding) -> str:
        """Name who granted it."""
        return row.granted_by or "the server's shell"


def changed_by(row: AccountChange) -> str:
    """Return who made a change to an account; what did not come through the application's pages has no name."""
    return row.changed_by or "unnamed: a command or psql"


@admin.register(AccountChange)
class AccountChangeAdmin(ReadOnlyAdmin):
    """Changes to accounts that decide whether they may still sign."""

    list_display = ["at", "user", "kind", "detail", "by"]
    list_filter = ["kind", "at"]
    search_fields = ["user__username", "changed_by", "detail"]
    date_hierarchy = "at"
    list_select_related = ["user"]
    fields = [("user", "kind"), "detail", ("by", "at")]

    @column("Changed by", order="changed_by")
    def by(self, row: AccountChange) -> str:
        """Name who made it; what came past the application has no name."""
        return changed_by(row)


@admin.register(Signatory)
class SignatoryAdmin(ReadOnlyAdmin):
    """Who speaks for which persona on a subject."""

    list_display = ["subject", "persona", "person", "bound_at"]
    list_filter = ["subject_kind", "persona", "bound_at"]
    search_fields = ["subject_id", "persona", "person__username"]
    date_hierarchy = "bound_at"
    list_select_related = ["person"]
    fields = [("subject_kind", "subject_id"), ("persona", "person"), "bound_at"]

    @column("Subject", order="subject_id")
    def subject(self, row: Signatory) -> SafeString:
        """Show kind and the beginning of the id."""
        return short(f"{row.subject_kind} {row.subject_id}", 22)


class RevocationStack(ReadOnlyStack):
    """How a signature was taken back."""

    model = Revocation
    fields = [("by_name", "at"), "reason", "address"]
    show_change_link = False


@admin.register(Signature)
class SignatureAdmin(ReadOnlyAdmin):
    """Signatures, in the words and with the digest that were signed."""

    list_display = ["signed_at", "seat_shown", "decision_shown", "standing", "person_name", "persona", "subject"]
    list_filter = ["subject_kind", "seat", "decision", "persona", "signed_at"]
    search_fields = ["person_name", "person__username", "persona", "subject_id", "digest", "reason"]
    date_hierarchy = "signed_at"
    list_select_related = ["person", "revocation"]
    fields = [
        ("seat", "persona"),
        ("decision", "round"),
        ("person_name", "person"),
        "signed_at",
        "statement",
        "reason",
        ("subject_kind", "subject_id"),
        ("digest", "nonce"),
        ("address", "user_agent"),
    ]
    inlines = [RevocationStack]
    decision_shown = state_column("decision", "Decision")

    @column("Seat", order="seat")
    def seat_shown(self, row: Signature) -> str:
        """Say what the seat means."""
        return SEATS[row.seat].meaning if row.seat in SEATS else row.seat

    @column("Stands", label=True)
    def standing(self, row: Signature) -> tuple[str, str]:
        """Say whether it was taken back."""
        return ("revoked", "Revoked") if hasattr(row, "revocation") else ("granted", "Stands")

    @column("Subject", order="subject_id")
    def subject(self, row: Signature) -> SafeString:
        """Show kind and the beginning of the id."""
        return short(f"{row.subject_kind} {row.subject_id}", 22)


@admin.register(Revocation)
class RevocationAdmin(ReadOnlyAdmin):
    """Signatures that were taken back."""

    list_display = ["at", "signature", "by_name", "reason"]
    list_filter = ["at", "signature__seat"]
    search_fields = ["by_name", "by__username", "reason", "signature__person_name", "signature__subject_id"]
    date_hierarchy = "at"
    list_select_related = ["signature", "by"]
    fields = ["signature", ("by_name", "by"), "reason", ("at", "address")]


@admin.register(SigningAttempt)
class SigningAttemptAdmin(ReadOnlyAdmin):
    """Refused attempts to sign or revoke."""

    list_display = ["at", "username", "seat", "code_shown", "sentence", "address"]
    list_filter = ["code", "seat", "at"]
    search_fields = ["username", "sentence", "subject_id", "address"]
    date_hierarchy = "at"
    fields = [("at", "username"), ("subject_kind", "subject_id"), ("seat", "code"), "sentence", "address"]

    @column("Code", order="code")
    def code_shown(self, row: SigningAttempt) -> SafeString:
        """Show the refusal's code."""
        return short(row.code, 40)


@admin.register(PersonalToken)
class PersonalTokenAdmin(ReadOnlyAdmin):
    """Personal tokens, without their digests. Their persons revoke them; an inactive account ends all of its own."""

    list_display = ["name", "user", "created_at", "expires_at", "last_used_at", "revoked_at"]
    list_filter = ["created_at", "expires_at", ("revoked_at", admin.EmptyFieldListFilter)]
    search_fields = ["name", "user__username"]
    date_hierarchy = "created_at"
    list_select_related = ["user"]
    fields = [("name", "user"), ("created_at", "expires_at"), ("last_used_at", "revoked_at")]
