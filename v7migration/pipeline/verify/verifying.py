"""The two ways to look at the target: a verification by anybody, and a Test Sentinel's validation (task 2.3.1)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals.gates import TEST_SENTINEL
from approvals.selectors import personas_of
from tracking.actors import Actor, require
from v7migration.ledger.models import Incident, Run, RunState, Validation
from v7migration.ledger.services import append_event
from v7migration.pipeline import grading, performance, reporting
from v7migration.pipeline.consolidation import must_be_documented
from v7migration.pipeline.runs import standing_run
from v7migration.pipeline.target import runner
from v7migration.pipeline.verify import next_steps, recording, shapes, strict, trials, way_back
from v7migration.postgres.queries import Check, all_ok, run_document_queries


@dataclass(frozen=True)
class Verification:
    """What a verification found.

    ``failures`` are the failed checks with their grades, ``performance`` the comparison with the baseline (None before
    a run), ``to_fix`` the incidents of indexes to be fixed later, ``incidents`` what was documented of it.
    ``validation`` is the record of a Test Sentinel's validation, None of any other verification; ``recorded`` counts
    its rows in v7_test_results.
    """

    ok: bool
    checks: list[Check]
    failures: list[dict[str, Any]]
    performance: dict[str, Any] | None
    to_fix: list[Incident]
    incidents: list[Incident]
    validation: Validation | None = None
    recorded: int = 0


@dataclass
class _Looked:
    """What one look at the target gave."""

    run: Run | None
    checks: list[Check]
    timings: dict[str, Any] | None = None
    key: uuid.UUID | None = None
    recorded: int = 0
    opened: list[Incident | None] = field(default_factory=list)

    @property
    def populated(self) -> Run | None:
        """Return the run if its rows live in the target."""
        return self.run if self.run is not None and self.run.populated else None


def verify(*, person: str) -> Verification:
    """Check the target as it stands now, keep the result on the run, and document what fails.

    Before a run, and after a rollback, the document's query of that moment is the check; after a run the
    document's queries and the stricter checks are, and the queries of the baseline are timed again. A query that
    got slower is documented, and makes no check fail; a view that did makes its own check fail.

    Raises:
        Refused: the target cannot be used.
    """
    return _kept(_look(person, whole=False), person)


def validate(*, person: User) -> Verification:
    """Validate a run as a Test Sentinel (task 2.3.1): :func:`verify`, the proof of the rollback on a copy of the
    target as it is now, and the anomalies; each check becomes a row of v7_test_results in this person's name.

    Where no run has populated the target there is nothing to validate: it verifies.

    Raises:
        TransitionRefused: the person is no Test Sentinel.
        Refused: the target cannot be used.
    """
    name = person.get_username()
    actor = Actor(name, personas_of(person))
    require(actor, frozenset({TEST_SENTINEL}), "validate a run")
    return _kept(_look(name, whole=True), name, sentinel=actor)


def _look(person: str, *, whole: bool) -> _Looked:
    run = standing_run()
    if run is None or not run.populated:
        before = Run.objects.filter(state=RunState.ROLLED_BACK).exists()
        with runner(application_name="v7_verify") as connection:
            return _Looked(run, run_document_queries(connection, "rolled back" if before else "before"))
    with runner(application_name="v7_verify") as connection:
        has_duplicates = must_be_documented(run.changeset.snapshot.enums)
        checks = run_document_queries(connection, "after", has_duplicates=has_duplicates)
        seen = shapes.look(connection, run)
        checks += [*strict.checks(connection, run), *seen.checks, *trials.checks()]
        if whole:
            checks += strict.anomalies(connection, run)
    if whole:
        checks.append(way_back.prove(run, seen))
    timings = performance.compare(run=run, person=person)
    checks += strict.views(performance.views(run=run, found=timings))
    return _Looked(run, checks, timings)


def _kept(found: _Looked, person: str, *, sentinel: Actor | None = None) -> Verification:
    """Document what fails and keep the result: on the run, in the log, and of a validation as a record of its own.

    All of it is one transaction of the control plane. The rows of v7_test_results are in the target: those of a
    process that died between the two commits are cleared away by the next validation, which waits for the run's row.
    """
    with transaction.atomic():
        if found.populated is not None:
            found.run = Run.objects.select_for_update().get(pk=found.populated.pk)  # others may have written since
            if sentinel is not None:
                _recorded(found, sentinel)
        found.checks = [next_steps.advised(check) for check in found.checks]
        opened = [_documented(found.run, found.checks, person)]
        if found.populated is not None and found.timings is not None:
            opened.append(reporting.performance(found.populated, found.timings, person=person))
        failures = grading.graded(found.checks)
        stored = _stored(found, person)
        result = Verification(
            ok=all_ok(found.checks), checks=found.checks, failures=failures, performance=found.timings,
            to_fix=_to_fix(found.run), incidents=[incident for incident in opened if incident is not None],
            validation=stored, recorded=found.recorded,
        )  # fmt: skip
        _record(found, result, person)
    return result


def _recorded(found: _Looked, sentinel: Actor) -> None:
    """Write the rows of v7_test_results; that they could not be written is a failed check of its own."""
    found.key = uuid.uuid4()
    found.recorded, why_not = recording.record(found.checks, validation=found.key, actor=sentinel)
    if why_not:
        title = "every check is a row of v7_test_results"
        found.checks.append(Check("record", title, f"{len(found.checks)} rows", why_not, ok=False))


def _stored(found: _Looked, person: str) -> Validation | None:
    if found.key is None or found.run is None:
        return None
    document = {"checks": [_with_grade(check) for check in found.checks], "recorded": found.recorded}
    stored: Validation = Validation.objects.create(
        id=found.key, run=found.run, by=person, ok=all_ok(found.checks), document=document
    )
    return stored


def _with_grade(check: Check) -> dict[str, Any]:
    return {**check.as_dict(), "grade": "" if check.ok else str(grading.grade(check))}


def _documented(run: Run | None, checks: Iterable[Check], person: str) -> Incident | None:
    """Document failed checks; a run that stands in the middle fails the check of "before", and has its own incident."""
    if run is not None and not run.populated:
        return None
    return reporting.validation(run, checks, person=person)


def _to_fix(run: Run | None) -> list[Incident]:
    if run is None:
        return []
    return list(run.incidents.filter(kind=Incident.Kind.INDEX, state__in=Incident.UNREVIEWED).order_by("opened_at"))


def _record(found: _Looked, result: Verification, person: str) -> None:
    if found.populated is not None:
        run = found.populated
        run.report["verify"] = {
            "ok": result.ok, "by": person, "checks": [check.as_dict() for check in result.checks],
            "failures": result.failures, "incidents": [str(incident.pk) for incident in result.incidents],
            "to_fix": [{"incident": str(i.pk), "step": i.step, "title": i.title} for i in result.to_fix],
            "validation": str(found.key) if found.key else "",
        }  # fmt: skip
        run.report["performance"] = result.performance
        run.save(update_fields=["report"])
    append_event(
        kind="verify.finished", actor=person, subject=str(found.run.pk) if found.run else "",
        payload={
            "ok": result.ok, "failed": {failure["name"]: failure["grade"] for failure in result.failures},
            "slower": result.performance["degraded"] if result.performance else [],
            "validation": str(found.key) if found.key else "", "recorded": found.recorded,
        },
    )  # fmt: skip
