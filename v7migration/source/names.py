"""Follows a name of one source to the file that declares it, through imports, re-exports and star imports."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import NamedTuple

from v7migration.source.facts import Import, Structure
from v7migration.source.modules import Modules
from v7migration.source.reading import Reading

DEEPEST = 12  # re-exports that are followed
HELD = 4_000  # files whose names are held in memory


class Origin(NamedTuple):
    """Where a name is declared: the file, the name there, and what follows it (``value`` of ``Status.NEW.value``)."""

    path: str
    name: str
    rest: str


class _Scope(NamedTuple):
    """What the names of one file stand for."""

    declared: frozenset[str]
    bound: dict[str, list[Import]]
    stars: tuple[Import, ...]


class Names:
    """Resolves names in the files of a reading; ``modules`` say what imports mean."""

    def __init__(self, reading: Reading, modules: Modules) -> None:
        self.reading = reading
        self.modules = modules
        self.scope = lru_cache(maxsize=HELD)(self._scope)

    def origin(self, path: str, name: str) -> Origin | None:
        """Return where a dotted name of a file is declared; None for what is not of this tree."""
        return self._origin(path, name, 0)

    def external(self, path: str, name: str) -> str:
        """Return a name with its first part replaced by what was imported under it (``PyEnum`` -> ``enum.Enum``)."""
        root, _, rest = name.partition(".")
        for item in self.scope(path).bound.get(root, ()):
            whole = f"{item.module}.{item.name}" if item.name else item.module if item.alias else item.bound
            return f"{whole}.{rest}" if rest else whole
        return name

    def _origin(self, path: str, name: str, depth: int) -> Origin | None:
        if depth > DEEPEST or path not in self.reading:
            return None
        scope = self.scope(path)
        if (declared := _longest(name, scope.declared)) is not None:
            return Origin(path, *declared)
        root, _, rest = name.partition(".")
        for item in scope.bound.get(root, ()):
            if found := self._imported(path, item, name, rest, depth):
                return found
        for item in scope.stars:
            located = self.modules.locate(path, item)
            if located and located.module and (found := self._origin(located.module, name, depth + 1)):
                return found
        return None

    def _imported(self, path: str, item: Import, name: str, rest: str, depth: int) -> Origin | None:
        """Follow one import; ``import a.b`` gives the name ``a``, whose parts are a module's as far as they go."""
        if not item.name and not item.alias:
            if name != item.module and not name.startswith(f"{item.module}."):
                return None
            rest = name[len(item.module) + 1 :]
        located = self.modules.locate(path, item)
        if located is None:
            return None
        if item.name and not located.submodule:
            return self._origin(located.module, f"{item.name}.{rest}" if rest else item.name, depth + 1)
        return self._origin(located.target, rest, depth + 1) if rest else None

    def _scope(self, path: str) -> _Scope:
        structure = self.reading.structure(path)
        bound: dict[str, list[Import]] = {}
        for item in structure.imports:
            if item.bound:
                bound.setdefault(item.bound, []).append(item)
        stars = tuple(item for item in structure.imports if item.name == "*")
        return _Scope(frozenset(declared_names(structure)), bound, stars)


def aliased(names: Names, wanted: Iterable[str]) -> set[str]:
    """Return names and every one under which somebody imports one of them (``Status as S``), and those of these."""
    renamed: dict[str, set[str]] = defaultdict(set)
    for path in names.reading.paths:
        for item in names.reading.imports(path):
            if item.alias and item.name and item.alias != item.name:
                renamed[item.name].add(item.alias)
    found = set(wanted)
    new = set(found)
    while new:
        new = {alias for name in new for alias in renamed.get(name, ())} - found
        found |= new
    return found


def declared_names(structure: Structure) -> Iterator[str]:
    """Yield the names that a file declares and that a change can touch: classes, tables, types, Literal types."""
    yield from (class_.name for class_ in structure.classes)
    yield from (table.variable for table in structure.tables)
    yield from (use.variable for use in structure.enums if use.variable and not use.owner)
    yield from (found.name for found in structure.alternatives if found.name)


def _longest(name: str, declared: frozenset[str]) -> tuple[str, str] | None:
    """Split a dotted name into a declared one, the longest, and the rest."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        head = ".".join(parts[:length])
        if head in declared:
            return head, ".".join(parts[length:])
    return None
