"""Verify: the document's queries word for word, and the product's own stricter checks (document 2.3.1, 4.2, 4.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, transaction

from tracking import home
from tracking.models import EnumMigration, GlobalImpact, Phase, SubworkflowTask, TestResult
from v7migration.connections import WEB_ROLE
from v7migration.ledger.models import Incident, Run, RunState
from v7migration.ledger.services import append_event
from v7migration.pipeline import grading, integrity, performance, reporting
from v7migration.pipeline.consolidation import must_be_documented
from v7migration.pipeline.drift import DriftWatch
from v7migration.pipeline.target import Connection, runner
from v7migration.postgres.queries import Check, all_ok, run_document_queries
from v7migration.postgres.runner import committed_steps
from v7migration.postgres.script import parse

FIVE_TABLES = (
    "v7_migration_workflow", "v7_enum_migrations", "v7_global_impacts", "v7_subworkflow_tasks", "v7_test_results",
)  # fmt: skip
SIX_INDEXES = (
    "idx_v7_workflow_status", "idx_file_audit_v7_status", "idx_enum_migrations_status", "idx_global_impacts_risk",
    "idx_subworkflow_status", "idx_test_results_status",
)  # fmt: skip


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    ``failures`` are the failed checks with their grades, ``performance`` the comparison with the baseline (None before
    a run), ``to_fix`` the incidents of indexes to be fixed later, ``incidents`` what was documented of it.
    """

    ok: bool
    checks: list[Check]
    failures: list[dict[str, Any]]
    performance: dict[str, Any] | None
    to_fix: list[Incident]
    incidents: list[Incident]


def verify(*, person: str) -> Verification:
    """Check the target as it stands now, record the result on the run, and document what fails.

    Before a run, and after a rollback, the document's query of that moment is the check; after a run the
    document's queries and the stricter checks are, and the queries of the baseline are timed again. A query that
    got slower is documented, and makes no check fail.

    Raises:
        Refused: the target cannot be used.
    """
    run = Run.objects.filter(kind=Run.Kind.EXECUTE).exclude(state=RunState.ROLLED_BACK).first()
    checks = _checks(run)
    populated = run if run is not None and run.populated else None
    timings = performance.compare(run=populated, person=person) if populated is not None else None
    opened = [_documented(run, checks, person)]
    if populated is not None and timings is not None:
        opened.append(reporting.performance(populated, timings, person=person))
    found = Verification(
        ok=all_ok(checks), checks=checks, failures=grading.graded(checks), performance=timings,
        to_fix=_to_fix(run), incidents=[incident for incident in opened if incident is not None],
    )  # fmt: skip
    _record(run, found, person)
    return found


def _checks(run: Run | None) -> list[Check]:
    with runner(application_name="v7_verify") as connection:
        if run is None or not run.populated:
            before = Run.objects.filter(state=RunState.ROLLED_BACK).exists()
            return run_document_queries(connection, "rolled back" if before else "before")
        has_duplicates = must_be_documented(run.changeset.snapshot.enums)
        checks = run_document_queries(connection, "after", has_duplicates=has_duplicates)
        return checks + list(_strict(connection, run))


def _documented(run: Run | None, checks: list[Check], person: str) -> Incident | None:
    """Document failed checks; a run that stands in the middle fails the check of "before", and has its own incident."""
    if run is not None and not run.populated:
        return None
    return reporting.validation(run, checks, person=person)


def _to_fix(run: Run | None) -> list[Incident]:
    if run is None:
        return []
    return list(run.incidents.filter(kind=Incident.Kind.INDEX, state__in=Incident.UNREVIEWED).order_by("opened_at"))


def _record(run: Run | None, found: Verification, person: str) -> None:
    if run is not None and run.populated:
        run.report["verify"] = {
            "ok": found.ok, "by": person, "checks": [check.as_dict() for check in found.checks],
            "failures": found.failures, "incidents": [str(incident.pk) for incident in found.incidents],
            "to_fix": [{"incident": str(i.pk), "step": i.step, "title": i.title} for i in found.to_fix],
        }  # fmt: skip
        run.report["performance"] = found.performance
        run.save(update_fields=["report"])
    append_event(
        kind="verify.finished", actor=person, subject=str(run.pk) if run else "",
        payload={
            "ok": found.ok, "failed": {failure["name"]: failure["grade"] for failure in found.failures},
            "slower": found.performance["degraded"] if found.performance else [],
        },
    )  # fmt: skip


def _strict(connection: Connection, run: Run) -> Iterator[Check]:
    yield _shape(connection, run)
    yield _names(connection, "tables", "exactly these five tables in public", FIVE_TABLES, TABLES_QUERY)
    yield _names(connection, "views", "exactly these three views in v7_monitoring", performance.VIEWS, VIEWS_QUERY)
    yield _names(connection, "indexes", "the six indexes, valid", SIX_INDEXES, INDEXES_QUERY)
    yield _count(connection, "constraints", "every constraint validated", UNVALIDATED_QUERY)
    yield _count(connection, "triggers", "no trigger of ours disabled", DISABLED_QUERY)
    yield _count(connection, "grants", "no right missing for the web role", MISSING_RIGHTS_QUERY)
    result = integrity.compare(connection, run.report["baseline"])
    yield Check("integrity", "file_audit kept storage and earlier columns", "unchanged", _words(result), result["ok"])
    is_open = home.fence("target")
    live = home.read() == home.LIVE and bool(is_open and is_open.is_open)
    yield Check(
        "home", "the target is the home of the tracking rows", "live, open", "live, open" if live else "not", live
    )
    yield from (_row_operations(name, trial) for name, trial in TRIALS.items())


