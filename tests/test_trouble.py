"""Runs under real trouble: killed twice, starved, blocked, deadlocked, without room; nothing is lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connections

from tests import outcome
from tests.killing import Place, Remembered, die_at
from tests.troubled import (
    Doing,
    assert_executed,
    assert_taken_back,
    commits,
    die_at_commit,
    open_fences,
    terminate,
    undisturbed,
)
from tests.world import Quiet, World, world_at
from tracking import home
from v7migration.errors import Refused, StepFailed
from v7migration.ledger.models import Run
from v7migration.pipeline import settle

RUNNER, MOVING, SETTLE = "v7migration.postgres.runner", "tracking.moving", "v7migration.pipeline.settle"
COMMIT = f"{RUNNER}:_commit"
POPULATION, INDEX = "10.1", "7.2"


@pytest.fixture(scope="module", autouse=True)
def known() -> None:
    """Reach every stage before a test begins."""
    undisturbed()


# -- one fault after another ----------------------------------------------------------------------------------------

FORWARD = {
    "at the first COMMIT, at it again, in the population": (
        Place(COMMIT, "before", "0.1"),
        Place(COMMIT, "before", "0.1"),
        Place(COMMIT, "before", POPULATION),
    ),
    "after a COMMIT, while that is recorded, after another": (
        Place(COMMIT, "after", "2.1"),
        Place(f"{SETTLE}:reconcile", "before"),
        Place(COMMIT, "after", "2.4"),
    ),
    "in the index, in the index that is built again": (
        Place(f"{RUNNER}:_statement", "after", INDEX),
        Place(f"{RUNNER}:is_built", "after"),
    ),
    "after the population, while the home is settled": (
        Place(COMMIT, "after", POPULATION),
        Place(f"{MOVING}:open_planning_home", "before"),
    ),
}
BACK = {
    "in the middle, then around Section 9": (
        Place(COMMIT, "after", "5.1"),
        Place(COMMIT, "before", "9.1"),
        Place(COMMIT, "after", "9.1"),
    ),
    "after the population, then with the rows at home, then after Section 9": (
        Place(COMMIT, "after", POPULATION),
        Place(f"{MOVING}:bring_home", "after"),
        Place(COMMIT, "after", "9.1"),
    ),
}


@pytest.mark.parametrize("deaths", FORWARD.values(), ids=FORWARD.keys())
def test_a_run_killed_and_killed_again_as_it_goes_on_ends_as_if_nothing_had_happened(
    deaths: tuple[Place, ...], signed: World
) -> None:
    for place in deaths:
        die_at(place, signed.execute)
    signed.execute()
    assert_executed(signed)


@pytest.mark.parametrize("deaths", BACK.values(), ids=BACK.keys())
def test_a_run_killed_whose_rollback_is_killed_twice_is_taken_back_whole(
    deaths: tuple[Place, ...], signed: World
) -> None:
    die_at(deaths[0], signed.execute)
    for place in deaths[1:]:
        die_at(place, signed.roll_back)
    done = signed.roll_back()
    assert done.report["as_before"]
    assert_taken_back(signed)


def test_a_run_whose_rollback_was_killed_half_way_can_still_go_on_and_go_back(signed: World) -> None:
    die_at(Place(COMMIT, "after", "5.1"), signed.execute)
    die_at(Place(COMMIT, "before", "9.1"), signed.roll_back)
    with pytest.raises(Exception, match="no root cause and remediation"):
        signed.execute()
    assert open_fences() == []
    signed.roll_back()
    assert_taken_back(signed)


def test_a_control_plane_lost_while_a_lost_target_is_recovered_is_recovered_too(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lose_both() -> None:
        terminate("v7_target", "application_name LIKE 'v7_execute by%%'")
        terminate("v7_control", "datname = 'v7_control'")

    signed.reporter = Doing("3.1", lose_both)
    with pytest.raises(StepFailed, match=r"ended|stopped answering"):
        signed.execute()
    reconcile = settle.reconcile

    def reconcile_and_lose(*args: Any) -> Any:
        terminate("v7_control", "datname = 'v7_control'")
        return reconcile(*args)

    monkeypatch.setattr(settle, "reconcile", reconcile_and_lose)
    signed.reporter = Quiet()
    with pytest.raises(StepFailed, match="control plane stopped answering"):
        signed.execute()
    monkeypatch.undo()
    connections.close_all()  # the next command is a process of its own
    signed.execute()
    assert_executed(signed)


# -- the mover ------------------------------------------------------------------------------------------------------


@pytest.fixture
def before_population() -> Iterator[World]:
    """A run that died when only its population was outstanding."""
    world = world_at("signed")
    die_at(Place(f"{MOVING}:populate", "before"), world.execute)
    yield world


def _assert_each_row_has_one_home(world: World) -> None:
    """Assert, right after a death, that the home which the databases name holds every row, and only it can be open."""
    expected, fences = undisturbed().rows, open_fences()
    assert len(fences) < 2, "both fences are open"
    run = Run.objects.get(kind="execute")
    with world.runner() as connection:
        gone = connection.execute("SELECT to_regclass('public.v7_migration_workflow') IS NULL").fetchone()
    lives_in_target = home.read() == home.LIVE or fences == ["target"]
    if lives_in_target and gone != (True,):
        assert outcome.live_rows(world) == expected
    else:
        assert outcome.planning_rows() == expected, run.state


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_mover_killed_around_each_commit_of_the_population_leaves_every_row_in_one_home(
    when: str, before_population: World
) -> None:
    world, ready = before_population, Remembered("ready")
    try:
        total = commits(world.execute)
        assert total >= 5
        for nth in range(1, total + 1):
            ready.restore()
            die_at_commit(nth, when, world.execute)
            _assert_each_row_has_one_home(world)
            if Run.objects.get(kind="execute").state != "finished":
                world.execute()
            assert_executed(world)
    finally:
        ready.forget()


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_mover_killed_around_each_commit_of_a_rollback_leaves_every_row_in_one_home(
    when: str, executed: World
) -> None:
    ready = Remembered("ready")
    try:
        total = commits(executed.roll_back)
        assert total >= 5
        # Every other COMMIT before, the others after: before one is after the one before it, and the sweep takes all.
        for nth in range(1 if when == "before" else 2, total + 1, 2):
            ready.restore()
            die_at_commit(nth, when, executed.roll_back)
            _assert_each_row_has_one_home(executed)
            try:
                executed.roll_back()
            except Refused as nothing:  # only the death after the very last COMMIT leaves nothing to do
                assert "no run to take back" in str(nothing) and (nth, when) == (total, "after")
            assert_taken_back(executed)
    finally:
        ready.forget()
