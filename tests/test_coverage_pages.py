"""The pages of the coverage: matrix, lines, the prefilled form, the signature, and what they do with nonsense."""

from __future__ import annotations

import json
from io import StringIO
from urllib.parse import urlencode

import pytest
from django.core.management import call_command

from tests.cast import PASSWORD
from tests.world import World
from tracking.models import GlobalImpact
from v7migration.ledger.models import BusinessImpact, NoImpact
from v7migration.pipeline import coverage
from v7migration.pipeline.coverage import State

HARMLESS = {"change": "search_status", "layer": "5"}
NONSENSE = ("", "x", "-1", "1e3", "9" * 40, "٣", "none", "\x00", "1,2", "null")


def test_the_matrix_counts_layers_by_workflow_and_leads_to_the_lines(mapped: World) -> None:
    client = mapped.client("otto")
    answer = client.get("/coverage/")
    matrix = answer.context["matrix"]
    assert [row.place.layer for row in matrix.rows] == [1, 2, 4, 5, 6, 7]
    assert (matrix.all.done, matrix.all.total) == (0, len(coverage.look().cells))
    models = matrix.rows[0]
    counts = {code: count.total for code, count in models.counts if count}
    inside = [cell for cell in coverage.look().cells if cell.layer == 1 and "WF4" in cell.evidence.workflows]
    assert counts["WF4"] == len(inside) > 0
    left = client.get("/coverage/?layer=1&workflow=WF4").context["kept"]
    assert left == len(inside)
    page = client.get(inside[0].url).content.decode()
    line = inside[0].evidence.lines[0]
    assert f"{line.path}:{line.line}" in page and line.confidence in page


def test_the_matrix_counts_what_was_approved(frozen: World) -> None:
    matrix = frozen.client("otto").get("/coverage/").context["matrix"]
    assert matrix.all.done == matrix.all.total > 0
    assert {row.all.share for row in matrix.rows} == {100}


@pytest.mark.parametrize("place", ["/coverage/", "/coverage/cell/", "/coverage/sign/", "/impacts/new/"])
def test_nonsense_in_the_address_is_no_error(mapped: World, place: str) -> None:
    client, seen = mapped.client("dana"), set()
    for word in NONSENSE:
        words = urlencode(dict.fromkeys(("layer", "workflow", "state", "change", "page", "sort"), word))
        seen.add(client.get(f"{place}?{words}").status_code)
    assert seen <= ({200} if place in ("/coverage/", "/impacts/new/") else {404})


def test_the_form_is_prefilled_with_the_evidence_beside_it_and_covers_the_changes_that_are_ticked(
    mapped: World,
) -> None:
    dana = mapped.client("dana")
    answer = dana.get("/impacts/new/?layer=1")
    first, page = answer.context["form"].initial, answer.content.decode()
    cells = [cell for cell in coverage.look().cells if cell.layer == 1]
    assert first["changes"] == [cell.change for cell in cells]
    assert (first["affected_layers"], first["breaking"], first["risk_assessment"]) == ([1], True, "high")
    assert "WF4" in first["affected_workflows"] and "WF8" not in first["affected_workflows"]
    assert "Not registered as workflows, so they cannot be ticked: WF8, WF9" in page
    assert f"{cells[0].evidence.lines[0].path}:" in page and "breaks" in page
    data = first | {"mitigation_strategy": "Rename with the type.", "breaking": "on", "changes": first["changes"][:2]}
    filed = dana.post("/impacts/new/?layer=1", data)
    impact = GlobalImpact.objects.get()
    assert (filed.status_code, filed.headers["Location"]) == (302, f"/impacts/{impact.pk}/")
    assert coverage.changes_of(impact) == first["changes"][:2]
    assert impact.change_detail["code_map"] == first["code_map"]
    states = {cell.change: cell.state for cell in coverage.look().cells if cell.layer == 1}
    assert {name for name, state in states.items() if state == State.FILED} == set(first["changes"][:2])


def test_the_form_of_one_change_proposes_that_change(mapped: World) -> None:
    answer = mapped.client("dana").get("/impacts/new/?layer=1&change=curation_status")
    assert answer.context["form"].initial["changes"] == ["curation_status"]
    assert len(answer.context["form"].fields["changes"].choices) > 1


