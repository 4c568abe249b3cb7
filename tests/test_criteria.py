"""The ten success criteria are computed from evidence (document 7)."""

from __future__ import annotations

import json

import pytest
from django.core.management import call_command

from tests.world import World
from v7migration.pipeline import inventory
from v7migration.pipeline.criteria import criteria
from v7migration.pipeline.verify import verify


def met() -> set[int]:
    """Return the numbers of the criteria that are met."""
    return {criterion.number for criterion in criteria() if criterion.met}


def test_nothing_is_met_before_anything_was_done(world: World) -> None:
    assert met() == set()
    assert all("Nothing was executed" in criterion.said for criterion in criteria())


def test_a_rehearsed_changeset_meets_the_rollback_and_nothing_else(signed: World) -> None:
    assert met() == {5}


def test_a_run_alone_is_not_enough(executed: World) -> None:
    assert met() == {5}
    assert "not verified" in criteria()[0].said


def test_a_green_verification_meets_what_it_verified(executed: World) -> None:
    assert verify(person="sam").ok
    assert met() == {1, 2, 3, 4, 5, 7, 8}
    assert {(criterion.by, criterion.at is None) for criterion in criteria()[:4]} == {("sam", False)}


def test_a_missing_view_takes_its_criterion_away(executed: World) -> None:
    with executed.runner() as runner:
        runner.execute("DROP VIEW v7_monitoring.v7_enum_consolidation_status")
    verify(person="sam")
    assert not met() & {4, 8}
    assert "a check failed" in criteria()[3].said


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
