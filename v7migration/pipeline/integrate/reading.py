"""Read the models: their columns, types, defaults, checks and indexes become facts.

The comments are those of the reviewed script, which is what the target says about itself. No database is asked.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.functions import TransactionNow
from django.core import validators
from django.db import models
from django.db.models.lookups import Exact
from django_fsm import FSMFieldMixin

from tracking import choices
from tracking.machines import FILE, MACHINES, Machine
from tracking.models import (
    V7_COLUMNS,
    EnumConsolidationStatus,
    EnumMigration,
    File,
    FileMigrationReadiness,
    GlobalImpact,
    MigrationDashboard,
    Phase,
    SubworkflowTask,
    TestResult,
)
from tracking.models.base import RandomUUID, json_is, one_of
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.integrate.described import (
    Check,
    Choices,
    Column,
    Description,
    Reference,
    Table,
    View,
    steps_of,
)
from v7migration.postgres.script import parse
from v7migration.postgres.script.remarks import remarks

TABLES: tuple[type[models.Model], ...] = (Phase, EnumMigration, GlobalImpact, SubworkflowTask, TestResult)
VIEWS: Mapping[type[models.Model], tuple[str, ...]] = {
    MigrationDashboard: ("phase_number",),
    EnumConsolidationStatus: ("v7_enum_name",),
    # A layer number may be NULL, the count of its files never is: together they are a key that every line has.
    FileMigrationReadiness: ("layer_number", "total_files"),
}
NULL_IN_KEYS = frozenset({"layer_number"})
VIEW_SCHEMA = "v7_monitoring"
FILE_COLUMNS_CLASS = "FileAuditV7Columns"
FILE_SHAPES = {"v7_database_enums": "array", "v7_enum_mappings": "object"}
RECORDED = frozenset(
    {"started_at", "completed_at", "implemented_at", "validated_at", "retired_at", "approved_by", "approval_notes"}
    | {"approval_status", "reviewed_by_personas", "created_at", "updated_at"}
)
"""Columns that transitions, reviews, signatures or the database fill, never the content that people send."""
INT4 = (-(2**31), 2**31 - 1)
"""What Django itself checks of every integer."""
TIMES = ("created_at", "updated_at")
"""They stand last, as in the script."""
KINDS: Mapping[type[models.Field[Any, Any]], str] = {
    models.UUIDField: "uuid",
    models.BigIntegerField: "bigint",
    models.IntegerField: "integer",
    models.BooleanField: "boolean",
    models.DateTimeField: "timestamp with time zone",
    models.DateField: "date",
    models.JSONField: "jsonb",
    models.DecimalField: "numeric",
    models.TextField: "text",
    models.CharField: "character varying",
}


def describe() -> Description:
    """Return the facts of the five tables, of the twelve columns of file_audit and of the three views.

    Raises:
        Refused: the script cannot be read.
        ScriptInvalid: it is not one of ours.
        TypeError: a model has a field, default or check that nobody taught this module.
    """
    said = remarks(parse(gatekeeper.source_bytes()))
    return Description(
        tables=tuple(_table(model, said) for model in TABLES),
        file_columns=_file_columns(said),
        views=tuple(_view(model, key, said) for model, key in VIEWS.items()),
        view_schema=VIEW_SCHEMA,
    )


def _table(model: type[models.Model], said: Mapping[str, str]) -> Table:
    options = model._meta
    checks = [c for c in options.constraints if isinstance(c, models.CheckConstraint)]
    name = options.db_table
    fields = sorted(options.concrete_fields, key=lambda field: field.name in TIMES)
    columns = tuple(_column(field, checks, said, f"public.{name}") for field in fields)
    uniques: list[tuple[str, tuple[str, ...]]] = []
    uniques += [(f"{name}_{column.name}_key", (column.name,)) for column in columns if column.is_unique]
    uniques += [(c.name, tuple(c.fields)) for c in options.constraints if isinstance(c, models.UniqueConstraint)]
    return Table(
        name=name,
        class_name=model.__name__,
        says=_first_line(model),
        comment=said.get(f"public.{name}", ""),
        columns=columns,
        checks=tuple(Check(check.name, _condition(check)) for check in checks),
        uniques=tuple(uniques),
        indexes=tuple((index.name, tuple(index.fields)) for index in options.indexes),
        references=tuple(_reference(f) for f in options.concrete_fields if isinstance(f, models.ForeignKey)),
    )


def _file_columns(said: Mapping[str, str]) -> Table:
    """Return the twelve columns; their checks and index are the script's, for the table is not ours to declare."""
    fields = [field for field in File._meta.concrete_fields if field.name in V7_COLUMNS]
    name = "{}_{}_check".format
    checks = [one_of(f.name, [v for v, _ in f.flatchoices], name(FILE.table, f.name)) for f in fields if f.choices]
    for field in fields:
        if limits := _limits(field):
            low, high = limits
            condition = models.Q(**{f"{field.name}__gte": low, f"{field.name}__lte": high})
            checks.append(models.CheckConstraint(condition=condition, name=name(FILE.table, field.name)))
    checks += [json_is(column, shape, name(FILE.table, column)) for column, shape in FILE_SHAPES.items()]
    return Table(
        name=FILE.table,
        class_name=FILE_COLUMNS_CLASS,
        says="The twelve columns that the V7 migration adds to file_audit, with their checks and their index.",
        comment="",
        columns=tuple(_column(field, checks, said, f"public.{FILE.table}") for field in fields),
        checks=tuple(Check(check.name, _condition(check)) for check in checks),
        uniques=(),
        indexes=(("idx_file_audit_v7_status", (FILE.column,)),),
    )


