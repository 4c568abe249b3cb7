"""The generated SQLAlchemy module against a target that the product migrated: as the web role, sync and async."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import NullPool

from tests.environment import url
from tests.generated import imported
from tests.world import World
from v7migration.pipeline.integrate.generating import generate_sqlalchemy
from v7migration.pipeline.integrate.reading import describe

APPLICATION = """

class FileAudit(FileAuditV7Columns, Base):
    __tablename__ = "file_audit"
    __table_args__ = {"comment": "One row for each source file, as of the audit of May 2025"}
    id: Mapped[int] = mapped_column(primary_key=True)
    file_path: Mapped[str] = mapped_column(String(255))
    notes: Mapped[str | None] = mapped_column(Text())
"""
"""How an application adds the twelve columns to its own model."""


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    """The generated module, with the application's own model of file_audit below it."""
    text = generate_sqlalchemy()["text"] + APPLICATION
    with imported(text, tmp_path_factory.mktemp("application"), "v7_models") as module:
        yield module


def engine_of(role: str) -> sa.Engine:
    """Return an engine that keeps no session."""
    return sa.create_engine(sa.make_url(url(role)).set(drivername="postgresql+psycopg"), poolclass=NullPool)


def application_columns(kind: str, name: str | None, table: sa.Table | None) -> bool:
    """Say whether something of file_audit is the application's own, which its model here leaves out."""
    return kind != "table" and table is not None and table.name == "file_audit" and "v7" not in str(name)


