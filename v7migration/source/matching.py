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
from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TypeVar

Each = TypeVar("Each")
SAMPLE = 2_000
"""Rows that vote for a rule and are counted under the rules with the most votes."""
STEP = 1_000_003
"""A prime: a sample takes every so many rows, around and around."""
CANDIDATES = 8
ROUNDS = 6
COMMON = 200
"""A file name that stands in more folders than this decides nothing."""
_DRIVE = re.compile(r"[A-Za-z]:(?=/)")
_ODD_MARKS = "\\: \t\r\v\f\x1c\x1d\x1e\x1f"
"""A path with one of them, or with a sign beyond ASCII, may be another once it is :func:`normal`."""


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
    rows: dict[str, Audited]
    known: Collection[str]
    free: Sequence[str]
    left: Sequence[Audited]
    if quick := _at_once(paths, audited):
        known, rows, free, left, texts, rule = quick
        rules, file_of = [rule], _itself(known)
    else:
        known = files = _known(paths)
        rows, free, left, texts = {}, paths, audited, [normal(row.path) for row in audited]
        rules, file_of = [], files.get
    doubled: list[Audited] = []
    while texts and free and len(rules) < ROUNDS:
        pair = _best(texts, known, free, is_first=not rules)
        if pair is None:
            break
        before = len(texts)
        left, texts = _apply(*pair, left, texts, file_of, rows, doubled)
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


_Quick = tuple[set[str], dict[str, Audited], list[str], list[Audited], list[str], Rule]


def _at_once(paths: Sequence[str], audited: Sequence[Audited]) -> _Quick | None:
    """Take the rows that the first rule explains, all at once; None where some path of the tree or of them is odd.

    A row which the rule turns into a file of the tree, letter by letter, needs no :func:`normal` path. Where several
    rows may mean one file, their order decides, and they have to be taken one by one.

    Returns:
        The files, the row of each that has one, the files that are left, the rows that are left, their normal paths,
        the rule.
    """
    text = "\n".join(paths)
    if not text.isascii() or text.count("\n") >= len(paths) or any(mark in text for mark in _ODD_MARKS):
        return None
    known = set(paths)
    pair = _usual([normal(row.path) for row in _sample(audited)], paths, known)
    if pair is None or normal(f"{pair[0]}x") != f"{pair[0]}x":
        return None
    met = _met(pair[0], sorted(audited, key=attrgetter("path")), list(paths))
    if met is None:
        return None
    rows, beside, free = met
    left = [row for row in audited if id(row) in beside] if beside else []
    texts = [normal(row.path) for row in left]
    if any(_translated(text, *pair) in known for text in texts):
        return None
    return known, rows, free, left, texts, Rule(*pair, len(rows))


def _met(taken: str, audited: list[Audited], paths: list[str]) -> tuple[dict[str, Audited], set[int], list[str]] | None:
    """Let sorted rows meet the files that they are without the beginning, a stretch of both at a time.

    Returns:
        The rows by file, the ``id`` of those that met none, the files that met none; None where not all rows have the
        beginning.
    """
    if not (audited[0].path.startswith(taken) and audited[-1].path.startswith(taken)):
        return None
    size = len(taken)
    keys = [row.path[size:] for row in audited]
    rows: dict[str, Audited] = {}
    beside: set[int] = set()
    free: list[str] = []
    end = there = 0
    for start, at, many in _runs(keys, paths):
        rows.update(zip(paths[at : at + many], audited[start : start + many], strict=True))
        beside.update(map(id, audited[end:start]))
        free += paths[there:at]
        end, there = start + many, at + many
    beside.update(map(id, audited[end:]))
    return rows, beside, free + paths[there:]


def _runs(one: list[str], other: list[str]) -> Iterator[tuple[int, int, int]]:
    """Yield the stretches in which two sorted lists say the same: where they begin in both, and how long they are."""
    here = there = 0
    while here < len(one) and there < len(other):
        if one[here] < other[there]:
            here = bisect_left(one, other[there], here)
        elif one[here] > other[there]:
            there = bisect_left(other, one[here], there)
        else:
            size = _alike(one, other, here, there)
            yield here, there, size
            here, there = here + size, there + size


