"""Cases: one fault at one point and the way on or back after it, from a fresh copy of both databases to a verdict."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict
from functools import cache
from typing import Any

import psycopg

from tests import outcome
from tests import world as worlds
from tests.killing import Place, die_at
from tests.outcome import UNEXPLAINED, Anomaly, Undisturbed
from tests.sweep import points as pointing
from tests.sweep import servers
from tests.sweep.case import WAYS, Case, Result
from tests.sweep.children import LIMIT, Ended, Line, in_a_child
from tests.sweep.points import Point
from tests.world import World
from v7migration.errors import GateClosed, Refused, V7Error
from v7migration.ledger.models import Emergency, Incident, Run
from v7migration.management.base import StageCommand
from v7migration.pipeline import execute, rollback
from v7migration.postgres.script import parse

HALF_WAY = "6.1"
SCENARIOS: dict[str, tuple[str, str]] = {
    "execute": ("signed", "execute"),
    "rollback": ("executed", "roll_back"),
    "retreat": ("half", "roll_back"),
}
"""Stage to start from and what is disturbed: a run, its rollback, the rollback of a run that stands half-way."""


class _Surface(StageCommand):
    """The product as an operator meets it: what a command translates into a sentence is one here too."""

    work: Callable[[], object]

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        self.work()
        return {}, 0


def command(work: Callable[[], object]) -> None:
    """Run ``work`` within what every command of the product does around its own."""
    surface = _Surface()
    surface.work = work
    surface.handle(json=False)


def prepare() -> Undisturbed:
    """Build every stage, and return what is compared with.

    The script is parsed once, here: each forked child knows the (immutable) result.
    """
    execute.parse = rollback.parse = cache(parse)  # type: ignore[attr-defined]
    worlds.STAGES["half"] = ("signed", _stop_half_way)
    worlds.world_at("half")
    return outcome.undisturbed()


def _stop_half_way(world: World) -> None:
    die_at(Place("v7migration.postgres.runner:_commit", "after", HALF_WAY), world.execute)


# -- finding ---------------------------------------------------------------------------------------------------


def find(scenario: str) -> list[Point]:
    """Run the scenario undisturbed in a child and return its round trips."""
    ports = servers.ports()

    def work(line: Line) -> Mapping[str, Any]:
        found = pointing.record(ports)
        command(_deed(world, scenario))
        return {"points": [asdict(point) for point in found]}

    world = worlds.world_at(SCENARIOS[scenario][0])
    ended = in_a_child(work)
    assert "points" in ended.told, f"the undisturbed {scenario} failed: {ended}"
    return [Point(**point) for point in ended.told["points"]]


def _deed(world: World, scenario: str) -> Callable[[], object]:
    deed: Callable[[], object] = getattr(world, SCENARIOS[scenario][1])
    return deed


def chosen(kind: str, found: list[Point], *, rows: bool = False) -> list[Point]:
    """Return the points at which a kind of fault is caused.

    The runner dies before every statement and in every COPY (``rows``: at each of its rows); a session is ended
    before each statement to the target and each write of the control plane; a connection is cut at each COMMIT; a
    server dies before each write, BEGIN and COMMIT, and after each COMMIT.
    """
    if kind == "kill":
        each = [p for p, before in pairs(found) if rows or before is None or (p.kind, before.kind) != ("row", "row")]
        return [p for p in each if p.kind != "local"]
    if kind == "terminate":
        spoken = [p for p in found if p.kind not in ("row", "local")]
        return [p for p in spoken if p.server == "target" or p.kind in ("write", "commit")]
    if kind in ("cut", "unsent"):
        return [p for p in found if p.kind == "commit"]
    boundary = ("begin", "write", "commit")
    return [p for p, before in pairs(found) if p.kind in boundary or (before is not None and before.kind == "commit")]


def pairs(found: list[Point]) -> Iterator[tuple[Point, Point | None]]:
    """Return each point with the one before it."""
    return zip(found, [None, *found], strict=False)


def cases(found: Mapping[str, list[Point]], kinds: Iterable[str], *, both: bool, rows: bool) -> list[Case]:
    """Return every case: each point of each kind with one of the two ways (or both), in spread order."""
    made = []
    for kind in kinds:
        for scenario, points in found.items():
            for point in chosen(kind, points, rows=rows):
                pair = [Case(kind, scenario, point.number, way) for way in WAYS]
                made += pair if both else [pair[pair[0].place % 2]]
    return sorted(made, key=lambda case: case.place)


# -- running ---------------------------------------------------------------------------------------------------


def run(case: Case, expected: Undisturbed, point: Point | None = None) -> Result:
    """Cause the fault, go on or back, and compare."""
    began = time.monotonic()
    world = worlds.world_at(SCENARIOS[case.scenario][0])
    ended = _disturbed(world, case)
    if case.kind in servers.DATABASES:
        servers.revive(case.kind)
    struck = Point(**ended.told["struck"]) if "struck" in ended.told else None
    result = Result(str(case), str(struck or point or "?"), _words(ended), case.way)
    if (anomaly := _unexplained_end(case, ended)) is not None:
        _note(result, [anomaly])
    recovered = in_a_child(lambda line: _recover(world, case, expected))
    result.way = recovered.told.get("way", case.way)
    _note(result, recovered.told.get("anomalies", []))
    if "anomalies" not in recovered.told:
        what = f"did not end within {LIMIT:.0f} s" if recovered.hung else recovered.told.get("crash", str(recovered))
        _note(result, [(UNEXPLAINED, f"the recovery: {what}")])
    _note(result, [(UNEXPLAINED, f"a session stays: {s}") for s in servers.left_sessions()])
    result.seconds = round(time.monotonic() - began, 3)
    return result


def _note(result: Result, anomalies: Iterable[Anomaly]) -> None:
    for verdict, text in anomalies:
        getattr(result, verdict).append(text)


def _disturbed(world: World, case: Case) -> Ended:
    ports = servers.ports()

    def work(line: Line) -> Mapping[str, Any]:
        pointing.arm(case.kind, case.number, line, ports)
        try:
            command(_deed(world, case.scenario))
        except V7Error as error:
            return {"ended": f"{type(error).__name__}: {error}"}
        return {"ended": "finished"}

    return in_a_child(work, {"terminate": servers.terminate, "kill": servers.kill})


def _words(ended: Ended) -> str:
    if ended.hung:
        return "hung"
    return f"killed by signal {ended.signal}" if ended.signal else str(ended.told.get("ended", "crashed"))


def _unexplained_end(case: Case, ended: Ended) -> Anomaly | None:
    """Say what is wrong with the way in which the disturbed command ended."""
    if "struck" not in ended.told:
        return UNEXPLAINED, "the point was never reached"
    if ended.hung:
        return UNEXPLAINED, f"the disturbed command did not end within {LIMIT:.0f} s"
    if case.kind == "kill" and ended.signal:
        return None
    if "crash" in ended.told:
        return UNEXPLAINED, f"the disturbed command ended without a sentence: {ended.told['crash']}"
    return None if "ended" in ended.told else (UNEXPLAINED, f"the disturbed command died: {ended}")


def _recover(world: World, case: Case, expected: Undisturbed) -> Mapping[str, Any]:
    """Go on or back with the product's own commands, and compare; in a fresh process."""
    began, way = Run.objects.exists(), case.way
    incidents = Incident.objects.count()
    found: list[Anomaly] = []
    try:
        if not began:
            found += outcome.of_nothing(world, expected)
            way = "resume"
        if way == "resume" and _go_on(world, case):
            return {"anomalies": found + outcome.of_execution(world, expected, incidents=incidents), "way": way}
        _go_back(world)
    except (V7Error, psycopg.Error) as error:
        refusal = f"the recovery was refused: {type(error).__name__}: {error}"
        return {"anomalies": [*found, (UNEXPLAINED, refusal)], "way": way}
    return {"anomalies": found + outcome.of_rollback(world, expected), "way": way}


def _go_on(world: World, case: Case) -> bool:
    """Go on with the run, and say whether it is finished now; a run that is being taken back goes only back."""
    back = Emergency.objects.exists()
    if not back:
        for incident in Incident.objects.filter(state=Incident.State.OPEN):
            world.settle_incident(incident)
    over = Run.objects.filter(kind="execute", state__in=("finished", "rolled_back")).exists()
    try:
        command(world.execute)
    except Refused as error:
        if not ((over or back) and "was executed by run" in error.message):  # Section 9 may have committed unrecorded
            raise
    except GateClosed as error:
        if not (back and "emergency" in error.message):
            raise
    else:
        assert not (over or back), "a finished run was executed once more"
    return not (back or case.scenario == "rollback")


def _go_back(world: World) -> None:
    """Take the run back, or finish what a rollback that died left to do."""
    proved = Run.objects.filter(kind="rollback", state="finished", report__has_key="as_before").exists()
    try:
        command(world.roll_back)
    except Refused as error:
        if not (proved and "no run to take back" in error.message):
            raise
