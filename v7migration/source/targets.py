"""What to look for in the code for some proposed changes: the names, columns, labels and SQL words that mean them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from v7migration.source.changes import CERTAIN, COLUMN, ENUM, LIKELY, POSSIBLE, TABLE, Change, Touch
from v7migration.source.enums import CLASS, LITERAL, Binding, CodeEnum, Match, against
from v7migration.source.facts import Structure
from v7migration.source.names import Names, aliased

TELLING = 3  # labels from which on equal values alone make a class or a Literal a likely relative of a type


@dataclass
class Aim:
    """A declared name that means a change: ``members`` of an enum class, with what becomes of their labels."""

    change: int
    what: str
    confidence: str
    breaking: bool = False
    members: dict[str, str] = field(default_factory=dict)


@dataclass
class Targets:
    """Indexes from what stands in a file to the numbers of the changes that it means."""

    changes: Sequence[Change]
    declared: dict[tuple[str, str], list[Aim]] = field(default_factory=lambda: defaultdict(list))
    columns: dict[tuple[str, str], dict[str, list[int]]] = field(default_factory=lambda: defaultdict(dict))
    attributes: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    common: set[str] = field(default_factory=set)  # attributes that other tables have, too
    labels: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    tables: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    types: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    models: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    sql_columns: list[set[str]] = field(default_factory=list)
    interesting: set[str] = field(default_factory=set)
    settled: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))  # lines of members of bound enums
    known: set[tuple[str, str]] = field(default_factory=set)  # bound enums: what is compared with them is no riddle
    places: list[tuple[int, Touch]] = field(default_factory=list)  # what declarations themselves touch


def targets_of(changes: Sequence[Change], names: Names, enums: Iterable[CodeEnum]) -> Targets:
    """Find in the declarations of a tree what each change means."""
    targets = Targets(changes)
    enums = tuple(enums)
    _settle(targets, enums)
    for number, change in enumerate(changes):
        targets.sql_columns.append({column for _, column in change.columns})
        for table in dict.fromkeys(table for table, _ in change.columns):
            targets.tables[table].append(number)
        if change.kind == TABLE:
            targets.tables[change.name].append(number)
        if change.kind == ENUM:
            targets.types[change.name].append(number)
            for label in change.labels:
                targets.labels[label].append(number)
            _aim_at_enums(targets, number, change, enums)
    _aim_at_tables(targets, names)
    targets.interesting = aliased(names, targets.interesting)
    return targets


def _settle(targets: Targets, enums: Iterable[CodeEnum]) -> None:
    """Note the enums that a column of the database is known to have: their strings are not possibly another's."""
    for enum in enums:
        if any(binding.native for binding in enum.bindings):
            targets.known.add((enum.path, enum.name))
            targets.interesting.add(enum.name.rpartition(".")[2])
            targets.settled[enum.path].update(member.line for member in enum.members)


def _aim_at_enums(targets: Targets, number: int, change: Change, enums: Sequence[CodeEnum]) -> None:
    bound = [enum for enum in enums if any(_binds(binding, change) for binding in enum.bindings)]
    taken = {enum.key for enum in bound}
    for enum in bound:
        _aim(targets, number, change, enum, CERTAIN)
    free = [enum for enum in enums if enum.key not in taken and not any(b.native for b in enum.bindings)]
    for match in against([change.type], free).matches:
        _aim(targets, number, change, match.enum, _confidence(match))


def _confidence(match: Match) -> str:
    """Equal names with common values, or enough equal values, make a relative likely."""
    values = set(match.enum.values)
    if match.by == "name":
        return LIKELY if len(match.only_in_code) < len(values or match.enum.names) else POSSIBLE
    return LIKELY if len(values) >= TELLING else POSSIBLE


def _binds(binding: Binding, change: Change) -> bool:
    if binding.native and binding.type_name == change.name:
        return not (binding.schema and change.schema) or binding.schema == change.schema
    return bool(binding.table) and (binding.table, binding.column) in change.columns


