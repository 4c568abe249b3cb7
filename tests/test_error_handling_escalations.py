"""Trouble goes to its owner, after 4 h to the phase's lead, after 24 h to The Architect; critical at once."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connections

from approvals.gates import Denied, Granted
from tests.world import World
from tracking.services import impact_approve, impact_create, impact_review
from v7migration.errors import GateClosed
from v7migration.ledger.models import Event, Incident
from v7migration.ledger.services import open_incident, remediate_incident, review_incident
from v7migration.pipeline import escalation, gatekeeper, reporting


def an_incident(**about: Any) -> Incident:
    """Open an incident of Dev Team."""
    usual: dict[str, Any] = {
        "title": "The API answers 500", "blocking": False, "kind": "integration", "severity": "medium",
        "assigned_to": "Dev Team",
    }  # fmt: skip
    return open_incident(run=None, step="", detail={}, opened_by="sam", **(usual | about))


def age(world: World, incident: Incident, hours: float) -> None:
    """Let the database believe that an incident is this old."""
    with world.control_owner() as owner:
        owner.execute(
            "UPDATE ledger_incident SET opened_at = clock_timestamp() - %s * interval '1 hour' WHERE id = %s",
            [hours, incident.pk],
        )


@pytest.mark.parametrize(
    ("hours", "severity", "to", "why"),
    [
        (0, "medium", "Dev Team", ""),
        (3.9, "high", "Dev Team", ""),
        (4.1, "medium", "DB Team Lead + The Architect", "open for more than 4 h"),
        (23.9, "low", "DB Team Lead + The Architect", "open for more than 4 h"),
        (24.1, "medium", "The Architect", "open for more than 24 h"),
        (0, "critical", "The Architect", "critical: at once"),
    ],
)
def test_an_incident_goes_up_with_its_age_and_a_critical_one_at_once(
    rolled_back: World, hours: float, severity: str, to: str, why: str
) -> None:
    incident = an_incident(severity=severity)
    waited = timedelta(hours=hours)
    assert escalation.goes_to(incident, waited, escalation.phase_lead()) == (to, why)


def test_the_clock_of_the_database_decides_and_dashboard_and_home_page_say_to_whom(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    fresh, old = an_incident(title="A fresh one"), an_incident(title="An old one")
    age(world, old, 30)
    monkeypatch.setattr("django.utils.timezone.now", lambda: datetime(2001, 1, 1, tzinfo=UTC))
    found = {entry.incident.pk: (entry.to, entry.for_how_long) for entry in escalation.incidents()}
    assert found == {old.pk: ("The Architect", "30 h"), fresh.pk: ("Dev Team", "0 min")}
    monkeypatch.undo()
    for place in ("/", "/admin/"):
        page = " ".join(world.client("ada").get(place).content.decode().split())
        assert "Open for 30 h, goes to The Architect (open for more than 24 h)" in page.replace(
            "open for 30", "Open for 30"
        )
        assert "An old one" in page and "goes to Dev Team" in page and "escalated" in page


def test_a_critical_risk_stops_all_work_until_it_is_decided(frozen: World) -> None:
    assert escalation.what_stops_all_work() == []
    impact = impact_create(
        actor=frozen.actor("dana"), change_type="enum", impact_description="Every status is lost.",
        affected_layers=[1], affected_workflows=["WF4"], risk_assessment="critical", mitigation_strategy="Copy them.",
    )  # fmt: skip
    decision = gatekeeper.check(frozen.changeset())
    assert isinstance(decision, Denied)
    reasons = [r.sentence for r in decision.reasons if "all work stops" in r.sentence]
    assert len(reasons) == 1 and f"/impacts/{impact.pk}/ (The Architect)" in reasons[0]
    with pytest.raises(GateClosed, match="Every status is lost"):
        frozen.execute()
    for place in ("/", "/admin/"):
        assert "All work stops" in frozen.client("dana").get(place).content.decode()
    impact = impact_review(impact=impact, actor=frozen.actor("dana"))
    impact_approve(impact=impact, actor=frozen.actor("ada"), reason="The copies are tested.")
    assert escalation.what_stops_all_work() == []


def test_a_critical_incident_stops_all_work_until_it_is_reviewed(signed: World) -> None:
    incident = an_incident(severity="critical")
    with pytest.raises(GateClosed, match="The API answers 500") as closed:
        signed.execute()
    assert f"/incidents/{incident.pk}/" in str(closed.value)
    remediate_incident(incident=incident, actor="dev", root_cause="A typo.", remediation="Corrected.")
    assert isinstance(gatekeeper.check(signed.changeset()), Denied), "nobody has reviewed it yet"
    review_incident(incident=incident, reviewer="ada", approve=True, note="")
    assert isinstance(gatekeeper.check(signed.changeset()), Granted)


@pytest.mark.parametrize("kind", ["execution", "rollback", "emergency"])
def test_what_holds_its_own_run_is_left_to_the_emergency_protocol(rolled_back: World, kind: str) -> None:
    an_incident(kind=kind, severity="critical", blocking=True)
    assert escalation.what_stops_all_work() == []


def test_ten_reports_of_one_trouble_at_once_open_one_incident(world: World) -> None:
    barrier = threading.Barrier(10)

    def report() -> None:
        barrier.wait(20)
        try:
            reporting.conflict_found(["public.x"], message="x", person="lena", stage="execute", target="a target")
        finally:
            connections.close_all()

    threads = [threading.Thread(target=report) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert Incident.objects.count() == 1
    assert Event.objects.filter(kind="incident.seen_again").count() == 9
