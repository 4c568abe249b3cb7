"""What Workflow Personas said of an impact, and whether of the assessment as it reads now (document 2.1.3)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.selectors import holders_of
from tracking.models import GlobalImpact, WorkflowCode
from v7migration.ledger.models import BusinessImpact

ASSESSED = ("change_type", "change_detail", "affected_layers", "impact_description", "risk_assessment",
            "mitigation_strategy")  # fmt: skip
"""What an assessment says of the change; its workflows, notes and state may move without making a word stale."""


@dataclass(frozen=True)
class Voice:
    """A workflow that an impact affects: who speaks for it, and what that persona said last.

    ``is_stale``: the assessment was changed after that, so it was said of another one.
    """

    workflow: str
    name: str
    persona: str
    people: tuple[str, ...]
    said: BusinessImpact | None
    is_stale: bool = False

    @property
    def is_missing(self) -> bool:
        """Say whether approval waits for it: somebody holds the persona, and has not spoken of what stands there."""
        return bool(self.people) and (self.said is None or self.is_stale)


def voices(impact: GlobalImpact) -> list[Voice]:
    """Return the affected workflows of an impact with what their personas said of it."""
    said = {row.workflow: row for row in BusinessImpact.objects.filter(impact=impact.pk)}
    changed = _changed_at([impact.pk]).get(impact.pk) if said else None
    found = []
    for row in WorkflowCode.objects.filter(code__in=impact.affected_workflows):
        people = tuple(user.get_full_name() or user.get_username() for user in holders_of(row.persona))
        last = said.get(row.code)
        is_stale = last is not None and changed is not None and last.at < changed
        found.append(Voice(row.code, row.name, row.persona, people, last, is_stale))
    return found


def unspoken(impacts: Iterable[GlobalImpact], personas: Iterable[str]) -> list[GlobalImpact]:
    """Return the impacts that wait for what one of some personas has to say of its workflow."""
    codes = set(WorkflowCode.objects.filter(persona__in=list(personas)).values_list("code", flat=True))
    asked = [impact for impact in impacts if codes.intersection(impact.affected_workflows)]
    rows = BusinessImpact.objects.filter(workflow__in=codes, impact__in=[impact.pk for impact in asked])
    said = {(pk, code): at for pk, code, at in rows.order_by("at").values_list("impact", "workflow", "at")}
    changed = _changed_at({pk for pk, _ in said})

    def waits(impact: GlobalImpact, code: str) -> bool:
        at = said.get((impact.pk, code))
        return at is None or (impact.pk in changed and at < changed[impact.pk])

    return [impact for impact in asked if any(waits(impact, code) for code in codes & {*impact.affected_workflows})]


def _changed_at(keys: Iterable[Any]) -> dict[Any, datetime]:
    """Return when each assessment came to say what it says now, by its history; those that never changed are absent."""
    wanted = list(keys)
    rows = GlobalImpact.history.filter(id__in=wanted).order_by("history_date", "history_id") if wanted else ()
    told: dict[Any, tuple[Any, ...]] = {}
    found: dict[Any, datetime] = {}
    for row in rows:
        now = tuple(getattr(row, name) for name in ASSESSED)
        if row.id in told and told[row.id] != now:
            found[row.id] = row.history_date
        told[row.id] = now
    return found
