"""What the database holds by itself: records that stand, one living signature per seat, changes to accounts."""

from django.db import migrations

from v7migration.ledger.appendonly import append_only_sql

RECORDS = (
    "approvals_signatory",
    "approvals_signature",
    "approvals_revocation",
    "approvals_signingattempt",
    "approvals_accountchange",
)

PERSONA_KEEPS_ITS_NAME = """
CREATE TRIGGER approvals_persona_name_stands BEFORE UPDATE OF name ON public.approvals_persona
    FOR EACH ROW WHEN (OLD.name IS DISTINCT FROM NEW.name)
    EXECUTE FUNCTION public.refuse_change_of_record();
ALTER TABLE public.approvals_persona ENABLE ALWAYS TRIGGER approvals_persona_name_stands;
"""
PERSONA_KEEPS_ITS_NAME_BACK = "DROP TRIGGER approvals_persona_name_stands ON public.approvals_persona;"

# A signature is written only for a live account that holds the persona and speaks for it on this subject, into
# the round after the last revocation, at the time of the database. UNIQUE (subject, seat, round) decides races.
SIGNATURE_IN_ITS_ROUND = """
CREATE FUNCTION public.approvals_check_signature() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, public, pg_temp
AS $function$
DECLARE
    revoked integer;
BEGIN
    IF NOT EXISTS (SELECT FROM public.approvals_signatory s
                   WHERE s.subject_kind = NEW.subject_kind AND s.subject_id = NEW.subject_id
                     AND s.persona = NEW.persona AND s.person_id = NEW.person_id) THEN
        RAISE EXCEPTION 'the person does not speak for % on this %', NEW.persona, NEW.subject_kind
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approvals_signature_by_its_signatory',
                  HINT = 'Bind the person to the persona as signatory first.';
    END IF;
    IF NOT EXISTS (SELECT FROM public.approvals_holding h
                   JOIN public.approvals_persona p ON p.id = h.persona_id
                   JOIN public.auth_user u ON u.id = h.user_id
                   WHERE p.name = NEW.persona AND p.may_approve AND u.id = NEW.person_id AND u.is_active) THEN
        RAISE EXCEPTION 'the person does not hold % with a live account', NEW.persona
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approvals_signature_by_a_holder',
                  HINT = 'Let a holder of the persona sign.';
    END IF;
    SELECT count(*) INTO revoked
    FROM public.approvals_revocation r JOIN public.approvals_signature s ON s.id = r.signature_id
    WHERE s.subject_kind = NEW.subject_kind AND s.subject_id = NEW.subject_id AND s.seat = NEW.seat;
    IF NEW.round <> revoked THEN
        RAISE EXCEPTION 'round % of seat % is not the round after % revocations', NEW.round, NEW.seat, revoked
            USING ERRCODE = 'check_violation', CONSTRAINT = 'approvals_signature_in_its_round',
                  HINT = 'Revoke the standing signature first.';
    END IF;
    NEW.signed_at := clock_timestamp();
    RETURN NEW;
END
$function$;
CREATE TRIGGER approvals_signature_checked BEFORE INSERT ON public.approvals_signature
    FOR EACH ROW EXECUTE FUNCTION public.approvals_check_signature();
ALTER TABLE public.approvals_signature ENABLE ALWAYS TRIGGER approvals_signature_checked;

CREATE FUNCTION public.approvals_stamp() RETURNS trigger
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    NEW.at := clock_timestamp();
    RETURN NEW;
END
$function$;
CREATE TRIGGER approvals_revocation_stamped BEFORE INSERT ON public.approvals_revocation
    FOR EACH ROW EXECUTE FUNCTION public.approvals_stamp();
ALTER TABLE public.approvals_revocation ENABLE ALWAYS TRIGGER approvals_revocation_stamped;
CREATE TRIGGER approvals_signingattempt_stamped BEFORE INSERT ON public.approvals_signingattempt
    FOR EACH ROW EXECUTE FUNCTION public.approvals_stamp();
ALTER TABLE public.approvals_signingattempt ENABLE ALWAYS TRIGGER approvals_signingattempt_stamped;
"""
SIGNATURE_IN_ITS_ROUND_BACK = """
DROP TRIGGER approvals_signingattempt_stamped ON public.approvals_signingattempt;
DROP TRIGGER approvals_revocation_stamped ON public.approvals_revocation;
DROP FUNCTION public.approvals_stamp();
DROP TRIGGER approvals_signature_checked ON public.approvals_signature;
DROP FUNCTION public.approvals_check_signature();
"""

