"""The emergency protocol of document 5.4: its steps in order, each once, over every crash, until all is reviewed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from django.core import mail
from pytest_django import Settings

from approvals.gates import ARCHITECT
from approvals.models import Holding
from tests.cast import PASSWORD
from tests.killing import Place, die_at
from tests.world import World
from tracking import home
from v7migration.connections import PROJECT_DIR
from v7migration.errors import GateClosed, Refused, StepFailed
from v7migration.ledger.models import Emergency, Event, Incident, Run
from v7migration.ledger.services import record_emergency_step
from v7migration.pipeline import emergency as protocol
from v7migration.pipeline import incidents, notices
from v7migration.pipeline import rollback as rolling_back
from v7migration.pipeline.standing import standing
from v7migration.postgres import catalog, dependents, stability

SERVICES = "v7migration.ledger.services"
PIPELINE = "v7migration.pipeline"
REPORT = "CREATE VIEW public.app_report AS SELECT file_path FROM public.file_audit WHERE v7_target_name IS NOT NULL"


@pytest.fixture(autouse=True)
def letters(settings: Settings) -> None:
    """Keep the letters where the test can read them."""
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    mail.outbox = []


def steps_of(emergency: Emergency) -> list[int]:
    """Return the numbers of the steps in the order in which they were taken."""
    return list(emergency.steps.order_by("id").values_list("number", flat=True))


def command(name: str, *words: str) -> tuple[int, dict[str, Any], str]:
    """Run a command as lena; return exit code, JSON object, standard error."""
    line = [sys.executable, str(PROJECT_DIR / "manage.py"), name, "--as", "lena", "--json", *words]
    environment = {
        **os.environ,
        "V7_PASSWORD": PASSWORD,
        "V7_EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
    }
    done = subprocess.run(line, env=environment, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


def test_the_steps_are_taken_in_order_and_each_keeps_time_person_and_evidence(executed: World) -> None:
    told: list[str] = []
    run, lena = Run.objects.get(), executed.user("lena")
    right = rolling_back.authorize(run=run, operator=lena, incident="The search is down")
    assert not Incident.objects.exists(), "nothing is written before the run's lock is held"
    done = rolling_back.rollback(run=run, operator=lena, right=right, told=told.append)
    emergency = Emergency.objects.get()
    assert (emergency.state, steps_of(emergency)) == ("stable", [1, 2, 3, 4])
    assert [line[:2] for line in told if line[1] == "."] == ["1.", "2.", "3.", "4."]
    described = protocol.describe(emergency)
    assert [s["state"] for s in described["steps"]] == ["done"] * 4 + ["next", "waiting"]
    assert all(s["at"] and s["by"] == "lena" and s["found"] for s in described["steps"][:4])
    assert done.report["as_before"] and done.report["stable"], done.report["stability"]
    assert {c["name"] for c in done.report["stability"]} == {
        *("sessions", "locks", "indexes", "constraints", "tables", "file_audit", "fences")
    }  # fmt: skip
    assert sorted(letter.to[0] for letter in mail.outbox) == ["ada@example.org", "lena@example.org"]
    incident = emergency.incident
    assert (incident.title, incident.kind, incident.severity) == ("The search is down", "emergency", "critical")
    assert f"/incidents/{incident.pk}/" in mail.outbox[0].body


def test_nothing_is_executed_before_root_cause_and_remediation_are_reviewed(executed: World) -> None:
    executed.roll_back()
    executed.rehearse()
    executed.freeze()
    executed.sign_all()
    emergency = Emergency.objects.get()
    with pytest.raises(GateClosed, match="is not closed") as closed:
        executed.execute()
    assert closed.value.exit_code == 3 and f"/incidents/{emergency.incident_id}/" in closed.value.next_step
    assert "enters root cause" in standing(executed.changeset()).next_action.sentence
    words = {"root_cause": "A missing index", "remediation": "It is in the script now"}
    incidents.document(incident=emergency.incident, person=executed.user("lena"), **words)
    turn = standing(executed.changeset()).next_action
    assert (turn.persona, turn.people) == ("The Architect", ("Ada Test",))
    with pytest.raises(GateClosed, match="is not closed"):
        executed.execute()
    incidents.review(incident=emergency.incident, person=executed.user("ada"), approve=True, note="")
    emergency.refresh_from_db()
    assert (emergency.state, steps_of(emergency)) == ("closed", [1, 2, 3, 4, 5, 6])
    assert Incident.objects.get().state == "closed"
    assert executed.execute().state == "finished"


def test_what_a_reviewer_sends_back_opens_step_5_again(executed: World) -> None:
    executed.roll_back()
    emergency, lena, ada = Emergency.objects.get(), executed.user("lena"), executed.user("ada")
    words = {"root_cause": "Unknown", "remediation": "Try again"}
    incidents.document(incident=emergency.incident, person=lena, **words)
    incidents.review(incident=emergency.incident, person=ada, approve=False, note="That is no cause.")
    emergency.refresh_from_db()
    assert emergency.state == "stable"
    incidents.document(incident=emergency.incident, person=lena, **{**words, "root_cause": "A lock"})
    incidents.review(incident=emergency.incident, person=ada, approve=True, note="")
    assert steps_of(emergency) == [1, 2, 3, 4, 5, 5, 6]


def test_a_step_out_of_order_is_refused(executed: World) -> None:
    executed.roll_back()
    emergency = Emergency.objects.get()
    for number in (1, 3, 4):
        with pytest.raises(Refused, match="is not next"):
            record_emergency_step(emergency=emergency, number=number, actor="lena", evidence={})
    assert steps_of(emergency) == [1, 2, 3, 4]


def _deaths() -> Iterator[Place]:
    """Between each two steps, and around what each step does."""
    yield Place(f"{PIPELINE}.emergency:declare_emergency", "before")
    yield Place(f"{PIPELINE}.emergency:begin", "after")
    for nth in (1, 2, 3, 4):
        yield Place(f"{PIPELINE}.emergency:record_emergency_step", "before", nth=nth)
        yield Place(f"{PIPELINE}.emergency:record_emergency_step", "after", nth=nth)
    yield Place(f"{PIPELINE}.notices:notify", "after")
    yield Place("v7migration.postgres.stability:examine", "after")


@pytest.mark.parametrize("place", list(_deaths()), ids=str)
def test_a_protocol_that_died_anywhere_is_finished_by_the_next_rollback(place: Place, executed: World) -> None:
    die_at(place, executed.roll_back)
    if Emergency.objects.exists():
        persona, sentence = protocol.turn(Emergency.objects.get())
        assert persona in ("DB Team Lead", ARCHITECT) and sentence
    run, lena = rolling_back.find_run() if _unfinished() else None, executed.user("lena")
    if run is not None:
        right = rolling_back.authorize(run=run, operator=lena, incident="It died")
        rolling_back.rollback(run=run, operator=lena, right=right)
    emergency = Emergency.objects.get()
    assert (emergency.state, steps_of(emergency)) == ("stable", [1, 2, 3, 4])
    done = Run.objects.get(kind="rollback", state="finished")
    assert done.report["as_before"] and done.report["stable"], done.report
    assert home.read() == home.PLANNING and home.is_open()
    assert Incident.objects.count() == 1


def _unfinished() -> bool:
    emergency = Emergency.objects.first()
    return emergency is None or protocol.taken(emergency) < protocol.VERIFY


def test_a_failed_run_goes_back_by_its_own_incident(signed: World) -> None:
    run = _stopped_run(signed)
    signed.roll_back("not asked for: the failure is the reason")
    emergency = Emergency.objects.get(run=run)
    assert emergency.incident.title == "Step 3.2 failed: a trial"
    assert Incident.objects.count() == 1
    assert emergency.steps.get(number=3).evidence["found"].startswith("Section 9 ran in one transaction; the tracking")


def _stopped_run(world: World) -> Run:
    """Let a run die after 3.1, as a partial run with an incident of its own."""
    from v7migration.ledger.services import open_incident

    die_at(Place("v7migration.postgres.runner:_commit", "after", "3.1"), world.execute)
    run = Run.objects.get()
    open_incident(run=run, step="3.2", title="Step 3.2 failed: a trial", detail={}, opened_by="lena")
    return run


def test_a_run_with_an_emergency_does_not_go_on_forward(signed: World) -> None:
    die_at(Place("v7migration.postgres.runner:_commit", "after", "3.1"), signed.execute)
    die_at(Place(f"{PIPELINE}.notices:notify", "after"), signed.roll_back)
    with pytest.raises(GateClosed, match="is not closed"):
        signed.execute()
    assert signed.roll_back().report["as_before"]


# -- objects of others ---------------------------------------------------------------------------------------------


def test_objects_of_others_are_listed_before_anything_is_touched(executed: World) -> None:
    with executed.owner() as owner:
        owner.execute(REPORT)
        with executed.runner() as maker:  # it owns the tables
            maker.execute("CREATE INDEX app_tasks ON public.v7_subworkflow_tasks (task_name)")
        before = catalog.snapshot(owner)
    with pytest.raises(Refused, match=r"2 objects .*app_report") as refused:
        executed.roll_back()
    assert refused.value.exit_code == 5
    assert {entry["kind"] for entry in refused.value.evidence["dependents"]} == {"view", "index"}
    assert home.read() == home.LIVE and home.is_open()
    assert not Run.objects.filter(kind="rollback").exists()
    assert Emergency.objects.get().state == "notified"
    with executed.owner() as owner:
        assert catalog.snapshot(owner) == before
        owner.execute("DROP VIEW public.app_report")
    with executed.runner() as maker:
        maker.execute("DROP INDEX public.app_tasks")
    assert executed.roll_back().report["as_before"]
    assert steps_of(Emergency.objects.get()) == [1, 2, 3, 4]


def test_a_failed_run_in_whose_way_objects_stand_stays_as_it_is(signed: World) -> None:
    run = _stopped_run(signed)
    with signed.owner() as owner:
        owner.execute("CREATE VIEW public.app_phases AS SELECT phase_name FROM public.v7_migration_workflow")
    with pytest.raises(Refused, match=r"1 object that is not ours depends on .*app_phases"):
        signed.roll_back()
    assert not Emergency.objects.exists()
    assert rolling_back.find_run() == run


@pytest.mark.parametrize("unseen", [1, 2], ids=["seen inside the transaction", "the server refuses"])
def test_a_view_made_since_the_look_is_a_located_failure_with_the_same_list(
    unseen: int, executed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, looks = dependents.of_script, count(1)
    monkeypatch.setattr(dependents, "of_script", lambda *of: [] if next(looks) <= unseen else look(*of))
    with executed.owner() as owner:
        owner.execute(REPORT)
    with pytest.raises(StepFailed, match="2BP01") as failed:
        executed.roll_back()
    assert "view public.app_report" in [entry["object"] for entry in failed.value.evidence["dependents"]]
    incident = Incident.objects.get(kind="rollback")
    assert incident.detail["line"] > 0 and incident.detail["dependents"]
    assert home.read() == home.LIVE and home.is_open()
    assert any(f"/incidents/{incident.pk}/" in letter.body for letter in mail.outbox)
    with executed.owner() as owner:
        owner.execute("DROP VIEW public.app_report")
    assert executed.roll_back().report["as_before"]


# -- telling people ------------------------------------------------------------------------------------------------


def test_a_mail_server_that_fails_stops_nothing_and_is_shown(executed: World, settings: Settings) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1
    assert executed.roll_back().report["as_before"]
    emergency = Emergency.objects.get()
    told = emergency.steps.get(number=2).evidence
    assert "Could not be sent to" in told["found"] and "refused" in told["found"]
    assert {d["outcome"] for d in told["deliveries"]} == {"failed"}
    event = Event.objects.get(kind="notice.failed")
    assert event.subject == str(emergency.incident_id)
    page = executed.client("ada").get(f"/incidents/{emergency.incident_id}/").content.decode()
    assert "could not be sent" in page.lower()


def test_who_has_no_address_and_a_persona_nobody_holds_are_told_of(executed: World) -> None:
    lena = executed.user("lena")
    lena.email = ""
    lena.save()
    Holding.objects.filter(persona__name=ARCHITECT).delete()
    notice = notices.notify([ARCHITECT, "DB Team Lead"], "A subject\nwith a break", "Body", "x")
    assert notice.missed == ["The Architect: nobody holds this persona", "lena (DB Team Lead): no address on file"]
    assert mail.outbox == [] and Event.objects.get(subject="x").kind == "notice.failed"


def test_a_bad_address_keeps_nobody_else_from_being_told(executed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    send = mail.EmailMessage.send

    def picky(self: mail.EmailMessage, fail_silently: bool = False) -> int:
        if self.to == ["ada@example.org"]:
            raise ConnectionResetError("no such mailbox")
        return send(self, fail_silently)

    monkeypatch.setattr(mail.EmailMessage, "send", picky)
    notice = notices.notify([ARCHITECT, "DB Team Lead"], "A subject", "Body", "x")
    assert notice.reached == ["lena"]
    assert notice.missed == ["ada (The Architect): failed (no such mailbox)"]


# -- stability -----------------------------------------------------------------------------------------------------


def test_a_target_that_is_not_stable_leaves_step_4_open_and_the_next_rollback_looks_again(
    executed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with executed.owner() as owner:
        owner.execute("SET application_name = 'v7_execute by a ghost'")
        monkeypatch.setattr(stability, "SESSION_PATIENCE", 0.0)
        done = executed.roll_back()
        assert done.report["as_before"] and not done.report["stable"]
        assert Emergency.objects.get().state == "rolled_back"
        assert "step 4" in protocol.turn(Emergency.objects.get())[1]
    run, lena = rolling_back.find_run(), executed.user("lena")
    again = rolling_back.rollback(run=run, operator=lena, right=rolling_back.authorize(run=run, operator=lena))
    assert again == done and again.report["stable"]
    assert Emergency.objects.get().state == "stable"


def test_a_foreign_difference_is_shown_and_leaves_the_target_stable(executed: World) -> None:
    with executed.owner() as owner:
        owner.execute("ALTER TABLE public.file_audit_comments ADD COLUMN sneaked integer")
    done = executed.roll_back()
    assert not done.report["as_before"] and done.report["stable"]
    evidence = Emergency.objects.get().steps.get(number=4).evidence
    assert any("sneaked" in line for line in evidence["drift"])


def test_a_table_that_cannot_be_read_is_named(executed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with executed.owner() as owner, executed.runner() as runner:
        owner.execute("BEGIN")
        owner.execute("LOCK TABLE public.file_audit_comments IN ACCESS EXCLUSIVE MODE")
        checks = {c.name: c for c in stability.examine(runner, known=(), before={})}
    assert not checks["tables"].ok and "public.file_audit_comments" in checks["tables"].actual
    assert checks["locks"].ok and checks["file_audit"].ok


# -- the command ---------------------------------------------------------------------------------------------------


def test_the_command_prints_each_step_and_the_json_object_tells_of_the_emergency(executed: World) -> None:
    code, document, said = command("v7_rollback", "--no-input", "--incident", "The search is down")
    assert (code, document["state"], document["as_before"], document["drift"]) == (0, "finished", True, [])
    assert [s["number"] for s in document["sections"]] == [9]
    emergency = document["emergency"]
    assert emergency["state"] == "stable"
    assert [(s["number"], s["state"]) for s in emergency["steps"]][:5] == [(n, "done") for n in range(1, 5)] + [
        (5, "next")
    ]
    for number in range(1, 5):
        assert f"{number}. {protocol.TITLES[number]}: " in said
    assert "Next    DB Team Lead:" in said


def test_the_command_refuses_with_5_and_the_list_of_objects(executed: World) -> None:
    with executed.owner() as owner:
        owner.execute(REPORT)
    code, document, said = command("v7_rollback", "--no-input", "--incident", "The search is down")
    assert code == 5 and "app_report" in document["error"] and "app_report" in said
    assert document["dependents"][0]["kind"] == "view"
    assert document["emergency"]["state"] == "notified"
