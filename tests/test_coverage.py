"""Coverage as a gate: every accepted change is assessed in every layer that it touches (document 2.1.3)."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import DatabaseError, connections
from django.test.utils import CaptureQueriesContext

from approvals.gates import Denied
from approvals.models import SigningAttempt
from approvals.refusals import SigningRefused
from approvals.services import grant
from tests.cast import PASSWORD
from tests.world import World
from tracking.models import EnumMigration, GlobalImpact
from tracking.services import enum_migration_propose, impact_reject, impact_review
from v7migration.errors import AppendOnlyRefused, GateClosed, Refused, StaleForm, TransitionRefused, UsageError
from v7migration.ledger.models import BusinessImpact, Event, Inventory, NoImpact
from v7migration.pipeline import coverage, gatekeeper, inventory, sign
from v7migration.pipeline.coverage import Assessed, Cell, State

HARMLESS = ("search_status", 5)
"""A change and a layer of the demo in which no line breaks."""
CHANGE = ("curation_status", 1)
"""A change and a layer of the demo in which lines break for certain."""
BREAKS = {"line": 7, "what": "compares with a value that goes", "breaking": True, "confidence": "certain"}


def cell_of(change: str, layer: int | None) -> Cell:
    found = coverage.look().find(change, layer)
    assert found is not None
    return found


def map_again(alter: Callable[[dict[str, Any]], None]) -> Inventory:
    """Store another code map: the newest one, altered."""
    newest = Inventory.objects.filter(part="code")[0]
    document = copy.deepcopy(newest.document)
    alter(document)
    again: Inventory = Inventory.objects.create(part="code", subject=newest.subject, document=document, taken_by="ada")
    return again


def a_line_more(change: str, layer: int, line: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Return what adds a line to the first file of a layer that a change touches."""
    migrations = {str(pk) for pk in EnumMigration.objects.filter(v7_enum_name=change).values_list("pk", flat=True)}

    def alter(document: dict[str, Any]) -> None:
        files = [f for c in document["changes"] if c["migration"] in migrations for f in c["files"]]
        next(file for file in files if file["layer"] == layer)["lines"].append(line)

    return alter


def sign_no_impact(world: World, name: str, change: str, layer: int | None, **words: str) -> NoImpact:
    said = {"password": PASSWORD, "reason": "Only a comment names it.", **words}
    said.setdefault("shown_digest", cell_of(change, layer).evidence.digest)
    return coverage.sign_no_impact(person=world.user(name), change=change, layer=layer, **said)


# -- the gate --------------------------------------------------------------------------------------------------------


def test_nothing_is_frozen_while_a_change_is_not_assessed_in_a_layer(mapped: World) -> None:
    with pytest.raises(GateClosed) as closed:
        sign.freeze(person=mapped.user("lena"))
    assert "Layer 1 Models & ENUMs has no assessment of" in str(closed.value)
    assert "/impacts/new/?layer=1 (Data Sentinel)" in str(closed.value)
    assert "/coverage/" in closed.value.next_step


def test_each_code_map_is_asked_for_once_however_many_cells_it_answers_for(frozen: World) -> None:
    known = {impact.change_detail["code_map"] for impact in GlobalImpact.objects.all()}
    with CaptureQueriesContext(connections["default"]) as asked:
        found = coverage.look()
    assert found.is_complete and found.covered > len(known) + 1
    assert sum('FROM "ledger_inventory"' in query["sql"] for query in asked) <= len(known) + 2


def test_a_layer_whose_persona_nobody_holds_is_answered_for_by_the_architect(mapped: World) -> None:
    place = cell_of("curation_status", 2).place
    assert (place.name, place.persona, place.people) == ("Schemas", "The Architect", ("Ada Test",))
    grant(persona="Schema Guardian", user=mapped.user("dev"), by=None)
    assert cell_of("curation_status", 2).place.persona == "Schema Guardian"


def test_assessed_changes_are_frozen_and_the_signatures_cover_who_assessed_them(frozen: World) -> None:
    covered = gatekeeper.manifest(frozen.changeset())["coverage"]
    assert {cell["state"] for cell in covered["cells"]} == {"approved"}
    assert {cell["by"] for cell in covered["cells"]} == {"ada"}
    assert len(covered["cells"]) == len(coverage.look().cells) > 20
    assert covered["code_map"] == str(Inventory.objects.filter(part="code")[0].pk)


