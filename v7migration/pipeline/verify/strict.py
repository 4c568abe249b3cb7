"""The product's own checks beside the document's queries, and the anomalies a target may show (document 2.3.1)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import psycopg

from tracking import home
from v7migration.connections import WEB_ROLE
from v7migration.ledger.models import Incident, Run
from v7migration.pipeline import integrity, performance
from v7migration.pipeline.target import Connection
from v7migration.postgres import measure
from v7migration.postgres.queries import Check
from v7migration.postgres.session import set_local

FIVE_TABLES = (
    "v7_migration_workflow", "v7_enum_migrations", "v7_global_impacts", "v7_subworkflow_tasks", "v7_test_results",
)  # fmt: skip
SIX_INDEXES = (
    "idx_v7_workflow_status", "idx_file_audit_v7_status", "idx_enum_migrations_status", "idx_global_impacts_risk",
    "idx_subworkflow_status", "idx_test_results_status",
)  # fmt: skip
OUT_OF_VERIFICATION = (Incident.Kind.VALIDATION, Incident.Kind.PERFORMANCE)
"""Kinds of incidents that a verification opens itself."""
SCAN = "30s"
"""How long the rows of one constraint are searched for violations."""
AS_FAST = "as fast as it was"
LIVE_OPEN = f"{home.LIVE}, open"


def checks(connection: Connection, run: Run) -> Iterator[Check]:
    """Yield the checks of what the run created and of what it must have left alone."""
    for look in (
        lambda: _names(connection, "tables", "exactly these five tables in public", FIVE_TABLES, TABLES_QUERY),
        lambda: _names(
            connection, "views", "exactly these three views in v7_monitoring", performance.VIEWS, VIEWS_QUERY
        ),
        lambda: _names(connection, "indexes", "the six indexes, valid", SIX_INDEXES, INDEXES_QUERY),
        lambda: _constraints(connection),
        lambda: _count(connection, "triggers", "no trigger of ours disabled", DISABLED_QUERY),
        lambda: _count(connection, "grants", "no right missing for the web role", MISSING_RIGHTS_QUERY),
        lambda: _integrity(connection, run),
        _home,
    ):
        yield _timed(look)


def anomalies(connection: Connection, run: Run) -> Iterator[Check]:
    """Yield the checks of what should not be left when people sign: half-built indexes, incidents still open."""
    yield _timed(lambda: _count(connection, "invalid indexes", "no index of ours or of file_audit is invalid", INVALID))
    yield _timed(lambda: _incidents(run))


def views(measured: list[dict[str, Any]]) -> Iterator[Check]:
    """Yield a check for each view's time (:func:`performance.views`): against its baseline, or against the bound where
    this measurement becomes the baseline."""
    for line in measured:
        is_first = line["established"]
        bound = f"at most {performance.BOUND} ms" if is_first else AS_FAST
        verdict, ok = _verdict(line, bound)
        note = (
            "This measurement is its baseline from now on." if is_first
            else f"Baseline {line['before']} ms, measured {line['baseline_at']}."
        )  # fmt: skip
        yield Check(
            f"view {line['name']}", f"v7_monitoring.{line['name']} answers {WEB_ROLE} in time", bound, verdict, ok,
            sql=line["sql"], columns=("fastest ms", "median ms", "baseline ms", "repetitions", "plan"), note=note,
            rows=((*(str(line[k]) for k in ("after", "median", "before", "repetitions")), line["plan"]),),
            milliseconds=line["after"],
        )  # fmt: skip


def _verdict(line: dict[str, Any], bound: str) -> tuple[str, bool]:
    """Say how a view's time is: in words without the figure, which differs each time."""
    if line["error"]:
        return str(line["error"]), False
    if line["established"]:
        ok = line["after"] <= performance.BOUND
        return (bound if ok else f"more than {performance.BOUND} ms"), ok
    ok = line["verdict"] not in measure.WORSE
    return (AS_FAST if ok else "slower than its baseline"), ok


def _timed(look: Callable[[], Check]) -> Check:
    started = time.perf_counter()
    check = look()
    return replace(check, milliseconds=round((time.perf_counter() - started) * 1000, 3))


