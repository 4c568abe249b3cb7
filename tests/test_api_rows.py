"""The API's tracked rows in both homes: made, read, changed, moved and deleted through the services of the pages."""

from __future__ import annotations

from threading import Thread
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext

from tests.api import Caller, caller, session
from tests.tracked import a_task, an_enum_migration, an_impact
from tests.world import World
from tracking import home as homes
from tracking import services
from tracking.models import EnumMigration, File, GlobalImpact, SubworkflowTask, TestResult
from tracking.views import enums, impacts, phases, tasks
from v7migration.api.v1 import api
from v7migration.ledger.models import BusinessImpact
from v7migration.pipeline.coverage import look, record_business_impact

IMPACT = {
    "change_type": "enum",
    "impact_description": "Two status types become one.",
    "change_detail": {"tables": ["companies"]},
    "affected_layers": [1],
    "affected_workflows": ["WF4"],
    "risk_assessment": "high",
}
ENUM = {
    "current_enum_name": "public.trial_status",
    "current_enum_values": ["a", ""],
    "v7_enum_name": "v7_trial_type",
    "v7_enum_values": ["a", ""],
    "affected_columns": {"public.trials": ["status"]},
}
TASK = {"parent_phase": 5, "task_number": 77, "task_name": "Try it", "responsible_persona": "Dev Team"}
RESULT: dict[str, Any] = {"test_type": "unit", "component_tested": "models.domain", "test_status": "pass"}
LISTS = ("phases", "tasks", "impacts", "enum-migrations", "test-results", "files", "runs", "events")


def document() -> dict[str, Any]:
    """Return the OpenAPI document."""
    return dict(api.get_openapi_schema())


# -- a life of each kind of row --------------------------------------------------------------------------------------


def test_an_impact_lives_from_its_filing_to_its_approval_and_its_history_names_everybody(home: World) -> None:
    dana, ada = caller(home, "dana"), caller(home, "ada")
    filed = dana.post("impacts", {**IMPACT, "reason": "found by the inventory"}, expect=201)
    assert (filed["approval_status"], filed["risk_assessment"], filed["change_detail"]) == (
        "pending", "high", {"tables": ["companies"]},
    )  # fmt: skip
    changed = dana.patch(f"impacts/{filed['id']}", {"updated_at": filed["updated_at"], "risk_assessment": "low"})
    assert (changed["risk_assessment"], changed["impact_description"]) == ("low", IMPACT["impact_description"])
    dana.post(f"impacts/{filed['id']}/review", {})
    refused = ada.post(f"impacts/{filed['id']}/approve", {}, expect=403)
    assert "the business impact is not recorded by WF4 Persona" in refused["detail"]
    row = GlobalImpact.objects.get(pk=filed["id"])
    record_business_impact(impact=row, actor=home.actor("wilma"), said={"WF4": "A day without curation."})
    assert ada.post(f"impacts/{filed['id']}/approve", {"reason": "agreed"})["approval_status"] == "approved"
    row = GlobalImpact.objects.get(pk=filed["id"])
    written = list(row.history.order_by("history_date").values_list("history_user_id", "history_change_reason"))
    assert written == [("dana", "found by the inventory"), ("dana", None), ("dana", None), ("ada", "agreed")]
    assert ada.delete(f"impacts/{filed['id']}", expect=403)["detail"].endswith("is approved and cannot be deleted.")


def test_only_the_guardian_of_a_layer_covers_accepted_changes_by_an_impact(mapped: World) -> None:
    found = look()
    assert found.code_map is not None
    cell = next(cell for cell in found.open if cell.layer == 1)
    covering = {"changes": [cell.change], "code_map": found.code_map.id, "breaking": False}
    plain = {**IMPACT, "affected_workflows": []}
    lena, dana = caller(mapped, "lena"), caller(mapped, "dana")
    refused = lena.post("impacts", {**plain, "change_detail": covering}, expect=403)
    assert "may not assess changes" in refused["detail"]
    filed = lena.post("impacts", plain, expect=201)
    lena.patch(f"impacts/{filed['id']}", {"updated_at": filed["updated_at"], "change_detail": covering}, expect=403)
    covered = dana.post("impacts", {**plain, "change_detail": covering}, expect=201)
    assert covered["change_detail"]["changes"] == [cell.change]
    moved = {"updated_at": covered["updated_at"], "affected_layers": [2]}
    dana.patch(f"impacts/{covered['id']}", moved, expect=403)
    for broken in ({"changes": "all"}, {"changes": [1]}, {"breaking": "no"}, {"code_map": 7}):
        dana.post("impacts", {**plain, "change_detail": broken}, expect=422)
    dana.post("impacts", {**plain, "change_detail": {"changes": ["never_accepted"]}}, expect=409)


