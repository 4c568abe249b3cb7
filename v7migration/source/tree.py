"""The Python files below a folder, found without reading one of them (document 2.1.3).

Links to folders are never followed: what they lead to is listed in its own place, or is not part of the tree. So
a loop of links ends where it begins. Whatever cannot be listed is a :class:`Fault`, and the rest is done.
"""

from __future__ import annotations

import errno
import os
import stat
import unicodedata
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path

from v7migration.errors import Refused

SUFFIX = ".py"
SKIPPED = frozenset({"__pycache__", "node_modules"})
"""Folders that hold no source of the tree; hidden folders and virtual environments are skipped as well."""
ENVIRONMENT = "pyvenv.cfg"
"""The file that marks a virtual environment."""
PARTS_OF_ENVIRONMENT = frozenset({"bin", "include", "lib", "lib64", "Include", "Lib", "Scripts"})
UNSPEAKABLE = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories that a name cannot have: controls, undecodable bytes, line and paragraph separators."""
_NEXT_STEP = "Name the folder of the sources in V7_SOURCE_DIR."


@dataclass(frozen=True, slots=True)
class Fault:
    """What could not be listed and why; the path is relative to the root and fit to be shown."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Tree:
    """The paths of the Python files of a tree, with slashes, relative to the root, sorted; what could not be listed."""

    root: Path
    paths: tuple[str, ...]
    faults: tuple[Fault, ...]


def scan(root: Path) -> Tree:
    """List the Python files below a folder.

    A file counts whose name ends in ``.py`` in any case of its letters: the rule on names reports the wrong case.

    Raises:
        Refused: the folder does not exist, is no folder, or cannot be read.
    """
    top = _top(root)
    paths: list[str] = []
    faults: list[Fault] = []
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        try:
            entries = _entries(top, folder)
        except OSError as error:
            if not folder:
                raise _unusable(root, _said(error)) from error
            faults.append(Fault(shown(folder.rstrip("/")), _said(error)))
            continue
        _sort_out(entries, folder, top, paths, waiting, faults)
    paths.sort()
    return Tree(Path(top), tuple(paths), _sorted(faults))


def unlisted_reason(found: Tree, path: str) -> str:
    """Return why a path that is not in the list may be there nevertheless; empty for one that is not there.

    Args:
        found: the tree.
        path: relative to its root, with slashes; one that leaves the root is not there.
    """
    if path.startswith("../") or path in ("", ".."):
        return ""
    for fault in found.faults:
        if _is_inside(path, fault.path):
            return fault.reason
    if os.path.lexists(os.path.join(found.root, path)):  # noqa: PTH118
        return "it is there, but no Python source that is listed"
    return ""


def shown(path: str) -> str:
    """Return a path that can be printed and stored: undecodable bytes and control characters as escapes."""
    text = path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(repr(c)[1:-1] if unicodedata.category(c) in UNSPEAKABLE else c for c in text)


def _top(root: Path) -> str:
    try:
        top = Path(root).expanduser().resolve(strict=True)
    except (OSError, RuntimeError, ValueError) as error:
        raise _unusable(root, _said(error)) from error
    if not top.is_dir():
        raise _unusable(root, "it is no folder")
    return os.fspath(top)


def _unusable(root: Path, reason: str) -> Refused:
    return Refused(f"The source tree {shown(os.fspath(root))} cannot be read: {reason}.", _NEXT_STEP)


def _entries(top: str, folder: str) -> list[os.DirEntry[str]]:
    with os.scandir(f"{top}/{folder}") as entries:
        return list(entries)


