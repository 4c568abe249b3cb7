"""What a run's validation says to those who sign: which failures are open, and accepting one by name (document 5.3).

"All tests pass", or each failure is graded and accepted by a Test Sentinel, by name and with a reason, for exactly
its evidence: a failure that shows itself otherwise needs a new acceptance. A critical one cannot be accepted.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals.gates import TEST_SENTINEL, Prerequisite
from approvals.seats import VALIDATION_SEAT
from approvals.selectors import personas_of
from tracking.choices import Risk
from v7migration.errors import Refused, UsageError
from v7migration.ledger.models import AcceptedFailure, Run, RunState, Validation
from v7migration.ledger.services import append_event
from v7migration.pipeline.incidents import require

ACCEPTORS = frozenset({TEST_SENTINEL})
LONGEST = 10_000
SHORT = 200
"""Characters of what is quoted in a sentence."""
Failure = dict[str, Any]


def evidence(check: Mapping[str, Any]) -> str:
    """Return what names a failure exactly: the SHA-256 of what was checked, expected and found; times do not count."""
    told = [check["name"], check["expected"], check["actual"], list(check.get("differences", ()))]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")).hexdigest()


def newest(run: Run) -> Validation | None:
    """Return the newest validation of a run, None before the first."""
    found: Validation | None = run.validations.first()
    return found


def page_of(run: Run) -> str:
    """Return where a run's validation is shown."""
    return f"/runs/{run.pk}/validation/"


def failures(run: Run, validation: Validation | None = None) -> list[Failure]:
    """Return what fails: in the newest validation, and in a verification that somebody made after it.

    ``validation`` is the newest where the caller has it already. Each failure is a check with ``grade``, ``evidence``
    and ``accepted`` (an :class:`AcceptedFailure` or None).
    """
    validation = validation or newest(run)
    found = {c["name"]: c for c in (validation.document["checks"] if validation else ()) if not c["ok"]}
    verified = run.report.get("verify", {})
    if validation is not None and verified.get("validation", "") != str(validation.pk):
        grades = {failure["name"]: failure["grade"] for failure in verified.get("failures", ())}
        later = [c for c in verified.get("checks", ()) if not c["ok"]]
        found |= {c["name"]: {**c, "grade": grades.get(c["name"], str(Risk.HIGH))} for c in later}
    known = {(row.check_name, row.evidence): row for row in run.accepted_failures.all()}
    return [
        {**check, "evidence": evidence(check), "accepted": known.get((name, evidence(check)))}
        for name, check in found.items()
    ]


def open_failures(run: Run, validation: Validation | None = None) -> list[Failure]:
    """Return the failures that nobody has accepted by name as they are now (see :func:`failures`)."""
    return unaccepted(failures(run, validation))


def unaccepted(found: Iterable[Failure]) -> list[Failure]:
    """Return those of some failures that nobody has accepted by name."""
    return [failure for failure in found if failure["accepted"] is None]


def prerequisites(run: Run) -> tuple[Prerequisite, ...]:
    """Return what keeps the seat "Validation complete" closed: each open failure by name, or that nobody validated."""
    validation = newest(run)
    if run.state != RunState.FINISHED or validation is None:
        reason = "No Test Sentinel has validated this finished run: v7_verify --as USERNAME (task 2.3.1)."
        return (Prerequisite("v7_verify", met=False, seat=VALIDATION_SEAT, reason=reason),)
    waiting = open_failures(run, validation)
    if not waiting:
        return (Prerequisite("v7_verify", met=True, seat=VALIDATION_SEAT, reason=""),)
    return tuple(
        Prerequisite(f"v7_verify: {failure['name']}", met=False, seat=VALIDATION_SEAT, reason=sentence(failure, run))
        for failure in waiting
    )


def sentence(failure: Failure, run: Run) -> str:
    """Return an open failure in one line, and what opens the seat."""
    said = f"The check “{failure['name']}” fails ({failure['grade']}): {failure['actual'][:SHORT].rstrip('.')}."
    if failure["grade"] == Risk.CRITICAL:
        return f"{said} A critical failure cannot be accepted: repair it and validate again."
    return f"{said} Repair it{_first(failure)}, or accept it by name at {page_of(run)}."


def _first(failure: Failure) -> str:
    """Return the first piece of advice, if it is short enough for one line."""
    steps = failure.get("repair") or ("",)
    return f" ({steps[0].rstrip('.')})" if 0 < len(steps[0]) <= SHORT else ""


def covered(run: Run) -> list[list[str]]:
    """Return what a signature on a run covers of its acceptances; empty where nothing was accepted."""
    rows = run.accepted_failures.order_by("id")
    return [[row.check_name, row.evidence, row.grade, row.reason, row.by, row.at.isoformat()] for row in rows]


def may_accept(person: User) -> bool:
    """Say whether this person may accept failures."""
    return bool(personas_of(person) & ACCEPTORS)


def accept(*, run: Run, person: User, keys: Iterable[str], reason: str) -> list[AcceptedFailure]:
    """Accept open failures of a run by name, with one reason; ``keys`` are their digests of evidence.

    Raises:
        TransitionRefused: the person is no Test Sentinel.
        UsageError: no reason, no failure, or one that is not open (any more).
        Refused: one of them is critical.
    """
    require(person, ACCEPTORS, "accept a failed check")
    reason, wanted = reason.strip(), set(keys)
    validation = newest(run)
    waiting = {failure["evidence"]: failure for failure in open_failures(run, validation)}
    if validation is None or not reason or not wanted or wanted - waiting.keys():
        raise UsageError(
            "Accepting needs a reason and at least one check of this run that fails and is not accepted.",
            "Choose the checks by name and say why each failure may stand.",
        )
    chosen = [waiting[key] for key in waiting if key in wanted]
    if critical := [failure["name"] for failure in chosen if failure["grade"] == Risk.CRITICAL]:
        raise Refused(f"A critical failure cannot be accepted: {', '.join(critical)}.", "Repair it and validate again.")
    return [_accepted(validation, failure, person, reason[:LONGEST]) for failure in chosen]


def _accepted(validation: Validation, failure: Failure, person: User, reason: str) -> AcceptedFailure:
    """Write one acceptance; who was first keeps it."""
    with transaction.atomic():
        row, is_new = AcceptedFailure.objects.get_or_create(
            run_id=validation.run_id, check_name=failure["name"][:300], evidence=failure["evidence"],
            defaults={
                "validation": validation, "found": failure["actual"][:LONGEST], "grade": failure["grade"],
                "reason": reason, "by": person.get_username(),
            },
        )  # fmt: skip
        if is_new:
            append_event(
                kind="failure.accepted", actor=person.get_username(), subject=str(validation.run_id),
                payload={"check": row.check_name, "grade": row.grade, "reason": reason, "evidence": row.evidence},
            )  # fmt: skip
    accepted: AcceptedFailure = row
    return accepted
