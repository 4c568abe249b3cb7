"""The Pydantic 2 module for the application: for each table what is read, what is created and what is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from v7migration.pipeline.integrate.described import Column, Description, Table, View
from v7migration.pipeline.integrate.enums import enum_class
from v7migration.pipeline.integrate.layout import WIDTH, Call, call, docstring, lines_of, module, quoted

ABOUT = (
    "The rows of the V7 migration for Pydantic 2: read, create and update.",
    "`...Read` takes a row of the database or an answer of the API, and ignores what it does not know. `...Create` and "
    "`...Update` hold what people may write and refuse everything else: ids and times come from the database, states "
    "move by their transitions, approvals come from signatures.",
    "Send on only what was named, so that the database's defaults and the other columns stand:",
    "    Phase(**created.model_dump(exclude_unset=True))",
    "All times carry their zone.",
)
PLAIN = {
    "uuid": "UUID",
    "bigint": "int",
    "boolean": "bool",
    "timestamp with time zone": "AwareDatetime",
    "date": "date",
    "numeric": "Decimal",
}
INTEGER = "ge=-2147483648, le=2147483647"
CHECKS = """\
def _storable(value: Any) -> Any:
    \"\"\"Return a JSON value that PostgreSQL can store.

    Raises:
        ValueError: it holds a NUL, half a character, or a number that is not finite.
    \"\"\"
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    if r"\\u0000" in text.replace(r"\\\\", ""):
        raise ValueError("PostgreSQL stores no NUL character")
    return value


def _not_null(value: Any) -> Any:
    \"\"\"Return the value of a column that is never NULL: to keep what it has, leave it out.\"\"\"
    if value is None:
        raise ValueError("this column is never NULL; leave it out to keep its value")
    return value


def _without_null(schema: JsonDict) -> None:
    \"\"\"Tell the same in JSON schema: the value or nothing, never null.\"\"\"
    kinds = schema.pop("anyOf", None)
    if isinstance(kinds, list) and isinstance(kinds[0], dict):
        schema.update(kinds[0])
        schema.pop("default", None)
"""
KEPT = (
    'Value = TypeVar("Value")',
    "Kept = Annotated[",
    "    Value | None,",
    "    AfterValidator(_not_null),",
    "    Field(json_schema_extra=_without_null),",
    "]",
    "JsonObject = Annotated[dict[str, JsonValue], AfterValidator(_storable)]",
    "JsonArray = Annotated[list[JsonValue], AfterValidator(_storable)]",
)
NO_NUL = r"^[^\x00]*$"
BASES = """\
class RowRead(BaseModel):
    \"\"\"A row as it was read.\"\"\"

    model_config = ConfigDict(from_attributes=True)


class RowWritten(BaseModel):
    \"\"\"What a person wrote: a name that does not belong here is refused.\"\"\"

    model_config = ConfigDict(from_attributes=True, extra="forbid")