def _alike(one: list[str], other: list[str], here: int, there: int) -> int:
    """Return how long two lists say the same from a place on: in steps that double, then in ever smaller ones."""
    size, step, grows = 0, 1, True
    while step:
        piece = one[here + size : here + size + step]
        if piece and piece == other[there + size : there + size + step]:
            size += len(piece)
        else:
            grows = False
        step = step * 2 if grows else step // 2
    return size


def _itself(known: Collection[str]) -> Callable[[str], str | None]:
    """Return what finds a file of a tree whose paths are compared as they are."""
    return lambda key: key if key in known else None


def _usual(sample: Sequence[str], paths: Sequence[str], known: Collection[str]) -> tuple[str, str] | None:
    """Return the rule that :func:`_best` would begin with, found without a look at every file; None: not so easily.

    Rules that only take something away are counted. One that puts a folder before paths could explain more of them
    only if that folder held as many files, and then it would explain one of any few paths, more than are missed.
    """
    starts = (next((start for start in _starts(path) if path[start:] in known), None) for path in sample)
    votes = Counter((path[:start], "") for path, start in zip(sample, starts, strict=True) if start is not None)
    pair = _counted(sample, votes, known, is_first=True)
    if pair is None or pair[1]:
        return None
    misses = sum(_translated(path, *pair) not in known for path in sample)
    least = len(set(sample)) - misses
    few = [path[start:] for path in sample[: misses + 1] for start in _starts(path)]
    if 2 * least < len(sample) or any(folder + end in known for folder in _large(paths, least) for end in few):
        return None
    return pair


def _starts(path: str) -> list[int]:
    """Return where the names of a path begin."""
    starts = [0]
    while start := path.find("/", starts[-1]) + 1:
        starts.append(start)
    return starts


def _large(paths: Sequence[str], least: int) -> Iterator[str]:
    """Yield each folder, with its slash, below which sorted paths have at least so many files."""
    waiting = [("", 0, len(paths))]
    while waiting:
        above, start, end = waiting.pop()
        while start + least <= end:
            name, slash, _ = paths[start][len(above) :].partition("/")
            after = bisect_left(paths, f"{above}{name}0", start, end) if slash else start + 1
            if slash and after - start >= least:
                yield f"{above}{name}/"
                waiting.append((f"{above}{name}/", start, after))
            start = after


def _apply(
    taken: str,
    put: str,
    audited: Sequence[Audited],
    texts: Sequence[str],
    file_of: Callable[[str], str | None],
    rows: dict[str, Audited],
    doubled: list[Audited],
) -> tuple[list[Audited], list[str]]:
    """Take the rows that a rule explains; return the others and their paths."""
    left: list[Audited] = []
    others: list[str] = []
    size = len(taken)
    for row, text in zip(audited, texts, strict=True):
        file = file_of(put + text[size:]) if text.startswith(taken) else None
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
    paths: Sequence[str], known: Collection[str], free: Sequence[str], *, is_first: bool
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
    return _counted(sample, votes, known, is_first=is_first)


def _counted(
    sample: Sequence[str], votes: Counter[tuple[str, str]], known: Collection[str], *, is_first: bool
) -> tuple[str, str] | None:
    """Return the rule, of those with the most votes, that makes files of the tree of the most paths of a sample."""
    pairs = [pair for pair, _ in votes.most_common(CANDIDATES)]
    counted = []
    for taken, put in dict.fromkeys([("", ""), *pairs]) if is_first else pairs:
        about = [text for path in sample if (text := _translated(path, taken, put)) is not None]
        hits = sum(text in known for text in about)
        if hits and (is_first or (hits > 1 and 2 * hits > len(about))):
            counted.append((hits, (taken, put)))
    return max(counted, key=lambda entry: entry[0])[1] if counted else None


def _sample(paths: Sequence[Each]) -> Sequence[Each]:
    """Return some of the paths or rows, spread over all of them and in step with nothing."""
    if len(paths) <= SAMPLE:
        return paths
    return [paths[number * STEP % len(paths)] for number in range(SAMPLE)]


def _votes(paths: Sequence[str], known: Sequence[str]) -> Counter[tuple[str, str]]:
    """Let each of some paths vote for how it becomes the file of the tree whose end is most like its own."""
    wanted = {path.rpartition("/")[2] for path in paths}
    ends: dict[str, list[str]] = defaultdict(list)
    for path in [path for path in known if path[path.rfind("/") + 1 :] in wanted]:
        ends[path[path.rfind("/") + 1 :]].append(path)
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
