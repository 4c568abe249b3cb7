"""The review gate of a phase is a seat: signing approves it, nothing else does, and the next phase waits for it."""

from __future__ import annotations

from typing import Any

import pytest
from django.http import HttpResponse
from django.urls import reverse

from approvals import gates
from approvals.models import Signature
from tests.api import caller
from tests.cast import PASSWORD
from tests.tracked import a_task, the_phase
from tests.world import World
from tracking.models import Phase
from tracking.services import (
    phase_block,
    phase_carry,
    phase_roll_back,
    phase_submit_for_review,
    phase_unblock,
    phase_update,
    task_carry,
)
from v7migration.errors import Refused, SignatureRefused, TransitionRefused
from v7migration.ledger.models import Run
from v7migration.pipeline import phases, review_gates, sign, sign_off, tasks

SEAT = "/phases/1/sign/phase-review/"


def post(world: World, name: str, page: str = SEAT, **changes: str) -> HttpResponse:
    """Sign on the page, as the browser would."""
    shown = {"shown_digest": review_gates.facts(1).digest, "decision": "approved", "password": PASSWORD, "reason": ""}
    return world.client(name).post(page, shown | changes)  # type: ignore[return-value]


def in_review(world: World) -> World:
    """Put phase 1 before its review gate, with every task closed."""
    world.review_phase(1)
    world.close_tasks(1)
    return world


def by_hand(world: World, name: str, number: int, move: str) -> list[tuple[int, str]]:
    """Ask for a transition on the page, through the API and in the admin; return what each answers."""
    page = world.client(name).post(f"/phases/{number}/{move}/")
    told = caller(world, name).send("POST", f"phases/{number}/{move}", {})
    route = reverse("admin:tracking_phase_transition", args=[the_phase(number).pk])
    admin = world.client(name).post(route, {"move": move}, follow=True)
    return [(answer.status_code, answer.content.decode()) for answer in (page, told, admin)]


def test_signing_approves_the_phase_in_the_name_of_the_signer(home: World) -> None:
    in_review(home)
    page = home.client("ada").get(SEAT).content.decode()
    assert "<script" not in page
    assert "database reality documented" in page
    assert "Phase approved" in home.client("ada").get("/").content.decode()
    assert post(home, "ada").status_code == 302
    phase, signature = the_phase(1), Signature.objects.get(subject_kind="phase")
    assert (phase.status, phase.approval_status, phase.approved_by) == ("approved", "approved", "Ada Test")
    assert signature.statement in (phase.approval_notes or "")
    assert all(words in signature.statement for words in ("Phase 1: ", "database reality documented", signature.digest))
    last = Phase.history.filter(id=phase.pk).latest("history_date")
    assert (last.history_user_id, last.history_change_reason) == ("ada", "Signed: Phase approved")
    board = home.client("otto").get("/phases/1/").content.decode()
    assert "Ada Test" in board
    assert home.client("ada").post("/phases/1/complete/").status_code == 302
    assert home.client("dana").post("/phases/2/start/").status_code == 302
    assert (the_phase(1).status, the_phase(2).status) == ("completed", "in_progress")


def test_whoever_may_not_sign_signs_nothing_and_the_phase_stays_in_review(world: World) -> None:
    in_review(world)
    before = review_gates.facts(1).digest
    assert post(world, "lena").status_code == 403
    assert post(world, "ada", password="Wrong-Horse-41").status_code == 403
    task = a_task(phase=1, task_name="Count the tables")
    stale = post(world, "ada", shown_digest=before)
    assert (stale.status_code, "another state" in stale.content.decode()) == (409, True)
    refused = post(world, "ada")
    assert refused.status_code == 403
    assert f"Task 1.{task.task_number}: Count the tables is pending, not completed" in refused.content.decode()
    with pytest.raises(SignatureRefused, match="signed on a run, not on a phase"):
        world.sign_phase(1, seat="phase-complete")
    assert (the_phase(1).status, the_phase(1).approval_status) == ("review", None)
    assert not Signature.objects.exists()
    task_carry(task=task, actor=world.actor("lena"), reason="counted", is_complete=True)
    assert post(world, "ada").status_code == 302