"""


def pydantic_module(description: Description, *, header: Iterable[str], enums_from: str = "") -> str:
    """Return the text of the module.

    Args:
        description: the facts of tables, columns and views.
        header: comment lines above the module.
        enums_from: the module that has the enums (the generated one for SQLAlchemy); without it they are declared here.
    """
    rows: list[list[str]] = []
    for table in description.tables:
        rows += [_read(table), _create(table), _update(table)]
    changed = description.file_columns
    rows += [_read(changed), _update(changed), *(_read(view) for view in description.views)]
    enums = [] if enums_from else [enum_class(enum) for enum in description.enums]
    blocks = [*enums, CHECKS.splitlines(), [*KEPT, *_aliases(description)], BASES.splitlines(), *rows]
    top = [*header, *docstring(ABOUT, depth=0), "", *_imports(description, enums_from), "", ""]
    return module(top, blocks)


def _imports(description: Description, enums_from: str) -> Iterator[str]:
    yield "import json"
    yield "from datetime import date"
    yield "from decimal import Decimal"
    if not enums_from:
        yield "from enum import StrEnum"
    yield "from typing import Annotated, Any, TypeVar"
    yield "from uuid import UUID"
    yield ""
    yield from _imported(
        "pydantic", ["AfterValidator", "AwareDatetime", "BaseModel", "ConfigDict", "Field", "JsonValue"]
    )
    yield "from pydantic.config import JsonDict"
    if enums_from:
        yield ""
        yield from _imported(enums_from, sorted(enum.name for enum in description.enums))


def _imported(source: str, names: list[str]) -> list[str]:
    line = f"from {source} import {', '.join(names)}"
    return [line] if len(line) <= WIDTH else lines_of(Call(f"from {source} import ", tuple(names)))


# -- types -----------------------------------------------------------------------------------------------------


def _aliases(description: Description) -> Iterator[str]:
    """Yield the declarations of the types that the columns need, each once, the shortest texts first."""
    needed: dict[str, tuple[tuple[int, str], str]] = {}
    for column in description.columns:
        for name, rule in (_element(column, is_read=True), _element(column, is_read=False)):
            if rule:
                needed[name] = ((int("str" in rule), f"{column.length or 0:09}{name}"), rule)
    for name, (_, rule) in sorted(needed.items(), key=lambda item: item[1][0]):
        yield from lines_of(f"{name} = {rule}") if len(name) + len(rule) + 3 <= WIDTH else _long_alias(name, rule)


def _long_alias(name: str, rule: str) -> list[str]:
    kind, _, field = rule.removeprefix("Annotated[").removesuffix("]").partition(", ")
    return [f"{name} = Annotated[", f"    {kind},", f"    {field},", "]"]


def _element(column: Column, *, is_read: bool) -> tuple[str, str]:
    """Return the type of a value (of an array: of each element), and what declares it if it is a type of ours."""
    if column.choices:
        return column.choices.name, ""
    if column.kind == "integer":
        return _integer(column)
    if column.kind not in ("text", "character varying"):
        return PLAIN.get(column.kind, ""), ""
    if column.pattern and not is_read:
        name = "".join(word.capitalize() for word in column.name.split("_"))
        return name, f"Annotated[str, Field(pattern=r{quoted(column.pattern)})]"
    is_filled = not (is_read or column.may_be_empty or column.is_array)
    limits = ["min_length=1"] if is_filled else []
    limits += [f"max_length={column.length}"] if column.length else []
    rules = ", ".join([*limits, f'pattern=r"{NO_NUL}"'])
    return f"{'Filled' if is_filled else 'Text'}{column.length or ''}", f"Annotated[str, Field({rules})]"


def _integer(column: Column) -> tuple[str, str]:
    low, high = column.minimum, column.maximum
    if low is None:
        return "Integer", f"Annotated[int, Field({INTEGER})]"
    if high is None:
        return f"IntegerFrom{low}", f"Annotated[int, Field(ge={low}, le=2147483647)]"
    return f"Integer{low}To{high}", f"Annotated[int, Field(ge={low}, le={high})]"


def _type(column: Column, *, is_read: bool) -> str:
    if column.kind == "jsonb":
        read = "list[JsonValue]" if column.shape == "array" else "dict[str, JsonValue]"
        return read if is_read else f"Json{column.shape.capitalize()}"
    name, _ = _element(column, is_read=is_read)
    return f"list[{name}]" if column.is_array else name


# -- classes ---------------------------------------------------------------------------------------------------


def _class(name: str, base: str, says: str) -> list[str]:
    unseen = ["    __test__ = False", ""] if name.startswith("Test") else []  # pytest would collect it
    return [f"class {name}({base}):", *docstring([says], depth=1), "", *unseen]


def _stem(table: Table | View) -> str:
    return table.class_name.removesuffix("Columns")


def _read(table: Table | View) -> list[str]:
    lines = _class(
        f"{_stem(table)}Read" if isinstance(table, Table) else f"{table.class_name}Read", "RowRead", table.says
    )
    for column in table.columns:
        lines += _field(column, _type(column, is_read=True) + (" | None" if column.is_nullable else ""), "")
    return lines


def _create(table: Table) -> list[str]:
    lines = _class(f"{_stem(table)}Create", "RowWritten", f"A new row of {table.name}.")
    for column in table.columns:
        if not column.is_recorded:
            lines += _field(column, *_new(column))
    return lines


def _new(column: Column) -> tuple[str, str]:
    """Return the type and the default of a column in a new row."""
    kind = _type(column, is_read=False)
    if column.is_nullable:
        return f"{kind} | None", "default=None"
    if column.default is None:
        return kind, ""
    if column.is_array or column.shape:
        return kind, f"default_factory={'list' if column.is_array or column.shape == 'array' else 'dict'}"
    if column.choices:
        member = next(name for name, value in column.choices.members if value == column.default)
        return kind, f"default={column.choices.name}.{member}"
    if column.kind == "boolean":
        return kind, f"default={column.default.capitalize()}"
    if column.kind in ("text", "character varying"):
        return kind, f"default={quoted(column.default)}"
    return f"Kept[{kind}]", "default=None"


def _update(table: Table) -> list[str]:
    says = f"Changes of a row of {table.name}: what is left out stays as it is."
    lines = _class(f"{_stem(table)}Update", "RowWritten", says)
    for column in table.columns:
        if not column.is_recorded:
            kind = _type(column, is_read=False)
            lines += _field(column, f"{kind} | None" if column.is_nullable else f"Kept[{kind}]", "default=None")
    return lines


def _field(column: Column, kind: str, default: str) -> list[str]:
    description = f"description={quoted(column.comment)}" if column.comment else None
    if not (default or description):
        return [f"    {column.name}: {kind}"]
    return lines_of(call("Field", default, description), before=f"{column.name}: {kind} = ", depth=1)
