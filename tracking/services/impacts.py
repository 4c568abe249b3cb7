"""Impacts: filed and reviewed by guardians and workflow personas, approved or rejected by The Architect."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from tracking.actors import ARCHITECT, DB_TEAM_LEAD, Actor, assessors, require
from tracking.choices import ImpactStatus
from tracking.machines import IMPACT
from tracking.models import GlobalImpact, Layer, WorkflowCode
from tracking.services.writing import change, locked, transition, writing
from v7migration.errors import InvalidValue, TransitionRefused

CONTENT = frozenset(
    {
        "change_type",
        "change_detail",
        "affected_workflows",
        "affected_layers",
        "impact_description",
        "risk_assessment",
        "mitigation_strategy",
        "implementation_notes",
    }
)
OPEN_TO_CHANGE = frozenset({ImpactStatus.PENDING, ImpactStatus.REVIEWING, ImpactStatus.REJECTED})
Record = Callable[[GlobalImpact, datetime], None]


def _check_registered(impact: GlobalImpact) -> None:
    workflows = set(WorkflowCode.objects.values_list("code", flat=True))
    layers = set(Layer.objects.values_list("number", flat=True))
    unknown = [code for code in impact.affected_workflows if code not in workflows]
    unknown += [f"layer {number}" for number in impact.affected_layers if number not in layers]
    if unknown:
        sentence = f"Not registered: {', '.join(unknown)}."
        raise InvalidValue(sentence, "Staff register layers and workflows in the admin.")


def impact_create(*, actor: Actor, reason: str = "", **content: Any) -> GlobalImpact:
    """File an impact; ``content`` holds its fields (see ``CONTENT``).

    Raises:
        TransitionRefused: the actor is neither guardian, workflow persona, DB Team Lead nor The Architect.
        Refused: a value is not valid, or a layer or workflow is not registered.
        Fenced: the rows are being moved.
    """
    require(actor, assessors() | {DB_TEAM_LEAD}, "file an impact")
    impact = GlobalImpact()
    with writing(actor=actor, reason=reason):
        change(impact, content, CONTENT)
        _check_registered(impact)
        impact.save()
    return impact


def impact_update(
    *,
    impact: GlobalImpact,
    actor: Actor,
    changes: Mapping[str, Any],
    reason: str = "",
    seen_at: datetime | None = None,
) -> GlobalImpact:
    """Change what an impact says, until it is approved.

    Raises:
        TransitionRefused: wrong persona, or the impact is approved already.
        Refused: a value is not valid.
        StaleForm: somebody saved it after the form was opened.
    """
    with writing(actor=actor, reason=reason) as alias:
        row = locked(impact, alias, seen_at=seen_at)
        require(actor, assessors() | {DB_TEAM_LEAD}, f"change “{row}”")
        if row.approval_status not in OPEN_TO_CHANGE and set(changes) != {"implementation_notes"}:
            raise TransitionRefused(
                f"“{row}” is {row.approval_status}; what was approved stays as it is.", "File a new impact."
            )
        change(row, changes, CONTENT)
        _check_registered(row)
        row.save()
    return row


def impact_delete(*, impact: GlobalImpact, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> None:
    """Delete an impact that nobody has begun to review; its history keeps it.

    Raises:
        TransitionRefused: wrong persona, or the review has begun.
        StaleForm: somebody saved it after it was read.
    """
    with writing(actor=actor, reason=reason) as alias:
        row = locked(impact, alias, seen_at=seen_at)
        require(actor, assessors() | {DB_TEAM_LEAD}, f"delete “{row}”")
        if row.approval_status != ImpactStatus.PENDING:
            raise TransitionRefused(
                f"“{row}” is {row.get_approval_status_display().lower()} and cannot be deleted.",
                "Only a pending impact is deleted; The Architect rejects what is in review.",
            )
        row.delete(using=alias)


def _move(
    name: str,
    impact: GlobalImpact,
    actor: Actor,
    reason: str,
    seen_at: datetime | None,
    personas: Callable[[GlobalImpact], frozenset[str]],
    then: Record | None = None,
    unless: Callable[[GlobalImpact], str] | None = None,
) -> GlobalImpact:
    return transition(
        row=impact,
        machine=IMPACT,
        name=name,
        actor=actor,
        reason=reason,
        personas=personas,
        seen_at=seen_at,
        then=then,
        unless=unless,
    )


def _assessors(_: GlobalImpact) -> frozenset[str]:
    return assessors()


def _architect(_: GlobalImpact) -> frozenset[str]:
    return frozenset({ARCHITECT})


def impact_review(
    *, impact: GlobalImpact, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> GlobalImpact:
    """Take an impact into review, also again after a rejection; the reviewer's personas are recorded."""

    def record(row: GlobalImpact, now: datetime) -> None:
        reviewing = actor.personas & assessors()
        row.reviewed_by_personas = sorted({*row.reviewed_by_personas, *reviewing})

    return _move("review", impact, actor, reason, seen_at, _assessors, record)


def impact_approve(
    *,
    impact: GlobalImpact,
    actor: Actor,
    reason: str = "",
    seen_at: datetime | None = None,
    unless: Callable[[GlobalImpact], str] | None = None,
) -> GlobalImpact:
    """Approve a reviewed impact (The Architect only); ``unless`` names what must come first, '' when nothing must."""
    return _move("approve", impact, actor, reason, seen_at, _architect, unless=unless)


def impact_reject(*, impact: GlobalImpact, actor: Actor, reason: str, seen_at: datetime | None = None) -> GlobalImpact:
    """Reject a reviewed impact, with a reason (The Architect only)."""
    return _move("reject", impact, actor, reason, seen_at, _architect)


def impact_implement(
    *, impact: GlobalImpact, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> GlobalImpact:
    """Record that an approved impact's mitigation is in place (guardian, workflow persona or The Architect)."""

    def record(row: GlobalImpact, now: datetime) -> None:
        row.implementation_notes = reason or row.implementation_notes

    return _move("implement", impact, actor, reason, seen_at, _assessors, record)
