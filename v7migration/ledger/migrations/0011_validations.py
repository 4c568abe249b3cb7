"""Validations of a run, and the failures accepted by name, written once."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from importlib import import_module

from django.db import migrations, models

from v7migration.ledger.appendonly import append_only_sql

dated = import_module("v7migration.ledger.migrations.0003_dates_of_the_database").dated


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0010_coverage'),
    ]

    operations = [
        migrations.CreateModel(
            name='Validation',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('by', models.CharField(max_length=150)),
                ('ok', models.BooleanField()),
                ('document', models.JSONField(help_text='every check with its evidence, what was recorded in v7_test_results')),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='validations', to='ledger.run')),
            ],
            options={
                'ordering': ['-at'],
            },
        ),
        migrations.CreateModel(
            name='AcceptedFailure',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('check_name', models.CharField(max_length=300)),
                ('evidence', models.CharField(help_text='SHA-256 of what was expected and what was found', max_length=64)),
                ('found', models.TextField(help_text='what was found, in words')),
                ('grade', models.CharField(max_length=8)),
                ('reason', models.TextField()),
                ('by', models.CharField(max_length=150)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('run', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accepted_failures', to='ledger.run')),
                ('validation', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='accepted', to='ledger.validation')),
            ],
            options={
                'ordering': ['id'],
            },
        ),
        migrations.AddConstraint(
            model_name='validation',
            constraint=models.CheckConstraint(condition=models.Q(('by', ''), _negated=True), name='ledger_validation_names_its_person'),
        ),
        migrations.AddConstraint(
            model_name='acceptedfailure',
            constraint=models.UniqueConstraint(fields=('run', 'check_name', 'evidence'), name='ledger_acceptedfailure_once'),
        ),
        migrations.AddConstraint(
            model_name='acceptedfailure',
            constraint=models.CheckConstraint(condition=models.Q(('reason', ''), _negated=True), name='ledger_acceptedfailure_has_reason'),
        ),
        migrations.AddConstraint(
            model_name='acceptedfailure',
            constraint=models.CheckConstraint(condition=models.Q(('grade__in', ['low', 'medium', 'high'])), name='ledger_acceptedfailure_not_critical'),
        ),
        migrations.RunSQL(*append_only_sql("ledger_validation")),
        migrations.RunSQL(*dated("ledger_validation", "at")),
        migrations.RunSQL(*append_only_sql("ledger_acceptedfailure")),
        migrations.RunSQL(*dated("ledger_acceptedfailure", "at")),
    ]
