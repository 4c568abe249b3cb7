"""What is proposed to change in the database or in the tree, and a place of the code that it touches."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from v7migration.postgres.enum_groups import EnumType, plain_words

ENUM = "enum"
TABLE = "table"
COLUMN = "column"
FILE = "file"

CERTAIN = "certain"
LIKELY = "likely"
POSSIBLE = "possible"
RANK: Mapping[str, int] = {POSSIBLE: 0, LIKELY: 1, CERTAIN: 2}


@dataclass(frozen=True)
class Change:
    """A proposed change of a type, a table, a column (``name`` is the table's, ``columns`` holds it) or a file.

    ``renamed`` is the new name, '' where it stays; ``labels`` and ``new_labels`` are an enum's, the latter empty where
    nobody said; ``columns`` are pairs of table and column that hold the type. Names are bare; ``schema`` may be ''.
    """

    key: str
    kind: str
    name: str
    schema: str = ""
    renamed: str = ""
    labels: tuple[str, ...] = ()
    new_labels: tuple[str, ...] = ()
    columns: tuple[tuple[str, str], ...] = ()

    @property
    def type(self) -> EnumType:
        """The enum type as the comparison with the code takes it."""
        return EnumType(self.schema, self.name, self.labels)

    @property
    def is_renamed(self) -> bool:
        """Whether what the code calls it will not exist any more."""
        return bool(self.renamed) and self.renamed != self.name

    @cached_property
    def digest(self) -> str:
        """The SHA-256 of what the change says: a map that was made for another digest does not know this change."""
        said = [self.kind, self.schema, self.name, self.renamed, self.labels, self.new_labels, sorted(self.columns)]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    @cached_property
    def fates(self) -> Mapping[str, str]:
        """Each label that changes: the label that takes its place (equal but for case and punctuation), or ''."""
        if not self.new_labels:
            return {}
        spelled = {plain_words(label): label for label in reversed(self.new_labels)}
        gone = [label for label in self.labels if label not in self.new_labels]
        return {label: spelled.get(plain_words(label), "") if plain_words(label) else "" for label in gone}

    def fate(self, label: str) -> str:
        """Say in words what becomes of a label; '' if it stays or is none of the type's."""
        if label not in self.fates:
            return ""
        new = self.fates[label]
        return f"the value {label!r} becomes {new!r}" if new else f"the value {label!r} is dropped"


class Touch(NamedTuple):
    """A line that a change touches: how surely, whether it breaks, and in words what is there."""

    path: str
    line: int
    confidence: str
    breaking: bool
    what: str

    def as_dict(self) -> dict[str, Any]:
        """The touch as JSON-able facts, without its path."""
        return {"line": self.line, "confidence": self.confidence, "breaking": self.breaking, "what": self.what}


@dataclass
class Usage:
    """All that a change touches. ``left_out`` counts possible touches that were too many to be kept."""

    change: Change
    touches: list[Touch] = field(default_factory=list)
    left_out: int = 0

    @property
    def files(self) -> dict[str, list[Touch]]:
        """The touches by path, sorted by line."""
        found: dict[str, list[Touch]] = {}
        for touch in self.touches:
            found.setdefault(touch.path, []).append(touch)
        return found
