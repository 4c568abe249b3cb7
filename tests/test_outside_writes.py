"""No write without history: rows written past Django leave their versions too, once and not twice."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from django.db import connections, transaction
from django.urls import reverse
from psycopg import errors, sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from simple_history.signals import post_create_historical_record
from sqlalchemy.ext.asyncio import create_async_engine

from tests.environment import CLUSTER
from tests.test_admin import address, form_of
from tests.tracked import GUARDIAN, SENTINEL, a_file, a_task, an_enum_migration, an_impact, the_phase
from tests.world import World, administrator
from tracking import home as homes
from tracking import moving, services
from tracking.models import EnumMigration, File, GlobalImpact, Phase, SubworkflowTask, TestResult
from v7migration.ledger.models import Incident
from v7migration.postgres import session
from v7migration.postgres.binaries import client_binary

MODELS: tuple[Any, ...] = (Phase, EnumMigration, GlobalImpact, SubworkflowTask, TestResult, File)
OUTSIDE = "written outside Django"
A_RESULT = {"test_type": "smoke", "component_tested": "x", "test_status": "pass", "tested_by": "somebody"}
INSERT_RESULT = "INSERT INTO v7_test_results (test_type, component_tested, test_status, tested_by) VALUES "
LIVE_PATH = "SET search_path = public, v7_monitoring, v7_history, migration_gate"
Connection = psycopg.Connection[Any]


def total() -> int:
    """How many versions the current home has."""
    return sum(model.history.count() for model in MODELS)


def outside() -> int:
    """How many of them a trigger wrote."""
    return sum(model.history.filter(history_change_reason=OUTSIDE).count() for model in MODELS)


def versions(model: Any, pk: Any) -> list[tuple[str, str]]:
    """Kind and writer of each version of a row, in order."""
    return list(model.history.filter(id=pk).order_by("history_date").values_list("history_type", "history_user_id"))


def place() -> tuple[str, str]:
    """The role and the URL with which a DBA reaches the current home."""
    name = "control_owner" if homes.current() == homes.PLANNING else "runner"
    return f"v7_{name}", CLUSTER.url(name)


def connect(name: str, program: str = "a program") -> Connection:
    """Open a session in one of the databases under a program's name."""
    connection = psycopg.connect(CLUSTER.url(name), autocommit=True, application_name=program)
    if name not in ("default", "control_owner"):
        connection.execute(LIVE_PATH)
    return connection


@pytest.fixture
def application(executed: World) -> Iterator[str]:
    """The URL of a role of the application's, with the rights that README names and no others."""
    with administrator("v7_target") as admin:
        admin.execute("DROP ROLE IF EXISTS application")
        admin.execute("CREATE ROLE application LOGIN PASSWORD 'of the tests'")
        admin.execute("GRANT CONNECT, TEMPORARY ON DATABASE v7_target TO application")
    with psycopg.connect(CLUSTER.url("runner"), autocommit=True) as owner:
        owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON v7_test_results, v7_global_impacts TO application")
        owner.execute("GRANT SELECT, INSERT, UPDATE, DELETE ON file_audit TO application")
        owner.execute("GRANT USAGE ON SEQUENCE file_audit_id_seq TO application")
        owner.execute("GRANT USAGE ON SCHEMA migration_gate TO application")
        owner.execute("GRANT SELECT ON migration_gate.fence TO application")
    parts = conninfo_to_dict(CLUSTER.url("target"))
    yield f"application:of%20the%20tests@{parts['host']}:{parts['port']}/v7_target"
    with psycopg.connect(make_conninfo(CLUSTER.url("superuser"), dbname="v7_target"), autocommit=True) as admin:
        admin.execute("DROP OWNED BY application; DROP ROLE application")


# -- Django: once ----------------------------------------------------------------------------------------------------


