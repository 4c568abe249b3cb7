"""Measuring two ways of doing one work in turns, and what is said of it."""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Row:
    """One line of a table: the work, what both took, the number that the aim is about."""

    work: str
    product: float
    peer: float | None
    unit: str
    """Of ``product`` and ``peer``: ``s``, ``ms``, ``MB``."""
    measured: float
    measures: str
    """What ``measured`` is: ``ratio``, or a unit."""
    aim: float | None
    """``measured`` should be at most this; None: there is no aim, the figure is only shown."""
    pairs: tuple[float, ...] = ()
    """``measured`` of each pair of runs."""

    @property
    def met(self) -> bool | None:
        """Say whether the aim is met; None without an aim."""
        return None if self.aim is None else self.measured <= self.aim


@dataclass
class Result:
    """What a benchmark found: its rows, its settings, figures that are kept, and sentences for the reader."""

    name: str
    title: str
    peer: str
    rows: list[Row]
    settings: dict[str, Any] = field(default_factory=dict)
    figures: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def seconds(work: Work) -> float:
    """Return how long a piece of work takes."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def processor_seconds(work: Work) -> float:
    """Return how much of a processor a piece of work takes, its processes and the system's work for it included."""
    began = _processor()
    work()
    return _processor() - began


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def in_turns(
    repeat: int,
    product: Work,
    peer: Work,
    *,
    before: Work = lambda: None,
    clock: Callable[[Work], float] = seconds,
) -> list[tuple[float, float]]:
    """Run both in turns and return the seconds of each pair (product, peer); the order changes with each pair.

    ``before`` prepares each of the runs and is not measured; ``clock`` says what the seconds are.
    """
    pairs = []
    for number in range(repeat):
        took = {}
        for work in (product, peer) if number % 2 == 0 else (peer, product):
            before()
            took[work] = clock(work)
        pairs.append((took[product], took[peer]))
    return pairs


def compared(work: str, pairs: Sequence[tuple[float, float]], *, aim: float | None, unit: str = "ms") -> Row:
    """Return the row of pairs of seconds: medians of both, and the median of the pairs' ratios against the aim."""
    scale = {"ms": 1000.0, "s": 1.0}[unit]
    ratios = tuple(ours / theirs for ours, theirs in pairs)
    return Row(
        work=work,
        product=statistics.median(ours for ours, _ in pairs) * scale,
        peer=statistics.median(theirs for _, theirs in pairs) * scale,
        unit=unit,
        measured=statistics.median(ratios),
        measures="ratio",
        aim=aim,
        pairs=ratios,
    )


def limited(
    work: str,
    found: Sequence[float],
    *,
    aim: float | None,
    measures: str,
    unit: str = "ms",
    pairs: Sequence[tuple[float, float]] = (),
) -> Row:
    """Return the row of a figure with a limit of its own; the median counts.

    Args:
        found: the figure of each run.
        measures: its unit, or ``ratio``.
        unit: of ``pairs``.
        pairs: what product and peer took in each run; without a peer the figure itself is shown.
    """
    return Row(
        work=work,
        product=statistics.median(ours for ours, _ in pairs) if pairs else statistics.median(found),
        peer=statistics.median(theirs for _, theirs in pairs) if pairs else None,
        unit=unit,
        measured=statistics.median(found),
        measures=measures,
        aim=aim,
        pairs=tuple(found),
    )
