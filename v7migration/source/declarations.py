"""What one source declares: classes, enum types, tables, columns and Literal types, told by the names it imported.

SQLAlchemy's rules: an ``Enum`` of a class is named like the class in lower case and stores the members' *names* unless
``values_callable`` says otherwise. Django's ``TextChoices`` and ``db_table``, SQLModel's ``table=True`` are read too.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from v7migration.source.facts import (
    ANNOTATION_MAP,
    LABELS,
    NAMES,
    UNKNOWN,
    VALUES,
    Alternatives,
    Class,
    Column,
    EnumUse,
    Import,
    Member,
    Table,
)

PYTHON_ENUMS = ("enum.", "aenum.", "strenum.", "django.")
FUNCTIONAL = frozenset({"Enum", "StrEnum", "IntEnum", "Flag", "IntFlag", "TextChoices", "IntegerChoices"})
LONGEST_ANNOTATION = 300  # characters of an annotation in quotes
COLUMN_CALLS = frozenset({"Column", "mapped_column", "MappedColumn"})
ANNOTATION_WORDS = frozenset({"Mapped", "Optional", "Union", "None", "Annotated", "List", "list", "WriteOnlyMapped"})


def constant(node: ast.AST | None) -> str | None:
    """Return the text of a string constant, and None for anything else."""
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def dotted(node: ast.AST | None) -> str:
    """Return ``a.b.c`` for a chain of attributes that begins with a name, and '' for anything else."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        return ""
    return ".".join([node.id, *reversed(parts)])


