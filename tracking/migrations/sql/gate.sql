-- The gate of the planning home: the fence, and the triggers on every tracked and history table.
-- The three functions have the bodies that Section 0 of V7_Migration_Tables.sql creates in the target.

CREATE SCHEMA migration_gate;

CREATE TABLE migration_gate.fence (
    id smallint NOT NULL DEFAULT 1 PRIMARY KEY CHECK (id = 1),
    is_open boolean NOT NULL,
    current_home text CHECK (current_home IN ('planning', 'live')),
    changed_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP
);

INSERT INTO migration_gate.fence (id, is_open, current_home) VALUES (1, true, 'planning');

CREATE FUNCTION migration_gate.refuse_when_closed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    fence_is_open boolean;
BEGIN
    -- The lock keeps whoever closes the fence from starving; the row lock makes a stale snapshot fail.
    PERFORM pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('migration_gate.fence', 0));
    SELECT fence.is_open INTO fence_is_open FROM migration_gate.fence AS fence WHERE fence.id = 1 FOR SHARE;
    IF fence_is_open IS NOT TRUE THEN
        RAISE EXCEPTION USING
            ERRCODE = '25006',
            MESSAGE = 'the tracking rows are being moved, or live in the other database',
            HINT = 'Write where the rows live now: v7_status names their home.';
    END IF;
    RETURN NULL;
END;
$function$;

CREATE FUNCTION migration_gate.moves_rows(relation oid) RETURNS text
    LANGUAGE sql SET search_path = pg_catalog, pg_temp
AS $function$
    -- 'mover': this very transaction wrote the fence. 'owner': the writer owns the table. Else NULL.
    SELECT CASE
        WHEN EXISTS (
            SELECT FROM migration_gate.fence AS fence
            WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
        ) THEN 'mover'
        WHEN pg_catalog.pg_has_role(
            (SELECT class.relowner FROM pg_catalog.pg_class AS class WHERE class.oid = relation), 'USAGE'
        ) THEN 'owner'
    END;
$function$;

CREATE FUNCTION migration_gate.refuse_illegal_jump() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- Arguments: the column; then for INSERT the initial state, for UPDATE every allowed 'from>to'.
    state_column text := TG_ARGV[0];
    wanted text := pg_catalog.to_jsonb(NEW) ->> state_column;
    jump text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        jump := wanted;
    ELSE
        jump := (pg_catalog.to_jsonb(OLD) ->> state_column) || '>' || wanted;
    END IF;
    IF jump = ANY (TG_ARGV[1:]) OR migration_gate.moves_rows(TG_RELID) IS NOT NULL THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION USING
        ERRCODE = '23514',
        MESSAGE = pg_catalog.format('%s.%s may not become %s', TG_TABLE_NAME, state_column, COALESCE(jump, 'NULL')),
        HINT = 'States change one allowed step at a time, by the transitions of the tracking pages.';
END;
$function$;

CREATE FUNCTION migration_gate.touch_updated_at() RETURNS trigger
    LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    exemption text := migration_gate.moves_rows(TG_RELID);
BEGIN
    -- A move keeps the times; an owner who sets the time himself keeps it too.
    IF exemption = 'mover' OR (exemption = 'owner' AND NEW.updated_at IS DISTINCT FROM OLD.updated_at) THEN
        RETURN NEW;
    END IF;
    NEW.updated_at := CURRENT_TIMESTAMP;
    RETURN NEW;
END;
$function$;

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.v7_migration_workflow
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();
CREATE TRIGGER gate_2_initial_state BEFORE INSERT ON public.v7_migration_workflow
    FOR EACH ROW EXECUTE FUNCTION migration_gate.refuse_illegal_jump('status', 'not_started');
CREATE TRIGGER gate_2_jump BEFORE UPDATE OF status ON public.v7_migration_workflow
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION migration_gate.refuse_illegal_jump(
        'status', 'not_started>in_progress', 'rolled_back>in_progress', 'in_progress>review',
        'review>in_progress', 'review>approved', 'approved>completed', 'in_progress>blocked',
        'review>blocked', 'approved>blocked', 'blocked>in_progress', 'in_progress>rolled_back',
        'review>rolled_back', 'approved>rolled_back', 'completed>rolled_back', 'blocked>rolled_back'
    );
CREATE TRIGGER gate_3_touch BEFORE UPDATE ON public.v7_migration_workflow
    FOR EACH ROW EXECUTE FUNCTION migration_gate.touch_updated_at();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.v7_enum_migrations
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();
CREATE TRIGGER gate_2_initial_state BEFORE INSERT ON public.v7_enum_migrations
    FOR EACH ROW EXECUTE FUNCTION migration_gate.refuse_illegal_jump('status', 'proposed');
CREATE TRIGGER gate_2_jump BEFORE UPDATE OF status ON public.v7_enum_migrations
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION migration_gate.refuse_illegal_jump(
        'status', 'proposed>approved', 'approved>implemented', 'implemented>validated', 'validated>retired',
        'approved>rolled_back', 'implemented>rolled_back', 'validated>rolled_back', 'rolled_back>proposed'
    );
CREATE TRIGGER gate_3_touch BEFORE UPDATE ON public.v7_enum_migrations
    FOR EACH ROW EXECUTE FUNCTION migration_gate.touch_updated_at();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.v7_global_impacts
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();
CREATE TRIGGER gate_2_initial_state BEFORE INSERT ON public.v7_global_impacts
    FOR EACH ROW EXECUTE FUNCTION migration_gate.refuse_illegal_jump('approval_status', 'pending');
CREATE TRIGGER gate_2_jump BEFORE UPDATE OF approval_status ON public.v7_global_impacts
    FOR EACH ROW WHEN (OLD.approval_status IS DISTINCT FROM NEW.approval_status)
    EXECUTE FUNCTION migration_gate.refuse_illegal_jump(
        'approval_status', 'pending>reviewing', 'rejected>reviewing', 'reviewing>approved',
        'reviewing>rejected', 'approved>implemented'
    );
CREATE TRIGGER gate_3_touch BEFORE UPDATE ON public.v7_global_impacts
    FOR EACH ROW EXECUTE FUNCTION migration_gate.touch_updated_at();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.v7_subworkflow_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();
CREATE TRIGGER gate_2_initial_state BEFORE INSERT ON public.v7_subworkflow_tasks
    FOR EACH ROW EXECUTE FUNCTION migration_gate.refuse_illegal_jump('status', 'pending');
CREATE TRIGGER gate_2_jump BEFORE UPDATE OF status ON public.v7_subworkflow_tasks
    FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status)
    EXECUTE FUNCTION migration_gate.refuse_illegal_jump(
        'status', 'pending>in_progress', 'pending>blocked', 'in_progress>blocked', 'review>blocked',
        'blocked>pending', 'blocked>in_progress', 'in_progress>review', 'review>in_progress',
        'review>completed', 'pending>cancelled', 'in_progress>cancelled', 'blocked>cancelled',
        'review>cancelled', 'deferred>cancelled', 'pending>deferred', 'in_progress>deferred',
        'blocked>deferred', 'deferred>pending'
    );
CREATE TRIGGER gate_3_touch BEFORE UPDATE ON public.v7_subworkflow_tasks
    FOR EACH ROW EXECUTE FUNCTION migration_gate.touch_updated_at();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.v7_test_results
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.enum_migration_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.file_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.global_impact_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.phase_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.subworkflow_task_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.test_result_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();