def test_a_workflow_persona_says_what_an_impact_means_and_only_of_its_own_workflow(rolled_back: World) -> None:
    dana, wilma, impact = (
        caller(rolled_back, "dana"),
        caller(rolled_back, "wilma"),
        an_impact(affected_workflows=["WF4"]),
    )
    address, told = f"impacts/{impact.pk}/business-impact", {"said": {"WF4": "A day without curation."}}
    dana.post(address, told, expect=403)
    for nothing in ({"WF1": "Nothing."}, {}, {"WF4": " "}, {"\x00": "x"}):
        wilma.post(address, {"said": nothing}, expect=422)
    wilma.post(address, told)
    assert BusinessImpact.objects.get(impact=impact.pk).by == "wilma"


def test_a_pending_impact_and_an_open_proposal_are_deleted_and_keep_their_history(home: World) -> None:
    dana = caller(home, "dana")
    impact = dana.post("impacts", IMPACT, expect=201)
    enum = dana.post("enum-migrations", ENUM, expect=201)
    dana.delete(f"impacts/{impact['id']}?reason=a+trial", expect=204)
    dana.delete(f"enum-migrations/{enum['id']}?reason=a+trial", expect=204)
    dana.get(f"impacts/{impact['id']}", expect=404)
    assert GlobalImpact.history.filter(id=impact["id"], history_type="-").get().history_change_reason == "a trial"
    assert EnumMigration.history.filter(id=enum["id"], history_type="-").get().history_user_id == "dana"


def test_an_enum_migration_is_changed_while_it_is_proposed_and_then_only_moved(home: World) -> None:
    dana, ada = caller(home, "dana"), caller(home, "ada")
    row = dana.post("enum-migrations", ENUM, expect=201)
    assert row["current_enum_values"] == ["a", ""]
    dana.post("enum-migrations", ENUM, expect=409)
    change = {"updated_at": row["updated_at"], "v7_enum_values": ["a", "b"]}
    row = dana.patch(f"enum-migrations/{row['id']}", change)
    assert row["v7_enum_values"] == ["a", "b"]
    row = ada.post(f"enum-migrations/{row['id']}/approve", {"updated_at": row["updated_at"]})
    assert (row["status"], row["approved_by"]) == ("approved", "ada")
    ada.patch(f"enum-migrations/{row['id']}", {"updated_at": row["updated_at"], "risk_level": "low"}, expect=403)
    ada.delete(f"enum-migrations/{row['id']}", expect=403)


def test_two_who_propose_one_type_at_once_make_one_row(world: World) -> None:
    programs, statuses = [caller(world, name) for name in ("dana", "lena", "ada", "wilma")], []

    def propose(program: Caller) -> None:
        try:
            statuses.append(program.send("POST", "enum-migrations", ENUM).status_code)
        finally:
            connections.close_all()  # a thread's sessions are its own

    threads = [Thread(target=propose, args=[program]) for program in programs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [201, 409, 409, 409]
    assert EnumMigration.objects.filter(current_enum_name=ENUM["current_enum_name"]).count() == 1


def test_a_task_is_planned_changed_moved_and_deleted_only_while_nothing_came_of_it(home: World) -> None:
    ada, dev = caller(home, "ada"), caller(home, "dev")
    task = ada.post("tasks", TASK, expect=201)
    assert (task["status"], task["document_number"]) == ("pending", "5.77")
    assert "task_number" in ada.post("tasks", TASK, expect=409)["detail"]
    change = {"updated_at": task["updated_at"], "notes": "begun", "dart_task_id": "abcDEF123456"}
    task = dev.patch(f"tasks/{task['id']}", change)
    other = ada.post("tasks", {**TASK, "task_number": 78, "dependencies": [task["id"]]}, expect=201)
    assert "waited for" in ada.delete(f"tasks/{task['id']}", expect=403)["detail"]
    ada.delete(f"tasks/{other['id']}", expect=204)
    assert dev.post(f"tasks/{task['id']}/start", {})["status"] == "in_progress"
    assert "began" in ada.delete(f"tasks/{task['id']}", expect=403)["detail"]
    of_the_document = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=8)
    assert "document's" in ada.delete(f"tasks/{of_the_document.pk}", expect=403)["detail"] or homes.current() == "live"


