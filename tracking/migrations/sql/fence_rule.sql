-- Two fences are never open at once: while the rows live in the target, no transaction leaves this fence open.
-- (Bringing the rows home opens it for the length of its own transaction: the rule asks at its end.)

CREATE FUNCTION public.refuse_two_open_fences() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF EXISTS (SELECT FROM migration_gate.fence AS fence WHERE fence.is_open AND fence.current_home = 'live') THEN
        RAISE EXCEPTION USING
            ERRCODE = '23514',
            MESSAGE = 'the fence of the planning home may not be open while the rows live in the target',
            HINT = 'A rollback brings the rows home and opens it.';
    END IF;
    RETURN NULL;
END;
$function$;

CREATE CONSTRAINT TRIGGER fence_one_open AFTER INSERT OR UPDATE ON migration_gate.fence
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION public.refuse_two_open_fences();
ALTER TABLE migration_gate.fence ENABLE ALWAYS TRIGGER fence_one_open;
