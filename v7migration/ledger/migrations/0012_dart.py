"""The outbox of DART and what was last seen of each task there."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('ledger', '0011_validations'),
    ]

    operations = [
        migrations.CreateModel(
            name='DartLink',
            fields=[
                ('task', models.UUIDField(help_text='id of the row in v7_subworkflow_tasks, in either home', primary_key=True, serialize=False)),
                ('dart_id', models.CharField(max_length=50)),
                ('in_table', models.JSONField(help_text='the task as the table had it')),
                ('in_dart', models.JSONField(help_text='the task as DART had it')),
                ('differences', models.JSONField(default=list, help_text='where the two still differ, with both values')),
                ('compared_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
            ],
            options={
                'verbose_name': 'DART link',
                'ordering': ['task'],
            },
        ),
        migrations.CreateModel(
            name='DartDelivery',
            fields=[
                ('id', models.BigAutoField(primary_key=True, serialize=False)),
                ('kind', models.CharField(choices=[('task', 'Task'), ('review', 'Request for review'), ('comment', 'Comment'), ('kickoff', 'Kickoff of Phase 5')], max_length=10)),
                ('subject', models.CharField(help_text='id of the task, changeset, incident or run it is about', max_length=64)),
                ('key', models.CharField(help_text='what it is, so that it is queued and sent once', max_length=200, unique=True)),
                ('payload', models.JSONField(help_text='what DART is to hold')),
                ('revision', models.IntegerField(default=1, help_text='counts the changes of the payload')),
                ('state', models.CharField(choices=[('queued', 'Queued'), ('delivered', 'Delivered'), ('dead', 'Given up')], default='queued', max_length=10)),
                ('attempts', models.IntegerField(default=0, help_text='failed tries that count')),
                ('next_try_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('sent_at', models.DateTimeField(blank=True, help_text='sent, and no answer came yet: look before again', null=True)),
                ('last_error', models.TextField(blank=True)),
                ('dart_id', models.CharField(blank=True, max_length=50)),
                ('dart_url', models.CharField(blank=True, max_length=500)),
                ('queued_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('queued_by', models.CharField(blank=True, max_length=150)),
                ('delivered_at', models.DateTimeField(blank=True, null=True)),
                ('recorded_by', models.CharField(blank=True, help_text='who recorded the id by hand; empty: delivered', max_length=150)),
            ],
            options={
                'verbose_name': 'DART delivery',
                'verbose_name_plural': 'DART deliveries',
                'ordering': ['id'],
                'indexes': [models.Index(fields=['state', 'next_try_at'], name='idx_ledger_dartdelivery_due')],
                'constraints': [models.CheckConstraint(condition=models.Q(('kind__in', ['task', 'review', 'comment', 'kickoff'])), name='ledger_dartdelivery_kind_known'), models.CheckConstraint(condition=models.Q(('state__in', ['queued', 'delivered', 'dead'])), name='ledger_dartdelivery_state_known'), models.CheckConstraint(condition=models.Q(models.Q(('state', 'delivered'), _negated=True), models.Q(models.Q(('dart_id', ''), _negated=True), ('delivered_at__isnull', False)), _connector='OR'), name='ledger_dartdelivery_delivered_somewhere'), models.UniqueConstraint(condition=models.Q(('kind__in', ['task', 'review', 'kickoff']), models.Q(('dart_id', ''), _negated=True)), fields=('dart_id',), name='ledger_dartdelivery_id_once')],
            },
        ),
    ]
