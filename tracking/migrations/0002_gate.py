"""The fence and the triggers of the planning home."""

from pathlib import Path

from django.db import migrations

GATE = Path(__file__).parent / "sql" / "gate.sql"


class Migration(migrations.Migration):
    dependencies = [("tracking", "0001_initial")]

    operations = [migrations.RunSQL(GATE.read_text(), "DROP SCHEMA migration_gate CASCADE")]
