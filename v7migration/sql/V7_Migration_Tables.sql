-- V7_Migration_Tables.sql: the tracking tables of the V7 migration.
--
-- What it does
--   Creates five tables in public, their history in v7_history, three views in v7_monitoring, and twelve
--   columns on public.file_audit. It changes no row and no other column of any existing table.
-- How it is run
--   The product runs it section by section, each step in a transaction of its own, after three people signed
--   exactly these bytes. To try it by hand, feed it to psql in a scratch database that has public.file_audit:
--       psql -v ON_ERROR_STOP=1 -f V7_Migration_Tables.sql
--   Run it as the owner of file_audit (or a member of that role). The role v7_web must exist:
--       CREATE ROLE v7_web LOGIN;
--   v7_web needs SELECT on public.file_audit beforehand: the inventory reads it before any change is signed.
-- Order
--   Sections 7 and 8 read columns that Section 2 adds, so Section 2 runs before them: 0, 1, 3, 4, 5, 6, 2, 7, 8,
--   then the population.
-- Names
--   To see views and history without a schema in front of each name:
--       SET search_path = public, v7_monitoring, v7_history, migration_gate;
-- Taking it back
--   Section 9 is inside a comment, so that psql never runs it.

-- ==========================================================================
-- Section 0: The gate
-- Purpose: One fence row says whether the tracking rows may be written here. While rows move between the control
--   plane and this database it is closed, and the triggers below refuse every write with SQLSTATE 25006.
--   Further triggers keep states from jumping. The schema survives a rollback, with its fence closed.
-- Creates: migration_gate, migration_gate.fence, migration_gate.run_ledger, migration_gate.refuse_when_closed, migration_gate.moves_rows, migration_gate.refuse_illegal_jump, migration_gate.touch_updated_at
-- Needs:
-- Task: 2.2.1
-- On failure: stop
-- ==========================================================================
-- Step 0.1: create the schema, the fence, the run ledger and the trigger functions
CREATE SCHEMA migration_gate;
COMMENT ON SCHEMA migration_gate IS 'Fence and run ledger of the V7 migration; it survives a rollback.';
GRANT USAGE ON SCHEMA migration_gate TO v7_web;

CREATE TABLE migration_gate.fence (
    id smallint NOT NULL DEFAULT 1 PRIMARY KEY CHECK (id = 1),
    is_open boolean NOT NULL,
    current_home text CHECK (current_home IN ('planning', 'live')),
    changed_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP
);
COMMENT ON TABLE migration_gate.fence IS 'One row: may the tracking rows of this database be written?';
COMMENT ON COLUMN migration_gate.fence.id IS 'Always 1: there is one fence.';
COMMENT ON COLUMN migration_gate.fence.is_open IS 'True while the rows live here and nobody moves them.';
COMMENT ON COLUMN migration_gate.fence.current_home IS 'Which home is current; told by the control plane, empty in the target.';
COMMENT ON COLUMN migration_gate.fence.changed_at IS 'When the fence was opened or closed last.';
GRANT SELECT ON migration_gate.fence TO v7_web;
INSERT INTO migration_gate.fence (id, is_open, current_home) VALUES (1, false, NULL);

CREATE TABLE migration_gate.run_ledger (
    run_id uuid NOT NULL,
    step text NOT NULL,
    attempt integer NOT NULL,
    transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id(),
    digest text NOT NULL,
    recorded_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    PRIMARY KEY (run_id, step)
);
COMMENT ON TABLE migration_gate.run_ledger IS 'One row for each step that committed, written in the transaction of the step itself.';
COMMENT ON COLUMN migration_gate.run_ledger.run_id IS 'The run, as the control plane names it.';
COMMENT ON COLUMN migration_gate.run_ledger.step IS 'The key of the step in the script.';
COMMENT ON COLUMN migration_gate.run_ledger.attempt IS 'Which attempt committed, counted from 1.';
COMMENT ON COLUMN migration_gate.run_ledger.transaction_id IS 'The transaction that committed the step.';
COMMENT ON COLUMN migration_gate.run_ledger.digest IS 'SHA-256 of the changeset that was run.';
COMMENT ON COLUMN migration_gate.run_ledger.recorded_at IS 'When the transaction began.';
GRANT SELECT ON migration_gate.run_ledger TO v7_web;

-- The functions belong to the same transaction: the schema survives a rollback, so it is there whole or not at all.
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
COMMENT ON FUNCTION migration_gate.refuse_when_closed() IS 'Refuses a write while the fence is closed (SQLSTATE 25006).';
COMMENT ON FUNCTION migration_gate.moves_rows(oid) IS 'Says whether the writer moves rows or owns the table.';
COMMENT ON FUNCTION migration_gate.refuse_illegal_jump() IS 'Refuses a state change that is not an allowed step (SQLSTATE 23514).';
COMMENT ON FUNCTION migration_gate.touch_updated_at() IS 'Maintains updated_at.';

-- ==========================================================================
-- Section 1: Master workflow table
-- Purpose: One row for each of the seven phases: where it stands, who leads it, what blocks it, who approved it.
--   Its number is unique, because Section 5 refers to it. The schema for all history tables is created here too.
--   What is written past Django leaves history by triggers: once, because the version that Django writes of the same
--   change takes the place of theirs.
-- Creates: v7_history, v7_history.outside_writer, v7_history.outside_id, v7_history.refuse_truncate, public.v7_migration_workflow, v7_history.phase_history, v7_history.keep_phase, v7_history.record_phase
-- Needs: 0
-- Task: 2.2.1
-- On failure: stop
-- ==========================================================================
-- Step 1.1: create the schema of the history tables
CREATE SCHEMA v7_history;
COMMENT ON SCHEMA v7_history IS 'Every version of every tracked row: who changed it, when and why.';
GRANT USAGE ON SCHEMA v7_history TO v7_web;

CREATE FUNCTION v7_history.outside_writer() RETURNS text
    LANGUAGE sql STABLE
AS $function$
    -- The role that logged in, the role it took on, and the program, as far as it gives its name.
    SELECT pg_catalog.concat_ws(' ',
        SESSION_USER,
        'as ' || NULLIF(NULLIF(pg_catalog.current_setting('role'), 'none'), SESSION_USER),
        'via ' || COALESCE(NULLIF(pg_catalog.current_setting('application_name'), ''), 'an unnamed program')
    );
$function$;

CREATE FUNCTION v7_history.outside_id(rest text) RETURNS uuid
    LANGUAGE sql STABLE
AS $function$
    -- A UUID of version 8 that begins with the transaction, savepoints or not; the keep functions know it by that.
    SELECT (pg_catalog.lpad(
        pg_catalog.to_hex(pg_catalog.pg_current_xact_id()::text::bigint & 281474976710655), 12, '0'
    ) || '-8' || rest)::uuid;
$function$;

CREATE FUNCTION v7_history.refuse_truncate() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RAISE EXCEPTION USING
        ERRCODE = '42501',
        MESSAGE = pg_catalog.format('TRUNCATE would leave no history of the rows of %s', TG_TABLE_NAME),
        HINT = 'DELETE them: each leaves a last version.';
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.outside_writer() FROM PUBLIC;
REVOKE ALL ON FUNCTION v7_history.outside_id(text) FROM PUBLIC;
REVOKE ALL ON FUNCTION v7_history.refuse_truncate() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.outside_writer() IS 'Names the role and the program of the session.';
COMMENT ON FUNCTION v7_history.outside_id(text) IS 'Makes the identity of a version that a trigger writes.';
COMMENT ON FUNCTION v7_history.refuse_truncate() IS 'Refuses a TRUNCATE, which would leave no history (SQLSTATE 42501).';

-- Step 1.2: create the table
CREATE TABLE public.v7_migration_workflow (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    phase_number integer NOT NULL UNIQUE,
    phase_name character varying(100) NOT NULL,
    status character varying(50) NOT NULL DEFAULT 'not_started',
    lead_persona character varying(100) NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    approval_status character varying(50),
    approved_by character varying(200),
    approval_notes text,
    deliverables jsonb NOT NULL DEFAULT '{}'::jsonb,
    blockers jsonb NOT NULL DEFAULT '[]'::jsonb,
    created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT workflow_phase_number_check CHECK (phase_number >= 1 AND phase_number <= 7),
    CONSTRAINT workflow_status_check
        CHECK (status IN ('not_started', 'in_progress', 'review', 'approved', 'completed', 'blocked', 'rolled_back')),
    CONSTRAINT workflow_deliverables_check CHECK (jsonb_typeof(deliverables) = 'object'),
    CONSTRAINT workflow_blockers_check CHECK (jsonb_typeof(blockers) = 'array')
);
COMMENT ON TABLE public.v7_migration_workflow IS 'The seven phases of the V7 migration.';
COMMENT ON COLUMN public.v7_migration_workflow.id IS 'Identity of the row; the same in both homes.';
COMMENT ON COLUMN public.v7_migration_workflow.phase_number IS '1 to 7, in the order of the phases.';
COMMENT ON COLUMN public.v7_migration_workflow.phase_name IS 'Name of the phase.';
COMMENT ON COLUMN public.v7_migration_workflow.status IS 'Where the phase stands; changes one allowed step at a time.';
COMMENT ON COLUMN public.v7_migration_workflow.lead_persona IS 'The persona or personas that lead the phase.';
COMMENT ON COLUMN public.v7_migration_workflow.started_at IS 'When the phase began.';
COMMENT ON COLUMN public.v7_migration_workflow.completed_at IS 'When the phase was completed.';
COMMENT ON COLUMN public.v7_migration_workflow.approval_status IS 'What its review gate decided; NULL: nothing yet.';
COMMENT ON COLUMN public.v7_migration_workflow.approved_by IS 'Who decided.';
COMMENT ON COLUMN public.v7_migration_workflow.approval_notes IS 'What the decision said.';
COMMENT ON COLUMN public.v7_migration_workflow.deliverables IS 'JSON object: what the phase delivers.';
COMMENT ON COLUMN public.v7_migration_workflow.blockers IS 'JSON array: what stops the phase.';
COMMENT ON COLUMN public.v7_migration_workflow.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.v7_migration_workflow.updated_at IS 'When the row was changed last; maintained by a trigger.';
GRANT SELECT, INSERT, UPDATE, DELETE ON public.v7_migration_workflow TO v7_web;

