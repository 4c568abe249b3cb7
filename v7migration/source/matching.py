"""Which row of file_audit speaks of which file of a tree: orphans, phantoms, and the prefixes that decide it.

The paths of file_audit may be relative to the root of the tree, to a folder above or below it, begin with ``./``,
``/`` or a drive, or use backslashes. What has to be taken away from them, and put before them, is decided by the
evidence: the rule under which most rows meet a file. What remains is matched by further rules, each of which has to
explain most of the rows it speaks of.
"""

from __future__ import annotations

import posixpath
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

SAMPLE = 2_000
"""Rows that vote for a rule and are counted under the rules with the most votes."""
STEP = 1_000_003
"""A prime: a sample takes every so many rows, around and around."""
CANDIDATES = 8
ROUNDS = 6
COMMON = 200
"""A file name that stands in more folders than this decides nothing."""
_DRIVE = re.compile(r"[A-Za-z]:(?=/)")
_ODD_ENDS = frozenset({"/", ".", ""})
_ODD_MARKS = ("\\", ":", " ", "\t", "\r", "//", "/.")


@dataclass(frozen=True, slots=True)
class Audited:
    """A row of file_audit: its key, the path as it stands there, layer, workflows; V7 target and state after a run."""

    key: int
    path: str
    layer: int | None = None
    workflows: tuple[str, ...] = ()
    target: str | None = None
    state: str | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How a path of file_audit becomes one of the tree: ``taken`` goes from its beginning, then ``put`` comes before.

    ``rows`` is how many rows it explains. Both are folders ending in a slash, or empty.
    """

    taken: str
    put: str
    rows: int

    def __str__(self) -> str:
        if not (self.taken or self.put):
            return f"as they stand ({self.rows} rows)"
        words = [f"without “{self.taken}”"] if self.taken else []
        words += [f"with “{self.put}” before them"] if self.put else []
        return f"{' and '.join(words)} ({self.rows} rows)"


@dataclass(frozen=True, slots=True)
class Matching:
    """Which rows speak of which files.

    ``rows`` gives the row of a path of the tree; ``doubled`` the rows that speak of a file which has one already;
    ``orphans`` the files without a row; ``phantoms`` the rows without a file, each with its path in the terms of the
    tree; ``rules`` how paths were compared, the first being the one with the most rows.
    """

    rows: dict[str, Audited]
    doubled: tuple[Audited, ...]
    orphans: tuple[str, ...]
    phantoms: tuple[tuple[Audited, str], ...]
    rules: tuple[Rule, ...]


def match(paths: Sequence[str], audited: Sequence[Audited]) -> Matching:
    """Match the files of a tree with the rows of file_audit.

    Args:
        paths: of the tree, relative to its root, with slashes, sorted.
        audited: the rows, in the order in which the first of several for one file counts.
    """
    known = _known(paths)
    rows: dict[str, Audited] = {}
    doubled: list[Audited] = []
    left, texts, free = audited, _normal([row.path for row in audited]), paths
    rules: list[Rule] = []
    while texts and free and len(rules) < ROUNDS:
        pair = _best(texts, known, free, is_first=not rules)
        if pair is None:
            break
        before = len(texts)
        left, texts = _apply(*pair, left, texts, known, rows, doubled)
        free = [path for path in free if path not in rows]
        rules.append(Rule(*pair, before - len(texts)))
    first = rules[0] if rules else Rule("", "", 0)
    return Matching(
        rows=rows,
        doubled=tuple(doubled),
        orphans=tuple(free),
        phantoms=tuple(
            (row, _translated(path, first.taken, first.put) or path) for row, path in zip(left, texts, strict=True)
        ),
        rules=tuple(rules),
    )


def normal(path: str) -> str:
    """Return a path as written by anybody with slashes and without ``.``, ``..``, drive and leading slash."""
    text = unicodedata.normalize("NFC", path.strip().replace("\\", "/"))
    text = posixpath.normpath(_DRIVE.sub("", text, count=1)) if text else ""
    return "" if text == "." else text.lstrip("/")


def _known(paths: Sequence[str]) -> dict[str, str]:
    """Return the files of the tree by what their paths are compared by."""
    known = dict(zip(paths, paths, strict=True))
    text = "\n".join(paths)
    if not text.isascii() or "\\" in text:
        for path in paths:
            known.setdefault(unicodedata.normalize("NFC", path), path)
            known.setdefault(normal(path), path)
    return known


def _normal(paths: list[str]) -> list[str]:
    """Return paths as :func:`normal` does; all at once where none of them needs it."""
    text = "\n".join(paths)
    ends = {path[:1] for path in paths} | {path[-1:] for path in paths}
    is_plain = text.isascii() and not ends & _ODD_ENDS and not any(mark in text for mark in _ODD_MARKS)
    return paths if is_plain else [normal(path) for path in paths]


def _apply(
    taken: str,
    put: str,
    audited: Sequence[Audited],
    texts: Sequence[str],
    known: dict[str, str],
    rows: dict[str, Audited],
    doubled: list[Audited],
) -> tuple[list[Audited], list[str]]:
    """Take the rows that a rule explains; return the others and their paths."""
    left: list[Audited] = []
    others: list[str] = []
    size = len(taken)
    for row, text in zip(audited, texts, strict=True):
        file = known.get(put + text[size:]) if text.startswith(taken) else None
        if file is None:
            left.append(row)
            others.append(text)
        elif file in rows:
            doubled.append(row)
        else:
            rows[file] = row
    return left, others


def _translated(path: str, taken: str, put: str) -> str | None:
    return put + path[len(taken) :] if path.startswith(taken) else None


def _best(
    paths: Sequence[str], known: dict[str, str], free: Sequence[str], *, is_first: bool
) -> tuple[str, str] | None:
    """Return what to take from paths and what to put before them so that most meet a file; None: nothing to trust.

    Only files without a row (``free``) are evidence. After the first rule one is trusted that explains more than one
    path and most of those it speaks of.
    """
    sample = _sample(paths)
    votes = _votes(sample, free)
    if not votes and len(sample) < len(paths):
        sample = paths
        votes = _votes(sample, free)
    pairs = [pair for pair, _ in votes.most_common(CANDIDATES)]
    counted = []
    for taken, put in dict.fromkeys([("", ""), *pairs]) if is_first else pairs:
        about = [text for path in sample if (text := _translated(path, taken, put)) is not None]
        hits = sum(text in known for text in about)
        if hits and (is_first or (hits > 1 and 2 * hits > len(about))):
            counted.append((hits, (taken, put)))
    return max(counted, key=lambda entry: entry[0])[1] if counted else None


def _sample(paths: Sequence[str]) -> Sequence[str]:
    """Return some of the paths, spread over all of them and in step with nothing."""
    if len(paths) <= SAMPLE:
        return paths
    return [paths[number * STEP % len(paths)] for number in range(SAMPLE)]


def _votes(paths: Sequence[str], known: Sequence[str]) -> Counter[tuple[str, str]]:
    """Let each of some paths vote for how it becomes the file of the tree whose end is most like its own."""
    wanted = {path.rpartition("/")[2] for path in paths}
    ends: dict[str, list[str]] = defaultdict(list)
    for path in known:
        if (end := path[path.rfind("/") + 1 :]) in wanted:
            ends[end].append(path)
    votes: Counter[tuple[str, str]] = Counter()
    for path in paths:
        alike = ends.get(path.rpartition("/")[2], [])
        if not 0 < len(alike) <= COMMON:
            continue
        shared = {other: _shared(path, other) for other in alike}
        longest = max(shared.values())
        for other, size in shared.items():
            if size == longest:
                votes[path[: len(path) - size], other[: len(other) - size]] += 1
    return votes


def _shared(one: str, other: str) -> int:
    """Return how many characters at the end two paths share, whole names only."""
    size = -1
    for mine, theirs in zip(reversed(one.split("/")), reversed(other.split("/")), strict=False):
        if mine != theirs:
            break
        size += len(mine) + 1
    return max(size, 0)
