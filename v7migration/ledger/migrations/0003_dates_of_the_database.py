"""The time of a freeze and of a rehearsal is the database's own: what happened after it is compared with it."""

from django.db import migrations

DATED = {"ledger_changeset": "frozen_at", "ledger_rehearsal": "finished_at", "ledger_snapshot": "taken_at"}


def dated(table: str, column: str) -> tuple[str, str]:
    """Return the SQL that dates every row of a table at its insertion, and its reverse."""
    forward = f"""
        CREATE FUNCTION public.{table}_dated() RETURNS trigger
        LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
        AS $function$ BEGIN NEW.{column} := clock_timestamp(); RETURN NEW; END $function$;
        CREATE TRIGGER {table}_dated BEFORE INSERT ON public.{table}
            FOR EACH ROW EXECUTE FUNCTION public.{table}_dated();
        ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_dated;
    """
    return forward, f"DROP TRIGGER {table}_dated ON public.{table}; DROP FUNCTION public.{table}_dated();"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_append_only")]

    operations = [migrations.RunSQL(*dated(table, column)) for table, column in DATED.items()]