def labels_of(nodes: Sequence[ast.expr], held: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the strings among some expressions, those of lists and tuples too, in their order.

    ``held`` says what names stand for lists of strings.
    """
    found: list[str] = []
    for node in nodes:
        inner = node.value if isinstance(node, ast.Starred) else node
        parts = inner.elts if isinstance(inner, ast.List | ast.Tuple | ast.Set) else [inner]
        for part in parts:
            text = constant(part)
            found += held.get(dotted(part), ()) if text is None else [text]
    return tuple(dict.fromkeys(found))


def strings_of(node: ast.expr | None, held: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the strings of a list, tuple or set that holds nothing else, or one string alone; else nothing."""
    found: list[str] = []
    for part in node.elts if isinstance(node, ast.List | ast.Tuple | ast.Set) else [node]:
        text = constant(part)
        labels = held.get(dotted(part), ()) if text is None else (text,)
        if not labels:
            return ()
        found += labels
    return tuple(found)


class Declarations:
    """Gathers the declarations of one file; ``imports`` is the list that the walk fills."""

    def __init__(self, imports: list[Import]) -> None:
        self.imports = imports
        self.classes: list[Class] = []
        self.tables: list[Table] = []
        self.columns: list[Column] = []
        self.enums: list[EnumUse] = []
        self.alternatives: list[Alternatives] = []
        self._bound: dict[str, str] = {}
        self._counted = 0
        self._variables: dict[int, str] = {}  # the id of a call or subscript -> the name it is assigned to
        self._columns: dict[int, tuple[str, str]] = {}  # the id of a call inside a column -> owner, attribute
        self._taken: set[int] = set()
        self._strings: dict[str, tuple[str, ...]] = {}  # a name -> the strings that it was last given
        self._literals: dict[str, tuple[str, ...]] = {}  # the name of a Literal type -> its strings
        self._sqlmodels: set[str] = set()

    def absolute(self, name: str) -> str:
        """Return the name with its first part replaced by what was imported under it (``PyEnum`` -> ``enum.Enum``)."""
        for item in self.imports[self._counted :]:
            if item.bound and not item.level:
                whole = f"{item.module}.{item.name}" if item.name else item.module if item.alias else item.bound
                self._bound[item.bound] = whole
        self._counted = len(self.imports)
        root, _, rest = name.partition(".")
        found = self._bound.get(root, root)
        return f"{found}.{rest}" if rest else found

    def class_(self, node: ast.ClassDef, name: str) -> None:
        """Take a class with its constants, its table and its columns."""
        bases = tuple(base for node_ in node.bases if (base := dotted(_generic(node_))))
        table, schema = _table_of(node)
        members = tuple(_members(node.body, self._automatic(bases))) if bases else ()
        self.classes.append(Class(name, node.lineno, bases, members, table, schema))
        if table and any(k.arg == "table" for k in node.keywords):
            self._sqlmodels.add(name)

    def _automatic(self, bases: Sequence[str]) -> str:
        """How ``auto()`` makes values: ``lower`` (StrEnum), ``same`` (Django's TextChoices), or no strings ('')."""
        last = {self.absolute(base).rpartition(".")[2] for base in bases if base}
        return "lower" if "StrEnum" in last else "same" if "TextChoices" in last else ""

    def assigned(self, name: str, value: ast.expr | None, annotation: ast.expr | None, owner: str, line: int) -> None:
        """Take ``name = value`` or ``name: annotation = value`` in the body of a class (``owner``) or of the module."""
        if value is not None:
            self._variables[id(value)] = name
            self._strings[name] = strings_of(value, self._strings)
        if name == ANNOTATION_MAP and isinstance(value, ast.Dict):
            self._variables |= {id(type_): name for type_ in value.values}
        if not owner:
            return
        call = value if isinstance(value, ast.Call) else None
        column = self._column_call(call) if call is not None else None
        modelled = owner in self._sqlmodels and column is None and not _is_relationship(call)
        mapped = tuple(_annotated_types(annotation)) if modelled or _is_mapped(annotation) else ()
        if column is not None:
            self._column(column, owner, name, mapped)
        elif mapped:
            self.columns.append(Column(owner, name, name, line, mapped))
        elif call is not None and (field := self._django_field(call)):
            self.columns.append(Column(owner, name, field(name), call.lineno, ()))

    def call(self, node: ast.Call, called: str) -> None:
        """Take a call that makes an enum type or a table."""
        last = called.rpartition(".")[2] if called else getattr(node.func, "attr", "")
        if last == "Table" and len(node.args) > 1:
            self._table(node)
        elif last.upper() == "ENUM" or self.absolute(called).rpartition(".")[2] in FUNCTIONAL | {"ENUM"}:
            self._enum(node, self.absolute(called))

    def subscript(self, node: ast.Subscript) -> None:
        """Take a ``Literal[…]`` of strings; those inside it, and the Literal types that it names, are a part of it."""
        if id(node) in self._taken or not self._is_literal(node):
            return
        if labels := self._literal(node):
            name = self._variables.get(id(node), "")
            if name:
                self._literals[name] = labels
            self.alternatives.append(Alternatives(name, labels, node.lineno))

    def _is_literal(self, node: ast.expr) -> bool:
        return isinstance(node, ast.Subscript) and self.absolute(dotted(node.value)).rpartition(".")[2] == "Literal"

    def _literal(self, node: ast.Subscript) -> tuple[str, ...]:
        self._taken.add(id(node))
        found: list[str] = []
        for part in node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]:
            if isinstance(part, ast.Subscript) and self._is_literal(part):
                found += self._literal(part)
            else:
                found += labels_of([part], self._literals)
        return tuple(dict.fromkeys(found))

    def finish(self) -> None:
        """Sort what was found by line."""
        for found in (self.classes, self.tables, self.columns, self.enums, self.alternatives):
            found.sort(key=lambda fact: (fact.line, str(fact)))

    def _column_call(self, call: ast.Call) -> ast.Call | None:
        """Return the call that makes a column: itself, or SQLModel's ``Field(sa_column=Column(…))``."""
        last = dotted(call.func).rpartition(".")[2]
        if last in COLUMN_CALLS:
            return call
        inner = next((k.value for k in call.keywords if k.arg == "sa_column"), None)
        return inner if isinstance(inner, ast.Call) else None

    def _django_field(self, call: ast.Call) -> _Naming | None:
        called = self.absolute(dotted(call.func))
        if not (called.startswith("django.") and called.endswith(("Field", "ForeignKey"))):
            return None
        explicit = next((constant(k.value) for k in call.keywords if k.arg == "db_column"), None)
        return _Naming(explicit, "_id" if called.endswith(("ForeignKey", "OneToOneField")) else "")

    def _column(self, call: ast.Call, owner: str, attribute: str, mapped: tuple[str, ...]) -> None:
        explicit = constant(call.args[0]) if call.args else None
        explicit = explicit or next((constant(k.value) for k in call.keywords if k.arg == "name"), None)
        types = mapped + tuple(name for a in call.args if (name := dotted(a)))
        types += tuple(name for k in call.keywords if k.arg == "type_" and (name := dotted(k.value)))
        column = explicit or attribute
        self.columns.append(Column(owner, attribute, column, call.lineno, types))
        for node in ast.walk(call):
            if isinstance(node, ast.Call):
                self._columns[id(node)] = (owner, column)

    def _table(self, node: ast.Call) -> None:
        name = constant(node.args[0])
        if name is None:
            return
        schema = _schema(node.keywords)
        variable = self._variables.get(id(node), "") or name
        self.tables.append(Table(variable, name, schema, node.lineno))
        for argument in node.args[2:]:
            if isinstance(argument, ast.Call) and dotted(argument.func).rpartition(".")[2] == "Column":
                self._column(argument, variable, constant(argument.args[0]) or "" if argument.args else "", ())

    def _enum(self, node: ast.Call, called: str) -> None:
        if id(node) in self._taken:
            return
        self._taken.add(id(node))
        keywords = {k.arg: k.value for k in node.keywords if k.arg}
        if called.startswith(PYTHON_ENUMS):
            self._functional(node, keywords)
        elif called.startswith(("sqlalchemy", "sqlmodel")) or id(node) in self._columns or keywords.keys() & {
            "name", "values_callable", "native_enum", "create_type", "create_constraint"
        }:  # fmt: skip
            self._database_enum(node, keywords)

    def _functional(self, node: ast.Call, keywords: Mapping[str, ast.expr]) -> None:
        """Take ``Enum("Name", …)`` of the standard library: names in a string, a list, pairs or a mapping."""
        name = constant(node.args[0] if node.args else keywords.get("value"))
        given = node.args[1] if len(node.args) > 1 else keywords.get("names")
        if name is None or given is None:
            return
        variable = self._variables.get(id(node), name)
        base = dotted(node.func)
        held = self._strings.get(dotted(given), ())
        members = tuple(_functional_members(given, held, self._automatic([base]), node.lineno))
        self.classes.append(Class(variable, node.lineno, (base,), members, "", ""))

    def _database_enum(self, node: ast.Call, keywords: dict[str, ast.expr]) -> None:
        reference, labels, stores = _labels_or_class(node, self._strings)
        if "values_callable" in keywords and stores == NAMES:
            stores = _stored_by(keywords["values_callable"])
        given = keywords.get("name")
        name = constant(given)
        if name is None:
            name = reference.rpartition(".")[2].lower() if given is None and stores in (NAMES, VALUES) else ""
        native = keywords.get("native_enum")
        owner, column = self._columns.get(id(node), ("", ""))
        self.enums.append(
            EnumUse(
                node.lineno, reference, labels, name, _schema(node.keywords),
                not (isinstance(native, ast.Constant) and native.value is False), stores,
                self._variables.get(id(node), ""), owner, column,
            )
        )  # fmt: skip


