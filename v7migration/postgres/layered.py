"""A layered drawing of a directed graph: columns by dependency depth, few crossings, edges that can be followed.

The method is that of Sugiyama: cycles are opened, nodes are put into layers by their longest way to what needs nothing,
long edges get a place in every layer they pass, each layer is ordered by the medians of its neighbours, and the places
are chosen by least squares under the order. Everything is in pixels; x grows from what needs to what is needed. The
same input gives the same drawing. Nothing here knows about databases.
"""

from __future__ import annotations

import itertools
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from v7migration.postgres.acyclic import components, layers_of, opened

Edge = tuple[str, str]
Size = tuple[float, float]
SWEEPS = 16
GAP_Y, LANE_Y = 14.0, 9.0
"""Free space between two boxes, and around an edge that passes a layer."""
GAP_X, WIDEST_GAP = 56.0, 190.0
PER_EDGE = 4.0
PORT, TALLEST = 7.0, 150.0
"""Distance of two edges at the side of a box, and how far a box may grow for them."""
LOOP = 13.0
"""How far a loop rises above its box."""
BETWEEN = 36.0
"""Free space between two components of the graph."""


@dataclass(frozen=True)
class Box:
    """A rectangle: upper left corner and size."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Drawing:
    """Where everything is: a box for each node, a path (SVG ``d``) for each edge, in the order of the edges."""

    width: float
    height: float
    boxes: Mapping[str, Box]
    paths: Sequence[str]


@dataclass
class _Place:
    """A node, or the point where a long edge passes a layer."""

    layer: int
    height: float
    width: float = 0.0
    name: str | None = None
    y: float = 0.0
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)


def draw(sizes: Mapping[str, Size], edges: Sequence[Edge], *, page: float = 1200.0) -> Drawing:
    """Draw a graph.

    Args:
        sizes: width and height of each node's box; a box may grow higher where many edges meet.
        edges: pairs (what needs, what is needed); several between the same two and loops are allowed.
        page: width that components side by side should not exceed.

    Raises:
        KeyError: an edge names a node without a size.
    """
    parts = [_component(nodes, sizes, edges) for nodes in components(sizes, edges)]
    parts.sort(key=lambda part: (not part.indexes + part.loops, -part.height, -part.width, min(part.boxes)))
    boxes: dict[str, Box] = {}
    paths = [""] * len(edges)
    x = y = shelf = width = 0.0
    for part in parts:
        if x and x + part.width > page:
            x, y, shelf = 0.0, y + shelf + BETWEEN, 0.0
        for name, box in part.boxes.items():
            boxes[name] = Box(round(box.x + x, 1), round(box.y + y, 1), box.width, box.height)
        for index, points in zip(part.indexes, part.routes, strict=True):
            paths[index] = _path([(px + x, py + y) for px, py in points])
        for index in part.loops:
            paths[index] = _loop(boxes[edges[index][0]])
        width, shelf = max(width, x + part.width), max(shelf, part.height)
        x += part.width + BETWEEN
    return Drawing(round(width, 1), round(y + shelf, 1), boxes, paths)


@dataclass(frozen=True)
class _Part:
    """One component, drawn at the origin; ``routes`` are the points of the edges in ``indexes``, loops aside."""

    width: float
    height: float
    boxes: dict[str, Box]
    indexes: list[int]
    routes: list[list[tuple[float, float]]]
    loops: list[int]


def _component(nodes: Sequence[str], sizes: Mapping[str, Size], edges: Sequence[Edge]) -> _Part:
    inside = set(nodes)
    indexes = [index for index, (source, target) in enumerate(edges) if source in inside and target in inside]
    loops = [index for index in indexes if edges[index][0] == edges[index][1]]
    real = [index for index in indexes if edges[index][0] != edges[index][1]]
    turned = opened(nodes, [edges[index] for index in real])
    laid = [(edges[i][1], edges[i][0]) if back else edges[i] for i, back in zip(real, turned, strict=True)]
    layers = layers_of(nodes, laid)
    places, chains, order = _places(nodes, sizes, laid, layers)
    _reduce_crossings(places, order)
    _settle(places, order)
    columns = _columns(places, order)
    boxes = {
        p.name: Box(columns[p.layer][0], p.y - p.height / 2, columns[p.layer][1], p.height) for p in places if p.name
    }
    routes = _routes(places, chains, columns)
    for route, back in zip(routes, turned, strict=True):
        if back:
            route.reverse()
    width = max(x + w for x, w in columns)
    height = max(place.y + place.height / 2 for place in places)
    return _Part(width, height, boxes, real, routes, loops)


def _places(
    nodes: Sequence[str], sizes: Mapping[str, Size], edges: Sequence[Edge], layers: Mapping[str, int]
) -> tuple[list[_Place], list[list[int]], list[list[int]]]:
    """Return the places, the places that each edge passes from end to end, and the first order of each layer."""
    degree: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for source, target in edges:
        degree[source][0] += 1
        degree[target][1] += 1
    last = max(layers.values(), default=0)
    places: list[_Place] = []
    number: dict[str, int] = {}
    for name in nodes:
        width, height = sizes[name]
        number[name] = len(places)
        grown = max(height, min(TALLEST, PORT * max(degree[name]) + 8))
        places.append(_Place(last - layers[name], grown, width, name))
    chains = []
    for source, target in edges:
        chain = [number[source]]
        for layer in range(places[number[source]].layer + 1, places[number[target]].layer):
            chain.append(len(places))
            places.append(_Place(layer, 0.0))
        chain.append(number[target])
        for one, other in itertools.pairwise(chain):
            places[one].right.append(other)
            places[other].left.append(one)
        chains.append(chain)
    return places, chains, _first_order(places, last)


def _first_order(places: Sequence[_Place], last: int) -> list[list[int]]:
    """Order each layer as a walk through the graph meets it, so that neighbours begin near each other."""
    order: list[list[int]] = [[] for _ in range(last + 1)]
    seen: set[int] = set()
    for start in sorted(range(len(places)), key=lambda i: (-places[i].layer, i)):
        stack = [start]
        while stack:
            index = stack.pop()
            if index not in seen:
                seen.add(index)
                order[places[index].layer].append(index)
                stack.extend(reversed(places[index].left + places[index].right))
    return order


def _reduce_crossings(places: Sequence[_Place], order: list[list[int]]) -> None:
    """Sweep over the layers, each ordered by the medians of its neighbours; the order with fewest crossings stays."""
    best, fewest = [list(layer) for layer in order], _crossings(places, order)
    for sweep in range(SWEEPS):
        if fewest == 0:
            break
        forward = sweep % 2 == 0
        for at in range(1, len(order)) if forward else range(len(order) - 2, -1, -1):
            position = {index: n for n, index in enumerate(order[at - 1 if forward else at + 1])}
            own = {index: n for n, index in enumerate(order[at])}
            keys = {i: _median(position, places[i].left if forward else places[i].right, own[i]) for i in order[at]}
            order[at].sort(key=lambda index: keys[index])
        _exchange(places, order)
        if (found := _crossings(places, order)) < fewest:
            best, fewest = [list(layer) for layer in order], found
    order[:] = best


def _median(position: Mapping[int, int], neighbours: Sequence[int], own: int) -> float:
    found = sorted(position[n] for n in neighbours)
    if not found:
        return float(own)
    middle = len(found) // 2
    return float(found[middle]) if len(found) % 2 else (found[middle - 1] + found[middle]) / 2


def _exchange(places: Sequence[_Place], order: list[list[int]]) -> None:
    """Exchange neighbours in a layer wherever that saves crossings."""
    for at, layer in enumerate(order):
        around = [
            {index: n for n, index in enumerate(order[near])} if 0 <= near < len(order) else {}
            for near in (at - 1, at + 1)
        ]
        ends = {
            i: tuple(
                sorted(side[n] for n in neighbours)
                for side, neighbours in zip(around, (places[i].left, places[i].right), strict=True)
            )
            for i in layer
        }
        for n in range(len(layer) - 1):
            one, other = layer[n], layer[n + 1]
            now = sum(_pairs(a, b) for a, b in zip(ends[one], ends[other], strict=True))
            if now and now > sum(_pairs(b, a) for a, b in zip(ends[one], ends[other], strict=True)):
                layer[n], layer[n + 1] = other, one


def _pairs(first: Sequence[int], second: Sequence[int]) -> int:
    """Count the crossings of the edges of two neighbours, by the sorted positions of their other ends."""
    return sum(bisect_left(second, end) for end in first)


def _crossings(places: Sequence[_Place], order: Sequence[Sequence[int]]) -> int:
    total = 0
    for at in range(len(order) - 1):
        position = {index: n for n, index in enumerate(order[at + 1])}
        seen: list[int] = []
        for index in order[at]:
            ends = sorted(position[n] for n in places[index].right)
            total += sum(len(seen) - bisect_left(seen, end + 1) for end in ends)
            for end in ends:
                insort(seen, end)
    return total


def _settle(places: Sequence[_Place], order: Sequence[Sequence[int]]) -> None:
    """Give every place its y: as near to its neighbours as order and free space allow; long edges lie straight."""
    for layer in order:
        y = 0.0
        for n, index in enumerate(layer):
            y += _apart(places, layer, n)
            places[index].y = y
    for sweep in range(SWEEPS):
        forward = sweep % 2 == 0
        for at in range(len(order)) if forward else range(len(order) - 1, -1, -1):
            _place(places, order[at], last=sweep >= SWEEPS - 4)
    top = min(p.y - p.height / 2 for p in places)
    for place in places:
        place.y = round(place.y - top, 1)


def _apart(places: Sequence[_Place], layer: Sequence[int], n: int) -> float:
    if n == 0:
        return 0.0
    one, other = places[layer[n - 1]], places[layer[n]]
    gap = GAP_Y if one.name and other.name else LANE_Y
    return one.height / 2 + other.height / 2 + gap


def _place(places: Sequence[_Place], layer: Sequence[int], *, last: bool) -> None:
    """Move the places of a layer to the weighted mean of their neighbours, keeping order and distance."""
    offset, blocks = 0.0, []
    offsets = []
    for n, index in enumerate(layer):
        offset += _apart(places, layer, n)
        offsets.append(offset)
        place = places[index]
        weights = [(_weight(place, places[m]), places[m].y) for m in place.left + place.right]
        weight = sum(w for w, _ in weights)
        wanted = sum(w * y for w, y in weights) / weight if weight else place.y
        blocks.append([max(weight, 0.01), wanted - offset, 1])
        while len(blocks) > 1 and blocks[-2][1] > blocks[-1][1]:
            w, y, count = blocks.pop()
            above = blocks[-1]
            above[1] = (above[0] * above[1] + w * y) / (above[0] + w)
            above[0] += w
            above[2] += count
    positions = [y for _, y, count in blocks for _ in range(int(count))]
    for index, offset, y in zip(layer, offsets, positions, strict=True):
        places[index].y = y + offset


def _weight(one: _Place, other: _Place) -> float:
    """Edges that pass layers pull the harder, so that they stay straight."""
    return (1.0, 3.0, 8.0)[(one.name is None) + (other.name is None)]


def _columns(places: Sequence[_Place], order: Sequence[Sequence[int]]) -> list[tuple[float, float]]:
    """Return x and width of each layer's column; all boxes of a column are as wide as its widest."""
    columns, x = [], 0.0
    for layer in order:
        width = max((places[i].width for i in layer), default=0.0)
        columns.append((round(x, 1), round(width, 1)))
        bent = sum(abs(places[i].y - places[n].y) > 2 for i in layer for n in places[i].right)
        x += width + min(WIDEST_GAP, GAP_X + PER_EDGE * bent)
    return columns


