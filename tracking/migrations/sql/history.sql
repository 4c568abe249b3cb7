-- No write without history in the planning home: what the sections of V7_Migration_Tables.sql make in the target,
-- with the history tables in public. (file_audit is in the target; its history comes home with a rollback.)
CREATE FUNCTION public.outside_writer() RETURNS text
    LANGUAGE sql STABLE
AS $function$
    -- The role that logged in, the role it took on, and the program, as far as it gives its name.
    SELECT pg_catalog.concat_ws(' ',
        SESSION_USER,
        'as ' || NULLIF(NULLIF(pg_catalog.current_setting('role'), 'none'), SESSION_USER),
        'via ' || COALESCE(NULLIF(pg_catalog.current_setting('application_name'), ''), 'an unnamed program')
    );
$function$;

CREATE FUNCTION public.outside_id(rest text) RETURNS uuid
    LANGUAGE sql STABLE
AS $function$
    -- A UUID of version 8 that begins with the transaction, savepoints or not; the keep functions know it by that.
    SELECT (pg_catalog.lpad(
        pg_catalog.to_hex(pg_catalog.pg_current_xact_id()::text::bigint & 281474976710655), 12, '0'
    ) || '-8' || rest)::uuid;
$function$;

CREATE FUNCTION public.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '42501',
        MESSAGE = pg_catalog.format('TRUNCATE would leave no history of the rows of %s', TG_TABLE_NAME),
        HINT = 'DELETE them: each leaves a last version.';
