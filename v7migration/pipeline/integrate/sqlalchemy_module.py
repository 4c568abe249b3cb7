"""The SQLAlchemy 2 module for the application: the five tables, the columns on file_audit and the views, typed.

The application commits it; Alembic's autogenerate then finds nothing to do on the migrated target.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from v7migration.pipeline.integrate.described import Column, Description, Reference, Table, View
from v7migration.pipeline.integrate.enums import enum_class
from v7migration.pipeline.integrate.layout import Call, call, docstring, lines_of, module, quoted

TYPES = {
    "uuid": ("UUID", "Uuid"),
    "integer": ("int", "Integer"),
    "bigint": ("int", "BigInteger"),
    "boolean": ("bool", "Boolean"),
    "timestamp with time zone": ("datetime", "DateTime"),
    "date": ("date", "Date"),
    "numeric": ("Decimal", "Numeric"),
    "text": ("str", "Text"),
    "character varying": ("str", "String"),
}
SQLALCHEMY_NAMES = (
    "BigInteger", "Boolean", "CheckConstraint", "Date", "DateTime", "Enum", "FetchedValue", "ForeignKeyConstraint",
    "Index", "Integer", "MetaData", "Numeric", "PrimaryKeyConstraint", "String", "Table", "Text", "UniqueConstraint",
    "Uuid", "text",
)  # fmt: skip
ABOUT = (
    "The tables of the V7 migration for SQLAlchemy 2.",
    "The target's own names, types, defaults, checks, indexes and comments, so that Alembic's autogenerate finds "
    "nothing to do: give it `Base.metadata`. The monitoring views have a metadata of their own, because nobody "
    "creates or migrates them here. Works with psycopg and asyncpg alike.",
    "The database keeps its rules whoever writes:",
    "    * A row begins in the first state of its status and takes one allowed step at a\n"
    "      time; anything else is refused with SQLSTATE 23514. The enums list the steps.\n"
    "    * While the rows are being moved by a run or a rollback, every write is refused\n"
    "      with SQLSTATE 25006 (read-only). Try again later.\n"
    "    * `updated_at` is maintained by a trigger; it is read back with each UPDATE.\n"
    "    * Ids, times and first states come from server defaults: leave them out.",
    "Lists and objects notice changes in place (`task.blockers.append(...)`), those nested deeper do not: assign anew.",
)


def sqlalchemy_module(description: Description, *, header: Iterable[str], base: str = "") -> str:
    """Return the text of the module.

    Args:
        description: the facts of tables, columns and views.
        header: comment lines above the module.
        base: the application's declarative base as ``module:Name``; without it the module declares one.
    """
    blocks: list[list[str]] = [_enum_type(), *(enum_class(enum) for enum in description.enums)]
    blocks += _bases(description, base)
    blocks += [_table(table, description, is_foreign=bool(base)) for table in description.tables]
    blocks += [_file_columns(description.file_columns, is_foreign=bool(base))]
    blocks += [_view(view) for view in description.views]
    return module([*header, *docstring(ABOUT, depth=0), "", *_imports(base), "", ""], blocks)


def _imports(base: str) -> list[str]:
    """Return the imports; those of the application stand last."""
    module, _, name = base.partition(":")
    lines = [
        "from datetime import date, datetime",
        "from decimal import Decimal",
        "from enum import StrEnum",
        "from typing import Any",
        "from uuid import UUID",
        "",
        *lines_of(Call("from sqlalchemy import ", SQLALCHEMY_NAMES)),
        "from sqlalchemy.dialects.postgresql import ARRAY, JSONB",
        "from sqlalchemy.ext.mutable import MutableDict, MutableList",
        "from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship",
    ]
    if base:
        own = f"from {module} import {name}" + ("" if name == "Base" else " as Base")
        lines += ["from sqlalchemy.schema import conv", "", own]
    return lines


def _enum_type() -> list[str]:
    return [
        "def _varchar(kind: type[StrEnum], length: int) -> Enum:",
        '    """Return the type of a varchar column that holds values of an enum.',
        "",
        "    It is no ENUM type of the database: a CHECK of the table keeps the values.",
        '    """',
        "    return Enum(",
        "        kind,",
        "        native_enum=False,",
        "        create_constraint=False,",
        "        length=length,",
        "        values_callable=lambda members: [member.value for member in members],",
        "    )",
    ]


def _bases(description: Description, base: str) -> list[list[str]]:
    own = [
        "class Base(DeclarativeBase):",
        '    """The base of the tracked tables: its metadata is what Alembic compares."""',
    ]
    rows = [
        "class TrackedRow(Base):",
        '    """A row whose ids, times and states the database gives: they are read back at once."""',
        "",
        "    __abstract__ = True",
        '    __mapper_args__ = {"eager_defaults": True}',
    ]
    views = [
        "class MonitoringView(DeclarativeBase):",
        '    """A line of a view: read it; the database refuses to write it."""',
        "",
        f"    metadata = MetaData(schema={quoted(description.view_schema)})",
    ]
    return [rows, views] if base else [own, rows, views]


def _table(table: Table, description: Description, *, is_foreign: bool) -> list[str]:
    lines = [f"class {table.class_name}(TrackedRow):", *docstring([table.says], depth=1), ""]
    if table.class_name.startswith("Test"):
        lines += ["    __test__ = False"]
    lines += [f"    __tablename__ = {quoted(table.name)}"]
    arguments: list[str | Call] = [*_constraints(table, is_foreign=is_foreign), *_indexes(table)]
    if table.comment:
        arguments.append(f'{{"comment": {quoted(table.comment)}}}')
    lines += [*lines_of(Call("", tuple(arguments)), before="__table_args__ = ", depth=1), ""]
    for column in table.columns:
        lines += _mapped(column)
    for reference in table.references:
        value = call("relationship", f"back_populates={quoted(reference.back)}")
        lines += ["", *lines_of(value, before=f'{reference.forth}: Mapped["{reference.target_class}"] = ', depth=1)]
    for source, reference in description.references_to(table):
        lines += ["", *_collection(source, reference)]
    return lines


