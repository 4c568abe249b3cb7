"""V7_Migration_Tables.sql on a real legacy target: what it makes, what it guards, and that it leaves no trace."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql

from tests.environment import CLUSTER
from tests.world import World
from v7migration.postgres import catalog, script
from v7migration.postgres.binaries import client_binary

Connection = psycopg.Connection[Any]
FILE = Path(__file__).parent.parent / "v7migration" / "sql" / "V7_Migration_Tables.sql"
TRACKED = {
    "v7_migration_workflow": "phase_history",
    "v7_enum_migrations": "enum_migration_history",
    "v7_global_impacts": "global_impact_history",
    "v7_subworkflow_tasks": "subworkflow_task_history",
    "v7_test_results": "test_result_history",
}
LIVE_PATH = "public, v7_monitoring, v7_history, migration_gate"
A_TASK = """
    INSERT INTO v7_subworkflow_tasks (parent_phase, task_number, task_name, responsible_persona)
    VALUES (4, 900, 'Try it', 'Dev Team') RETURNING id
"""

COLUMNS = """
    SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull,
           pg_get_expr(d.adbin, d.adrelid)
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE c.relname = ANY (%(tables)s) AND c.relkind = 'r'
"""
CONSTRAINTS = """
    SELECT c.relname::text, o.contype::text, o.convalidated,
           replace(replace(pg_get_constraintdef(o.oid), 'public.', ''), 'v7_history.', '')
    FROM pg_class c JOIN pg_constraint o ON o.conrelid = c.oid
    WHERE c.relname = ANY (%(tables)s) AND o.contype <> 'n'
"""
INDEXES = """
    SELECT c.relname::text, regexp_replace(pg_get_indexdef(i.indexrelid), '^CREATE (UNIQUE )?INDEX .* USING', '\\1'),
           i.indisvalid, i.indisprimary
    FROM pg_class c JOIN pg_index i ON i.indrelid = c.oid
    WHERE c.relname = ANY (%(tables)s)
"""
TRIGGERS = """
    SELECT c.relname::text, t.tgname::text, t.tgenabled::text,
           replace(replace(pg_get_triggerdef(t.oid), 'public.', ''), 'v7_history.', '')
    FROM pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal
    WHERE c.relname = ANY (%(tables)s)
"""
FUNCTIONS = """
    SELECT p.proname::text, replace(replace(pg_get_functiondef(p.oid), 'public.', ''), 'v7_history.', '')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE (n.nspname = 'migration_gate' OR p.proname ~ '^(keep|record|outside)_' OR p.proname = 'refuse_truncate')
      AND p.proname NOT IN ('record_file', 'keep_run')  -- each in one home alone
"""
FENCE = """
    SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE a.attrelid = 'migration_gate.fence'::regclass AND a.attnum > 0
"""
WITHOUT_COMMENT = """
    SELECT c.oid::regclass::text, a.attname::text
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relkind IN ('r', 'v')
      AND (n.nspname IN ('v7_monitoring', 'v7_history', 'migration_gate')
           OR c.relname LIKE 'v7\\_%' OR (c.relname = 'file_audit' AND a.attname LIKE 'v7\\_%'))
      AND (col_description(c.oid, a.attnum) IS NULL
           OR (c.relname <> 'file_audit' AND obj_description(c.oid, 'pg_class') IS NULL))
"""
NAMED_LIKE_OURS = """
    SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (c.relname LIKE 'v7%' OR c.relname = 'file_audit') AND c.relkind IN ('r', 'v', 'm', 'p', 'f') ORDER BY 1
