"""The pages: who may see and do what, what they refuse and how they say it."""

from __future__ import annotations

import re

import pytest
from django.db import connections
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.urls import get_resolver, reverse

from approvals.models import Revocation, Signature, SigningAttempt
from tests.cast import PASSWORD
from tests.world import World
from tracking import home
from tracking.middleware import HomeMiddleware
from tracking.models import EnumMigration, GlobalImpact, Phase, SubworkflowTask
from tracking.services import impact_create, impact_update
from v7migration.errors import HomeMoving
from v7migration.ledger.models import Incident, Run, RunState
from v7migration.ledger.services import open_incident
from v7migration.postgres.session import RUN_LOCK

IMPACT = {
    "change_type": "enum",
    "impact_description": "Two status types become one.",
    "affected_layers": ["1", "2"],
    "affected_workflows": ["WF4"],
    "risk_assessment": "high",
    "mitigation_strategy": "Cast in the services first.",
    "change_detail": '{"tables": ["companies"]}',
}


def sign_url(world: World, seat: str = "script-review") -> str:
    return reverse("changeset-sign", args=[world.changeset().digest, seat])


def decision(world: World, **changes: str) -> dict[str, str]:
    words = {"decision": "approved", "reason": "", "password": PASSWORD, "shown_digest": world.changeset().digest}
    return words | changes


def task(number: int = 1, phase: int = 1) -> SubworkflowTask:
    return SubworkflowTask.objects.get(parent_phase__phase_number=phase, task_number=number)


def every_page(world: World) -> list[str]:
    changeset = world.changeset()
    run = changeset.runs.first()
    impact, enum = GlobalImpact.objects.latest("created_at"), EnumMigration.objects.earliest("created_at")
    incident = open_incident(run=run, step="1.1", title="A trial", detail={"message": "x"}, opened_by="lena")
    lists = "home changesets runs incidents impacts impact-new coverage phases tasks enums files results "
    lists += "reviews enum-groups file-inventory dependencies code-map baseline file"
    found = [reverse(name) for name in lists.split()]
    found += [
        reverse("changeset", args=[changeset.digest]),
        reverse("phase", args=[4]),
        reverse("incident", args=[incident.pk]),
        reverse("incident-grade", args=[incident.pk]),
    ]
    found += [sign_url(world, seat) for seat in ("script-review", "rehearsal", "execution")]
    found += [reverse("task", args=[task().pk]), reverse("enum", args=[enum.pk])]
    found.append(reverse("code-map-change", args=[enum.pk]))
    found += [reverse("impact", args=[impact.pk]), reverse("impact-edit", args=[impact.pk])]
    found += [reverse("history", args=[kind, pk]) for kind, pk in (("task", task().pk), ("impact", impact.pk))]
    found.append(reverse("history", args=["phase", Phase.objects.get(phase_number=4).pk]))
    found += [reverse("phase-sign", args=[number, "phase-review"]) for number in (1, 7)]
    if run is not None:
        found += [
            reverse("run", args=[run.pk]),
            reverse("run-progress", args=[run.pk]),
            reverse("run-issue", args=[run.pk]),
            reverse("run-validation", args=[run.pk]),
        ]
        found += [reverse("run-sign", args=[run.pk, seat]) for seat in ("validation", "phase-complete", "rollback")]
    return found


@pytest.mark.parametrize("name", ["ada", "carl", "otto"])
def test_every_page_shows_itself_to_any_signed_in_person_before_the_run(frozen: World, name: str) -> None:
    client = frozen.client(name)
    wrong = {page: status for page in every_page(frozen) if (status := client.get(page).status_code) != 200}
    assert wrong == {}


def test_every_page_shows_itself_after_the_run(executed: World) -> None:
    client = executed.client("dana")
    wrong = {page: status for page in every_page(executed) if (status := client.get(page).status_code) != 200}
    assert wrong == {}


def test_no_page_but_the_sign_in_opens_to_a_stranger(executed: World) -> None:
    client = Client()
    for page in every_page(executed):
        answer = client.get(page)
        assert (answer.status_code, answer.headers["Location"]) == (302, f"/login/?next={page}"), page
    assert client.get("/login/").status_code == 200