TABLES_QUERY = r"SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename LIKE 'v7\_%' ORDER BY 1"
VIEWS_QUERY = r"SELECT viewname FROM pg_views WHERE schemaname = 'v7_monitoring' AND viewname LIKE 'v7\_%' ORDER BY 1"
INDEXES_QUERY = """
    SELECT c.relname
      FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE i.indisvalid AND i.indisready AND n.nspname = 'public' AND c.relname = ANY (%s) ORDER BY 1
"""
UNVALIDATED_QUERY = r"""
    SELECT conrelid::regclass || ': ' || conname FROM pg_constraint
    WHERE NOT convalidated AND (conrelid = 'public.file_audit'::regclass AND conname LIKE '%%v7%%'
        OR conrelid IN (SELECT oid FROM pg_class WHERE relname LIKE 'v7\_%%' AND relnamespace = 'public'::regnamespace))
"""
DISABLED_QUERY = r"""
    SELECT tgrelid::regclass || ': ' || tgname FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
    WHERE p.pronamespace = 'migration_gate'::regnamespace AND t.tgenabled = 'D'
"""
MISSING_RIGHTS_QUERY = r"""
    SELECT c.relname || ' ' || r FROM pg_class c CROSS JOIN unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS r
    WHERE c.relname LIKE 'v7\_%%' AND c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
      AND NOT has_table_privilege(%s, c.oid, r)
"""


def _words(result: dict[str, Any]) -> str:
    return "unchanged" if result["ok"] else f"changed: {result['changed_attributes'] or 'rewritten'}"


def _shape(connection: Connection, run: Run) -> Check:
    """Compare what the run changed with what the rehearsal changed, object by object."""
    script, committed = parse(bytes(run.changeset.script.content)), committed_steps(connection, run.pk)
    took_section_0 = any(key.startswith("0.") for key in committed)
    watch = DriftWatch.of(run.changeset, script, committed, skips_section_0=not took_section_0)
    watch.committed = set(watch.order)  # an index that failed is to be there in the end
    off = [s if s.startswith("missing: ") else f"unexpected: {s}" for s in watch.sentences(connection)]
    actual = "as rehearsed" if not off else "; ".join(off[:8])
    title = "the schema changed exactly as rehearsed"
    rows = tuple((difference,) for difference in off)
    return Check("shape", title, "as rehearsed", actual, not off, columns=("difference",) if off else (), rows=rows)


def _names(connection: Connection, name: str, title: str, expected: tuple[str, ...], query: str) -> Check:
    rows = connection.execute(query, [list(expected)] if "%s" in query else None).fetchall()
    found = {str(row[0]) for row in rows}
    actual = ", ".join(sorted(found)) or "none"
    return Check(name, title, ", ".join(sorted(expected)), actual, found == set(expected))


def _count(connection: Connection, name: str, title: str, query: str) -> Check:
    rows = connection.execute(query, [WEB_ROLE] if "%s" in query else []).fetchall()
    found = ", ".join(str(row[0]) for row in rows)
    return Check(name, title, "none", found or "none", not rows)


def _row_operations(name: str, trial: Callable[[], None]) -> Check:
    """Try row operations as the web role, in a transaction that is rolled back."""
    title = f"create, read, update and delete on {name}, as {WEB_ROLE}"
    try:
        with transaction.atomic(using="target"), home.pinned(home.LIVE):
            trial()
            transaction.set_rollback(True, using="target")
    except DatabaseError as error:
        return Check(f"rows of {name}", title, "work", str(error).strip().splitlines()[0], False)
    return Check(f"rows of {name}", title, "work", "work", True)


def _try_row(row: Any, **change: Any) -> None:
    """Create, read, update and delete one row, each with its history."""
    model = type(row)
    row.save(using="target", force_insert=True)
    found = model.objects.using("target").get(pk=row.pk)
    for field, value in change.items():
        setattr(found, field, value)
    found.save(using="target")
    found.delete(using="target")


def _try_phase() -> None:
    """Seven phases are all there may be: take one without tasks out and put it back."""
    busy = SubworkflowTask.objects.using("target").values("parent_phase")
    phase = Phase.objects.using("target").exclude(phase_number__in=busy).last()
    if phase is None:
        raise DatabaseError("every phase has tasks, so none can be tried")
    again = Phase(phase_number=phase.phase_number, phase_name=phase.phase_name, lead_persona=phase.lead_persona)
    phase.delete(using="target")
    _try_row(again, phase_name="A trial")


TRIALS: dict[str, Callable[[], None]] = {
    "v7_migration_workflow": _try_phase,
    "v7_enum_migrations": lambda: _try_row(
        EnumMigration(
            current_enum_name="a_trial", v7_enum_name="a_trial", current_enum_values=["x"], v7_enum_values=["x"]
        ),
        v7_enum_name="another_trial",
    ),
    "v7_global_impacts": lambda: _try_row(
        GlobalImpact(change_type="enum", impact_description="A trial"), impact_description="Another trial"
    ),
    "v7_subworkflow_tasks": lambda: _try_row(
        SubworkflowTask(
            parent_phase_id=1, task_number=2_000_000_000, task_name="A trial", responsible_persona="The Architect"
        ),
        task_name="Another trial",
    ),
    "v7_test_results": lambda: _try_row(
        TestResult(test_type="smoke", component_tested="a trial", test_status="pass", tested_by="v7_verify"), notes="x"
    ),
}
