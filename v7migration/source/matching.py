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
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

SAMPLE = 2_000
"""Rows that vote for a rule; all rows are counted under the rules with the most votes."""
CANDIDATES = 8
ROUNDS = 6
COMMON = 200
"""A file name that stands in more folders than this decides nothing."""
_DRIVE = re.compile(r"[A-Za-z]:(?=/)")


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
    waiting = [(row, normal(row.path)) for row in audited]
    rules: list[Rule] = []
    for number in range(ROUNDS):
        rule = _best(waiting, known, set() if not number else set(rows), is_first=not number)
        if rule is None:
            break
        rules.append(rule)
        waiting = _apply(rule, waiting, known, rows, doubled)
        if not waiting or len(rows) == len(paths):
            break
    first = rules[0] if rules else Rule("", "", 0)
    return Matching(
        rows=rows,
        doubled=tuple(doubled),
        orphans=tuple(path for path in paths if path not in rows),
        phantoms=tuple((row, _translated(path, first) or path) for row, path in waiting),
        rules=tuple(rules),
    )


def normal(path: str) -> str:
    """Return a path as written by anybody with slashes and without ``.``, ``..``, drive and leading slash."""
    text = unicodedata.normalize("NFC", path.strip().replace("\\", "/"))
    text = posixpath.normpath(_DRIVE.sub("", text, count=1)) if text else ""
    return "" if text == "." else text.lstrip("/")


def _known(paths: Iterable[str]) -> dict[str, str]:
    """Return the files of the tree by what their paths are compared by."""
    known: dict[str, str] = {}
    for path in paths:
        known.setdefault(path if path.isascii() else unicodedata.normalize("NFC", path), path)
        if "\\" in path:
            known.setdefault(normal(path), path)
    return known


def _apply(
    rule: Rule,
    waiting: list[tuple[Audited, str]],
    known: dict[str, str],
    rows: dict[str, Audited],
    doubled: list[Audited],
) -> list[tuple[Audited, str]]:
    """Take the rows that a rule explains; return the others."""
    left = []
    for row, path in waiting:
        file = known.get(_translated(path, rule) or "")
        if file is None:
            left.append((row, path))
        elif file in rows:
            doubled.append(row)
        else:
            rows[file] = row
    return left


def _translated(path: str, rule: Rule) -> str | None:
    return rule.put + path[len(rule.taken) :] if path.startswith(rule.taken) else None


def _best(waiting: list[tuple[Audited, str]], known: dict[str, str], taken: set[str], *, is_first: bool) -> Rule | None:
    """Return the rule that explains most rows; None where there is none to trust."""
    votes = _votes([path for _, path in waiting], [path for path, file in known.items() if file not in taken])
    candidates = [pair for pair, _ in votes.most_common(CANDIDATES)]
    if is_first:
        candidates.insert(0, ("", ""))
    best: Rule | None = None
    for before, put in dict.fromkeys(candidates):
        rule = Rule(before, put, 0)
        about = [text for _, path in waiting if (text := _translated(path, rule)) is not None]
        found = sum(text in known for text in about)
        trusted = is_first or (found > 1 and 2 * found > len(about))
        if found and trusted and (best is None or found > best.rows):
            best = Rule(before, put, found)
    return best


def _votes(paths: Sequence[str], known: Sequence[str]) -> Counter[tuple[str, str]]:
    """Let each of some paths vote for how it becomes the file of the tree whose end is most like its own."""
    ends: dict[str, list[str]] = defaultdict(list)
    for path in known:
        ends[path.rpartition("/")[2]].append(path)
    votes: Counter[tuple[str, str]] = Counter()
    for path in paths[:: max(1, len(paths) // SAMPLE)]:
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