def test_no_form_takes_a_post_from_a_stranger(executed: World) -> None:
    client, run = Client(), executed.changeset().runs.get()
    posts = [
        sign_url(executed), reverse("changeset-revoke", args=[executed.changeset().digest, "execution"]),
        reverse("run-stop", args=[run.pk]), reverse("run-sign", args=[run.pk, "validation"]),
        reverse("task-move", args=[task().pk, "start"]), reverse("phase-move", args=[4, "start"]),
        reverse("run-issue", args=[run.pk]),
        reverse("impact-new"),
    ]  # fmt: skip
    assert {client.post(page).status_code for page in posts} == {302}
    assert all(client.post(page).headers["Location"].startswith("/login/") for page in posts)


def test_every_post_needs_its_token(frozen: World) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(frozen.user("ada"), backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post(reverse("task-move", args=[task().pk, "start"]), {"reason": "x"})
    assert answer.status_code == 403
    assert "security token" in answer.content.decode()


def test_a_signing_page_loads_no_script_and_allows_none(frozen: World) -> None:
    for seat, name in (("script-review", "lena"), ("execution", "ada"), ("rehearsal", "otto")):
        answer = frozen.client(name).get(sign_url(frozen, seat))
        page = answer.content.decode()
        assert not re.search(r"<script|javascript:|\son\w+=|style=", page, re.IGNORECASE)
        assert "script-src" not in answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_person_signs_in_a_browser_and_the_page_says_so(frozen: World) -> None:
    answer = frozen.client("lena").post(sign_url(frozen), decision(frozen), follow=True)
    assert answer.redirect_chain == [(reverse("changeset", args=[frozen.changeset().digest]), 302)]
    assert "You signed “Script reviewed” as DB Team Lead." in answer.content.decode()
    assert Signature.objects.get().person_name == "Lena Test"


def test_the_name_in_a_form_is_never_believed(frozen: World) -> None:
    forged = decision(frozen, person="lena", persona="DB Team Lead", signed_at="2001-01-01", username="lena")
    answer = frozen.client("sam").post(sign_url(frozen), forged)
    assert answer.status_code == 403
    assert not Signature.objects.exists()


@pytest.mark.parametrize(
    ("name", "seat", "changes", "status", "words"),
    [
        ("lena", "script-review", {"password": "wrong"}, 403, "The password is not right"),
        ("sam", "script-review", {}, 403, "is signed by DB Team Lead"),
        ("root", "execution", {}, 403, "does not hold it"),
        ("carl", "script-review", {}, 403, "does not hold it"),
        ("ada", "execution", {}, 403, "waits for"),
        ("lena", "script-review", {"decision": "rejected"}, 400, "Say why you reject it."),
        ("lena", "script-review", {"shown_digest": "0" * 64}, 409, "This page shows another state"),
        ("lena", "script-review", {"decision": "maybe"}, 400, "maybe is not one of the available choices"),
    ],
)
def test_a_refused_signature_is_a_sentence_and_leaves_nothing(
    frozen: World, name: str, seat: str, changes: dict[str, str], status: int, words: str
) -> None:
    answer = frozen.client(name).post(sign_url(frozen, seat), decision(frozen, **changes))
    assert (answer.status_code, words in answer.content.decode()) == (status, True)
    assert "<script" not in answer.content.decode()
    assert not Signature.objects.exists()


def test_a_wrong_password_is_never_shown_back(frozen: World) -> None:
    answer = frozen.client("lena").post(sign_url(frozen), decision(frozen, password="hunter2-hunter2"))
    assert "hunter2" not in answer.content.decode()
    assert SigningAttempt.objects.get().code == "wrong-password"


def test_the_second_of_two_posts_is_told_that_the_seat_is_taken(frozen: World) -> None:
    client = frozen.client("lena")
    assert client.post(sign_url(frozen), decision(frozen)).status_code == 302
    answer = client.post(sign_url(frozen), decision(frozen))
    assert answer.status_code == 403
    assert "already signed" in answer.content.decode()
    assert Signature.objects.count() == 1


def test_a_seat_that_does_not_exist_is_not_found(frozen: World) -> None:
    client = frozen.client("ada")
    assert client.get(sign_url(frozen, "validation")).status_code == 404
    assert client.get(reverse("changeset", args=["0" * 64])).status_code == 404


def test_a_unique_beginning_of_a_digest_leads_to_the_changeset(frozen: World) -> None:
    digest = frozen.changeset().digest
    answer = frozen.client("ada").get(reverse("changeset", args=[digest[:12]]))
    assert answer.headers["Location"] == reverse("changeset", args=[digest])


def test_a_signer_revokes_and_the_seat_is_open_again(signed: World) -> None:
    url = reverse("changeset-revoke", args=[signed.changeset().digest, "script-review"])
    refused = signed.client("dev").post(url, {"reason": "no", "password": PASSWORD})
    assert (refused.status_code, Revocation.objects.count()) == (403, 0)
    assert signed.client("lena").post(url, {"reason": "a slip", "password": PASSWORD}).status_code == 302
    page = signed.client("lena").get(reverse("changeset", args=[signed.changeset().digest])).content.decode()
    assert "PENDING APPROVAL" in page
    assert "a slip" in page


def test_a_rejection_shows_its_status_and_reason(frozen: World) -> None:
    words = decision(frozen, decision="rejected", reason="Section 7 is <b>wrong</b>")
    frozen.client("sam").post(sign_url(frozen, "rehearsal"), words)
    page = frozen.client("ada").get(reverse("changeset", args=[frozen.changeset().digest])).content.decode()
    assert ">REJECTED<" in page
    assert "Section 7 is &lt;b&gt;wrong&lt;/b&gt;" in page
    assert "<b>wrong</b>" not in page


def test_the_status_follows_the_signatures(signed: World) -> None:
    page = signed.client("otto").get(reverse("changeset", args=[signed.changeset().digest])).content.decode()
    assert ">APPROVED<" in page
    assert "Run v7_execute in a terminal." in page
    assert page.count("____________________") == 3  # the sign-offs after the execution


def test_a_changed_target_makes_the_page_say_stale_with_the_difference(signed: World) -> None:
    with signed.owner() as connection:
        connection.execute("ALTER TABLE public.file_audit ADD COLUMN sneaked_in text")
    client = signed.client("ada")
    page = client.get(reverse("changeset", args=[signed.changeset().digest])).content.decode()
    assert ">STALE<" in page
    assert "sneaked_in" in page


def test_the_script_is_shown_escaped_with_every_line(frozen: World) -> None:
    actor = frozen.actor("dana")
    impact_create(
        actor=actor, change_type="api", impact_description="</code><script>alert('x')</script>", affected_layers=[1],
        affected_workflows=[], risk_assessment="low", mitigation_strategy="",
    )  # fmt: skip
    frozen.rehearse()
    changeset = frozen.freeze()
    page = frozen.client("ada").get(reverse("changeset", args=[changeset.digest])).content.decode()
    lines = bytes(changeset.script.content).decode().splitlines()
    assert "<script>alert" not in page
    assert "&lt;/code&gt;&lt;script&gt;alert" in page
    assert all(f'id="L{number}"' in page for number in range(1, len(lines) + 1))


@pytest.mark.parametrize("name", ["lena", "dana", "otto", "root", "carl"])
def test_only_the_responsible_persona_moves_a_task(world: World, name: str) -> None:
    answer = world.client(name).post(reverse("task-move", args=[task().pk, "start"]), {"reason": "now"})
    assert answer.status_code == 403
    assert "Ask one of: The Architect." in answer.content.decode()
    assert task().status == "pending"


def test_a_task_walks_to_its_end_by_its_buttons(world: World) -> None:
    client = world.client("ada")
    for name in ("start", "submit", "complete"):
        answer = client.post(reverse("task-move", args=[task().pk, name]), {"reason": f"we {name}"})
        assert answer.status_code == 302, name
    assert task().status == "completed"
    history = client.get(reverse("history", args=["task", task().pk])).content.decode()
    assert all(f"we {name}" in history for name in ("start", "submit", "complete"))
    assert history.count("<td>ada</td>") == 3


def test_a_transition_says_what_is_missing(world: World) -> None:
    client = world.client("ada")
    blocked = client.post(reverse("task-move", args=[task().pk, "block"]), {"reason": ""})
    assert (blocked.status_code, "needs a reason" in blocked.content.decode()) == (403, True)
    early = client.post(reverse("task-move", args=[task().pk, "complete"]), {"reason": ""})
    assert (early.status_code, "Possible now: start" in early.content.decode()) == (403, True)
    assert client.post(reverse("task-move", args=[task().pk, "teleport"])).status_code == 404


def test_a_task_waits_for_its_dependencies(world: World) -> None:
    answer = world.client("lena").post(reverse("task-move", args=[task(4, phase=4).pk, "start"]), {"reason": ""})
    assert answer.status_code == 403
    assert "waits for" in answer.content.decode()


def test_a_transition_from_an_old_page_changes_nothing(world: World) -> None:
    client, seen = world.client("ada"), task().updated_at.isoformat()
    assert client.post(reverse("task-move", args=[task().pk, "start"]), {"updated_at": seen}).status_code == 302
    answer = client.post(reverse("task-move", args=[task().pk, "submit"]), {"updated_at": seen})
    assert (answer.status_code, "after you opened it" in answer.content.decode()) == (409, True)
    assert task().status == "in_progress"


def test_only_the_architect_and_the_leads_move_a_phase(world: World) -> None:
    assert world.client("carl").post(reverse("phase-move", args=[4, "start"]), {"reason": ""}).status_code == 403
    assert world.client("dev").post(reverse("phase-move", args=[5, "start"]), {"reason": ""}).status_code == 403
    assert world.client("lena").post(reverse("phase-move", args=[4, "start"]), {"reason": ""}).status_code == 302
    assert Phase.objects.get(phase_number=4).status == "in_progress"


def test_a_task_page_shows_what_the_document_says(world: World) -> None:
    page = world.client("otto").get(reverse("task", args=[task(phase=4).pk])).content.decode()
    for words in ("2.1.1", "4 hours", "Export complete database schema snapshot", "Schema export matches production"):
        assert words in page


def test_a_guardian_files_an_impact(home: World) -> None:
    answer = home.client("dana").post(reverse("impact-new"), IMPACT, follow=True)
    assert answer.status_code == 200
    impact = GlobalImpact.objects.latest("created_at")
    assert (impact.affected_layers, impact.affected_workflows, impact.change_detail) == (
        [1, 2],
        ["WF4"],
        {"tables": ["companies"]},
    )
    assert impact.history.get().history_user_id == "dana"


def test_an_impact_is_refused_to_those_who_assess_nothing(world: World) -> None:
    before = GlobalImpact.objects.count()
    answer = world.client("carl").post(reverse("impact-new"), IMPACT)
    assert (answer.status_code, "may not file an impact" in answer.content.decode()) == (403, True)
    assert GlobalImpact.objects.count() == before


@pytest.mark.parametrize(
    ("field", "value"),
    [("affected_layers", "99"), ("affected_workflows", "WF77"), ("change_detail", "[1]"), ("risk_assessment", "dire")],
)
def test_an_impact_takes_only_registered_and_known_values(world: World, field: str, value: str) -> None:
    answer = world.client("dana").post(reverse("impact-new"), {**IMPACT, field: value})
    assert answer.status_code == 400
    assert "Cast in the services first." in answer.content.decode()


def test_filing_an_impact_warns_before_it_voids_signatures(signed: World) -> None:
    client, before = signed.client("dana"), GlobalImpact.objects.count()
    warned = client.post(reverse("impact-new"), IMPACT)
    page = warned.content.decode()
    assert (warned.status_code, GlobalImpact.objects.count()) == (409, before)
    assert "Lena Test (DB Team Lead)" in page
    assert 'name="confirm"' in page
    assert "Two status types become one." in page
    assert client.post(reverse("impact-new"), {**IMPACT, "confirm": "on"}).status_code == 302
    assert GlobalImpact.objects.count() == before + 1
    assert ">STALE<" in client.get(reverse("changeset", args=[signed.changeset().digest])).content.decode()


def test_implementing_an_impact_warns_before_it_voids_signatures(signed: World) -> None:
    impact = GlobalImpact.objects.latest("created_at")
    url = reverse("impact-move", args=[impact.pk, "implement"])
    assert signed.client("dana").post(url, {"reason": ""}).status_code == 409
    assert signed.client("dana").post(url, {"reason": "", "confirm": "on"}).status_code == 302


def test_a_form_opened_before_another_save_keeps_what_was_typed(home: World) -> None:
    actor = home.actor("dana")
    impact = impact_create(
        actor=actor, change_type="api", impact_description="First words", affected_layers=[1], affected_workflows=[],
        risk_assessment="low", mitigation_strategy="",
    )  # fmt: skip
    opened = GlobalImpact.objects.get(pk=impact.pk).updated_at.isoformat()
    impact_update(impact=impact, actor=actor, changes={"impact_description": "Their words"})
    url = reverse("impact-edit", args=[impact.pk])
    answer = home.client("dana").post(url, {**IMPACT, "impact_description": "My words", "updated_at": opened})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "My words" in page
    assert "Their words" in page
    assert GlobalImpact.objects.get(pk=impact.pk).impact_description == "Their words"


def test_an_incident_takes_root_cause_and_remediation_from_operators_only(frozen: World) -> None:
    incident = open_incident(run=None, step="", title="A trial", detail={}, opened_by="lena")
    url, words = reverse("incident", args=[incident.pk]), {"root_cause": "A lock", "remediation": "A longer timeout"}
    assert frozen.client("sam").post(url, words).status_code == 403
    assert frozen.client("lena").post(url, {**words, "remediation": " "}).status_code == 400
    assert frozen.client("lena").post(url, words).status_code == 302
    assert frozen.client("ada").post(url, words).status_code == 409
    incident.refresh_from_db()
    assert (incident.state, incident.remediated_by) == (Incident.State.REMEDIATED, "lena")


def test_only_operators_stop_a_run_and_only_a_running_one(executed: World) -> None:
    run = executed.changeset().runs.get()
    url = reverse("run-stop", args=[run.pk])
    assert executed.client("dev").post(url).status_code == 403
    assert executed.client("lena").post(url).status_code == 409
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    assert executed.client("ada").post(url).status_code == 302
    assert Run.objects.get(pk=run.pk).stop_requested_by == "ada"


def test_the_progress_of_a_run_asks_again_only_while_it_runs(executed: World) -> None:
    run = executed.changeset().runs.get()
    url, client = reverse("run-progress", args=[run.pk]), executed.client("otto")
    assert client.get(url).headers["HX-Refresh"] == "true"
    Run.objects.filter(pk=run.pk).update(state=RunState.RUNNING)
    answer = client.get(url)
    assert "HX-Refresh" not in answer.headers
    assert 'hx-trigger="every 1s"' in answer.content.decode()


def test_a_finished_run_shows_its_proofs(executed: World) -> None:
    page = executed.client("otto").get(reverse("run", args=[executed.changeset().runs.get().pk])).content.decode()
    assert "expected 8 / 12 / 3, found 8 / 12 / 3" in page
    assert "FROM information_schema.tables" in page
    assert "Same storage file" in page


def test_the_address_of_a_button_leads_back_to_its_page(executed: World) -> None:
    client, run, digest = executed.client("ada"), executed.changeset().runs.get(), executed.changeset().digest
    impact, enum = GlobalImpact.objects.latest("created_at"), EnumMigration.objects.earliest("created_at")
    for button, page in (
        (reverse("task-move", args=[task().pk, "start"]), reverse("task", args=[task().pk])),
        (reverse("phase-move", args=[4, "block"]), reverse("phase", args=[4])),
        (reverse("impact-move", args=[impact.pk, "review"]), reverse("impact", args=[impact.pk])),
        (reverse("enum-move", args=[enum.pk, "approve"]), reverse("enum", args=[enum.pk])),
        (reverse("run-stop", args=[run.pk]), reverse("run", args=[run.pk])),
        (reverse("changeset-revoke", args=[digest, "execution"]), sign_url(executed, "execution")),
    ):
        assert client.get(button).headers["Location"] == page
    assert GlobalImpact.objects.get(pk=impact.pk).approval_status == impact.approval_status


def close_the_planning_fence(world: World) -> None:
    with world.control_owner() as connection:
        connection.execute("UPDATE migration_gate.fence SET is_open = false")


def test_a_page_that_meets_a_closed_fence_without_a_live_run_settles_it(frozen: World) -> None:
    close_the_planning_fence(frozen)
    assert frozen.client("otto").get("/").status_code == 200
    assert home.is_open()


def test_a_form_posted_while_rows_move_keeps_what_was_typed(frozen: World) -> None:
    before = GlobalImpact.objects.count()
    with frozen.runner() as live_run:
        live_run.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [RUN_LOCK])
        close_the_planning_fence(frozen)
        answer = frozen.client("dana").post(reverse("impact-new"), IMPACT)
        moved = frozen.client("ada").post(reverse("phase-move", args=[4, "start"]), {"reason": "kept"})
    assert (answer.status_code, moved.status_code) == (409, 409)
    assert "Two status types become one." in answer.content.decode()
    assert "are being moved" in answer.content.decode()
    assert ">kept</textarea>" in moved.content.decode()
    assert GlobalImpact.objects.count() == before


