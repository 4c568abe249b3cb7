"""What changing a file touches: what it imports, what imports it, the ENUM types it uses, a score from 1 to 10 (2.1.3).

The score adds up reasons, and each is told: files that import it, ENUM types of the database that it uses, tables that
it maps, workflows that share it, a cycle of imports, and that nobody could read it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from v7migration.source.enums import Match
from v7migration.source.names import aliased
from v7migration.source.survey import Survey

LOWEST, HIGHEST = 1, 10
DEPENDENTS = ((50, 4), (10, 3), (3, 2), (1, 1))
"""From how many files that import a file how many points."""
ENUMS = ((3, 2), (1, 1))


@dataclass(frozen=True, slots=True)
class Impact:
    """What changing a file touches; paths relative to the tree, ENUM types as ``schema.name``, all sorted."""

    dependencies: tuple[str, ...]
    dependents: tuple[str, ...]
    enums: tuple[str, ...]
    score: int
    reasons: tuple[str, ...]


def weigh(
    found: Survey, matches: Iterable[Match], workflows: Mapping[str, Sequence[str]]
) -> Iterator[tuple[str, Impact]]:
    """Yield the path and the impact of each file of a tree.

    Args:
        found: what was read of the tree.
        matches: the ENUM types of the database that enums of the tree belong to.
        workflows: those that share a file, by its path.
    """
    used = _enums_used(found, matches)
    cycles = {path: len(group) for group in found.graph.cycles() for path in group}
    for path in found.tree.paths:
        enums, dependents = tuple(sorted(used.get(path, ()))), found.graph.dependents(path)
        points = [
            _stepped(len(dependents), DEPENDENTS, "file imports it", "files import it"),
            _stepped(len(enums), ENUMS, "ENUM type of the database is used", "ENUM types of the database are used"),
            *_of_structure(found, path),
            (1, f"{len(workflows[path])} workflows share it") if len(workflows.get(path, ())) > 1 else (0, ""),
            (1, f"it is in a cycle of {cycles[path]} files") if path in cycles else (0, ""),
        ]
        score = min(HIGHEST, LOWEST + sum(number for number, _ in points))
        reasons = tuple(reason for number, reason in points if number)
        yield path, Impact(found.graph.dependencies(path), dependents, enums, score, reasons)


def _stepped(count: int, steps: Sequence[tuple[int, int]], one: str, many: str) -> tuple[int, str]:
    points = next((points for least, points in steps if count >= least), 0)
    return points, f"{count} {one if count == 1 else many}"


def _of_structure(found: Survey, path: str) -> Iterator[tuple[int, str]]:
    if path not in found.reading:
        yield 2, "it cannot be read"
        return
    structure = found.reading.structure(path)
    tables = sorted({c.table for c in structure.classes if c.table} | {table.name for table in structure.tables})
    if tables:
        yield 1, f"it maps {', '.join(tables[:3])}{' and more' if len(tables) > 3 else ''}"


def _enums_used(found: Survey, matches: Iterable[Match]) -> dict[str, set[str]]:
    """Return the types that each file declares, gives to a column, imports, or says as ``module.Class``."""
    used: dict[str, set[str]] = defaultdict(set)
    declared: dict[tuple[str, str], set[str]] = defaultdict(set)
    for match in matches:
        used[match.enum.path].add(match.type)
        for binding in match.enum.bindings:
            used[binding.path].add(match.type)
        if match.enum.name:
            declared[match.enum.path, match.enum.name].add(match.type)
    holders = {part for _, name in declared for part in name.split(".")[:-1]}
    wanted = aliased(found.names, {name.rpartition(".")[2] for _, name in declared} | holders)
    for path in found.reading.paths:
        for name in _names_of_enums(found, path, wanted, holders):
            if origin := found.names.origin(path, name):
                used[path] |= declared.get((origin.path, origin.name), set())
    return used


def _names_of_enums(found: Survey, path: str, wanted: set[str], holders: set[str]) -> Iterator[str]:
    """Yield the names of a file that may be an enum's: imported ones, and those said as ``module.Class``."""
    is_qualified = False
    for item in found.reading.imports(path):
        if item.name in wanted:
            yield item.bound
        located = None if is_qualified else found.names.modules.locate(path, item)
        if located and (not item.name or item.name == "*" or located.submodule):
            is_qualified = True
    if is_qualified or holders:
        for name in found.reading.mentions(path).names:
            if not wanted.isdisjoint(name.split(".")):
                yield name
