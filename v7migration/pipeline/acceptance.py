"""Accepting findings by name, and the modifications a review required: a DB Team Lead's acts, for exactly these bytes.

A finding of severity ``accept`` that nobody accepted keeps the freeze closed. Acceptances belong to the digest of the
script: a changed byte leaves them behind, and a person may carry one over where finding and statement are the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Field, Func, JSONField, Value

from approvals.gates import DB_TEAM_LEAD
from approvals.selectors import personas_of
from v7migration.errors import GateClosed, Refused, UsageError
from v7migration.ledger.models import Acceptance, Modification, Review
from v7migration.ledger.services import append_event
from v7migration.pipeline.findings import Finding
from v7migration.pipeline.incidents import require
from v7migration.postgres.script import ACCEPT

REVIEWERS = frozenset({DB_TEAM_LEAD})
LONGEST = 10_000


def key_of(finding: Finding) -> str:
    """Return what names a finding in a script: the SHA-256 of its id, its line and its message."""
    return hashlib.sha256(f"{finding['id']}\n{finding['line']}\n{finding['message']}".encode()).hexdigest()


def may_accept(person: User) -> bool:
    """Say whether this person may accept findings and require modifications."""
    return bool(personas_of(person) & REVIEWERS)


def accepted(sha256: str) -> dict[str, Acceptance]:
    """Return the acceptances for exactly these bytes, by the key of the finding."""
    return {row.key: row for row in Acceptance.objects.filter(script_id=sha256)}


def waiting(sha256: str, found: Iterable[Finding]) -> list[Finding]:
    """Return the findings that a person must accept and nobody has accepted for these bytes."""
    known = accepted(sha256)
    return [finding for finding in found if finding["severity"] == ACCEPT and key_of(finding) not in known]


def listed(most: int) -> list[dict[str, Any]]:
    """Return the newest reviews for a list: {``review``, ``findings``, ``waiting``}, the latter two as numbers.

    Their documents stay in the database, and two questions answer for all of them.
    """
    graded = _among(f'$.findings[*] ? (@.severity == "{ACCEPT}")', "jsonb_path_query_array", JSONField())
    count = _among("$.findings.size()", "jsonb_path_query_first", JSONField())
    rows = list(Review.objects.defer("document").annotate(graded=graded, count=count)[:most])
    scripts = {row.script_id for row in rows}
    known = set(Acceptance.objects.filter(script_id__in=scripts).values_list("script_id", "key"))
    return [
        {
            "review": row,
            "findings": row.count,
            "waiting": sum((row.script_id, key_of(finding)) not in known for finding in row.graded),
        }
        for row in rows
    ]


def _among(path: str, function: str, field: Field[Any, Any]) -> Func:
    """Return what a path of the SQL/JSON language finds in a review's document, asked by the database."""
    template = "%(function)s(%(expressions)s::jsonpath)"
    return Func(F("document"), Value(path), function=function, template=template, output_field=field)


def require_accepted(sha256: str, found: Iterable[Finding]) -> None:
    """Refuse to go on while a finding waits for its acceptance.

    Raises:
        GateClosed: with each such finding by id, line and message.
    """
    if missing := waiting(sha256, found):
        raise GateClosed([sentence(finding) for finding in missing], _where(sha256))


def sentence(finding: Finding) -> str:
    """Return a finding that nobody accepted, in one line."""
    return f"{finding['id']} in line {finding['line']} is not accepted: {finding['message']}"


def _where(sha256: str) -> str:
    review = Review.objects.filter(script_id=sha256).first()
    if review is None:
        return "Run v7_review --as USERNAME (DB Team Lead); its page is where findings are accepted."
    return f"A DB Team Lead accepts each by name at /reviews/{review.pk}/, or has the script corrected."


@dataclass(frozen=True)
class Waiting:
    """What the newest review of any script waits for, while nothing is frozen from it."""

    review: Review
    reasons: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """Return what is to be done, in one sentence."""
        count = len(self.reasons)
        what = "1 finding waits" if count == 1 else f"{count} findings wait"
        return f"{what} to be accepted by name at /reviews/{self.review.pk}/."


def newest_waiting() -> Waiting | None:
    """Return what the newest review waits for; None without one, and once everything in it is accepted."""
    review = Review.objects.first()
    found = waiting(review.script_id, review.document["findings"]) if review is not None else []
    return Waiting(review, tuple(sentence(finding) for finding in found)) if review is not None and found else None