def test_a_home_that_moves_during_a_request_sends_readers_on_and_tells_writers(frozen: World) -> None:
    middleware, requests = HomeMiddleware(lambda request: HttpResponse()), RequestFactory()
    error = HomeMoving("The rows moved.", "Save again.")
    read = middleware.process_exception(requests.get("/tasks/?phase=4"), error)
    written = middleware.process_exception(requests.post("/impacts/new/", {"reason": "my words"}), error)
    assert read is not None
    assert (read.status_code, read.headers["Location"]) == (302, "/tasks/?phase=4")
    assert written is not None
    assert (written.status_code, "my words" in written.content.decode()) == (409, True)
    assert middleware.process_exception(requests.get("/"), ValueError()) is None


@pytest.mark.parametrize("alias", ["default", "target"])
def test_a_database_that_does_not_answer_is_said_in_a_sentence(executed: World, alias: str) -> None:
    client, port = executed.client("ada"), connections[alias].settings_dict["PORT"]
    client.raise_request_exception = False
    connections.close_all()
    connections[alias].settings_dict["PORT"] = "1"
    try:
        answer = client.get(reverse("tasks"))
    finally:
        connections.close_all()
        connections[alias].settings_dict["PORT"] = port
    assert (answer.status_code, "A database does not answer" in answer.content.decode()) == (503, True)


