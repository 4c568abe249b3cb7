"""What was found, frozen and noted: written once."""

from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from v7migration.ledger.appendonly import AppendOnly


class Script(AppendOnly):
    """The exact bytes of a script, stored under their SHA-256."""

    sha256 = models.CharField(primary_key=True, max_length=64)
    content = models.BinaryField()
    first_seen_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"script {self.sha256[:12]}"


class Snapshot(AppendOnly):
    """The catalogs of a target at one moment, with their fingerprint (document 2.1.1)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    taken_at = models.DateTimeField(db_default=Now())
    taken_by = models.CharField(max_length=150)
    target_name = models.CharField(max_length=300)
    system_identifier = models.CharField(max_length=40)
    database = models.CharField(max_length=63)
    server_version = models.IntegerField(help_text="server_version_num")
    fingerprint = models.CharField(max_length=64)
    fingerprint_version = models.IntegerField()
    document = models.JSONField()
    enums = models.JSONField(help_text="types, groups and conflicts")

    class Meta:
        ordering = ["-taken_at"]

    def __str__(self) -> str:
        return f"snapshot {self.fingerprint[:12]} of {self.target_name}"


class Inventory(AppendOnly):
    """What one part of an inventory found (document 2.1.1, 2.1.3): the evidence behind pages, tasks and impacts."""

    class Part(models.TextChoices):
        SNAPSHOT = "snapshot", "Schema snapshot"
        ENUMS = "enums", "ENUM usage"
        DEPENDENCIES = "dependencies", "Dependencies"
        FILES = "files", "Files"
        CODE = "code", "Code map"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    taken_at = models.DateTimeField(db_default=Now())
    taken_by = models.CharField(max_length=150, blank=True)
    part = models.CharField(max_length=20, choices=Part.choices)
    subject = models.CharField(max_length=300, help_text="the target in words, or the source tree")
    snapshot = models.ForeignKey(Snapshot, null=True, blank=True, on_delete=models.PROTECT, related_name="inventories")
    document = models.JSONField(help_text="what was found")

    class Meta:
        ordering = ["-taken_at"]
        verbose_name_plural = "inventories"
        indexes = [models.Index(fields=["part", "-taken_at"], name="idx_ledger_inventory_part")]
        constraints = [
            models.CheckConstraint(
                condition=Q(part__in=["snapshot", "enums", "dependencies", "files", "code"]),
                name="ledger_inventory_part_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_part_display()} of {self.subject}"


class Rehearsal(AppendOnly):
    """One rehearsal of a script against a scratch copy of a snapshot (documents 2.1.2, 4.4)."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    script = models.ForeignKey(Script, on_delete=models.PROTECT)
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT)
    finished_at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    ok = models.BooleanField()
    server_version = models.IntegerField(help_text="server_version_num of the scratch server")
    report = models.JSONField(help_text="failures, fingerprints, stages with milliseconds")

    class Meta:
        ordering = ["-finished_at"]

    @property
    def fingerprints(self) -> dict[str, str]:
        """The fingerprints of the catalogs, by the moment at which they were taken."""
        found: dict[str, str] = self.report.get("fingerprints", {})
        return found

    @property
    def led_back(self) -> bool:
        """Say whether it is green and Section 9 led back to catalogs equal to those of the start (document 4.4)."""
        prints = self.fingerprints
        return self.ok and prints.get("before") == prints.get("back") is not None

    def __str__(self) -> str:
        return f"rehearsal of {self.script_id[:12]}: {'green' if self.ok else 'red'}"


class Changeset(AppendOnly):
    """What three people sign: bytes, target, fingerprint, rehearsal, findings, coverage, under one digest."""

    digest = models.CharField(primary_key=True, max_length=64, help_text="SHA-256 of the manifest")
    number = models.IntegerField(unique=True)
    manifest = models.TextField(help_text="canonical JSON of everything a signature covers")
    script = models.ForeignKey(
        Script, on_delete=models.PROTECT, related_name="+", help_text="with the planning rows rendered in"
    )
    source = models.ForeignKey(Script, on_delete=models.PROTECT, related_name="+", help_text="the file as it was read")
    snapshot = models.ForeignKey(Snapshot, on_delete=models.PROTECT)
    rehearsal = models.ForeignKey(Rehearsal, on_delete=models.PROTECT)
    author = models.CharField(max_length=150)
    frozen_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    nonce = models.CharField(max_length=32)

    class Meta:
        ordering = ["-number"]

    def __str__(self) -> str:
        return f"changeset {self.number} ({self.digest[:12]})"


class EnumDecision(AppendOnly):
    """What a Guardian decided on a group of ENUM types; a group is named by its members and their labels (2.1.3)."""

    class Verdict(models.TextChoices):
        ACCEPTED = "accepted"
        SPLIT = "split"
        REJECTED = "rejected"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    group = models.CharField(max_length=20, help_text="key of the group: its types and their labels")
    number = models.IntegerField(help_text="1 for the first decision on the group")
    at = models.DateTimeField(db_default=Now())
    by = models.CharField(max_length=150)
    verdict = models.CharField(max_length=8, choices=Verdict.choices)
    reason = models.TextField(blank=True)
    inventory = models.ForeignKey(Inventory, on_delete=models.PROTECT, related_name="+", help_text="what was looked at")
    document = models.JSONField(help_text="members, canonical type, value mapping, what was taken out, risks")

    class Meta:
        ordering = ["-at"]
        verbose_name = "ENUM decision"
        constraints = [
            models.CheckConstraint(
                condition=Q(verdict__in=["accepted", "split", "rejected"]), name="ledger_enumdecision_verdict_known"
            ),
            models.CheckConstraint(
                condition=~Q(verdict="rejected") | ~Q(reason=""), name="ledger_enumdecision_rejected_with_reason"
            ),
            models.UniqueConstraint(fields=["group", "number"], name="ledger_enumdecision_once"),
        ]

    def __str__(self) -> str:
        return f"group {self.group} {self.verdict} by {self.by}"


class Event(AppendOnly):
    """One line of the append-only log; rows are added by the function ``append_event`` only."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField(db_default=Now())
    kind = models.CharField(max_length=60)
    actor = models.CharField(max_length=150, blank=True)
    subject = models.CharField(max_length=120, blank=True)
    payload = models.JSONField(default=dict)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject}"