def test_a_changed_code_closes_the_gate_of_a_signed_changeset(signed: World) -> None:
    map_again(a_line_more(*CHANGE, BREAKS))
    decision = gatekeeper.check(signed.changeset())
    assert isinstance(decision, Denied)
    said = [reason.sentence for reason in decision.reasons]
    assert len(said) == 1
    assert "1 breaking line more than when it was assessed" in said[0]
    assert said[0].endswith("/impacts/new/?change=curation_status&layer=1 (Data Sentinel).")


def test_a_run_that_committed_goes_on_with_the_coverage_that_was_signed(executed: World) -> None:
    map_again(a_line_more(*CHANGE, BREAKS))
    unmet = [p.reason for p in gatekeeper.prerequisites(executed.changeset()) if not p.met]
    assert unmet == []


def test_without_a_code_map_the_coverage_is_open_with_the_way_to_one(world: World) -> None:
    inventory.take(actor=world.actor("ada"), only="enums")
    assert coverage.look().is_complete, "nothing was accepted yet"
    world.accept_groups()
    found = coverage.look()
    assert not found.is_complete
    assert "There is no code map" in found.gaps[0]
    assert "v7_inventory --only code" in coverage.reasons(found)[0]


def test_a_map_that_is_older_than_an_accepted_change_leaves_the_coverage_open(frozen: World) -> None:
    enum_migration_propose(
        actor=frozen.actor("dana"),
        current_enum_name="mood",
        v7_enum_name="temper",
        current_enum_values=["a"],
        v7_enum_values=["a"],
    )
    found = coverage.look()
    assert found.open == ()
    assert not found.is_complete
    assert "does not know mood" in found.sentence
    inventory.take(actor=frozen.actor("ada"), only="code")
    assert coverage.look().is_complete, "no line of the code touches it"


# -- assessments -----------------------------------------------------------------------------------------------------


def test_an_assessment_covers_its_changes_only_when_the_architect_approved_it(mapped: World) -> None:
    impact = mapped.assess(1)
    assert cell_of(*CHANGE).state == State.FILED
    impact = impact_review(impact=impact, actor=mapped.actor("dana"))
    assert (cell_of(*CHANGE).state, cell_of(*CHANGE).turn[0]) == (State.IN_REVIEW, "The Architect")
    with pytest.raises(TransitionRefused, match="may not approve"):
        coverage.approve(impact=impact, actor=mapped.actor("dana"))
    mapped.approve_impact(impact_reject(impact=impact, actor=mapped.actor("ada"), reason="Say what breaks."))
    assert (cell_of(*CHANGE).state, cell_of(*CHANGE).by) == (State.APPROVED, "ada")
    assert cell_of("curation_status", 2).state == State.TO_ASSESS


def test_a_rejected_assessment_covers_nothing(mapped: World) -> None:
    impact = impact_review(impact=mapped.assess(1), actor=mapped.actor("dana"))
    impact_reject(impact=impact, actor=mapped.actor("ada"), reason="Say what breaks.")
    assert cell_of(*CHANGE).state == State.TO_ASSESS
    assert "was rejected" in cell_of(*CHANGE).why


def test_an_assessment_of_one_change_leaves_the_others_of_its_layer_open(mapped: World) -> None:
    mapped.approve_impact(mapped.assess(1, "curation_status"))
    states = {cell.change: cell.state for cell in coverage.look().cells if cell.layer == 1}
    assert states.pop("curation_status") == State.APPROVED
    assert set(states.values()) == {State.TO_ASSESS}


def test_the_guardian_of_another_layer_may_not_assess_a_layer(mapped: World) -> None:
    newest = str(Inventory.objects.filter(part="code")[0].pk)
    content = {"change_type": "enum", "impact_description": "x", "affected_layers": [7], "change_detail": {}}
    with pytest.raises(TransitionRefused, match="dana holds Data Sentinel and may not assess"):
        coverage.file_impact(
            actor=mapped.actor("dana"), assessed=Assessed(("curation_status",), True, newest), content=content
        )
    with pytest.raises(Refused, match="No accepted change is called nothing"):
        coverage.file_impact(actor=mapped.actor("sam"), assessed=Assessed(("nothing",), True, newest), content=content)
    with pytest.raises(StaleForm):
        coverage.file_impact(
            actor=mapped.actor("sam"), assessed=Assessed(("curation_status",), True, "x"), content=content
        )
    with pytest.raises(Refused, match="what is done about it"):
        coverage.file_impact(
            actor=mapped.actor("sam"), assessed=Assessed(("curation_status",), True, newest), content=content
        )
    assert not GlobalImpact.objects.exists()