def test_what_breaks_needs_a_mitigation_and_the_form_keeps_what_was_typed(mapped: World) -> None:
    dana = mapped.client("dana")
    first = dana.get("/impacts/new/?layer=1").context["form"].initial
    answer = dana.post("/impacts/new/?layer=1", first | {"breaking": "on", "impact_description": "Kept words"})
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "what is done about it" in page and "Kept words" in page
    assert not GlobalImpact.objects.exists()


def test_changing_an_assessment_takes_the_newest_code_map(mapped: World) -> None:
    impact = mapped.assess(1)
    dana, page = mapped.client("dana"), f"/impacts/{impact.pk}/edit/"
    first = dana.get(page).context["form"].initial
    assert first["changes"] == coverage.changes_of(impact) and "changes" not in first["change_detail"]
    data = first | {"change_detail": '{"note": "x"}', "breaking": "on", "changes": ["curation_status"]}
    assert dana.post(page, data).status_code == 302
    impact = GlobalImpact.objects.get()
    assert (coverage.changes_of(impact), impact.change_detail["note"]) == (["curation_status"], "x")
    refused = mapped.client("wilma").post(page, data | {"updated_at": impact.updated_at.isoformat()})
    assert refused.status_code == 403, "another persona answers for the layer"


def test_the_business_impact_is_recorded_on_the_page_by_its_persona(mapped: World) -> None:
    impact = mapped.assess(1)
    page = f"/impacts/{impact.pk}/"
    assert 'name="said-WF4"' in mapped.client("wilma").get(page).content.decode()
    assert 'name="said-' not in mapped.client("dana").get(page).content.decode()
    refused = mapped.client("dana").post(f"{page}business/", {"said-WF4": "Nothing."})
    assert (refused.status_code, BusinessImpact.objects.count()) == (403, 0)
    assert mapped.client("wilma").post(f"{page}business/", {"said-WF99": "x"}).status_code == 400
    mapped.client("dana").post(f"{page}review/", {"reason": ""})
    waiting = mapped.client("ada").post(f"{page}approve/", {"reason": ""})
    assert waiting.status_code == 403 and "WF4 Persona (Wilma Test)" in waiting.content.decode()
    done = mapped.client("wilma").post(f"{page}business/", {"said-WF4": "Curators see no change."}, follow=True)
    assert "Curators see no change." in done.content.decode()
    assert mapped.client("ada").post(f"{page}approve/", {"reason": ""}).status_code == 302


def test_no_impact_is_signed_on_a_page_without_script_with_the_password(mapped: World) -> None:
    ada, page = mapped.client("ada"), f"/coverage/sign/?{urlencode(HARMLESS)}"
    shown = ada.get(page)
    assert "<script" not in shown.content.decode()
    assert "script-src" not in shown.headers["Content-Security-Policy"]
    digest = shown.context["form"].initial["shown_digest"]
    data = {"reason": "Only a default names it.", "shown_digest": digest}
    assert ada.post(page, data).status_code == 400
    wrong = ada.post(page, data | {"password": "not the password"})
    assert wrong.status_code == 403 and "The password is not right" in wrong.content.decode()
    other = mapped.client("dana").post(page, data | {"password": PASSWORD})
    assert other.status_code == 403 and "answers for" in other.content.decode()
    assert not NoImpact.objects.exists()
    done = ada.post(page, data | {"password": PASSWORD}, follow=True)
    assert "Only a default names it." in done.content.decode()
    assert NoImpact.objects.get().by == "ada"


def test_home_tells_a_guardian_what_to_assess_and_a_workflow_persona_what_to_say(mapped: World) -> None:
    assert "/impacts/new/?layer=1" in mapped.client("dana").get("/").content.decode()
    assert "/impacts/new/?layer=1" not in mapped.client("sam").get("/").content.decode()
    impact = mapped.assess(1)
    assert f"/impacts/{impact.pk}/#business" in mapped.client("wilma").get("/").content.decode()
    assert "/impacts/new/?layer=1" not in mapped.client("dana").get("/").content.decode()


def test_the_status_tells_the_coverage(mapped: World) -> None:
    out = StringIO()
    call_command("v7_status", json=True, stdout=out)
    told = json.loads(out.getvalue())["coverage"]
    assert (told["complete"], told["covered"], told["total"]) == (False, 0, len(coverage.look().cells))
    assert any("Layer 1 Models & ENUMs has no assessment of" in reason for reason in told["reasons"])
    assert told["layers"][0]["workflows"]["WF4"]["done"] == 0
    assert {"change", "layer", "state", "breaking", "next_step"} <= told["open"][0].keys()