def _collection(source: Table, reference: Reference) -> list[str]:
    """Return the relationship to the rows that refer to this one: while there are some, it cannot be deleted."""
    value = call(
        "relationship",
        f"back_populates={quoted(reference.forth)}",
        'passive_deletes="all"',
        f'order_by="{source.class_name}.{_order(source, reference)}"',
    )
    return lines_of(value, before=f'{reference.back}: Mapped[list["{source.class_name}"]] = ', depth=1)


def _order(source: Table, reference: Reference) -> str:
    """Return the column that numbers the rows within what they refer to, else the key."""
    for _, columns in source.uniques:
        if columns[0] == reference.column and len(columns) > 1:
            return columns[1]
    return next(column.name for column in source.columns if column.is_key)


def _constraints(table: Table, *, is_foreign: bool) -> Iterator[Call]:
    keys = [quoted(column.name) for column in table.columns if column.is_key]
    yield call("PrimaryKeyConstraint", *keys, f'name="{table.name}_pkey"')
    for name, columns in table.uniques:
        yield call("UniqueConstraint", *map(quoted, columns), f"name={quoted(name)}")
    for reference in table.references:
        yield call(
            "ForeignKeyConstraint",
            f"[{quoted(reference.column)}]",
            f"[{quoted(f'{reference.table}.{reference.target}')}]",
            f"name={quoted(reference.name)}",
            "deferrable=True",
            'initially="DEFERRED"',
        )
    yield from _checks(table, is_foreign=is_foreign)


def _checks(table: Table, *, is_foreign: bool) -> Iterator[Call]:
    for check in table.checks:
        # A naming convention of the application's metadata would rename it: conv() says that the name is whole.
        name = f"conv({quoted(check.name)})" if is_foreign else quoted(check.name)
        yield call("CheckConstraint", quoted(check.condition), f"name={name}")


def _indexes(table: Table) -> Iterator[Call]:
    for name, columns in table.indexes:
        yield call("Index", quoted(name), *map(quoted, columns))


def _file_columns(table: Table, *, is_foreign: bool) -> list[str]:
    said = (
        table.says,
        "The table is the application's: let its model inherit from this class too.",
        "    class FileAudit(FileAuditV7Columns, Base): ...",
        "Checks and index are added to the model's table by themselves. The application's own writes to the other "
        "columns never meet the rules of the migration; an UPDATE of these columns does.",
    )
    lines = [f"class {table.class_name}:", *docstring(said, depth=1), ""]
    for column in table.columns:
        lines += _mapped(column)
    parts = [*_checks(table, is_foreign=is_foreign)]
    parts += [
        call("Index", quoted(name), *(f"table.c.{column}" for column in columns)) for name, columns in table.indexes
    ]
    return [
        *lines,
        "",
        "    def __init_subclass__(cls, **options: Any) -> None:",
        '        """Add the checks and the index to the table of the model."""',
        "        super().__init_subclass__(**options)",
        '        table = cls.__dict__.get("__table__")',
        "        if isinstance(table, Table):",
        "            _add_v7_rules(table)",
        "",
        "",
        "def _add_v7_rules(table: Table) -> None:",
        '    """Add the checks and the index of the V7 columns to a table that has the columns."""',
        *(line for part in parts for line in _added(part)),
    ]


def _added(part: Call) -> list[str]:
    if part.head == "Index":
        return lines_of(part, depth=1)
    return lines_of(Call("table.append_constraint", (part,)), depth=1)


def _view(view: View) -> list[str]:
    said = view.comment or view.says
    lines = [f"class {view.class_name}(MonitoringView):", *docstring([said], depth=1), ""]
    lines += [f"    __tablename__ = {quoted(view.name)}", ""]
    for column in view.columns:
        lines += _mapped(column, in_view=True)
    return lines


def _mapped(column: Column, *, in_view: bool = False) -> list[str]:
    python, type_ = _types(column)
    annotation = f"{python} | None" if column.is_nullable else python
    value = call(
        "mapped_column",
        type_,
        "primary_key=True" if in_view and column.is_key else None,
        "nullable=True" if in_view and column.is_key and column.is_nullable else None,
        None if in_view else _default(column),
        "server_onupdate=FetchedValue()" if column.is_touched else None,
        f"comment={quoted(column.comment)}" if column.comment else None,
    )
    return lines_of(value, before=f"{column.name}: Mapped[{annotation}] = ", depth=1)


def _default(column: Column) -> str | None:
    if column.default is None:
        return None
    if column.kind in ("text", "character varying") and not column.is_array:
        return f"server_default={quoted(column.default)}"
    return f"server_default=text({quoted(column.default)})"


def _types(column: Column) -> tuple[str, str]:
    """Return the type that Python sees, and the type of the column."""
    if column.kind == "jsonb":
        empty = "none_as_null=True" if column.is_nullable else ""
        kind = "MutableList" if column.shape == "array" else "MutableDict"
        python = "list[Any]" if column.shape == "array" else "dict[str, Any]"
        return python, f"{kind}.as_mutable(JSONB({empty}))"
    python, name = TYPES[column.kind]
    shown = "timezone=True" if name == "DateTime" else str(column.length or "")
    if column.choices:
        return column.choices.name, f"_varchar({column.choices.name}, {column.length})"
    if column.is_array:
        return f"list[{python}]", f"MutableList.as_mutable(ARRAY({name}({shown})))"
    return python, f"{name}({shown})"
