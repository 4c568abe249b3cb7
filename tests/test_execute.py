"""Executing under trouble: locks, kills, failures, drift, revocation, a second runner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from pytest_django import Settings

from approvals.gates import Subject
from approvals.models import Signature
from approvals.selectors import signatures_of
from tests.cast import PASSWORD
from tests.environment import CLUSTER
from tests.troubled import INSERT_ROW_170, Acting
from tests.world import Quiet, World
from tracking import home
from tracking.models import Phase, SubworkflowTask
from v7migration.connections import PROJECT_DIR
from v7migration.errors import Fenced, GateClosed, Refused, StepFailed
from v7migration.ledger.models import Incident, Run
from v7migration.ledger.services import remediate_incident, request_stop, review_incident
from v7migration.pipeline import gatekeeper, sign
from v7migration.postgres import catalog
from v7migration.postgres.runner import committed_steps
from v7migration.postgres.session import RUN_LOCK


def test_a_failed_step_leaves_nothing_opens_an_incident_and_waits_for_its_remediation(
    trouble: Callable[[str], World],
) -> None:
    world = trouble("-- Step 3.2: create the triggers")
    with pytest.raises(StepFailed, match="division by zero") as failed:
        world.execute()
    assert failed.value.exit_code == 4
    run, incident = Run.objects.get(), Incident.objects.get()
    assert (run.state, incident.blocking, incident.detail["sqlstate"]) == ("failed", True, "22012")
    assert incident.detail["integrity"]["ok"] is True
    with world.runner() as connection:
        assert "3.1" in committed_steps(connection, run.pk)
        assert "3.2" not in committed_steps(connection, run.pk)
    with world.owner() as connection:
        connection.execute("DELETE FROM public.file_audit WHERE file_number = '9999'")
    with pytest.raises(GateClosed, match="no root cause and remediation"):
        world.execute()
    remediate_incident(incident=incident, actor="lena", root_cause="A row too many.", remediation="Deleted it.")
    with pytest.raises(GateClosed, match="waits for the review"):
        world.execute()
    review_incident(incident=incident, reviewer="ada", approve=True, note="")
    assert world.execute().state == "finished"
    assert home.read() == home.LIVE


def test_a_failed_command_ends_with_4_and_tells_in_json_what_it_did_before(
    trouble: Callable[[str], World], settings: Settings
) -> None:
    trouble("-- Step 3.2: create the triggers")
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), "v7_execute", "--as", "lena", "--no-input", "--json"]
    environment = {**os.environ, "V7_PASSWORD": PASSWORD, "V7_SCRIPT": str(settings.V7_SCRIPT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    document = json.loads(done.stdout)
    assert (done.returncode, document["state"]) == (4, "failed")
    assert [(s["number"], s["state"]) for s in document["sections"]] == [
        (0, "committed"),
        (1, "committed"),
        (3, "failed"),
    ]
    assert "division by zero" in document["error"]
    assert "Traceback" not in done.stderr


def test_a_failed_index_is_documented_and_the_run_goes_on(trouble: Callable[[str], World]) -> None:
    world = trouble("-- Step 7.5: index the tasks by status")
    run = world.execute()
    assert run.state == "finished"
    incident = Incident.objects.get()
    assert (incident.step, incident.blocking) == ("7.5", False)


def test_drift_after_a_failed_index_is_still_noticed(trouble: Callable[[str], World]) -> None:
    world = trouble("-- Step 7.5: index the tasks by status")

    def change() -> None:
        with world.owner() as connection:
            connection.execute("ALTER TABLE public.file_audit_comments ADD COLUMN sneaked integer")

    world.reporter = Acting("7.6", change)
    with pytest.raises(StepFailed, match="sneaked"):
        world.execute()
    drift = Run.objects.get().report["drift"]
    assert drift and all("sneaked" in sentence for sentence in drift)


def test_a_run_stopped_before_its_population_rolls_back_without_touching_the_planning_rows(
    trouble: Callable[[str], World],
) -> None:
    world = trouble("-- Step 4.2: create the triggers")
    with world.owner() as connection:
        connection.execute("DELETE FROM public.file_audit WHERE file_number = '9999'")
        before = catalog.snapshot(connection)
        connection.execute(INSERT_ROW_170)
    tasks = list(SubworkflowTask.objects.using("default").values())
    with pytest.raises(StepFailed):
        world.execute()
    with pytest.raises(Fenced):
        with home.writing(person="ada"):
            Phase.objects.get(phase_number=1).save()
    done = world.roll_back()
    assert done.report["as_before"], done.report["drift"]
    assert "home" not in done.report
    assert list(SubworkflowTask.objects.using("default").values()) == tasks
    with world.owner() as connection:
        assert catalog.snapshot(connection) == before
    assert home.is_open() and home.read() == home.PLANNING


def test_a_run_killed_while_it_waits_for_a_lock_goes_on_where_the_target_says_it_stood(signed: World) -> None:
    with signed.owner() as blocker:
        blocker.execute("BEGIN")
        blocker.execute("LOCK TABLE public.file_audit IN SHARE MODE")
        runner = _execute_in_a_process()
        _wait_until(lambda: _step_state("2.1") == "intent")
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        blocker.execute("ROLLBACK")
    assert Run.objects.get().state == "running"
    reporter = Quiet()
    signed.reporter = reporter
    run = signed.execute()
    assert run.state == "finished"
    assert ("step", "1.2", "committed before") in reporter.lines
    assert [s.state for s in run.steps.filter(key="2.1")] == ["failed", "committed"]


def test_a_blocked_step_gives_way_names_the_blocker_and_commits_once_the_lock_is_free(signed: World) -> None:
    blocker = signed.owner()
    blocker.execute("SET application_name = 'a long report'")
    blocker.execute("BEGIN")
    blocker.execute("SELECT count(*) FROM public.file_audit")
    over = threading.Event()

    def let_go() -> None:
        """Hold the lock until the run gave way to it once, however slow the machine is."""
        while not over.wait(0.05) and not any(line[0] == "waiting" for line in signed.reporter.lines):
            pass
        blocker.close()

    report = threading.Thread(target=let_go)
    report.start()
    try:
        run = signed.execute()
    finally:
        over.set()
        report.join()
    assert run.state == "finished"
    waits = [line for line in signed.reporter.lines if line[0] == "waiting"]
    assert waits and any("a long report" in line[2] for line in waits)


def test_a_second_runner_is_told_who_runs(signed: World) -> None:
    with psycopg.connect(CLUSTER.url("runner"), autocommit=True, application_name="v7_execute by lena") as other:
        other.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [RUN_LOCK])
        with pytest.raises(Refused, match="Another run is at work on this target: v7_execute by lena"):
            signed.execute()
    assert not Run.objects.exists()


def test_a_revocation_during_the_run_stops_it_before_its_next_commit(signed: World) -> None:
    signature = next(s for s in _signatures(signed) if s.seat == "execution")

    def revoke() -> None:
        sign.revoke(signature=signature, person=signed.user("ada"), password=PASSWORD, reason="Not today")

    signed.reporter = Acting("4.1", revoke)
    with pytest.raises(GateClosed, match="revoked the signature: Not today"):
        signed.execute()
    run = Run.objects.get()
    assert run.state == "stopped"
    with signed.runner() as connection:
        assert "3.3" in committed_steps(connection, run.pk)
        assert "4.1" not in committed_steps(connection, run.pk)
    assert signed.roll_back().report["as_before"]


def test_a_stop_is_obeyed_before_the_next_commit_and_the_run_can_go_on(signed: World) -> None:
    signed.reporter = Acting("5.1", lambda: request_stop(run=Run.objects.get(), actor="ada"))
    with pytest.raises(StepFailed, match="ada stopped the run"):
        signed.execute()
    signed.reporter = Quiet()
    assert signed.execute().state == "finished"


def test_drift_during_the_run_stops_it(signed: World) -> None:
    def change() -> None:
        with signed.owner() as connection:
            connection.execute("ALTER TABLE public.file_audit_comments ADD COLUMN sneaked integer")

    signed.reporter = Acting("3.1", change)
    with pytest.raises(StepFailed, match="sneaked"):
        signed.execute()
    assert Run.objects.get().state == "stopped"


def test_a_target_that_changed_after_the_freeze_closes_the_gate_and_says_what_changed(signed: World) -> None:
    with signed.owner() as connection:
        connection.execute("ALTER TYPE public.job_status ADD VALUE 'sneaked'")
    with pytest.raises(GateClosed, match="The target changed since the freeze"):
        signed.execute()
    assert not Run.objects.exists()


def test_one_changed_byte_of_the_script_closes_the_gate(signed: World, settings: Settings, tmp_path: Path) -> None:
    changed = tmp_path / "changed.sql"
    changed.write_bytes(settings.V7_SCRIPT.read_bytes() + b" ")
    settings.V7_SCRIPT = changed
    with pytest.raises(GateClosed, match="The script file changed since the freeze"):
        signed.execute()


def test_a_changed_planning_row_closes_the_gate_and_shows_the_difference(signed: World) -> None:
    with home.writing(person="dana"):
        task = SubworkflowTask.objects.get(parent_phase__phase_number=1, task_number=1)
        task.task_name = "Another name"
        task.save()
    stale = gatekeeper.staleness(signed.changeset())
    assert "Planning rows changed" in stale[0].sentence
    assert any("Another name" in line for line in stale[0].difference)
    with pytest.raises(GateClosed):
        signed.execute()


def test_what_moves_while_people_sign_does_not_make_their_signatures_stale(signed: World) -> None:
    with home.writing(person="ada"):
        task = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=1)
        task.notes, task.dart_task_id = "moved on", "abcdefghijkl"
        task.save()
    assert gatekeeper.staleness(signed.changeset()) == []
    signed.execute()
    task = SubworkflowTask.objects.using("target").get(pk=task.pk)
    assert (task.notes, task.dart_task_id) == ("moved on", "abcdefghijkl")


def _signatures(world: World) -> list[Signature]:
    return list(signatures_of(Subject("changeset", world.changeset().digest)))


def _execute_in_a_process() -> subprocess.Popen[bytes]:
    environment = {**os.environ, "V7_PASSWORD": PASSWORD}
    command = [sys.executable, str(PROJECT_DIR / "manage.py"), "v7_execute", "--as", "lena", "--no-input"]
    return subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _step_state(key: str) -> str:
    from v7migration.ledger.models import RunStep

    return RunStep.objects.filter(key=key).values_list("state", flat=True).last() or ""


def _wait_until(holds: Callable[[], bool], patience: float = 60.0) -> None:
    deadline = time.monotonic() + patience
    while not holds():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)