def test_a_task_waits_only_for_tasks_that_exist(home: World) -> None:
    ada = caller(home, "ada")
    assert "There is no task" in ada.post("tasks", {**TASK, "dependencies": [str(uuid4())]}, expect=422)["detail"]


def test_a_test_result_keeps_what_was_measured_and_is_remarked_upon_by_its_recorder(home: World) -> None:
    dev, sam, lena = caller(home, "dev"), caller(home, "sam"), caller(home, "lena")
    result = dev.post(
        "test-results", {**RESULT, "retest_required": True, "performance_metrics": {"seconds": 0.5}}, expect=201
    )
    assert (result["tested_by"], result["performance_metrics"]) == ("dev", {"seconds": 0.5})
    address, seen = f"test-results/{result['id']}", result["updated_at"]
    lena.patch(address, {"updated_at": seen, "notes": "x"}, expect=403)
    dev.patch(address, {"updated_at": seen, "test_status": "fail"}, expect=422)
    changed = sam.patch(address, {"updated_at": seen, "retest_required": False})
    assert (changed["retest_required"], changed["test_status"]) == (False, "pass")
    dev.patch(address, {"updated_at": seen, "notes": "late"}, expect=412)
    assert "needs a reason" in dev.delete(address, expect=403)["detail"]
    dev.delete(f"{address}?reason=the+wrong+module", expect=204)
    assert not TestResult.objects.filter(pk=result["id"]).exists()


def test_the_seven_phases_are_all_and_are_changed_by_those_who_lead_them(home: World) -> None:
    ada, lena, dev = (caller(home, name) for name in ("ada", "lena", "dev"))
    phase = lena.get("phases/4")
    ada.post("phases", {}, expect=409)
    assert "rolled back" not in ada.delete("phases/4", expect=409)["detail"]
    change = {"updated_at": phase["updated_at"], "deliverables": {"script": "ready"}}
    dev.patch("phases/4", change, expect=403)
    phase = lena.patch("phases/4", change)
    assert phase["deliverables"] == {"script": "ready"}
    lena.patch("phases/4", {"updated_at": phase["updated_at"], "lead_persona": "Dev Team"}, expect=403)
    assert lena.get("phases?order=-phase_number&limit=1")["items"][0]["phase_number"] == 7


def test_the_v7_columns_of_a_file_are_changed_in_the_live_home_only(home: World) -> None:
    dana, key = caller(home, "dana"), File.objects.values_list("pk", flat=True).first()
    file = dana.get(f"files/{key}")
    change = {"v7_updated_at": file["v7_updated_at"], "v7_impact_score": 7, "v7_dependencies": ["src/a.py"]}
    dana.post("files", {}, expect=409)
    dana.delete(f"files/{key}", expect=409)
    if homes.current() == homes.PLANNING:
        assert (file["v7_workflow_status"], dana.patch(f"files/{key}", change, expect=409)["status"]) == (None, 409)
        assert dana.get("files?v7_workflow_status=assessed")["count"] == 0
        return
    changed = dana.patch(f"files/{key}", change)
    assert (changed["v7_impact_score"], changed["v7_dependencies"]) == (7, ["src/a.py"])
    dana.patch(f"files/{key}", change, expect=412)
    dana.patch(f"files/{key}", {"v7_updated_at": changed["v7_updated_at"], "v7_impact_score": 11}, expect=422)
    moved = dana.post(f"files/{key}/assess", {"v7_updated_at": changed["v7_updated_at"]})
    assert moved["v7_workflow_status"] == "assessed"
    assert dana.get("files?v7_workflow_status=assessed")["count"] == 1


# -- what is refused -------------------------------------------------------------------------------------------------


def test_a_stale_row_is_refused_with_412_and_nothing_is_saved(home: World) -> None:
    dana, impact = caller(home, "dana"), an_impact()
    stale = {"updated_at": "2020-01-01T00:00:00Z", "impact_description": "overwritten"}
    answer = dana.patch(f"impacts/{impact.pk}", stale, expect=412)
    assert (answer["type"], bool(answer["next_step"])) == ("urn:v7-migration:problem:stale-form", True)
    dana.post(f"impacts/{impact.pk}/review", {"updated_at": stale["updated_at"]}, expect=412)
    dana.delete(f"impacts/{impact.pk}?updated_at=2020-01-01T00:00:00Z", expect=412)
    task = a_task(responsible_persona="Data Sentinel")
    dana.patch(f"tasks/{task.pk}", {"updated_at": stale["updated_at"], "notes": "x"}, expect=412)
    impact.refresh_from_db()
    assert (impact.impact_description, impact.approval_status) == ("Two status types become one.", "pending")


