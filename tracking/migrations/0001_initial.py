import uuid

import django.contrib.postgres.fields
import django.contrib.postgres.functions
import django.core.validators
import django.db.models.deletion
import django.db.models.lookups
import simple_history.models
from django.db import migrations, models

import tracking.models.base


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="EnumConsolidationStatus",
            fields=[
                ("v7_enum_name", models.CharField(max_length=200, primary_key=True, serialize=False)),
                ("enums_to_consolidate", models.BigIntegerField()),
                ("source_enums", django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), size=None)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("implemented", "Implemented"),
                            ("validated", "Validated"),
                            ("retired", "Retired"),
                            ("rolled_back", "Rolled back"),
                        ],
                        max_length=50,
                    ),
                ),
                (
                    "risk_level",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                        max_length=20,
                    ),
                ),
                ("affected_table_count", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "ENUM consolidation",
                "db_table": "v7_enum_consolidation_status",
                "ordering": ["v7_enum_name"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="File",
            fields=[
                ("id", models.AutoField(primary_key=True, serialize=False)),
                ("file_number", models.CharField(max_length=4, unique=True)),
                ("file_path", models.CharField(max_length=255, unique=True)),
                ("file_name", models.CharField(max_length=255)),
                ("layer_number", models.IntegerField(null=True)),
                ("layer_name", models.CharField(max_length=100, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[("NOVEL", "Novel"), ("SHARED", "Shared"), ("SYSTEM", "System")], max_length=20
                    ),
                ),
                (
                    "workflows",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(), blank=True, null=True, size=None
                    ),
                ),
                ("has_technical_debt", models.BooleanField(null=True)),
                ("technical_debt", models.TextField(null=True)),
                (
                    "jira_tickets",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(), blank=True, null=True, size=None
                    ),
                ),
                ("audit_status", models.CharField(max_length=50, null=True)),
                ("audit_date", models.DateTimeField(null=True)),
                ("audited_by", models.CharField(max_length=100, null=True)),
                ("notes", models.TextField(null=True)),
                ("created_at", models.DateTimeField(null=True)),
                ("updated_at", models.DateTimeField(null=True)),
                (
                    "v7_workflow_status",
                    tracking.models.base.StateField(
                        choices=[
                            ("pending_assessment", "Pending assessment"),
                            ("assessed", "Assessed"),
                            ("designed", "Designed"),
                            ("approved", "Approved"),
                            ("implementing", "Implementing"),
                            ("testing", "Testing"),
                            ("migrated", "Migrated"),
                            ("retired", "Retired"),
                        ],
                        default="pending_assessment",
                        max_length=50,
                        null=True,
                        protected=True,
                    ),
                ),
                ("v7_target_name", models.CharField(blank=True, max_length=500, null=True)),
                ("v7_database_enums", models.JSONField(blank=True, null=True)),
                ("v7_enum_mappings", models.JSONField(blank=True, null=True)),
                (
                    "v7_dependencies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "v7_dependents",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "v7_impact_score",
                    models.IntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10),
                        ],
                    ),
                ),
                ("v7_review_status", models.CharField(blank=True, max_length=50, null=True)),
                (
                    "v7_reviewed_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(), blank=True, null=True, size=None
                    ),
                ),
                ("v7_implementation_status", models.CharField(blank=True, max_length=50, null=True)),
                ("v7_test_status", models.CharField(blank=True, max_length=50, null=True)),
                ("v7_retirement_date", models.DateField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "file",
                "db_table": "file_audit",
                "ordering": ["file_path"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="FileMigrationReadiness",
            fields=[
                ("layer_number", models.IntegerField(primary_key=True, serialize=False)),
                ("layer_name", models.CharField(max_length=100, null=True)),
                ("total_files", models.BigIntegerField()),
                ("pending_assessment", models.BigIntegerField()),
                ("assessed", models.BigIntegerField()),
                ("designed", models.BigIntegerField()),
                ("approved", models.BigIntegerField()),
                ("implementing", models.BigIntegerField()),
                ("testing", models.BigIntegerField()),
                ("migrated", models.BigIntegerField()),
                ("retired", models.BigIntegerField()),
                ("avg_impact_score", models.DecimalField(decimal_places=2, max_digits=6, null=True)),
            ],
            options={
                "verbose_name": "file readiness",
                "verbose_name_plural": "file readiness",
                "db_table": "v7_file_migration_readiness",
                "ordering": ["layer_number"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="MigrationDashboard",
            fields=[
                ("phase_number", models.IntegerField(primary_key=True, serialize=False)),
                ("phase_name", models.CharField(max_length=100)),
                (
                    "phase_status",
                    models.CharField(
                        choices=[
                            ("not_started", "Not started"),
                            ("in_progress", "In progress"),
                            ("review", "In review"),
                            ("approved", "Approved"),
                            ("completed", "Completed"),
                            ("blocked", "Blocked"),
                            ("rolled_back", "Rolled back"),
                        ],
                        max_length=50,
                    ),
                ),
                ("lead_persona", models.CharField(max_length=100)),
                ("total_tasks", models.BigIntegerField()),
                ("completed_tasks", models.BigIntegerField()),
                ("migrated_files", models.BigIntegerField()),
                ("enum_migrations", models.BigIntegerField()),
                (
                    "highest_risk",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                        max_length=20,
                        null=True,
                    ),
                ),
            ],
            options={
                "verbose_name": "dashboard line",
                "db_table": "v7_migration_dashboard",
                "ordering": ["phase_number"],
                "managed": False,
            },
        ),
        migrations.CreateModel(
            name="FileValue",
            fields=[
                ("file_id", models.IntegerField(primary_key=True, serialize=False)),
                ("file_path", models.CharField(max_length=255)),
                ("values", models.JSONField()),
            ],
            options={
                "verbose_name": "file values",
                "verbose_name_plural": "file values",
                "db_table": "file_values_home",
                "ordering": ["file_path"],
            },
        ),
        migrations.CreateModel(
            name="HistoricalEnumMigration",
            fields=[
                ("id", models.UUIDField(db_index=True, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("current_enum_name", models.CharField(max_length=200)),
                (
                    "current_enum_values",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, size=None),
                ),
                ("v7_enum_name", models.CharField(max_length=200)),
                (
                    "v7_enum_values",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, size=None),
                ),
                (
                    "consolidates_with",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), blank=True, size=None),
                ),
                (
                    "affected_tables",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), blank=True, size=None),
                ),
                ("affected_columns", models.JSONField(blank=True)),
                ("migration_script", models.TextField(blank=True)),
                ("rollback_script", models.TextField(blank=True)),
                (
                    "risk_level",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                        max_length=20,
                    ),
                ),
                ("approved_by", models.CharField(blank=True, max_length=200, null=True)),
                ("implemented_at", models.DateTimeField(blank=True, null=True)),
                ("validated_at", models.DateTimeField(blank=True, null=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("history_change_reason", models.TextField(null=True)),
                ("history_user_id", models.CharField(max_length=150, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("implemented", "Implemented"),
                            ("validated", "Validated"),
                            ("retired", "Retired"),
                            ("rolled_back", "Rolled back"),
                        ],
                        max_length=50,
                    ),
                ),
                ("history_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical ENUM migration",
                "verbose_name_plural": "historical ENUM migrations",
                "db_table": "enum_migration_history",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalFile",
            fields=[
                ("id", models.IntegerField(blank=True, db_index=True)),
                ("file_path", models.CharField(max_length=255)),
                ("v7_target_name", models.CharField(blank=True, max_length=500, null=True)),
                ("v7_database_enums", models.JSONField(blank=True, null=True)),
                ("v7_enum_mappings", models.JSONField(blank=True, null=True)),
                (
                    "v7_dependencies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "v7_dependents",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(), blank=True, null=True, size=None
                    ),
                ),
                (
                    "v7_impact_score",
                    models.IntegerField(
                        blank=True,
                        null=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(10),
                        ],
                    ),
                ),
                ("v7_review_status", models.CharField(blank=True, max_length=50, null=True)),
                (
                    "v7_reviewed_by",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(), blank=True, null=True, size=None
                    ),
                ),
                ("v7_implementation_status", models.CharField(blank=True, max_length=50, null=True)),
                ("v7_test_status", models.CharField(blank=True, max_length=50, null=True)),
                ("v7_retirement_date", models.DateField(blank=True, null=True)),
                ("history_change_reason", models.TextField(null=True)),
                ("history_user_id", models.CharField(max_length=150, null=True)),
                (
                    "v7_workflow_status",
                    models.CharField(
                        choices=[
                            ("pending_assessment", "Pending assessment"),
                            ("assessed", "Assessed"),
                            ("designed", "Designed"),
                            ("approved", "Approved"),
                            ("implementing", "Implementing"),
                            ("testing", "Testing"),
                            ("migrated", "Migrated"),
                            ("retired", "Retired"),
                        ],
                        max_length=50,
                        null=True,
                    ),
                ),
                ("history_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical file",
                "verbose_name_plural": "historical files",
                "db_table": "file_history",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalGlobalImpact",
            fields=[
                ("id", models.UUIDField(db_index=True, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                (
                    "change_type",
                    models.CharField(
                        choices=[
                            ("enum", "ENUM"),
                            ("file", "File"),
                            ("api", "API"),
                            ("schema", "Schema"),
                            ("config", "Configuration"),
                            ("dependency", "Dependency"),
                        ],
                        max_length=20,
                    ),
                ),
                ("change_detail", models.JSONField(blank=True)),
                (
                    "affected_workflows",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), blank=True, size=None),
                ),
                (
                    "affected_layers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), blank=True, size=None),
                ),
                ("impact_description", models.TextField()),
                (
                    "risk_assessment",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                        max_length=20,
                    ),
                ),
                ("mitigation_strategy", models.TextField(blank=True)),
                (
                    "reviewed_by_personas",
                    django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), blank=True, size=None),
                ),
                ("implementation_notes", models.TextField(blank=True)),
                ("history_change_reason", models.TextField(null=True)),
                ("history_user_id", models.CharField(max_length=150, null=True)),
                (
                    "approval_status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("reviewing", "In review"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("implemented", "Implemented"),
                        ],
                        max_length=50,
                    ),
                ),
                ("history_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical global impact",
                "verbose_name_plural": "historical global impacts",
                "db_table": "global_impact_history",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalPhase",
            fields=[
                ("id", models.UUIDField(db_index=True, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                (
                    "phase_number",
                    models.IntegerField(
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(7),
                        ]
                    ),
                ),
                ("phase_name", models.CharField(max_length=100)),
                ("lead_persona", models.CharField(max_length=100)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("approval_status", models.CharField(blank=True, max_length=50, null=True)),
                ("approved_by", models.CharField(blank=True, max_length=200, null=True)),
                ("approval_notes", models.TextField(blank=True, null=True)),
                ("deliverables", models.JSONField(blank=True)),
                ("blockers", models.JSONField(blank=True)),
                ("history_change_reason", models.TextField(null=True)),
                ("history_user_id", models.CharField(max_length=150, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("not_started", "Not started"),
                            ("in_progress", "In progress"),
                            ("review", "In review"),
                            ("approved", "Approved"),
                            ("completed", "Completed"),
                            ("blocked", "Blocked"),
                            ("rolled_back", "Rolled back"),
                        ],
                        max_length=50,
                    ),
                ),
                ("history_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical phase",
                "verbose_name_plural": "historical phases",
                "db_table": "phase_history",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="HistoricalTestResult",
            fields=[
                ("id", models.UUIDField(db_index=True, editable=False)),
                (
                    "test_type",
                    models.CharField(
                        choices=[
                            ("unit", "Unit"),
                            ("integration", "Integration"),
                            ("system", "System"),
                            ("performance", "Performance"),
                            ("regression", "Regression"),
                            ("smoke", "Smoke"),
                        ],
                        max_length=20,
                    ),
                ),
                ("component_tested", models.CharField(max_length=500)),
                ("v7_file_path", models.CharField(blank=True, max_length=500)),
                (
                    "test_status",
                    models.CharField(
                        choices=[
                            ("pass", "Passed"),
                            ("fail", "Failed"),
                            ("skip", "Skipped"),
                            ("error", "Error"),
                            ("timeout", "Timed out"),
                        ],
                        max_length=20,
                    ),
                ),
                ("error_details", models.TextField(blank=True)),
                ("performance_metrics", models.JSONField(blank=True)),
                ("backwards_compatible", models.BooleanField(blank=True, null=True)),
                ("tested_by", models.CharField(max_length=200)),
                ("tested_at", models.DateTimeField()),
                ("retest_required", models.BooleanField()),
                ("notes", models.TextField(blank=True)),
                ("history_change_reason", models.TextField(null=True)),
                ("history_user_id", models.CharField(max_length=150, null=True)),
                ("history_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
            ],
            options={
                "verbose_name": "historical test result",
                "verbose_name_plural": "historical test results",
                "db_table": "test_result_history",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="Layer",
            fields=[
                ("number", models.IntegerField(primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                ("guardian", models.CharField(help_text="Name of the persona that guards this layer.", max_length=100)),
            ],
            options={
                "db_table": "tracking_layer",
                "ordering": ["number"],
            },
        ),
        migrations.CreateModel(
            name="WorkflowCode",
            fields=[
                ("code", models.CharField(max_length=10, primary_key=True, serialize=False)),
                ("name", models.CharField(max_length=100)),
                (
                    "persona",
                    models.CharField(help_text="Name of the persona that speaks for this workflow.", max_length=100),
                ),
            ],
            options={
                "verbose_name": "workflow",
                "db_table": "tracking_workflow",
                "ordering": ["code"],
            },
        ),
        migrations.CreateModel(
            name="EnumMigration",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tracking.models.base.RandomUUID(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                ("current_enum_name", models.CharField(max_length=200)),
                (
                    "current_enum_values",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("v7_enum_name", models.CharField(max_length=200)),
                (
                    "v7_enum_values",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "consolidates_with",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "affected_tables",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "affected_columns",
                    models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                ("migration_script", models.TextField(blank=True, db_default="", default="")),
                ("rollback_script", models.TextField(blank=True, db_default="", default="")),
                (
                    "status",
                    tracking.models.base.StateField(
                        choices=[
                            ("proposed", "Proposed"),
                            ("approved", "Approved"),
                            ("implemented", "Implemented"),
                            ("validated", "Validated"),
                            ("retired", "Retired"),
                            ("rolled_back", "Rolled back"),
                        ],
                        db_default="proposed",
                        default="proposed",
                        max_length=50,
                        protected=True,
                    ),
                ),
                (
                    "risk_level",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                        db_default="medium",
                        default="medium",
                        max_length=20,
                    ),
                ),
                ("approved_by", models.CharField(blank=True, max_length=200, null=True)),
                ("implemented_at", models.DateTimeField(blank=True, null=True)),
                ("validated_at", models.DateTimeField(blank=True, null=True)),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "ENUM migration",
                "db_table": "v7_enum_migrations",
                "ordering": ["v7_enum_name", "current_enum_name"],
                "indexes": [models.Index(fields=["status"], name="idx_enum_migrations_status")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["proposed", "approved", "implemented", "validated", "retired", "rolled_back"],
                            )
                        ),
                        name="enum_migrations_status_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("risk_level__in", ["low", "medium", "high", "critical"])),
                        name="enum_migrations_risk_level_check",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                models.F("affected_columns"), function="jsonb_typeof", output_field=models.TextField()
                            ),
                            models.Value("object"),
                        ),
                        name="enum_migrations_affected_columns_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="GlobalImpact",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tracking.models.base.RandomUUID(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                (
                    "change_type",
                    models.CharField(
                        choices=[
                            ("enum", "ENUM"),
                            ("file", "File"),
                            ("api", "API"),
                            ("schema", "Schema"),
                            ("config", "Configuration"),
                            ("dependency", "Dependency"),
                        ],
                        max_length=20,
                    ),
                ),
                (
                    "change_detail",
                    models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                (
                    "affected_workflows",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "affected_layers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.IntegerField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.IntegerField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("impact_description", models.TextField()),
                (
                    "risk_assessment",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High"), ("critical", "Critical")],
                        db_default="medium",
                        default="medium",
                        max_length=20,
                    ),
                ),
                ("mitigation_strategy", models.TextField(blank=True, db_default="", default="")),
                (
                    "reviewed_by_personas",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.CharField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "approval_status",
                    tracking.models.base.StateField(
                        choices=[
                            ("pending", "Pending"),
                            ("reviewing", "In review"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("implemented", "Implemented"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=50,
                        protected=True,
                    ),
                ),
                ("implementation_notes", models.TextField(blank=True, db_default="", default="")),
            ],
            options={
                "verbose_name": "global impact",
                "db_table": "v7_global_impacts",
                "ordering": ["-created_at"],
                "indexes": [models.Index(fields=["risk_assessment"], name="idx_global_impacts_risk")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("change_type__in", ["enum", "file", "api", "schema", "config", "dependency"])
                        ),
                        name="global_impacts_change_type_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("risk_assessment__in", ["low", "medium", "high", "critical"])),
                        name="global_impacts_risk_assessment_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approval_status__in", ["pending", "reviewing", "approved", "rejected", "implemented"])
                        ),
                        name="global_impacts_approval_status_check",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                models.F("change_detail"), function="jsonb_typeof", output_field=models.TextField()
                            ),
                            models.Value("object"),
                        ),
                        name="global_impacts_change_detail_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Phase",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tracking.models.base.RandomUUID(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                (
                    "phase_number",
                    models.IntegerField(
                        unique=True,
                        validators=[
                            django.core.validators.MinValueValidator(1),
                            django.core.validators.MaxValueValidator(7),
                        ],
                    ),
                ),
                ("phase_name", models.CharField(max_length=100)),
                (
                    "status",
                    tracking.models.base.StateField(
                        choices=[
                            ("not_started", "Not started"),
                            ("in_progress", "In progress"),
                            ("review", "In review"),
                            ("approved", "Approved"),
                            ("completed", "Completed"),
                            ("blocked", "Blocked"),
                            ("rolled_back", "Rolled back"),
                        ],
                        db_default="not_started",
                        default="not_started",
                        max_length=50,
                        protected=True,
                    ),
                ),
                ("lead_persona", models.CharField(max_length=100)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                ("approval_status", models.CharField(blank=True, max_length=50, null=True)),
                ("approved_by", models.CharField(blank=True, max_length=200, null=True)),
                ("approval_notes", models.TextField(blank=True, null=True)),
                (
                    "deliverables",
                    models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                (
                    "blockers",
                    models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
                ),
            ],
            options={
                "db_table": "v7_migration_workflow",
                "ordering": ["phase_number"],
                "indexes": [models.Index(fields=["status"], name="idx_v7_workflow_status")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("phase_number__gte", 1), ("phase_number__lte", 7)),
                        name="workflow_phase_number_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "not_started",
                                    "in_progress",
                                    "review",
                                    "approved",
                                    "completed",
                                    "blocked",
                                    "rolled_back",
                                ],
                            )
                        ),
                        name="workflow_status_check",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                models.F("deliverables"), function="jsonb_typeof", output_field=models.TextField()
                            ),
                            models.Value("object"),
                        ),
                        name="workflow_deliverables_check",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(models.F("blockers"), function="jsonb_typeof", output_field=models.TextField()),
                            models.Value("array"),
                        ),
                        name="workflow_blockers_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="HistoricalSubworkflowTask",
            fields=[
                ("id", models.UUIDField(db_index=True, editable=False)),
                ("created_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("task_number", models.IntegerField()),
                ("task_name", models.CharField(max_length=200)),
                ("responsible_persona", models.CharField(max_length=100)),
                (
                    "dart_task_id",
                    models.CharField(
                        blank=True,
                        max_length=50,
                        null=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9]{12}$", "A DART id is 12 letters and digits."
                            )
                        ],
                    ),
                ),
                ("dart_task_url", models.CharField(blank=True, max_length=500, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "blockers",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, size=None),
                ),
                (
                    "dependencies",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), blank=True, size=None),
                ),
                (
                    "deliverable_urls",
                    django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), blank=True, size=None),
                ),
                ("notes", models.TextField(blank=True)),
                ("history_change_reason", models.TextField(null=True)),
                ("history_user_id", models.CharField(max_length=150, null=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("pending", "Pending"),
                            ("in_progress", "In progress"),
                            ("blocked", "Blocked"),
                            ("review", "In review"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                            ("deferred", "Deferred"),
                        ],
                        max_length=50,
                    ),
                ),
                ("history_id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("history_date", models.DateTimeField(db_index=True)),
                (
                    "history_type",
                    models.CharField(choices=[("+", "Created"), ("~", "Changed"), ("-", "Deleted")], max_length=1),
                ),
                (
                    "parent_phase",
                    models.ForeignKey(
                        blank=True,
                        db_column="parent_phase",
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        related_name="+",
                        to="tracking.phase",
                        to_field="phase_number",
                    ),
                ),
            ],
            options={
                "verbose_name": "historical task",
                "verbose_name_plural": "historical tasks",
                "db_table": "subworkflow_task_history",
                "ordering": ("-history_date", "-history_id"),
                "get_latest_by": ("history_date", "history_id"),
            },
            bases=(simple_history.models.HistoricalChanges, models.Model),
        ),
        migrations.CreateModel(
            name="TestResult",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tracking.models.base.RandomUUID(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "test_type",
                    models.CharField(
                        choices=[
                            ("unit", "Unit"),
                            ("integration", "Integration"),
                            ("system", "System"),
                            ("performance", "Performance"),
                            ("regression", "Regression"),
                            ("smoke", "Smoke"),
                        ],
                        max_length=20,
                    ),
                ),
                ("component_tested", models.CharField(max_length=500)),
                ("v7_file_path", models.CharField(blank=True, db_default="", default="", max_length=500)),
                (
                    "test_status",
                    models.CharField(
                        choices=[
                            ("pass", "Passed"),
                            ("fail", "Failed"),
                            ("skip", "Skipped"),
                            ("error", "Error"),
                            ("timeout", "Timed out"),
                        ],
                        max_length=20,
                    ),
                ),
                ("error_details", models.TextField(blank=True, db_default="", default="")),
                (
                    "performance_metrics",
                    models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict),
                ),
                ("backwards_compatible", models.BooleanField(blank=True, null=True)),
                ("tested_by", models.CharField(max_length=200)),
                ("tested_at", models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow())),
                ("retest_required", models.BooleanField(db_default=False, default=False)),
                ("notes", models.TextField(blank=True, db_default="", default="")),
            ],
            options={
                "db_table": "v7_test_results",
                "ordering": ["-tested_at"],
                "indexes": [models.Index(fields=["test_status"], name="idx_test_results_status")],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("test_type__in", ["unit", "integration", "system", "performance", "regression", "smoke"])
                        ),
                        name="test_results_test_type_check",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("test_status__in", ["pass", "fail", "skip", "error", "timeout"])),
                        name="test_results_test_status_check",
                    ),
                    models.CheckConstraint(
                        condition=django.db.models.lookups.Exact(
                            models.Func(
                                models.F("performance_metrics"),
                                function="jsonb_typeof",
                                output_field=models.TextField(),
                            ),
                            models.Value("object"),
                        ),
                        name="test_results_performance_metrics_check",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SubworkflowTask",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        db_default=tracking.models.base.RandomUUID(), editable=False, primary_key=True, serialize=False
                    ),
                ),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                (
                    "updated_at",
                    models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False),
                ),
                ("task_number", models.IntegerField()),
                ("task_name", models.CharField(max_length=200)),
                ("responsible_persona", models.CharField(max_length=100)),
                (
                    "status",
                    tracking.models.base.StateField(
                        choices=[
                            ("pending", "Pending"),
                            ("in_progress", "In progress"),
                            ("blocked", "Blocked"),
                            ("review", "In review"),
                            ("completed", "Completed"),
                            ("cancelled", "Cancelled"),
                            ("deferred", "Deferred"),
                        ],
                        db_default="pending",
                        default="pending",
                        max_length=50,
                        protected=True,
                    ),
                ),
                (
                    "dart_task_id",
                    models.CharField(
                        blank=True,
                        max_length=50,
                        null=True,
                        validators=[
                            django.core.validators.RegexValidator(
                                "^[A-Za-z0-9]{12}$", "A DART id is 12 letters and digits."
                            )
                        ],
                    ),
                ),
                ("dart_task_url", models.CharField(blank=True, max_length=500, null=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("completed_at", models.DateTimeField(blank=True, null=True)),
                (
                    "blockers",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "dependencies",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.UUIDField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "deliverable_urls",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.TextField(),
                        blank=True,
                        db_default=models.Value(
                            [], django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), size=None)
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                ("notes", models.TextField(blank=True, db_default="", default="")),
                (
                    "parent_phase",
                    models.ForeignKey(
                        db_column="parent_phase",
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="tasks",
                        to="tracking.phase",
                        to_field="phase_number",
                    ),
                ),
            ],
            options={
                "verbose_name": "task",
                "db_table": "v7_subworkflow_tasks",
                "ordering": ["parent_phase", "task_number"],
                "indexes": [models.Index(fields=["status"], name="idx_subworkflow_status")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("parent_phase", "task_number"), name="subworkflow_tasks_number_key"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("task_number__gte", 1)), name="subworkflow_tasks_number_check"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["pending", "in_progress", "blocked", "review", "completed", "cancelled", "deferred"],
                            )
                        ),
                        name="subworkflow_tasks_status_check",
                    ),
                ],
            },
        ),
    ]
