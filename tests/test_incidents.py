"""Incidents: documented by one person, reviewed by another, before anything is tried again (document 5.4)."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, connections, transaction
from django.urls import reverse
from psycopg import errors as pg

from approvals.models import Holding, Persona
from tests.world import World
from v7migration.errors import Refused, TransitionRefused, UsageError, V7Error
from v7migration.ledger.models import Emergency, Event, Incident, Run
from v7migration.ledger.services import close_incident, open_incident, remediate_incident, review_incident
from v7migration.pipeline import incidents

WORDS = {"root_cause": "A lock", "remediation": "A longer timeout"}


def opened(**options: object) -> Incident:
    given = {"run": None, "step": "", "title": "A trial", "detail": {"message": "x"}, "opened_by": "lena", **options}
    return open_incident(**given)  # type: ignore[arg-type]


def documented(world: World, by: str = "lena") -> Incident:
    return incidents.document(incident=opened(), person=world.user(by), **WORDS)


def give(world: World, name: str, persona: str) -> None:
    Holding.objects.create(user=world.user(name), persona=Persona.objects.get(name=persona))


def kinds(incident: Incident) -> list[str]:
    return list(Event.objects.filter(subject=str(incident.pk)).order_by("id").values_list("kind", flat=True))


def test_an_incident_has_a_kind_a_severity_and_a_persona_whose_turn_it_is(rolled_back: World) -> None:
    plain, made = opened(), opened(kind="conflict", severity="low", assigned_to="The Architect")
    assert (plain.kind, plain.severity, plain.assigned_to) == ("execution", "high", "DB Team Lead")
    assert (made.kind, made.severity, made.assigned_to) == ("conflict", "low", "The Architect")
    for column in ("kind", "severity"):
        with pytest.raises(IntegrityError), transaction.atomic():
            opened(**{column: "whatever"})


def test_the_way_of_an_incident_is_documented_reviewed_closed_with_an_event_each(rolled_back: World) -> None:
    incident = documented(rolled_back)
    assert (incident.state, incident.remediated_by) == ("remediated", "lena")
    incident = incidents.review(incident=incident, person=rolled_back.user("ada"), approve=True, note="Agreed.")
    assert (incident.state, incident.reviewed_by, incident.review_note) == ("reviewed", "ada", "Agreed.")
    assert incident.reviewed_at is not None
    assert incidents.close(incident=incident, person=rolled_back.user("lena")).state == "closed"
    assert kinds(incident) == ["incident.opened", "incident.remediated", "incident.reviewed", "incident.closed"]


def test_a_state_is_never_skipped_or_set_by_hand(rolled_back: World) -> None:
    incident = opened()
    with pytest.raises(Refused, match="open by now"):
        review_incident(incident=incident, reviewer="ada", approve=True, note="")
    with pytest.raises(Refused, match="open by now"):
        close_incident(incident=incident, actor="ada")
    with pytest.raises(AttributeError):
        incident.state = "closed"
    assert kinds(incident) == ["incident.opened"]


def test_nobody_reviews_his_own_words(rolled_back: World) -> None:
    give(rolled_back, "lena", "The Architect")
    incident = documented(rolled_back)
    with pytest.raises(Refused, match="lena wrote this"):
        incidents.review(incident=incident, person=rolled_back.user("lena"), approve=True, note="")
    with pytest.raises(IntegrityError, match="reviewed_by_another"), transaction.atomic():
        Incident.objects.filter(pk=incident.pk).update(reviewed_by="lena")


@pytest.mark.parametrize("name", ["sam", "dev", "carl", "otto", "root"])
def test_who_is_not_the_architect_may_not_review_what_a_lead_wrote(name: str, rolled_back: World) -> None:
    with pytest.raises(TransitionRefused, match="may not review"):
        incidents.review(incident=documented(rolled_back), person=rolled_back.user(name), approve=True, note="")


def test_another_lead_reviews_only_what_the_architect_wrote(rolled_back: World) -> None:
    give(rolled_back, "sam", "DB Team Lead")
    with pytest.raises(TransitionRefused, match="Ask one of: The Architect"):
        incidents.review(incident=documented(rolled_back), person=rolled_back.user("sam"), approve=True, note="")
    incident = documented(rolled_back, by="ada")
    assert (
        incidents.review(incident=incident, person=rolled_back.user("sam"), approve=True, note="").state == "reviewed"
    )


def test_what_is_sent_back_is_open_again_and_forgets_the_review_once_it_is_written_anew(rolled_back: World) -> None:
    lena, ada = rolled_back.user("lena"), rolled_back.user("ada")
    incident = documented(rolled_back)
    with pytest.raises(UsageError, match="needs a note"):
        incidents.review(incident=incident, person=ada, approve=False, note=" ")
    incident = incidents.review(incident=incident, person=ada, approve=False, note="Which lock?")
    assert (incident.state, incident.root_cause, incident.review_note) == ("open", "A lock", "Which lock?")
    incident = incidents.document(incident=incident, person=ada, **WORDS)
    assert (incident.reviewed_by, incident.reviewed_at, incident.review_note) == ("", None, "")
    assert incidents.review(incident=incident, person=lena, approve=True, note="").state == "reviewed"


def test_two_reviewers_at_once_leave_one_review(frozen: World) -> None:
    give(frozen, "sam", "The Architect")
    incident = documented(frozen)
    barrier, outcomes = threading.Barrier(2), []

    def review(name: str, approve: bool) -> None:
        try:
            person = frozen.user(name)
            barrier.wait()
            incidents.review(incident=incident, person=person, approve=approve, note=f"by {name}")
            outcomes.append(name)
        except V7Error as error:
            outcomes.append(type(error).__name__)
        finally:
            connections.close_all()

    at_once(lambda: review("ada", True), lambda: review("sam", False))
    assert sorted(outcomes) in (["Refused", "ada"], ["Refused", "sam"])
    incident.refresh_from_db()
    winner = next(name for name in outcomes if name != "Refused")
    assert incident.reviewed_by == winner
    assert len(kinds(incident)) == 3


def test_two_people_who_document_the_last_two_incidents_at_once_leave_the_emergency_explained(executed: World) -> None:
    executed.roll_back()
    emergency = Emergency.objects.get()
    second = opened(run=Run.objects.get(kind="rollback"))
    barrier = threading.Barrier(2)

    def document(incident: Incident, name: str) -> None:
        barrier.wait()
        remediate_incident(incident=incident, actor=name, **WORDS)
        connections.close_all()

    at_once(lambda: document(emergency.incident, "lena"), lambda: document(second, "ada"))
    emergency.refresh_from_db()
    assert emergency.state == "explained"


def at_once(*works: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_the_database_keeps_what_an_incident_is_about(frozen: World) -> None:
    incident = opened()
    with frozen.web("default") as web:
        for statement in ("UPDATE ledger_incident SET title = 'x'", "DELETE FROM ledger_incident"):
            with pytest.raises(pg.InsufficientPrivilege):
                web.execute(statement)
    assert Incident.objects.get(pk=incident.pk).title == "A trial"


# -- pages -----------------------------------------------------------------------------------------------------------


def test_the_list_is_filtered_by_state_kind_and_severity(rolled_back: World) -> None:
    opened(title="An index is missing", kind="index", severity="low")
    opened(title="A step failed")
    client, url = rolled_back.client("otto"), reverse("incidents")
    everything = client.get(url).content.decode()
    assert "An index is missing" in everything and "A step failed" in everything
    for query in ({"kind": "index"}, {"severity": "low", "state": "open"}):
        page = client.get(url, query).content.decode()
        assert "An index is missing" in page and "A step failed" not in page
    assert "No incident is like that" in client.get(url, {"state": "closed"}).content.decode()
    assert client.get(url, {"state": "nonsense"}).status_code == 200


def test_the_page_offers_the_review_to_the_right_person_only(rolled_back: World) -> None:
    incident = documented(rolled_back)
    url = reverse("incident", args=[incident.pk])
    assert 'value="review"' in rolled_back.client("ada").get(url).content.decode()
    for name in ("lena", "sam"):
        assert 'value="review"' not in rolled_back.client(name).get(url).content.decode()
    assert "Nobody reviews his own words" in rolled_back.client("lena").get(url).content.decode()


def test_the_review_is_recorded_on_the_page_and_refused_with_a_sentence(rolled_back: World) -> None:
    incident = documented(rolled_back)
    url = reverse("incident", args=[incident.pk])
    accept = {"action": "review", "verdict": "accept", "note": ""}
    for name, status, sentence in (("lena", 409, "lena wrote this"), ("sam", 403, "may not review")):
        answer = rolled_back.client(name).post(url, accept)
        assert answer.status_code == status and sentence in answer.content.decode()
    ada = rolled_back.client("ada")
    assert ada.post(url, {"action": "review"}).status_code == 400
    assert ada.post(url, {**accept, "verdict": "send_back"}).status_code == 400
    assert ada.post(url, {**accept, "verdict": "send_back", "note": "Which lock?"}).status_code == 302
    page = rolled_back.client("lena").get(url).content.decode()
    assert "Sent back by ada" in page and "Which lock?" in page and "A longer timeout" in page
    assert rolled_back.client("lena").post(url, WORDS).status_code == 302
    assert ada.post(url, accept).status_code == 302
    assert ada.post(url, accept).status_code == 409
    assert rolled_back.client("sam").post(url, {"action": "close"}).status_code == 403
    assert ada.post(url, {"action": "close"}).status_code == 302
    assert Incident.objects.get(pk=incident.pk).state == "closed"


def test_the_page_of_an_emergency_shows_its_steps_with_time_person_and_evidence(executed: World) -> None:
    executed.roll_back("The search is down")
    emergency = Emergency.objects.get()
    page = executed.client("otto").get(reverse("incident", args=[emergency.incident_id])).content.decode()
    for sentence in (
        "Emergency protocol",
        "1. Stop all work",
        "6. Plan and review the remediation",
        "UTC</time> by lena",
    ):
        assert sentence in page
    assert "No invalid index on file_audit" in page
    assert "holds the next execution" in page
