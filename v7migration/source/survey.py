"""A source tree, read as a whole: its files, facts, imports and enum types, for as long as somebody asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from v7migration.source import enums, imports
from v7migration.source.imports import Graph
from v7migration.source.names import Names
from v7migration.source.reading import Reading, read
from v7migration.source.tree import Tree, scan


@dataclass(frozen=True)
class Survey:
    """What was read of a tree. ``reading.faults`` holds what could not be listed, read or parsed, with its reason."""

    tree: Tree
    reading: Reading
    graph: Graph
    names: Names
    enums: tuple[enums.CodeEnum, ...]


@contextmanager
def survey(root: Path, *, cache: Path | None = None, processes: int = 0) -> Iterator[Survey]:
    """Read a tree and lend what was found; ``cache`` is the directory that keeps facts from one reading to the next.

    Raises:
        Refused: the tree cannot be read at all.
        OSError: the cache's directory cannot be written.
    """
    tree = scan(root)
    with read(tree, cache=cache, processes=processes) as reading:
        graph = imports.build(reading, [path for path in tree.paths if path not in reading])
        names = Names(reading, graph.modules)
        yield Survey(tree, reading, graph, names, enums.collect(names))
