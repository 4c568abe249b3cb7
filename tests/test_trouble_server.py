"""Runs whose server is in trouble: a reader who stays, autovacuum, a deadlock, lost COMMITs, a full disk."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from tests import outcome
from tests import world as worlds
from tests.environment import SERVERS, url
from tests.troubled import (
    Doing,
    assert_executed,
    in_ledger,
    open_fences,
    remedy,
    server_settings,
    undisturbed,
)
from tests.world import Quiet, World, administrator
from tracking import moving
from v7migration.errors import StepFailed
from v7migration.ledger.models import Incident, Run
from v7migration.postgres import runner, session
from v7migration.postgres.session import Limits

COLUMNS = "2.1"


@pytest.fixture(scope="module", autouse=True)
def known() -> None:
    """Reach every stage before a test begins."""
    undisturbed()


def _limit(monkeypatch: pytest.MonkeyPatch, **values: int) -> Limits:
    """Shrink the limits of steps, for the test's speed."""
    limits = Limits(**values)
    monkeypatch.setattr(runner, "Limits", lambda: limits)
    return limits


# -- a reader who stays ---------------------------------------------------------------------------------------------


@dataclass
class Felt:
    """What an application felt: the milliseconds of each of its statements on file_audit."""

    milliseconds: list[float]

    @property
    def worst(self) -> float:
        return max(self.milliseconds)


class Application:
    """A process of its own that reads and writes file_audit all the time and times each statement."""

    def __init__(self, place: Path) -> None:
        self.stop, self.told = place / "stop", place / "felt.json"
        connections.close_all()
        self.process = os.fork()
        if self.process == 0:
            with suppress(BaseException):
                self._work()
            os._exit(0)

    def _work(self) -> None:
        felt = []
        with psycopg.connect(url("owner"), autocommit=True, application_name="application") as session:
            while not self.stop.exists():
                for statement in (
                    "SELECT count(*) FROM file_audit",
                    "UPDATE file_audit SET notes = notes WHERE id = (SELECT min(id) FROM file_audit)",
                ):
                    started = time.monotonic()
                    session.execute(statement)
                    felt.append((time.monotonic() - started) * 1000)
                time.sleep(0.005)
        self.told.write_text(json.dumps(felt))

    def over(self) -> Felt:
        """End it and return what it felt."""
        self.stop.touch()
        os.waitpid(self.process, 0)
        return Felt(json.loads(self.told.read_text()))


class Watched(Quiet):
    """A reporter that keeps when each attempt gave way, how long it had lasted, and who blocked it."""

    def __init__(self) -> None:
        super().__init__()
        self.gave_way: list[float] = []
        self.blocking: list[list[dict[str, object]]] = []

    def waiting(self, attempt: int, blocking: list[dict[str, object]], pause: float) -> None:
        super().waiting(attempt, blocking, pause)
        self.gave_way.append(time.monotonic())
        self.blocking.append(blocking)


class Queue(threading.Thread):
    """Looks every few milliseconds whether a request of the runner for a lock on file_audit waits."""

    def __init__(self) -> None:
        super().__init__()
        self.ended, self.looks = threading.Event(), list[tuple[float, bool]]()

    def run(self) -> None:
        query = (
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND "
            "l.relation = 'public.file_audit'::regclass AND a.application_name LIKE 'v7_execute by%')"
        )
        with psycopg.connect(url("owner"), autocommit=True, application_name="queue") as session:
            while not self.ended.wait(0.005):
                row = session.execute(query).fetchone()
                self.looks.append((time.monotonic(), bool(row and row[0])))

    def waited(self) -> list[tuple[float, float]]:
        """End it and return from when to when requests waited."""
        self.ended.set()
        self.join()
        spans: list[tuple[float, float]] = []
        begun = None
        for moment, waits in self.looks:
            if waits and begun is None:
                begun = moment
            elif not waits and begun is not None:
                spans.append((begun, moment))
                begun = None
        return spans