def differences(connection: sa.Connection, metadata: sa.MetaData) -> list[Any]:
    """Return what Alembic's autogenerate would do: types, server defaults, comments and checks are compared too."""

    def ours(item: Any, name: str | None, kind: str, reflected: bool, other: Any) -> bool:
        if kind == "table":
            return name in metadata.tables
        return not application_columns(kind, name, getattr(item, "table", None))

    options = {
        "compare_type": True,
        "compare_server_default": True,
        "include_object": ours,
        "autogenerate_plugins": ["alembic.autogenerate.*", "alembic.ext.checkconstraint_byname"],
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


# -- the same tables -------------------------------------------------------------------------------------------


def described(connection: sa.Connection, table: sa.Table, schema: str) -> dict[str, Any]:
    """Return all that reflection tells of a table, whatever its schema and the order of its columns."""
    inspector = sa.inspect(connection)
    found: dict[str, Any] = {"comment": inspector.get_table_comment(table.name, schema=schema)["text"]}
    for column in inspector.get_columns(table.name, schema=schema):
        if not application_columns("column", column["name"], table):
            found[column["name"]] = {key: str(value) for key, value in column.items() if key != "name"}
    parts = ["get_indexes", "get_unique_constraints", "get_check_constraints", "get_foreign_keys"]
    for part in parts:
        for item in getattr(inspector, part)(table.name, schema=schema):
            if not application_columns(part, item["name"], table):
                found[item["name"]] = {key: str(value) for key, value in item.items() if key != "referred_schema"}
    if table.name != "file_audit":
        found["key"] = inspector.get_pk_constraint(table.name, schema=schema)
    return found


def test_the_migrated_target_is_what_the_module_declares(executed: World, models: ModuleType) -> None:
    """PostgreSQL makes the declared tables beside the migrated ones; then both are reflected and compared."""
    with engine_of("runner").connect() as connection:
        connection.execute(sa.text("CREATE SCHEMA mirror"))
        mirrored = connection.execution_options(schema_translate_map={None: "mirror"})
        models.Base.metadata.create_all(mirrored, checkfirst=False)
        plain = connection.execution_options(schema_translate_map={})
        seen = 0
        for table in models.Base.metadata.tables.values():
            there, declared = described(plain, table, "public"), described(plain, table, "mirror")
            assert declared == there
            seen += len(there)
        assert seen > 100
        connection.rollback()


def test_alembic_finds_nothing_to_do(executed: World, models: ModuleType) -> None:
    with engine_of("runner").connect() as connection:
        assert differences(connection, models.Base.metadata) == []


TAMPERED = {
    "ALTER TABLE v7_subworkflow_tasks ALTER notes TYPE varchar(9)": "modify_type",
    "ALTER TABLE v7_test_results ALTER tested_by DROP NOT NULL": "modify_nullable",
    "ALTER TABLE v7_enum_migrations ALTER risk_level SET DEFAULT 'low'": "modify_default",
    "COMMENT ON COLUMN v7_global_impacts.change_type IS 'Something else.'": "modify_comment",
    "ALTER TABLE v7_global_impacts DROP COLUMN implementation_notes": "add_column",
    "ALTER TABLE v7_migration_workflow ADD COLUMN owner text": "remove_column",
    "DROP INDEX idx_subworkflow_status": "add_index",
    "DROP INDEX idx_file_audit_v7_status": "add_index",
    "ALTER TABLE v7_subworkflow_tasks DROP CONSTRAINT subworkflow_tasks_number_key": "add_constraint",
    "ALTER TABLE v7_subworkflow_tasks DROP CONSTRAINT subworkflow_tasks_parent_phase_fkey": "add_fk",
    "ALTER TABLE v7_test_results DROP CONSTRAINT test_results_test_type_check": "add_constraint",
    "ALTER TABLE file_audit DROP CONSTRAINT file_audit_v7_impact_score_check": "add_constraint",
}


def test_alembic_finds_whatever_is_changed(executed: World, models: ModuleType) -> None:
    """The comparison above is worth something: each change of the target shows in it."""
    with engine_of("runner").connect() as connection:
        for statement, kind in TAMPERED.items():
            with connection.begin():
                connection.execute(sa.text(statement))
                found = str(differences(connection, models.Base.metadata))
                connection.rollback()
            assert f"'{kind}'" in found, statement


# -- the life of a row -----------------------------------------------------------------------------------------


def live_through(session: Session, models: ModuleType) -> None:
    """Create, read, update and delete a row of every table, by the models alone."""
    phase = session.scalars(sa.select(models.Phase).filter_by(phase_number=4)).one()
    assert phase.status is models.PhaseStatus(str(phase.status))
    rows = [
        models.SubworkflowTask(phase=phase, task_number=77, task_name="Fit the models", responsible_persona="Dev Team"),
        models.EnumMigration(current_enum_name="public.old", v7_enum_name="v7_new", affected_columns={"t": ["c"]}),
        models.GlobalImpact(
            change_type=models.ChangeType.API, impact_description="Answers change.", affected_layers=[3]
        ),
        models.TestResult(test_type=models.TestType.UNIT, component_tested="x", test_status="pass", tested_by="dora"),
    ]
    session.add_all(rows)
    session.flush()
    task, enum_migration, impact, result = rows
    assert task.status is models.TaskStatus.PENDING
    assert (task.parent_phase, task.blockers, task.notes) == (4, [], "")
    assert impact.risk_assessment is models.Risk.MEDIUM
    assert result.test_status == models.TestStatus.PASS
    assert abs(datetime.now(UTC) - result.tested_at).total_seconds() < 600
    session.commit()

    before = task.updated_at
    task.blockers.append("it waits")
    task.dependencies = [other.id for other in phase.tasks if other.task_number == 1]
    enum_migration.affected_columns["u"] = ["d", "e"]
    impact.affected_layers.append(4)
    result.performance_metrics = {"seconds": 1.5, "steps": [1, None]}
    session.flush()
    assert sa.inspect(task).unloaded.isdisjoint({"updated_at"}), "an UPDATE reads back what the trigger set"
    assert task.updated_at > before
    session.commit()
    session.expire_all()
    assert (task.blockers, len(task.dependencies)) == (["it waits"], 1)
    assert enum_migration.affected_columns == {"t": ["c"], "u": ["d", "e"]}
    assert (impact.affected_layers, result.performance_metrics["steps"]) == ([3, 4], [1, None])

    task.status = models.TaskStatus.IN_PROGRESS
    session.commit()
    refused(session, "23514", lambda: setattr(task, "status", models.TaskStatus.COMPLETED))
    refused(session, "23503", lambda: session.delete(phase))
    for row in rows:
        session.delete(row)
    session.commit()
    assert not any(session.get(type(row), row.id) for row in rows)
    live_with_phases_and_files(session, models)


def live_with_phases_and_files(session: Session, models: ModuleType) -> None:
    """A phase goes and comes back (there are seven numbers); a file's own row is not ours to make."""
    phase = session.scalars(sa.select(models.Phase).filter_by(phase_number=7)).one()
    assert phase.tasks == []
    session.delete(phase)
    session.flush()
    again = models.Phase(phase_number=7, phase_name="Retirement", lead_persona="The Architect")
    session.add(again)
    session.flush()
    assert (again.deliverables, again.blockers) == ({}, [])
    again.blockers.append({"what": "stability", "days": 30})
    session.commit()
    session.refresh(again)
    assert again.blockers == [{"what": "stability", "days": 30}]

    file = session.scalars(sa.select(models.FileAudit).order_by(models.FileAudit.id)).first()
    assert file is not None
    file.v7_workflow_status = models.FileStatus.ASSESSED
    file.v7_dependencies = ["a.py"]
    file.v7_database_enums, file.v7_impact_score = ["public.old"], 10
    file.v7_retirement_date = date(2030, 1, 31)
    session.commit()
    file.v7_dependencies.append("b.py")
    file.v7_database_enums = None
    session.commit()
    session.refresh(file)
    assert (file.v7_dependencies, file.v7_database_enums) == (["a.py", "b.py"], None)
    assert (file.v7_workflow_status, file.v7_retirement_date) == (models.FileStatus.ASSESSED, date(2030, 1, 31))
    read_views(session, models)


def read_views(session: Session, models: ModuleType) -> None:
    """The views read as rows, one of them whose key may hold NULL; they cannot be written."""
    lines = session.scalars(sa.select(models.MigrationDashboard).order_by(models.MigrationDashboard.phase_number)).all()
    assert [line.phase_number for line in lines] == [1, 2, 3, 4, 5, 6, 7]
    assert isinstance(lines[0].highest_risk, models.Risk)
    readiness = session.scalars(sa.select(models.FileMigrationReadiness)).all()
    assert sum(line.total_files for line in readiness) == session.scalar(sa.select(sa.func.count(models.FileAudit.id)))
    assert session.scalars(sa.select(models.EnumConsolidationStatus)).all()
    refused(session, "55000", lambda: setattr(lines[0], "total_tasks", 99), "42501")


def refused(session: Session, code: str, change: Callable[[], object], *others: str) -> None:
    """Make a change and expect the database to refuse it with one of the SQLSTATEs."""
    change()
    with pytest.raises(DBAPIError) as caught:
        session.commit()
    session.rollback()
    assert getattr(caught.value.orig, "sqlstate", None) in (code, *others)


def test_every_table_lives_through_psycopg(executed: World, models: ModuleType) -> None:
    with Session(engine_of("target")) as session:
        live_through(session, models)


def test_every_table_lives_through_asyncpg(executed: World, models: ModuleType) -> None:
    async def scenario() -> None:
        engine = create_async_engine(
            sa.make_url(url("target")).set(drivername="postgresql+asyncpg"), poolclass=NullPool
        )
        async with AsyncSession(engine, expire_on_commit=False) as session:
            phase = (await session.scalars(sa.select(models.Phase).filter_by(phase_number=5))).one()
            task = models.SubworkflowTask(
                parent_phase=phase.phase_number, task_number=78, task_name="Await it", responsible_persona="Dev Team"
            )
            session.add(task)
            await session.commit()
            before = task.updated_at
            task.notes = "awaited"
            await session.commit()
            assert task.updated_at > before, "read back without a second, blocking, question"
            await session.delete(task)
            await session.commit()
        async with AsyncSession(engine) as session:
            await session.run_sync(live_through, models)
        await engine.dispose()

    asyncio.run(scenario())


def test_a_closed_fence_refuses_every_write_with_its_sqlstate(executed: World, models: ModuleType) -> None:
    with executed.runner() as runner:
        runner.execute("UPDATE migration_gate.fence SET is_open = false")
    with Session(engine_of("target")) as session:
        task = session.scalars(sa.select(models.SubworkflowTask)).first()
        file = session.scalars(sa.select(models.FileAudit)).first()
        assert task is not None
        assert file is not None
        refused(session, "25006", lambda: setattr(task, "notes", "too late"))
        refused(session, "25006", lambda: setattr(file, "v7_impact_score", 3))


# -- beside the application's own metadata ---------------------------------------------------------------------


def test_the_applications_base_and_its_naming_convention_change_no_name(tmp_path: Path) -> None:
    convention = {
        "ix": "ix_%(column_0_label)s", "uq": "uq_%(table_name)s_%(column_0_name)s", "pk": "pk_%(table_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s", "fk": "fk_%(table_name)s_%(column_0_name)s",
    }  # fmt: skip
    base = (
        "from sqlalchemy import MetaData\nfrom sqlalchemy.orm import DeclarativeBase\n"
        f"class Model(DeclarativeBase):\n    metadata = MetaData(naming_convention={convention!r})\n"
    )
    text = generate_sqlalchemy(base="own_base:Model")["text"] + APPLICATION
    with imported(base, tmp_path, "own_base") as own, imported(text, tmp_path, "own_models") as module:
        assert module.Base is own.Model
        named = {
            str(c.name) for table in own.Model.metadata.tables.values() for c in (*table.constraints, *table.indexes)
        }
        facts = describe()
        wanted = {part.name for table in (*facts.tables, facts.file_columns) for part in table.checks}
        wanted |= {name for table in facts.tables for name, _ in (*table.uniques, *table.indexes)}
        wanted |= {f"{table.name}_pkey" for table in facts.tables} | {"idx_file_audit_v7_status"}
        wanted |= {"subworkflow_tasks_parent_phase_fkey"}
        assert named - {"pk_file_audit"} == wanted


def test_an_application_that_subclasses_its_model_gets_the_index_once(tmp_path: Path) -> None:
    text = generate_sqlalchemy()["text"] + APPLICATION + "\n\nclass Special(FileAudit):\n    pass\n"
    with imported(text, tmp_path, "subclassed") as module:
        assert len(module.FileAudit.__table__.indexes) == 1
