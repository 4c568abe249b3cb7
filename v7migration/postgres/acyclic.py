"""Directed graphs by name: their components, their cycles, and their layers by dependency depth.

Every walk is a loop, not a recursion: a chain of thousands of views is a graph too. The same input gives the same
answer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

Edge = tuple[str, str]


def components(nodes: Iterable[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Return the parts of a graph that no edge joins, each sorted, the part with the smallest name first."""
    leader = {node: node for node in nodes}

    def lead(node: str) -> str:
        while leader[node] != node:
            leader[node] = leader[leader[node]]
            node = leader[node]
        return node

    for source, target in edges:
        one, other = sorted((lead(source), lead(target)))
        leader[other] = one
    parts = defaultdict(list)
    for node in sorted(leader):
        parts[lead(node)].append(node)
    return list(parts.values())


def cycles(nodes: Iterable[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Return the strongly connected parts of more than one node, each sorted (Tarjan)."""
    return [sorted(part) for part in _strong(sorted(nodes), _targets(edges)) if len(part) > 1]


def depths(nodes: Iterable[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return how many steps the longest way down from each node has; a cycle counts as one node."""
    found: dict[str, int] = {}
    targets = _targets(edges)
    for part in _strong(sorted(nodes), targets):  # what is needed comes before what needs it
        inside = set(part)
        below = [found[t] + 1 for node in part for t in targets.get(node, ()) if t not in inside]
        found |= dict.fromkeys(part, max(below, default=0))
    return found


def opened(nodes: Iterable[str], edges: Sequence[Edge]) -> list[bool]:
    """Say for each edge whether it must be turned round so that no cycle is left; only edges in cycles are.

    Within a cycle the order is that of Eades, Lin and Smyth, which turns few.
    """
    place: dict[str, tuple[int, int]] = {}
    for number, part in enumerate(_strong(sorted(nodes), _targets(edges))):
        inside = set(part)
        inner = [edge for edge in edges if edge[0] in inside and edge[1] in inside] if len(part) > 1 else []
        for rank, node in enumerate(_feedback_order(sorted(part), inner)):
            place[node] = (number, rank)
    return [place[s][0] == place[t][0] and place[s][1] > place[t][1] for s, t in edges]


def layers_of(nodes: Sequence[str], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the layer of each node of an acyclic graph: 0 for what needs nothing, and every edge leads down.

    What is needed more than it needs is moved up to those that need it, so that edges stay short.
    """
    targets, sources = _targets(edges), _targets((t, s) for s, t in edges)
    layer = depths(nodes, edges)
    order = sorted(nodes, key=lambda node: (-layer[node], node))
    for _ in range(3):
        for node in order:
            low = max((layer[t] + 1 for t in targets.get(node, ())), default=0)
            high = min((layer[s] - 1 for s in sources.get(node, ())), default=low)
            layer[node] = high if len(sources.get(node, ())) > len(targets.get(node, ())) else low
    return layer


def _targets(edges: Iterable[Edge]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for source, target in edges:
        if source != target:
            found[source].append(target)
    return found


def _strong(nodes: Sequence[str], targets: Mapping[str, list[str]]) -> list[list[str]]:
    """Return the strongly connected parts; a part comes after every part that it needs."""
    number: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    parts: list[list[str]] = []
    done: set[str] = set()
    for start in nodes:
        work = [] if start in number else [(start, iter(targets.get(start, ())))]
        while work:
            node, ahead = work[-1]
            if node not in number:
                number[node] = low[node] = len(number)
                open_.append(node)
            target = next((t for t in ahead if t not in done), None)
            if target is not None and target not in number:
                work.append((target, iter(targets.get(target, ()))))
            elif target is not None:
                low[node] = min(low[node], number[target])
            else:
                work.pop()
                if low[node] == number[node]:
                    part = [open_.pop()]
                    while part[-1] != node:
                        part.append(open_.pop())
                    parts.append(part)
                    done.update(part)
                elif work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
    return parts


def _feedback_order(nodes: Sequence[str], edges: Sequence[Edge]) -> list[str]:
    """Return an order in which few edges lead backwards: sources first, sinks last, the most giving in between."""
    out: dict[str, set[str]] = {node: set() for node in nodes}
    into: dict[str, set[str]] = {node: set() for node in nodes}
    for source, target in edges:
        out[source].add(target)
        into[target].add(source)
    first: list[str] = []
    last: list[str] = []
    left = dict.fromkeys(nodes)
    while left:
        sink = next((node for node in left if not out[node]), None)
        chosen = sink or next((node for node in left if not into[node]), None)
        chosen = chosen or max(left, key=lambda node: len(out[node]) - len(into[node]))
        (last if sink else first).append(chosen)
        del left[chosen]
        for node in out.pop(chosen):
            into[node].discard(chosen)
        for node in into.pop(chosen):
            out[node].discard(chosen)
    return first + last[::-1]
