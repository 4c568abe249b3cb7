"""What the API says of evidence: criteria, tasks, changesets, and the history of rows."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from tests.api import Caller, caller
from tests.tracked import a_task, an_enum_migration, an_impact
from tests.world import World
from tracking import home as homes
from tracking.models import File, Phase
from v7migration.pipeline.verify import validate


def kinds(person: Caller, address: str) -> list[tuple[str, str | None]]:
    """Return kind and person of every version, newest first."""
    return [(version["kind"], version["person"]) for version in person.get(f"{address}/history")["items"]]


def test_the_criteria_and_the_tasks_are_those_of_the_status(
    executed: World, capsys: pytest.CaptureFixture[str]
) -> None:
    assert validate(person=executed.user("sam")).ok
    capsys.readouterr()
    call_command("v7_status", "--json")
    told = json.loads(capsys.readouterr().out)
    otto = caller(executed, "otto")
    found = otto.get("criteria")
    assert found == told["criteria"]
    assert [criterion["number"] for criterion in found] == list(range(1, 11))
    assert {criterion["met"] for criterion in found} == {True, False}
    page = executed.client("otto").get("/criteria/").content.decode()
    for criterion in found:
        assert criterion["title"] in page
        assert not criterion["met"] or f'href="{criterion["page"]}"' in page
    tasks = otto.get("evidence")
    assert [(task["task"], task["status"], len(task["evidence"])) for task in tasks] == [
        (task["task"], task["status"], len(task["evidence"])) for task in told["tasks"]
    ]
    assert all(proof["said"] for task in tasks for proof in task["evidence"])


def test_changesets_are_listed_and_read_and_never_written(signed: World) -> None:
    otto, changeset = caller(signed, "otto"), signed.changeset()
    [line] = otto.get("changesets?author=lena&target=v7_target")["items"]
    assert (line["digest"], line["script"], line["rehearsal_ok"]) == (changeset.digest, changeset.script_id, True)
    detail = otto.get(f"changesets/{changeset.digest[:12]}")
    assert detail["manifest"] == json.loads(changeset.manifest)
    assert {key: detail[key] for key in line} == line
    assert (detail["intact"], detail["runs"]) == (True, [])
    assert otto.get("changesets?frozen_since=2999-01-01T00:00:00Z")["count"] == 0
    otto.get("changesets/ffffffffff", expect=404)
    for wrong in ("changesets/%25", "changesets/ab", "changesets/ABCDEF12", "changesets?order=manifest"):
        otto.get(wrong, expect=422)
    for address in ("changesets", f"changesets/{changeset.digest}", "criteria", "evidence"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert otto.send(method, address, {}).status_code == 405, (method, address)


def test_the_history_of_a_row_says_who_did_what_when_and_why(home: World) -> None:
    dana, wilma = caller(home, "dana"), caller(home, "wilma")
    impact = an_impact(risk_assessment="high")
    address = f"impacts/{impact.pk}"
    change = {"updated_at": impact.updated_at.isoformat(), "risk_assessment": "low", "reason": "looked again"}
    dana.patch(address, change)
    dana.post(f"{address}/review", {})
    newest, changed, made = dana.get(f"{address}/history")["items"]
    assert (made["kind"], made["person"], made["changes"]) == ("created", "gus", [])
    assert made["row"]["risk_assessment"] == "high"
    assert (changed["person"], changed["reason"]) == ("dana", "looked again")
    assert changed["changes"] == [{"field": "risk_assessment", "before": "high", "after": "low"}]
    assert {c["field"]: c["after"] for c in newest["changes"]}["approval_status"] == "reviewing"
    only = wilma.get(f"{address}/history?person=dana&kind=changed&order=at&limit=1&offset=1")
    assert (only["count"], only["items"]) == (2, [newest])
    assert wilma.get(f"{address}/history?since={changed['at'].replace('+', '%2B')}")["count"] == 2
    assert wilma.get(f"{address}/history?until={changed['at'].replace('+', '%2B')}")["items"] == [made]
    for wrong in ("order=person", "kind=signed", "person=%00", "limit=-1", "offset=-1", "since=yesterday"):
        wilma.get(f"{address}/history?{wrong}", expect=422)
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert dana.send(method, f"{address}/history", {}).status_code == 405


def test_every_table_has_its_history_and_a_deleted_row_keeps_it(home: World) -> None:
    ada, dana = caller(home, "ada"), caller(home, "dana")
    result = dana.post(
        "test-results", {"test_type": "unit", "component_tested": "x", "test_status": "pass"}, expect=201
    )
    dana.delete(f"test-results/{result['id']}?reason=a+mistake", expect=204)
    assert kinds(dana, f"test-results/{result['id']}") == [("deleted", "dana"), ("created", "dana")]
    assert kinds(dana, f"tasks/{a_task().pk}") == [("created", "seed")]
    assert kinds(dana, f"enum-migrations/{an_enum_migration().pk}") == [("created", "gus")]
    phase = ada.get("phases/6")
    ada.patch("phases/6", {"updated_at": phase["updated_at"], "deliverables": {"x": "y"}, "reason": "planned"})
    [version] = dana.get("phases/6/history?person=ada")["items"]
    assert (version["row"]["deliverables"], version["reason"]) == ({"x": "y"}, "planned")
    assert version["row"]["id"] == str(Phase.objects.get(phase_number=6).pk)
    for kind in ("tasks", "impacts", "enum-migrations", "test-results"):
        dana.get(f"{kind}/00000000-0000-4000-8000-000000000000/history", expect=404)
        dana.get(f"{kind}/4/history", expect=422)
    dana.get("files/999999/history", expect=404)
    dana.get("phases/9/history", expect=422)


def test_the_history_of_a_file_holds_its_v7_values_only(home: World) -> None:
    dana, key = caller(home, "dana"), File.objects.values_list("pk", flat=True).first()
    address = f"files/{key}"
    before = dana.get(f"{address}/history")["count"]
    if homes.current() == homes.PLANNING:
        assert before == 0
        return
    file = dana.get(address)
    file = dana.patch(address, {"v7_updated_at": file["v7_updated_at"], "v7_impact_score": 7})
    dana.patch(address, {"v7_updated_at": file["v7_updated_at"], "v7_impact_score": 8, "reason": "worse"})
    found = dana.get(f"{address}/history")
    assert found["count"] == before + 2
    newest = found["items"][0]
    assert newest["changes"] == [{"field": "v7_impact_score", "before": 7, "after": 8}]
    assert newest["at"] == dana.get(address)["v7_updated_at"]
    assert "technical_debt" not in newest["row"]
    assert {"id", "file_path", "v7_impact_score"} < set(newest["row"])


def test_a_page_of_a_long_history_compares_with_the_version_before_it(rolled_back: World) -> None:
    dana, impact = caller(rolled_back, "dana"), an_impact()
    address, seen = f"impacts/{impact.pk}", impact.updated_at.isoformat()
    for number in range(5):
        seen = dana.patch(address, {"updated_at": seen, "implementation_notes": str(number)})["updated_at"]
    page = dana.get(f"{address}/history?limit=2&offset=1")
    assert page["count"] == 6
    assert [version["changes"][0]["before"] for version in page["items"]] == ["2", "1"]