# The application names the acting person in the setting v7.acting_user; without it the change has no known author.
ACCOUNT_CHANGES = """
CREATE FUNCTION public.approvals_note_account_change(account integer, kind text, detail text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $function$
    INSERT INTO public.approvals_accountchange (user_id, kind, detail, changed_by, at)
    VALUES (account, kind, left(detail, 300), nullif(current_setting('v7.acting_user', true), ''), clock_timestamp())
$function$;

CREATE FUNCTION public.approvals_watch_account() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM public.approvals_note_account_change(NEW.id, 'created', NEW.username);
        RETURN NULL;
    END IF;
    IF OLD.username IS DISTINCT FROM NEW.username THEN
        PERFORM public.approvals_note_account_change(NEW.id, 'username', OLD.username || ' → ' || NEW.username);
    END IF;
    IF OLD.password IS DISTINCT FROM NEW.password THEN
        PERFORM public.approvals_note_account_change(NEW.id, 'password', '');
    END IF;
    IF OLD.email IS DISTINCT FROM NEW.email THEN
        PERFORM public.approvals_note_account_change(NEW.id, 'email', OLD.email || ' → ' || NEW.email);
    END IF;
    IF OLD.is_active IS DISTINCT FROM NEW.is_active THEN
        PERFORM public.approvals_note_account_change(NEW.id, 'is_active', NEW.is_active::text);
    END IF;
    IF OLD.is_superuser IS DISTINCT FROM NEW.is_superuser THEN
        PERFORM public.approvals_note_account_change(NEW.id, 'is_superuser', NEW.is_superuser::text);
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER approvals_account_watched AFTER INSERT OR UPDATE ON public.auth_user
    FOR EACH ROW EXECUTE FUNCTION public.approvals_watch_account();
ALTER TABLE public.auth_user ENABLE ALWAYS TRIGGER approvals_account_watched;

CREATE FUNCTION public.approvals_watch_holding() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    persona text;
BEGIN
    IF TG_OP IN ('UPDATE', 'DELETE') THEN
        SELECT p.name INTO persona FROM public.approvals_persona p WHERE p.id = OLD.persona_id;
        PERFORM public.approvals_note_account_change(OLD.user_id, 'personas', '- ' || persona);
    END IF;
    IF TG_OP IN ('UPDATE', 'INSERT') THEN
        SELECT p.name INTO persona FROM public.approvals_persona p WHERE p.id = NEW.persona_id;
        PERFORM public.approvals_note_account_change(NEW.user_id, 'personas', '+ ' || persona);
    END IF;
    RETURN NULL;
END
$function$;
CREATE TRIGGER approvals_holding_watched AFTER INSERT OR UPDATE OR DELETE ON public.approvals_holding
    FOR EACH ROW EXECUTE FUNCTION public.approvals_watch_holding();
ALTER TABLE public.approvals_holding ENABLE ALWAYS TRIGGER approvals_holding_watched;
"""
ACCOUNT_CHANGES_BACK = """
DROP TRIGGER approvals_holding_watched ON public.approvals_holding;
DROP FUNCTION public.approvals_watch_holding();
DROP TRIGGER approvals_account_watched ON public.auth_user;
DROP FUNCTION public.approvals_watch_account();
DROP FUNCTION public.approvals_note_account_change(integer, text, text);
"""


class Migration(migrations.Migration):
    dependencies = [("approvals", "0001_initial"), ("ledger", "0002_append_only")]

    operations = [
        *(migrations.RunSQL(*append_only_sql(table)) for table in RECORDS),
        migrations.RunSQL(PERSONA_KEEPS_ITS_NAME, PERSONA_KEEPS_ITS_NAME_BACK),
        migrations.RunSQL(SIGNATURE_IN_ITS_ROUND, SIGNATURE_IN_ITS_ROUND_BACK),
        migrations.RunSQL(ACCOUNT_CHANGES, ACCOUNT_CHANGES_BACK),
    ]
