"""The tracked tables, columns and views as facts: what both generated modules are made from."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass

from tracking.machines import Machine


@dataclass(frozen=True)
class Choices:
    """The values of a column: the name of their enum, what it says, its members with their values.

    ``initial`` and ``steps`` are those of the state machine, empty for values that change freely.
    """

    name: str
    says: str
    members: tuple[tuple[str, str], ...]
    initial: str = ""
    steps: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Column:
    """A column: ``kind`` is the type as PostgreSQL names it, of each element where it is an array.

    ``default`` is the SQL of the server's default, as the catalog prints it but for a plain text, or None.
    ``shape`` is what a jsonb holds (``object``, ``array``). ``is_recorded``: people do not write it; the database,
    a transition or a signature does. ``is_touched``: a trigger sets it with each UPDATE.
    ``may_be_empty``: an empty value is accepted.
    """

    name: str
    kind: str
    comment: str
    length: int | None = None
    is_array: bool = False
    is_nullable: bool = False
    is_key: bool = False
    is_unique: bool = False
    default: str | None = None
    choices: Choices | None = None
    shape: str = ""
    minimum: int | None = None
    maximum: int | None = None
    pattern: str = ""
    is_recorded: bool = False
    is_touched: bool = False
    may_be_empty: bool = False


@dataclass(frozen=True)
class Check:
    """A CHECK constraint and its condition in SQL."""

    name: str
    condition: str


@dataclass(frozen=True)
class Reference:
    """A foreign key, and the names of the two sides of its relationship."""

    name: str
    column: str
    table: str
    target: str
    target_class: str
    forth: str
    back: str


@dataclass(frozen=True)
class Table:
    """A table of the target, or the twelve columns on ``file_audit``."""

    name: str
    class_name: str
    says: str
    comment: str
    columns: tuple[Column, ...]
    checks: tuple[Check, ...]
    uniques: tuple[tuple[str, tuple[str, ...]], ...]
    indexes: tuple[tuple[str, tuple[str, ...]], ...]
    references: tuple[Reference, ...] = ()


@dataclass(frozen=True)
class View:
    """A monitoring view; the columns of its key tell its rows apart."""

    name: str
    class_name: str
    says: str
    comment: str
    columns: tuple[Column, ...]


@dataclass(frozen=True)
class Description:
    """Everything that is generated."""

    tables: tuple[Table, ...]
    file_columns: Table
    views: tuple[View, ...]
    view_schema: str

    @property
    def fingerprint(self) -> str:
        """Return the SHA-256 of all facts."""
        text = json.dumps(asdict(self), sort_keys=True, ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return all columns: of the tables, of file_audit, of the views."""
        holders: tuple[Table | View, ...] = (*self.tables, self.file_columns, *self.views)
        return tuple(column for holder in holders for column in holder.columns)

    @property
    def enums(self) -> tuple[Choices, ...]:
        """Return the enums in the order of their first use; one that has steps somewhere comes with them."""
        found: dict[str, Choices] = {}
        for column in self.columns:
            if column.choices and (column.choices.name not in found or column.choices.steps):
                found[column.choices.name] = column.choices
        return tuple(found.values())

    def references_to(self, table: Table) -> tuple[tuple[Table, Reference], ...]:
        """Return the tables that refer to one, each with its reference."""
        return tuple((t, r) for t in self.tables for r in t.references if r.table == table.name)


def steps_of(machine: Machine) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return the states that have a way on, each with the states it leads to, in the order of the machine."""
    ways: dict[str, list[str]] = {}
    for jump in machine.jumps:
        ways.setdefault(jump.source, []).append(jump.target)
    return tuple((source, tuple(targets)) for source, targets in ways.items())