TABLES_QUERY = r"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'v7\_%' ORDER BY 1"
VIEWS_QUERY = r"SELECT viewname FROM pg_views WHERE schemaname = 'v7_monitoring' AND viewname LIKE 'v7\_%' ORDER BY 1"
INDEXES_QUERY = """
    SELECT c.relname
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indisvalid AND i.indisready AND n.nspname = 'public' AND c.relname = ANY (%s) ORDER BY 1
"""
UNVALIDATED_QUERY = r"""
    SELECT conrelid::regclass || ': ' || conname, conrelid::regclass::text,
           CASE WHEN contype = 'c' THEN pg_get_expr(conbin, conrelid) END
      FROM pg_constraint
    WHERE NOT convalidated AND (conrelid = 'public.file_audit'::regclass AND conname LIKE '%v7%'
        OR conrelid IN (SELECT oid FROM pg_class WHERE relname LIKE 'v7\_%' AND relnamespace = 'public'::regnamespace))
    ORDER BY 1
"""
DISABLED_QUERY = r"""
    SELECT tgrelid::regclass || ': ' || tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE p.pronamespace IN (to_regnamespace('migration_gate'), to_regnamespace('v7_history')) AND t.tgenabled = 'D'
"""
MISSING_RIGHTS_QUERY = r"""
    SELECT c.relname || ' ' || r FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r
    WHERE c.relname LIKE 'v7\_%%' AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND NOT has_table_privilege(%s, c.oid, r)
"""
INVALID = r"""
    SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class t ON t.oid = i.indrelid
      JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE NOT (i.indisvalid AND i.indisready) AND (t.oid = 'public.file_audit'::regclass
        OR n.nspname IN ('v7_history', 'migration_gate') OR n.nspname = 'public' AND t.relname LIKE 'v7\_%')
    ORDER BY 1
"""


def _names(connection: Connection, name: str, title: str, expected: tuple[str, ...], query: str) -> Check:
    rows = connection.execute(query, [list(expected)] if "%s" in query else None).fetchall()
    found = {str(row[0]) for row in rows}
    actual = ", ".join(sorted(found)) or "none"
    off = [
        f"{word}: {', '.join(sorted(names))}"
        for word, names in (("missing", set(expected) - found), ("unexpected", found - set(expected)))
        if names
    ]
    return Check(name, title, ", ".join(sorted(expected)), "; ".join(off) or actual, not off, sql=query)


def _count(connection: Connection, name: str, title: str, query: str) -> Check:
    rows = connection.execute(query, [WEB_ROLE] if "%s" in query else None).fetchall()
    found = ", ".join(str(row[0]) for row in rows)
    return Check(name, title, "none", found or "none", not rows, sql=query)


def _constraints(connection: Connection) -> Check:
    """Find constraints that nobody validated, and count the rows that violate each."""
    rows = connection.execute(UNVALIDATED_QUERY).fetchall()
    counted = tuple((str(name), _violations(connection, table, expression)) for name, table, expression in rows)
    found = ", ".join(f"{name} ({violated})" for name, violated in counted)
    return Check(
        "constraints", "every constraint validated", "none", found or "none", not rows, sql=UNVALIDATED_QUERY,
        columns=("constraint", "rows that violate it") if counted else (), rows=counted,
    )  # fmt: skip


def _violations(connection: Connection, table: str, expression: str | None) -> str:
    """Count the rows that violate a CHECK; both names come from the catalog, as the server prints them."""
    if expression is None:
        return "not counted: no CHECK"
    try:
        with connection.transaction(force_rollback=True):
            set_local(connection, statement_timeout=SCAN)
            text = f"SELECT count(*) FROM ONLY {table} WHERE NOT ({expression})"  # noqa: S608
            row = connection.execute(text.encode()).fetchone()
    except psycopg.Error as error:
        return f"not counted: {str(error).strip().splitlines()[0]}"
    return f"{row[0] if row else 0} rows violate it"


def _integrity(connection: Connection, run: Run) -> Check:
    result = integrity.compare(connection, run.report["baseline"])
    words = "unchanged" if result["ok"] else f"changed: {result['changed_attributes'] or 'rewritten'}"
    return Check("integrity", "file_audit kept storage and earlier columns", "unchanged", words, result["ok"])


def _home() -> Check:
    is_open = home.fence("target")
    where, fence = home.read(), "no fence" if is_open is None else "open" if is_open.is_open else "closed"
    actual = f"{where}, {fence}"
    return Check("home", "the target is the home of the tracking rows", LIVE_OPEN, actual, actual == LIVE_OPEN)


def _incidents(run: Run) -> Check:
    """Find incidents of the run that nobody closed yet, index fixes that nobody confirmed among them."""
    waiting = run.incidents.filter(state__in=Incident.UNREVIEWED).exclude(kind__in=OUT_OF_VERIFICATION)
    rows = tuple((i.title, i.kind, i.state, f"/incidents/{i.pk}/") for i in waiting.order_by("opened_at"))
    found = "; ".join(row[0] for row in rows)
    return Check(
        "incidents", "no incident of the run waits for its review, no index for its fix", "none", found or "none",
        not rows, columns=("incident", "kind", "state", "page") if rows else (), rows=rows,
        differences=tuple(row[3] for row in rows),
    )  # fmt: skip
