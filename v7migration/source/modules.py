"""Finds the file that an import of a source tree means, as Python would, without importing anything.

Nobody says which folders of a strange tree stand on ``sys.path``, so the imports themselves decide: a folder is a
*root* if imports resolve below it. An import votes for the nearest folder above it below which all its parts are found;
only if there is none, for a folder elsewhere (``src/app`` for ``tests/``). A package can be a root only for imports of
several parts, and the standard library's names never vote: ``config/logging.py`` is not what ``import logging`` means.
"""

from __future__ import annotations

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from v7migration.source.facts import Import

INIT = "__init__.py"
ABOVE = 3  # how many folders above the tree can begin the names of its modules (``backend.app`` for …/backend/app)

SEVERAL = 0.05
"""Of the imports that name a package from its outermost one, this share must name it from inside, else those mean a
distribution of the same name: ``packaging.utils`` in a project that has ``warehouse/packaging/utils.py``."""
HELD = 20_000  # meanings of imports that are held in memory


class Located(NamedTuple):
    """What an import means: the file of its module ('' for a folder without ``__init__``), that of the submodule which
    its name is (or ''), and the folder of the module where it is a package (or '')."""

    module: str
    submodule: str
    folder: str | None

    @property
    def target(self) -> str:
        """The file that the import depends on; '' for a bare folder."""
        return self.submodule or self.module