class _Naming:
    """How a Django field names its column."""

    def __init__(self, explicit: str | None, ending: str) -> None:
        self.explicit, self.ending = explicit, ending

    def __call__(self, attribute: str) -> str:
        return self.explicit or attribute + self.ending


def _generic(node: ast.expr) -> ast.expr:
    return node.value if isinstance(node, ast.Subscript) else node


def _schema(keywords: Sequence[ast.keyword]) -> str:
    return next((constant(k.value) or "" for k in keywords if k.arg == "schema"), "")


def _members(body: Sequence[ast.stmt], automatic: str) -> Iterator[Member]:
    """The constants of a class body; a value that is a tuple or a call (Django's labels) counts by its first string."""
    for node in body:
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.AnnAssign) and node.value is not None:
            targets, value = [node.target], node.value
        else:
            continue
        for target in targets:
            if isinstance(target, ast.Name) and not target.id.startswith("__") and not isinstance(value, ast.Lambda):
                yield Member(target.id, _value(value, target.id, automatic), node.lineno, _number(value))


def _value(node: ast.expr, name: str, automatic: str) -> str | None:
    if isinstance(node, ast.Tuple) and node.elts:
        return constant(node.elts[0])
    if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "auto":
        return _automatic_value(name, automatic)
    return constant(node)


def _number(node: ast.expr) -> str:
    """A number or ``auto()`` as it is written; '' for anything else."""
    bare = node.operand if isinstance(node, ast.UnaryOp) else node
    if isinstance(bare, ast.Constant) and isinstance(bare.value, int | float):
        return ast.unparse(node)
    return "auto()" if isinstance(node, ast.Call) and dotted(node.func).rpartition(".")[2] == "auto" else ""


