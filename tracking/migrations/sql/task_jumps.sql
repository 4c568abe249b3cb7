-- The jumps of a task, with the way back of one whose run was taken back.
DROP TRIGGER gate_2_jump ON public.v7_subworkflow_tasks;
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
