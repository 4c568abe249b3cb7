"""Reviews of scripts, acceptances by name and required modifications, written once."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from importlib import import_module

from django.db import migrations, models

from v7migration.ledger.appendonly import append_only_sql

dated = import_module("v7migration.ledger.migrations.0003_dates_of_the_database").dated


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0008_enum_decisions'),
    ]

    operations = [
        migrations.CreateModel(
            name='Review',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('by', models.CharField(max_length=150)),
                ('verdict', models.CharField(choices=[('refuse', 'Refused'), ('accept', 'To be accepted'), ('clean', 'Clean')], max_length=10)),
                ('document', models.JSONField(help_text='findings, conflicts, what Squawk said')),
                ('rehearsal', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.rehearsal')),
                ('script', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='reviews', to='ledger.script')),
            ],
            options={
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='Modification',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('by', models.CharField(max_length=150)),
                ('text', models.TextField()),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='modifications', to='ledger.review')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='Acceptance',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('key', models.CharField(help_text="SHA-256 of the finding's id, line and message", max_length=64)),
                ('finding', models.CharField(help_text="the finding's id", max_length=80)),
                ('line', models.IntegerField()),
                ('message', models.TextField()),
                ('statement', models.CharField(blank=True, help_text="SHA-256 of the statement's text", max_length=64)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('by', models.CharField(max_length=150)),
                ('reason', models.TextField()),
                ('script', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.script')),
                ('review', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='acceptances', to='ledger.review')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddConstraint(
            model_name='review',
            constraint=models.CheckConstraint(condition=models.Q(('verdict__in', ['refuse', 'accept', 'clean'])), name='ledger_review_verdict_known'),
        ),
        migrations.AddConstraint(
            model_name='modification',
            constraint=models.CheckConstraint(condition=models.Q(('text', ''), _negated=True), name='ledger_modification_has_text'),
        ),
        migrations.AddConstraint(
            model_name='acceptance',
            constraint=models.UniqueConstraint(fields=('script', 'key'), name='ledger_acceptance_once'),
        ),
        migrations.AddConstraint(
            model_name='acceptance',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='ledger_acceptance_has_reason'),
        ),
        migrations.RunSQL(*append_only_sql("ledger_review")),
        migrations.RunSQL(*dated("ledger_review", "at")),
        migrations.RunSQL(*append_only_sql("ledger_acceptance")),
        migrations.RunSQL(*dated("ledger_acceptance", "at")),
        migrations.RunSQL(*append_only_sql("ledger_modification")),
        migrations.RunSQL(*dated("ledger_modification", "at")),
    ]