END;
$function$;
REVOKE ALL ON FUNCTION public.outside_writer() FROM PUBLIC;
REVOKE ALL ON FUNCTION public.outside_id(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION public.refuse_truncate() FROM PUBLIC;
COMMENT ON FUNCTION public.outside_writer() IS 'Names the role and the program of the session.';
COMMENT ON FUNCTION public.outside_id(text) IS 'Makes the identity of a version that a trigger writes.';
COMMENT ON FUNCTION public.refuse_truncate() IS 'Refuses a TRUNCATE, which would leave no history (SQLSTATE 42501).';

CREATE FUNCTION public.keep_phase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told text[] := ARRAY['history_id', 'history_date', 'history_user_id', 'history_change_reason'];
BEGIN
    -- Whoever moves rows brings their history along.
    IF EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    -- What this transaction's trigger wrote of the same change, with the same values, gives way to this version.
    DELETE FROM public.phase_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM public.phase_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(public.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.keep_phase() FROM PUBLIC;
COMMENT ON FUNCTION public.keep_phase() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON public.phase_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.keep_phase();

CREATE FUNCTION public.record_phase() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    version public.v7_migration_workflow := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    -- Whoever moves rows brings their history along.
    IF OLD IS NOT DISTINCT FROM NEW OR EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.phase_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, phase_number, phase_name, status, lead_persona, started_at, completed_at, approval_status, approved_by,
        approval_notes, deliverables, blockers, created_at, updated_at
    ) VALUES (
        public.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(public.outside_writer(), 150), 'written outside Django',
        version.id, version.phase_number, version.phase_name, version.status, version.lead_persona,
        version.started_at, version.completed_at, version.approval_status, version.approved_by,
        version.approval_notes, version.deliverables, version.blockers, version.created_at, version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.record_phase() FROM PUBLIC;
COMMENT ON FUNCTION public.record_phase() IS 'Writes a version of a changed row of v7_migration_workflow.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_migration_workflow
    FOR EACH ROW EXECUTE FUNCTION public.record_phase();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_migration_workflow
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();

CREATE FUNCTION public.keep_enum_migration() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told text[] := ARRAY['history_id', 'history_date', 'history_user_id', 'history_change_reason'];
BEGIN
    -- Whoever moves rows brings their history along.
    IF EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    -- What this transaction's trigger wrote of the same change, with the same values, gives way to this version.
    DELETE FROM public.enum_migration_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM public.enum_migration_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(public.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.keep_enum_migration() FROM PUBLIC;
COMMENT ON FUNCTION public.keep_enum_migration() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON public.enum_migration_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.keep_enum_migration();

CREATE FUNCTION public.record_enum_migration() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    version public.v7_enum_migrations := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    -- Whoever moves rows brings their history along.
    IF OLD IS NOT DISTINCT FROM NEW OR EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.enum_migration_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, current_enum_name, current_enum_values, v7_enum_name, v7_enum_values, consolidates_with, affected_tables,
        affected_columns, migration_script, rollback_script, status, risk_level, approved_by, implemented_at,
        validated_at, retired_at, created_at, updated_at
    ) VALUES (
        public.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(public.outside_writer(), 150), 'written outside Django',
        version.id, version.current_enum_name, version.current_enum_values, version.v7_enum_name,
        version.v7_enum_values, version.consolidates_with, version.affected_tables, version.affected_columns,
        version.migration_script, version.rollback_script, version.status, version.risk_level, version.approved_by,
        version.implemented_at, version.validated_at, version.retired_at, version.created_at, version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.record_enum_migration() FROM PUBLIC;
COMMENT ON FUNCTION public.record_enum_migration() IS 'Writes a version of a changed row of v7_enum_migrations.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_enum_migrations
    FOR EACH ROW EXECUTE FUNCTION public.record_enum_migration();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_enum_migrations
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();

CREATE FUNCTION public.keep_global_impact() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told text[] := ARRAY['history_id', 'history_date', 'history_user_id', 'history_change_reason'];
BEGIN
    -- Whoever moves rows brings their history along.
    IF EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    -- What this transaction's trigger wrote of the same change, with the same values, gives way to this version.
    DELETE FROM public.global_impact_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM public.global_impact_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(public.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.keep_global_impact() FROM PUBLIC;
COMMENT ON FUNCTION public.keep_global_impact() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON public.global_impact_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.keep_global_impact();

CREATE FUNCTION public.record_global_impact() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    version public.v7_global_impacts := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    -- Whoever moves rows brings their history along.
    IF OLD IS NOT DISTINCT FROM NEW OR EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.global_impact_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, change_type, change_detail, affected_workflows, affected_layers, impact_description, risk_assessment,
        mitigation_strategy, reviewed_by_personas, approval_status, implementation_notes, created_at, updated_at
    ) VALUES (
        public.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(public.outside_writer(), 150), 'written outside Django',
        version.id, version.change_type, version.change_detail, version.affected_workflows, version.affected_layers,
        version.impact_description, version.risk_assessment, version.mitigation_strategy,
        version.reviewed_by_personas, version.approval_status, version.implementation_notes, version.created_at,
        version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.record_global_impact() FROM PUBLIC;
COMMENT ON FUNCTION public.record_global_impact() IS 'Writes a version of a changed row of v7_global_impacts.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_global_impacts
    FOR EACH ROW EXECUTE FUNCTION public.record_global_impact();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_global_impacts
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();

CREATE FUNCTION public.keep_subworkflow_task() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told text[] := ARRAY['history_id', 'history_date', 'history_user_id', 'history_change_reason'];
BEGIN
    -- Whoever moves rows brings their history along.
    IF EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    -- What this transaction's trigger wrote of the same change, with the same values, gives way to this version.
    DELETE FROM public.subworkflow_task_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM public.subworkflow_task_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(public.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.keep_subworkflow_task() FROM PUBLIC;
COMMENT ON FUNCTION public.keep_subworkflow_task() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON public.subworkflow_task_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.keep_subworkflow_task();

CREATE FUNCTION public.record_subworkflow_task() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    version public.v7_subworkflow_tasks := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    -- Whoever moves rows brings their history along.
    IF OLD IS NOT DISTINCT FROM NEW OR EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.subworkflow_task_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, parent_phase, task_number, task_name, responsible_persona, status, dart_task_id, dart_task_url,
        started_at, completed_at, blockers, dependencies, deliverable_urls, notes, created_at, updated_at
    ) VALUES (
        public.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(public.outside_writer(), 150), 'written outside Django',
        version.id, version.parent_phase, version.task_number, version.task_name, version.responsible_persona,
        version.status, version.dart_task_id, version.dart_task_url, version.started_at, version.completed_at,
        version.blockers, version.dependencies, version.deliverable_urls, version.notes, version.created_at,
        version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.record_subworkflow_task() FROM PUBLIC;
COMMENT ON FUNCTION public.record_subworkflow_task() IS 'Writes a version of a changed row of v7_subworkflow_tasks.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_subworkflow_tasks
    FOR EACH ROW EXECUTE FUNCTION public.record_subworkflow_task();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_subworkflow_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();

CREATE FUNCTION public.keep_test_result() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told text[] := ARRAY['history_id', 'history_date', 'history_user_id', 'history_change_reason'];
BEGIN
    -- Whoever moves rows brings their history along.
    IF EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    -- What this transaction's trigger wrote of the same change, with the same values, gives way to this version.
    DELETE FROM public.test_result_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM public.test_result_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(public.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.keep_test_result() FROM PUBLIC;
COMMENT ON FUNCTION public.keep_test_result() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON public.test_result_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.keep_test_result();

CREATE FUNCTION public.record_test_result() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    version public.v7_test_results := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    -- Whoever moves rows brings their history along.
    IF OLD IS NOT DISTINCT FROM NEW OR EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.test_result_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, test_type, component_tested, v7_file_path, test_status, error_details, performance_metrics,
        backwards_compatible, tested_by, tested_at, retest_required, notes
    ) VALUES (
        public.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(public.outside_writer(), 150), 'written outside Django',
        version.id, version.test_type, version.component_tested, version.v7_file_path, version.test_status,
        version.error_details, version.performance_metrics, version.backwards_compatible, version.tested_by,
        version.tested_at, version.retest_required, version.notes
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.record_test_result() FROM PUBLIC;
COMMENT ON FUNCTION public.record_test_result() IS 'Writes a version of a changed row of v7_test_results.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_test_results
    FOR EACH ROW EXECUTE FUNCTION public.record_test_result();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_test_results
    FOR EACH STATEMENT EXECUTE FUNCTION public.refuse_truncate();

CREATE FUNCTION public.keep_file() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told text[] := ARRAY['history_id', 'history_date', 'history_user_id', 'history_change_reason'];
BEGIN
    -- Whoever moves rows brings their history along.
    IF EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    -- What this transaction's trigger wrote of the same change, with the same values, gives way to this version.
    DELETE FROM public.file_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM public.file_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(public.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION public.keep_file() FROM PUBLIC;
COMMENT ON FUNCTION public.keep_file() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON public.file_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION public.keep_file();