def test_what_django_writes_has_one_version_with_its_person(home: World) -> None:
    start, written, in_one_statement = (total(), outside()), [], 0
    post_create_historical_record.connect(count := lambda **told: written.append(told["history_instance"]))
    task, impact, enum = a_task(), an_impact(), an_enum_migration()
    services.task_start(task=task, actor=home.actor("lena"))
    impact = services.impact_review(impact=impact, actor=home.actor("dana"))
    services.impact_approve(impact=impact, actor=home.actor("ada"))
    services.enum_migration_approve(row=enum, actor=home.actor("ada"))
    with homes.writing(person="ada"):
        phase = the_phase(7)
        phase.approval_notes = "later"
        phase.save()
    services.test_result_record(actor=SENTINEL, test_type="smoke", component_tested="x", test_status="pass")
    with homes.writing(person="ada", reason="twice in one"), transaction.atomic(using=homes.alias()):
        fresh = SubworkflowTask.objects.get(pk=task.pk)
        fresh.notes = "one"
        fresh.save()
        fresh.notes = "two"
        fresh.save(update_fields=["notes", "updated_at"])
        with transaction.atomic(using=homes.alias()):
            fresh.delete()
    if homes.current() == homes.LIVE:
        services.file_update(file=a_file(), actor=GUARDIAN, changes={"v7_impact_score": 4, "v7_dependents": ["a"]})
        services.file_move(file=a_file(), name="assess", actor=GUARDIAN)
        values = {a_file().pk: {"v7_database_enums": ["a"]}}
        in_one_statement = services.files_record(values=values, actor=GUARDIAN, reason="found")
        assert versions(File, a_file().pk)[-1] == ("~", GUARDIAN.username)
    post_create_historical_record.disconnect(count)
    assert len(written) >= 12
    assert (total(), outside()) == (start[0] + len(written) + in_one_statement, start[1])
    assert [kind for kind, _ in versions(SubworkflowTask, task.pk)] == ["+", "~", "~", "~", "-"]


def test_the_admin_adds_changes_and_deletes_with_one_version_each(home: World) -> None:
    client, before = home.client("root"), total()
    data = {
        "impact_description": "A new one", "change_type": "api", "risk_assessment": "low", "change_detail": "{}",
        "affected_layers": ["2"], "change_reason": "seen in the review",
    }  # fmt: skip
    assert client.post(address(GlobalImpact, "add"), data).status_code == 302
    impact = GlobalImpact.objects.get(impact_description="A new one")
    data = form_of(client, impact, mitigation_strategy="Cast first.")
    assert client.post(address(GlobalImpact, "change", impact.pk), data).status_code == 302
    assert client.post(address(GlobalImpact, "delete", impact.pk), {"post": "yes"}).status_code == 302
    assert versions(GlobalImpact, impact.pk) == [("+", "root"), ("~", "root"), ("-", "root")]
    assert total() == before + 3


def test_what_passes_the_models_save_leaves_a_version_of_the_role(home: World) -> None:
    with homes.writing(person="ada"):
        TestResult.objects.bulk_create([TestResult(**A_RESULT), TestResult(**A_RESULT)])
    first, second = TestResult.objects.filter(tested_by="somebody")
    with homes.writing(person="ada"):
        assert TestResult.objects.filter(pk=first.pk).update(notes="raw") == 1
        first.refresh_from_db()
        first.notes = "saved"
        first.save()
        with connections[homes.alias()].cursor() as cursor:
            cursor.execute("DELETE FROM v7_test_results WHERE id = %s", [first.pk])
        second.notes = "in bulk"
        TestResult.objects.bulk_update([second], ["notes"])
    web = "v7_web via v7migration"
    assert versions(TestResult, first.pk) == [("+", web), ("~", web), ("~", "ada"), ("-", web)]
    assert versions(TestResult, second.pk) == [("+", web), ("~", web)]
    assert [v.notes for v in TestResult.history.filter(id=first.pk).order_by("history_date")][1:3] == ["raw", "saved"]


