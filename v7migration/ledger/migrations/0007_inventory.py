"""What the parts of an inventory found, written once."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from importlib import import_module

from django.db import migrations, models

from v7migration.ledger.appendonly import append_only_sql

dated = import_module("v7migration.ledger.migrations.0003_dates_of_the_database").dated


class Migration(migrations.Migration):
    dependencies = [
        ("ledger", "0006_emergency"),
    ]

    operations = [
        migrations.CreateModel(
            name="Inventory",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ("taken_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("taken_by", models.CharField(blank=True, max_length=150)),
                (
                    "part",
                    models.CharField(
                        choices=[
                            ("snapshot", "Schema snapshot"),
                            ("enums", "ENUM usage"),
                            ("dependencies", "Dependencies"),
                            ("files", "Files"),
                            ("code", "Code map"),
                        ],
                        max_length=20,
                    ),
                ),
                ("subject", models.CharField(help_text="the target in words, or the source tree", max_length=300)),
                ("document", models.JSONField(help_text="what was found")),
                (
                    "snapshot",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inventories",
                        to="ledger.snapshot",
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "inventories",
                "ordering": ["-taken_at"],
                "indexes": [models.Index(fields=["part", "-taken_at"], name="idx_ledger_inventory_part")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("part__in", ["snapshot", "enums", "dependencies", "files", "code"])),
                        name="ledger_inventory_part_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(*append_only_sql("ledger_inventory")),
        migrations.RunSQL(*dated("ledger_inventory", "taken_at")),
    ]
