"""Evidence of the execution tasks: the sections that committed, the proof of file_audit, the population (2.2)."""

from __future__ import annotations

from collections.abc import Iterator

from tracking import home
from tracking.models import SubworkflowTask
from tracking.selectors import dashboard
from v7migration.ledger.models import Incident, Run, RunStep
from v7migration.pipeline.runs import DONE, Checked, last_attempts, last_checks, page_of, standing_run
from v7migration.pipeline.tasks.proof import Facts, lacking, there

NOT_RUN = "Nothing was executed, or it was taken back: v7_execute, once the gate is open."
INFRASTRUCTURE = (1, 3, 4, 5, 6, 7, 8)
"""The sections of task 2.2.1, in the document's order."""
FILE_AUDIT = 2


def created() -> Iterator[Facts]:
    """Evidence of 2.2.1: tables, indexes and views, each section as it committed."""
    run = standing_run()
    if run is None:
        yield from (lacking(NOT_RUN, "/runs/") for _ in range(len(INFRASTRUCTURE) + 1))
        return
    attempts = last_attempts(run)
    for number in INFRASTRUCTURE:
        yield _section(run, number, attempts.get(number, []))
    yield _checked(run, last_checks(run), "2.2.1")


def enhanced() -> Iterator[Facts]:
    """Evidence of 2.2.2: Section 2, the integrity proof of file_audit, the default of the rows that were there."""
    run = standing_run()
    if run is None:
        yield from (lacking(NOT_RUN, "/runs/") for _ in range(4))
        return
    yield _section(run, FILE_AUDIT, last_attempts(run).get(FILE_AUDIT, []))
    yield _kept(run)
    checked = last_checks(run)
    yield _checked(run, checked, "2.2.2")
    yield _checked(run, checked, "2.2.2")


def populated() -> Iterator[Facts]:
    """Evidence of 2.2.3: the rows that the population brought, and the dashboard's view over them."""
    run = standing_run()
    if run is None or not run.populated:
        said = NOT_RUN if run is None else f"The population is not committed: the run is {run.state}."
        yield from (lacking(said, page_of(run)) for _ in range(5))
        return
    checked = last_checks(run)
    yield _checked(run, checked, "4.3 phases")
    yield _checked(run, checked, "4.3 enums")
    yield _brought(run, "v7_global_impacts", "impact assessments came with the population.")
    yield _planned(run)
    yield _shown(run)


def _section(run: Run, number: int, steps: list[RunStep]) -> Facts:
    """Say whether every step of a section is committed; a failed index counts once its fix is confirmed."""
    waiting = [step for step in steps if step.state not in DONE]
    if not steps:
        return lacking(f"Section {number} has not begun: the run is {run.state}.", page_of(run))
    ended = max((step.finished_at for step in steps if step.finished_at), default=None)
    if not waiting:
        words = f"{len(steps)} steps are" if len(steps) > 1 else "it is"
        return there(f"Section {number}: {words} committed.", run.operator, ended, page_of(run))
    found = {i.step: i for i in run.incidents.filter(kind=Incident.Kind.INDEX)}
    unfixed = [s.key for s in waiting if s.key not in found or found[s.key].state in Incident.UNREVIEWED]
    if unfixed:
        keys = ", ".join(unfixed)
        incident = next((found[key] for key in unfixed if key in found), None)
        where = f"/incidents/{incident.pk}/" if incident else page_of(run)
        return lacking(f"Section {number}: step {keys} is not committed; its fix is documented and confirmed.", where)
    fixed = found[waiting[-1].key]
    return there(
        f"Section {number}: committed, {len(waiting)} of its steps fixed later.",
        fixed.reviewed_by, fixed.reviewed_at, f"/incidents/{fixed.pk}/",
    )  # fmt: skip


def _kept(run: Run) -> Facts:
    proof = run.report.get("integrity") or {}
    if not proof:
        return lacking(f"The run has not ended: it is {run.state}.", page_of(run))
    if not proof["ok"]:
        return lacking("file_audit is not as it was: see the run's page.", page_of(run))
    said = "file_audit kept its storage and every earlier column; the run wrote no row of it."
    return there(said, run.operator, run.finished_at, page_of(run))


def _checked(run: Run, checked: Checked, name: str) -> Facts:
    """Say what a check of the document found when it was last made."""
    check = checked.named(name)
    if check is None:
        return lacking(f"The document's query {name} was not run: the run is {run.state}.", page_of(run))
    if not check["ok"]:
        said = f"{check['title']}: expected {check['expected']}, found {check['actual']}. v7_verify looks again."
        return lacking(said, page_of(run))
    return there(f"{check['title']}: {check['actual']}.", checked.by, checked.at, page_of(run))


def _brought(run: Run, table: str, words: str) -> Facts:
    rows = run.report.get("population", {}).get("tables", {}).get(table, {}).get("rows", 0)
    return there(f"{rows} {words}", run.operator, run.finished_at, page_of(run))


def _planned(run: Run) -> Facts:
    """Say how many tasks Phase 1 has."""
    count = SubworkflowTask.objects.filter(parent_phase__phase_number=1).count()
    if not count:
        return lacking("Phase 1 has no task: plan them on its page.", "/phases/1/")
    return there(f"Phase 1 has {count} tasks.", run.operator, run.finished_at, "/phases/1/")


def _shown(run: Run) -> Facts:
    """Say whether the dashboard's view shows every phase of the target."""
    rows = dashboard() if home.current() == home.LIVE else []
    phases = len({row.phase_number for row in rows})
    if phases != 7:
        return lacking(f"v7_monitoring.v7_migration_dashboard shows {phases} phases, not 7.", "/")
    tasks = sum(row.total_tasks for row in rows)
    return there(f"The dashboard shows 7 phases and {tasks} tasks.", run.operator, run.finished_at, "/")
