"""Personal tokens for the API, of which only the last use and the revocation ever change."""

import datetime
import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.expressions
import uuid
from django.conf import settings
from django.db import migrations, models


STANDS = """
CREATE FUNCTION public.approvals_token_stands() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF (to_jsonb(OLD) - 'last_used_at' - 'revoked_at') = (to_jsonb(NEW) - 'last_used_at' - 'revoked_at')
           AND (OLD.revoked_at IS NULL OR OLD.revoked_at IS NOT DISTINCT FROM NEW.revoked_at) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION '% on "approvals_personaltoken" is refused: a token stands as it was made or revoked', TG_OP
        USING ERRCODE = 'restrict_violation', HINT = 'Revoke the token and make another.';
END
$function$;
CREATE TRIGGER approvals_token_stands BEFORE UPDATE OR DELETE ON public.approvals_personaltoken
    FOR EACH ROW EXECUTE FUNCTION public.approvals_token_stands();
CREATE TRIGGER approvals_token_kept BEFORE TRUNCATE ON public.approvals_personaltoken
    FOR EACH STATEMENT EXECUTE FUNCTION public.approvals_token_stands();
ALTER TABLE public.approvals_personaltoken ENABLE ALWAYS TRIGGER approvals_token_stands;
ALTER TABLE public.approvals_personaltoken ENABLE ALWAYS TRIGGER approvals_token_kept;
"""
STANDS_BACK = """
DROP TRIGGER approvals_token_kept ON public.approvals_personaltoken;
DROP TRIGGER approvals_token_stands ON public.approvals_personaltoken;
DROP FUNCTION public.approvals_token_stands();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('approvals', '0003_personas'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='PersonalToken',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(help_text='what it is for', max_length=100)),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('created_at', models.DateTimeField(db_default=django.contrib.postgres.functions.TransactionNow(), editable=False)),
                ('expires_at', models.DateTimeField()),
                ('last_used_at', models.DateTimeField(blank=True, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['-created_at', 'id'],
                'constraints': [models.CheckConstraint(condition=models.Q(('expires_at__gt', models.F('created_at')), ('expires_at__lte', django.db.models.expressions.CombinedExpression(models.F('created_at'), '+', models.Value(datetime.timedelta(days=90))))), name='approvals_token_expires_in_time'), models.CheckConstraint(condition=models.Q(('name', ''), _negated=True), name='approvals_token_has_a_name')],
            },
        ),
        migrations.RunSQL(STANDS, STANDS_BACK),
    ]
