"""What Guardians decided on groups of ENUM types, written once."""

import uuid
from importlib import import_module

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from v7migration.ledger.appendonly import append_only_sql

dated = import_module("v7migration.ledger.migrations.0003_dates_of_the_database").dated


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0007_inventory"),
    ]

    operations = [
        migrations.CreateModel(
            name="EnumDecision",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("group", models.CharField(help_text="key of the group: its types and their labels", max_length=20)),
                ("number", models.IntegerField(help_text="1 for the first decision on the group")),
                ("at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("by", models.CharField(max_length=150)),
                (
                    "verdict",
                    models.CharField(
                        choices=[("accepted", "Accepted"), ("split", "Split"), ("rejected", "Rejected")], max_length=8
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                (
                    "document",
                    models.JSONField(help_text="members, canonical type, value mapping, what was taken out, risks"),
                ),
                (
                    "inventory",
                    models.ForeignKey(
                        help_text="what was looked at",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.inventory",
                    ),
                ),
            ],
            options={
                "verbose_name": "ENUM decision",
                "ordering": ["-at"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("verdict__in", ["accepted", "split", "rejected"])),
                        name="ledger_enumdecision_verdict_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("verdict", "rejected"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="ledger_enumdecision_rejected_with_reason",
                    ),
                    models.UniqueConstraint(fields=("group", "number"), name="ledger_enumdecision_once"),
                ],
            },
        ),
        migrations.RunSQL(*append_only_sql("ledger_enumdecision")),
        migrations.RunSQL(*dated("ledger_enumdecision", "at")),
    ]
