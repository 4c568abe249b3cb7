"""The rule that two fences are never open at once, held by the planning home's database."""

from pathlib import Path

from django.db import migrations

RULE = Path(__file__).parent / "sql" / "fence_rule.sql"
BACK = """
DROP TRIGGER fence_one_open ON migration_gate.fence;
DROP FUNCTION public.refuse_two_open_fences();
"""


class Migration(migrations.Migration):
    dependencies = [("tracking", "0003_seed")]

    operations = [migrations.RunSQL(RULE.read_text(), BACK)]