-- Step 1.3: create the triggers
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

-- Step 1.4: create the history of the phases
CREATE TABLE v7_history.phase_history (
    history_id uuid NOT NULL PRIMARY KEY,
    history_date timestamp with time zone NOT NULL,
    history_type character varying(1) NOT NULL,
    history_user_id character varying(150),
    history_change_reason text,
    id uuid NOT NULL,
    phase_number integer NOT NULL,
    phase_name character varying(100) NOT NULL,
    status character varying(50) NOT NULL,
    lead_persona character varying(100) NOT NULL,
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    approval_status character varying(50),
    approved_by character varying(200),
    approval_notes text,
    deliverables jsonb NOT NULL,
    blockers jsonb NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE INDEX phase_history_id ON v7_history.phase_history (id);
CREATE INDEX phase_history_date ON v7_history.phase_history (history_date);
COMMENT ON TABLE v7_history.phase_history IS 'Versions of the rows of v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.history_id IS 'Identity of the version.';
COMMENT ON COLUMN v7_history.phase_history.history_date IS 'When the row got this version, by the database clock.';
COMMENT ON COLUMN v7_history.phase_history.history_type IS '+ made, ~ changed, - deleted.';
COMMENT ON COLUMN v7_history.phase_history.history_user_id IS 'Username of the person who changed it; past Django the role and its program.';
COMMENT ON COLUMN v7_history.phase_history.history_change_reason IS 'Why.';
COMMENT ON COLUMN v7_history.phase_history.id IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.phase_number IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.phase_name IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.status IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.lead_persona IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.started_at IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.completed_at IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.approval_status IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.approved_by IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.approval_notes IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.deliverables IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.blockers IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.created_at IS 'As in v7_migration_workflow.';
COMMENT ON COLUMN v7_history.phase_history.updated_at IS 'As in v7_migration_workflow.';
GRANT SELECT, INSERT ON v7_history.phase_history TO v7_web;
CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON v7_history.phase_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE FUNCTION v7_history.keep_phase() RETURNS trigger
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
    DELETE FROM v7_history.phase_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM v7_history.phase_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(v7_history.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.keep_phase() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.keep_phase() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON v7_history.phase_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION v7_history.keep_phase();

CREATE FUNCTION v7_history.record_phase() RETURNS trigger
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
    INSERT INTO v7_history.phase_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, phase_number, phase_name, status, lead_persona, started_at, completed_at, approval_status, approved_by,
        approval_notes, deliverables, blockers, created_at, updated_at
    ) VALUES (
        v7_history.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(v7_history.outside_writer(), 150), 'written outside Django',
        version.id, version.phase_number, version.phase_name, version.status, version.lead_persona,
        version.started_at, version.completed_at, version.approval_status, version.approved_by,
        version.approval_notes, version.deliverables, version.blockers, version.created_at, version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.record_phase() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.record_phase() IS 'Writes a version of a changed row of v7_migration_workflow.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_migration_workflow
    FOR EACH ROW EXECUTE FUNCTION v7_history.record_phase();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_migration_workflow
    FOR EACH STATEMENT EXECUTE FUNCTION v7_history.refuse_truncate();

-- ==========================================================================
-- Section 2: File audit enhancements
-- Purpose: Twelve columns on file_audit that follow each file to its V7 name. One ALTER adds them all without
--   rewriting the table (fast default), so every existing row reads 'pending_assessment' at once, workflow file or
--   not. CHECKs are added NOT VALID and validated afterwards, each in a step of its own, so that no scan runs
--   under a lock that stops the application. The web role may update these columns and no other.
--   A trigger writes history where one of the twelve changes, or where a file that has any of them comes or goes.
-- Creates: public.file_audit.v7_workflow_status, public.file_audit.v7_target_name, public.file_audit.v7_database_enums, public.file_audit.v7_enum_mappings, public.file_audit.v7_dependencies, public.file_audit.v7_dependents, public.file_audit.v7_impact_score, public.file_audit.v7_review_status, public.file_audit.v7_reviewed_by, public.file_audit.v7_implementation_status, public.file_audit.v7_test_status, public.file_audit.v7_retirement_date, v7_history.file_history, v7_history.keep_file, v7_history.record_file
-- Needs: 0, 1
-- Task: 2.2.2
-- On failure: stop
-- ==========================================================================
-- Step 2.1: add the twelve columns
ALTER TABLE public.file_audit
    ADD COLUMN v7_workflow_status character varying(50) DEFAULT 'pending_assessment',
    ADD COLUMN v7_target_name character varying(500),
    ADD COLUMN v7_database_enums jsonb,
    ADD COLUMN v7_enum_mappings jsonb,
    ADD COLUMN v7_dependencies text[],
    ADD COLUMN v7_dependents text[],
    ADD COLUMN v7_impact_score integer,
    ADD COLUMN v7_review_status character varying(50),
    ADD COLUMN v7_reviewed_by character varying[],
    ADD COLUMN v7_implementation_status character varying(50),
    ADD COLUMN v7_test_status character varying(50),
    ADD COLUMN v7_retirement_date date;

-- Step 2.2: describe the columns and let the web role update them
COMMENT ON COLUMN public.file_audit.v7_workflow_status IS 'Where the file stands on its way to its V7 name.';
COMMENT ON COLUMN public.file_audit.v7_target_name IS 'The V7 name the file is to get.';
COMMENT ON COLUMN public.file_audit.v7_database_enums IS 'JSON array: database ENUM types the file uses.';
COMMENT ON COLUMN public.file_audit.v7_enum_mappings IS 'JSON object: current ENUM name to V7 ENUM name.';
COMMENT ON COLUMN public.file_audit.v7_dependencies IS 'What this file depends on.';
COMMENT ON COLUMN public.file_audit.v7_dependents IS 'What depends on this file.';
COMMENT ON COLUMN public.file_audit.v7_impact_score IS 'How far a change reaches, 1 to 10.';
COMMENT ON COLUMN public.file_audit.v7_review_status IS 'What the review of the file said.';
COMMENT ON COLUMN public.file_audit.v7_reviewed_by IS 'Personas that reviewed the file.';
COMMENT ON COLUMN public.file_audit.v7_implementation_status IS 'How far the implementation is.';
COMMENT ON COLUMN public.file_audit.v7_test_status IS 'How the tests of the file ended.';
COMMENT ON COLUMN public.file_audit.v7_retirement_date IS 'When the old file is retired.';
GRANT UPDATE (
    v7_workflow_status, v7_target_name, v7_database_enums, v7_enum_mappings, v7_dependencies, v7_dependents,
    v7_impact_score, v7_review_status, v7_reviewed_by, v7_implementation_status, v7_test_status,
    v7_retirement_date
)
    ON public.file_audit TO v7_web;

-- Step 2.3: add the checks without looking at existing rows
ALTER TABLE public.file_audit
    ADD CONSTRAINT file_audit_v7_workflow_status_check
        CHECK (v7_workflow_status IN ('pending_assessment', 'assessed', 'designed', 'approved', 'implementing', 'testing', 'migrated', 'retired')) NOT VALID,
    ADD CONSTRAINT file_audit_v7_impact_score_check
        CHECK (v7_impact_score >= 1 AND v7_impact_score <= 10) NOT VALID,
    ADD CONSTRAINT file_audit_v7_database_enums_check
        CHECK (jsonb_typeof(v7_database_enums) = 'array') NOT VALID,
    ADD CONSTRAINT file_audit_v7_enum_mappings_check
        CHECK (jsonb_typeof(v7_enum_mappings) = 'object') NOT VALID;

-- Step 2.4: validate the check of v7_workflow_status
ALTER TABLE public.file_audit VALIDATE CONSTRAINT file_audit_v7_workflow_status_check;

-- Step 2.5: validate the check of v7_impact_score
ALTER TABLE public.file_audit VALIDATE CONSTRAINT file_audit_v7_impact_score_check;

-- Step 2.6: validate the check of v7_database_enums
ALTER TABLE public.file_audit VALIDATE CONSTRAINT file_audit_v7_database_enums_check;

-- Step 2.7: validate the check of v7_enum_mappings
ALTER TABLE public.file_audit VALIDATE CONSTRAINT file_audit_v7_enum_mappings_check;

-- Step 2.8: create the triggers, which the application's own writes never fire
CREATE TRIGGER gate_1_fence BEFORE UPDATE OF
    v7_workflow_status, v7_target_name, v7_database_enums, v7_enum_mappings, v7_dependencies, v7_dependents,
    v7_impact_score, v7_review_status, v7_reviewed_by, v7_implementation_status, v7_test_status,
    v7_retirement_date
    ON public.file_audit FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();
CREATE TRIGGER gate_2_jump BEFORE UPDATE OF v7_workflow_status ON public.file_audit
    FOR EACH ROW WHEN (OLD.v7_workflow_status IS DISTINCT FROM NEW.v7_workflow_status)
    EXECUTE FUNCTION migration_gate.refuse_illegal_jump(
        'v7_workflow_status', 'pending_assessment>assessed', 'assessed>designed', 'designed>approved',
        'approved>implementing', 'implementing>testing', 'testing>migrated', 'migrated>retired',
        'assessed>pending_assessment', 'designed>assessed', 'approved>designed', 'implementing>approved',
        'testing>implementing', 'migrated>testing'
    );

-- Step 2.9: create the history of the twelve columns
CREATE TABLE v7_history.file_history (
    history_id uuid NOT NULL PRIMARY KEY,
    history_date timestamp with time zone NOT NULL,
    history_type character varying(1) NOT NULL,
    history_user_id character varying(150),
    history_change_reason text,
    id integer NOT NULL,
    file_path character varying(255) NOT NULL,
    v7_workflow_status character varying(50),
    v7_target_name character varying(500),
    v7_database_enums jsonb,
    v7_enum_mappings jsonb,
    v7_dependencies text[],
    v7_dependents text[],
    v7_impact_score integer,
    v7_review_status character varying(50),
    v7_reviewed_by character varying[],
    v7_implementation_status character varying(50),
    v7_test_status character varying(50),
    v7_retirement_date date
);
CREATE INDEX file_history_id ON v7_history.file_history (id);
CREATE INDEX file_history_date ON v7_history.file_history (history_date);
COMMENT ON TABLE v7_history.file_history IS 'Versions of the rows of file_audit.';
COMMENT ON COLUMN v7_history.file_history.history_id IS 'Identity of the version.';
COMMENT ON COLUMN v7_history.file_history.history_date IS 'When the row got this version, by the database clock.';
COMMENT ON COLUMN v7_history.file_history.history_type IS '+ made, ~ changed, - deleted.';
COMMENT ON COLUMN v7_history.file_history.history_user_id IS 'Username of the person who changed it; past Django the role and its program.';
COMMENT ON COLUMN v7_history.file_history.history_change_reason IS 'Why.';
COMMENT ON COLUMN v7_history.file_history.id IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.file_path IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_workflow_status IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_target_name IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_database_enums IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_enum_mappings IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_dependencies IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_dependents IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_impact_score IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_review_status IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_reviewed_by IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_implementation_status IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_test_status IS 'As in file_audit.';
COMMENT ON COLUMN v7_history.file_history.v7_retirement_date IS 'As in file_audit.';
GRANT SELECT, INSERT ON v7_history.file_history TO v7_web;
CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON v7_history.file_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE FUNCTION v7_history.keep_file() RETURNS trigger
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
    DELETE FROM v7_history.file_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM v7_history.file_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(v7_history.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.keep_file() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.keep_file() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON v7_history.file_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION v7_history.keep_file();

CREATE FUNCTION v7_history.record_file() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    version public.file_audit := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    -- Whoever moves rows brings their history along.
    IF EXISTS (
        SELECT FROM migration_gate.fence AS fence
        WHERE fence.xmin = pg_catalog.pg_current_xact_id()::pg_catalog.xid
    ) THEN
        RETURN NULL;
    END IF;
    -- The application adds and removes its files whether the fence is open or not.
    IF TG_OP <> 'UPDATE' THEN
        PERFORM pg_catalog.pg_advisory_xact_lock_shared(pg_catalog.hashtextextended('migration_gate.fence', 0));
        IF NOT EXISTS (SELECT FROM migration_gate.fence AS fence WHERE fence.is_open) THEN
            RETURN NULL;
        END IF;
    END IF;
    IF TG_OP = 'TRUNCATE' THEN
        INSERT INTO v7_history.file_history (
            history_id, history_date, history_type, history_user_id, history_change_reason,
            id, file_path, v7_workflow_status, v7_target_name, v7_database_enums, v7_enum_mappings, v7_dependencies,
            v7_dependents, v7_impact_score, v7_review_status, v7_reviewed_by, v7_implementation_status,
            v7_test_status, v7_retirement_date
        ) SELECT
            v7_history.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
            pg_catalog.clock_timestamp(), '-', pg_catalog.left(v7_history.outside_writer(), 150),
            'written outside Django',
            file.id, COALESCE(file.file_path, '')::pg_catalog.varchar(255), file.v7_workflow_status,
            file.v7_target_name, file.v7_database_enums, file.v7_enum_mappings, file.v7_dependencies,
            file.v7_dependents, file.v7_impact_score, file.v7_review_status, file.v7_reviewed_by,
            file.v7_implementation_status, file.v7_test_status, file.v7_retirement_date
        FROM public.file_audit AS file
        WHERE file.v7_workflow_status IS DISTINCT FROM 'pending_assessment' OR pg_catalog.num_nonnulls(
            file.v7_target_name, file.v7_database_enums, file.v7_enum_mappings, file.v7_dependencies,
            file.v7_dependents, file.v7_impact_score, file.v7_review_status, file.v7_reviewed_by,
            file.v7_implementation_status, file.v7_test_status, file.v7_retirement_date
        ) > 0;
        RETURN NULL;
    END IF;
    INSERT INTO v7_history.file_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, file_path, v7_workflow_status, v7_target_name, v7_database_enums, v7_enum_mappings, v7_dependencies,
        v7_dependents, v7_impact_score, v7_review_status, v7_reviewed_by, v7_implementation_status, v7_test_status,
        v7_retirement_date
    ) VALUES (
        v7_history.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(v7_history.outside_writer(), 150), 'written outside Django',
        version.id, COALESCE(version.file_path, '')::pg_catalog.varchar(255), version.v7_workflow_status,
        version.v7_target_name, version.v7_database_enums, version.v7_enum_mappings, version.v7_dependencies,
        version.v7_dependents, version.v7_impact_score, version.v7_review_status, version.v7_reviewed_by,
        version.v7_implementation_status, version.v7_test_status, version.v7_retirement_date
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.record_file() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.record_file() IS 'Writes a version of a changed row of file_audit.';
CREATE TRIGGER gate_4_history AFTER UPDATE OF
    v7_workflow_status, v7_target_name, v7_database_enums, v7_enum_mappings, v7_dependencies, v7_dependents,
    v7_impact_score, v7_review_status, v7_reviewed_by, v7_implementation_status, v7_test_status, v7_retirement_date
    ON public.file_audit FOR EACH ROW WHEN ((
        OLD.v7_workflow_status, OLD.v7_target_name, OLD.v7_database_enums, OLD.v7_enum_mappings, OLD.v7_dependencies,
        OLD.v7_dependents, OLD.v7_impact_score, OLD.v7_review_status, OLD.v7_reviewed_by,
        OLD.v7_implementation_status, OLD.v7_test_status, OLD.v7_retirement_date
    ) IS DISTINCT FROM (
        NEW.v7_workflow_status, NEW.v7_target_name, NEW.v7_database_enums, NEW.v7_enum_mappings, NEW.v7_dependencies,
        NEW.v7_dependents, NEW.v7_impact_score, NEW.v7_review_status, NEW.v7_reviewed_by,
        NEW.v7_implementation_status, NEW.v7_test_status, NEW.v7_retirement_date
    ))
    EXECUTE FUNCTION v7_history.record_file();
CREATE TRIGGER gate_4_history_made AFTER INSERT ON public.file_audit
    FOR EACH ROW WHEN (
        NEW.v7_workflow_status IS DISTINCT FROM 'pending_assessment' OR num_nonnulls(
            NEW.v7_target_name, NEW.v7_database_enums, NEW.v7_enum_mappings, NEW.v7_dependencies, NEW.v7_dependents,
            NEW.v7_impact_score, NEW.v7_review_status, NEW.v7_reviewed_by, NEW.v7_implementation_status,
            NEW.v7_test_status, NEW.v7_retirement_date
        ) > 0
    ) EXECUTE FUNCTION v7_history.record_file();
CREATE TRIGGER gate_4_history_lost AFTER DELETE ON public.file_audit
    FOR EACH ROW WHEN (
        OLD.v7_workflow_status IS DISTINCT FROM 'pending_assessment' OR num_nonnulls(
            OLD.v7_target_name, OLD.v7_database_enums, OLD.v7_enum_mappings, OLD.v7_dependencies, OLD.v7_dependents,
            OLD.v7_impact_score, OLD.v7_review_status, OLD.v7_reviewed_by, OLD.v7_implementation_status,
            OLD.v7_test_status, OLD.v7_retirement_date
        ) > 0
    ) EXECUTE FUNCTION v7_history.record_file();
CREATE TRIGGER gate_4_history_emptied BEFORE TRUNCATE ON public.file_audit
    FOR EACH STATEMENT EXECUTE FUNCTION v7_history.record_file();

-- ==========================================================================
-- Section 3: ENUM migration tracking
-- Purpose: One row for each ENUM type that another takes the place of: its values, the V7 type, the tables and
--   columns it touches, and how far the change is. It records a consolidation; it does not perform one.
-- Creates: public.v7_enum_migrations, v7_history.enum_migration_history, v7_history.keep_enum_migration, v7_history.record_enum_migration
-- Needs: 0, 1
-- Task: 2.2.1
-- On failure: stop
-- ==========================================================================
-- Step 3.1: create the table
CREATE TABLE public.v7_enum_migrations (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    current_enum_name character varying(200) NOT NULL,
    current_enum_values text[] NOT NULL DEFAULT '{}'::text[],
    v7_enum_name character varying(200) NOT NULL,
    v7_enum_values text[] NOT NULL DEFAULT '{}'::text[],
    consolidates_with character varying[] NOT NULL DEFAULT '{}'::character varying[],
    affected_tables character varying[] NOT NULL DEFAULT '{}'::character varying[],
    affected_columns jsonb NOT NULL DEFAULT '{}'::jsonb,
    migration_script text NOT NULL DEFAULT '',
    rollback_script text NOT NULL DEFAULT '',
    status character varying(50) NOT NULL DEFAULT 'proposed',
    risk_level character varying(20) NOT NULL DEFAULT 'medium',
    approved_by character varying(200),
    implemented_at timestamp with time zone,
    validated_at timestamp with time zone,
    retired_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT enum_migrations_status_check
        CHECK (status IN ('proposed', 'approved', 'implemented', 'validated', 'retired', 'rolled_back')),
    CONSTRAINT enum_migrations_risk_level_check CHECK (risk_level IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT enum_migrations_affected_columns_check CHECK (jsonb_typeof(affected_columns) = 'object')
);
COMMENT ON TABLE public.v7_enum_migrations IS 'ENUM types that a V7 type takes the place of.';
COMMENT ON COLUMN public.v7_enum_migrations.id IS 'Identity of the row; the same in both homes.';
COMMENT ON COLUMN public.v7_enum_migrations.current_enum_name IS 'The type as it is now, with its schema.';
COMMENT ON COLUMN public.v7_enum_migrations.current_enum_values IS 'Its labels, in order.';
COMMENT ON COLUMN public.v7_enum_migrations.v7_enum_name IS 'The type that takes its place.';
COMMENT ON COLUMN public.v7_enum_migrations.v7_enum_values IS 'The labels of that type, in order.';
COMMENT ON COLUMN public.v7_enum_migrations.consolidates_with IS 'The other types that become the same V7 type.';
COMMENT ON COLUMN public.v7_enum_migrations.affected_tables IS 'Tables with a column of the current type.';
COMMENT ON COLUMN public.v7_enum_migrations.affected_columns IS 'JSON object: table name to a list of its columns.';
COMMENT ON COLUMN public.v7_enum_migrations.migration_script IS 'SQL that would make the change; it is not run from here.';
COMMENT ON COLUMN public.v7_enum_migrations.rollback_script IS 'SQL that would take it back; it is not run from here.';
COMMENT ON COLUMN public.v7_enum_migrations.status IS 'How far the change is; changes one allowed step at a time.';
COMMENT ON COLUMN public.v7_enum_migrations.risk_level IS 'low, medium, high or critical.';
COMMENT ON COLUMN public.v7_enum_migrations.approved_by IS 'Who approved the change; NULL: nobody yet.';
COMMENT ON COLUMN public.v7_enum_migrations.implemented_at IS 'When the columns began to use the V7 type.';
COMMENT ON COLUMN public.v7_enum_migrations.validated_at IS 'When the change was validated.';
COMMENT ON COLUMN public.v7_enum_migrations.retired_at IS 'When the old type was dropped.';
COMMENT ON COLUMN public.v7_enum_migrations.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.v7_enum_migrations.updated_at IS 'When the row was changed last; maintained by a trigger.';
GRANT SELECT, INSERT, UPDATE, DELETE ON public.v7_enum_migrations TO v7_web;

-- Step 3.2: create the triggers
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

-- Step 3.3: create the history of the ENUM migrations
CREATE TABLE v7_history.enum_migration_history (
    history_id uuid NOT NULL PRIMARY KEY,
    history_date timestamp with time zone NOT NULL,
    history_type character varying(1) NOT NULL,
    history_user_id character varying(150),
    history_change_reason text,
    id uuid NOT NULL,
    current_enum_name character varying(200) NOT NULL,
    current_enum_values text[] NOT NULL,
    v7_enum_name character varying(200) NOT NULL,
    v7_enum_values text[] NOT NULL,
    consolidates_with character varying[] NOT NULL,
    affected_tables character varying[] NOT NULL,
    affected_columns jsonb NOT NULL,
    migration_script text NOT NULL,
    rollback_script text NOT NULL,
    status character varying(50) NOT NULL,
    risk_level character varying(20) NOT NULL,
    approved_by character varying(200),
    implemented_at timestamp with time zone,
    validated_at timestamp with time zone,
    retired_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE INDEX enum_migration_history_id ON v7_history.enum_migration_history (id);
CREATE INDEX enum_migration_history_date ON v7_history.enum_migration_history (history_date);
COMMENT ON TABLE v7_history.enum_migration_history IS 'Versions of the rows of v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.history_id IS 'Identity of the version.';
COMMENT ON COLUMN v7_history.enum_migration_history.history_date IS 'When the row got this version, by the database clock.';
COMMENT ON COLUMN v7_history.enum_migration_history.history_type IS '+ made, ~ changed, - deleted.';
COMMENT ON COLUMN v7_history.enum_migration_history.history_user_id IS 'Username of the person who changed it; past Django the role and its program.';
COMMENT ON COLUMN v7_history.enum_migration_history.history_change_reason IS 'Why.';
COMMENT ON COLUMN v7_history.enum_migration_history.id IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.current_enum_name IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.current_enum_values IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.v7_enum_name IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.v7_enum_values IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.consolidates_with IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.affected_tables IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.affected_columns IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.migration_script IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.rollback_script IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.status IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.risk_level IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.approved_by IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.implemented_at IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.validated_at IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.retired_at IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.created_at IS 'As in v7_enum_migrations.';
COMMENT ON COLUMN v7_history.enum_migration_history.updated_at IS 'As in v7_enum_migrations.';
GRANT SELECT, INSERT ON v7_history.enum_migration_history TO v7_web;
CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON v7_history.enum_migration_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE FUNCTION v7_history.keep_enum_migration() RETURNS trigger
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
    DELETE FROM v7_history.enum_migration_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM v7_history.enum_migration_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(v7_history.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.keep_enum_migration() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.keep_enum_migration() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON v7_history.enum_migration_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION v7_history.keep_enum_migration();

CREATE FUNCTION v7_history.record_enum_migration() RETURNS trigger
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
    INSERT INTO v7_history.enum_migration_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, current_enum_name, current_enum_values, v7_enum_name, v7_enum_values, consolidates_with, affected_tables,
        affected_columns, migration_script, rollback_script, status, risk_level, approved_by, implemented_at,
        validated_at, retired_at, created_at, updated_at
    ) VALUES (
        v7_history.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(v7_history.outside_writer(), 150), 'written outside Django',
        version.id, version.current_enum_name, version.current_enum_values, version.v7_enum_name,
        version.v7_enum_values, version.consolidates_with, version.affected_tables, version.affected_columns,
        version.migration_script, version.rollback_script, version.status, version.risk_level, version.approved_by,
        version.implemented_at, version.validated_at, version.retired_at, version.created_at, version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.record_enum_migration() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.record_enum_migration() IS 'Writes a version of a changed row of v7_enum_migrations.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_enum_migrations
    FOR EACH ROW EXECUTE FUNCTION v7_history.record_enum_migration();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_enum_migrations
    FOR EACH STATEMENT EXECUTE FUNCTION v7_history.refuse_truncate();

-- ==========================================================================
-- Section 4: Global impact assessment
-- Purpose: What each change means for every layer and workflow, how risky it is and what softens it. Guardians
--   file these rows; The Architect approves them.
-- Creates: public.v7_global_impacts, v7_history.global_impact_history, v7_history.keep_global_impact, v7_history.record_global_impact
-- Needs: 0, 1
-- Task: 2.2.1
-- On failure: stop
-- ==========================================================================
-- Step 4.1: create the table
CREATE TABLE public.v7_global_impacts (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    change_type character varying(20) NOT NULL,
    change_detail jsonb NOT NULL DEFAULT '{}'::jsonb,
    affected_workflows character varying[] NOT NULL DEFAULT '{}'::character varying[],
    affected_layers integer[] NOT NULL DEFAULT '{}'::integer[],
    impact_description text NOT NULL,
    risk_assessment character varying(20) NOT NULL DEFAULT 'medium',
    mitigation_strategy text NOT NULL DEFAULT '',
    reviewed_by_personas character varying[] NOT NULL DEFAULT '{}'::character varying[],
    approval_status character varying(50) NOT NULL DEFAULT 'pending',
    implementation_notes text NOT NULL DEFAULT '',
    created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT global_impacts_change_type_check
        CHECK (change_type IN ('enum', 'file', 'api', 'schema', 'config', 'dependency')),
    CONSTRAINT global_impacts_risk_assessment_check
        CHECK (risk_assessment IN ('low', 'medium', 'high', 'critical')),
    CONSTRAINT global_impacts_approval_status_check
        CHECK (approval_status IN ('pending', 'reviewing', 'approved', 'rejected', 'implemented')),
    CONSTRAINT global_impacts_change_detail_check CHECK (jsonb_typeof(change_detail) = 'object')
);
COMMENT ON TABLE public.v7_global_impacts IS 'Assessed impacts of the migration across layers and workflows.';
COMMENT ON COLUMN public.v7_global_impacts.id IS 'Identity of the row; the same in both homes.';
COMMENT ON COLUMN public.v7_global_impacts.change_type IS 'What kind of thing changes.';
COMMENT ON COLUMN public.v7_global_impacts.change_detail IS 'JSON object: what exactly changes.';
COMMENT ON COLUMN public.v7_global_impacts.affected_workflows IS 'Codes of the affected workflows.';
COMMENT ON COLUMN public.v7_global_impacts.affected_layers IS 'Numbers of the affected layers.';
COMMENT ON COLUMN public.v7_global_impacts.impact_description IS 'What happens to them.';
COMMENT ON COLUMN public.v7_global_impacts.risk_assessment IS 'low, medium, high or critical.';
COMMENT ON COLUMN public.v7_global_impacts.mitigation_strategy IS 'What softens it.';
COMMENT ON COLUMN public.v7_global_impacts.reviewed_by_personas IS 'Personas that reviewed it.';
COMMENT ON COLUMN public.v7_global_impacts.approval_status IS 'Where the assessment stands; changes one allowed step at a time.';
COMMENT ON COLUMN public.v7_global_impacts.implementation_notes IS 'What was done about it.';
COMMENT ON COLUMN public.v7_global_impacts.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.v7_global_impacts.updated_at IS 'When the row was changed last; maintained by a trigger.';
GRANT SELECT, INSERT, UPDATE, DELETE ON public.v7_global_impacts TO v7_web;

-- Step 4.2: create the triggers
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

-- Step 4.3: create the history of the impacts
CREATE TABLE v7_history.global_impact_history (
    history_id uuid NOT NULL PRIMARY KEY,
    history_date timestamp with time zone NOT NULL,
    history_type character varying(1) NOT NULL,
    history_user_id character varying(150),
    history_change_reason text,
    id uuid NOT NULL,
    change_type character varying(20) NOT NULL,
    change_detail jsonb NOT NULL,
    affected_workflows character varying[] NOT NULL,
    affected_layers integer[] NOT NULL,
    impact_description text NOT NULL,
    risk_assessment character varying(20) NOT NULL,
    mitigation_strategy text NOT NULL,
    reviewed_by_personas character varying[] NOT NULL,
    approval_status character varying(50) NOT NULL,
    implementation_notes text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE INDEX global_impact_history_id ON v7_history.global_impact_history (id);
CREATE INDEX global_impact_history_date ON v7_history.global_impact_history (history_date);
COMMENT ON TABLE v7_history.global_impact_history IS 'Versions of the rows of v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.history_id IS 'Identity of the version.';
COMMENT ON COLUMN v7_history.global_impact_history.history_date IS 'When the row got this version, by the database clock.';
COMMENT ON COLUMN v7_history.global_impact_history.history_type IS '+ made, ~ changed, - deleted.';
COMMENT ON COLUMN v7_history.global_impact_history.history_user_id IS 'Username of the person who changed it; past Django the role and its program.';
COMMENT ON COLUMN v7_history.global_impact_history.history_change_reason IS 'Why.';
COMMENT ON COLUMN v7_history.global_impact_history.id IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.change_type IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.change_detail IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.affected_workflows IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.affected_layers IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.impact_description IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.risk_assessment IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.mitigation_strategy IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.reviewed_by_personas IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.approval_status IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.implementation_notes IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.created_at IS 'As in v7_global_impacts.';
COMMENT ON COLUMN v7_history.global_impact_history.updated_at IS 'As in v7_global_impacts.';
GRANT SELECT, INSERT ON v7_history.global_impact_history TO v7_web;
CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON v7_history.global_impact_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE FUNCTION v7_history.keep_global_impact() RETURNS trigger
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
    DELETE FROM v7_history.global_impact_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM v7_history.global_impact_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(v7_history.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.keep_global_impact() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.keep_global_impact() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON v7_history.global_impact_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION v7_history.keep_global_impact();

CREATE FUNCTION v7_history.record_global_impact() RETURNS trigger
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
    INSERT INTO v7_history.global_impact_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, change_type, change_detail, affected_workflows, affected_layers, impact_description, risk_assessment,
        mitigation_strategy, reviewed_by_personas, approval_status, implementation_notes, created_at, updated_at
    ) VALUES (
        v7_history.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(v7_history.outside_writer(), 150), 'written outside Django',
        version.id, version.change_type, version.change_detail, version.affected_workflows, version.affected_layers,
        version.impact_description, version.risk_assessment, version.mitigation_strategy,
        version.reviewed_by_personas, version.approval_status, version.implementation_notes, version.created_at,
        version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.record_global_impact() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.record_global_impact() IS 'Writes a version of a changed row of v7_global_impacts.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_global_impacts
    FOR EACH ROW EXECUTE FUNCTION v7_history.record_global_impact();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_global_impacts
    FOR EACH STATEMENT EXECUTE FUNCTION v7_history.refuse_truncate();

-- ==========================================================================
-- Section 5: Sub-workflow tasks
-- Purpose: The tasks of each phase: who is responsible, what they wait for, where they stand. In Phase 4 the
--   numbers 1 to 8 stand for the document's tasks 2.1.1 to 2.3.2.
-- Creates: public.v7_subworkflow_tasks, v7_history.subworkflow_task_history, v7_history.keep_subworkflow_task, v7_history.record_subworkflow_task
-- Needs: 0, 1
-- Task: 2.2.1
-- On failure: stop
-- ==========================================================================
-- Step 5.1: create the table
-- The reference is checked at commit, as Django declares it for the same table in the planning home.
CREATE TABLE public.v7_subworkflow_tasks (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    parent_phase integer NOT NULL,
    task_number integer NOT NULL,
    task_name character varying(200) NOT NULL,
    responsible_persona character varying(100) NOT NULL,
    status character varying(50) NOT NULL DEFAULT 'pending',
    dart_task_id character varying(50),
    dart_task_url character varying(500),
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    blockers text[] NOT NULL DEFAULT '{}'::text[],
    dependencies uuid[] NOT NULL DEFAULT '{}'::uuid[],
    deliverable_urls text[] NOT NULL DEFAULT '{}'::text[],
    notes text NOT NULL DEFAULT '',
    created_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    updated_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT subworkflow_tasks_parent_phase_fkey FOREIGN KEY (parent_phase)
        REFERENCES public.v7_migration_workflow (phase_number) DEFERRABLE INITIALLY DEFERRED,
    CONSTRAINT subworkflow_tasks_number_key UNIQUE (parent_phase, task_number),
    CONSTRAINT subworkflow_tasks_number_check CHECK (task_number >= 1),
    CONSTRAINT subworkflow_tasks_status_check
        CHECK (status IN ('pending', 'in_progress', 'blocked', 'review', 'completed', 'cancelled', 'deferred'))
);
COMMENT ON TABLE public.v7_subworkflow_tasks IS 'The tasks of the phases.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.id IS 'Identity of the row; the same in both homes.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.parent_phase IS 'Number of the phase the task belongs to.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.task_number IS 'Number of the task within its phase.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.task_name IS 'What is to be done.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.responsible_persona IS 'The persona that does it.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.status IS 'Where the task stands; changes one allowed step at a time.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.dart_task_id IS 'Its id in DART, 12 letters and digits; NULL: not there yet.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.dart_task_url IS 'Its address in DART.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.started_at IS 'When the task began.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.completed_at IS 'When the task was completed.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.blockers IS 'What stops the task.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.dependencies IS 'Ids of the tasks that must be completed first.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.deliverable_urls IS 'Where the results are.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.notes IS 'Free text.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.created_at IS 'When the row was made.';
COMMENT ON COLUMN public.v7_subworkflow_tasks.updated_at IS 'When the row was changed last; maintained by a trigger.';
GRANT SELECT, INSERT, UPDATE, DELETE ON public.v7_subworkflow_tasks TO v7_web;

-- Step 5.2: create the triggers
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
        'blocked>deferred', 'deferred>pending', 'in_progress>pending', 'review>pending',
        'completed>pending'
    );
CREATE TRIGGER gate_3_touch BEFORE UPDATE ON public.v7_subworkflow_tasks
    FOR EACH ROW EXECUTE FUNCTION migration_gate.touch_updated_at();

-- Step 5.3: create the history of the tasks
CREATE TABLE v7_history.subworkflow_task_history (
    history_id uuid NOT NULL PRIMARY KEY,
    history_date timestamp with time zone NOT NULL,
    history_type character varying(1) NOT NULL,
    history_user_id character varying(150),
    history_change_reason text,
    id uuid NOT NULL,
    parent_phase integer,
    task_number integer NOT NULL,
    task_name character varying(200) NOT NULL,
    responsible_persona character varying(100) NOT NULL,
    status character varying(50) NOT NULL,
    dart_task_id character varying(50),
    dart_task_url character varying(500),
    started_at timestamp with time zone,
    completed_at timestamp with time zone,
    blockers text[] NOT NULL,
    dependencies uuid[] NOT NULL,
    deliverable_urls text[] NOT NULL,
    notes text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL
);
CREATE INDEX subworkflow_task_history_id ON v7_history.subworkflow_task_history (id);
CREATE INDEX subworkflow_task_history_date ON v7_history.subworkflow_task_history (history_date);
COMMENT ON TABLE v7_history.subworkflow_task_history IS 'Versions of the rows of v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.history_id IS 'Identity of the version.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.history_date IS 'When the row got this version, by the database clock.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.history_type IS '+ made, ~ changed, - deleted.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.history_user_id IS 'Username of the person who changed it; past Django the role and its program.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.history_change_reason IS 'Why.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.id IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.parent_phase IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.task_number IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.task_name IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.responsible_persona IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.status IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.dart_task_id IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.dart_task_url IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.started_at IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.completed_at IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.blockers IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.dependencies IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.deliverable_urls IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.notes IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.created_at IS 'As in v7_subworkflow_tasks.';
COMMENT ON COLUMN v7_history.subworkflow_task_history.updated_at IS 'As in v7_subworkflow_tasks.';
GRANT SELECT, INSERT ON v7_history.subworkflow_task_history TO v7_web;
CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON v7_history.subworkflow_task_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE FUNCTION v7_history.keep_subworkflow_task() RETURNS trigger
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
    DELETE FROM v7_history.subworkflow_task_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM v7_history.subworkflow_task_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(v7_history.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.keep_subworkflow_task() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.keep_subworkflow_task() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON v7_history.subworkflow_task_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION v7_history.keep_subworkflow_task();

CREATE FUNCTION v7_history.record_subworkflow_task() RETURNS trigger
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
    INSERT INTO v7_history.subworkflow_task_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, parent_phase, task_number, task_name, responsible_persona, status, dart_task_id, dart_task_url,
        started_at, completed_at, blockers, dependencies, deliverable_urls, notes, created_at, updated_at
    ) VALUES (
        v7_history.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(v7_history.outside_writer(), 150), 'written outside Django',
        version.id, version.parent_phase, version.task_number, version.task_name, version.responsible_persona,
        version.status, version.dart_task_id, version.dart_task_url, version.started_at, version.completed_at,
        version.blockers, version.dependencies, version.deliverable_urls, version.notes, version.created_at,
        version.updated_at
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.record_subworkflow_task() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.record_subworkflow_task() IS 'Writes a version of a changed row of v7_subworkflow_tasks.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_subworkflow_tasks
    FOR EACH ROW EXECUTE FUNCTION v7_history.record_subworkflow_task();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_subworkflow_tasks
    FOR EACH STATEMENT EXECUTE FUNCTION v7_history.refuse_truncate();

-- ==========================================================================
-- Section 6: Test results tracking
-- Purpose: What was tested, by whom, and how it ended.
-- Creates: public.v7_test_results, v7_history.test_result_history, v7_history.keep_test_result, v7_history.record_test_result
-- Needs: 0, 1
-- Task: 2.2.1
-- On failure: stop
-- ==========================================================================
-- Step 6.1: create the table
CREATE TABLE public.v7_test_results (
    id uuid NOT NULL DEFAULT gen_random_uuid() PRIMARY KEY,
    test_type character varying(20) NOT NULL,
    component_tested character varying(500) NOT NULL,
    v7_file_path character varying(500) NOT NULL DEFAULT '',
    test_status character varying(20) NOT NULL,
    error_details text NOT NULL DEFAULT '',
    performance_metrics jsonb NOT NULL DEFAULT '{}'::jsonb,
    backwards_compatible boolean,
    tested_by character varying(200) NOT NULL,
    tested_at timestamp with time zone NOT NULL DEFAULT CURRENT_TIMESTAMP,
    retest_required boolean NOT NULL DEFAULT false,
    notes text NOT NULL DEFAULT '',
    CONSTRAINT test_results_test_type_check
        CHECK (test_type IN ('unit', 'integration', 'system', 'performance', 'regression', 'smoke')),
    CONSTRAINT test_results_test_status_check
        CHECK (test_status IN ('pass', 'fail', 'skip', 'error', 'timeout')),
    CONSTRAINT test_results_performance_metrics_check CHECK (jsonb_typeof(performance_metrics) = 'object')
);
COMMENT ON TABLE public.v7_test_results IS 'Results of tests of the migration.';
COMMENT ON COLUMN public.v7_test_results.id IS 'Identity of the row; the same in both homes.';
COMMENT ON COLUMN public.v7_test_results.test_type IS 'What kind of test was run.';
COMMENT ON COLUMN public.v7_test_results.component_tested IS 'What was tested.';
COMMENT ON COLUMN public.v7_test_results.v7_file_path IS 'The V7 file that was tested, if it was one.';
COMMENT ON COLUMN public.v7_test_results.test_status IS 'How the test ended.';
COMMENT ON COLUMN public.v7_test_results.error_details IS 'What went wrong.';
COMMENT ON COLUMN public.v7_test_results.performance_metrics IS 'JSON object: what was measured.';
COMMENT ON COLUMN public.v7_test_results.backwards_compatible IS 'Whether older callers still work; NULL: not tested.';
COMMENT ON COLUMN public.v7_test_results.tested_by IS 'Who ran the test.';
COMMENT ON COLUMN public.v7_test_results.tested_at IS 'When it was run.';
COMMENT ON COLUMN public.v7_test_results.retest_required IS 'Whether it has to be run again.';
COMMENT ON COLUMN public.v7_test_results.notes IS 'Free text.';
GRANT SELECT, INSERT, UPDATE, DELETE ON public.v7_test_results TO v7_web;

-- Step 6.2: create the triggers
CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON public.v7_test_results
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

-- Step 6.3: create the history of the test results
CREATE TABLE v7_history.test_result_history (
    history_id uuid NOT NULL PRIMARY KEY,
    history_date timestamp with time zone NOT NULL,
    history_type character varying(1) NOT NULL,
    history_user_id character varying(150),
    history_change_reason text,
    id uuid NOT NULL,
    test_type character varying(20) NOT NULL,
    component_tested character varying(500) NOT NULL,
    v7_file_path character varying(500) NOT NULL,
    test_status character varying(20) NOT NULL,
    error_details text NOT NULL,
    performance_metrics jsonb NOT NULL,
    backwards_compatible boolean,
    tested_by character varying(200) NOT NULL,
    tested_at timestamp with time zone NOT NULL,
    retest_required boolean NOT NULL,
    notes text NOT NULL
);
CREATE INDEX test_result_history_id ON v7_history.test_result_history (id);
CREATE INDEX test_result_history_date ON v7_history.test_result_history (history_date);
COMMENT ON TABLE v7_history.test_result_history IS 'Versions of the rows of v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.history_id IS 'Identity of the version.';
COMMENT ON COLUMN v7_history.test_result_history.history_date IS 'When the row got this version, by the database clock.';
COMMENT ON COLUMN v7_history.test_result_history.history_type IS '+ made, ~ changed, - deleted.';
COMMENT ON COLUMN v7_history.test_result_history.history_user_id IS 'Username of the person who changed it; past Django the role and its program.';
COMMENT ON COLUMN v7_history.test_result_history.history_change_reason IS 'Why.';
COMMENT ON COLUMN v7_history.test_result_history.id IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.test_type IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.component_tested IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.v7_file_path IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.test_status IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.error_details IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.performance_metrics IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.backwards_compatible IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.tested_by IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.tested_at IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.retest_required IS 'As in v7_test_results.';
COMMENT ON COLUMN v7_history.test_result_history.notes IS 'As in v7_test_results.';
GRANT SELECT, INSERT ON v7_history.test_result_history TO v7_web;
CREATE TRIGGER gate_1_fence BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON v7_history.test_result_history
    FOR EACH STATEMENT EXECUTE FUNCTION migration_gate.refuse_when_closed();

CREATE FUNCTION v7_history.keep_test_result() RETURNS trigger
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
    DELETE FROM v7_history.test_result_history AS gone WHERE gone.history_id = (
        SELECT twin.history_id FROM v7_history.test_result_history AS twin
        WHERE twin.id = NEW.id AND twin.history_id <> NEW.history_id
            AND pg_catalog.left(twin.history_id::text, 15)
                = pg_catalog.left(v7_history.outside_id('000-0000-000000000000')::text, 15)
            AND twin.history_date >= pg_catalog.transaction_timestamp()
            AND pg_catalog.to_jsonb(twin) - told = pg_catalog.to_jsonb(NEW) - told
        ORDER BY twin.history_date DESC LIMIT 1
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.keep_test_result() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.keep_test_result() IS 'Keeps one version of a change: the named writer''s.';
CREATE TRIGGER gate_4_one_version AFTER INSERT ON v7_history.test_result_history
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION v7_history.keep_test_result();

CREATE FUNCTION v7_history.record_test_result() RETURNS trigger
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
    INSERT INTO v7_history.test_result_history (
        history_id, history_date, history_type, history_user_id, history_change_reason,
        id, test_type, component_tested, v7_file_path, test_status, error_details, performance_metrics,
        backwards_compatible, tested_by, tested_at, retest_required, notes
    ) VALUES (
        v7_history.outside_id(pg_catalog.substr(pg_catalog.gen_random_uuid()::text, 16)),
        pg_catalog.clock_timestamp(), CASE TG_OP WHEN 'INSERT' THEN '+' WHEN 'UPDATE' THEN '~' ELSE '-' END,
        pg_catalog.left(v7_history.outside_writer(), 150), 'written outside Django',
        version.id, version.test_type, version.component_tested, version.v7_file_path, version.test_status,
        version.error_details, version.performance_metrics, version.backwards_compatible, version.tested_by,
        version.tested_at, version.retest_required, version.notes
    );
    RETURN NULL;
END;
$function$;
REVOKE ALL ON FUNCTION v7_history.record_test_result() FROM PUBLIC;
COMMENT ON FUNCTION v7_history.record_test_result() IS 'Writes a version of a changed row of v7_test_results.';
CREATE TRIGGER gate_4_history AFTER INSERT OR UPDATE OR DELETE ON public.v7_test_results
    FOR EACH ROW EXECUTE FUNCTION v7_history.record_test_result();
CREATE TRIGGER gate_4_no_truncate BEFORE TRUNCATE ON public.v7_test_results
    FOR EACH STATEMENT EXECUTE FUNCTION v7_history.refuse_truncate();

-- ==========================================================================
-- Section 7: Performance indexes
-- Purpose: Six indexes for the lists and counts of the tracking pages. The one on file_audit is built concurrently,
--   so the application goes on writing; a failed build leaves an invalid index, which the runner drops. A missing
--   index slows a page and breaks nothing, so the run goes on and documents it.
-- Creates: public.idx_v7_workflow_status, public.idx_file_audit_v7_status, public.idx_enum_migrations_status, public.idx_global_impacts_risk, public.idx_subworkflow_status, public.idx_test_results_status
-- Needs: 1, 2, 3, 4, 5, 6
-- Task: 2.2.1
-- On failure: continue
-- ==========================================================================
-- Step 7.1: index the phases by status
CREATE INDEX idx_v7_workflow_status ON public.v7_migration_workflow (status);

-- Step 7.2: index the files by V7 status, while the application writes
CREATE INDEX CONCURRENTLY idx_file_audit_v7_status ON public.file_audit (v7_workflow_status);

-- Step 7.3: index the ENUM migrations by status
CREATE INDEX idx_enum_migrations_status ON public.v7_enum_migrations (status);

-- Step 7.4: index the impacts by risk
CREATE INDEX idx_global_impacts_risk ON public.v7_global_impacts (risk_assessment);

-- Step 7.5: index the tasks by status
CREATE INDEX idx_subworkflow_status ON public.v7_subworkflow_tasks (status);

-- Step 7.6: index the test results by status
CREATE INDEX idx_test_results_status ON public.v7_test_results (test_status);

-- ==========================================================================
-- Section 8: Monitoring views
-- Purpose: Three views for dashboards, in a schema of their own so that counting the tables of public still gives
--   five. Each aggregates every table once before it joins, so no view multiplies rows.
-- Creates: v7_monitoring, v7_monitoring.v7_migration_dashboard, v7_monitoring.v7_enum_consolidation_status, v7_monitoring.v7_file_migration_readiness
-- Needs: 1, 2, 3, 4, 5
-- Task: 2.2.1
-- On failure: stop
-- ==========================================================================
-- Step 8.1: create the schema of the views
CREATE SCHEMA v7_monitoring;
COMMENT ON SCHEMA v7_monitoring IS 'Read-only views over the V7 migration.';
GRANT USAGE ON SCHEMA v7_monitoring TO v7_web;

-- Step 8.2: create the dashboard
-- Risk is compared by severity (4 critical to 1 low), never alphabetically. Rejected impacts do not count.
CREATE VIEW v7_monitoring.v7_migration_dashboard AS
WITH tasks AS (
    SELECT parent_phase,
        count(*) AS total_tasks,
        count(*) FILTER (WHERE status = 'completed') AS completed_tasks
    FROM public.v7_subworkflow_tasks
    GROUP BY parent_phase
), files AS (
    SELECT count(*) FILTER (WHERE v7_workflow_status IN ('migrated', 'retired')) AS migrated_files
    FROM public.file_audit
), enums AS (
    SELECT count(*) AS enum_migrations
    FROM public.v7_enum_migrations
), risks AS (
    SELECT max(array_position(ARRAY['low', 'medium', 'high', 'critical'], risk_assessment::text)) AS severity
    FROM public.v7_global_impacts
    WHERE approval_status <> 'rejected'
)
SELECT phases.phase_number,
    phases.phase_name,
    phases.status AS phase_status,
    phases.lead_persona,
    COALESCE(tasks.total_tasks, 0) AS total_tasks,
    COALESCE(tasks.completed_tasks, 0) AS completed_tasks,
    files.migrated_files,
    enums.enum_migrations,
    (ARRAY['low', 'medium', 'high', 'critical'])[risks.severity] AS highest_risk
FROM public.v7_migration_workflow AS phases
LEFT JOIN tasks ON tasks.parent_phase = phases.phase_number
CROSS JOIN files
CROSS JOIN enums
CROSS JOIN risks
ORDER BY phases.phase_number;
COMMENT ON VIEW v7_monitoring.v7_migration_dashboard IS 'A line for each phase; files, ENUM migrations and risk are of the whole migration.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.phase_number IS '1 to 7.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.phase_name IS 'Name of the phase.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.phase_status IS 'Where the phase stands.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.lead_persona IS 'Who leads it.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.total_tasks IS 'Tasks of the phase.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.completed_tasks IS 'Completed tasks of the phase.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.migrated_files IS 'Files that are migrated or retired, in the whole migration.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.enum_migrations IS 'ENUM migrations in the whole migration.';
COMMENT ON COLUMN v7_monitoring.v7_migration_dashboard.highest_risk IS 'The worst risk of any impact that is not rejected; NULL: no impact.';
GRANT SELECT ON v7_monitoring.v7_migration_dashboard TO v7_web;

-- Step 8.3: create the ENUM consolidation status
-- A consolidation stands where its slowest type stands, and is as risky as its riskiest.
CREATE VIEW v7_monitoring.v7_enum_consolidation_status AS
WITH affected AS (
    SELECT enums.v7_enum_name, count(DISTINCT names.affected_table) AS affected_table_count
    FROM public.v7_enum_migrations AS enums
    CROSS JOIN LATERAL unnest(enums.affected_tables) AS names (affected_table)
    GROUP BY enums.v7_enum_name
), merged AS (
    SELECT v7_enum_name,
        count(*) AS enums_to_consolidate,
        array_agg(current_enum_name ORDER BY current_enum_name) AS source_enums,
        min(array_position(ARRAY['rolled_back', 'proposed', 'approved', 'implemented', 'validated', 'retired'], status::text)) AS progress,
        max(array_position(ARRAY['low', 'medium', 'high', 'critical'], risk_level::text)) AS severity
    FROM public.v7_enum_migrations
    GROUP BY v7_enum_name
)
SELECT merged.v7_enum_name,
    merged.enums_to_consolidate,
    merged.source_enums,
    (ARRAY['rolled_back', 'proposed', 'approved', 'implemented', 'validated', 'retired'])[merged.progress] AS status,
    (ARRAY['low', 'medium', 'high', 'critical'])[merged.severity] AS risk_level,
    COALESCE(affected.affected_table_count, 0) AS affected_table_count
FROM merged
LEFT JOIN affected ON affected.v7_enum_name = merged.v7_enum_name
ORDER BY merged.severity DESC, merged.v7_enum_name;
COMMENT ON VIEW v7_monitoring.v7_enum_consolidation_status IS 'A line for each V7 type that takes the place of others; the worst risk first.';
COMMENT ON COLUMN v7_monitoring.v7_enum_consolidation_status.v7_enum_name IS 'The V7 type.';
COMMENT ON COLUMN v7_monitoring.v7_enum_consolidation_status.enums_to_consolidate IS 'How many types it takes the place of.';
COMMENT ON COLUMN v7_monitoring.v7_enum_consolidation_status.source_enums IS 'Their names.';
COMMENT ON COLUMN v7_monitoring.v7_enum_consolidation_status.status IS 'Where the slowest of them stands.';
COMMENT ON COLUMN v7_monitoring.v7_enum_consolidation_status.risk_level IS 'The worst risk among them.';
COMMENT ON COLUMN v7_monitoring.v7_enum_consolidation_status.affected_table_count IS 'How many tables they touch, each counted once.';
GRANT SELECT ON v7_monitoring.v7_enum_consolidation_status TO v7_web;

-- Step 8.4: create the file readiness
CREATE VIEW v7_monitoring.v7_file_migration_readiness AS
SELECT layer_number,
    min(layer_name::text) AS layer_name,
    count(*) AS total_files,
    count(*) FILTER (WHERE v7_workflow_status = 'pending_assessment') AS pending_assessment,
    count(*) FILTER (WHERE v7_workflow_status = 'assessed') AS assessed,
    count(*) FILTER (WHERE v7_workflow_status = 'designed') AS designed,
    count(*) FILTER (WHERE v7_workflow_status = 'approved') AS approved,
    count(*) FILTER (WHERE v7_workflow_status = 'implementing') AS implementing,
    count(*) FILTER (WHERE v7_workflow_status = 'testing') AS testing,
    count(*) FILTER (WHERE v7_workflow_status = 'migrated') AS migrated,
    count(*) FILTER (WHERE v7_workflow_status = 'retired') AS retired,
    round(avg(v7_impact_score), 2) AS avg_impact_score
FROM public.file_audit
GROUP BY layer_number
ORDER BY layer_number;
COMMENT ON VIEW v7_monitoring.v7_file_migration_readiness IS 'A line for each layer: how many files stand where.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.layer_number IS 'Number of the layer.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.layer_name IS 'Its name in file_audit.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.total_files IS 'Files of the layer.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.pending_assessment IS 'Files not assessed yet.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.assessed IS 'Files that are assessed.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.designed IS 'Files whose target is designed.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.approved IS 'Files whose design is approved.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.implementing IS 'Files under implementation.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.testing IS 'Files under test.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.migrated IS 'Files that have their V7 name.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.retired IS 'Files whose old form is gone.';
COMMENT ON COLUMN v7_monitoring.v7_file_migration_readiness.avg_impact_score IS 'Mean impact score, two decimals; NULL: none scored.';
GRANT SELECT ON v7_monitoring.v7_file_migration_readiness TO v7_web;

-- Population: begin
-- Freezing a changeset replaces this block by the rows of the planning home. As it stands it holds the seven
-- phases, under the ids that they have there.
UPDATE migration_gate.fence SET is_open = true, changed_at = CURRENT_TIMESTAMP;
INSERT INTO public.v7_migration_workflow (id, phase_number, phase_name, lead_persona, deliverables) VALUES
    ('3fe7a31d-3778-56ab-b0ee-be77965a54ab', 1, 'Assessment', 'The Architect', '{"days": 5, "review_gate": "database reality documented"}'),
    ('5899f8a9-fcf6-51c3-8022-7409633543b4', 2, 'Design', 'Layer Guardians', '{"days": 5, "review_gate": "all proposals complete"}'),
    ('bed4541a-0658-5af1-86cb-a242150e7aaf', 3, 'Review', 'Workflow Personas', '{"days": 3, "review_gate": "global impacts approved"}'),
    ('4f160066-9af4-56c8-9ebc-c9a61af104c7', 4, 'Database', 'DB Team Lead + The Architect', '{"days": 2, "review_gate": "database scripts tested"}'),
    ('a096fe4b-d62b-5c55-98a8-9f50a1e0db90', 5, 'Implementation', 'Dev Team', '{"days": 10, "review_gate": "code complete"}'),
    ('772fd794-9d5a-58e2-b439-edd606a0d072', 6, 'Validation', 'Test Sentinel', '{"days": 5, "review_gate": "tests passing"}'),
    ('b4f27aa9-6223-510c-bd03-7a166dfac0bc', 7, 'Retirement', 'The Architect', '{"days": 30, "review_gate": "30 days of stability"}');
-- Population: end

-- ==========================================================================
-- Section 9: Rollback
-- Purpose: Takes everything back in one transaction: views first, then triggers and tables, then columns, then
--   schemas. Without CASCADE: whatever somebody else built on top stops it, and nothing is lost. Only the product
--   reads it, after it brought the rows home. migration_gate stays, with its fence closed.
-- Needs:
-- Task: 4.4
-- On failure: stop
-- ==========================================================================
/*
-- Step 9.1: take everything back
DROP VIEW IF EXISTS v7_monitoring.v7_file_migration_readiness;
DROP VIEW IF EXISTS v7_monitoring.v7_enum_consolidation_status;
DROP VIEW IF EXISTS v7_monitoring.v7_migration_dashboard;

DROP TRIGGER IF EXISTS gate_1_fence ON public.file_audit;
DROP TRIGGER IF EXISTS gate_2_jump ON public.file_audit;
DROP TRIGGER IF EXISTS gate_4_history ON public.file_audit;
DROP TRIGGER IF EXISTS gate_4_history_made ON public.file_audit;
DROP TRIGGER IF EXISTS gate_4_history_lost ON public.file_audit;
DROP TRIGGER IF EXISTS gate_4_history_emptied ON public.file_audit;

DROP TABLE IF EXISTS public.v7_test_results;
DROP TABLE IF EXISTS public.v7_subworkflow_tasks;
DROP TABLE IF EXISTS public.v7_global_impacts;
DROP TABLE IF EXISTS public.v7_enum_migrations;
DROP TABLE IF EXISTS public.v7_migration_workflow;

DROP INDEX IF EXISTS public.idx_file_audit_v7_status;
ALTER TABLE public.file_audit
    DROP COLUMN IF EXISTS v7_workflow_status,
    DROP COLUMN IF EXISTS v7_target_name,
    DROP COLUMN IF EXISTS v7_database_enums,
    DROP COLUMN IF EXISTS v7_enum_mappings,
    DROP COLUMN IF EXISTS v7_dependencies,
    DROP COLUMN IF EXISTS v7_dependents,
    DROP COLUMN IF EXISTS v7_impact_score,
    DROP COLUMN IF EXISTS v7_review_status,
    DROP COLUMN IF EXISTS v7_reviewed_by,
    DROP COLUMN IF EXISTS v7_implementation_status,
    DROP COLUMN IF EXISTS v7_test_status,
    DROP COLUMN IF EXISTS v7_retirement_date;

DROP TABLE IF EXISTS v7_history.file_history;
DROP TABLE IF EXISTS v7_history.test_result_history;
DROP TABLE IF EXISTS v7_history.subworkflow_task_history;
DROP TABLE IF EXISTS v7_history.global_impact_history;
DROP TABLE IF EXISTS v7_history.enum_migration_history;
DROP TABLE IF EXISTS v7_history.phase_history;

DROP FUNCTION IF EXISTS v7_history.record_file();
DROP FUNCTION IF EXISTS v7_history.record_test_result();
DROP FUNCTION IF EXISTS v7_history.record_subworkflow_task();
DROP FUNCTION IF EXISTS v7_history.record_global_impact();
DROP FUNCTION IF EXISTS v7_history.record_enum_migration();
DROP FUNCTION IF EXISTS v7_history.record_phase();
DROP FUNCTION IF EXISTS v7_history.keep_file();
DROP FUNCTION IF EXISTS v7_history.keep_test_result();
DROP FUNCTION IF EXISTS v7_history.keep_subworkflow_task();
DROP FUNCTION IF EXISTS v7_history.keep_global_impact();
DROP FUNCTION IF EXISTS v7_history.keep_enum_migration();
DROP FUNCTION IF EXISTS v7_history.keep_phase();
DROP FUNCTION IF EXISTS v7_history.refuse_truncate();
DROP FUNCTION IF EXISTS v7_history.outside_id(text);
DROP FUNCTION IF EXISTS v7_history.outside_writer();

DROP SCHEMA IF EXISTS v7_monitoring;
DROP SCHEMA IF EXISTS v7_history;

UPDATE migration_gate.fence SET is_open = false, changed_at = CURRENT_TIMESTAMP;
*/
