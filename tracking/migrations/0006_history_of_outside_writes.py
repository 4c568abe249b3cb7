"""Triggers of the planning home: what is written past Django leaves history too."""

from pathlib import Path

from django.db import migrations

HISTORY = Path(__file__).parent / "sql" / "history.sql"
BACK = """
DROP FUNCTION public.record_test_result() CASCADE;
DROP FUNCTION public.record_subworkflow_task() CASCADE;
DROP FUNCTION public.record_enum_migration() CASCADE;
DROP FUNCTION public.record_global_impact() CASCADE;
DROP FUNCTION public.record_phase() CASCADE;
DROP FUNCTION public.keep_file() CASCADE;
DROP FUNCTION public.keep_test_result() CASCADE;
DROP FUNCTION public.keep_subworkflow_task() CASCADE;
DROP FUNCTION public.keep_enum_migration() CASCADE;
DROP FUNCTION public.keep_global_impact() CASCADE;
DROP FUNCTION public.keep_phase() CASCADE;
DROP FUNCTION public.refuse_truncate() CASCADE;
DROP FUNCTION public.outside_id(text);
DROP FUNCTION public.outside_writer();
"""


class Migration(migrations.Migration):
    dependencies = [("tracking", "0005_tasks_set_back")]

    operations = [migrations.RunSQL(HISTORY.read_text(), BACK)]