def _aim(targets: Targets, number: int, change: Change, enum: CodeEnum, confidence: str) -> None:
    """Note an enum of the code: its lines, and for a class the name under which others use it."""
    what = {CLASS: "the enum class", LITERAL: "the Literal type"}.get(enum.kind, "the enum type")
    said = f"{what} {enum.name}".rstrip()
    _place(targets, number, enum.path, enum.line, confidence, False, f"declares {said}")
    stores_names = any(binding.stores == "names" for binding in enum.bindings)
    members: dict[str, str] = {}
    for member in enum.members:
        label = member.name if stores_names else member.value
        if label and (fate := change.fate(label)):
            if member.name and not change.fates[label]:
                members[member.name] = fate
            _place(targets, number, enum.path, member.line, confidence, True, fate)
    for binding in enum.bindings:
        if _binds(binding, change):
            column = f" to {binding.table}.{binding.column}" if binding.table else ""
            renamed = change.is_renamed and binding.native and binding.type_name == change.name
            becomes = f"; the type {change.name} becomes {change.renamed}" if renamed else ""
            _place(targets, number, binding.path, binding.line, CERTAIN, renamed, f"binds {said}{column}{becomes}")
    if enum.name and enum.kind != "inline":
        targets.declared[enum.path, enum.name].append(Aim(number, said, confidence, False, members))
        targets.interesting.add(enum.name.rpartition(".")[2])


def _place(targets: Targets, number: int, path: str, line: int, confidence: str, breaking: bool, what: str) -> None:
    targets.places.append((number, Touch(path, line, confidence, breaking, what)))


def _aim_at_tables(targets: Targets, names: Names) -> None:
    """Find the mapped classes and tables of the changes, and the attributes that stand for their columns."""
    wanted: dict[str, list[int]] = defaultdict(list)
    for number, change in enumerate(targets.changes):
        for table in {table for table, _ in change.columns} | ({change.name} if change.kind == TABLE else set()):
            wanted[table].append(number)
    owners: dict[str, set[str]] = defaultdict(set)
    for path, structure in names.reading.structures():
        tables = {c.name: (c.table, c.line) for c in structure.classes if c.table}
        tables |= {t.variable: (t.name, t.line) for t in structure.tables}
        for column in structure.columns:
            owners[column.attribute].add(tables.get(column.owner, (f"{path} {column.owner}", 0))[0])
        for owner, (table, line) in tables.items():
            for number in wanted.get(table, ()):
                _aim_at_table(targets, number, path, owner, table, line, structure)
    for attribute, numbers in targets.attributes.items():
        ours = {table for number in numbers for table, _ in targets.changes[number].columns}
        if owners[attribute] - ours:
            targets.common.add(attribute)


def _aim_at_table(
    targets: Targets, number: int, path: str, owner: str, table: str, line: int, structure: Structure
) -> None:
    change = targets.changes[number]
    targets.interesting.add(owner.rpartition(".")[2])
    targets.models[owner.rpartition(".")[2]].append(number)
    if change.kind == TABLE:
        becomes = f"; the table becomes {change.renamed}" if change.is_renamed else ""
        _place(targets, number, path, line, CERTAIN, change.is_renamed, f"{owner} maps {table}{becomes}")
        targets.declared[path, owner].append(Aim(number, f"{owner} of the table {table}", CERTAIN))
        return
    known = targets.columns[path, owner]
    for column in structure.columns:
        if column.owner != owner or (table, column.name) not in change.columns:
            continue
        known.setdefault(column.attribute, []).append(number)
        for word in {column.attribute, column.name}:
            if number not in targets.attributes[word]:
                targets.attributes[word].append(number)
        breaking = change.kind == COLUMN and change.is_renamed
        _place(targets, number, path, column.line, CERTAIN, breaking, f"declares {table}.{column.name}")