def test_a_reader_who_stays_stops_the_run_and_the_application_hardly_feels_it(
    signed: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    limits = _limit(monkeypatch, tries=3)
    application, queue, reporter = Application(tmp_path), Queue(), Watched()
    signed.reporter = reporter
    with psycopg.connect(url("owner"), application_name="nightly report") as reader:
        reader.execute("SELECT count(*) FROM public.file_audit")
        pid = reader.info.backend_pid
        queue.start()
        try:
            with pytest.raises(StepFailed, match=r"Step 2\.1 .*lock timeout"):
                signed.execute()
        finally:
            spans, felt = queue.waited(), application.over()
    _assert_nothing_half_done(signed, COLUMNS, "55P03")
    assert len(spans) == limits.tries and len(reporter.gave_way) == limits.tries - 1
    for blocking in reporter.blocking:
        named = [b for b in blocking if b["pid"] == pid]
        assert named and named[0]["application"] == "nightly report"
        assert float(str(named[0]["query_age_seconds"])) >= 0
    held = sum(until - since for since, until in spans[:-1])
    duty = held / (spans[-1][0] - spans[0][0])
    print(  # noqa: T201
        f"worst statement of the application {felt.worst:.0f} ms of {len(felt.milliseconds)} "
        f"(lock_timeout {limits.lock_timeout} ms), duty {duty:.1%}"
    )
    assert duty <= 0.10
    assert felt.worst <= limits.lock_timeout + 50
    signed.reporter = Quiet()
    remedy()
    signed.execute()
    _assert_executed_beside_the_application(signed)


def _assert_nothing_half_done(world: World, step: str, sqlstate: str) -> None:
    run, incident = Run.objects.get(), Incident.objects.get()
    assert run.state == "failed" and (incident.step, incident.detail["sqlstate"]) == (step, sqlstate)
    assert step not in in_ledger(world) and run.steps.filter(key=step).get().state == "failed"
    assert open_fences() == []
    with world.owner() as connection:
        started = connection.execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.file_audit'::regclass AND attname LIKE 'v7%'"
        ).fetchone()
    assert step != COLUMNS or started == (0,)


def _assert_executed_beside_the_application(world: World) -> None:
    """Compare with the undisturbed run; file_audit was written by the application meanwhile."""
    anomalies = outcome.of_execution(world, undisturbed(), incidents=Incident.objects.count())
    assert [text for _, text in anomalies if not text.startswith("file_audit")] == []


# -- autovacuum -----------------------------------------------------------------------------------------------------


