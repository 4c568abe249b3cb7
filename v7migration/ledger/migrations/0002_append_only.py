"""Records that stand: triggers that fire always, and the one function that adds events."""

from django.db import migrations

from v7migration.ledger.appendonly import (
    DROP_REFUSE_CHANGE_OF_RECORD,
    REFUSE_CHANGE_OF_RECORD,
    append_only_sql,
)

RECORDS = {
    "ledger_script": None,
    "ledger_snapshot": None,
    "ledger_rehearsal": None,
    "ledger_changeset": "digest",
    "ledger_event": None,
}

APPEND_EVENT = """
CREATE FUNCTION public.append_event(kind text, actor text, subject text, payload jsonb) RETURNS bigint
LANGUAGE sql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
    INSERT INTO public.ledger_event (at, kind, actor, subject, payload)
    VALUES (clock_timestamp(), kind, actor, subject, payload)
    RETURNING id
$function$;
COMMENT ON FUNCTION public.append_event(text, text, text, jsonb) IS
    'The only way to add an event: the time is the database''s own.';
"""

KEEP_RUNS = """
CREATE FUNCTION public.keep_run() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION '% on "%" is refused: runs, steps and incidents are kept', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'They are the account of what happened.';
END
$function$;
"""


def keep(table: str) -> tuple[str, str]:
    """Return the SQL that refuses DELETE and TRUNCATE on a table of runs, and its reverse."""
    forward = f"""
        CREATE TRIGGER {table}_keep_rows BEFORE DELETE ON public.{table}
            FOR EACH ROW EXECUTE FUNCTION public.keep_run();
        CREATE TRIGGER {table}_keep_all BEFORE TRUNCATE ON public.{table}
            FOR EACH STATEMENT EXECUTE FUNCTION public.keep_run();
        ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_keep_rows;
        ALTER TABLE public.{table} ENABLE ALWAYS TRIGGER {table}_keep_all;
    """
    return forward, f"DROP TRIGGER {table}_keep_rows ON public.{table}; DROP TRIGGER {table}_keep_all ON public.{table};"


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGE_OF_RECORD, DROP_REFUSE_CHANGE_OF_RECORD),
        migrations.RunSQL(APPEND_EVENT, "DROP FUNCTION public.append_event(text, text, text, jsonb);"),
        migrations.RunSQL(KEEP_RUNS, "DROP FUNCTION public.keep_run();"),
        *(migrations.RunSQL(*append_only_sql(table, lock_column=column)) for table, column in RECORDS.items()),
        *(migrations.RunSQL(*keep(table)) for table in ("ledger_run", "ledger_runstep", "ledger_incident")),
    ]
