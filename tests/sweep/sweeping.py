"""The sweep itself: find the points, choose the cases, run them one after the other."""

from __future__ import annotations

import argparse
import hashlib
import time
from collections.abc import Mapping

from rich.console import Console

from tests.sweep import cases as casing
from tests.sweep import servers
from tests.sweep.case import KINDS, WAYS, Case
from tests.sweep.cases import SCENARIOS
from tests.sweep.points import Point
from tests.sweep.report import Log
from v7migration.errors import UsageError

PROGRESS = 20.0
"""Seconds between two lines about how far it is."""


def sweep(options: argparse.Namespace, log: Log, console: Console) -> None:
    """Run every case that the options choose and that the log does not have."""
    kinds, scenarios = _listed(options.kinds, KINDS), _listed(options.scenarios, tuple(SCENARIOS))
    server, began = str(servers.version()), time.monotonic()
    expected = casing.prepare()
    found = {scenario: casing.find(scenario) for scenario in scenarios}
    _say_whether_repeatable(found, console)
    log.found(server, _numbers(found, kinds, rows=options.rows), _digest(found))
    waiting = [case for case in _cases(options, found, kinds) if str(case) not in log.done]
    console.print(f"PostgreSQL {server}: {len(waiting)} cases; ready after {time.monotonic() - began:.0f} s")
    told = began = time.monotonic()
    for number, case in enumerate(waiting[: options.at_most], start=1):
        result = casing.run(case, expected, _point(found, case))
        log.add(server, result)
        if not result.is_clean:
            console.print(f"{result.case}: {result.lost + result.doubled + result.unexplained}", markup=False)
        if time.monotonic() - told > PROGRESS:
            told = time.monotonic()
            console.print(f"PostgreSQL {server}: {number}/{len(waiting)}, {(told - began) / number:.2f} s each")


def show_points(options: argparse.Namespace, console: Console) -> None:
    """Print every point and the kinds of fault that are caused at it."""
    casing.prepare()
    for scenario in _listed(options.scenarios, tuple(SCENARIOS)):
        points = casing.find(scenario)
        swept = {kind: {p.number for p in casing.chosen(kind, points, rows=options.rows)} for kind in KINDS}
        for point in points:
            kinds = ",".join(kind for kind in KINDS if point.number in swept[kind])
            console.print(f"{scenario}:{point.number} {point.kind} {point} [{kinds}]", markup=False)
        console.print(f"{scenario}: " + ", ".join(f"{kind} {len(numbers)}" for kind, numbers in swept.items()))


def _listed(text: str, known: tuple[str, ...]) -> tuple[str, ...]:
    asked = tuple(word for word in text.split(",") if word) or known
    if unknown := set(asked) - set(known):
        raise UsageError(f"Not known: {', '.join(sorted(unknown))}.", f"Known: {', '.join(known)}.")
    return asked


def _cases(options: argparse.Namespace, found: Mapping[str, list[Point]], kinds: tuple[str, ...]) -> list[Case]:
    if options.only:
        return [_named(text) for text in options.only]
    part, parts = (int(number) for number in options.shard.split("/"))
    made = []
    for kind in kinds:  # each kind gives its share of a sample
        some = casing.cases(found, [kind], both=options.both, rows=options.rows)[:: options.sample]
        made += [case for way in WAYS for case in [c for c in some if c.way == way][: options.each]]
    return sorted(made, key=lambda case: case.place)[part - 1 :: parts]


def _named(text: str) -> Case:
    kind, scenario, number, *way = text.split(":")
    return Case(kind, scenario, int(number), way[0] if way else "resume")


def _point(found: Mapping[str, list[Point]], case: Case) -> Point | None:
    return next((p for p in found.get(case.scenario, []) if p.number == case.number), None)


def _numbers(found: Mapping[str, list[Point]], kinds: tuple[str, ...], *, rows: bool) -> dict[str, int]:
    return {kind: sum(len(casing.chosen(kind, points, rows=rows)) for points in found.values()) for kind in kinds}


def _digest(found: Mapping[str, list[Point]]) -> str:
    names = [(scenario, _name(point)) for scenario, points in sorted(found.items()) for point in points]
    return hashlib.sha256(repr(names).encode()).hexdigest()[:16]


def _say_whether_repeatable(found: Mapping[str, list[Point]], console: Console) -> None:
    """Find the points once more: a number means the same point in each run only if both lists are equal."""
    for scenario, points in found.items():
        again = casing.find(scenario)
        differing = [(a, b) for a, b in zip(points, again, strict=False) if _name(a) != _name(b)]
        if differing or len(points) != len(again):
            first = f"; first: {differing[0][0]} / {differing[0][1]}" if differing else ""
            console.print(f"{scenario}: {len(points)} and {len(again)} round trips, {len(differing)} differ{first}")


def _name(point: Point) -> tuple[object, ...]:
    return point.number, point.server, point.step, point.function, point.kind