def test_an_autovacuum_at_work_is_recognised_and_the_step_waits_until_it_gives_way(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limit(monkeypatch, lock_timeout=200, postponed=0, tries=6)
    monkeypatch.setattr(runner, "_pause", lambda *_: 0.3)
    busy = {
        "autovacuum_naptime": "1s",
        "autovacuum_vacuum_cost_delay": "-1",
        "autovacuum_vacuum_cost_limit": "-1",
        "deadlock_timeout": "600ms",
    }
    with administrator("v7_target") as admin:
        admin.execute("ALTER DATABASE v7_target SET vacuum_cost_delay = 100")
        admin.execute("ALTER DATABASE v7_target SET vacuum_cost_limit = 1")
    signed.reporter = reporter = Watched()
    with server_settings("v7_target", **busy), signed.owner() as application:
        application.execute(
            "INSERT INTO file_audit (file_number, file_path, file_name, layer_number, layer_name, status, workflows) "
            "SELECT to_hex(n), 'src/' || n, repeat('x', 90), 1, 'Models & ENUMs', 'NOVEL', '{WF1}' "
            "FROM generate_series(20000, 26000) AS n"
        )
        application.execute("DELETE FROM file_audit WHERE file_name = repeat('x', 90)")
        worker = _wait_for_autovacuum()
        signed.execute()
    recognised = [b for blocking in reporter.blocking for b in blocking if b["autovacuum"]]
    assert recognised and (recognised[0]["application"], recognised[0]["pid"]) == ("autovacuum worker", worker)
    assert len(reporter.gave_way) == 1, "the second attempt waits for longer than deadlock_timeout"
    _assert_executed_beside_the_application(signed)


def _wait_for_autovacuum() -> int:
    """Wait until a real autovacuum worker holds its lock on file_audit; return its process."""
    query = (
        "SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.backend_type = 'autovacuum worker' "
        "AND l.relation = 'public.file_audit'::regclass AND l.granted AND l.mode = 'ShareUpdateExclusiveLock'"
    )
    deadline = time.monotonic() + 15
    with psycopg.connect(SERVERS["v7_target"].url("superuser"), dbname="v7_target", autocommit=True) as admin:
        while time.monotonic() < deadline:
            if row := admin.execute(query).fetchone():
                return int(row[0])
            time.sleep(0.05)
    pytest.fail("no autovacuum worker came")


# -- a deadlock -----------------------------------------------------------------------------------------------------


class Colliding(threading.Thread):
    """An application that locks a table, waits until the step waits for it, then wants what the step holds."""

    def __init__(self, session: psycopg.Connection[Any], *, after: float) -> None:
        super().__init__()
        self.session, self.after, self.error = session, after, ""
        session.execute("BEGIN")
        session.execute("UPDATE file_audit SET notes = 'the application was here' WHERE id = 1")
        session.execute("LOCK TABLE public.v7_global_impacts")

    def run(self) -> None:
        waits = (
            "SELECT FROM pg_locks WHERE NOT granted AND relation = 'public.v7_global_impacts'::regclass "
            "AND pid <> pg_backend_pid()"
        )
        while self.session.execute(waits).fetchone() is None:
            time.sleep(0.005)
        time.sleep(self.after)
        try:
            self.session.execute("LOCK TABLE public.file_audit")
            self.session.execute("COMMIT")
        except psycopg.errors.DeadlockDetected as victim:
            self.error = str(victim.sqlstate)
            self.session.execute("ROLLBACK")


@pytest.mark.parametrize("victim", ["step", "application"])
def test_a_deadlock_with_the_application_costs_one_of_the_two_its_turn_and_nobody_a_row(
    victim: str, signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    _limit(monkeypatch, lock_timeout=5_000)
    monkeypatch.setattr(runner, "_pause", lambda *_: 0.3)
    patience, after = ("1500ms", 0.0) if victim == "step" else ("100ms", 0.8)
    with server_settings("v7_target", deadlock_timeout=patience), signed.runner() as session:
        threads: list[Colliding] = []

        def collide() -> None:
            threads.append(Colliding(session, after=after))
            threads[0].start()

        signed.reporter = reporter = Doing("8.2", collide)
        signed.execute()
        threads[0].join()
        noted = session.execute("SELECT notes FROM file_audit WHERE id = 1").fetchone()
    assert threads[0].error == ("" if victim == "step" else "40P01")
    assert (noted == ("the application was here",)) == (victim == "step")
    gave_way = [line for line in reporter.lines if line[0] == "waiting"]
    assert len(gave_way) == (1 if victim == "step" else 0)
    _assert_executed_beside_the_application(signed)


# -- COMMITs that nobody waits for ----------------------------------------------------------------------------------


def _asynchronous() -> None:
    """Let server, role and database acknowledge COMMITs that are not on the disk."""
    for database, role in (("v7_target", "v7_runner"), ("v7_control", "v7_web")):
        with administrator(database) as admin:
            admin.execute(f"ALTER DATABASE {database} SET synchronous_commit = off")
            admin.execute(f"ALTER ROLE {role} SET synchronous_commit = off")


@pytest.fixture
def asynchronous(signed: World) -> Iterator[World]:
    """A signed changeset on servers that acknowledge before they write."""
    _asynchronous()
    with server_settings("v7_target", synchronous_commit="off", wal_writer_delay="10s"):
        yield signed
    for database, role in (("v7_target", "v7_runner"), ("v7_control", "v7_web")):
        with administrator(database) as admin:
            admin.execute(f"ALTER ROLE {role} RESET synchronous_commit")


def test_the_commits_that_move_rows_wait_for_the_disk_whatever_the_server_says(
    asynchronous: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: dict[str, set[object]] = {}

    def tell(what: str, connection: psycopg.Connection[Any]) -> None:
        row = connection.execute("SELECT current_setting('synchronous_commit')").fetchone()
        told.setdefault(what, set()).add(row and row[0])

    commit, bring, closing = runner._commit, moving._bring_file_values_home, session.set_local

    def heard_commit(connection: Any, step: Any) -> None:
        tell("steps", connection)
        commit(connection, step)

    def heard_bring(target: Any, control: Any) -> int:
        tell("rows brought home", control)
        return bring(target, control)

    def heard_closing(connection: Any, **values: str) -> None:
        closing(connection, **values)
        tell("fence closed", connection)

    monkeypatch.setattr(runner, "_commit", heard_commit)
    monkeypatch.setattr(moving, "_bring_file_values_home", heard_bring)
    monkeypatch.setattr(moving, "set_local", heard_closing)
    asynchronous.execute()
    asynchronous.roll_back()
    assert told == {"steps": {"on"}, "rows brought home": {"on"}, "fence closed": {"on"}}


def test_a_step_that_was_acknowledged_survives_the_death_of_a_server_that_does_not_wait_for_its_disk(
    asynchronous: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = runner._commit

    def commit_and_die(connection: Any, step: Any) -> None:
        commit(connection, step)
        if step.key == "3.2":
            _kill_server("v7_target")

    monkeypatch.setattr(runner, "_commit", commit_and_die)
    with pytest.raises(StepFailed, match=r"ended|stopped answering"):
        asynchronous.execute()
    monkeypatch.undo()
    connections.close_all()
    SERVERS["v7_target"].ensure_started()
    assert in_ledger(asynchronous)[-1] == "3.2"
    asynchronous.execute()
    assert_executed(asynchronous)


def _kill_server(database: str) -> None:
    """SIGKILL every process of the tests' server at once, as a crash of its machine would end them."""
    postmaster = int(str(SERVERS[database].describe()["process_id"]))
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    for process in (postmaster, *map(int, children)):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


# -- a full disk ----------------------------------------------------------------------------------------------------


class Disk:
    """A small disk that holds one database; it can be filled to the last block and emptied again."""

    def __init__(self, place: Path, database: str) -> None:
        self.place, self.database = place, database

    def fill(self) -> None:
        """Leave no block free."""
        with (self.place / "filler").open("ab", buffering=0) as filler, suppress(OSError):
            while filler.write(b"\0" * 4096):
                pass

    def empty(self) -> None:
        """Make room again."""
        (self.place / "filler").unlink(missing_ok=True)


@pytest.fixture(params=["v7_target", "v7_control"])
def disk(request: pytest.FixtureRequest, signed: World) -> Iterator[Disk]:
    """One of the databases on a disk of its own (a tmpfs, as a tablespace)."""
    place = Path(f"/tmp/v7-full-disk-{os.getpid()}")  # noqa: S108 (the server's account must reach it)
    mount = ["/bin/mount", "-t", "tmpfs", "-o", "size=64m,mode=0755", "tmpfs", str(place)]
    place.mkdir()
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        place.rmdir()
        pytest.skip(f"a full disk needs a file system of its own; as root: {' '.join(mount)}")
    try:
        (place / "tablespace").mkdir()
        SERVERS[request.param]._server().account.give(place / "tablespace")
        _move_to(request.param, "small_disk", place / "tablespace")
        yield Disk(place, request.param)
    finally:
        (place / "filler").unlink(missing_ok=True)
        worlds._restore("signed")
        with administrator(request.param) as admin:
            admin.execute("DROP TABLESPACE IF EXISTS small_disk")
        subprocess.run(["/bin/umount", "--lazy", str(place)], check=True)
        place.rmdir()


def _move_to(database: str, tablespace: str, place: Path) -> None:
    connections.close_all()
    with administrator(database) as admin:
        name, where = sql.Identifier(tablespace), sql.Literal(str(place))
        admin.execute(sql.SQL("CREATE TABLESPACE {} LOCATION {}").format(name, where))
        worlds._disconnect(admin, database)
        admin.execute(sql.SQL("ALTER DATABASE {} SET TABLESPACE {}").format(sql.Identifier(database), name))


def test_a_disk_that_is_full_fails_the_step_or_stops_the_run_and_room_lets_it_go_on(disk: Disk, signed: World) -> None:
    world = World("signed")
    world.reporter = Doing("3.1", disk.fill)
    with pytest.raises(StepFailed) as failed:
        world.execute()
    disk.empty()
    connections.close_all()
    told = re.sub(r"\s+", " ", failed.value.message)
    print(f"{disk.database} full: {told}")  # noqa: T201
    assert "No space left on device" in told
    assert open_fences() == []
    if disk.database == "v7_target":
        _assert_nothing_half_done(world, "3.1", "53100")
        remedy()
    world.reporter = Quiet()
    world.execute()
    assert_executed(world, incidents=Incident.objects.count())
