"""What a fault leaves behind, fault by fault: the next command goes on, or goes back, and says what happened.

The faults at every point, found automatically, are swept by ``python -m tests.sweep`` (its smoke version is
tests/test_sweep.py); here stand those with a sentence of their own.
"""

from __future__ import annotations

import threading
import time
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg import sql

from tests.cast import PASSWORD
from tests.environment import CLUSTER
from tests.killing import Place, die_at
from tests.outcome import Undisturbed, of_execution
from tests.outcome import undisturbed as look_undisturbed
from tests.troubled import Doing
from tests.world import Quiet, World
from tracking import home, moving
from v7migration.errors import Refused, StepFailed
from v7migration.ledger.models import Incident, Run, RunStep
from v7migration.pipeline import execute as executing
from v7migration.pipeline import sign
from v7migration.pipeline.settle import settle_from_web
from v7migration.postgres import runner

MOVING = "tracking.moving"
COMMIT = "v7migration.postgres.runner:_commit"
INDEX, POPULATION = "7.2", "10.1"


@pytest.fixture(scope="module")
def undisturbed() -> Undisturbed:
    """What a run without a fault starts from and leads to."""
    return look_undisturbed()


def test_rows_written_after_a_killed_rollback_come_home_with_the_next_one(executed: World) -> None:
    die_at(Place(f"{MOVING}:bring_home", "after"), executed.roll_back)
    with pytest.raises(Refused):
        executed.execute()
    with home.writing(person="ada", reason="after the crash"), executed.web() as connection:
        connection.execute("UPDATE v7_subworkflow_tasks SET notes = 'written later' WHERE parent_phase = 1")
    executed.roll_back()
    notes = "SELECT DISTINCT notes FROM v7_subworkflow_tasks WHERE parent_phase = 1"
    assert moving.control_connection().execute(notes).fetchall() == [("written later",)]


def test_an_index_whose_build_was_killed_is_dropped_and_built_again(signed: World, undisturbed: Undisturbed) -> None:
    with signed.owner() as application:

        def hold() -> None:
            application.execute("BEGIN")
            application.execute("LOCK TABLE public.file_audit IN ROW EXCLUSIVE MODE")

        signed.reporter = Doing(INDEX, hold)
        killer = threading.Thread(target=_terminate_when_blocked, args=("CREATE INDEX CONCURRENTLY%",))
        killer.start()
        with pytest.raises(StepFailed, match="The session to the target ended"):
            signed.execute()
        killer.join()
        application.execute("ROLLBACK")
        valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.idx_file_audit_v7_status'::regclass"
        assert application.execute(valid).fetchone() == (False,)
    signed.reporter = Quiet()
    signed.execute()
    assert of_execution(signed, undisturbed) == []


def _terminate(condition: str, *values: object) -> int:
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
        return len(
            admin.execute(
                f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {condition}", list(values)
            ).fetchall()
        )


def _terminate_when_blocked(query: str) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if _terminate("state = 'active' AND wait_event_type = 'Lock' AND query LIKE %s", query):
            return
        time.sleep(0.05)


def test_a_terminated_session_of_the_runner_stops_the_run_with_a_sentence_and_it_goes_on(
    signed: World, undisturbed: Undisturbed
) -> None:
    signed.reporter = Doing(POPULATION, lambda: _terminate("application_name LIKE 'v7_execute by%%'"))
    with pytest.raises(StepFailed, match="The session to the target ended"):
        signed.execute()
    assert Run.objects.get().state == "stopped"
    signed.reporter = Quiet()
    signed.execute()
    assert of_execution(signed, undisturbed) == []


def _kill_control() -> None:
    control = connections["default"].connection
    assert control is not None
    _terminate("pid = %s", control.info.backend_pid)


def test_a_control_plane_lost_during_a_step_is_blamed_itself_and_the_run_goes_on(
    signed: World, undisturbed: Undisturbed
) -> None:
    signed.reporter = Doing(POPULATION, _kill_control)
    with pytest.raises(StepFailed, match="The control plane stopped answering") as lost:
        signed.execute()
    assert lost.value.exit_code == 4
    assert Run.objects.get().state == "stopped"
    signed.reporter = Quiet()
    signed.execute()
    assert of_execution(signed, undisturbed) == []