def _view(model: type[models.Model], key: tuple[str, ...], said: Mapping[str, str]) -> View:
    name = model._meta.db_table
    return View(
        name=name,
        class_name=model.__name__,
        says=_first_line(model),
        comment=said.get(f"{VIEW_SCHEMA}.{name}", ""),
        columns=tuple(
            replace(column, is_key=column.name in key, is_nullable=column.is_nullable or column.name in NULL_IN_KEYS)
            for column in (_column(f, [], said, f"{VIEW_SCHEMA}.{name}") for f in model._meta.concrete_fields)
        ),
    )


def _column(
    field: models.Field[Any, Any], checks: list[models.CheckConstraint], said: Mapping[str, str], holder: str
) -> Column:
    name = field.column or field.name
    element = field.base_field if isinstance(field, ArrayField) else field
    if isinstance(element, models.ForeignKey):
        element = element.target_field
        checks = [c for c in element.model._meta.constraints if isinstance(c, models.CheckConstraint)]
    bounds = dict(_bounds(element.name if field.is_relation else name, checks))
    patterns = [re.compile(v.regex).pattern for v in field.validators if isinstance(v, validators.RegexValidator)]
    is_state = isinstance(field, FSMFieldMixin)
    return Column(
        name=name,
        kind=_kind(element),
        comment=said.get(f"{holder}.{name}", ""),
        length=element.max_length if isinstance(element, models.CharField) else None,
        is_array=isinstance(field, ArrayField),
        is_nullable=field.null,
        is_key=field.primary_key,
        is_unique=field.unique and not field.primary_key,
        default=_default(field),
        choices=_choices(field, holder.rpartition(".")[2]),
        shape=next((shape for check in checks for shape in _shapes(name, check)), ""),
        minimum=bounds.get("gte"),
        maximum=bounds.get("lte"),
        pattern=next(iter(patterns), ""),
        is_recorded=field.primary_key or is_state or name in RECORDED,
        is_touched=name == "updated_at",
        may_be_empty=field.blank,
    )


def _kind(field: models.Field[Any, Any]) -> str:
    for known, kind in KINDS.items():
        if isinstance(field, known):
            return kind
    raise TypeError(f"{field}: no column type is known for {type(field).__name__}")


