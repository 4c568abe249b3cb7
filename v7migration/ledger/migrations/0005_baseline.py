"""Measurements of the target, written once."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from django.db import migrations, models

from v7migration.ledger.appendonly import append_only_sql


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0004_incident_review"),
    ]

    operations = [
        migrations.CreateModel(
            name="Baseline",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("taken_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("taken_by", models.CharField(blank=True, max_length=150)),
                ("target_name", models.CharField(max_length=300)),
                (
                    "document",
                    models.JSONField(help_text="queries with milliseconds and plans, sizes, use of the indexes"),
                ),
                (
                    "run",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="measurements",
                        to="ledger.run",
                    ),
                ),
            ],
            options={
                "ordering": ["-taken_at"],
            },
        ),
        migrations.RunSQL(*append_only_sql("ledger_baseline")),
    ]