def test_an_approved_assessment_is_stale_only_when_more_breaks_than_it_knew(mapped: World) -> None:
    mapped.approve_impact(mapped.assess(1))
    map_again(a_line_more(*CHANGE, {**BREAKS, "breaking": False}))
    assert cell_of(*CHANGE).state == State.APPROVED
    map_again(a_line_more(*CHANGE, BREAKS))
    assert (cell_of(*CHANGE).state, cell_of(*CHANGE).is_covered) == (State.STALE, False)
    assert "1 breaking line more" in cell_of(*CHANGE).why
    mapped.approve_impact(mapped.assess(1))
    assert cell_of(*CHANGE).state == State.APPROVED


@pytest.mark.parametrize("detail", [{}, {"changes": "curation_status"}, {"changes": [1, None]}, {"changes": {}}])
def test_an_impact_that_names_no_change_covers_nothing(mapped: World, detail: dict[str, Any]) -> None:
    impact = coverage.file_impact(
        actor=mapped.actor("dana"), assessed=Assessed(),
        content={"change_type": "enum", "impact_description": "x", "affected_layers": [1], "change_detail": detail},
    )  # fmt: skip
    mapped.approve_impact(impact)
    assert {cell.state for cell in coverage.look().cells} == {State.TO_ASSESS}


# -- business impact -------------------------------------------------------------------------------------------------


def test_approval_waits_for_the_workflow_personas_whom_somebody_holds(mapped: World) -> None:
    impact = impact_review(impact=mapped.assess(1), actor=mapped.actor("dana"))
    assert {"WF4", "WF5"} <= set(impact.affected_workflows)
    with pytest.raises(TransitionRefused) as refused:
        coverage.approve(impact=impact, actor=mapped.actor("ada"))
    assert "not recorded by WF4 Persona (Wilma Test)" in str(refused.value)
    assert "WF5" not in str(refused.value), "nobody holds it, so nobody is waited for"
    said = {"WF4": "Curators see the same states.", "WF5": " "}
    coverage.record_business_impact(impact=impact, actor=mapped.actor("wilma"), said=said)
    assert coverage.approve(impact=impact, actor=mapped.actor("ada")).approval_status == "approved"
    assert BusinessImpact.objects.get().persona == "WF4 Persona"


def test_what_was_said_of_another_text_of_the_assessment_is_stale(mapped: World) -> None:
    impact = impact_review(impact=mapped.assess(1), actor=mapped.actor("dana"))
    said = {"WF4": "Curators see the same states."}
    coverage.record_business_impact(impact=impact, actor=mapped.actor("wilma"), said=said)
    notes = {"implementation_notes": "Spelling.", "affected_workflows": [*impact.affected_workflows, "WF1"]}
    impact = coverage.amend_impact(impact=impact, actor=mapped.actor("dana"), changes=notes)
    assert not any(voice.is_stale for voice in coverage.voices(impact))
    assert coverage.unspoken([impact], ["WF4 Persona"]) == []
    changes = {"impact_description": "Two states are dropped."}
    impact = coverage.amend_impact(impact=impact, actor=mapped.actor("dana"), changes=changes)
    assert [voice.workflow for voice in coverage.voices(impact) if voice.is_stale] == ["WF4"]
    assert coverage.unspoken([impact], ["WF4 Persona"]) == [impact]
    client = mapped.client("wilma")
    assert "The assessment was changed since" in client.get(f"/impacts/{impact.pk}/").content.decode()
    with pytest.raises(TransitionRefused, match="of the assessment as it reads now by WF4 Persona"):
        coverage.approve(impact=impact, actor=mapped.actor("ada"))
    coverage.record_business_impact(impact=impact, actor=mapped.actor("wilma"), said=said)
    assert coverage.approve(impact=impact, actor=mapped.actor("ada")).approval_status == "approved"


