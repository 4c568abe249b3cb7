"""The ten success criteria are computed from evidence (document 7)."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from tests.world import World
from v7migration.ledger.models import Run, Validation
from v7migration.pipeline import inventory, validation
from v7migration.pipeline.criteria import FILES, POPULATION, TABLES, criteria
from v7migration.pipeline.verify import validate, verify


def met() -> set[int]:
    """Return the numbers of the criteria that are met."""
    return {criterion.number for criterion in criteria() if criterion.met}


def test_nothing_is_met_before_anything_was_done(world: World) -> None:
    assert met() == set()
    assert all("Nothing was executed" in criterion.said for criterion in criteria())


def test_a_rehearsed_changeset_meets_the_rollback_and_nothing_else(signed: World) -> None:
    assert met() == {5}


def test_a_run_is_not_enough_and_nor_is_a_look_by_somebody_who_is_no_test_sentinel(executed: World) -> None:
    assert met() == {5}
    verify(person="lena")
    assert met() == {5, 7}
    assert "not validated by a Test Sentinel" in criteria()[0].said and "No Test Sentinel" in criteria()[7].said


FAULTS = (
    (1, "ALTER TABLE public.v7_test_results ALTER component_tested DROP NOT NULL", "shape of public.v7_test_results"),
    (2, "ALTER TABLE public.file_audit ALTER v7_impact_score SET DEFAULT 7", "shape of public.file_audit"),
    (3, "DELETE FROM public.v7_enum_migrations", "4.3 enums"),
    (4, "DROP VIEW v7_monitoring.v7_enum_consolidation_status", "views"),
    (5, "CREATE VIEW public.report AS SELECT v7_target_name FROM public.file_audit", "rollback proof"),
)


def test_a_green_validation_meets_what_it_checked_and_each_fault_takes_its_criterion_away(executed: World) -> None:
    assert validate(person=executed.user("sam")).ok
    found = criteria()
    assert met() == {1, 2, 3, 4, 5, 7, 8}
    assert {(criterion.by, criterion.at is None) for criterion in (*found[:5], found[7])} == {("sam", False)}
    assert all(criterion.page.endswith("/validation/") for criterion in (*found[:5], found[7]))
    left = met() - {8}
    for number, statement, name in FAULTS:
        with executed.runner() as runner:
            runner.execute(statement.encode())
        if number == 5:
            validate(person=executed.user("sam"))
        else:
            verify(person="")
        left -= {number}
        assert met() == left, f"the fault of criterion {number}"
        assert name in criteria()[number - 1].said


def test_a_failure_that_is_accepted_by_name_no_longer_keeps_its_criteria_open(executed: World) -> None:
    with executed.runner() as runner:
        runner.execute("DROP INDEX public.idx_test_results_status")
    validate(person=executed.user("sam"))
    run = Run.objects.get()
    assert met() == {2, 3, 4, 5, 7}
    keys = [failure["evidence"] for failure in validation.open_failures(run)]
    validation.accept(run=run, person=executed.user("sam"), keys=keys, reason="It is built tonight.")
    assert met() == {1, 2, 3, 4, 5, 7, 8}
    assert "Accepted by name: shape of public.v7_test_results (sam)." in criteria()[0].said


def test_a_check_that_the_validation_did_not_make_meets_nothing(executed: World) -> None:
    checks = [{"name": name, "ok": True} for name in (*TABLES, *FILES, *POPULATION) if name != "rows of file_audit"]
    Validation.objects.create(run=Run.objects.get(), by="sam", ok=True, document={"checks": checks})
    assert met() == {1, 3, 5, 8}
    assert "did not check: rows of file_audit" in criteria()[1].said


def test_what_was_taken_back_meets_nothing(rolled_back: World) -> None:
    assert met() <= {5}


def test_the_last_seats_of_the_architect_are_named_while_they_are_missing(executed: World) -> None:
    assert criteria()[9].said == "The Architect has not signed: Validation countersigned."


def test_without_a_baseline_before_the_run_its_criterion_stays_open(executed: World) -> None:
    inventory.take(actor=executed.actor("ada"), only="baseline")
    assert 7 not in met()


def test_the_status_and_the_page_say_the_same(executed: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("v7_status", "--json")
    told = json.loads(capsys.readouterr().out)["criteria"]
    assert [criterion["number"] for criterion in told] == list(range(1, 11))
    assert {criterion["number"] for criterion in told if criterion["met"]} == met()
    page = executed.client("otto").get("/criteria/").content.decode()
    assert all(criterion.said in page for criterion in criteria()[1:4])
    assert "of 10" in page
    assert "Success criteria: 1 of 10 met" in executed.client("root").get("/admin/").content.decode()
