"""The generated Pydantic module: it takes what the database and the API give, and refuses what neither could keep."""

from __future__ import annotations

import importlib.util
import json
import math
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import jsonschema_rs
import pytest
import sqlalchemy as sa
from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model
from pydantic import BaseModel, TypeAdapter, ValidationError
from sqlalchemy.orm import Session

from tests.api import caller
from tests.generated import imported
from tests.test_integrate_sqlalchemy import engine_of
from tests.tracked import a_task, an_enum_migration, an_impact
from tests.world import World
from tracking import home
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
from v7migration.pipeline.integrate.api_trial import READ as API
from v7migration.pipeline.integrate.generating import generate_pydantic, generate_sqlalchemy
from v7migration.pipeline.integrate.reading import describe

READ: dict[type[Model], str] = {
    Phase: "PhaseRead",
    EnumMigration: "EnumMigrationRead",
    GlobalImpact: "GlobalImpactRead",
    SubworkflowTask: "SubworkflowTaskRead",
    TestResult: "TestResultRead",
    File: "FileAuditV7Read",
    MigrationDashboard: "MigrationDashboardRead",
    EnumConsolidationStatus: "EnumConsolidationStatusRead",
    FileMigrationReadiness: "FileMigrationReadinessRead",
}
CREATED: dict[str, dict[str, Any]] = {
    "SubworkflowTask": {
        "parent_phase": 4,
        "task_number": 90,
        "task_name": "Fit",
        "responsible_persona": "Dev Team",
    },
    "EnumMigration": {"current_enum_name": "public.o", "v7_enum_name": "v7_n", "affected_columns": {"t": ["c"]}},
    "GlobalImpact": {"change_type": "api", "impact_description": "Answers.", "risk_assessment": "high"},
    "TestResult": {"test_type": "smoke", "component_tested": "x", "test_status": "fail", "tested_by": "dora"},
}
CHANGED: dict[str, dict[str, Any]] = {
    "SubworkflowTask": {"dart_task_id": "abcDEF123456", "blockers": ["x"]},
    "EnumMigration": {"risk_level": "critical"},
    "GlobalImpact": {"affected_layers": [0, 7]},
    "TestResult": {"backwards_compatible": None, "performance_metrics": {"s": 1}},
}
AGAINST_THE_RULES: list[tuple[str, dict[str, Any]]] = [
    ("PhaseUpdate", {"phase_number": 0}),
    ("PhaseUpdate", {"phase_number": 8}),
    ("PhaseUpdate", {"phase_name": ""}),
    ("PhaseUpdate", {"phase_name": None}),
    ("PhaseUpdate", {"lead_persona": "x" * 101}),
    ("PhaseUpdate", {"deliverables": []}),
    ("PhaseUpdate", {"blockers": {}}),
    ("PhaseUpdate", {"blockers": [{"x": math.nan}]}),
    ("PhaseUpdate", {"deliverables": {"x": "\0"}}),
    ("PhaseUpdate", {"deliverables": {"x": "\ud800"}}),
    ("PhaseUpdate", {"status": "completed"}),
    ("PhaseUpdate", {"approved_by": "me"}),
    ("PhaseUpdate", {"id": "3fe7a31d-3778-56ab-b0ee-be77965a54ab"}),
    ("PhaseUpdate", {"updated_at": "2026-01-01T00:00:00Z"}),
    ("PhaseUpdate", {"no_such_column": 1}),
    ("SubworkflowTaskUpdate", {"dart_task_id": "abcdefghijk"}),
    ("SubworkflowTaskUpdate", {"dart_task_id": "abcdefghijkl\n"}),
    ("SubworkflowTaskUpdate", {"dart_task_id": "abcdefghijk!"}),
    ("SubworkflowTaskUpdate", {"task_number": 0}),
    ("SubworkflowTaskUpdate", {"task_number": 2**31}),
    ("SubworkflowTaskUpdate", {"parent_phase": 9}),
    ("SubworkflowTaskUpdate", {"dependencies": ["not-an-id"]}),
    ("SubworkflowTaskUpdate", {"blockers": ["a\0b"]}),
    ("SubworkflowTaskUpdate", {"blockers": [None]}),
    ("GlobalImpactUpdate", {"affected_layers": [2**31]}),
    ("GlobalImpactUpdate", {"risk_assessment": "severe"}),
    ("GlobalImpactUpdate", {"change_type": None}),
    ("FileAuditV7Update", {"v7_impact_score": 11}),
    ("FileAuditV7Update", {"v7_impact_score": 0}),
    ("FileAuditV7Update", {"v7_database_enums": {}}),
    ("FileAuditV7Update", {"v7_workflow_status": "migrated"}),
    ("FileAuditV7Update", {"v7_retirement_date": "soon"}),
    ("TestResultUpdate", {"tested_at": "2026-01-01T00:00:00"}),
    ("TestResultUpdate", {"test_status": "passed"}),
    ("TestResultUpdate", {"tested_at": None}),
]