def test_a_step_committed_while_the_control_plane_is_lost_is_recorded_later(
    signed: World, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = runner._commit

    def commit_then_lose(connection: Any, step: Any) -> None:
        commit(connection, step)
        if step.key == "3.1":
            _kill_control()

    monkeypatch.setattr(runner, "_commit", commit_then_lose)
    with pytest.raises(StepFailed, match="The control plane stopped answering"):
        signed.execute()
    step = RunStep.objects.get(key="3.1")
    assert step.state == "committed" and "read from the target's ledger" in step.detail["recovered"]
    monkeypatch.undo()
    signed.execute()
    assert of_execution(signed, undisturbed) == []


def test_an_interrupted_rollback_opens_the_target_again_and_says_how_to_go_on(
    executed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(runner, "_commit", interrupt)
    with pytest.raises(StepFailed, match="v7_rollback again"):
        executed.roll_back()
    assert home.read() == home.LIVE and home.is_open()
    assert Run.objects.get(kind="rollback").state == "failed"
    monkeypatch.undo()
    assert executed.roll_back().report["as_before"]


def test_a_run_whose_steps_are_all_committed_is_finished_though_a_signature_was_revoked(
    signed: World, undisturbed: Undisturbed
) -> None:
    from approvals.gates import Subject
    from approvals.selectors import signatures_of

    die_at(Place(COMMIT, "after", POPULATION), signed.execute)
    signature = next(s for s in signatures_of(Subject("changeset", signed.changeset().digest)) if s.seat == "execution")
    sign.revoke(signature=signature, person=signed.user("ada"), password=PASSWORD, reason="Too late")
    signed.execute()
    assert of_execution(signed, undisturbed) == []


def test_drift_while_a_run_stood_still_stops_it_before_its_next_step(signed: World) -> None:
    die_at(Place(COMMIT, "after", "2.1"), signed.execute)
    with signed.owner() as connection:
        connection.execute("ALTER TABLE public.file_audit_comments ADD COLUMN sneaked integer")
    with pytest.raises(StepFailed, match="sneaked"):
        signed.execute()
    assert Run.objects.get().steps.filter(key="2.2").count() == 0


def test_a_database_that_does_not_know_the_run_is_refused_before_anything_is_settled(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    die_at(Place(COMMIT, "after", "2.1"), signed.execute)
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
        admin.execute(sql.SQL("CREATE DATABASE v7_other TEMPLATE template_signed_v7_target"))
    monkeypatch.setenv("TARGET_RUNNER_URL", CLUSTER.url("runner").replace("v7_target", "v7_other"))
    try:
        with pytest.raises(Refused, match=r"v7_other .* knows nothing"):
            signed.roll_back()
        assert not home.is_open() and not Run.objects.filter(kind="rollback").exists()
    finally:
        monkeypatch.undo()
        with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
            admin.execute("DROP DATABASE v7_other WITH (FORCE)")
    assert signed.roll_back().report["as_before"]


def test_a_writer_who_stays_in_his_transaction_is_named_and_nothing_is_touched(
    signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moving, "FENCE_PATIENCE", 1)
    with signed.web("default") as writer:
        writer.execute("BEGIN")
        writer.execute("UPDATE v7_subworkflow_tasks SET notes = notes WHERE parent_phase = 1")
        with pytest.raises(Refused, match="cannot be fenced"):
            signed.execute()
        writer.execute("ROLLBACK")
    assert home.is_open()
    assert signed.execute().state == "finished"


def test_a_signing_that_stays_open_makes_the_step_give_way_and_never_holds_the_targets_locks(signed: World) -> None:
    with signed.control_owner() as signer:

        def hold() -> None:
            signer.execute("BEGIN")
            signer.execute("SELECT FROM ledger_changeset FOR UPDATE")
            threading.Timer(3.0, signer.close).start()

        signed.reporter = Doing("2.1", hold)
        run = signed.execute()
    assert run.state == "finished"
    assert any(line[0] == "waiting" for line in signed.reporter.lines)


def test_a_run_killed_within_section_0_and_taken_back_does_not_stop_the_next_one(signed: World) -> None:
    die_at(Place(COMMIT, "after", "0.1"), signed.execute)
    signed.roll_back()
    signed.settle_incident(Incident.objects.get())
    signed.rehearse()
    signed.freeze()
    signed.sign_all()
    assert signed.execute().state == "finished"


def test_two_operators_at_once_get_one_run_and_one_sentence(signed: World) -> None:
    changeset, operator = signed.changeset(), signed.user("lena")
    executing._begin(changeset, operator)
    with pytest.raises(Refused, match="Another operator has just started"):
        executing._begin(changeset, operator)


def test_a_page_that_meets_the_traces_of_a_crash_settles_them(signed: World) -> None:
    die_at(Place(f"{MOVING}:close_fence", "after"), signed.execute)
    assert not home.is_open()
    assert signed.client("ada").get("/").status_code == 200
    assert home.is_open() and Run.objects.get().state == "stopped"


def test_a_page_works_while_the_target_is_out_of_reach(signed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    die_at(Place(f"{MOVING}:close_fence", "after"), signed.execute)
    connections["target"].close()
    monkeypatch.setitem(connections["target"].settings_dict, "PORT", "1")
    assert settle_from_web() is False
    assert signed.client("ada").get("/tasks/").status_code == 200
    assert not home.is_open()
