"""The picture of a view of the dependencies: sizes from labels, places from the layered drawing, words for readers.

Labels are set in a fixed-width face, so that their width is known without a screen. Nothing here is markup: a
template turns the picture into SVG and escapes every word.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from v7migration.postgres import layered
from v7migration.postgres.dependency_view import KINDS, Box, Line, View

CELL = 7.5
"""Width in pixels that a character of 12 pixels takes at most in the fixed-width faces of the style sheet."""
LONGEST = 38
HEIGHT, SECOND = 28.0, 14.0
PADDING, MARGIN = 12.0, 16.0
PAGE = 1180.0
LEGEND_ROW, SAMPLE = 24.0, 40.0
NAMED = 60
_WITHOUT_PUBLIC = re.compile(r"(?:^|(?<=[(, ]))public\.")
WORDS = {
    "foreign key": "foreign key", "inheritance": "inherits, partition of", "view": "view reads", "rule": "rule uses",
    "trigger": "trigger calls", "policy": "policy uses", "function": "function uses, calls", "type": "column of type",
    "sequence": "default from sequence", "mentioned": "mentioned in a body (not certain)",
    "several": "dependencies between clusters",
}  # fmt: skip
SHAPES = {
    "table": "table", "foreign table": "table", "view": "view", "materialized view": "view", "function": "routine",
    "procedure": "routine", "aggregate": "routine", "sequence": "routine", "enum": "type", "domain": "type",
    "range": "type", "composite type": "type", "fan": "stack", "cluster": "stack",
}  # fmt: skip
SHAPE_WORDS = {
    "table": "table", "view": "view", "routine": "function or sequence", "type": "type",
    "stack": "several in one place",
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """Everything that the template draws, in pixels; ``boxes``, ``lines`` and ``legend`` are dictionaries for it."""

    width: int
    height: int
    left: float
    top: float
    title: str
    description: str
    boxes: list[dict[str, Any]]
    lines: list[dict[str, Any]]
    legend: list[dict[str, Any]]


def picture(view: View, *, title: str, focus: str = "") -> Picture:
    """Draw a view; ``focus`` is the id of the box that it is about."""
    sizes = _sizes(view)
    drawing = layered.draw(sizes, [(line.source, line.target) for line in view.lines], page=PAGE)
    legend, below = _legend(view, width=max(drawing.width, 420.0))
    top = MARGIN + below
    number = {box.id: n for n, box in enumerate(view.boxes)}
    width = max([drawing.width, *(item["x"] + item["width"] for item in legend)]) + 2 * MARGIN
    return Picture(
        width=round(width),
        height=round(drawing.height + top + MARGIN),
        left=MARGIN,
        top=top,
        title=title,
        description=_description(view),
        boxes=[_drawn_box(box, drawing.boxes[box.id], top, number[box.id], focus) for box in view.boxes],
        lines=[
            {"d": path, "kind": line.kind.replace(" ", "-"), "title": _line_words(line), "from": number[line.source],
             "to": number[line.target], "weight": _weight(line)}
            for line, path in zip(view.lines, drawing.paths, strict=True)
        ],
        legend=legend,
    )  # fmt: skip


def one_line(text: str) -> str:
    """Return text with a sign for each character that cannot be seen or may not stand in XML."""
    return "".join(_sign(character) for character in text)


def short(node_id: str) -> str:
    """Return an id as a label: without ``public.``, on one line, its middle left out where it is long."""
    text = one_line(_WITHOUT_PUBLIC.sub("", node_id))
    if _cells(text) <= LONGEST:
        return text
    head, tail = text, text
    while _cells(head) > LONGEST * 0.6:
        head = head[:-1]
    while _cells(head) + 1 + _cells(tail) > LONGEST:
        tail = tail[1:]
    return f"{head}…{tail}"


def _sign(character: str) -> str:
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "␡"
    hidden = unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
    return "\ufffd" if hidden or code in (0xFFFE, 0xFFFF) else character


def _cells(text: str) -> int:
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _sizes(view: View) -> dict[str, layered.Size]:
    """Return the size of each box; those that stand alone are all as wide as the widest, so that they form a grid."""
    joined = {end for line in view.lines for end in (line.source, line.target)}
    sizes = {box.id: _size(box) for box in view.boxes}
    widest = max((sizes[box.id][0] for box in view.boxes if box.id not in joined), default=0.0)
    return {name: (w, h) if name in joined else (widest, h) for name, (w, h) in sizes.items()}


def _size(box: Box) -> layered.Size:
    cells = max(_cells(short(box.label)), round(_cells(_second(box)) * 0.86))
    return 2 * PADDING + CELL * cells, HEIGHT + (SECOND if _second(box) else 0)


def _second(box: Box) -> str:
    """Return the smaller line below a label."""
    if box.kind == "cluster":
        return f"{len(box.members)} object{'s' if len(box.members) > 1 else ''}"
    if box.kind == "fan":
        return short(box.members[0]) + " …"
    if box.partitions:
        return f"+ {box.partitions} partition{'s' if box.partitions > 1 else ''}"
    return "" if SHAPES.get(box.kind) in ("table", "view") and box.kind in ("table", "view") else box.kind


def _drawn_box(box: Box, at: layered.Box, top: float, number: int, focus: str) -> dict[str, Any]:
    lines = 2 if _second(box) else 1
    middle = at.y + top + at.height / 2
    x, y = at.x + MARGIN, at.y + top
    cut = 7.0
    return {
        "id": box.id, "kind": box.kind, "shape": SHAPES.get(box.kind, "table"), "number": number, "x": x, "y": y,
        "width": at.width, "height": at.height, "label": short(box.label), "second": _second(box),
        "behind_x": x + 4, "behind_y": y + 4, "text_x": x + PADDING,
        "text_y": round(middle + (4 if lines == 1 else -3), 1), "second_y": round(middle + 12, 1),
        "focus": box.id == focus, "title": _box_words(box), "radius": min(14.0, at.height / 2),
        "corners": " ".join(
            f"{px:.1f},{py:.1f}" for px, py in (
                (x + cut, y), (x + at.width - cut, y), (x + at.width, y + cut), (x + at.width, y + at.height - cut),
                (x + at.width - cut, y + at.height), (x + cut, y + at.height), (x, y + at.height - cut), (x, y + cut),
            )
        ),
    }  # fmt: skip


def _box_words(box: Box) -> str:
    if len(box.members) == 1 and box.kind not in ("cluster", "fan"):
        return f"{box.kind} {one_line(box.label)}" + (f", with {_second(box)[2:]}" if box.partitions else "")
    names = ", ".join(one_line(name) for name in box.members[:NAMED])
    more = f" and {len(box.members) - NAMED} more" if len(box.members) > NAMED else ""
    return f"{one_line(box.label)}: {names}{more}"


def _line_words(line: Line) -> str:
    first = line.edges[0]
    if len(line.edges) > 1:
        example = f"{one_line(first['from'])} → {one_line(first['to'])}"
        return f"{len(line.edges)} dependencies ({_count(line.edges)}), such as {example}"
    return f"{one_line(first['from'])} → {one_line(first['to'])}: {first['kind']}{detail(first)}"


def detail(edge: Any) -> str:
    """Return the names and columns of an edge, in brackets, or nothing."""
    words = [one_line(word) for word in (*edge.get("names", ()), *edge.get("columns", ()))]
    return f" ({', '.join(words[:12])}{', …' if len(words) > 12 else ''})" if words else ""


def _weight(line: Line) -> int:
    """Return how strong a line is drawn, from 1 to 4, by the number of its edges."""
    return 1 + sum(len(line.edges) >= many for many in (5, 25, 100)) if line.kind == "several" else 1


def _count(edges: Sequence[Any]) -> str:
    counts = Counter(edge["kind"] for edge in edges)
    return ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])


def _description(view: View) -> str:
    kinds = ", ".join(WORDS[kind] for kind in (*KINDS, "several") if any(line.kind == kind for line in view.lines))
    what = "clusters" if view.summary else "boxes"
    return (
        f"{len(view.boxes)} {what} for {len(view.nodes)} objects and {len(view.edges)} dependencies. Arrows lead from "
        f"what needs to what is needed, from left to right; {kinds or 'there are no dependencies'}. "
        "The table of the page lists the same."
    )


def _legend(view: View, *, width: float) -> tuple[list[dict[str, Any]], float]:
    """Return the samples of the styles that are used, in rows, and the height that they take."""
    used = {line.kind for line in view.lines}
    shapes = {SHAPES.get(box.kind, "table") for box in view.boxes}
    samples = [("line", kind.replace(" ", "-"), WORDS[kind]) for kind in (*KINDS, "several") if kind in used]
    samples += [("shape", shape, words) for shape, words in SHAPE_WORDS.items() if shape in shapes]
    items: list[dict[str, Any]] = []
    x, y = MARGIN, MARGIN
    for what, name, words in samples:
        wide = round(SAMPLE + 8 + 6.6 * len(words) + 22, 1)
        if x > MARGIN and x + wide > width + MARGIN:
            x, y = MARGIN, y + LEGEND_ROW
        x = round(x, 1)
        items.append({"what": what, "name": name, "words": words, "x": x, "y": y, "width": wide, "x2": x + SAMPLE,
                      "behind_x": x + 3, "behind_y": y + 3,
                      "line_y": y + 8, "text_x": x + SAMPLE + 8, "text_y": y + 12})  # fmt: skip
        x += wide
    return items, (y + LEGEND_ROW + 8 - MARGIN if items else 0.0)