@pytest.fixture(scope="module")
def schemas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The generated module."""
    with imported(generate_pydantic()["text"], tmp_path_factory.mktemp("application"), "v7_schemas") as module:
        yield module


def model_of(schemas: ModuleType, name: str) -> type[BaseModel]:
    """Return a model of the generated module."""
    found: type[BaseModel] = getattr(schemas, name)
    return found


def as_json(row: Any) -> str:
    """Return a row as the JSON that Django's own values give."""
    names = V7_COLUMNS if isinstance(row, File) else [field.attname for field in row._meta.concrete_fields]
    values = {name.removesuffix("_id") if name == "parent_phase_id" else name: getattr(row, name) for name in names}
    return json.dumps(values, cls=DjangoJSONEncoder)


def test_the_json_of_every_row_validates_and_comes_back(executed: World, schemas: ModuleType) -> None:
    task = a_task(blockers=["it waits"], deliverable_urls=["x"], dart_task_id="abcDEF123456")
    an_impact(affected_layers=[1, 2], change_detail={"tables": ["é"], "count": 1.5, "none": None})
    an_enum_migration(affected_columns={"public.t": ["a"]}, consolidates_with=["public.c"])
    with home.writing(person="seed"):
        TestResult(
            test_type="unit", component_tested="x", test_status="pass", tested_by="sam", performance_metrics={"s": 0.25}
        ).save()
    for django_model, name in READ.items():
        model, rows = model_of(schemas, name), list(django_model._default_manager.all()[:20])
        assert rows, name
        for row in rows:
            read = model.model_validate_json(as_json(row))
            again = model.model_validate_json(read.model_dump_json())
            assert again == read
            assert json.loads(read.model_dump_json()).keys() == json.loads(as_json(row)).keys()
    read = schemas.SubworkflowTaskRead.model_validate_json(as_json(task))
    assert (read.id, read.parent_phase, read.blockers) == (task.pk, 4, ["it waits"])
    assert read.status is schemas.TaskStatus.PENDING
    assert abs(read.created_at - task.created_at).total_seconds() < 0.001  # Django's encoder keeps milliseconds


def test_rows_go_from_pydantic_through_sqlalchemy_and_back(
    executed: World, schemas: ModuleType, tmp_path: Path
) -> None:
    """What is created holds no more than was named, so the database's defaults stand; enums pass both ways."""
    with (
        imported(generate_sqlalchemy()["text"], tmp_path, "own_models") as models,
        Session(engine_of("target")) as session,
    ):
        for name, content in CREATED.items():
            wanted = getattr(schemas, f"{name}Create").model_validate_json(json.dumps(content))
            row = getattr(models, name)(**wanted.model_dump(exclude_unset=True))
            session.add(row)
            session.commit()
            update = getattr(schemas, f"{name}Update").model_validate_json(json.dumps(CHANGED[name]))
            for column, value in update.model_dump(exclude_unset=True).items():
                setattr(row, column, value)
            session.commit()
            session.refresh(row)
            read = getattr(schemas, f"{name}Read").model_validate(row)
            told = json.loads(read.model_dump_json())
            assert {key: told[key] for key in CHANGED[name]} == CHANGED[name]
            assert {key: told[key] for key in content} == content
        for name in ("Phase", "MigrationDashboard", "EnumConsolidationStatus", "FileMigrationReadiness"):
            for row in session.scalars(sa.select(getattr(models, name))):
                getattr(schemas, f"{name}Read").model_validate(row)


def test_what_the_database_would_refuse_is_refused_before(schemas: ModuleType) -> None:
    for name, content in AGAINST_THE_RULES:
        with pytest.raises(ValidationError) as refused:
            model_of(schemas, name).model_validate(content)
        assert refused.value.error_count() == 1, (name, content)