def _sort_out(
    entries: list[os.DirEntry[str]], folder: str, top: str, paths: list[str], waiting: list[str], faults: list[Fault]
) -> None:
    """Put each entry of a folder where it belongs: files, folders still to be listed, faults."""
    names: list[str] = []
    others: list[os.DirEntry[str]] = []
    for entry in entries:
        name = entry.name
        if name.endswith(SUFFIX) and entry.is_file(follow_symlinks=False):
            names.append(name)
        else:
            others.append(entry)
    if not "".join(names).isprintable():
        odd = {name for name in names if not name.isprintable()}
        names = [name for name in names if name not in odd]
        others += [entry for entry in entries if entry.name in odd]
    if not _is_environment(folder, others):
        names.sort()
        paths += [folder + name for name in names]
        _sort_others(others, folder, top, paths, waiting, faults)


def _is_environment(folder: str, entries: list[os.DirEntry[str]]) -> bool:
    """Say whether a folder below the root is a virtual environment; of the root only the environment's parts go."""
    if all(entry.name != ENVIRONMENT for entry in entries):
        return False
    if not folder:
        entries[:] = [entry for entry in entries if entry.name not in PARTS_OF_ENVIRONMENT]
        return False
    return True


def _sort_others(
    entries: list[os.DirEntry[str]], folder: str, top: str, paths: list[str], waiting: list[str], faults: list[Fault]
) -> None:
    """Put what is no plain Python file where it belongs; the folders so that they are listed in their order."""
    for entry in sorted(entries, key=attrgetter("name"), reverse=True):
        name = entry.name
        if not entry.is_dir(follow_symlinks=False):
            found = _odd(entry, folder + name, top)
            if isinstance(found, Fault):
                faults.append(found)
            elif found:
                paths.append(found)
        elif not name.startswith(".") and name not in SKIPPED:
            if _is_unspeakable(name):
                faults.append(Fault(shown(folder + name), f"{_unspeakable(name)}; nothing in it is listed"))
            else:
                waiting.append(f"{folder}{name}/")


def _odd(entry: os.DirEntry[str], path: str, top: str) -> str | Fault | None:
    """Return what is to say of an entry that is neither a plain Python file nor a folder: a path, a fault, nothing."""
    is_python = entry.name.lower().endswith(SUFFIX)
    is_link = entry.is_symlink()
    if not is_python and (not is_link or entry.name.startswith(".") or entry.name in SKIPPED):
        return None
    reason = _link_fault(path, top, is_python) if is_link else ""
    if is_python and _is_unspeakable(entry.name):
        reason = _unspeakable(entry.name)
    elif is_python and not reason and not entry.is_file():
        reason = "not a regular file"
    if reason:
        return Fault(shown(path), reason)
    return path if is_python else None


def _link_fault(path: str, top: str, is_python: bool) -> str:
    """Return why a link is not followed, empty for a link to a file that may count or does not matter."""
    try:
        goal = os.path.realpath(f"{top}/{path}", strict=True)
        mode = os.stat(goal).st_mode  # noqa: PTH116
    except OSError as error:
        matters = is_python or error.errno == errno.ELOOP or not os.path.splitext(path)[1]  # noqa: PTH122
        return f"a symbolic link that leads nowhere: {_said(error)}" if matters else ""
    if stat.S_ISDIR(mode):
        here = os.path.realpath(os.path.dirname(f"{top}/{path}"))  # noqa: PTH120
        if _is_inside(here, goal):
            return "a symbolic link that leads back to a folder above it: a loop, not followed"
        if _is_inside(goal, top):
            return "a symbolic link to a folder of this tree, which is listed in its own place"
        return "a symbolic link to a folder outside the tree: not followed"
    if is_python and not _is_inside(goal, top):
        return "a symbolic link to a file outside the tree: not followed"
    return ""


def _is_inside(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def _is_unspeakable(name: str) -> bool:
    return not name.isprintable() and any(unicodedata.category(c) in UNSPEAKABLE for c in name)


def _unspeakable(name: str) -> str:
    if any(unicodedata.category(c) == "Cs" for c in name):
        return "its name holds bytes that are no text in UTF-8"
    return "its name holds a line break or another control character"


def _said(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _sorted(faults: list[Fault]) -> tuple[Fault, ...]:
    return tuple(sorted(faults, key=lambda fault: (fault.path, fault.reason)))