def _default(field: models.Field[Any, Any]) -> str | None:
    """Return the server's default in SQL, as the catalog prints it; a text without its quotes and type."""
    default: Any = field.db_default
    if default is models.NOT_PROVIDED:
        # file_audit is not a table that Django inserts into: its state's first value is the script's default.
        return str(field.default) if field.model is File and isinstance(field, FSMFieldMixin) else None
    if isinstance(default, RandomUUID):
        return "gen_random_uuid()"
    if isinstance(default, TransactionNow):
        return "CURRENT_TIMESTAMP"
    if isinstance(default, models.Value) and default.value in ([], {}):
        kind = _kind(field.base_field) + "[]" if isinstance(field, ArrayField) else _kind(field)
        text = "[]" if default.value == [] and kind == "jsonb" else "{}"
        return f"'{text}'::{kind}"
    if isinstance(default, bool):
        return str(default).lower()
    if isinstance(default, str):
        return str(default)
    raise TypeError(f"{field}: nobody taught the generator the default {default!r}")


def _choices(field: models.Field[Any, Any], table: str) -> Choices | None:
    if not field.choices:
        return None
    values = [str(value) for value, _ in field.flatchoices]
    for kind in vars(choices).values():
        if inspect.isclass(kind) and issubclass(kind, models.TextChoices) and kind.values == values and values:
            machine = _machine(table, field.name)
            return Choices(
                name=kind.__name__,
                says=_first_line(kind),
                members=tuple((member.name, str(member.value)) for member in kind),
                initial=str(machine.initial) if machine else "",
                steps=steps_of(machine) if machine else (),
            )
    raise TypeError(f"{field}: its values are those of no list in tracking.choices")


def _machine(table: str, column: str) -> Machine | None:
    return next((m for m in MACHINES if (m.table, m.column) == (table, column)), None)


def _reference(field: models.ForeignKey[Any, Any]) -> Reference:
    target = field.related_model
    if not isinstance(target, type):
        raise TypeError(f"{field}: the model it refers to is not known")
    table, name = field.model._meta.db_table, field.column
    return Reference(
        name=f"{table.removeprefix('v7_')}_{name}_fkey",
        column=name,
        table=target._meta.db_table,
        target=str(field.target_field.column),
        target_class=target.__name__,
        forth=target.__name__.lower(),
        back=field.remote_field.related_name or f"{field.model.__name__.lower()}s",
    )


def _limits(field: models.Field[Any, Any]) -> tuple[int, int] | None:
    low = [v.limit_value for v in field.validators if type(v) is validators.MinValueValidator]
    high = [v.limit_value for v in field.validators if type(v) is validators.MaxValueValidator]
    return (low[-1], high[-1]) if low and high and (low[-1], high[-1]) != INT4 else None


def _leaves(check: models.CheckConstraint) -> Iterator[tuple[str, str, Any]]:
    """Yield what a check says: column, comparison and value. ``shape`` compares the kind of a jsonb."""
    parts = check.condition.children if isinstance(check.condition, models.Q) else [check.condition]
    for part in parts:
        match part:
            case (str() as name, value) if name.endswith(("__in", "__gte", "__lte")):
                column, _, comparison = name.rpartition("__")
                yield column, comparison, value
            case Exact(lhs=models.Func(extra={"function": "jsonb_typeof"}) as found, rhs=models.Value() as kind):
                named: Any = found.source_expressions[0]
                yield named.name, "shape", kind.value
            case _:
                raise TypeError(f"{check.name}: nobody taught the generator the condition {part!r}")


def _condition(check: models.CheckConstraint) -> str:
    """Return the condition in SQL, as the script writes it."""
    forms = {"gte": "{} >= {}", "lte": "{} <= {}", "shape": "jsonb_typeof({}) = '{}'", "in": "{} IN ({})"}
    said = []
    for column, comparison, value in _leaves(check):
        shown = ", ".join(f"'{item}'" for item in value) if comparison == "in" else value
        said.append(forms[comparison].format(column, shown))
    return " AND ".join(said)


def _bounds(column: str, checks: list[models.CheckConstraint]) -> Iterator[tuple[str, int]]:
    for check in checks:
        for named, comparison, value in _leaves(check):
            if named == column and comparison in ("gte", "lte"):
                yield comparison, value


def _shapes(column: str, check: models.CheckConstraint) -> Iterator[str]:
    yield from (value for named, comparison, value in _leaves(check) if (named, comparison) == (column, "shape"))


def _first_line(thing: type) -> str:
    return (inspect.getdoc(thing) or "").partition("\n")[0]