def _routes(
    places: Sequence[_Place], chains: Sequence[Sequence[int]], columns: Sequence[tuple[float, float]]
) -> list[list[tuple[float, float]]]:
    """Return the points of each edge: its ends at the boxes' sides, and both ends of each column that it passes."""
    leaving: dict[int, list[tuple[float, int]]] = defaultdict(list)
    arriving: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for n, chain in enumerate(chains):
        leaving[chain[0]].append((places[chain[1]].y, n))
        arriving[chain[-1]].append((places[chain[-2]].y, n))
    start, end = _ports(places, leaving), _ports(places, arriving)
    routes = []
    for n, chain in enumerate(chains):
        x, width = columns[places[chain[0]].layer]
        points = [(x + width, start[n])]
        for index in chain[1:-1]:
            x, width = columns[places[index].layer]
            points += [(x, places[index].y), (x + width, places[index].y)]
        points.append((columns[places[chain[-1]].layer][0], end[n]))
        routes.append(points)
    return routes


def _ports(places: Sequence[_Place], ends: Mapping[int, list[tuple[float, int]]]) -> dict[int, float]:
    """Return the y at which each edge meets its box: one below the other, in the order of the other ends."""
    found = {}
    for index, edges in ends.items():
        place = places[index]
        step = min(PORT, (place.height - 8) / max(len(edges), 1))
        top = place.y - step * (len(edges) - 1) / 2
        for n, (_, edge) in enumerate(sorted(edges)):
            found[edge] = top + step * n
    return found


def _loop(box: Box) -> str:
    """Return a loop at the upper right corner of a box, as a path: its right side is for edges that leave."""
    x, y = box.x + box.width, box.y
    return f"M{x - 30:.1f} {y:.1f} C{x - 34:.1f} {y - LOOP:.1f}, {x - 4:.1f} {y - LOOP:.1f}, {x - 10:.1f} {y:.1f}"


def _path(points: Iterable[tuple[float, float]]) -> str:
    """Return an edge's points as the ``d`` of a path: curves between columns, straight lines across them."""
    (x, y), *rest = points
    words = [f"M{x:.1f} {y:.1f}"]
    for n, (nx, ny) in enumerate(rest):
        if n % 2 or abs(ny - y) < 0.05:
            words.append(f"L{nx:.1f} {ny:.1f}")
        else:
            bend = (nx - x) * 0.5
            words.append(f"C{x + bend:.1f} {y:.1f}, {nx - bend:.1f} {ny:.1f}, {nx:.1f} {ny:.1f}")
        x, y = nx, ny
    return " ".join(words)