@pytest.mark.parametrize("field", ["id", "approval_status", "reviewed_by_personas", "created_at", "approved_by"])
def test_a_field_that_only_the_system_sets_is_refused_by_name(rolled_back: World, field: str) -> None:
    dana, impact = caller(rolled_back, "dana"), an_impact()
    sent = {"updated_at": impact.updated_at.isoformat(), field: "approved"}
    answer = dana.patch(f"impacts/{impact.pk}", sent, expect=422)
    assert [error["field"] for error in answer["errors"]] == [f"body.{field}"]
    assert dana.post("impacts", {**IMPACT, field: "approved"}, expect=422)["errors"][0]["field"] == f"body.{field}"


def test_a_persona_that_may_not_is_refused_everywhere(home: World) -> None:
    carl, otto, impact = caller(home, "carl"), caller(home, "otto"), an_impact()
    row, task = an_enum_migration("public.of_carl"), a_task()
    for person in (carl, otto):
        person.post("impacts", IMPACT, expect=403)
        person.post(f"impacts/{impact.pk}/review", {}, expect=403)
        person.delete(f"impacts/{impact.pk}", expect=403)
        person.post("enum-migrations", ENUM, expect=403)
        person.post(f"enum-migrations/{row.pk}/approve", {}, expect=403)
        person.delete(f"enum-migrations/{row.pk}", expect=403)
        person.post("tasks", TASK, expect=403)
        person.post(f"tasks/{task.pk}/start", {}, expect=403)
        person.delete(f"tasks/{task.pk}", expect=403)
        person.post("phases/4/start", {}, expect=403)
    assert otto.post("test-results", RESULT, expect=403)["next_step"]


def test_a_proven_task_is_not_completed_by_hand(rolled_back: World) -> None:
    task = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=1)
    for move in ("submit", "complete"):
        assert "evidence" in caller(rolled_back, "ada").post(f"tasks/{task.pk}/{move}", {}, expect=403)["detail"]


def test_a_fenced_home_is_answered_with_409_and_reads_go_on(migrated: World) -> None:
    dana, impact = caller(migrated, "dana"), an_impact()
    with migrated.control_owner() as owner:
        owner.execute("SET v7.acting_user = ''")
        owner.execute("UPDATE migration_gate.fence SET is_open = false")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tracking.middleware.settle_from_web", lambda: None)
        answer = dana.post("impacts", IMPACT, expect=409)
        assert (answer["type"], "run" in answer["next_step"]) == ("urn:v7-migration:problem:fenced", True)
        assert dana.get(f"impacts/{impact.pk}")["id"] == str(impact.pk)


def test_what_would_void_signatures_is_asked_first_with_the_signers(signed: World) -> None:
    dana = caller(signed, "dana")
    answer = dana.post("impacts", IMPACT, expect=409)
    assert len(answer["signers"]) == 3
    assert "confirm_voids=true" in answer["next_step"]
    before = GlobalImpact.objects.count()
    task = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=8)
    sent = {"updated_at": task.updated_at.isoformat(), "notes": "outside the digest"}
    caller(signed, "dev").patch(f"tasks/{task.pk}", sent)
    dana.post("impacts?confirm_voids=true", IMPACT, expect=201)
    assert GlobalImpact.objects.count() == before + 1
    gate = dana.get("gate")
    assert (gate["open"], gate["status"]) == (False, "stale")


# -- lists, views, gate, runs, events --------------------------------------------------------------------------------


def test_lists_are_cut_sorted_filtered_and_counted(home: World) -> None:
    dana = caller(home, "dana")
    before = dana.get("impacts?limit=1")["count"]
    for risk in ("low", "critical", "medium"):
        an_impact(risk_assessment=risk, impact_description=f"Sorted {risk}")
    found = dana.get("impacts?q=sorted&order=-risk&limit=2")
    assert (found["count"], [row["risk_assessment"] for row in found["items"]]) == (3, ["critical", "medium"])
    assert [row["risk_assessment"] for row in dana.get("impacts?q=sorted&order=risk&offset=2")["items"]] == ["critical"]
    assert dana.get("impacts?risk_assessment=low&q=sorted")["count"] == 1
    assert dana.get("impacts")["count"] == before + 3
    assert dana.get("impacts?updated_since=2999-01-01T00:00:00Z")["count"] == 0
    for wrong in ("limit=0", "limit=201", "offset=-1", "order=approval_status", "risk_assessment=none", "layer=x"):
        assert dana.get(f"impacts?{wrong}", expect=422)["errors"]