def test_a_run_taken_back_says_so_everywhere(executed: World) -> None:
    run = executed.changeset().runs.get()
    back = executed.roll_back()
    client = executed.client("otto")
    assert ">ROLLED BACK<" in client.get(reverse("changeset", args=[executed.changeset().digest])).content.decode()
    assert str(back.pk) in client.get(reverse("run", args=[run.pk])).content.decode()
    proof = client.get(reverse("run", args=[back.pk])).content.decode()
    assert "The catalogs of the target are equal to the snapshot before the run" in proof
    assert "v7_global_impacts" in proof


def test_the_home_page_names_what_waits_for_each(frozen: World) -> None:
    lead, sentinel = (frozen.client(name).get("/").content.decode() for name in ("lena", "sam"))
    assert sign_url(frozen) in lead
    assert sign_url(frozen) not in sentinel
    frozen.sign("script-review", "lena")
    assert sign_url(frozen, "rehearsal") in frozen.client("sam").get("/").content.decode()


def test_signing_in_leads_on_and_a_wrong_password_does_not(world: World) -> None:
    client = Client()
    assert client.post("/login/", {"username": "ada", "password": "no"}).status_code == 200
    answer = client.post("/login/", {"username": "ada", "password": PASSWORD, "next": "/tasks/"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/tasks/")
    assert (
        Client()
        .post("/login/", {"username": "ada", "password": PASSWORD, "next": "//evil.example/"})
        .headers["Location"]
        == "/"
    )


def test_every_named_page_is_known(world: World) -> None:
    names = {name for name in get_resolver().reverse_dict if isinstance(name, str)}
    assert {
        "home",
        "login",
        "logout",
        "changeset",
        "run",
        "incident",
        "impact",
        "phase",
        "task",
        "enum",
        "history",
    } <= names
