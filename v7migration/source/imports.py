"""The import graph of a source tree: who depends on whom, cycles, imports that lead nowhere, what a rename breaks.

It feeds v7_dependencies and v7_dependents (DOMAIN: section 2's columns). Paths are relative to the tree, with slashes.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from v7migration.source.facts import Import
from v7migration.source.modules import INIT, Located, Modules
from v7migration.source.reading import Reading


class Edge(NamedTuple):
    """One import: the importing file, the file it means, the line, and when it runs (see ``facts.Import``)."""

    source: str
    target: str
    line: int
    when: str


class Lost(NamedTuple):
    """An import that claims to be of this tree and finds nothing."""

    path: str
    line: int
    module: str


class Break(NamedTuple):
    """An import that stops working when ``target`` becomes ``renamed``."""

    path: str
    line: int
    target: str
    renamed: str
    reason: str


@dataclass(frozen=True)
class Graph:
    """The imports of a tree, resolved; ``roots`` are the folders from which absolute imports were found to count."""

    modules: Modules
    edges: tuple[Edge, ...]
    lost: tuple[Lost, ...]
    _dependencies: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict)
    _dependents: Mapping[str, tuple[str, ...]] = field(repr=False, default_factory=dict)

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders (relative, '' for the tree itself) that stand on the path, the most used first."""
        return self.modules.roots

    def dependencies(self, path: str) -> tuple[str, ...]:
        """What a file imports, sorted (v7_dependencies)."""
        return self._dependencies.get(path, ())

    def dependents(self, path: str) -> tuple[str, ...]:
        """What imports a file, sorted (v7_dependents)."""
        return self._dependents.get(path, ())

    def cycles(self) -> list[tuple[str, ...]]:
        """Groups of files that need each other while they are imported; each group sorted, the largest first."""
        return cycles(dict(_grouped(_at_start(self.edges))))

    def breaks(self, renames: Mapping[str, str]) -> list[Break]:
        """Which imports break when files get new names (a name, or a path with slashes), sorted by file and line.

        Python finds a module by its file's name, so every import of a renamed file breaks; a file that moves to another
        folder takes its relative imports with it.
        """
        new = {path: name if "/" in name else _beside(path, name) for path, name in renames.items()}
        found = [
            Break(edge.source, edge.line, edge.target, new[edge.target], _reason(edge.target, new[edge.target]))
            for edge in self.edges
            if new.get(edge.target, edge.target) != edge.target
        ]
        return sorted(found)


def build(reading: Reading, others: Iterable[str] = ()) -> Graph:
    """Build the graph of a reading. ``others`` are files of the tree that could not be read: they can be imported."""
    modules = Modules(reading.root, [*reading.paths, *others])
    modules.choose_roots(
        (path, item.module)
        for path in reading.paths
        for item in reading.imports(path)
        if not item.level and item.module
    )
    edges: list[Edge] = []
    lost: list[Lost] = []
    known = {path: path for path in modules.files}  # one string for each path, however often it is named
    for path in reading.paths:
        for item in reading.imports(path):
            _resolve(modules, known[path], item, known, edges, lost)
    unique = tuple(dict.fromkeys(edges))
    dependencies = dict(_grouped((edge.source, edge.target) for edge in unique))
    dependents = dict(_grouped((edge.target, edge.source) for edge in unique))
    return Graph(modules, unique, tuple(lost), dependencies, dependents)


def _resolve(
    modules: Modules, path: str, item: Import, known: Mapping[str, str], edges: list[Edge], lost: list[Lost]
) -> None:
    located = modules.locate(path, item)
    if located is None:
        if modules.is_lost(path, item):
            lost.append(Lost(path, item.line, spelled(item)))
    elif located.target and located.target != path:
        edges.append(Edge(path, known[located.target], item.line, item.when))


def spelled(item: Import) -> str:
    """Return an import's module and name as the source writes them: ``..models.page.Page``."""
    module = "." * item.level + item.module
    if not item.name or item.name == "*":
        return module
    return f"{module}{'' if module.endswith('.') else '.'}{item.name}"


def cycles(targets: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """Return the groups of nodes that reach each other (Tarjan's algorithm, without recursion)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    open_: list[str] = []
    is_open: set[str] = set()
    found: list[tuple[str, ...]] = []
    for start in targets:
        work: list[tuple[str, Iterator[str]]] = []
        if start not in order:
            work = [_entered(start, targets, order, lowest, open_, is_open)]
        while work:
            node, rest = work[-1]
            step = next(rest, None)
            if step is None:
                work.pop()
                if work:
                    lowest[work[-1][0]] = min(lowest[work[-1][0]], lowest[node])
                if lowest[node] == order[node]:
                    found += _closed(node, open_, is_open)
            elif step not in order:
                work.append(_entered(step, targets, order, lowest, open_, is_open))
            elif step in is_open:
                lowest[node] = min(lowest[node], order[step])
    return sorted(found, key=lambda group: (-len(group), group))


def _entered(
    node: str, targets: Mapping[str, Sequence[str]], order: dict[str, int], lowest: dict[str, int],
    open_: list[str], is_open: set[str],
) -> tuple[str, Iterator[str]]:  # fmt: skip
    order[node] = lowest[node] = len(order)
    open_.append(node)
    is_open.add(node)
    return node, iter(targets.get(node, ()))


def _closed(node: str, open_: list[str], is_open: set[str]) -> list[tuple[str, ...]]:
    group: list[str] = []
    while not group or group[-1] != node:
        group.append(open_.pop())
        is_open.discard(group[-1])
    return [tuple(sorted(group))] if len(group) > 1 else []


def _at_start(edges: Iterable[Edge]) -> Iterator[tuple[str, str]]:
    return ((edge.source, edge.target) for edge in edges if edge.when == "module")


def _grouped(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, tuple[str, ...]]]:
    found: dict[str, set[str]] = defaultdict(set)
    for left, right in pairs:
        found[left].add(right)
    return ((left, tuple(sorted(rights))) for left, rights in found.items())


def _beside(path: str, name: str) -> str:
    folder = path.rpartition("/")[0]
    return f"{folder}/{name}" if folder else name


def _reason(target: str, renamed: str) -> str:
    stem = renamed.rpartition("/")[2].removesuffix(".py")
    if not stem.isidentifier() and not target.endswith(INIT):
        return f"{stem} cannot be imported: it is no Python name"
    return "the module gets another name"


__all__ = ["Break", "Edge", "Graph", "Located", "Lost", "build", "cycles", "spelled"]