def test_what_is_signed_needs_the_phase_in_review_and_the_one_before_completed(world: World) -> None:
    with pytest.raises(SignatureRefused, match="not started: there is nothing to approve"):
        world.sign_phase(2)
    phases.start(phase=the_phase(1), actor=world.actor("ada"))
    world.close_tasks(1)
    with pytest.raises(SignatureRefused, match=r"is in progress: its lead .The Architect. submits it for review"):
        world.sign_phase(1)
    assert review_gates.facts(1).prerequisites[0].met is False
    assert [p.name for p in review_gates.facts(2).prerequisites if not p.met] == [
        "Phase 2 in review",
        "Phase 1 completed",
    ]


def test_nobody_approves_by_hand_on_the_page_through_the_api_or_in_the_admin(home: World) -> None:
    in_review(home)
    for status, said in by_hand(home, "ada", 1, "approve"):
        assert status in (403, 200)
        assert "is approved by a signature; nobody can approve it by hand" in said
        assert "/phases/1/" in said
    assert the_phase(1).status == "review"
    page = home.client("ada").get("/phases/1/").content.decode()
    assert ("/phases/1/approve/" not in page, SEAT in page) == (True, True)


def test_the_next_phase_waits_for_the_signature_wherever_it_is_started(home: World) -> None:
    in_review(home)
    words = {"approval_status": "approved", "approved_by": "somebody", "note": "before there were seats"}
    phase_carry(phase_number=1, actor=home.actor("ada"), reason="as it once was", is_complete=True, **words)
    assert the_phase(1).status == "completed"
    for _, said in by_hand(home, "dana", 2, "start"):
        assert "the review gate of phase 1 is not signed" in said
        assert "Phase approved: The Architect has not signed" in said
    home.sign_phase(1)
    signed = the_phase(1).deliverables
    phase_update(phase=the_phase(1), actor=home.actor("ada"), changes={"deliverables": {"inventory": "another one"}})
    with pytest.raises(TransitionRefused, match="Ada Test signed something else"):
        phases.start(phase=the_phase(2), actor=home.actor("dana"))
    phase_update(phase=the_phase(1), actor=home.actor("ada"), changes={"deliverables": signed})
    assert phases.start(phase=the_phase(2), actor=home.actor("dana")).status == "in_progress"


def test_a_program_reads_who_signed_for_a_phase_and_what_its_gate_waits_for(home: World) -> None:
    program = caller(home, "otto")
    in_review(home)
    waits = program.get("phases/1/gate")
    assert (waits["open"], waits["run"], waits["review_gate"]) == (False, None, "database reality documented")
    assert waits["reasons"] == ["Phase approved: The Architect has not signed."]
    home.sign_phase(1)
    signed = program.get("phases/1/gate")
    assert (signed["open"], signed["reasons"]) == (True, [])
    [seat] = signed["seats"]
    assert (seat["seat"], seat["state"], seat["signed_by"]) == ("phase-review", "approved", "Ada Test")
    phase_update(phase=the_phase(1), actor=home.actor("ada"), changes={"deliverables": {"inventory": "another one"}})
    assert "Ada Test signed something else" in " ".join(program.get("phases/1/gate")["reasons"])
    database, run = program.get("phases/4/gate"), Run.objects.first()
    assert (database["open"], database["run"]) == (False, str(run.pk) if run else None)
    said = "No Test Sentinel has validated" if run else "Nothing was executed"
    assert any(said in reason for reason in database["reasons"])
    assert [seat["seat"] for seat in database["seats"]] == [seat.key for seat in gates.AFTER]
    program.get("phases/8/gate", expect=422)
    assert program.send("POST", "phases/1/gate", {}).status_code == 405


def test_a_revoked_approval_takes_the_phase_back_to_review_until_it_is_completed(home: World) -> None:
    in_review(home)
    home.sign_phase(1)
    assert post(home, "ada", page=f"{SEAT}revoke/", reason="The views are missing").status_code == 302
    phase = the_phase(1)
    assert (phase.status, phase.approval_status, phase.approved_by) == ("review", "revoked", None)
    assert "Ada Test revoked “Phase approved”: The views are missing" in (phase.approval_notes or "")
    home.sign_phase(1)
    phases.complete(phase=the_phase(1), actor=home.actor("ada"))
    signature = Signature.objects.filter(revocation=None).get(subject_kind="phase")
    sign.revoke(signature=signature, person=home.user("ada"), password=PASSWORD, reason="Too early")
    assert the_phase(1).status == "completed"
    with pytest.raises(TransitionRefused, match="revoked the signature: Too early"):
        phases.start(phase=the_phase(2), actor=home.actor("dana"))


