"""Create, read, update, delete on each table, as the web role, in transactions that never commit (document 2.3.1).

A process that dies in the middle leaves nothing either: its session ends, and with it the transaction. The rows carry
a mark of this trial alone, so that whatever should stay of it can be found.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import DatabaseError, connections, transaction

from tracking import home
from tracking.machines import FILE
from tracking.models import V7_COLUMNS, EnumMigration, File, GlobalImpact, Phase, SubworkflowTask, TestResult
from v7migration.connections import WEB_ROLE
from v7migration.postgres.queries import Check

TARGET = "target"
WORK = "work"
LIMITS = "SELECT set_config('lock_timeout', '3s', true), set_config('statement_timeout', '30s', true)"
HISTORY = ["+", "-", "~"]
LAST_TASK = 2_000_000_000
MARKED = {
    "v7_migration_workflow": (Phase, "phase_name"),
    "v7_enum_migrations": (EnumMigration, "v7_enum_name"),
    "v7_global_impacts": (GlobalImpact, "impact_description"),
    "v7_subworkflow_tasks": (SubworkflowTask, "task_name"),
    "v7_test_results": (TestResult, "component_tested"),
}
"""Of each table the column that carries the mark of a trial."""


class TrialFailed(Exception):
    """The database did what it was told, and something else than that came back."""


def checks() -> Iterator[Check]:
    """Try the rows of each table and the twelve columns of file_audit; last, look whether anything stayed."""
    mark = f"v7_verify trial {secrets.token_hex(8)}"
    for name, trial in TRIALS.items():
        title = f"create, read, update and delete on {name}, as {WEB_ROLE}, each with its history"
        yield _check(f"rows of {name}", title, lambda trial=trial: trial(mark))  # type: ignore[misc]
    title = f"read and update the twelve columns of file_audit, as {WEB_ROLE}, with history; the row stays as it was"
    yield _check("rows of file_audit", title, _file_unchanged)
    yield _nothing_stayed(mark)


def _check(name: str, title: str, trial: Callable[[], str]) -> Check:
    """Run a trial and say how it ended; ``trial`` returns what it was tried on."""
    started = time.perf_counter()
    actual, note = WORK, ""
    try:
        note = f"{trial()}, as {_role()}"
    except (DatabaseError, TrialFailed, ObjectDoesNotExist) as error:
        actual = str(error).strip().splitlines()[0]
    elapsed = round((time.perf_counter() - started) * 1000, 3)
    return Check(name, title, WORK, actual, actual == WORK, note=note, milliseconds=elapsed)


def _role() -> str:
    with connections[TARGET].cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


class rolled_back(transaction.Atomic):  # noqa: N801 (a context manager)
    """A transaction of the web role on the live home that takes everything back, and waits for nobody for long."""

    def __init__(self) -> None:
        super().__init__(using=TARGET, savepoint=True, durable=False)

    def __enter__(self) -> None:
        super().__enter__()
        with connections[TARGET].cursor() as cursor:
            cursor.execute(LIMITS)

    def __exit__(self, kind: Any, error: Any, traceback: Any) -> None:
        if kind is None:
            transaction.set_rollback(True, using=TARGET)
        super().__exit__(kind, error, traceback)


def _try_row(row: Any, **change: Any) -> str:
    """Create, read, update, read and delete one row; compare each time, and count the versions in its history."""
    rows = type(row)._base_manager.using(TARGET)
    row.save(using=TARGET, force_insert=True)
    found = rows.get(pk=row.pk)
    for field, value in change.items():
        setattr(found, field, value)
    found.save(using=TARGET)
    again = rows.get(pk=row.pk)
    if other := [field for field, value in change.items() if getattr(again, field) != value]:
        raise TrialFailed(f"an update of {', '.join(other)} was not kept")
    key = again.pk
    again.delete(using=TARGET)
    if rows.filter(pk=key).exists():
        raise TrialFailed("a deleted row is still there")
    _expect_history(type(row), key, HISTORY)
    return "one row of a trial"


def _expect_history(model: Any, key: Any, expected: list[str]) -> None:
    versions = model.history.using(TARGET).filter(id=key).values_list("history_type", flat=True)
    if sorted(versions) != expected:
        raise TrialFailed(
            f"the history holds the versions {', '.join(sorted(versions)) or 'none'}, not one for each write"
        )


def _phase(mark: str) -> str:
    """Seven phases are all there may be: take one out, with its tasks if it has any, and make it anew."""
    with rolled_back(), home.pinned(home.LIVE):
        tasks = SubworkflowTask._base_manager.using(TARGET)
        phases = Phase._base_manager.using(TARGET).order_by("phase_number")
        phase = phases.exclude(phase_number__in=tasks.values("parent_phase")).last() or phases.last()
        number, name, persona = 7, "A trial", "The Architect"
        if phase is not None:
            number, name, persona = phase.phase_number, phase.phase_name, phase.lead_persona
            for task in tasks.filter(parent_phase=phase):
                task.delete(using=TARGET)
            phase.delete(using=TARGET)
        again = Phase(phase_number=number, phase_name=name, lead_persona=persona)
        return _try_row(again, phase_name=mark) + f" in place of phase {number}"


def _enum(mark: str) -> str:
    row = EnumMigration(current_enum_name=mark, v7_enum_name="a", current_enum_values=["x"], v7_enum_values=["x"])
    with rolled_back(), home.pinned(home.LIVE):
        return _try_row(row, v7_enum_name=mark)


def _impact(mark: str) -> str:
    with rolled_back(), home.pinned(home.LIVE):
        return _try_row(GlobalImpact(change_type="enum", impact_description="A trial"), impact_description=mark)


def _task(mark: str) -> str:
    with rolled_back(), home.pinned(home.LIVE):
        phase = Phase._base_manager.using(TARGET).order_by("phase_number").first()
        if phase is None:
            raise TrialFailed("there is no phase that a task could belong to")
        row = SubworkflowTask(
            parent_phase=phase, task_number=LAST_TASK, task_name="A trial", responsible_persona="The Architect"
        )
        return _try_row(row, task_name=mark)


def _result(mark: str) -> str:
    row = TestResult(test_type="smoke", component_tested=mark, test_status="pass", tested_by="v7_verify")
    with rolled_back(), home.pinned(home.LIVE):
        return _try_row(row, notes=mark)


TRIALS: dict[str, Callable[[str], str]] = {
    "v7_migration_workflow": _phase, "v7_enum_migrations": _enum, "v7_global_impacts": _impact,
    "v7_subworkflow_tasks": _task, "v7_test_results": _result,
}  # fmt: skip
VALUES: dict[str, Any] = {
    "v7_target_name": "WF1_V7_L1_1of1_Trial.py", "v7_database_enums": ["a_trial"], "v7_enum_mappings": {"a": "b"},
    "v7_dependencies": ["a.py"], "v7_dependents": ["b.py"], "v7_impact_score": 7, "v7_review_status": "a trial",
    "v7_reviewed_by": ["The Architect"], "v7_implementation_status": "a trial", "v7_test_status": "a trial",
    "v7_retirement_date": date(2030, 1, 1),
}  # fmt: skip


def _file_unchanged() -> str:
    """Change the twelve columns of one file that nobody has locked, take it back, and compare the row with before."""
    with home.pinned(home.LIVE):
        with rolled_back():
            key, before = _one_file()
            if key is None:
                _try_rights()
                return "no row to try: the right to update the twelve columns alone"
            _try_file(key)
        with rolled_back():
            after = _columns_of(key)
    if before != after:
        raise TrialFailed(f"file {key} did not come back as it was")
    return f"file {key}"


def _one_file() -> tuple[int | None, tuple[Any, ...]]:
    file = File._base_manager.using(TARGET).select_for_update(skip_locked=True, no_key=True).order_by("pk").first()
    return (file.pk, _columns_of(file.pk)) if file is not None else (None, ())


def _columns_of(key: int) -> tuple[Any, ...]:
    """Return the twelve values as the server shows them."""
    columns = ", ".join(f"{name}::text" for name in V7_COLUMNS)  # names of our own
    with connections[TARGET].cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM public.file_audit WHERE id = %s", [key])  # noqa: S608
        return tuple(cursor.fetchone() or ())


def _try_rights() -> None:
    changes = ", ".join(f"{name} = {name}" for name in V7_COLUMNS)
    with connections[TARGET].cursor() as cursor:
        cursor.execute(f"UPDATE public.file_audit SET {changes} WHERE false")  # noqa: S608


def _try_file(key: int) -> None:
    rows = File._base_manager.using(TARGET)
    file = rows.get(pk=key)
    jump = next((jump for jump in FILE.jumps if jump.source == file.v7_workflow_status), None)
    state = file.v7_workflow_status
    if jump is not None:
        getattr(file, jump.name)()
        state = jump.target
    for name, value in VALUES.items():
        setattr(file, name, value)
    versions = File.history.using(TARGET).filter(id=key).count()
    file.save(using=TARGET)
    again = rows.get(pk=key)
    wanted = {**VALUES, "v7_workflow_status": state}
    if other := [name for name, value in wanted.items() if getattr(again, name) != value]:
        raise TrialFailed(f"an update of {', '.join(other)} was not kept")
    if File.history.using(TARGET).filter(id=key).count() != versions + 1:
        raise TrialFailed("the update left not exactly one version in the history")


def _nothing_stayed(mark: str) -> Check:
    """Look in every table, and its history, for rows with the mark of this trial."""
    started, found = time.perf_counter(), []
    try:
        with rolled_back(), home.pinned(home.LIVE):
            for name, (model, column) in MARKED.items():
                for rows in (model._base_manager.using(TARGET), model.history.using(TARGET)):  # type: ignore[attr-defined]
                    found += [name] * rows.filter(**{column: mark}).exists()
        actual = ", ".join(dict.fromkeys(found)) or "none"
    except DatabaseError as error:
        actual = str(error).strip().splitlines()[0]
    elapsed = round((time.perf_counter() - started) * 1000, 3)
    title = "no row of these trials stayed, neither in a table nor in its history"
    return Check("rows left", title, "none", actual, actual == "none", milliseconds=elapsed)