def test_a_change_names_only_what_it_changes(schemas: ModuleType) -> None:
    assert schemas.PhaseUpdate().model_dump(exclude_unset=True) == {}
    change = schemas.SubworkflowTaskUpdate(dart_task_id=None, notes="")
    assert change.model_dump(exclude_unset=True) == {"dart_task_id": None, "notes": ""}


def test_nobody_writes_ids_times_states_and_approvals(schemas: ModuleType) -> None:
    facts = describe()
    for table in (*facts.tables, facts.file_columns):
        stem = table.class_name.removesuffix("Columns")
        recorded = {column.name for column in table.columns if column.is_recorded}
        assert recorded
        written = {column.name for column in table.columns} - recorded
        assert set(getattr(schemas, f"{stem}Read").model_fields) == written | recorded
        assert set(getattr(schemas, f"{stem}Update").model_fields) == written
        if table is not facts.file_columns:
            assert set(getattr(schemas, f"{stem}Create").model_fields) == written


def test_the_json_schemas_are_valid_and_say_what_the_models_do(schemas: ModuleType) -> None:
    models = [kind for kind in vars(schemas).values() if isinstance(kind, type) and issubclass(kind, BaseModel)]
    named = [kind for kind in models if kind.__module__ == "v7_schemas"]
    assert len(named) > 20
    for kind in named:
        jsonschema_rs.meta.validate(TypeAdapter(kind).json_schema())
    for name, content in AGAINST_THE_RULES:
        if "\\u0000" in json.dumps(content) or "\\ud800" in json.dumps(content) or "NaN" in json.dumps(content):
            continue  # no schema can say this of a value inside a document
        schema = model_of(schemas, name).model_json_schema()
        checker = jsonschema_rs.validator_for(schema, validate_formats=True)
        if content != {"tested_at": "2026-01-01T00:00:00"}:
            assert not checker.is_valid(content), (name, content)
        assert checker.is_valid({})


@pytest.mark.skipif(importlib.util.find_spec("tracking.api") is None, reason="there is no API yet")
def test_the_answers_of_the_api_validate(executed: World, schemas: ModuleType) -> None:
    client = executed.client("ada")
    a_task(blockers=["it waits"])
    an_impact(affected_layers=[1, 2])
    an_enum_migration()
    with home.writing(person="seed"):
        TestResult(test_type="unit", component_tested="x", test_status="pass", tested_by="sam").save()
    for path, name in API.items():
        answer = client.get(f"/api/v1/{path}")
        assert answer.status_code == 200, path
        document = answer.json()
        rows = document if isinstance(document, list) else document["items"]
        assert rows, path
        for row in rows:
            read = model_of(schemas, name).model_validate_json(json.dumps(row))
            told = json.loads(read.model_dump_json())
            assert told.keys() <= row.keys()
            assert model_of(schemas, name).model_validate(told) == read


def test_the_api_takes_what_the_models_write(executed: World, schemas: ModuleType) -> None:
    """Who tested is not asked: the API records who calls. What was measured, and blockers, do not change so."""
    ada, labels = caller(executed, "ada"), {"current_enum_values": ["a"], "v7_enum_values": ["a"]}
    for path, stem, more, changes in (
        ("tasks", "SubworkflowTask", {}, {"dart_task_id": "abcDEF123456", "dart_task_url": None}),
        ("impacts", "GlobalImpact", {}, {"affected_layers": [1, 7]}),
        ("enum-migrations", "EnumMigration", labels, {"risk_level": "critical"}),
        ("test-results", "TestResult", {}, {"notes": "é", "backwards_compatible": None}),
    ):
        wanted = getattr(schemas, f"{stem}Create").model_validate(CREATED[stem] | more)
        sent = wanted.model_dump(mode="json", exclude_unset=True, exclude={"tested_by"})
        row = ada.post(path, sent, expect=201)
        update = getattr(schemas, f"{stem}Update").model_validate(changes)
        sent = update.model_dump(mode="json", exclude_unset=True) | {"updated_at": row["updated_at"]}
        row = ada.patch(f"{path}/{row['id']}", sent)
        read = getattr(schemas, f"{stem}Read").model_validate_json(json.dumps(row))
        told = json.loads(read.model_dump_json())
        assert {name: told[name] for name in changes} == changes, path
