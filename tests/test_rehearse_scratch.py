"""A scratch server that cannot serve is refused by what failed, with the next step, and keeps no scratch database."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command
from psycopg.conninfo import make_conninfo

from tests import world as worlds
from tests.environment import CLUSTER
from v7migration.errors import Refused
from v7migration.ledger.models import Rehearsal
from v7migration.pipeline.rehearse import rehearse
from v7migration.postgres import binaries, export, scratch
from v7migration.postgres.embedded import scratch_server
from v7migration.postgres.scratch import ScratchUnfit, scratch_copy

SCRIPT = b"SELECT 1;\n"


@pytest.fixture(autouse=True)
def no_scratch_database_is_left() -> Iterator[None]:
    yield
    with psycopg.connect(CLUSTER.url("superuser")) as admin:
        rows = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'rehearsal%'").fetchall()
    assert rows == []


@pytest.fixture
def admin() -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A superuser of the server on which the rehearsal makes its database."""
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as connection:
        yield connection


def refused(admin_url: str) -> ScratchUnfit:
    with pytest.raises(ScratchUnfit) as found, scratch_copy(CLUSTER.url("runner"), admin_url):
        pass
    assert found.value.next_step
    return found.value


def test_a_server_that_does_not_answer_is_named(world: worlds.World) -> None:
    why = refused("postgresql://postgres:x@127.0.0.1:1/postgres")
    assert why.cause == "server"
    assert "rehearsal server cannot be reached" in why.message
    assert "REHEARSAL_DATABASE_URL" in why.next_step


def test_a_role_that_is_no_superuser_is_named(world: worlds.World) -> None:
    why = refused(CLUSTER.url("default"))
    assert why.cause == "superuser"
    assert "logs in as v7_web" in why.message


def test_a_server_that_cannot_make_a_database_is_named(
    world: worlds.World, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    why = refused(make_conninfo(CLUSTER.url("superuser"), options="-c default_transaction_read_only=on"))
    assert why.cause in ("database", "roles")
    assert "read-only transaction" in why.message
    assert "takes writes" in why.next_step


def test_a_full_disk_is_named_with_what_to_do(world: worlds.World, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise psycopg.errors.DiskFull("could not extend file: No space left on device")

    monkeypatch.setattr(scratch, "_create_database", full)
    why = refused(CLUSTER.url("superuser"))
    assert why.cause == "database"
    assert why.message.startswith("The scratch server cannot make a database: could not extend file")


def test_a_missing_pg_dump_is_named(world: worlds.World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "INSTALLATIONS", {14: "pginstall14"})
    monkeypatch.setattr(binaries, "_system_programs", lambda name: {})
    why = refused(CLUSTER.url("superuser"))
    assert why.cause == "programs"
    assert f"The server is PostgreSQL {CLUSTER.version}" in why.message


def test_a_program_that_cannot_be_run_is_named(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "pg_dump").write_text("")
    monkeypatch.setattr(binaries, "client_binary", lambda name, major: tmp_path / name)
    why = refused(CLUSTER.url("superuser"))
    assert (why.cause, "Permission denied" in why.message) == ("programs", True)


def test_a_dump_that_the_runner_may_not_take_is_named(world: worlds.World) -> None:
    with psycopg.connect(make_conninfo(CLUSTER.url("superuser"), dbname="v7_target"), autocommit=True) as target:
        target.execute("CREATE SCHEMA secret; CREATE TABLE secret.kept (x int)")
    why = refused(CLUSTER.url("superuser"))
    assert why.cause == "dump"
    assert "permission denied" in why.message
    assert "runner's role" in why.next_step


MISSING_EXTENSION = 'CREATE EXTENSION "no such thing";\n'


def programs(tmp_path: Path, schema: str) -> Callable[[str, int], Path]:
    """Stand in for pg_dump: a program that prints this schema (the target has what our server lacks)."""
    (tmp_path / "schema.sql").write_text(schema)
    program = tmp_path / "pg_dump"
    program.write_text(f"#!/bin/sh\ncat '{tmp_path}/schema.sql'\n")
    program.chmod(0o755)
    real = binaries.client_binary
    return lambda name, major: program if name == "pg_dump" else real(name, major)


def test_a_missing_extension_is_named_with_the_extension(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(binaries, "client_binary", programs(tmp_path, MISSING_EXTENSION))
    why = refused(CLUSTER.url("superuser"))
    assert why.cause == "restore"
    assert "no such thing" in why.message
    assert why.next_step.startswith("Install the extension no such thing on the scratch server")


def test_a_schema_that_cannot_be_restored_is_named_with_the_servers_words(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(binaries, "client_binary", programs(tmp_path, "CREATE TABLE a (b no_such_type);\n"))
    why = refused(CLUSTER.url("superuser"))
    assert why.cause == "restore"
    assert 'type "no_such_type" does not exist' in why.message
    assert "REHEARSAL_DATABASE_URL" in why.next_step


def test_a_server_that_goes_away_in_the_middle_is_named_and_no_rehearsal_is_kept(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    monkeypatch.setenv("REHEARSAL_DATABASE_URL", CLUSTER.url("superuser"))

    def cut(stage: str) -> None:
        if stage == "back":
            admin.execute(
                "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname LIKE 'rehearsal%'"
            )

    script = b"SELECT 1;\n-- Section 9: Rollback\n/*\nSELECT 1;\n*/\n"
    with pytest.raises(Refused, match="rehearsal server ended the session"):
        rehearse(content=script, person="sam", own_script=False, say=cut)
    assert not Rehearsal.objects.exists()


def test_the_command_refuses_with_the_exit_code_of_nothing_touched(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REHEARSAL_DATABASE_URL", "postgresql://postgres:x@127.0.0.1:1/postgres")
    (tmp_path / "script.sql").write_bytes(SCRIPT)
    with pytest.raises(ScratchUnfit) as left:
        call_command("v7_rehearse", script=tmp_path / "script.sql", json=True)
    assert left.value.exit_code == 5
    document = json.loads(capsys.readouterr().out)
    assert "rehearsal server cannot be reached" in document["error"]
    assert "REHEARSAL_DATABASE_URL" in document["next_step"]


@pytest.mark.skipif(CLUSTER.version != 18, reason="the other version is the newer one")
def test_another_major_version_of_the_scratch_server_is_stated(world: worlds.World, tmp_path: Path) -> None:
    with psycopg.connect(make_conninfo(CLUSTER.url("superuser"), dbname="v7_target"), autocommit=True) as target:
        target.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    with scratch_server(tmp_path, 16) as admin_url:
        try:
            with scratch_copy(CLUSTER.url("runner"), admin_url) as copy:
                assert copy.note == "rehearsed on PostgreSQL 16, the target runs 18"
        except ScratchUnfit as why:
            assert why.cause == "restore"
            assert "server of the target's version" in why.next_step


def test_what_is_not_ours_of_the_environment_stays_out_of_the_programs(world: worlds.World) -> None:
    with world.runner() as connection:
        conninfo, environment = export.described(connection)
        password = connection.info.password
    assert not [name for name in environment if name.startswith("V7_")]
    assert environment["PGPASSWORD"] == password and password not in conninfo
    assert os.environ.get("PGPASSWORD") != "s3cret"