def test_only_its_own_persona_says_what_an_impact_means_for_a_workflow(mapped: World) -> None:
    impact = mapped.assess(1)
    for name in ("dana", "ada", "otto"):
        with pytest.raises(TransitionRefused, match="say what it means for WF4"):
            coverage.record_business_impact(impact=impact, actor=mapped.actor(name), said={"WF4": "Nothing."})
    for said in ({}, {"WF4": "  "}, {"WF77": "x"}):
        with pytest.raises(UsageError):
            coverage.record_business_impact(impact=impact, actor=mapped.actor("wilma"), said=said)
    assert not BusinessImpact.objects.exists()
    mapped.approve_impact(impact)
    decided = GlobalImpact.objects.get()
    with pytest.raises(TransitionRefused, match="is approved"):
        coverage.record_business_impact(impact=decided, actor=mapped.actor("wilma"), said={"WF4": "Too late."})


# -- "no impact" -----------------------------------------------------------------------------------------------------


def test_a_signed_no_impact_covers_a_change_until_the_lines_are_others(mapped: World) -> None:
    grant(persona="Config Conductor", user=mapped.user("dev"), by=None)
    row = sign_no_impact(mapped, "dev", *HARMLESS)
    cell = cell_of(*HARMLESS)
    assert (cell.state, cell.by, cell.no_impact) == (State.NO_IMPACT, "dev", row)
    assert (row.persona, row.person_name, row.evidence) == ("Config Conductor", "Dev Test", cell.evidence.digest)
    assert row.evidence in row.statement
    assert Event.objects.filter(kind="coverage.no_impact", actor="dev").exists()
    map_again(a_line_more(*HARMLESS, {**BREAKS, "breaking": False}))
    assert cell_of(*HARMLESS).state == State.STALE
    assert "for other lines" in cell_of(*HARMLESS).why


def test_a_line_that_only_moved_leaves_a_signed_no_impact_standing(mapped: World) -> None:
    sign_no_impact(mapped, "ada", *HARMLESS)

    def move(document: dict[str, Any]) -> None:
        for change in document["changes"]:
            for file in change["files"]:
                for line in file["lines"]:
                    line["line"] += 3

    map_again(move)
    assert cell_of(*HARMLESS).state == State.NO_IMPACT


def refused(world: World, name: str, change: str, layer: int | None, **words: str) -> str:
    with pytest.raises(SigningRefused) as caught:
        sign_no_impact(world, name, change, layer, **words)
    assert not NoImpact.objects.exists()
    attempt = SigningAttempt.objects.all()[0]
    assert (attempt.username, attempt.code, attempt.subject_kind) == (name, caught.value.code, "coverage")
    return caught.value.code


def test_no_impact_is_signed_by_the_right_persona_with_the_own_password_for_what_the_page_shows(mapped: World) -> None:
    assert refused(mapped, "ada", *HARMLESS, password="not the password") == "wrong-password"
    assert refused(mapped, "dana", *HARMLESS) == "wrong-persona"
    assert refused(mapped, "otto", *HARMLESS) == "wrong-persona"
    assert refused(mapped, "ada", *HARMLESS, reason="  ") == "reason-missing"
    assert refused(mapped, "ada", *HARMLESS, shown_digest="0" * 64) == "stale-page"
    assert refused(mapped, "dana", *CHANGE) == "breaking"


def test_a_covered_cell_is_not_signed_again(mapped: World) -> None:
    sign_no_impact(mapped, "ada", *HARMLESS)
    with pytest.raises(SigningRefused, match="no impact already"):
        sign_no_impact(mapped, "ada", *HARMLESS)


@pytest.mark.parametrize("table", ["ledger_noimpact", "ledger_businessimpact"])
def test_what_was_signed_or_said_cannot_be_changed_or_deleted(mapped: World, table: str) -> None:
    sign_no_impact(mapped, "ada", *HARMLESS)
    coverage.record_business_impact(impact=mapped.assess(1), actor=mapped.actor("wilma"), said={"WF4": "None."})
    for row in (NoImpact.objects.get(), BusinessImpact.objects.get()):
        with pytest.raises(AppendOnlyRefused):
            row.delete()
        with pytest.raises(AppendOnlyRefused):
            row.save()
    for statement in (f"UPDATE {table} SET by = 'eve'", f"DELETE FROM {table}", f"TRUNCATE {table}"):
        with mapped.control_owner() as owner, pytest.raises(psycopg.errors.RestrictViolation):
            owner.execute(statement)
        with pytest.raises(DatabaseError), connections["default"].cursor() as cursor:
            cursor.execute(statement)
    assert NoImpact.objects.get().by == "ada"
