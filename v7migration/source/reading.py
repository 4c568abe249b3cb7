"""Reads every Python source of a tree without importing one: facts by content, kept from one reading to the next.

Sources are parsed in processes of their own when they are many. A file that cannot be read is a fault with its reason;
the rest is done. Facts stay in the cache's file: memory holds a digest for each path, not the facts.
"""

from __future__ import annotations

import ast
import gc
import hashlib
import multiprocessing
import os
import re
import stat
import sys
import warnings
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from tokenize import detect_encoding
from typing import NamedTuple

from v7migration.source.cache import Cache, Damaged, line_of
from v7migration.source.extract import facts_of
from v7migration.source.facts import Facts, Import, Mentions, Structure
from v7migration.source.tree import Fault, Tree

LARGEST = 4 * 1024 * 1024  # bytes of a source that is still parsed
ENDINGS = (".py", ".pyw")
BATCH = 64  # sources that a process takes at once
FEW = 200  # sources that are parsed here, because processes would take longer to start


OTHER_PYTHONS = (
    ((3, 12), re.compile(r"^\s*type\s+\w+\s*(\[.*\]\s*)?=")),
    ((3, 12), re.compile(r"^\s*(async\s+)?(def|class)\s+\w+\s*\[")),
    ((3, 14), re.compile(r"^\s*except\*?\s+[\w.]+(\s*,\s*[\w.]+)+\s*:")),
    ((3, 14), re.compile(r"""(^|[^\w"'])([tT][rR]?|[rR][tT])["']""")),
    ((2, 7), re.compile(r"^\s*(print\s+[^(=\s]|exec\s+[\"'\w]|raise\s+\w+\s*,|except\s+\w+\s*,\s*\w+\s*:)")),
)
"""What Python 3.11 cannot parse: type statements, type parameters, bare tuples in except, t-strings; Python 2."""


class Unreadable(Exception):
    """A file cannot be read at all; the text says why."""


class _Read(NamedTuple):
    """What became of one path: its digest and, if it was parsed, the cache's line; or a fault of the file system."""

    path: str
    digest: str
    line: bytes
    fault: str


class Reading:
    """The facts of a tree: :attr:`paths` in their order, :attr:`faults`, and each path's structure and mentions."""

    def __init__(self, root: Path, cache: Cache, digests: dict[str, str], faults: tuple[Fault, ...]) -> None:
        self.root = root
        self.faults = faults
        self.parsed = 0
        self._cache = cache
        self._digests = digests

    @property
    def paths(self) -> tuple[str, ...]:
        """The paths that could be parsed, relative to the root."""
        return tuple(self._digests)

    def __contains__(self, path: str) -> bool:
        return path in self._digests

    def structure(self, path: str) -> Structure:
        """Return what a file imports and declares; KeyError for a path that was not read."""
        digest = self._digests[path]
        try:
            return self._cache.structure(digest)
        except Damaged:
            return self._again(path).structure

    def imports(self, path: str) -> tuple[Import, ...]:
        """Return what a file imports; KeyError for a path that was not read."""
        digest = self._digests[path]
        try:
            return self._cache.imports(digest)
        except Damaged:
            return self._again(path).structure.imports

    def mentions(self, path: str) -> Mentions:
        """Return what a file speaks of; KeyError for a path that was not read."""
        digest = self._digests[path]
        try:
            return self._cache.mentions(digest)
        except Damaged:
            return self._again(path).mentions

    def structures(self) -> Iterator[tuple[str, Structure]]:
        """Yield every path with its structure."""
        for path in self._digests:
            yield path, self.structure(path)

    def close(self) -> None:
        """Close the cache's file."""
        self._cache.close()

    def __enter__(self) -> Reading:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _again(self, path: str) -> Facts:
        try:
            return facts_of_source(content_of(f"{self.root}/{path}"))
        except Unreadable as error:
            return Facts(str(error))


def read(tree: Tree, *, cache: Path | None = None, processes: int = 0) -> Reading:
    """Read the Python sources of a scanned tree.

    Args:
        tree: what :func:`v7migration.source.tree.scan` found; files that are not Python are passed over.
        cache: the directory that keeps facts from one reading to the next; None keeps none.
        processes: how many parse (0: as many as there are processors, at least two).

    Raises:
        OSError: the cache's directory cannot be written.
    """
    paths = [path for path in tree.paths if path.lower().endswith(ENDINGS)]
    kept = Cache(cache, tree.root)
    held = len(kept)
    digests: dict[str, str] = {}
    faults: list[Fault] = []
    missing = list(_already_kept(tree.root, paths, kept, digests, faults) if held else paths)
    parsed = 0
    if missing or len(set(digests.values())) * 2 < held or not held:
        wanted = set(digests.values())
        parsed = len(missing)
        fresh = _reads(tree.root, missing, processes or max(2, os.cpu_count() or 2))
        kept.replace(sorted(wanted), _lines(fresh, wanted, digests, faults))
    reading = _reading(tree, kept, paths, digests, faults)
    reading.parsed = parsed
    return reading


def _reading(tree: Tree, kept: Cache, paths: list[str], digests: dict[str, str], faults: list[Fault]) -> Reading:
    """Join what was kept with what is new, in the tree's order; a source with a fault is no path of the reading."""
    good: dict[str, str] = {}
    for path in paths:
        if path not in digests:
            continue
        if fault := kept.fault(digests[path]):
            faults.append(Fault(path, fault))
        else:
            good[path] = digests[path]
    return Reading(tree.root, kept, good, (*tree.faults, *sorted(faults, key=lambda fault: fault.path)))


