"""Plots of what was measured: SVG on a neutral card, so that light and dark pages show them alike."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tests.benchmarks.measuring import Result, Row

CARD, INK, GRID = "#f4f5f7", "#24292f", "#c9ced6"
PRODUCT, PEER, AIM = "#1f6feb", "#c4551b", "#1a7f37"
STYLE: dict[str, Any] = {
    "svg.fonttype": "path", "svg.hashsalt": "v7", "font.size": 10, "axes.facecolor": CARD, "axes.edgecolor": INK,
    "axes.labelcolor": INK, "text.color": INK, "xtick.color": INK, "ytick.color": INK, "grid.color": GRID,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlelocation": "left",
}  # fmt: skip
GAP = 0.2
"""Seconds without a statement that break a line."""
NO_ADDRESSES = dict.fromkeys(("Date", "Creator", "Format", "Type"))
"""Without metadata the file names no place but the namespaces of SVG."""


def plot(result: Result, path: Path) -> None:
    """Write the plot of a result: the course of latencies where there is one, else each pair's ratio and the aim."""
    with mpl.rc_context(STYLE):  # type: ignore[arg-type]
        figure = Figure(facecolor=CARD, layout="constrained")
        if courses := result.figures.get("shown"):
            _latencies(figure, result, courses)
        else:
            _ratios(figure, result)
        figure.suptitle(result.title, x=0.01, horizontalalignment="left", fontweight="bold")
        figure.savefig(path, format="svg", metadata=NO_ADDRESSES)


def _ratios(figure: Figure, result: Result) -> None:
    """Draw one row of dots for each line of the table, as multiples of its own aim (of the peer without one)."""
    rows = [row for row in result.rows if row.pairs]
    figure.set_size_inches(8.5, 1.3 + 0.85 * len(rows))
    axes: Axes = figure.subplots()
    for place, row in enumerate(reversed(rows)):
        _line(axes, place, row)
    has_aim = any(row.aim is not None for row in rows)
    axes.axvline(1.0, color=AIM if has_aim else PEER, linewidth=1.6, label="aim" if has_aim else "the peer")
    axes.set_yticks(range(len(rows)), [_label(row) for row in reversed(rows)])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    values = [value / (row.aim or 1.0) for row in rows for value in row.pairs]
    if min(values) < 0.2 or max(values) > 5:
        axes.set_xscale("log")
        axes.set_xlim(min(*values, 1.0) / 1.5, max(*values, 1.0) * 1.5)
    else:
        axes.set_xlim(0, max(*values, 1.0) * 1.15)
    axes.set_xlabel(f"measured ÷ {'aim' if has_aim else 'peer'}; peer: {result.peer}")
    axes.grid(visible=True, axis="x")
    axes.legend(loc="lower right", frameon=False, fontsize=8)


def _line(axes: Axes, place: int, row: Row) -> None:
    scale = row.aim or 1.0
    axes.scatter([value / scale for value in row.pairs], [place] * len(row.pairs), s=26, color=PRODUCT, alpha=0.45)
    axes.scatter([row.measured / scale], [place], s=110, marker="|", color=PRODUCT, linewidths=3)


def _label(row: Row) -> str:
    unit = "× the peer" if row.measures == "ratio" else f" {row.measures}"
    aim = f"aim ≤ {row.aim:g}{unit}" if row.aim is not None else "no aim: 1 = the peer"
    words, lines = row.work.split(), [""]
    for word in words:
        if len(lines[-1]) + len(word) > 38:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return "\n".join([*lines, f"({aim})"])


def _latencies(figure: Figure, result: Result, courses: dict[str, dict[str, Any]]) -> None:
    """Draw the longest statement of each twentieth of a second over time, alone and beside the idle reader."""
    figure.set_size_inches(9, 6.4)
    panels: Sequence[Axes] = figure.subplots(2, 1)
    limit = next(row.aim for row in result.rows if row.measures == "ms" and row.aim)
    for axes, beside, says in (
        (panels[0], "alone", "The migration alone"),
        (panels[1], "idle reader", "Beside a session that sits idle in a transaction for 10 s"),
    ):
        for who, colour in (("naive", PEER), ("product", PRODUCT)):
            _course(axes, courses[f"{who}, {beside}"], "naive script" if who == "naive" else "V7 Migration", colour)
        axes.axhline(limit, color=AIM, linewidth=1.4, linestyle="--", label=f"aim: {limit:.0f} ms")
        axes.axvline(0, color=INK, linewidth=0.8, linestyle=":")
        axes.set_yscale("log")
        axes.set_title(says, fontsize=10)
        axes.set_ylabel("longest statement (ms)")
        axes.grid(visible=True, axis="y")
        axes.legend(loc="upper right", frameon=False, fontsize=8, ncols=3)
        axes.set_ylim(top=axes.get_ylim()[1] * 4)
    panels[1].set_xlabel("seconds since the migration began (dotted); statements are drawn where they began")


def _course(axes: Axes, found: dict[str, Any], name: str, colour: str) -> None:
    """Draw one side: a line broken where nothing began, and each long wait as a bar as long as it took."""
    course = [(float(at), float(took)) for at, took in found["course"]]
    line: list[tuple[float, float]] = []
    for point in course:
        if line and point[0] - line[-1][0] > GAP:
            line.append((point[0], math.nan))
        line.append(point)
    times, longest = zip(*line, strict=True)
    axes.plot(times, longest, color=colour, linewidth=1.1, label=f"{name}, {found['seconds']:.1f} s")
    for at, took in course:
        if took > 1000 * GAP:
            axes.hlines(took, at, at + took / 1000, color=colour, linewidth=3)
    peak = max((point for point in course if point[0] >= -GAP), key=lambda point: point[1])
    says = f"{found['longest_ms']:,.0f} ms"
    axes.annotate(says, peak, xytext=(5, 5), textcoords="offset points", color=colour, fontsize=8)
