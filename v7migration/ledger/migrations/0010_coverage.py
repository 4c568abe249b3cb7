"""Signed "no impact" and the business impact of a workflow, written once."""

import django.db.models.deletion
import django.db.models.functions.datetime
import uuid
from importlib import import_module

from django.db import migrations, models

from v7migration.ledger.appendonly import append_only_sql

dated = import_module("v7migration.ledger.migrations.0003_dates_of_the_database").dated


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0009_reviews'),
    ]

    operations = [
        migrations.CreateModel(
            name='BusinessImpact',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('impact', models.UUIDField(help_text='id of the row in v7_global_impacts, in either home')),
                ('workflow', models.CharField(max_length=10)),
                ('persona', models.CharField(max_length=100)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('by', models.CharField(max_length=150)),
                ('text', models.TextField()),
            ],
            options={
                'ordering': ['at'],
                'indexes': [models.Index(fields=['impact'], name='idx_ledger_businessimpact')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('text', ''), _negated=True), models.Q(('workflow', ''), _negated=True), models.Q(('persona', ''), _negated=True)), name='ledger_businessimpact_complete')],
            },
        ),
        migrations.CreateModel(
            name='NoImpact',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, primary_key=True, serialize=False)),
                ('change', models.CharField(help_text='name of the V7 type', max_length=200)),
                ('layer', models.IntegerField(blank=True, help_text='number of the layer; empty: files of no known layer', null=True)),
                ('at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('by', models.CharField(max_length=150)),
                ('person_name', models.CharField(help_text='full name at the time of signing', max_length=300)),
                ('persona', models.CharField(max_length=100)),
                ('reason', models.TextField()),
                ('statement', models.TextField()),
                ('evidence', models.CharField(help_text='SHA-256 of the lines that the code map showed', max_length=64)),
                ('address', models.CharField(blank=True, max_length=45)),
                ('code_map', models.ForeignKey(help_text='what was looked at', on_delete=django.db.models.deletion.PROTECT, related_name='+', to='ledger.inventory')),
            ],
            options={
                'verbose_name': 'no impact',
                'verbose_name_plural': 'no impacts',
                'ordering': ['-at'],
                'indexes': [models.Index(fields=['change', 'layer'], name='idx_ledger_noimpact_cell')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('change', ''), _negated=True), models.Q(('reason', ''), _negated=True), models.Q(('statement', ''), _negated=True), models.Q(('evidence', ''), _negated=True), models.Q(('persona', ''), _negated=True)), name='ledger_noimpact_complete')],
            },
        ),
        migrations.RunSQL(*append_only_sql("ledger_noimpact")),
        migrations.RunSQL(*dated("ledger_noimpact", "at")),
        migrations.RunSQL(*append_only_sql("ledger_businessimpact")),
        migrations.RunSQL(*dated("ledger_businessimpact", "at")),
    ]