def test_what_a_savepoint_takes_back_leaves_no_version(home: World) -> None:
    task, alias = a_task(), homes.alias()
    before = versions(SubworkflowTask, task.pk)
    with homes.writing(person="ada"), connections[alias].cursor() as cursor:
        for number in range(2):
            with suppress(LookupError), transaction.atomic(using=alias):
                cursor.execute("UPDATE v7_subworkflow_tasks SET notes = 'raw' WHERE id = %s", [task.pk])
                task.notes = f"lost {number}"
                task.save()
                raise LookupError
        task.notes = "kept"
        task.save()
        with suppress(LookupError), transaction.atomic(using=alias):
            cursor.execute("UPDATE v7_subworkflow_tasks SET notes = 'lost too' WHERE id = %s", [task.pk])
            raise LookupError
    assert versions(SubworkflowTask, task.pk) == [*before, ("~", "ada")]
    newest = SubworkflowTask.history.filter(id=task.pk).latest("history_date")
    assert newest.notes == SubworkflowTask.objects.get(pk=task.pk).notes == "kept"


# -- psql ------------------------------------------------------------------------------------------------------------


def psql(*commands: str) -> str:
    arguments = [part for command in commands for part in ("-c", command)]
    client = client_binary("psql", CLUSTER.version)
    done = subprocess.run(
        [client, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", place()[1], *arguments],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_psql_leaves_versions_that_the_history_page_shows(home: World) -> None:
    impact, task, writer = an_impact(), a_task(), f"{place()[0]} via psql"
    made = psql(INSERT_RESULT + "('unit', 'a', 'pass', 'psql') RETURNING id").splitlines()[0]
    psql(
        f"UPDATE v7_global_impacts SET impact_description = 'From psql.' WHERE id = '{impact.pk}'",
        f"UPDATE v7_test_results SET notes = notes WHERE id = '{made}'",
        f"UPDATE v7_test_results SET notes = 'one' WHERE id = '{made}'; "
        f"UPDATE v7_test_results SET notes = 'two' WHERE id = '{made}'",
        f"DELETE FROM v7_test_results WHERE id = '{made}'",
        f"BEGIN; UPDATE v7_subworkflow_tasks SET notes = 'a' WHERE id = '{task.pk}'; SAVEPOINT one; "
        f"UPDATE v7_subworkflow_tasks SET notes = 'b' WHERE id = '{task.pk}'; ROLLBACK TO one; "
        f"UPDATE v7_subworkflow_tasks SET notes = 'c' WHERE id = '{task.pk}'; COMMIT",
        "UPDATE v7_migration_workflow SET approval_notes = 'all seven'",
    )
    assert versions(TestResult, made) == [("+", writer), ("~", writer), ("~", writer), ("-", writer)]
    assert versions(GlobalImpact, impact.pk) == [("+", "gus"), ("~", writer)]
    notes = [v.notes for v in SubworkflowTask.history.filter(id=task.pk).order_by("history_date")]
    assert notes == ["", "a", "c"]
    assert {versions(Phase, phase.pk)[-1] for phase in Phase.objects.all()} == {("~", writer)}
    newest = impact.history.first()
    row = GlobalImpact.objects.get(pk=impact.pk)
    assert all(getattr(newest, field.attname) == getattr(row, field.attname) for field in row._meta.concrete_fields)
    page = home.client("dana").get(reverse("history", args=["impact", impact.pk])).content.decode()
    assert writer in page and OUTSIDE in page and "From psql." in page


def test_a_programs_odd_name_is_kept_and_shown_as_text(home: World) -> None:
    impact, odd = an_impact(), '<script>alert(1)</script>\' OR "1" \u00e9\n\t% {{ x }}'
    with psycopg.connect(place()[1], autocommit=True) as dba:
        for name in (odd, "", "ada"):
            dba.execute("SELECT set_config('application_name', %s, false)", [name])
            dba.execute("UPDATE v7_global_impacts SET mitigation_strategy = %s WHERE id = %s", [name, impact.pk])
    role = place()[0]
    writers = [writer for _, writer in versions(GlobalImpact, impact.pk)][-3:]
    assert writers[0].startswith(f"{role} via <script>alert(1)</script>' OR ") and "\n" not in writers[0]
    assert writers[1:] == [f"{role} via an unnamed program", f"{role} via ada"]
    page = home.client("dana").get(reverse("history", args=["impact", impact.pk])).content.decode()
    assert "&lt;script&gt;alert(1)" in page and "<script>alert(1)" not in page


def test_truncate_is_refused_since_it_would_leave_no_version(home: World) -> None:
    with psycopg.connect(place()[1], autocommit=True) as owner:
        for model in (Phase, EnumMigration, GlobalImpact, SubworkflowTask, TestResult):
            with pytest.raises(errors.InsufficientPrivilege, match="would leave no history"):
                owner.execute(sql.SQL("TRUNCATE {} CASCADE").format(sql.Identifier(model._meta.db_table)))


# -- the application -------------------------------------------------------------------------------------------------


def by_sqlalchemy(connection: sa.Connection) -> list[Any]:
    """Insert, change and delete test results and a file's values, through reflected tables; return the ids."""
    metadata = sa.MetaData()
    metadata.reflect(connection, only=["v7_test_results", "file_audit", "v7_global_impacts"])
    results, files = metadata.tables["v7_test_results"], metadata.tables["file_audit"]
    ids = [row.id for row in connection.execute(sa.insert(results).returning(results.c.id), [A_RESULT, A_RESULT])]
    connection.execute(sa.update(results).where(results.c.id == ids[0]).values(notes="by SQLAlchemy"))
    connection.execute(sa.delete(results).where(results.c.id == ids[1]))
    file = connection.execute(sa.select(files.c.id).order_by(files.c.id).limit(1)).scalar_one()
    connection.execute(sa.update(files).where(files.c.id == file).values(v7_impact_score=9, notes="ours"))
    connection.execute(sa.update(files).where(files.c.id == file).values(v7_impact_score=9, notes="ours again"))
    impacts = metadata.tables["v7_global_impacts"]
    connection.execute(sa.insert(impacts).values(change_type="api", impact_description="of the application"))
    connection.execute(sa.update(impacts).values(mitigation_strategy="said by the application"))
    return [*ids, file]


def check_sqlalchemy(ids: list[Any], writer: str) -> None:
    assert versions(TestResult, ids[0]) == [("+", writer), ("~", writer)]
    assert versions(TestResult, ids[1]) == [("+", writer), ("-", writer)]
    assert versions(File, ids[2]) == [("~", writer)]
    made = GlobalImpact.objects.get(impact_description="of the application")
    assert versions(GlobalImpact, made.pk) == [("+", writer), ("~", writer)]


def test_sqlalchemy_leaves_versions_of_its_role_and_program(application: str) -> None:
    engine = sa.create_engine(f"postgresql+psycopg://{application}?application_name=shop")
    with engine.begin() as connection:
        ids = by_sqlalchemy(connection)
    engine.dispose()
    check_sqlalchemy(ids, "application via shop")


def test_asyncpg_leaves_versions_too(application: str) -> None:
    async def write() -> list[Any]:
        arguments = {"server_settings": {"application_name": "shop, async"}}
        engine = create_async_engine(f"postgresql+asyncpg://{application}", connect_args=arguments)
        async with engine.begin() as connection:
            ids = await connection.run_sync(by_sqlalchemy)
        await engine.dispose()
        return ids

    check_sqlalchemy(asyncio.run(write()), "application via shop, async")


def test_copy_merge_and_on_conflict_leave_versions(executed: World) -> None:
    before = total()
    with connect("target") as web:
        with web.cursor().copy(
            "COPY v7_test_results (test_type, component_tested, test_status, tested_by) FROM STDIN"
        ) as copy:
            copy.write_row(("unit", "copied", "pass", "copy"))
            copy.write_row(("unit", "copied", "fail", "copy"))
        web.execute(
            "MERGE INTO v7_test_results AS r USING (VALUES ('pass'), ('fail'), ('none')) AS v (s) "
            "ON r.test_status = v.s AND r.tested_by = 'copy' WHEN MATCHED AND v.s = 'fail' THEN DELETE "
            "WHEN MATCHED THEN UPDATE SET notes = 'merged' WHEN NOT MATCHED THEN INSERT "
            "(test_type, component_tested, test_status, tested_by) VALUES ('unit', 'merged', 'skip', 'merge')"
        )
        web.execute(
            "INSERT INTO v7_test_results SELECT * FROM v7_test_results WHERE tested_by = 'copy' "
            "ON CONFLICT (id) DO UPDATE SET notes = 'conflict'"
        )
        web.execute("INSERT INTO v7_test_results SELECT * FROM v7_test_results ON CONFLICT DO NOTHING")
    assert (total() - before, outside()) == (6, 6)


# -- file_audit ------------------------------------------------------------------------------------------------------


def test_of_file_audit_only_the_twelve_values_leave_history(application: str) -> None:
    with psycopg.connect(f"postgresql://{application}", autocommit=True, application_name="x" * 80) as app:
        app.execute("UPDATE file_audit SET notes = 'the application writes on', file_path = file_path || 'x'")
        app.execute("UPDATE file_audit SET v7_workflow_status = v7_workflow_status, v7_impact_score = NULL")
        app.execute(
            "INSERT INTO file_audit "
            "(file_number, file_path, file_name, status, layer_number, layer_name, v7_target_name) VALUES "
            "('n1', 'n1', 'n1', 'NOVEL', 1, 'one', NULL), ('n2', 'n2', 'n2', 'NOVEL', 1, 'one', 'target')"
        )
        app.execute("DELETE FROM file_audit WHERE file_number = 'n1'")
        app.execute("UPDATE file_audit SET v7_reviewed_by = '{one,two}' WHERE file_number = 'n2'")
        app.execute("DELETE FROM file_audit WHERE file_number = 'n2'")
    found = list(File.history.order_by("history_date"))
    assert [(v.history_type, v.file_path, v.v7_target_name) for v in found] == [(k, "n2", "target") for k in "+~-"]
    assert {v.history_user_id for v in found} == {"application via " + "x" * 63}


def test_while_the_fence_is_closed_the_application_loses_no_write_of_its_own(application: str) -> None:
    files = list(File.objects.order_by("pk")[:2])
    with connect("runner") as owner, psycopg.connect(f"postgresql://{application}", autocommit=True) as app:
        owner.execute("UPDATE file_audit SET v7_impact_score = 1 WHERE id = ANY (%s)", [[f.pk for f in files]])
        owner.execute("UPDATE migration_gate.fence SET is_open = false")
        assert app.execute("DELETE FROM file_audit WHERE id = %s", [files[0].pk]).rowcount == 1
        owner.execute("UPDATE migration_gate.fence SET is_open = true")
        assert [kind for kind, _ in versions(File, files[0].pk)] == ["~"]
        owner.execute("SET ROLE v7_owner")
        owner.execute("TRUNCATE file_audit CASCADE")
    assert versions(File, files[1].pk)[1] == ("-", "v7_runner as v7_owner via a program")
    assert File.history.filter(history_type="-").count() == 1


# -- evading ---------------------------------------------------------------------------------------------------------


def test_no_writer_gets_round_the_history(executed: World, application: str) -> None:
    row = services.test_result_record(actor=SENTINEL, test_type="smoke", component_tested="x", test_status="pass")
    forge = (
        "INSERT INTO test_result_history SELECT {id}, clock_timestamp(), '~', 'ada', NULL, id, test_type, "
        "component_tested, v7_file_path, test_status, error_details, performance_metrics, backwards_compatible, "
        "tested_by, tested_at, retest_required, {notes} FROM v7_test_results WHERE id = %s {rest}"
    )
    used = f"'{row.history.get().history_id}'"
    with connect("target") as web:
        for number, (identity, notes, rest) in enumerate(
            [("gen_random_uuid()", "'another'", ""), (used, "notes", "ON CONFLICT DO NOTHING")]
        ):
            with web.transaction():
                web.execute("UPDATE v7_test_results SET notes = %s WHERE id = %s", [f"true {number}", row.pk])
                web.execute(forge.format(id=identity, notes=notes, rest=rest).encode(), [row.pk])
        with pytest.raises(errors.InsufficientPrivilege):
            web.execute("DELETE FROM test_result_history")
        with pytest.raises(errors.InsufficientPrivilege):
            web.execute("UPDATE migration_gate.fence SET changed_at = now()")
        with pytest.raises(errors.InsufficientPrivilege):
            web.execute("SET session_replication_role = replica")
    kept = {v.notes for v in TestResult.history.filter(id=row.pk, history_change_reason=OUTSIDE)}
    assert kept == {"true 0", "true 1"}
    with psycopg.connect(f"postgresql://{application}", autocommit=True) as app:
        app.execute("CREATE TEMPORARY TABLE mine (LIKE public.v7_test_results)")
        for schema in ("", "GRANT USAGE ON SCHEMA v7_history TO application"):
            with connect("runner") as owner:
                owner.execute(schema.encode() or b"SELECT")
            with pytest.raises(errors.InsufficientPrivilege):
                app.execute(
                    "CREATE TRIGGER t AFTER INSERT ON mine FOR EACH ROW "
                    "EXECUTE FUNCTION v7_history.record_test_result()"
                )
        with pytest.raises(errors.InsufficientPrivilege):
            app.execute("INSERT INTO v7_history.test_result_history SELECT * FROM v7_history.test_result_history")


def test_what_replication_applies_brings_its_own_history(executed: World) -> None:
    url = make_conninfo(CLUSTER.url("superuser"), dbname="v7_target")
    before = total()
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute("SET session_replication_role = replica")
        admin.execute((INSERT_RESULT + "('unit', 'a', 'pass', 'replication')").encode())
    assert total() == before


# -- moving ----------------------------------------------------------------------------------------------------------


def test_a_rollback_and_the_next_run_keep_the_versions_and_add_none(executed: World) -> None:
    moved = {SubworkflowTask._meta.db_table, SubworkflowTask.history.model._meta.db_table}  # by what a run proves
    steady = [table for table in moving.tracked_tables() if table.name not in moved]
    with connect("runner", "a script") as owner:
        owner.execute((INSERT_RESULT + "('unit', 'a', 'pass', 'a script')").encode())
        owner.execute("UPDATE file_audit SET v7_impact_score = 3 WHERE id = %s", [a_file().pk])
        owner.execute("UPDATE v7_subworkflow_tasks SET notes = 'a script' WHERE id = %s", [a_task().pk])
        session.pin_output(owner)
        before = {table.name: moving.digest(owner, table) for table in steady}
    of_tasks = set(SubworkflowTask.history.values_list("history_id", flat=True))
    assert outside() == 3
    executed.roll_back()
    control = moving.control_connection()
    assert {table.name: moving.digest(control, table) for table in steady} == before
    of_tasks_at_home = set(SubworkflowTask.history.values_list("history_id", flat=True))
    assert of_tasks < of_tasks_at_home and outside() == 3
    executed.settle_incident(Incident.objects.get())
    executed.rehearse()
    executed.freeze()
    executed.sign_all()
    at_home = {model: model.history.count() for model in MODELS if model is not SubworkflowTask}
    assert executed.execute().state == "finished"
    assert (homes.read(), outside()) == (homes.LIVE, 3)
    assert {model: model.history.count() for model in at_home} == at_home
    assert of_tasks_at_home <= set(SubworkflowTask.history.values_list("history_id", flat=True))
    assert File.objects.get(pk=a_file().pk).v7_impact_score == 3
