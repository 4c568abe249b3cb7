"""Which objects of a dependency graph stand together when all of it is too much for one picture.

A cluster is a schema; in a large one the objects whose names begin alike; and where that is still too much (a thousand
tables ``t1``, ``t2``, …) what lies around the objects that have most dependencies. A cluster can be opened, and what is
too much inside it falls into clusters again: its address is the names on the way to it, joined by :data:`INTO`.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from math import ceil
from typing import Any

Node = Mapping[str, Any]
Edge = Mapping[str, Any]

INTO = " › "
LARGEST = 120
"""Objects of one cluster, above which it is taken apart."""
MOST_CLUSTERS, SMALL_CLUSTER = 60, 3
AROUND = 50
"""Objects that are put around one that many need, as an aim."""
TYPES = frozenset({"type"})
"""Kinds of edges that tell nothing of what belongs together: half a database may have columns of one type."""


def opened(nodes: Sequence[Node], edges: Sequence[Edge], address: str) -> list[Node]:
    """Return the objects of the cluster with an address, none where there is no such cluster."""
    inside = list(nodes)
    for name in address.split(INTO) if address else ():
        named = names(inside, edges)
        inside = [node for node in inside if named[node["id"]] == name]
    return inside


def names(nodes: Sequence[Node], edges: Iterable[Edge]) -> dict[str, str]:
    """Return the cluster of each object, whatever part of the objects and edges is looked at."""
    found = _by_name(nodes)
    members: dict[str, list[Node]] = defaultdict(list)
    for node in nodes:
        members[found[node["id"]]].append(node)
    beside = _neighbours(edges)
    for inside in members.values():
        if len(inside) > LARGEST or len(members) == 1:
            found |= _taken_apart(inside, beside)
    return found


def _by_name(nodes: Sequence[Node]) -> dict[str, str]:
    """Return the cluster of each object: its schema, and where that is large the beginning of its name."""
    sizes = Counter(node["schema"] for node in nodes)
    found = {}
    for node in nodes:
        stem = _bare(node).strip('"').partition("_")[0].partition("(")[0]
        found[node["id"]] = node["schema"] if sizes[node["schema"]] <= LARGEST // 2 else f"{node['schema']}.{stem}_*"
    for small in (SMALL_CLUSTER, *range(SMALL_CLUSTER + 1, len(nodes) + 1)):
        counts = Counter(found.values())
        found = {
            node["id"]: f"{node['schema']}.*"
            if counts[found[node["id"]]] < small and found[node["id"]] != node["schema"]
            else found[node["id"]]
            for node in nodes
        }
        if len(set(found.values())) <= max(MOST_CLUSTERS, len(sizes)):
            break
    return found


def _taken_apart(inside: Sequence[Node], beside: Mapping[str, set[str]]) -> dict[str, str]:
    """Put objects around those with most dependencies, in equal steps; name what is left by its first and last."""
    ids, bare = {node["id"] for node in inside}, {node["id"]: _bare(node) for node in inside}
    many = min(MOST_CLUSTERS, max(2, ceil(len(inside) / AROUND)))
    most = ceil(1.5 * len(inside) / many)
    degree = {node_id: len(beside[node_id] & ids) if node_id in beside else 0 for node_id in ids}
    relations = {node["id"] for node in inside if node["kind"] in ("table", "view", "materialized view")}
    ranked = sorted(relations or ids, key=lambda i: (-degree[i], natural(i)))
    found = {seed: f"around {seed}" for seed in ranked[:many] if degree[seed]}
    size = Counter(found.values())
    growing = deque(found.items())
    while growing:
        here, label = growing.popleft()
        for node_id in sorted(beside.get(here, set()) & ids - found.keys(), key=natural):
            if size[label] < most:
                found[node_id] = label
                size[label] += 1
                growing.append((node_id, label))
    left = sorted(ids - found.keys(), key=natural)
    for start in range(0, len(left), most):
        chunk = left[start : start + most]
        found |= dict.fromkeys(chunk, f"{chunk[0]} … {bare[chunk[-1]]}")
    return found


def natural(text: str) -> list[tuple[int, str]]:
    """Return a key that sorts ``t2`` before ``t10``."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d{1,18})", text)]


def _neighbours(edges: Iterable[Edge]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for edge in edges:
        if edge["kind"] not in TYPES and edge["from"] != edge["to"]:
            found[edge["from"]].add(edge["to"])
            found[edge["to"]].add(edge["from"])
    return found


def _bare(node: Node) -> str:
    """Return an id without its schema, as it is quoted."""
    name: str = node["id"]
    schema = '"' + node["schema"].replace('"', '""') + '"' if name.startswith('"') else node["schema"]
    return name[len(schema) + 1 :]