def _already_kept(
    root: Path, paths: Sequence[str], kept: Cache, digests: dict[str, str], faults: list[Fault]
) -> Iterator[str]:
    """Note the digests of the sources that the cache holds and yield the paths of the others."""
    top = f"{root}/"
    for path in paths:
        try:
            digest = hashlib.sha256(content_of(top + path)).hexdigest()
        except Unreadable as error:
            faults.append(Fault(path, str(error)))
            continue
        if digest in kept:
            digests[path] = digest
        else:
            yield path


def _lines(reads: Iterator[_Read], wanted: set[str], digests: dict[str, str], faults: list[Fault]) -> Iterator[bytes]:
    """Note each digest and yield the line of each content once."""
    for read_ in reads:
        if read_.fault:
            faults.append(Fault(read_.path, read_.fault))
            continue
        digests[read_.path] = read_.digest
        if read_.digest not in wanted:
            wanted.add(read_.digest)
            yield read_.line


def _reads(root: Path, paths: Sequence[str], processes: int) -> Iterator[_Read]:
    """Parse the sources, here if they are few, else in other processes, which a source may kill without harm."""
    if len(paths) <= FEW:
        for path in paths:
            yield _read_one(root, path)
        return
    batches = deque(list(paths[start : start + BATCH]) for start in range(0, len(paths), BATCH))
    while batches:
        try:
            yield from _in_processes(root, batches, processes)
        except BrokenProcessPool:
            for path in batches.popleft():
                yield _alone(root, path)


def _in_processes(root: Path, batches: deque[list[str]], processes: int) -> Iterator[_Read]:
    """Take batches off the queue as they are done, the first first; what was not done stays in it."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_quiet) as pool:
        running: deque[Future[list[_Read]]] = deque()
        while batches:
            while len(running) < min(processes * 3, len(batches)):
                running.append(pool.submit(_read_batch, root, batches[len(running)]))
            done = running.popleft().result()
            batches.popleft()
            yield from done


def _alone(root: Path, path: str) -> _Read:
    """Parse one source in a process that does nothing else: a batch with it ended its process."""
    context = multiprocessing.get_context("spawn")
    try:
        with ProcessPoolExecutor(1, mp_context=context, initializer=_quiet) as pool:
            return pool.submit(_read_one, root, path).result()
    except BrokenProcessPool:
        return _Read(path, "", b"", "the process that parsed it died: memory, or nesting too deep for the parser")


def _quiet() -> None:
    gc.disable()  # syntax trees hold no cycles


def _read_batch(root: Path, paths: list[str]) -> list[_Read]:
    return [_read_one(root, path) for path in paths]


def _read_one(root: Path, path: str) -> _Read:
    try:
        content = content_of(f"{root}/{path}")
    except Unreadable as error:
        return _Read(path, "", b"", str(error))
    digest = hashlib.sha256(content).hexdigest()
    return _Read(path, digest, line_of(digest, facts_of_source(content)), "")


def content_of(path: str) -> bytes:
    """Return the bytes of a source.

    Raises:
        Unreadable: it is no regular file, too large, or the system refuses it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with os.fdopen(descriptor, "rb", buffering=0) as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise Unreadable("no regular file")
            if found.st_size > LARGEST:
                raise Unreadable(f"too large: {found.st_size:,} bytes, and sources up to {LARGEST:,} are read")
            return file.read(LARGEST)
    except (OSError, ValueError) as error:
        raise Unreadable(f"unreadable: {getattr(error, 'strerror', None) or error}") from error


def facts_of_source(content: bytes) -> Facts:
    """Return the facts of a source; a source that cannot be parsed has a fault, with its line."""
    if b"\0" in content:
        return Facts("not text: it holds a NUL byte (a binary, or UTF-16)")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return facts_of(ast.parse(content))
    except SyntaxError as error:
        said = f"syntax error in line {error.lineno or 1}: {error.msg}"
        return Facts(_not_decodable(content) or f"{said}{other_python(content, error)}")
    except (RecursionError, MemoryError):
        return Facts("nested too deeply to be parsed")
    except (ValueError, UnicodeError) as error:
        return Facts(_not_decodable(content) or f"not parsed: {error}")


def other_python(content: bytes, error: SyntaxError) -> str:
    """Say which Python a source that cannot be parsed seems to be written for; '' where it is just wrong.

    The sources are parsed by the Python that runs this; the line where it gives up shows what a later one writes so.
    """
    lines = content.splitlines()
    place = error.lineno or 1
    line = lines[place - 1].decode(errors="replace") if 0 < place <= len(lines) else ""
    found = next((version for version, form in OTHER_PYTHONS if form.search(line)), None)
    if found is None and (error.msg or "").startswith("f-string"):
        found = (3, 12)
    if (error.msg or "").startswith("Missing parentheses in call to"):
        found = (2, 7)
    if found is None or (found[0] == 3 and sys.version_info >= found):
        return ""
    here = ".".join(map(str, sys.version_info[:2]))
    written = f"Python {found[0]}.{found[1]} or later" if found[0] == 3 else "Python 2"
    return f"; it seems to be written for {written}, and is read as Python {here}"


def _not_decodable(content: bytes) -> str:
    """Say in words that the bytes are not in the encoding that the source names (UTF-8 if none); '' if they are."""
    lines = iter(content.splitlines(keepends=True))
    try:
        encoding, _ = detect_encoding(lambda: next(lines))
    except SyntaxError as error:
        return f"not text: {error}" if "unknown encoding" in str(error) else _not_utf8(content)
    try:
        content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        named = "UTF-8, and it names no other encoding" if encoding.startswith("utf-8") else encoding
        return f"line {line} is not {named}"
    except (LookupError, UnicodeError, ValueError) as error:
        return f"not text: {error}"
    return ""


def _not_utf8(content: bytes) -> str:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return f"line {line} is not UTF-8, and it names no other encoding"
    return ""
