"""Who agreed to what. Signatures and what belongs to them are written once; triggers hold that too."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.conf import settings
from django.contrib.postgres.functions import TransactionNow
from django.db import models
from django.db.models import F, Q

from v7migration.ledger.appendonly import AppendOnly

SUBJECT_KINDS = [("changeset", "changeset"), ("run", "run"), ("phase", "phase")]
DECISIONS = [("approved", "approved"), ("rejected", "rejected")]
TOKEN_DAYS = 90
"""How long a personal token may live."""


class Persona(models.Model):
    """A role of the migration, held by people. Seats name personas, so a persona is never renamed."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    layer_number = models.IntegerField(null=True, blank=True, unique=True, help_text="the layer this persona guards")
    workflow_code = models.CharField(
        max_length=10, null=True, blank=True, unique=True, help_text="the workflow this persona speaks for, such as WF1"
    )
    may_approve = models.BooleanField(default=True, help_text="may sign; the Conductor tracks and may not")

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.name


class Holding(models.Model):
    """A person holds a persona."""

    persona = models.ForeignKey(Persona, on_delete=models.PROTECT, related_name="holdings")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="holdings")
    granted_by = models.CharField(max_length=150, blank=True, help_text="user name; empty: from the server's shell")
    granted_at = models.DateTimeField(db_default=TransactionNow(), editable=False)

    class Meta:
        ordering = ["user", "persona"]
        constraints = [models.UniqueConstraint(fields=["persona", "user"], name="approvals_holding_once")]

    def __str__(self) -> str:
        return f"{self.user} holds {self.persona}"


class AccountChange(AppendOnly):
    """A change to an account that decides whether it may still sign; a trigger writes it, whatever made the change."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="account_changes")
    kind = models.CharField(
        max_length=20, help_text="created, username, password, email, is_active, is_superuser, personas"
    )
    detail = models.CharField(max_length=300, blank=True)
    changed_by = models.CharField(  # noqa: DJ001 (unknown is not the same as a name)
        max_length=150, null=True, blank=True, help_text="user name; unknown where the application did not do it"
    )
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.user}: {self.kind} by {self.changed_by or 'unknown'}"


class Signatory(AppendOnly):
    """On one subject one person speaks for one persona, and nobody for two."""

    subject_kind = models.CharField(max_length=10, choices=SUBJECT_KINDS)
    subject_id = models.CharField(max_length=64)
    persona = models.CharField(max_length=100)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    bound_at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        verbose_name_plural = "signatories"
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "persona"], name="approvals_one_person_per_persona"
            ),
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "person"], name="approvals_one_persona_per_person"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.person} speaks for {self.persona} on {self.subject_kind} {self.subject_id[:12]}"


class Signature(AppendOnly):
    """One person, for one persona, approved or rejected one subject in one seat. The database sets the time."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject_kind = models.CharField(max_length=10, choices=SUBJECT_KINDS)
    subject_id = models.CharField(max_length=64)
    seat = models.CharField(max_length=40)
    round = models.IntegerField(help_text="how often a signature of this seat was revoked before")
    persona = models.CharField(max_length=100)
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="signatures")
    person_name = models.CharField(max_length=300, help_text="full name at the time of signing")
    decision = models.CharField(max_length=10, choices=DECISIONS)
    reason = models.TextField(blank=True)
    statement = models.TextField()
    digest = models.CharField(max_length=64)
    nonce = models.CharField(max_length=64, blank=True)
    signed_at = models.DateTimeField(db_default=TransactionNow())
    address = models.CharField(max_length=45, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["signed_at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["subject_kind", "subject_id", "seat", "round"],
                name="approvals_one_signature_per_seat_and_round",
            ),
            models.CheckConstraint(
                condition=Q(decision__in=["approved", "rejected"]), name="approvals_signature_decision_known"
            ),
            models.CheckConstraint(
                condition=Q(decision="approved") | ~Q(reason=""), name="approvals_rejection_has_a_reason"
            ),
            models.CheckConstraint(
                condition=~Q(digest="") & ~Q(statement="") & ~Q(person_name=""), name="approvals_signature_complete"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seat} {self.decision} by {self.person_name}"


class Revocation(AppendOnly):
    """A signature was taken back; its seat may be signed again, in the next round."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="revocation")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    by_name = models.CharField(max_length=300)
    reason = models.TextField()
    at = models.DateTimeField(db_default=TransactionNow())
    address = models.CharField(max_length=45, blank=True)

    class Meta:
        ordering = ["at"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="approvals_revocation_has_a_reason"),
        ]

    def __str__(self) -> str:
        return f"revocation of {self.signature} by {self.by_name}"


class SigningAttempt(AppendOnly):
    """An attempt to sign or to revoke that was refused: all that is recorded of it."""

    username = models.CharField(max_length=150)
    subject_kind = models.CharField(max_length=10)
    subject_id = models.CharField(max_length=64)
    seat = models.CharField(max_length=40)
    code = models.CharField(max_length=40)
    sentence = models.TextField()
    address = models.CharField(max_length=45, blank=True)
    at = models.DateTimeField(db_default=TransactionNow())

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"{self.username} refused at {self.seat}: {self.code}"


class PersonalToken(models.Model):
    """A person's key to the API. Only its SHA-256 is stored; it ends by time, by revocation or with the account.

    A trigger keeps everything but the last use and the revocation as it was made, and a revocation as it is.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="tokens")
    name = models.CharField(max_length=100, help_text="what it is for")
    sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(db_default=TransactionNow(), editable=False)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(expires_at__gt=F("created_at"))
                & Q(expires_at__lte=F("created_at") + timedelta(days=TOKEN_DAYS)),
                name="approvals_token_expires_in_time",
            ),
            models.CheckConstraint(condition=~Q(name=""), name="approvals_token_has_a_name"),
        ]

    def __str__(self) -> str:
        return f"{self.name} of {self.user}"