"""


def psql(url: str) -> subprocess.CompletedProcess[str]:
    client = client_binary("psql", CLUSTER.version)
    return subprocess.run(
        [client, "-X", "-v", "ON_ERROR_STOP=1", "-d", url, "-f", FILE], capture_output=True, text=True, check=False
    )


def value(connection: Connection, query: str) -> Any:
    return connection.execute(query).fetchone()[0]  # type: ignore[index]


def documents_counts(connection: Connection) -> list[int]:
    return [
        value(connection, "SELECT COUNT(*) FROM information_schema.tables WHERE table_name LIKE 'v7_%'"),
        value(
            connection,
            "SELECT COUNT(*) FROM information_schema.columns "
            "WHERE table_name = 'file_audit' AND column_name LIKE 'v7_%'",
        ),
        value(connection, "SELECT COUNT(*) FROM information_schema.views WHERE table_name LIKE 'v7_%'"),
    ]


@pytest.fixture
def owner(world: World) -> Iterator[Connection]:
    """The demo's target, as a DBA sees it."""
    with psycopg.connect(CLUSTER.url("runner"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def applied(owner: Connection) -> Connection:
    """The same after somebody fed the file to psql."""
    done = psql(CLUSTER.url("runner"))
    assert done.returncode == 0, done.stderr
    owner.execute(sql.SQL("SET search_path = {}").format(sql.SQL(LIVE_PATH)))
    return owner


@pytest.fixture
def web(applied: Connection) -> Iterator[Connection]:
    """The target as the web role."""
    with psycopg.connect(CLUSTER.url("target"), autocommit=True) as connection:
        connection.execute(sql.SQL("SET search_path = {}").format(sql.SQL(LIVE_PATH)))
        yield connection


def take_back(connection: Connection) -> None:
    rollback = script.parse(FILE.read_bytes()).rollback
    assert rollback is not None
    with connection.transaction():
        for step in rollback.steps:
            for statement in step.statements:
                connection.execute(statement.text.encode())


def test_psql_runs_the_file_and_the_documents_queries_hold(owner: Connection) -> None:
    assert documents_counts(owner) == [0, 0, 0]
    done = psql(CLUSTER.url("runner"))
    assert done.returncode == 0, done.stderr
    assert documents_counts(owner) == [8, 12, 3]
    tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public' AND table_name LIKE 'v7_%'"
    assert value(owner, tables) == 5
    assert value(owner, "SELECT count(*) FROM v7_migration_workflow") == 7
    pending = "SELECT count(*) FILTER (WHERE v7_workflow_status = 'pending_assessment') = count(*) FROM file_audit"
    assert value(owner, pending)
    assert value(owner, "SELECT is_open FROM migration_gate.fence")


def test_section_9_leaves_the_catalogs_as_they_were(owner: Connection) -> None:
    before = catalog.snapshot(owner)
    assert psql(CLUSTER.url("runner")).returncode == 0
    assert catalog.snapshot(owner) != before
    take_back(owner)
    assert catalog.snapshot(owner) == before
    assert documents_counts(owner) == [0, 0, 0]
    assert value(owner, "SELECT NOT is_open FROM migration_gate.fence")


def test_section_9_changes_nothing_when_somebody_built_on_top(applied: Connection) -> None:
    applied.execute("CREATE VIEW public.a_report AS SELECT status FROM public.v7_migration_workflow")
    before = catalog.snapshot(applied)
    with pytest.raises(errors.DependentObjectsStillExist):
        take_back(applied)
    assert catalog.snapshot(applied) == before


def test_section_9_runs_over_a_script_that_stopped_half_way(owner: Connection) -> None:
    before = catalog.snapshot(owner)
    for section in script.parse(FILE.read_bytes()).sections[:2]:
        for step in section.steps:
            for statement in step.statements:
                owner.execute(statement.text.encode())
    take_back(owner)
    assert catalog.snapshot(owner) == before


def test_file_audit_is_not_rewritten_and_no_row_of_it_is_touched(owner: Connection) -> None:
    look = "SELECT pg_relation_filenode('public.file_audit') || ':' || (SELECT max(xmin::text::bigint) FROM file_audit)"
    before = value(owner, look)
    assert psql(CLUSTER.url("runner")).returncode == 0
    assert value(owner, look) == before


def test_nothing_else_is_named_like_the_documents_objects(applied: Connection) -> None:
    assert [name for (name,) in applied.execute(NAMED_LIKE_OURS)] == [
        "public.file_audit",
        "public.v7_enum_migrations",
        "public.v7_global_impacts",
        "public.v7_migration_workflow",
        "public.v7_subworkflow_tasks",
        "public.v7_test_results",
        "v7_monitoring.v7_enum_consolidation_status",
        "v7_monitoring.v7_file_migration_readiness",
        "v7_monitoring.v7_migration_dashboard",
    ]


def test_every_table_view_and_column_is_described(applied: Connection) -> None:
    assert applied.execute(WITHOUT_COMMENT).fetchall() == []


def test_the_web_role_writes_rows_but_changes_no_table_and_no_history(web: Connection) -> None:
    web.execute("UPDATE v7_migration_workflow SET approval_notes = 'seen'")
    web.execute("UPDATE file_audit SET v7_impact_score = 3")
    for statement in (
        "UPDATE file_audit SET notes = 'ours'",
        "DELETE FROM file_audit",
        "DELETE FROM phase_history",
        "UPDATE phase_history SET history_user_id = 'somebody else'",
        "TRUNCATE v7_test_results",
        "UPDATE migration_gate.fence SET is_open = true",
        "INSERT INTO migration_gate.run_ledger (run_id, step, attempt, digest) VALUES (gen_random_uuid(), '1', 1, '')",
        "CREATE TABLE public.mine (id int)",
        "DROP TRIGGER gate_1_fence ON v7_test_results",
    ):
        with pytest.raises(errors.InsufficientPrivilege):
            web.execute(statement.encode())


def refuses(connection: Connection, statement: str) -> bool:
    try:
        connection.execute(statement.encode())
    except errors.ReadOnlySqlTransaction as refusal:
        return refusal.sqlstate == "25006" and "being moved" in str(refusal)
    return False


def test_a_closed_fence_refuses_every_write_of_tracked_rows(applied: Connection, web: Connection) -> None:
    applied.execute("UPDATE migration_gate.fence SET is_open = false")
    for table, history in TRACKED.items():
        assert refuses(web, f"DELETE FROM {table}")
        assert refuses(web, f"INSERT INTO {table} SELECT * FROM {table} WHERE false")
        assert refuses(web, f"INSERT INTO {history} SELECT * FROM {history} WHERE false")
        assert refuses(applied, f"TRUNCATE {table} CASCADE")
        assert refuses(applied, f"TRUNCATE {history}")
    assert refuses(web, "UPDATE file_audit SET v7_impact_score = 3")
    assert refuses(web, "INSERT INTO file_history SELECT * FROM file_history WHERE false")


def test_a_closed_fence_lets_the_applications_own_writes_pass(applied: Connection) -> None:
    applied.execute("UPDATE migration_gate.fence SET is_open = false")
    assert applied.execute("UPDATE file_audit SET notes = 'the application writes on'").rowcount > 0


def test_a_move_waits_for_writers_and_later_writers_see_the_closed_fence(applied: Connection, web: Connection) -> None:
    with web.transaction():
        web.execute("UPDATE v7_migration_workflow SET approval_notes = 'under way'")
        applied.execute("SET lock_timeout = '200ms'")
        with pytest.raises(errors.LockNotAvailable):
            applied.execute("UPDATE migration_gate.fence SET is_open = false")
    applied.execute("UPDATE migration_gate.fence SET is_open = false")
    assert refuses(web, "UPDATE v7_migration_workflow SET approval_notes = 'too late'")


def test_a_snapshot_from_before_the_closing_cannot_write(applied: Connection, web: Connection) -> None:
    web.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    with pytest.raises(errors.SerializationFailure), web.transaction():
        web.execute("SELECT count(*) FROM v7_migration_workflow")
        applied.execute("UPDATE migration_gate.fence SET is_open = false")
        web.execute("UPDATE v7_migration_workflow SET approval_notes = 'stale'")


def test_states_jump_only_for_whoever_owns_the_tables(applied: Connection, web: Connection) -> None:
    task = web.execute(A_TASK.encode()).fetchone()[0]  # type: ignore[index]
    jump = "UPDATE v7_subworkflow_tasks SET status = 'completed' WHERE id = %s"
    with pytest.raises(errors.CheckViolation, match="pending>completed"):
        web.execute(jump, [task])
    applied.execute(jump, [task])
    with pytest.raises(errors.CheckViolation):
        web.execute("UPDATE file_audit SET v7_workflow_status = 'retired'")


def test_whoever_writes_the_fence_in_the_same_transaction_moves_rows_as_they_are(world: World) -> None:
    status = "UPDATE v7_subworkflow_tasks SET status = 'completed', updated_at = '2001-01-01Z' WHERE task_number = 1"
    look = "SELECT array_agg(DISTINCT updated_at < '2002-01-01') FROM v7_subworkflow_tasks WHERE task_number = 1"
    with world.web("default") as control:
        with pytest.raises(errors.CheckViolation):
            control.execute(status.encode())
        with control.transaction():
            control.execute("UPDATE migration_gate.fence SET changed_at = CURRENT_TIMESTAMP")
            control.execute(status.encode())
        assert value(control, look) == [True]


def test_an_index_that_is_missing_stops_no_other_section() -> None:
    sections = {section.number: section.on_failure for section in script.parse(FILE.read_bytes()).sections}
    assert sections == dict.fromkeys(range(9), "stop") | {7: "continue"}


def test_dependencies_decide_the_order_and_the_review_accepts_the_file() -> None:
    parsed = script.parse(FILE.read_bytes())
    assert [section.number for section, _ in script.plan_order(parsed)] == [0, 1, 3, 4, 5, 6, 2, 7, 8, 10]
    assert [problem for problem in script.problems(parsed) if problem.severity == "refuse"] == []


def test_the_population_has_the_phases_of_the_planning_home(applied: Connection, world: World) -> None:
    query = "SELECT id, phase_number, phase_name, lead_persona, deliverables FROM v7_migration_workflow ORDER BY 2"
    with world.web("default") as control:
        assert applied.execute(query.encode()).fetchall() == control.execute(query.encode()).fetchall()


@pytest.mark.parametrize("query", [COLUMNS, CONSTRAINTS, INDEXES, TRIGGERS, FUNCTIONS, FENCE])
def test_both_homes_have_the_same_catalogs(query: str, applied: Connection, world: World) -> None:
    tables = {"tables": [*TRACKED, *TRACKED.values(), "file_history"]}
    applied.execute("SET search_path = public")
    with world.control_owner() as control:
        planning = sorted(map(repr, control.execute(query.encode(), tables if "%(" in query else None)))
    live = sorted(map(repr, applied.execute(query.encode(), tables if "%(" in query else None)))
    assert live == planning
    assert live
