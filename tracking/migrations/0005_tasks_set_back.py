"""A task whose run was taken back may return to the waiting ones."""

from pathlib import Path

from django.db import migrations

JUMPS = (Path(__file__).parent / "sql" / "task_jumps.sql").read_text()
BEFORE = JUMPS.replace(", 'in_progress>pending', 'review>pending',\n        'completed>pending'", "")


class Migration(migrations.Migration):
    dependencies = [("tracking", "0004_fence_rule")]

    operations = [migrations.RunSQL(JUMPS, BEFORE)]
