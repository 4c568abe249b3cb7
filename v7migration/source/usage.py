"""Which lines of the code a proposed change touches, how surely, and which of them it breaks (document 2.1.3).

*Certain*: the mapped class, the bound enum class, ``Class.MEMBER``, ``Model.column``. *Likely*: SQL text that names the
table with the column, or the type; an attribute or keyword of the column's name in a file that uses the model or the
enum. *Possible*: a string that equals a label, also in SQL whose names are filled in; such an attribute elsewhere. A
line *breaks* where it holds a value that changes, names a type, table or column that gets another name, or imports a
file that does.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from v7migration.source.changes import (
    CERTAIN,
    COLUMN,
    ENUM,
    FILE,
    LIKELY,
    POSSIBLE,
    RANK,
    TABLE,
    Change,
    Touch,
    Usage,
)
from v7migration.source.enums import CodeEnum
from v7migration.source.extract import SQL
from v7migration.source.facts import Comparison, Mentions
from v7migration.source.imports import Graph
from v7migration.source.names import Names
from v7migration.source.targets import Targets, targets_of

POSSIBLE_IN_A_FILE = 25  # possible touches that are kept of one file for one change
POSSIBLE_IN_ALL = 2_000  # and of all files
WORD = re.compile(r"\"((?:[^\"]|\"\")+)\"|'((?:[^']|'')*)'|([A-Za-z_]\w*)")
HOLE = "{}"  # what an f-string, or str.format, fills in
LONGEST = 300  # characters of what is said of a line, after which nothing is added
DEFAULTS = frozenset({"default=", "server_default="})


def usages(changes: Sequence[Change], *, names: Names, graph: Graph, enums: Iterable[CodeEnum]) -> list[Usage]:
    """Find what each change touches, in the changes' order.

    Args:
        changes: what is proposed.
        names: resolves names in the files of a reading.
        graph: the imports of the same reading, for changes of files.
        enums: the enum types of the same reading.
    """
    targets = targets_of(changes, names, enums)
    found = [_Found(Usage(change)) for change in changes]
    by_path: dict[str, list[tuple[int, Touch]]] = defaultdict(list)
    for number, touch in targets.places:
        by_path[touch.path].append((number, touch))
    for path in names.reading.paths:
        pairs = [*by_path[path], *_File(targets, names, path).touches(by_path[path])]
        for number, touches in _merged(pairs).items():
            found[number].add(touches)
    for usage, change in zip(found, changes, strict=True):
        if change.kind == FILE:
            usage.add(list(_breaks(graph, change)))
    return [entry.usage for entry in found]


def _breaks(graph: Graph, change: Change) -> Iterator[Touch]:
    for found in graph.breaks({change.name: change.renamed}):
        yield Touch(found.path, found.line, CERTAIN, True, f"imports {change.name}: {found.reason}")


class _Found:
    """A usage that grows, with its limits on what is only possible."""

    def __init__(self, usage: Usage) -> None:
        self.usage = usage
        self._possible = 0

    def add(self, touches: Iterable[Touch]) -> None:
        here = 0
        for touch in touches:
            if touch.confidence == POSSIBLE:
                if here >= POSSIBLE_IN_A_FILE or self._possible >= POSSIBLE_IN_ALL:
                    self.usage.left_out += 1
                    continue
                here += 1
                self._possible += 1
            self.usage.touches.append(touch)


def _merged(pairs: Iterable[tuple[int, Touch]]) -> dict[int, list[Touch]]:
    """One touch for each line and change: the surest, with the words of all that are as sure."""
    lines: dict[tuple[int, int], Touch] = {}
    for number, touch in pairs:
        key = (number, touch.line)
        other = lines.get(key)
        if other is None or _weight(touch) > _weight(other):
            lines[key] = touch
        elif _weight(touch) == _weight(other) and touch.what not in other.what and len(other.what) < LONGEST:
            lines[key] = other._replace(what=f"{other.what}; {touch.what}")
    found: dict[int, list[Touch]] = defaultdict(list)
    for (number, _), touch in sorted(lines.items()):
        found[number].append(touch)
    return found


def _weight(touch: Touch) -> tuple[int, bool]:
    return RANK[touch.confidence], touch.breaking


class _Spoken(NamedTuple):
    """A word of an SQL text: a name (folded as PostgreSQL does) or a string, with its line."""

    text: str
    is_string: bool
    line: int


class _File:
    """Looks through the mentions of one file."""

    def __init__(self, targets: Targets, names: Names, path: str) -> None:
        self.targets = targets
        self.changes = targets.changes
        self.names = names
        self.path = path
        self.mentions: Mentions = names.reading.mentions(path)
        self.near: set[int] = set()  # changes whose model or enum this file uses
        self.settled: set[int] = set(targets.settled.get(path, ()))  # lines whose strings belong to a known enum

    def touches(self, places: Iterable[tuple[int, Touch]]) -> Iterator[tuple[int, Touch]]:
        """Yield every touch beside those of the declarations (``places``)."""
        self.near = {number for number, touch in places if touch.confidence == CERTAIN}
        yield from list(self._imports())
        yield from list(self._names())
        for comparison in self.mentions.comparisons:
            yield from self._comparison(comparison, {touch.line: number for number, touch in places})
        yield from self._attributes()
        yield from self._strings()
        yield from self._sql()

    def _touch(self, number: int, line: int, confidence: str, breaking: bool, what: str) -> tuple[int, Touch]:
        return number, Touch(self.path, line, confidence, breaking, what)

    def _imports(self) -> Iterator[tuple[int, Touch]]:
        for item in self.names.reading.imports(self.path):
            if item.name not in self.targets.interesting:
                continue
            origin = self.names.origin(self.path, item.bound)
            for aim in self.targets.declared.get((origin.path, origin.name), ()) if origin else ():
                self.near.add(aim.change)
                yield self._touch(aim.change, item.line, aim.confidence, False, f"imports {aim.what}")

    def _names(self) -> Iterator[tuple[int, Touch]]:
        for name, lines in self.mentions.names.items():
            if self.targets.interesting.isdisjoint(name.split(".")):
                continue
            origin = self.names.origin(self.path, name)
            if origin is None:
                continue
            key = (origin.path, origin.name)
            member = origin.rest.partition(".")[0]
            for aim in self.targets.declared.get(key, ()):
                self.near.add(aim.change)
                fate = aim.members.get(member, "")
                what = f"uses {aim.what}" + (f".{member}" if member else "") + (f": {fate}" if fate else "")
                yield from (self._touch(aim.change, line, aim.confidence, bool(fate), what) for line in lines)
            self.near.update(self.targets.models.get(origin.name, ()) if key in self.targets.columns else ())
            for number in self.targets.columns.get(key, {}).get(member, ()):
                yield from (self._column(number, line, CERTAIN, f"{origin.name}.{member}") for line in lines)

    def _column(self, number: int, line: int, confidence: str, said: str) -> tuple[int, Touch]:
        change = self.changes[number]
        breaking = change.kind == COLUMN and change.is_renamed
        return self._touch(number, line, confidence, breaking, f"uses the column as {said}")

    def _comparison(self, found: Comparison, places: dict[int, int]) -> Iterator[tuple[int, Touch]]:
        numbers = self.targets.labels.get(found.value, ())
        if not numbers:
            return
        sure = self._meant_by(found)
        word = found.of.rstrip("=").rpartition(".")[2]
        for number in numbers:
            change = self.changes[number]
            if number in sure or (found.of in DEFAULTS and places.get(found.line) == number):
                confidence = CERTAIN
            elif number in self.targets.attributes.get(word, ()):
                confidence = LIKELY if number in self.near or word not in self.targets.common else POSSIBLE
            else:
                continue
            fate = change.fate(found.value)
            said = fate or f"the value {found.value!r}"
            yield self._touch(number, found.line, confidence, bool(fate), f"{found.of.lstrip('.')} with {said}")

    def _meant_by(self, found: Comparison) -> set[int]:
        """The changes that a comparison's dotted name means: ``Order.status`` of a model, or a bound enum class."""
        if self.targets.interesting.isdisjoint(found.of.split(".")):
            return set()
        origin = self.names.origin(self.path, found.of)
        if origin is None:
            return set()
        key = (origin.path, origin.name)
        if key in self.targets.known:
            self.settled.add(found.line)
        member = origin.rest.partition(".")[0]
        columns = set(self.targets.columns.get(key, {}).get(member, ()))
        return columns | {aim.change for aim in self.targets.declared.get(key, ()) if aim.confidence == CERTAIN}

    def _attributes(self) -> Iterator[tuple[int, Touch]]:
        for attribute, lines in self.mentions.attributes.items():
            for number in self.targets.attributes.get(attribute, ()):
                if number in self.near:
                    confidence = LIKELY
                elif attribute not in self.targets.common:
                    confidence = POSSIBLE
                else:
                    continue
                yield from (self._column(number, line, confidence, f".{attribute}") for line in lines)

    def _strings(self) -> Iterator[tuple[int, Touch]]:
        for text, lines in self.mentions.strings.items():
            for number in self.targets.labels.get(text, ()):
                fate = self.changes[number].fate(text)
                what = fate or f"the string {text!r}"
                free = (line for line in lines if line not in self.settled)
                yield from (self._touch(number, line, POSSIBLE, bool(fate), what) for line in free)
            for number, what in self._named(text):
                breaking = self.changes[number].is_renamed and self.changes[number].kind != COLUMN
                confidence = LIKELY if self.changes[number].kind in (TABLE, ENUM) else POSSIBLE
                yield from (self._touch(number, line, confidence, breaking, what) for line in lines)

    def _named(self, text: str) -> Iterator[tuple[int, str]]:
        """The changes that a string of one name means: a type, a table, ``table.column``, a mapped class in quotes."""
        head, _, rest = text.rpartition(".")
        for number in self.targets.types.get(rest, ()):
            if not head or head == (self.changes[number].schema or "public"):
                yield number, f"names the type {text}"
        for number in self.targets.tables.get(head.rpartition(".")[2] or text, ()):
            change = self.changes[number]
            if change.kind == TABLE or (head and rest in self.targets.sql_columns[number]):
                yield number, f"names {text}"
        for number in self.targets.models.get(text, ()):
            if self.changes[number].kind == TABLE:
                yield number, f"names the class {text}"

    def _sql(self) -> Iterator[tuple[int, Touch]]:
        for text, lines in self.mentions.strings.items():
            yield from self._statement(text, lines, 0)
        for text, lines in self.mentions.texts.items():
            yield from self._statement(text, lines, 1)

    def _statement(self, text: str, lines: Sequence[int], step: int) -> Iterator[tuple[int, Touch]]:
        if not any(mark in text.strip() for mark in (" ", "\n", "::")) or not SQL.search(text):
            return
        words = list(_spoken(text, step))
        said = {word.text for word in words if not word.is_string}
        tables = {number for word in said for number in self.targets.tables.get(word, ())}
        meant = tables | {number for word in said for number in self.targets.types.get(word, ())}
        has_holes = HOLE in text
        if has_holes and not meant:  # the names are filled in at run time; the values are there to see
            strings = {word.text for word in words if word.is_string}
            meant = {number for string in strings for number in self.targets.labels.get(string, ())}
        for number in meant:
            for line in lines:
                yield from self._spoken(number, line, words, said, has_holes=has_holes)

    def _spoken(
        self, number: int, first: int, words: list[_Spoken], said: set[str], *, has_holes: bool
    ) -> Iterator[tuple[int, Touch]]:
        change = self.changes[number]
        columns = said & self.targets.sql_columns[number]
        means = change.kind == TABLE or bool(columns) or (change.kind == ENUM and change.name in said)
        confidence = LIKELY if means else POSSIBLE
        for word in words:
            line = first + word.line
            fate = change.fate(word.text) if word.is_string and (means or has_holes) else ""
            if fate:
                yield self._touch(number, line, confidence, True, f"SQL: {fate}")
            elif not word.is_string and word.text == change.name and change.kind in (ENUM, TABLE):
                yield self._touch(number, line, confidence, change.is_renamed, f"SQL names {change.name}")
            elif not word.is_string and (word.text in columns or number in self.targets.tables.get(word.text, ())):
                breaking = change.kind == COLUMN and change.is_renamed and word.text in columns
                yield self._touch(number, line, confidence, breaking, f"SQL names {word.text}")


def _spoken(text: str, step: int) -> Iterator[_Spoken]:
    """The words of an SQL text; ``step`` is 1 where the text's line breaks are the source's."""
    line = last = 0
    for match in WORD.finditer(text):
        line += text.count("\n", last, match.start()) * step
        last = match.start()
        quoted, string, bare = match.groups()
        if string is not None:
            yield _Spoken(string.replace("''", "'"), True, line)
        else:
            yield _Spoken(quoted.replace('""', '"') if quoted else bare.lower(), False, line)


def counted(usage: Usage) -> dict[str, int]:
    """Return how many lines of each confidence a change touches, and how many break."""
    numbers = Counter(touch.confidence for touch in usage.touches)
    breaking = sum(touch.breaking for touch in usage.touches)
    return {CERTAIN: numbers[CERTAIN], LIKELY: numbers[LIKELY], POSSIBLE: numbers[POSSIBLE], "breaking": breaking}
