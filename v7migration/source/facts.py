"""What one Python source says, as plain facts that JSON can hold: names, values and lines, no meaning yet.

A file's facts come in two halves. Its *structure* (imports, classes, tables, columns, enum types) is small and read
often; its *mentions* (names, attributes, strings, comparisons) are many and read only when somebody looks for one.
Lines count from 1. Names are written as the source writes them; `imports` says what they stand for.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

NAMES = "names"
VALUES = "values"
LABELS = "labels"
UNKNOWN = "unknown"
ANNOTATION_MAP = "type_annotation_map"
"""SQLAlchemy's name for the types that annotations stand for."""

_DECODER = json.JSONDecoder()


class Import(NamedTuple):
    """One imported name: ``import a.b as c`` has no ``name``, a star import the name ``*``.

    ``when`` is ``module``, ``function``, ``typing`` (below TYPE_CHECKING) or ``dynamic`` (import_module, __import__).
    """

    module: str
    name: str
    alias: str
    level: int
    line: int
    when: str

    @property
    def bound(self) -> str:
        """The local name that stands for it; empty for a star and for a dynamic import."""
        if self.when == "dynamic" or self.name == "*":
            return ""
        return self.alias or self.name or self.module.partition(".")[0]


class Member(NamedTuple):
    """A constant of a class body; ``value`` is None where the source does not spell a string.

    ``written`` is a number or ``auto()`` as the source spells it, so that two classes of numbers can be told apart.
    """

    name: str
    value: str | None
    line: int
    written: str = ""


class Class(NamedTuple):
    """A class: its dotted name in the file, its bases as written, constants, and the table it maps (or '')."""

    name: str
    line: int
    bases: tuple[str, ...]
    members: tuple[Member, ...]
    table: str
    schema: str


class Table(NamedTuple):
    """A ``Table("name", …)`` and the variable that holds it."""

    variable: str
    name: str
    schema: str
    line: int


class Column(NamedTuple):
    """A mapped column: its class or table variable, the Python attribute, its own name, its types as written."""

    owner: str
    attribute: str
    name: str
    line: int
    types: tuple[str, ...]


class EnumUse(NamedTuple):
    """An SQLAlchemy ``Enum``: of a class (``reference``) or of ``labels`` written in place.

    ``name`` is the database type's, empty where none is given; ``stores`` is one of ``names``, ``values``, ``labels``
    (written in place) and ``unknown``; ``owner`` and ``column`` say which column it types, ``variable`` what holds it:
    :data:`ANNOTATION_MAP` where it is what every column annotated with the class gets.
    """

    line: int
    reference: str
    labels: tuple[str, ...]
    name: str
    schema: str
    native: bool
    stores: str
    variable: str
    owner: str
    column: str


class Alternatives(NamedTuple):
    """A ``Literal[…]`` of strings, and the name that it is given (or '')."""

    name: str
    labels: tuple[str, ...]
    line: int


class Comparison(NamedTuple):
    """A string that is compared with, passed for or set as something.

    ``of`` is a dotted name, ``.attribute`` of an unknown object, ``keyword=`` of a call, or ''.
    """

    of: str
    value: str
    line: int


Lines = Mapping[str, Sequence[int]]


class Structure(NamedTuple):
    """What a file imports and declares."""

    imports: tuple[Import, ...] = ()
    classes: tuple[Class, ...] = ()
    tables: tuple[Table, ...] = ()
    columns: tuple[Column, ...] = ()
    enums: tuple[EnumUse, ...] = ()
    alternatives: tuple[Alternatives, ...] = ()


class Mentions(NamedTuple):
    """What a file speaks of, each with its lines.

    ``names`` are dotted names that begin with an imported, declared or unbound name; ``attributes`` those of objects
    that nobody knows; ``strings`` short ones and those that read like SQL; ``texts`` strings of several lines, whose
    line breaks count on from the line given.
    """

    names: Lines = {}
    attributes: Lines = {}
    strings: Lines = {}
    texts: Lines = {}
    comparisons: tuple[Comparison, ...] = ()


class Facts(NamedTuple):
    """Everything known of one file; ``fault`` says in words why it could not be read, and then the rest is empty."""

    fault: str = ""
    structure: Structure = Structure()
    mentions: Mentions = Mentions()


def structure_from(text: bytes | str) -> Structure:
    """Read a structure back from JSON.

    Raises:
        ValueError, TypeError, IndexError: the text is not one that :func:`as_json` wrote.
    """
    imports, classes, tables, columns, enums, alternatives = json.loads(text)
    return Structure(
        tuple(Import(*row) for row in imports),
        tuple(
            Class(name, line, tuple(bases), tuple(Member(*m) for m in members), table, schema)
            for name, line, bases, members, table, schema in classes
        ),
        tuple(Table(*row) for row in tables),
        tuple(Column(*row)._replace(types=tuple(row[4])) for row in columns),
        tuple(EnumUse(*row)._replace(labels=tuple(row[2])) for row in enums),
        tuple(Alternatives(name, tuple(labels), line) for name, labels, line in alternatives),
    )


def imports_from(text: str) -> tuple[Import, ...]:
    """Read only the imports of a structure back from JSON: they stand first.

    Raises:
        ValueError, TypeError, IndexError: the text is not one that :func:`as_json` wrote.
    """
    rows, _ = _DECODER.raw_decode(text, 1)
    return tuple(Import(*row) for row in rows)


def mentions_from(text: bytes | str) -> Mentions:
    """Read mentions back from JSON.

    Raises:
        ValueError, TypeError, IndexError: the text is not one that :func:`as_json` wrote.
    """
    names, attributes, strings, texts, comparisons = json.loads(text)
    return Mentions(names, attributes, strings, texts, tuple(Comparison(*row) for row in comparisons))


def as_json(part: Structure | Mentions) -> str:
    """Write half of the facts as one line of ASCII."""
    plain: Sequence[Any] = part
    return json.dumps(plain, separators=(",", ":"))
