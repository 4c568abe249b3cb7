"""Stopping a run: the button, the command, and an emergency that begins while a run is at work."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest
from django.db import connections
from django.urls import reverse

from tests.cast import PASSWORD
from tests.environment import CLUSTER
from tests.troubled import Acting
from tests.world import Quiet, World
from v7migration.connections import PROJECT_DIR
from v7migration.errors import Refused, StepFailed
from v7migration.ledger.models import Emergency, Event, Incident, Run, RunState
from v7migration.pipeline import rollback as rolling_back
from v7migration.pipeline import stopping
from v7migration.postgres import runner
from v7migration.postgres.session import RUN_LOCK


def stop(*words: str, name: str = "lena") -> tuple[int, dict[str, Any], str]:
    """Run ``v7_stop``; return exit code, JSON object and standard error."""
    line = [sys.executable, str(PROJECT_DIR / "manage.py"), "v7_stop", "--as", name, "--json", *words]
    done = subprocess.run(
        line, env={**os.environ, "V7_PASSWORD": PASSWORD}, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout), done.stderr


class AtWork:
    """A run in a thread of its own, and how it ended."""

    def __init__(self, world: World) -> None:
        self.ended: BaseException | None = None
        self.thread = threading.Thread(target=self._run, args=(world,))

    def _run(self, world: World) -> None:
        try:
            world.execute()
        except BaseException as error:  # noqa: BLE001 (looked at by the test)
            self.ended = error
        finally:
            connections.close_all()

    def __enter__(self) -> AtWork:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.thread.join()


def slowly(monkeypatch: pytest.MonkeyPatch, key: str, seconds: float) -> threading.Event:
    """Let the first statement of a step last; return what is set once it has begun."""
    statement, begun = runner._statement, threading.Event()

    def lasting(connection: Any, step: Any, *rest: Any) -> Any:
        if step.key == key and not begun.is_set():
            begun.set()
            with runner._located(connection, step, step.line):
                connection.execute("SELECT pg_sleep(%s)", [seconds])
        return statement(connection, step, *rest)

    monkeypatch.setattr(runner, "_statement", lasting)
    return begun


def until(holds: Callable[[], bool], patience: float = 30.0) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def test_the_button_stops_a_run_before_its_next_commit(signed: World) -> None:
    ada = signed.client("ada")

    def press() -> None:
        assert ada.post(reverse("run-stop", args=[Run.objects.get().pk])).status_code == 302

    signed.reporter = Acting("4.1", press)
    with pytest.raises(stopping.Stopped, match="ada stopped the run"):
        signed.execute()
    run = Run.objects.get()
    assert run.state == "stopped" and not Incident.objects.exists()
    assert "4.1" not in run.steps.filter(state="committed").values_list("key", flat=True)
    signed.reporter = Quiet()
    assert signed.execute().state == "finished"


def test_the_command_stops_a_run_at_work_and_says_what_will_happen(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = slowly(monkeypatch, "4.1", 6)
    with AtWork(signed) as work:
        begun.wait(60)
        code, document, said = stop("--reason", "Too loud", name="ada")
    assert (code, document["stop_requested_by"], document["state"]) == (0, "ada", "running")
    assert "obeys before its next COMMIT" in said
    assert isinstance(work.ended, stopping.Stopped)
    assert Run.objects.get().state == "stopped" and not Incident.objects.exists()
    assert Event.objects.get(kind="run.stop_requested").payload == {"reason": "Too loud"}


def test_stopping_at_once_cancels_the_statement_and_the_run_stands_stopped_without_an_incident(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, started = slowly(monkeypatch, "4.1", 120), time.monotonic()
    with AtWork(signed) as work:
        begun.wait(60)
        code, document, said = stop("--now")
    assert time.monotonic() - started < 60
    assert (code, document["state"]) == (0, "stopped") and document["cancelled"] >= 1
    assert "The run stands." in said
    assert isinstance(work.ended, stopping.Stopped), work.ended
    run = Run.objects.get()
    assert run.state == "stopped" and not Incident.objects.exists()
    assert run.steps.filter(key="4.1").latest("id").state == "failed"
    monkeypatch.undo()
    assert signed.execute().state == "finished"


def test_a_look_between_two_steps_that_is_cancelled_stops_the_run_too(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = threading.Event()
    from v7migration.pipeline import execute as executing

    checked = executing._Execution._section

    def lasting(self: Any, section: Any, reason: str) -> None:
        if section.number == 4:
            begun.set()
            self.connection.execute("SELECT pg_sleep(120)")
        checked(self, section, reason)

    monkeypatch.setattr(executing._Execution, "_section", lasting)
    with AtWork(signed) as work:
        begun.wait(60)
        assert stop("--now")[1]["state"] == "stopped"
    assert isinstance(work.ended, stopping.Stopped), work.ended


@pytest.mark.parametrize("state", ["stopped", "failed", "finished"])
def test_there_is_nothing_to_stop_while_a_run_stands(state: str, executed: World) -> None:
    Run.objects.update(state=state)
    with pytest.raises(Refused, match=f"is {state}"):
        stopping.running()
    with pytest.raises(Refused, match=f"not running, but {state}"):
        stopping.stop(run=Run.objects.get(), person=executed.user("lena"), reason="")
    if state == "finished":
        code, document, _ = stop()
        assert code == 5 and "nothing to stop" in document["error"]


@pytest.mark.parametrize("name", ["sam", "dev", "carl", "root"])
def test_only_a_lead_and_the_architect_stop_a_run(name: str, executed: World) -> None:
    Run.objects.update(state=RunState.RUNNING)
    with pytest.raises(Refused, match="may not stop a run"):
        stopping.stop(run=Run.objects.get(), person=executed.user(name), reason="")
    assert Run.objects.get().stop_requested_by == ""


def test_an_emergency_stops_the_run_at_work_waits_for_it_and_takes_it_back(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = slowly(monkeypatch, "4.1", 4)
    with AtWork(signed) as work:
        begun.wait(60)
        done = signed.roll_back("The search is down")
    assert isinstance(work.ended, stopping.Stopped)
    assert done.report["as_before"] and done.report["stable"]
    told = Emergency.objects.get().steps.get(number=1).evidence
    assert (told["was"], told["is"], told["asked_to_stop"]) == ("running", "stopped", True)


def test_a_run_that_does_not_end_in_time_is_named_and_nothing_is_declared(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stopping, "PATIENCE", 0.5)
    begun = slowly(monkeypatch, "4.1", 8)
    with AtWork(signed) as work:
        begun.wait(60)
        with pytest.raises(Refused, match=r"v7_execute by lena.*was asked to stop") as refused:
            signed.roll_back("The search is down")
        assert "v7_stop --now" in refused.value.next_step
        assert not Emergency.objects.exists() and not Incident.objects.exists()
    assert isinstance(work.ended, stopping.Stopped)
    assert signed.roll_back("The search is down").report["as_before"]


def test_a_lock_that_another_command_holds_names_it(executed: World) -> None:
    with psycopg.connect(CLUSTER.url("runner"), autocommit=True, application_name="v7_rollback by somebody") as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [RUN_LOCK])
        with pytest.raises(Refused, match="v7_rollback by somebody"):
            executed.roll_back()
    assert not Emergency.objects.exists()


def test_a_run_that_died_is_not_waited_for(signed: World) -> None:
    from tests.killing import Place, die_at

    die_at(Place("v7migration.postgres.runner:_commit", "after", "3.1"), signed.execute)
    assert Run.objects.get().state == "running"
    started = time.monotonic()
    assert signed.roll_back().report["stable"]
    assert time.monotonic() - started < stopping.PATIENCE / 2
    with pytest.raises(Refused):
        rolling_back.find_run()


def test_a_step_that_fails_by_itself_is_no_stop(signed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    begun = slowly(monkeypatch, "4.1", 120)
    with AtWork(signed) as work:
        begun.wait(60)
        with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
            query = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
            until(lambda: bool(admin.execute(query).fetchall()))
    assert isinstance(work.ended, StepFailed) and not isinstance(work.ended, stopping.Stopped)
    assert (Run.objects.get().state, Incident.objects.get().detail["sqlstate"]) == ("failed", "57014")
