"""Read the evidence of each task and move the task as far as it carries."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from typing import Any

from tracking.catalogue import DATABASE_PHASE, entry
from tracking.choices import PhaseStatus, TaskStatus
from tracking.models import Phase, SubworkflowTask
from tracking.selectors import phase_tasks, pre_execution_tasks
from tracking.services import phase_take_back, task_carry, task_take_back
from v7migration.errors import Fenced, StaleForm, TransitionRefused
from v7migration.ledger.models import RunState
from v7migration.pipeline.runs import standing_run, taken_back
from v7migration.pipeline.tasks import execution, post_execution, pre_execution
from v7migration.pipeline.tasks.proof import Facts, Proof, actor_named

EVIDENCE = frozenset(
    {
        "inventory.taken", "rehearsal.finished", "script.reviewed", "finding.accepted", "coverage.no_impact",
        "run.finished", "run.rolled_back", "verify.finished", "failure.accepted", "incident.reviewed",
        "integration.proved", "dart.delivered", "dart.recorded",
    }
)  # fmt: skip
"""The kinds of events after which a task may have moved; tracked rows tell of themselves."""
MOVABLE = (TaskStatus.PENDING, TaskStatus.IN_PROGRESS, TaskStatus.REVIEW)
BEGUN = (TaskStatus.IN_PROGRESS, TaskStatus.REVIEW, TaskStatus.COMPLETED)
EXECUTION = ("2.2.1", "2.2.2", "2.2.3")
_at_work: ContextVar[bool] = ContextVar("tasks_at_work", default=False)


def proofs(task: SubworkflowTask) -> tuple[Proof, ...]:
    """Return the evidence of a task in the document's order, its verification last; none for tasks without."""
    return tuple(_pieces(task))


def _pieces(task: SubworkflowTask) -> Iterator[Proof]:
    """Read the evidence piece by piece, so that whoever needs no more need not read it all."""
    reading = _READINGS.get(task.document_number)
    described = entry(task.parent_phase_id, task.task_number)
    if reading is None or described is None:
        return
    for action, facts in zip((*described.actions, described.verification), reading(), strict=True):
        yield Proof(action, **facts)


def advance() -> list[SubworkflowTask]:
    """Take every task as far as its evidence carries it, back where a rollback took it away; return those that moved.

    A rollback also takes the phase back that the signatures of its run completed.

    What refuses the move (the rows are fenced, somebody blocked the task, it waits for another) leaves it where it is;
    the next piece of evidence asks again.
    """
    if _at_work.get():
        return []
    token = _at_work.set(True)
    try:
        tasks = phase_tasks(DATABASE_PHASE)
        back = _take_back(tasks)
        carried = [_advance(task) for task in tasks if task.status in MOVABLE and task.is_proven]
        return [*back, *(task for task in carried if task is not None)]
    finally:
        _at_work.reset(token)


def catch_up() -> list[SubworkflowTask]:
    """Move the tasks that a process which died should have moved: those of a run that finished, or was taken back."""
    run = standing_run()
    if run is not None and run.state != RunState.FINISHED:
        return []
    tasks = phase_tasks(DATABASE_PHASE)
    if run is not None:
        is_behind = any(task.status in MOVABLE for task in tasks if task.document_number in EXECUTION)
    else:
        is_behind = bool(_begun(tasks) or _completed(tasks)) and taken_back() is not None
    return advance() if is_behind else []


def on_record(kind: str = "", **_: Any) -> None:
    """Hear of an event of the ledger."""
    if kind in EVIDENCE:
        advance()


def on_write(**_: Any) -> None:
    """Hear of tracked rows that were written: decisions on ENUM groups, impacts, a task that was freed."""
    advance()


def as_document() -> list[dict[str, Any]]:
    """Return the tasks of the Database Phase with their evidence, as ``v7_status --json`` prints them.

    Each has ``task`` (the document's number), ``title``, ``status``, ``persona`` and ``evidence`` [{``action``,
    ``met``, ``said``, ``by``, ``at``, ``page``}].
    """
    return [
        {
            "task": task.document_number, "title": task.task_name, "status": task.status,
            "persona": task.responsible_persona, "evidence": [vars(proof) for proof in proofs(task)],
        }
        for task in phase_tasks(DATABASE_PHASE) if task.is_proven
    ]  # fmt: skip


def missing() -> tuple[SubworkflowTask, Proof] | None:
    """Return the first open pre-execution task with the first piece of evidence that it lacks, None without one."""
    for task in pre_execution_tasks():
        if task.status in MOVABLE and (proof := first_missing(task)) is not None:
            return task, proof
    return None


def first_missing(task: SubworkflowTask) -> Proof | None:
    """Return the first piece of evidence that a task lacks, None where all are there."""
    return next((proof for proof in _pieces(task) if not proof.met), None)


def _advance(task: SubworkflowTask) -> SubworkflowTask | None:
    found: list[Proof] = []
    for proof in _pieces(task):
        found.append(proof)
        if not proof.met and task.status == TaskStatus.IN_PROGRESS:
            return None  # it has begun, and only the whole evidence carries it further
    left = [(proof.at, proof.by) for proof in found if proof.met and proof.by and proof.at is not None]
    is_complete = all(proof.met for proof in found)
    if not left:
        return None
    person = actor_named(max(left)[1])
    with suppress(TransitionRefused, StaleForm, Fenced):
        return task_carry(task=task, actor=person, reason=_reason(found), is_complete=is_complete)
    return None


def _begun(tasks: list[SubworkflowTask]) -> list[SubworkflowTask]:
    return [task for task in tasks if task.status in BEGUN and task.is_of_a_run]


def _completed(tasks: list[SubworkflowTask]) -> list[Phase]:
    """Return the phase of some tasks where it is completed: the seats of a run completed it."""
    return [task.parent_phase for task in tasks[:1] if task.parent_phase.status == PhaseStatus.COMPLETED]


def _take_back(tasks: list[SubworkflowTask]) -> list[SubworkflowTask]:
    """Set back what was begun and completed with a run that was taken back: what it made is gone from the target."""
    begun, completed = _begun(tasks), _completed(tasks)
    rollback = taken_back() if (begun or completed) and standing_run() is None else None
    if rollback is None:
        return []
    person, reason = actor_named(rollback.operator), f"Run {rollback.undoes_id} was taken back: its evidence is gone."
    moved = []
    for task in begun:
        with suppress(TransitionRefused, StaleForm, Fenced):
            moved.append(task_take_back(task=task, actor=person, reason=reason))
    for phase in completed:
        with suppress(TransitionRefused, StaleForm, Fenced):
            phase_take_back(phase=phase, actor=person, reason=reason)
    return moved


def _reason(found: Iterable[Proof]) -> str:
    return "From the evidence: " + " ".join(proof.said for proof in found if proof.met)


_READINGS: dict[str, Callable[[], Iterator[Facts]]] = {
    "2.1.1": pre_execution.documented,
    "2.1.2": pre_execution.reviewed,
    "2.1.3": pre_execution.assessed,
    "2.2.1": execution.created,
    "2.2.2": execution.enhanced,
    "2.2.3": execution.populated,
    "2.3.1": post_execution.validated,
    "2.3.2": post_execution.integrated,
}
