"""Tasks 2.1.1 to 2.1.3 complete from their evidence (document 2.1): what is there, what is missing, who left it.

Each action of the document, and its verification, is one piece of evidence. The first piece starts the task, the last
one completes it, in the name of the person who left it. Nobody ticks a task off by hand.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from approvals.selectors import personas_of
from tracking.actors import ARCHITECT, Actor
from tracking.catalogue import entry
from tracking.choices import TaskStatus
from tracking.models import SubworkflowTask
from tracking.selectors import pre_execution_tasks
from tracking.services import task_carry
from v7migration.errors import Fenced, Refused, StaleForm, TransitionRefused
from v7migration.ledger.models import Baseline, EnumDecision, Inventory, Rehearsal, Review
from v7migration.pipeline import acceptance, consolidation, coverage, gatekeeper

EVIDENCE = frozenset(
    {"inventory.taken", "rehearsal.finished", "script.reviewed", "finding.accepted", "coverage.no_impact"}
)
"""The kinds of events after which a task may have moved; tracked rows tell of themselves."""
MOVABLE = (TaskStatus.PENDING, TaskStatus.IN_PROGRESS, TaskStatus.REVIEW)
REVIEW = "A DB Team Lead reviews it: v7_review --as USERNAME."
CODE = "/code/"
Part = Inventory.Part
_at_work: ContextVar[bool] = ContextVar("preparation_at_work", default=False)


@dataclass(frozen=True)
class Proof:
    """One piece of evidence: an action of the document or its verification, and what stands behind it.

    ``said`` is what was found, or what is missing and what to do; ``by`` and ``at`` name who left it and when.
    """

    action: str
    met: bool
    said: str
    by: str = ""
    at: datetime | None = None
    page: str = ""


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
    """Take every pre-execution task as far as its evidence carries it, and return those that moved.

    What refuses the move (the rows are fenced, somebody blocked the task, it waits for another) leaves it where it is;
    the next piece of evidence asks again.
    """
    if _at_work.get():
        return []
    token = _at_work.set(True)
    try:
        return [moved for task in _open_tasks() if (moved := _advance(task)) is not None]
    finally:
        _at_work.reset(token)


def on_record(kind: str = "", **_: Any) -> None:
    """Hear of an event of the ledger."""
    if kind in EVIDENCE:
        advance()


def on_write(**_: Any) -> None:
    """Hear of tracked rows that were written: decisions on ENUM groups, impacts, a task that was freed."""
    advance()


def as_document() -> list[dict[str, Any]]:
    """Return the pre-execution tasks with their evidence, as ``v7_status --json`` prints them.

    Each has ``task`` (the document's number), ``title``, ``status``, ``persona`` and ``evidence`` [{``action``,
    ``met``, ``said``, ``by``, ``at``, ``page``}].
    """
    return [
        {
            "task": task.document_number, "title": task.task_name, "status": task.status,
            "persona": task.responsible_persona, "evidence": [vars(proof) for proof in proofs(task)],
        }
        for task in pre_execution_tasks()
    ]  # fmt: skip


def missing() -> tuple[SubworkflowTask, Proof] | None:
    """Return the first open pre-execution task with the first piece of evidence that it lacks, None without one."""
    for task in _open_tasks():
        for proof in _pieces(task):
            if not proof.met:
                return task, proof
    return None


def _open_tasks() -> list[SubworkflowTask]:
    return [task for task in pre_execution_tasks() if task.status in MOVABLE]


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
    person = max(left)[1]
    with suppress(TransitionRefused, StaleForm, Fenced):
        return task_carry(task=task, actor=_actor(person), reason=_reason(found), is_complete=is_complete)
    return None


def _actor(username: str) -> Actor:
    person = User.objects.filter(username=username).first()
    return Actor(username, personas_of(person) if person else frozenset())


def _reason(found: Iterable[Proof]) -> str:
    return "From the evidence: " + " ".join(proof.said for proof in found if proof.met)


def _there(said: str, by: str, at: datetime | None, page: str = "") -> dict[str, Any]:
    return {"met": True, "said": said, "by": by, "at": at, "page": page}


def _lacking(said: str, page: str = "") -> dict[str, Any]:
    return {"met": False, "said": said, "page": page}


# -- 2.1.1 -----------------------------------------------------------------------------------------------------


def _documented() -> Iterator[dict[str, Any]]:
    """Evidence of 2.1.1: the parts of an inventory that The Architect took."""
    schema = _newest(Part.SNAPSHOT)
    facts: dict[str, Any] = schema.document if schema else {}
    yield _part(schema, "Exported.", bool(facts.get("exported")), facts.get("statement", ""))
    yield _part(_newest(Part.ENUMS), "ENUM types and their usage were read.", page=consolidation.PAGE)
    yield _part(_newest(Part.DEPENDENCIES), "Dependencies were read.", page="/dependencies/")
    yield _part(Baseline.objects.filter(run=None).first(), "Measured.")
    commit = str(facts.get("commit") or "")
    yield _part(schema, f"Archived in commit {commit[:12]}.", bool(facts.get("archived")), "The archive has no commit.")
    yield _part(schema, facts.get("statement", ""), bool(facts.get("verified")), facts.get("statement", ""))


def _newest(part: str) -> Inventory | None:
    """Return the newest inventory of a part; those of the database are read without what they found."""
    found = Inventory.objects.filter(part=part)
    return (found if part == Part.SNAPSHOT else found.defer("document")).first()


def _part(
    row: Inventory | Baseline | None, said: str, is_good: bool = True, why_not: str = "", page: str = ""
) -> dict[str, Any]:
    how = f"{ARCHITECT} takes it: v7_inventory --as USERNAME."
    if row is None:
        return _lacking(f"There is none. {how}")
    if not is_good:
        return _lacking(f"{why_not} {how}", page)
    if ARCHITECT not in _actor(row.taken_by).personas:
        return _lacking(f"It was taken by {row.taken_by or 'nobody by name'}. {how}", page)
    return _there(said, row.taken_by, row.taken_at, page)


# -- 2.1.2 -----------------------------------------------------------------------------------------------------


def _reviewed() -> Iterator[dict[str, Any]]:
    """Evidence of 2.1.2: rehearsal and review of the script exactly as it would be frozen now."""
    sha256 = _script()
    rehearsal = Rehearsal.objects.filter(script_id=sha256).first() if sha256 else None
    review = Review.objects.filter(script_id=sha256).first() if sha256 else None
    yield _read(review, rehearsal)
    yield _compared(review)
    yield _rehearsed(rehearsal, "It runs on a scratch copy of the target.", bool(rehearsal and rehearsal.ok))
    yield _rehearsed(rehearsal, "Section 9 led back to the same catalogs.", bool(rehearsal and rehearsal.led_back))
    yield _accepted(review)
    yield _rehearsed(rehearsal, "The rehearsal is green.", bool(rehearsal and rehearsal.ok))


def _script() -> str:
    """Return the SHA-256 of the script as it would be frozen now, empty where it cannot be read."""
    with suppress(Refused):
        return hashlib.sha256(gatekeeper.rendered_script(gatekeeper.source_bytes())).hexdigest()
    return ""


def _read(review: Review | None, rehearsal: Rehearsal | None) -> dict[str, Any]:
    if review is None:
        return _lacking(f"The script as it is now was not reviewed. {REVIEW}", "/reviews/")
    page = f"/reviews/{review.pk}/"
    if review.verdict == Review.Verdict.REFUSE:
        return _lacking("The review refuses the script: it must be corrected.", page)
    if rehearsal is not None and review.rehearsal_id is None:
        return _lacking(f"The review is older than the rehearsal, so it lacks what only a server knows. {REVIEW}", page)
    return _there(f"Read: {len(review.document['findings'])} findings, none refuses it.", review.by, review.at, page)


def _compared(review: Review | None) -> dict[str, Any]:
    if review is None:
        return _lacking(REVIEW)
    page, conflicts = f"/reviews/{review.pk}/", review.document["conflicts"]
    if conflicts is None:
        return _lacking(f"The target did not answer when the script was reviewed. {REVIEW}", page)
    what = f"{len(conflicts)} conflicts, documented" if conflicts else "no conflict"
    return _there(f"Compared with the target: {what}.", review.by, review.at, page)


def _rehearsed(rehearsal: Rehearsal | None, said: str, is_good: bool) -> dict[str, Any]:
    if rehearsal is None:
        return _lacking("There is no rehearsal of exactly these bytes. v7_rehearse makes one.")
    if not is_good:
        failures = rehearsal.report["failures"]
        return _lacking(f"The rehearsal is red: {failures[0]['message'] if failures else 'Section 9 leads elsewhere'}")
    return _there(said, rehearsal.by, rehearsal.finished_at)


def _accepted(review: Review | None) -> dict[str, Any]:
    if review is None:
        return _lacking(REVIEW)
    page = f"/reviews/{review.pk}/"
    waiting = acceptance.waiting(review.script_id, review.document["findings"])
    if waiting:
        return _lacking(f"{len(waiting)} findings wait to be accepted by name, or to be corrected.", page)
    known = acceptance.of_script(review.script_id)
    last = max([(review.at, review.by), *((row.at, row.by) for row in acceptance.accepted(review.script_id).values())])
    counts = f"{len(known['acceptances'])} findings accepted by name, {len(known['modifications'])} modifications"
    return _there(f"{counts} required.", last[1], last[0], page)


# -- 2.1.3 -----------------------------------------------------------------------------------------------------


def _assessed() -> Iterator[dict[str, Any]]:
    """Evidence of 2.1.3: decided groups, the code map of the accepted changes, their assessments, the graph."""
    yield _decided()
    found = coverage.look()
    yield _mapped(found, "{changes} accepted changes touch {files} files.")
    yield _mapped(found, "{breaking} lines break.")
    yield _covered(found)
    yield _drawn()
    yield _covered(found)


def _decided() -> dict[str, Any]:
    inventory = consolidation.latest()
    if inventory is None:
        return _lacking("There is no ENUM inventory. v7_inventory --as USERNAME takes one.", consolidation.PAGE)
    left, decisions = len(consolidation.waiting(inventory)), EnumDecision.objects.all()
    if left:
        return _lacking(f"{left} groups of ENUM types wait for a Guardian's decision.", consolidation.PAGE)
    last = decisions.first()
    if last is None:
        said = "No group of duplicated ENUM types was found."
        return _there(said, inventory.taken_by, inventory.taken_at, consolidation.PAGE)
    return _there(f"Every group is decided ({decisions.count()} decisions).", last.by, last.at, consolidation.PAGE)


def _mapped(found: coverage.Coverage, said: str) -> dict[str, Any]:
    """Say whether the newest code map was made for the accepted changes, and what it shows of them."""
    if found.code_map is None:
        return _lacking("The code was not mapped. v7_inventory --only code --as USERNAME maps it.", CODE)
    if found.gaps:
        return _lacking(found.gaps[0], CODE)
    lines = {line for layers in found.code_map.touched.values() for lines in layers.values() for line in lines}
    said = said.format(
        changes=len(found.code_map.digests), files=len({line.path for line in lines}),
        breaking=sum(line.breaking for line in lines),
    )  # fmt: skip
    return _there(said, found.code_map.taken_by, found.code_map.taken_at, CODE)


def _drawn() -> dict[str, Any]:
    row = _newest(Part.DEPENDENCIES)
    if row is None:
        return _lacking("There is no dependency graph. v7_inventory --as USERNAME takes one.", "/dependencies/")
    return _there("The graph is drawn.", row.taken_by, row.taken_at, "/dependencies/")


def _covered(found: coverage.Coverage) -> dict[str, Any]:
    """Say whether every accepted change is assessed in every layer that it touches, with its mitigation."""
    if not found.is_complete:
        return _lacking(coverage.reasons(found)[0], coverage.PAGE)
    if found.last is not None:
        return _there(found.sentence, found.last.by, found.last.at, coverage.PAGE)
    mapped = _mapped(found, found.sentence)
    return mapped | {"page": coverage.PAGE}


_READINGS: dict[str, Callable[[], Iterator[dict[str, Any]]]] = {
    "2.1.1": _documented,
    "2.1.2": _reviewed,
    "2.1.3": _assessed,
}