def _functional_members(node: ast.expr, held: Sequence[str], automatic: str, line: int) -> Iterator[Member]:
    """The members that the functional way gives: names get their values as ``auto()`` makes them."""
    text = constant(node)
    if text is not None or held:
        for word in held or (text or "").replace(",", " ").split():
            yield Member(word, _automatic_value(word, automatic), line, "auto()")
    elif isinstance(node, ast.Dict):
        pairs = zip(node.keys, node.values, strict=True)
        yield from (Member(key, constant(v), line, _number(v)) for k, v in pairs if (key := constant(k)) is not None)
    elif isinstance(node, ast.List | ast.Tuple):
        for item in node.elts:
            pair = item.elts if isinstance(item, ast.Tuple | ast.List) and len(item.elts) == 2 else []
            if not pair and (key := constant(item)) is not None:
                yield Member(key, _automatic_value(key, automatic), line, "auto()")
            elif pair and (key := constant(pair[0])) is not None:
                yield Member(key, constant(pair[1]), line, _number(pair[1]))


def _automatic_value(name: str, automatic: str) -> str | None:
    return {"lower": name.lower(), "same": name}.get(automatic)


def _table_of(node: ast.ClassDef) -> tuple[str, str]:
    """The table and schema that a mapped class names: ``__tablename__``, ``Meta.db_table`` or SQLModel's default."""
    table = schema = ""
    for item in node.body:
        for name, value in _assignments(item):
            if name == "__tablename__":
                table = constant(value) or ""
            elif name == "__table_args__":
                schema = _schema_in(value)
        if isinstance(item, ast.ClassDef) and item.name == "Meta":
            inner = dict(pair for part in item.body for pair in _assignments(part))
            table = constant(inner.get("db_table")) or table
    if not table and any(k.arg == "table" and getattr(k.value, "value", None) is True for k in node.keywords):
        table = node.name.lower()
    return table, schema


def _assignments(node: ast.stmt) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Assign):
        yield from ((t.id, node.value) for t in node.targets if isinstance(t, ast.Name))
    elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
        yield node.target.id, node.value


def _schema_in(node: ast.expr) -> str:
    for part in ast.walk(node):
        if isinstance(part, ast.Dict):
            for key, value in zip(part.keys, part.values, strict=True):
                if constant(key) == "schema":
                    return constant(value) or ""
    return ""


def _is_mapped(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Subscript) and dotted(annotation.value).rpartition(".")[2] == "Mapped"


def _is_relationship(call: ast.Call | None) -> bool:
    return call is not None and dotted(call.func).rpartition(".")[2] == "Relationship"


def _annotated_types(annotation: ast.expr | None) -> Iterator[str]:
    """The names inside ``Mapped[…]``, those in quotes too."""
    for node in ast.walk(annotation) if annotation else ():
        if (name := dotted(node)) and name.rpartition(".")[2] not in ANNOTATION_WORDS:
            yield name
        elif (text := constant(node)) is not None and len(text) <= LONGEST_ANNOTATION:
            with suppress(SyntaxError, ValueError, RecursionError, MemoryError):
                yield from _annotated_types(_unquoted(ast.parse(text, mode="eval").body))


def _unquoted(node: ast.expr) -> ast.expr | None:
    """An annotation that was a string; None where it is a string again."""
    return None if constant(node) is not None else node


def _labels_or_class(node: ast.Call, held: Mapping[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...], str]:
    """What an SQLAlchemy Enum is made of: the class's name, or labels, and what is stored of them."""
    if not node.args:
        return "", (), UNKNOWN
    first = node.args[0]
    inner = first.value if isinstance(first, ast.Starred) else first
    if isinstance(inner, ast.ListComp | ast.GeneratorExp):
        return dotted(inner.generators[0].iter), (), _stored_by(inner.elt)
    if labels := labels_of(node.args, held):
        return "", labels, LABELS
    if isinstance(inner, ast.Call):
        return dotted(inner.args[0]) if inner.args else "", (), UNKNOWN
    name = dotted(inner)
    return name, (), UNKNOWN if isinstance(first, ast.Starred) or not name else NAMES


def _stored_by(node: ast.expr) -> str:
    """Whether an expression gives the names or the values of an enum's members."""
    attributes = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
    if "name" in attributes and "value" not in attributes:
        return NAMES
    return VALUES if "value" in attributes or not isinstance(node, ast.Lambda) else UNKNOWN
