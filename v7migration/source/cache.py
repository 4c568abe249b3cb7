"""Facts of sources kept in one file, by the SHA-256 of the source: never trusted, only used where it is intact.

The first line names format, version and Python; each other line holds a CRC-32 over all that follows it in the line,
the digest, the structure, the mentions and the fault, the last three as JSON parted by tabs. A line that does not agree
with its sum is left out, a file of another version as a whole: what is missing is read from the sources again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

from v7migration.source.facts import (
    Facts,
    Import,
    Mentions,
    Structure,
    as_json,
    imports_from,
    mentions_from,
    structure_from,
)

VERSION = 3
HEAD = json.dumps({"format": "v7 source facts", "version": VERSION, "python": sys.version_info[:2]}).encode() + b"\n"
_SUM = 8  # hexadecimal digits of the CRC-32
_DIGEST = 64
_BITS = 48  # of an offset or a length in bytes
_MASK = (1 << _BITS) - 1
_START = _SUM + 1 + _DIGEST + 1
Kept = TypeVar("Kept")


class Damaged(Exception):
    """A line of the cache cannot be read back."""


class _Entry(NamedTuple):
    """Where a line's halves are."""

    offset: int
    structure: int
    mentions: int
    whole: int

    @property
    def packed(self) -> int:
        """The four as one number."""
        found = 0
        for number in self:
            found = found << _BITS | number
        return found

    @classmethod
    def unpacked(cls, packed: int) -> _Entry:
        """Return what :attr:`packed` packed."""
        return cls(*(packed >> _BITS * place & _MASK for place in (3, 2, 1, 0)))

    def of_structure(self) -> tuple[int, int]:
        """Return where the structure begins, and its length."""
        return self.offset + _START, self.structure

    def of_mentions(self) -> tuple[int, int]:
        """Return where the mentions begin, and their length."""
        return self.offset + _START + self.structure + 1, self.mentions


def line_of(digest: str, facts: Facts) -> bytes:
    """Return the line that keeps the facts of a source with this digest."""
    body = "\t".join((as_json(facts.structure), as_json(facts.mentions), json.dumps(facts.fault)))
    rest = f"{digest} {body}".encode("ascii")
    return b"%08x " % zlib.crc32(rest) + rest + b"\n"


class Cache:
    """The lines of one source tree, in a file of a directory, or in a temporary file without one."""

    def __init__(self, directory: Path | None, root: Path) -> None:
        name = hashlib.sha256(os.fsencode(str(root))).hexdigest()[:16]
        self.path = directory / f"source-{name}.facts" if directory else None
        self.faults: dict[bytes, str] = {}
        self._entries: dict[bytes, int] = {}  # packed: there are as many as files
        self._file: IO[bytes] | None = None
        if self.path is not None:
            with suppress(OSError):
                self._take(self.path.open("rb"))

    def __contains__(self, digest: str) -> bool:
        return bytes.fromhex(digest) in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def fault(self, digest: str) -> str:
        """Say why the source with this digest cannot be read; '' where it can."""
        return self.faults.get(bytes.fromhex(digest), "")

    def structure(self, digest: str) -> Structure:
        """Read a structure back.

        Raises:
            Damaged: the line was changed since the cache was opened.
        """
        return self._back(digest, _Entry.of_structure, structure_from)

    def imports(self, digest: str) -> tuple[Import, ...]:
        """Read the imports of a structure back.

        Raises:
            Damaged: the line was changed since the cache was opened.
        """
        return self._back(digest, _Entry.of_structure, lambda kept: imports_from(kept.decode("ascii")))

    def mentions(self, digest: str) -> Mentions:
        """Read mentions back.

        Raises:
            Damaged: the line was changed since the cache was opened.
        """
        return self._back(digest, _Entry.of_mentions, mentions_from)

    def replace(self, wanted: Iterable[str], lines: Iterable[bytes]) -> None:
        """Write a new file that keeps the wanted lines and adds new ones, put it in the old one's place and read it.

        Raises:
            OSError: the directory cannot be written.
        """
        if self.path is None:
            file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 (it lives as long as the cache)
            self._write(file, wanted, lines)
            self._take(file)
            return
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=self.path.parent, prefix=f"{self.path.name}.")
        try:
            with os.fdopen(descriptor, "wb") as file:
                self._write(file, wanted, lines)
            Path(name).replace(self.path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
        self._take(self.path.open("rb"))

    def close(self) -> None:
        """Close the file; nothing can be read afterwards."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, file: IO[bytes], wanted: Iterable[str], lines: Iterable[bytes]) -> None:
        file.write(HEAD)
        for digest in wanted:
            entry = _Entry.unpacked(self._entries[bytes.fromhex(digest)])
            file.write(self._read(entry.offset, entry.whole))
        file.writelines(lines)
        file.flush()

    def _back(self, digest: str, half: Callable[[_Entry], tuple[int, int]], made: Callable[[bytes], Kept]) -> Kept:
        place, length = half(_Entry.unpacked(self._entries[bytes.fromhex(digest)]))
        try:
            return made(self._read(place, length))
        except (ValueError, TypeError, IndexError) as error:
            raise Damaged(digest) from error

    def _read(self, offset: int, length: int) -> bytes:
        if self._file is None:
            raise Damaged("closed")
        return os.pread(self._file.fileno(), length, offset)

    def _take(self, file: IO[bytes]) -> None:
        """Read where each intact line is; the file stays open."""
        self.close()
        self._file = file
        self._entries, self.faults = {}, {}
        file.seek(0)
        if file.readline() != HEAD:
            return
        offset = len(HEAD)
        for line in file:
            self._index(line, offset)
            offset += len(line)

    def _index(self, line: bytes, offset: int) -> None:
        rest = memoryview(line)[_SUM + 1 : -1]
        first = line.find(b"\t")
        second = line.find(b"\t", first + 1)
        if second < 0 or line[-1:] != b"\n" or line[:_SUM] != b"%08x" % zlib.crc32(rest):
            return
        with suppress(ValueError):
            digest = bytes.fromhex(line[_SUM + 1 : _SUM + 1 + _DIGEST].decode("ascii"))
            if line[second + 1 :] != b'""\n':
                self.faults[digest] = str(json.loads(line[second + 1 :]))
            entry = _Entry(offset, first - _START, second - first - 1, len(line))
            self._entries[digest] = entry.packed
