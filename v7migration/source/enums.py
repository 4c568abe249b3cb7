"""The enum types of the code, and how they stand to those of the database.

Three kinds: Python classes, labels that an SQLAlchemy ``Enum`` lists in place, ``Literal`` types. SQLAlchemy stores the
members' names unless ``values_callable`` says otherwise: what the database must hold follows from the binding.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any

from v7migration.postgres.enum_groups import EnumType, plain_name, same_spelling
from v7migration.source.facts import ANNOTATION_MAP, LABELS, NAMES, VALUES, Class, Column, EnumUse, Member, Structure
from v7migration.source.names import Names

CLASS = "class"
INLINE = "inline"
LITERAL = "literal"
CHOICES = frozenset({"TextChoices", "IntegerChoices", "Choices"})
FLAGS = frozenset({"Flag", "IntFlag"})
MIXINS = 6  # levels of bases that are followed


@dataclass(frozen=True, order=True, slots=True)
class Binding:
    """A place where SQLAlchemy makes an enum a column's type.

    ``type_name`` and ``schema`` are the database type's ('' unknown); ``stores`` is ``names``, ``values``, ``labels``
    or ``unknown``; a binding that is not ``native`` is a VARCHAR in the database. ``table`` is '' for a mixin.
    """

    path: str
    line: int
    type_name: str
    schema: str
    stores: str
    native: bool
    owner: str
    table: str
    column: str

    def as_dict(self) -> dict[str, Any]:
        """The binding as JSON-able facts."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CodeEnum:
    """An enum type of the code: ``kind`` is ``class``, ``inline`` or ``literal``; the name is '' where it has none."""

    kind: str
    name: str
    path: str
    line: int
    members: tuple[Member, ...]
    bindings: tuple[Binding, ...] = ()

    @property
    def key(self) -> str:
        """``path:line name``, as differences name it."""
        return f"{self.path}:{self.line} {self.name}".rstrip()

    @property
    def values(self) -> tuple[str, ...]:
        """The strings that the members stand for, in their order, each once."""
        return tuple(dict.fromkeys(m.value for m in self.members if m.value is not None))

    @property
    def names(self) -> tuple[str, ...]:
        """The members' names, in their order; an alias of an earlier value is no member."""
        seen: set[str | None] = set()
        kept = []
        for member in self.members:
            if member.value is None or member.value not in seen:
                kept.append(member.name)
            seen.add(member.value)
        return tuple(kept)

    def stored(self, stores: str) -> tuple[str, ...]:
        """What a database holds of it when names, values or labels are stored."""
        return self.names if stores == NAMES else self.values

    def as_dict(self) -> dict[str, Any]:
        """The enum as JSON-able facts."""
        return {
            "kind": self.kind, "name": self.name, "path": self.path, "line": self.line,
            "members": [
                {"name": m.name, "value": m.value, "line": m.line, "written": m.written} for m in self.members
            ],
            "bindings": [binding.as_dict() for binding in self.bindings],
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Match:
    """A type of the database and an enum of the code that belong together.

    ``by`` is ``binding`` (SQLAlchemy names the type), ``name`` or ``values``. ``only_in_database`` and ``only_in_code``
    are labels; ``notes`` say in words what differs and matters; ``evidence`` is ``path:line``.
    """

    type: str
    enum: CodeEnum
    by: str
    stores: str
    only_in_database: tuple[str, ...]
    only_in_code: tuple[str, ...]
    notes: tuple[str, ...]
    evidence: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether code and database hold the same labels."""
        return not (self.only_in_database or self.only_in_code or self.notes)

    def as_dict(self) -> dict[str, Any]:
        """The match as JSON-able facts."""
        return {
            "type": self.type, "enum": self.enum.name, "path": self.enum.path, "line": self.enum.line,
            "kind": self.enum.kind, "by": self.by, "stores": self.stores,
            "only_in_database": list(self.only_in_database), "only_in_code": list(self.only_in_code),
            "notes": list(self.notes), "evidence": list(self.evidence), "agrees": self.agrees,
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Against:
    """Code against database: what belongs together, and what stands alone on either side."""

    matches: tuple[Match, ...]
    only_in_database: tuple[str, ...]
    only_in_code: tuple[CodeEnum, ...]

    def as_dict(self) -> dict[str, Any]:
        """The comparison as JSON-able facts."""
        return {
            "matches": [match.as_dict() for match in self.matches],
            "only_in_database": list(self.only_in_database),
            "only_in_code": [enum.as_dict() for enum in self.only_in_code],
        }


class _Declared:
    """The enum classes of a tree by file and name: a name may be declared again, in another function or branch."""

    def __init__(self) -> None:
        self.enums: list[CodeEnum] = []
        self._at: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._bound: dict[int, list[Binding]] = defaultdict(list)
        self.mapped: dict[int | None, EnumUse] = {}
        """What the annotation map of a tree makes of a class (None: of every class)."""

    def add(self, enum: CodeEnum) -> None:
        """Take a class."""
        self._at[enum.path, enum.name].append(len(self.enums))
        self.enums.append(enum)

    def find(self, names: Names, path: str, name: str, line: int) -> int | None:
        """Return the class that a name means in a line of a file: of several the last one above that line."""
        origin = names.origin(path, name) if name else None
        there = self._at.get((origin.path, origin.name), []) if origin and not origin.rest else []
        above = [key for key in there if path == self.enums[key].path and self.enums[key].line <= line]
        return above[-1] if above else there[0] if there else None

    def bind(self, key: int, binding: Binding) -> None:
        """Note a place that makes a class a column's type."""
        self._bound[key].append(binding)

    def bound(self) -> Iterator[CodeEnum]:
        """Yield the classes with their bindings."""
        for key, enum in enumerate(self.enums):
            yield replace(enum, bindings=tuple(sorted(self._bound[key])))


def collect(names: Names) -> tuple[CodeEnum, ...]:
    """Return the enum types of all files that a reading holds, with their bindings, sorted by path and line."""
    classes = _Declared()
    others: list[CodeEnum] = []
    mapping: list[str] = []  # the files that hold columns or types of columns
    annotated: list[tuple[str, EnumUse]] = []
    for path, structure in names.reading.structures():
        if structure.enums or structure.columns:
            mapping.append(path)
        for class_ in structure.classes:
            if members := _enum_members(names, path, class_):
                classes.add(CodeEnum(CLASS, class_.name, path, class_.line, members))
        for found in structure.alternatives:
            members = tuple(Member("", label, found.line) for label in found.labels)
            others.append(CodeEnum(LITERAL, found.name, path, found.line, members))
        annotated += [(path, use) for use in structure.enums if use.variable == ANNOTATION_MAP]
    for path, use in annotated:
        if use.reference and names.external(path, use.reference) == "enum.Enum":
            classes.mapped[None] = use
        elif (key := classes.find(names, path, use.reference, use.line)) is not None:
            classes.mapped[key] = use
    for path in mapping:
        others += _bind(names, path, names.reading.structure(path), classes)
    return tuple(sorted([*classes.bound(), *others], key=lambda enum: (enum.path, enum.line, enum.name)))


def defined_twice(enums: Iterable[CodeEnum]) -> list[dict[str, Any]]:
    """Classes of one name that are declared more than once.

    Returns ``[{"name", "same_values", "enums": [{"path", "line", "name", "values"}]}]``; names are equal without case,
    underscores and an ``enum`` ending. Other values under one name are a conflict, not a duplicate.
    """
    named: dict[str, list[CodeEnum]] = defaultdict(list)
    for enum in enums:
        if enum.kind == CLASS:
            named[plain_name(enum.name.rpartition(".")[2])].append(enum)
    return [
        {
            "name": members[0].name.rpartition(".")[2],
            "same_values": len({_held(m) for m in members}) == 1,
            "enums": [{"path": m.path, "line": m.line, "name": m.name, "values": list(m.values)} for m in members],
        }
        for _, members in sorted(named.items())
        if len(members) > 1
    ]


def _held(enum: CodeEnum) -> Hashable:
    """What a class holds, for comparing: its strings; with numbers among them also the names that have these."""
    numbers = frozenset((member.name, member.written) for member in enum.members if member.value is None)
    return _spelling(enum.values), numbers


def against(types: Iterable[EnumType], enums: Iterable[CodeEnum]) -> Against:
    """Compare the enum types of a database with those of the code.

    A binding that names its type decides; then equal names; then equal values (but for case and punctuation).
    """
    index = _Types(types)
    matches: list[Match] = []
    alone: list[CodeEnum] = []
    for enum in enums:
        found = _matches(index, enum)
        matches += found
        if not found:
            alone.append(enum)
    seen = {match.type for match in matches}
    rest = tuple(key for key in index.types if key not in seen)
    ordered = sorted(matches, key=lambda m: (m.type, m.enum.path, m.enum.line))
    return Against(tuple(ordered), rest, tuple(alone))


class _Types:
    """The types of a database by key, by bare name, by plain name and by spelling."""

    def __init__(self, types: Iterable[EnumType]) -> None:
        self.types = {enum.key: enum for enum in sorted(types, key=lambda t: t.key)}
        self.exact: dict[str, list[EnumType]] = defaultdict(list)
        self.plain: dict[str, list[EnumType]] = defaultdict(list)
        self.spelled: dict[Hashable, list[EnumType]] = defaultdict(list)
        for enum in self.types.values():
            self.exact[enum.name].append(enum)
            self.plain[plain_name(enum.name)].append(enum)
            self.spelled[same_spelling(enum)].append(enum)

    def bound(self, binding: Binding) -> list[EnumType]:
        """The types that a binding names, those of its schema first, all of one name without a schema."""
        found = self.exact.get(binding.type_name, [])
        return [t for t in found if t.schema == binding.schema] if binding.schema else found


def _matches(index: _Types, enum: CodeEnum) -> list[Match]:
    found: dict[str, Match] = {}
    for binding in enum.bindings:
        for type_ in index.bound(binding) if binding.native else ():
            found.setdefault(type_.key, _match(type_, enum, "binding", binding))
    if found:
        return list(found.values())
    named = index.plain.get(plain_name(enum.name.rpartition(".")[2]), []) if enum.name else []
    spelled = index.spelled.get(_spelling(enum.values or enum.names), []) if len(enum.members) > 1 else []
    by = "name" if named else "values"
    binding_ = next((b for b in enum.bindings if b.native), None)
    return [_match(type_, enum, by, binding_) for type_ in _nearest(enum, named, spelled) or spelled]


def _nearest(enum: CodeEnum, named: list[EnumType], spelled: list[EnumType]) -> list[EnumType]:
    """Of the types of one name those with equal values; else those that share the most values with the enum."""
    held = set(enum.values) | set(enum.names)
    shared = {type_.key: len(held & set(type_.labels)) for type_ in named}
    equal = [type_ for type_ in named if type_ in spelled]
    return equal or [type_ for type_ in named if shared[type_.key] == max(shared.values())]


def _match(type_: EnumType, enum: CodeEnum, by: str, binding: Binding | None) -> Match:
    stores = binding.stores if binding else LABELS if enum.kind != CLASS else VALUES if enum.values else NAMES
    held = enum.stored(stores)
    only_database = tuple(label for label in type_.labels if label not in held)
    only_code = tuple(label for label in held if label not in type_.labels)
    evidence = {f"{enum.path}:{enum.line}"} | ({f"{binding.path}:{binding.line}"} if binding else set())
    notes = tuple(_notes(type_, enum, by, binding, stores, only_code))
    return Match(type_.key, enum, by, stores, only_database, only_code, notes, tuple(sorted(evidence)))


def _notes(
    type_: EnumType, enum: CodeEnum, by: str, binding: Binding | None, stores: str, only_code: tuple[str, ...]
) -> Iterator[str]:
    if stores == NAMES and only_code and set(enum.values) & set(type_.labels):
        yield "SQLAlchemy stores the members' names here, and the database holds the values: values_callable is missing"
    elif stores == VALUES and binding and only_code and set(enum.names) & set(type_.labels) - set(enum.values):
        yield "values are stored here, and the database holds the members' names"
    if by != "binding" and binding and binding.type_name:
        yield f"the binding names the type {binding.type_name}, which the database does not have"
    if any(member.value is None for member in enum.members) and stores == VALUES:
        yield "some values are no strings that the source spells: not compared"


def _spelling(labels: tuple[str, ...]) -> Hashable:
    return same_spelling(EnumType("", "", labels))


def _enum_members(names: Names, path: str, class_: Class) -> tuple[Member, ...]:
    members = tuple(m for m in class_.members if not m.name.startswith("_"))
    return members if members and _is_enum(names, path, class_, 0) else ()


def _is_enum(names: Names, path: str, class_: Class, depth: int) -> bool:
    """Whether a class is an Enum by its bases, those declared in the tree followed."""
    for base in class_.bases:
        origin = names.origin(path, base)
        if origin is None:
            last = names.external(path, base).rpartition(".")[2]
            if (last.endswith("Enum") or last in CHOICES | FLAGS) and not class_.table:
                return True
        elif depth < MIXINS and (origin.path, origin.name) != (path, class_.name):
            parent = next((c for c in names.reading.structure(origin.path).classes if c.name == origin.name), None)
            if parent and _is_enum(names, origin.path, parent, depth + 1):
                return True
    return False


def _bind(names: Names, path: str, structure: Structure, classes: _Declared) -> Iterator[CodeEnum]:
    """Bind classes to the columns of one file; yield the enums whose labels are listed in place."""
    tables = _tables(structure)
    for use in structure.enums:
        key = classes.find(names, path, use.reference, use.line)
        if use.variable == ANNOTATION_MAP and not use.labels:
            continue  # the columns that it speaks of are bound
        binding = _binding(path, use, use.owner, tables.get(use.owner, ("", "")), use.column, use.line)
        if key is not None:
            classes.bind(key, binding)
        elif use.labels:
            members = tuple(Member("", label, use.line) for label in use.labels)
            users = tuple(_users_of_variable(names, path, use, structure, tables))
            name = use.name or use.variable or use.column
            yield CodeEnum(INLINE, name, path, use.line, members, (binding, *users))
    typed = {(use.owner, use.column) for use in structure.enums if use.owner}
    for column in structure.columns:
        if (column.owner, column.name) not in typed:
            _bind_column(names, path, column, tables.get(column.owner, ("", "")), classes)


def _users_of_variable(
    names: Names, path: str, use: EnumUse, structure: Structure, tables: dict[str, tuple[str, str]]
) -> Iterator[Binding]:
    """The columns of the same file that a type held by a variable types."""
    for column in structure.columns:
        if use.variable and use.variable in column.types:
            yield _binding(path, use, column.owner, tables.get(column.owner, ("", "")), column.name, column.line)


def _bind_column(names: Names, path: str, column: Column, table: tuple[str, str], classes: _Declared) -> None:
    """Bind a column whose annotation or argument names a class (stored by its names) or a type held elsewhere."""
    for name in column.types:
        if (key := classes.find(names, path, name, column.line)) is not None:
            classes.bind(key, _annotated(path, column, table, classes, key))
            continue
        origin = names.origin(path, name)
        if origin is None or origin.rest:
            continue
        held = next((u for u in names.reading.structure(origin.path).enums if u.variable == origin.name), None)
        goal = classes.find(names, origin.path, held.reference, held.line) if held else None
        if held and goal is not None:
            classes.bind(goal, _binding(path, held, column.owner, table, column.name, column.line))


def _annotated(path: str, column: Column, table: tuple[str, str], classes: _Declared, key: int) -> Binding:
    """The type that SQLAlchemy makes of a column annotated with a class: that of the annotation map, or its own."""
    use = classes.mapped.get(key)
    if use is not None:
        return _binding(path, use, column.owner, table, column.name, column.line)
    general = classes.mapped.get(None)
    type_name = classes.enums[key].name.rpartition(".")[2].lower()
    stores, native = (general.stores, general.native) if general else (NAMES, True)
    return Binding(path, column.line, type_name, table[1], stores, native, column.owner, table[0], column.name)


def _binding(path: str, use: EnumUse, owner: str, table: tuple[str, str], column: str, line: int) -> Binding:
    return Binding(path, line, use.name, use.schema or "", use.stores, use.native, owner, table[0], column)


def _tables(structure: Structure) -> dict[str, tuple[str, str]]:
    """Table and schema of each class and table variable of a file."""
    found = {class_.name: (class_.table, class_.schema) for class_ in structure.classes if class_.table}
    return found | {table.variable: (table.name, table.schema) for table in structure.tables}
