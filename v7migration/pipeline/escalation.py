"""To whom trouble goes, and when: its owner, after 4 h the phase's lead, after 24 h The Architect; critical at once.

Document 5 and the daily rules of the team. A clock of the database decides, never that of a process.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from approvals.gates import ARCHITECT, DB_TEAM_LEAD
from tracking import selectors as tracked
from tracking.catalogue import DATABASE_PHASE
from tracking.choices import ImpactStatus, Risk
from tracking.models import GlobalImpact, Phase
from tracking.models.base import database_times
from v7migration.ledger.models import Incident

USUAL_LEAD = f"{DB_TEAM_LEAD} + {ARCHITECT}"
OF_A_RUN = (Incident.Kind.EXECUTION, Incident.Kind.ROLLBACK, Incident.Kind.EMERGENCY)
"""Kinds that hold their own run by the emergency protocol; the way on and back is decided there."""
UNDECIDED = (ImpactStatus.PENDING, ImpactStatus.REVIEWING)


@dataclass(frozen=True)
class Escalated:
    """An incident nobody has reviewed: since when it is open, for how long, who has it now, and why."""

    incident: Incident
    since: datetime
    age: timedelta
    to: str
    why: str

    @property
    def is_escalated(self) -> bool:
        """Whether it went past the persona to whom it was assigned."""
        return bool(self.why)

    @property
    def for_how_long(self) -> str:
        """Return the age in words: minutes, then hours, then days."""
        minutes = max(0, int(self.age.total_seconds() // 60))
        if minutes < 60:
            return f"{minutes} min"
        return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"


def incidents(*, lead: str | None = None) -> list[Escalated]:
    """Return the incidents that wait for root cause, remediation or review, the worst and oldest first.

    ``lead``: who leads the Database Phase; None reads it from the phase's row.
    """
    waiting = list(Incident.objects.filter(state__in=Incident.UNREVIEWED).select_related("run"))
    if not waiting:
        return []
    now, lead = database_times("default")[1], lead or phase_lead()
    order = list(Incident.Severity)[::-1]
    waiting.sort(key=lambda incident: (order.index(Incident.Severity(incident.severity)), incident.opened_at))
    return [_escalated(incident, now - incident.opened_at, lead) for incident in waiting]


def phase_lead() -> str:
    """Return who leads the Database Phase."""
    found = Phase.objects.filter(phase_number=DATABASE_PHASE).values_list("lead_persona", flat=True).first()
    return str(found or USUAL_LEAD)


def goes_to(incident: Incident, waited: timedelta, lead: str) -> tuple[str, str]:
    """Return who has an incident that is open for so long, and why it is no longer its owner's (empty: it is)."""
    if incident.severity == Incident.Severity.CRITICAL:
        return ARCHITECT, "critical: at once"
    if waited > tracked.TO_THE_ARCHITECT_AFTER:
        return ARCHITECT, "open for more than 24 h"
    if waited > tracked.TO_THE_LEAD_AFTER:
        return lead, "open for more than 4 h"
    return incident.assigned_to, ""


def critical_impacts() -> list[GlobalImpact]:
    """Return the impacts of critical risk that nobody has decided on, the oldest first."""
    critical = GlobalImpact.objects.filter(risk_assessment=Risk.CRITICAL, approval_status__in=UNDECIDED)
    return list(critical.order_by("created_at"))


def what_stops_all_work() -> list[str]:
    """Return, in sentences, the critical risks and incidents that stop all work at once; empty when none does."""
    impacts = [
        f"Critical risk “{_cut(impact.impact_description)}” is {impact.get_approval_status_display().lower()}: "
        f"all work stops until it is decided at /impacts/{impact.pk}/ ({ARCHITECT})."
        for impact in critical_impacts()
    ]
    critical = Incident.objects.filter(severity=Incident.Severity.CRITICAL, state__in=Incident.UNREVIEWED)
    return impacts + [
        f"Critical incident “{_cut(incident.title)}” is {incident.get_state_display().lower()}: "
        "all work stops until root cause and remediation are entered and reviewed "
        f"at /incidents/{incident.pk}/ ({incident.assigned_to or ARCHITECT})."
        for incident in critical.exclude(kind__in=OF_A_RUN).order_by("opened_at")
    ]


def _escalated(incident: Incident, age: timedelta, lead: str) -> Escalated:
    to, why = goes_to(incident, age, lead)
    return Escalated(incident, incident.opened_at, age, to, why)


def _cut(text: str) -> str:
    return text if len(text) <= 100 else f"{text[:99]}…"
