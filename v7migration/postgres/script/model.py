"""What a script consists of: sections, steps, statements; and what can be said against it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from v7migration.errors import V7Error

ROLLBACK = 9
POPULATION = 10
POPULATION_TITLE = "Population"

REFUSE, ACCEPT, ADVICE = "refuse", "accept", "advice"


@dataclass(frozen=True)
class Statement:
    """One SQL statement: its exact text (no semicolon, no comment before it) and its first line in the file."""

    text: str
    line: int
    kind: str
    transactional: bool

    def line_of(self, offset: int) -> int:
        """The line in the file of a byte offset in the statement's text; a negative one is its first line."""
        return self.line + (self.text.encode()[:offset].count(b"\n") if offset > 0 else 0)


@dataclass(frozen=True)
class Step:
    """One transaction, or one statement that cannot be in a transaction."""

    key: str
    title: str
    statements: tuple[Statement, ...]
    transactional: bool
    line: int


@dataclass(frozen=True)
class Section:
    """A numbered part of the script. ``creates`` and ``needs`` join what the header declares and the SQL shows."""

    number: int
    title: str
    purpose: str
    creates: tuple[str, ...]
    needs: tuple[int, ...]
    task: str
    on_failure: str
    steps: tuple[Step, ...]
    line: int

    @property
    def statements(self) -> tuple[Statement, ...]:
        """Every statement of the section, in the order of the file."""
        return tuple(statement for step in self.steps for statement in step.statements)


@dataclass(frozen=True)
class Problem:
    """A finding: stable ``id``, severity (``refuse``, ``accept``, ``advice``), place, sentence and hint."""

    id: str
    severity: str
    section: int | None
    line: int
    message: str
    hint: str


@dataclass(frozen=True)
class Script:
    """A script as read from exactly ``content``; ``notes`` are findings that only the file's text shows."""

    content: bytes
    sha256: str
    sections: tuple[Section, ...]
    rollback: Section | None
    population: Section | None
    notes: tuple[Problem, ...] = ()


class ScriptInvalid(V7Error):
    """The script cannot be read; ``problems`` says why, each with its line.

    ``rest`` is what could be read of it all the same, for a review and never for a run; None when that is nothing.
    """

    exit_code = 1

    def __init__(self, problems: Iterable[Problem], rest: Script | None = None) -> None:
        self.problems = list(problems)
        self.rest = rest
        first = self.problems[0]
        more = f" (and {len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        super().__init__(f"The script is not valid: line {first.line}: {first.message}{more}", first.hint)