def accept(*, review: Review, person: User, keys: Iterable[str], reason: str) -> list[Acceptance]:
    """Accept findings of a review by name, with one reason, for exactly its bytes.

    Raises:
        TransitionRefused: the person is no DB Team Lead.
        UsageError: no reason, no finding, or one that this review does not hold.
    """
    require(person, REVIEWERS, "accept a finding")
    reason, wanted = reason.strip(), set(keys)
    open_ones = {key_of(finding): finding for finding in review.document["findings"] if finding["severity"] == ACCEPT}
    if not reason or not wanted or wanted - open_ones.keys():
        raise UsageError(
            "Accepting needs a reason and at least one finding of this review that is to be accepted.",
            "Choose the findings by name and say why each may stand.",
        )
    return _record(review, person, {key: (open_ones[key], reason[:LONGEST]) for key in open_ones if key in wanted})


def carried(review: Review) -> dict[str, Acceptance]:
    """Return what could be carried over: by key of a waiting finding, the newest acceptance of an earlier script with
    the same finding about the same text of a statement."""
    found: dict[str, Acceptance] = {}
    for finding in waiting(review.script_id, review.document["findings"]):
        if not finding["statement"]:
            continue
        same = Acceptance.objects.filter(finding=finding["id"], statement=finding["statement"])
        earlier = same.filter(message=finding["message"]).exclude(script_id=review.script_id).last()
        if earlier is not None:
            found[key_of(finding)] = earlier
    return found


def carry_over(*, review: Review, person: User) -> list[Acceptance]:
    """Accept again what was accepted of the same statements of an earlier script, with the reasons given then.

    Raises:
        TransitionRefused: the person is no DB Team Lead.
        Refused: there is nothing to carry over.
    """
    require(person, REVIEWERS, "carry acceptances over")
    earlier = carried(review)
    if not earlier:
        raise Refused("Nothing was accepted of the same statements before.", "Accept the findings by name.")
    by_key = {key_of(finding): finding for finding in review.document["findings"]}
    reasons = {
        key: (by_key[key], f"{row.reason} (carried over from {row.script_id[:12]}, {row.by})"[:LONGEST])
        for key, row in earlier.items()
    }
    return _record(review, person, reasons)


def _record(review: Review, person: User, chosen: dict[str, tuple[Finding, str]]) -> list[Acceptance]:
    """Write one row for each finding; who was first keeps it."""
    rows = []
    with transaction.atomic():
        for key, (finding, reason) in chosen.items():
            row, is_new = Acceptance.objects.get_or_create(
                script=review.script, key=key,
                defaults={
                    "review": review, "finding": finding["id"], "line": finding["line"], "reason": reason,
                    "message": finding["message"], "statement": finding["statement"], "by": person.get_username(),
                },
            )  # fmt: skip
            rows.append(row)
            if is_new:
                append_event(
                    kind="finding.accepted", actor=person.get_username(), subject=str(review.pk),
                    payload={"id": finding["id"], "line": finding["line"], "reason": reason},
                )  # fmt: skip
    return rows


def require_modification(*, review: Review, person: User, text: str) -> Modification:
    """Record what must be changed in the script, as text.

    Raises:
        TransitionRefused: the person is no DB Team Lead.
        UsageError: the text is missing.
    """
    require(person, REVIEWERS, "require a modification")
    if not text.strip():
        raise UsageError("A required modification needs a text.", "Say which line must say what.")
    with transaction.atomic():
        row = Modification.objects.create(review=review, by=person.get_username(), text=text.strip()[:LONGEST])
        append_event(
            kind="modification.required", actor=row.by, subject=str(review.pk), payload={"text": row.text}
        )  # fmt: skip
    return row


def of_script(sha256: str) -> dict[str, list[dict[str, Any]]]:
    """Return what the signatures cover of the review: acceptances of these bytes, and the modifications required."""
    rows = Acceptance.objects.filter(script_id=sha256).order_by("line", "finding", "id")
    required = Modification.objects.filter(review__script_id=sha256)
    return {
        "acceptances": [
            {
                "id": row.finding, "line": row.line, "message": row.message, "by": row.by,
                "at": row.at.isoformat(), "reason": row.reason,
            }
            for row in rows
        ],
        "modifications": [{"text": row.text, "by": row.by, "at": row.at.isoformat()} for row in required],
    }  # fmt: skip
