"""Which part of a dependency graph a person looks at, and what of it is put together so that it can be read.

A graph is the document of :func:`v7migration.postgres.catalog.dependencies`. A view of it has *boxes* (an object, or
several that stand in one place) and *lines* (the edges of one kind between two boxes).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from v7migration.postgres import dependency_clusters

Graph = Mapping[str, Sequence[Mapping[str, Any]]]
Node = Mapping[str, Any]

KINDS = (
    *("foreign key", "inheritance", "view", "rule", "trigger", "policy", "function", "mentioned", "sequence", "type"),
)
WHOLE_KINDS = frozenset(KINDS) - {"type"}
"""What a picture without a table shows when no kind is chosen: the types of columns would hide the rest."""
RELATIONS = frozenset({"table", "view", "materialized view", "foreign table"})
BOTH, NEEDS, NEEDED_BY = "both", "needs", "needed by"
MOST_BOXES, MOST_LINES = dependency_clusters.LARGEST, 420
FAN = 6
"""So many objects with the same neighbours become one box."""
BETWEEN, LEAST_BETWEEN = 2, 16
"""So many lines for each cluster are drawn between clusters, and so many at least; the others would hide them."""
NAMED = 40


@dataclass(frozen=True)
class Question:
    """What somebody wants to see: around a table, a cluster, or everything; which kinds; how many steps."""

    table: str = ""
    cluster: str = ""
    kinds: frozenset[str] = frozenset()
    steps: int = 1
    direction: str = BOTH
    unfolded: bool = False

    def shown_kinds(self) -> frozenset[str]:
        """Return the kinds of edges that are shown: those chosen, or else all that can be read together."""
        return self.kinds or (frozenset(KINDS) if self.table else WHOLE_KINDS)


@dataclass(frozen=True)
class Box:
    """An object, or several in one place (``members``); ``partitions`` counts those folded into their table."""

    id: str
    kind: str
    label: str
    members: tuple[str, ...]
    partitions: int = 0


@dataclass(frozen=True)
class Line:
    """The edges of one kind that lead from one box to another."""

    source: str
    target: str
    kind: str
    edges: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True)
class View:
    """What is drawn, and what stands in the table beside it; ``summary`` says that boxes are clusters.

    ``apart`` counts boxes without a line, ``thinner`` lines between clusters, that were left out to be readable.
    """

    boxes: list[Box]
    lines: list[Line]
    nodes: list[Node]
    edges: list[Mapping[str, Any]]
    summary: bool = False
    hubs: list[dict[str, Any]] = field(default_factory=list)
    apart: int = 0
    thinner: int = 0


def find(graph: Graph, words: str) -> list[str]:
    """Return the ids that typed words mean: the exact id, else the same in any case, else those that contain them."""
    ids = [node["id"] for node in graph["nodes"]]
    if words in set(ids):
        return [words]
    bare = words.casefold().replace('"', "")
    plain = {node_id: node_id.casefold().replace('"', "") for node_id in ids}
    for same in (
        [i for i, p in plain.items() if bare in (p, p.partition("(")[0])],
        [i for i, p in plain.items() if p.partition("(")[0].rpartition(".")[2] == bare],
        [i for i, p in plain.items() if bare in p],
    ):
        if same:
            return same
    return []


def view(graph: Graph, question: Question) -> View:
    """Return what a question shows; where that is too much for one picture, clusters of it."""
    nodes, edges = _chosen(graph, question)
    boxes, lines = _folded(nodes, edges, keep=question.table, unfolded=question.unfolded)
    if len(boxes) <= MOST_BOXES and len(lines) <= MOST_LINES:
        return View(boxes, lines, nodes, edges)
    ends = {end for line in lines for end in (line.source, line.target)}
    joined = [box for box in boxes if box.id in ends]
    if joined and len(joined) <= MOST_BOXES and len(lines) <= MOST_LINES:
        return View(joined, lines, nodes, edges, apart=len(boxes) - len(joined))
    if question.unfolded:
        return view(
            graph, Question(question.table, question.cluster, question.kinds, question.steps, question.direction)
        )
    clusters, between = _clustered(graph, question, nodes, edges)
    drawn = _strongest(between, max(LEAST_BETWEEN, BETWEEN * len(clusters)))
    thinner = len(between) - len(drawn)
    return View(clusters, drawn, nodes, edges, summary=True, hubs=_hubs(nodes, edges), thinner=thinner)


def _chosen(graph: Graph, question: Question) -> tuple[list[Node], list[Mapping[str, Any]]]:
    kinds = question.shown_kinds()
    edges = [edge for edge in graph["edges"] if edge["kind"] in kinds]
    if question.table:
        edges, inside = _around(edges, question)
        return [node for node in graph["nodes"] if node["id"] in inside], edges
    nodes = list(graph["nodes"])
    if question.cluster:
        nodes = dependency_clusters.opened(nodes, graph["edges"], question.cluster)
        inside = {node["id"] for node in nodes}
        edges = [edge for edge in edges if edge["from"] in inside and edge["to"] in inside]
    touched = {end for edge in edges for end in (edge["from"], edge["to"])}
    return [node for node in nodes if node["kind"] in RELATIONS or node["id"] in touched], edges


def _around(edges: Iterable[Mapping[str, Any]], question: Question) -> tuple[list[Mapping[str, Any]], set[str]]:
    """Return the edges on the ways of so many steps from a table, and the objects at their ends."""
    leaving, arriving = defaultdict(list), defaultdict(list)
    for edge in edges:
        leaving[edge["from"]].append(edge)
        arriving[edge["to"]].append(edge)
    found: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    inside = {question.table}
    for by_end, other, wanted in ((leaving, "to", NEEDS), (arriving, "from", NEEDED_BY)):
        if question.direction not in (BOTH, wanted):
            continue
        seen, edge_of_seen = {question.table}, {question.table}
        for _ in range(question.steps):
            steps = [edge for name in edge_of_seen for edge in by_end[name]]
            found |= {(edge["from"], edge["to"], edge["kind"]): edge for edge in steps}
            edge_of_seen = {edge[other] for edge in steps} - seen
            seen |= edge_of_seen
        inside |= seen
    return [found[key] for key in sorted(found)], inside


def _folded(
    nodes: Sequence[Node], edges: Sequence[Mapping[str, Any]], *, keep: str, unfolded: bool
) -> tuple[list[Box], list[Line]]:
    """Put partitions into their table, and objects with the same neighbours into one box."""
    home = {node["id"]: node["id"] for node in nodes}
    if not unfolded:
        home = _without_partitions(nodes, keep)
        home = _without_fans(nodes, edges, home, keep)
    members: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        members[home[node["id"]]].append(node)
    boxes = [_box(name, found, alone=not any(name == n["id"] for n in found)) for name, found in members.items()]
    return sorted(boxes, key=lambda box: box.id), _lines(edges, home)


def _without_partitions(nodes: Sequence[Node], keep: str) -> dict[str, str]:
    parent = {node["id"]: node.get("partition_of", "") for node in nodes}
    home = {}
    for name in parent:
        root = name
        while (above := parent.get(root, "")) in parent and root != keep and above != keep:
            root = above
        home[name] = root
    return home


def _without_fans(
    nodes: Sequence[Node], edges: Sequence[Mapping[str, Any]], home: Mapping[str, str], keep: str
) -> dict[str, str]:
    kinds = {node["id"]: node["kind"] for node in nodes}
    around: dict[str, set[tuple[str, str, str]]] = defaultdict(set)
    for edge in edges:
        one, other = home[edge["from"]], home[edge["to"]]
        if one != other or edge["kind"] == "foreign key":
            around[one].add(("to", other, edge["kind"]))
            around[other].add(("from", one, edge["kind"]))
    alike: dict[tuple[str, frozenset[tuple[str, str, str]]], list[str]] = defaultdict(list)
    for name in sorted(set(home.values()) - {keep}):
        if name in around:
            alike[(kinds[name], frozenset(around[name]))].append(name)
    fan = {name: f"fan {names[0]}" for names in alike.values() if len(names) >= FAN for name in names}
    return {name: fan.get(place, place) for name, place in home.items()}


def _box(name: str, members: Sequence[Node], *, alone: bool) -> Box:
    if not alone:
        node = next(node for node in members if node["id"] == name)
        return Box(name, node["kind"], name, (name,), len(members) - 1)
    kind = members[0]["kind"]
    whole = [node for node in members if not node.get("partition_of")] or list(members)
    return Box(name, "fan", f"{len(whole)} {_plural(kind)}", tuple(node["id"] for node in members))


def _lines(edges: Iterable[Mapping[str, Any]], home: Mapping[str, str]) -> list[Line]:
    found: dict[tuple[str, str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for edge in edges:
        source, target = home[edge["from"]], home[edge["to"]]
        if source != target or (edge["from"] == edge["to"] and not source.startswith("fan ")):
            found[(source, target, edge["kind"])].append(edge)
    return [Line(*key, tuple(found[key])) for key in sorted(found)]


def _clustered(
    graph: Graph, question: Question, nodes: Sequence[Node], edges: Iterable[Mapping[str, Any]]
) -> tuple[list[Box], list[Line]]:
    """Return the clusters as boxes, those inside the cluster that is open, and one line for all edges between two."""
    above = question.cluster + dependency_clusters.INTO if question.cluster else ""
    around = dependency_clusters.opened(graph["nodes"], graph["edges"], question.cluster)
    named = {key: above + name for key, name in dependency_clusters.names(around, graph["edges"]).items()}
    members: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        members[named[node["id"]]].append(node)
    between: dict[tuple[str, str], list[Mapping[str, Any]]] = defaultdict(list)
    for edge in edges:
        source, target = named[edge["from"]], named[edge["to"]]
        if source != target:
            between[(source, target)].append(edge)
    boxes = [
        Box(
            name,
            "cluster",
            name.removeprefix(above).replace("around public.", "around "),
            tuple(node["id"] for node in members[name]),
        )
        for name in sorted(members, key=dependency_clusters.natural)
    ]
    return boxes, [Line(*ends, "several", tuple(found)) for ends, found in sorted(between.items())]


def _strongest(lines: Sequence[Line], most: int) -> list[Line]:
    """Return the lines that carry most dependencies, in their order; each box keeps the strongest that leaves it."""
    ranked = sorted(lines, key=lambda line: (-len(line.edges), line.source, line.target))
    first = {line.source: line for line in reversed(ranked)}
    chosen = {id(line): line for line in [*first.values(), *ranked]}
    kept = set(list(chosen)[:most])
    return [line for line in lines if id(line) in kept]


def _hubs(nodes: Sequence[Node], edges: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the objects that most others need: {``id``, ``kind``, ``needed_by``, ``needs``}."""
    needed_by: dict[str, set[str]] = defaultdict(set)
    needs: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        needed_by[edge["to"]].add(edge["from"])
        needs[edge["from"]].add(edge["to"])
    ranked = sorted(nodes, key=lambda node: (-len(needed_by[node["id"]]), node["id"]))
    return [
        {"id": n["id"], "kind": n["kind"], "needed_by": len(needed_by[n["id"]]), "needs": len(needs[n["id"]])}
        for n in ranked[:NAMED]
        if needed_by[n["id"]]
    ]


def _plural(kind: str) -> str:
    return {"domain": "domains", "composite type": "composite types"}.get(kind, f"{kind}s")