def test_a_rejected_phase_goes_back_to_work_and_a_new_round_is_a_new_subject(world: World) -> None:
    in_review(world)
    world.sign_phase(1, decision="rejected", reason="Half of it is guessed")
    assert (the_phase(1).status, the_phase(1).approval_status) == ("in_progress", "rejected")
    first = review_gates.facts(1).subject
    phase_roll_back(phase=the_phase(1), actor=world.actor("ada"), reason="Begin anew")
    world.review_phase(1)
    assert review_gates.facts(1).subject != first
    world.sign_phase(1)
    assert the_phase(1).status == "approved"


def sign_run(world: World, seat: str, name: str) -> None:
    run = world.changeset().runs.get()
    words = {"decision": "approved", "reason": "", "shown_digest": sign_off.run_facts(run).digest}
    sign.sign_run(run=run, seat=seat, person=world.user(name), password=PASSWORD, **words)


def test_the_last_seat_of_the_run_completes_the_database_phase(
    executed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing: Any = lambda run: ()  # noqa: E731
    monkeypatch.setattr(sign_off, "criteria_of", nothing)  # as if each was proven: other tests are about that
    monkeypatch.setattr(sign_off, "integration_missing", nothing)
    monkeypatch.setattr("v7migration.pipeline.validation.prerequisites", nothing)
    ada, lena = executed.actor("ada"), executed.actor("lena")
    for seat, name in (("validation", "sam"), ("validation-countersign", "ada"), ("integration", "dev")):
        sign_run(executed, seat, name)
    with pytest.raises(SignatureRefused, match=r"Phase 4: .* is not started: its lead .* starts it at /phases/4/"):
        sign_run(executed, "phase-complete", "ada")
    phase = phase_block(phase=phases.start(phase=the_phase(4), actor=lena), actor=lena, reason="The disk is full")
    with pytest.raises(SignatureRefused, match=r"is blocked: its lead .* unblocks it at .*Task 2.3.2: .* is "):
        sign_run(executed, "phase-complete", "ada")
    phase_unblock(phase=phase, actor=lena)
    executed.close_tasks(4)
    assert executed.client("ada").get("/phases/4/sign/phase-review/").status_code == 404
    with pytest.raises(Refused, match="on its run"):
        executed.sign_phase(4)
    phase = phase_submit_for_review(phase=the_phase(4), actor=lena)
    words = {"approval_status": "approved", "approved_by": "Ada Test", "note": "by hand, before there were seats"}
    phase = phase_carry(phase_number=4, actor=ada, reason="as it once was", is_complete=False, **words)
    with pytest.raises(TransitionRefused, match="review gate of phase 4 is not signed"):
        phases.complete(phase=phase, actor=ada)
    page = executed.client("ada").get("/phases/4/").content.decode()
    assert "/phases/4/complete/" not in page
    assert f"/runs/{executed.changeset().runs.get().pk}/sign/phase-complete/" in page
    sign_run(executed, "phase-complete", "ada")
    done = the_phase(4)
    assert (done.status, done.approval_status, done.approved_by) == (
        "completed",
        "Phase 4 complete: approved",
        "Ada Test",
    )
    assert done.completed_at is not None
    steps = list(Phase.history.filter(id=done.pk).order_by("history_date").values_list("status", "history_user_id"))
    assert list(dict.fromkeys(steps))[-1] == ("completed", "ada")
    phase_five_follows(executed)
    executed.roll_back()
    back = the_phase(4)
    assert (back.status, back.completed_at, back.approval_status, back.approved_by) == ("rolled_back", None, None, None)
    version = back.history.first()
    assert (version.status, version.history_user_id) == ("rolled_back", "lena")
    assert "was taken back" in version.history_change_reason
    assert phases.start(phase=back, actor=lena).status == "in_progress", "the next round begins"
    assert tasks.advance() == [] and the_phase(4).status == "in_progress"


def phase_five_follows(world: World) -> None:
    """Phase 5 starts on the run's last signature, and on nothing else."""
    dev = world.actor("dev")
    last = Signature.objects.get(seat="phase-complete")
    sign.revoke(signature=last, person=world.user("ada"), password=PASSWORD, reason="The kickoff is not agreed")
    assert (the_phase(4).status, the_phase(4).approval_status) == ("completed", "Phase 4 complete: revoked")
    for _, said in by_hand(world, "dev", 5, "start"):
        assert "the review gate of phase 4 is not signed" in said
    sign_run(world, "phase-complete", "ada")
    assert phases.start(phase=the_phase(5), actor=dev).status == "in_progress"