def test_a_list_asks_the_database_as_often_for_many_rows_as_for_one(executed: World) -> None:
    dana = caller(executed, "dana")

    def asked(address: str) -> int:
        with (
            CaptureQueriesContext(connections["default"]) as first,
            CaptureQueriesContext(connections["target"]) as second,
        ):
            dana.get(address)
        return len(first) + len(second)

    for number in range(4):
        an_impact(impact_description=f"No {number}")
        a_task()
        services.test_result_record(actor=executed.actor("sam"), **RESULT)
    for name in LISTS:
        assert asked(f"{name}?limit=200") == asked(f"{name}?limit=1"), name


def test_the_views_say_the_same_in_both_homes_as_the_pages(home: World) -> None:
    dana = caller(home, "dana")
    an_enum_migration("public.viewed", v7_enum_name="v7_viewed", affected_tables=["a", "b"])
    board = dana.get("views/migration-dashboard")
    assert [line["phase_number"] for line in board] == [1, 2, 3, 4, 5, 6, 7]
    line = next(x for x in dana.get("views/enum-consolidation-status") if x["v7_enum_name"] == "v7_viewed")
    assert (line["source_enums"], line["affected_table_count"]) == (["public.viewed"], 2)
    ready = dana.get("views/file-migration-readiness")
    assert sum(line["total_files"] for line in ready) == File.objects.count()
    states = sum(line["pending_assessment"] for line in ready)
    assert states == (0 if homes.current() == homes.PLANNING else File.objects.count())


def test_the_gate_says_who_signed_and_what_is_missing(frozen: World) -> None:
    otto, digest = caller(frozen, "otto"), frozen.changeset().digest
    gate = otto.get("gate")
    assert (gate["changeset"], gate["open"], gate["status"]) == (digest, False, "pending_approval")
    assert [seat["state"] for seat in gate["before"]] == ["open", "waiting", "waiting"]
    assert gate["reasons"]
    assert gate["target_compared"]
    frozen.sign_all()
    gate = otto.get(f"gate?changeset={digest[:12]}")
    assert (gate["open"], gate["reasons"], gate["before"][0]["signed_by"] is not None) == (True, [], True)
    otto.get("gate?changeset=ffffffffffffffff", expect=404)


def test_runs_and_events_are_read_and_never_written(executed: World) -> None:
    lena = caller(executed, "lena")
    run = lena.get("runs?state=finished")["items"][0]
    detail = lena.get(f"runs/{run['id']}")
    assert (detail["operator"], {step["state"] for step in detail["steps"]}) == ("lena", {"committed"})
    newest = lena.get("events?limit=2")["items"]
    assert newest[0]["id"] > newest[1]["id"]
    assert lena.get(f"events?after={newest[1]['id']}")["count"] == 1
    for address in ("runs", "events", f"runs/{run['id']}", "gate"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            answer = lena.send(method, address, {})
            assert (answer.status_code, answer["Content-Type"]) == (405, "application/problem+json"), address


def test_the_transitions_of_the_document_are_those_of_the_services() -> None:
    paths = document()["paths"]
    for name, known in (
        ("phases/{number}", phases.SERVICES),
        ("tasks/{task_id}", tasks.SERVICES),
        ("impacts/{impact_id}", impacts.SERVICES),
        ("enum-migrations/{enum_migration_id}", enums.SERVICES),
    ):
        parameters = paths[f"/api/v1/{name}/{{transition}}"]["post"]["parameters"]
        told = next(p["schema"]["enum"] for p in parameters if p["name"] == "transition")
        assert set(told) == set(known), name


def test_a_session_reads_and_writes_as_the_pages_do(rolled_back: World) -> None:
    dana: Caller = session(rolled_back, "dana")
    assert dana.get("me") == {"username": "dana", "personas": ["Data Sentinel"]}
    assert dana.post("impacts", IMPACT, expect=201)["approval_status"] == "pending"