class Modules:
    """The modules of a tree: every path of a Python file, and the roots that its imports speak for."""

    def __init__(self, root: Path, paths: Iterable[str]) -> None:
        self.files = frozenset(paths)
        self.folders = _folders(self.files)
        self.roots: tuple[str, ...] = ()
        self._above = tuple(root.parts[-ABOVE:]) if root.is_absolute() else ()
        self._holders: dict[str, list[str]] = defaultdict(list)
        shared = {folder: folder for folder in self.folders}  # one string for each folder, however many files it has
        for entry in (*(f for f in self.folders if f), *self.files):
            folder, _, name = entry.rpartition("/")
            self._holders[name.removesuffix(".py")].append(shared[folder])
        self._found: dict[tuple[str, str], Located | None] = {}

    def choose_roots(self, imports: Iterable[tuple[str, str]]) -> None:
        """Decide the roots from the absolute imports of the tree: pairs of a file's path and a module's name."""
        votes: Counter[str] = Counter()
        elsewhere: Counter[str] = Counter()
        for (folder, module), (path, count) in self._wanted(imports).items():
            near = [r for r in _ancestors(folder) if self._may_vote(r, module) and self._meant(r, module, path)]
            if near:
                votes[near[0]] += count
            else:
                elsewhere[module] += count
        for module, count in elsewhere.items():
            holders = set(self._holders[module.partition(".")[0]])
            found = [r for r in holders if self._may_vote(r, module) and self._meant(r, module, "")]
            if found:
                votes[min(found, key=lambda r: (-votes[r], r.count("/"), r))] += count
        for root in [root for root in votes if votes[root] < votes[self._beside_package(root)] * SEVERAL]:
            del votes[root]
        self.roots = tuple(sorted(votes, key=lambda r: (-votes[r], r))) or ("",)
        self._found.clear()

    def _beside_package(self, root: str) -> str:
        """The folder in which the outermost package of a folder lies; the folder itself where it is no package."""
        while root and _join(root, INIT) in self.files:
            root = _parent(root)
        return root

    def locate(self, path: str, item: Import) -> Located | None:
        """Return what an import of a file means inside the tree; None where it means something else, or nothing."""
        if item.level:
            return self._relative(path, item)
        located = self._absolute(_parent(path), item.module)
        return located and self._with_name(located, item.name)

    def is_lost(self, path: str, item: Import) -> bool:
        """Say whether an import that :meth:`locate` does not find claims to be of this tree."""
        if item.level:
            return True
        top = item.module.partition(".")[0]
        if top not in self._holders or top in sys.stdlib_module_names:
            return False
        return any(self._at(root, top) not in (None, "") for root in self._roots_for(_parent(path)))

    def _wanted(self, imports: Iterable[tuple[str, str]]) -> dict[tuple[str, str], tuple[str, int]]:
        """Absolute imports that can mean the tree, by folder and module: an importing path, and how many."""
        wanted: dict[tuple[str, str], tuple[str, int]] = {}
        for path, module in imports:
            top, _, rest = module.partition(".")
            if top in self._holders and (rest or top not in sys.stdlib_module_names):
                key = (_parent(path), module)
                wanted[key] = (path, wanted.get(key, ("", 0))[1] + 1)
        return wanted

    def _may_vote(self, root: str, module: str) -> bool:
        return "." in module or _join(root, INIT) not in self.files

    def _meant(self, root: str, module: str, path: str) -> bool:
        """Whether all parts of a module are found below a root, and it is not the importing file itself."""
        found = self._at(root, module)
        return found is not None and (found != path or not path)

    def _at(self, root: str, module: str) -> str | None:
        """The file of a module below a root: '' for a folder without ``__init__``, None where there is nothing."""
        base = _join(root, module.replace(".", "/"))
        package = _join(base, INIT)
        if package in self.files:
            return package
        if f"{base}.py" in self.files:
            return f"{base}.py"
        return "" if base in self.folders else None

    def _roots_for(self, folder: str) -> Iterator[str]:
        chosen = set(self.roots)
        near = [root for root in _ancestors(folder) if root in chosen]
        yield from near
        yield from (root for root in self.roots if root not in near)

    def _absolute(self, folder: str, module: str) -> Located | None:
        key = (folder, module)
        if key not in self._found:
            if len(self._found) >= HELD:
                self._found.clear()
            self._found[key] = self._absolute_anew(folder, module)
        return self._found[key]

    def _absolute_anew(self, folder: str, module: str) -> Located | None:
        top, _, rest = module.partition(".")
        if not top or (top in sys.stdlib_module_names and not rest):
            return None
        if top in self._holders:
            for root in self._roots_for(folder):
                found = self._at(root, module)
                if found is not None and (found or rest or top not in sys.stdlib_module_names):
                    return self._located(found, _join(root, module.replace(".", "/")))
        return self._from_above(module)

    def _from_above(self, module: str) -> Located | None:
        """The tree's own folder names can begin a module's name: ``app.models`` where the tree is …/app."""
        parts = module.split(".")
        for length in range(min(len(self._above), len(parts)), 0, -1):
            if tuple(parts[:length]) == self._above[-length:]:
                found = self._at("", ".".join(parts[length:])) if parts[length:] else self._own_init()
                if found is not None:
                    return self._located(found, "/".join(parts[length:]))
        return None

    def _own_init(self) -> str | None:
        return INIT if INIT in self.files else None

    def _relative(self, path: str, item: Import) -> Located | None:
        folder: str | None = _parent(path)
        for _ in range(item.level - 1):
            folder = _parent(folder) if folder else None
            if folder is None:
                return None
        assert folder is not None  # noqa: S101 (for the reader of types)
        base = _join(folder, item.module.replace(".", "/"))
        if not item.module:
            package = _join(base, INIT)
            return self._with_name(self._located(package if package in self.files else "", base), item.name)
        found = self._at(folder, item.module)
        return None if found is None else self._with_name(self._located(found, base), item.name)

    def _located(self, found: str, base: str) -> Located:
        is_package = not found or found.endswith(f"/{INIT}") or found == INIT
        return Located(found, "", base if is_package else None)

    def _with_name(self, located: Located, name: str) -> Located | None:
        """Add the submodule that an imported name is; a bare folder has nothing else to give."""
        if located.folder is None or not name or name == "*":
            return located
        submodule = self._at(located.folder, name)
        if submodule:
            return located._replace(submodule=submodule)
        if submodule is None and not located.module:
            return None
        return located


def _folders(files: Iterable[str]) -> frozenset[str]:
    found = {""}
    for path in files:
        folder = _parent(path)
        while folder not in found:
            found.add(folder)
            folder = _parent(folder)
    return frozenset(found)


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder and name else folder or name


def _ancestors(folder: str) -> Iterator[str]:
    """The folder and those above it, the nearest first, the tree's root last."""
    while folder:
        yield folder
        folder = _parent(folder)
    yield ""
