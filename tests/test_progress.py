"""What people see of a run: progress on its page, what became of the last one, the log, and drift of any moment."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest
from django.conf import settings
from django.db import connections

from tests.killing import Place, die_at
from tests.troubled import Acting, Doing, terminate
from tests.world import World
from v7migration.errors import StepFailed
from v7migration.ledger.models import Incident, Run, RunStep
from v7migration.logs import RunLog
from v7migration.pipeline import observer
from v7migration.postgres import session
from v7migration.postgres.session import Limits

COMMIT = "v7migration.postgres.runner:_commit"


def execute_and_close(world: World) -> None:
    """Execute in a thread, which has database sessions of its own."""
    try:
        world.execute()
    finally:
        connections.close_all()


def lines_of(run: Run) -> list[dict[str, Any]]:
    """Return the log's lines about a run."""
    text = (settings.STATE_DIR / "log" / "runs.jsonl").read_text()
    return [line for line in map(json.loads, text.splitlines()) if line["run"] == str(run.pk)]


def test_every_event_of_a_run_is_one_line_of_json_with_its_id(signed: World) -> None:
    run = signed.execute()
    lines = lines_of(run)
    assert [line["event"] for line in (lines[0], lines[-1])] == ["run.running", "run.finished"]
    committed = [line["step"] for line in lines if line["event"] == "step.committed"]
    assert committed == list(run.steps.values_list("key", flat=True))
    statements = [line for line in lines if line["event"] == "step.statement" and line["step"] == "2.1"]
    assert statements and all(line["line"] > 1 and line["at"].endswith("+00:00") for line in statements)


def test_a_log_that_cannot_be_written_does_not_stop_the_run(
    signed: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import logging

    logger = logging.getLogger("v7migration.run")
    monkeypatch.setattr(logger, "handlers", [RunLog("/proc/nowhere/runs.jsonl")])
    assert signed.execute().state == "finished"
    assert capsys.readouterr().err.count("cannot be written to /proc/nowhere/runs.jsonl") == 1


def test_the_page_shows_section_statement_and_whom_the_step_waits_for(signed: World) -> None:
    reader = signed.owner()
    reader.execute("SET application_name = 'a long report'")
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM public.file_audit")
    runner = threading.Thread(target=execute_and_close, args=[signed])
    runner.start()
    try:
        page, deadline = "", time.monotonic() + 60
        while "a long report" not in page:
            assert time.monotonic() < deadline, page
            time.sleep(0.2)
            if run := Run.objects.filter(state="running").first():
                page = signed.client("ada").get(f"/runs/{run.pk}/progress/").content.decode()
    finally:
        process = reader.info.backend_pid
        reader.close()
        runner.join()
    text = " ".join(page.split())
    assert "Section 2, step 2.1" in text and "statement 1 of" in text
    assert f"process {process} (a long report" in text
    waits = RunStep.objects.get(key="2.1").detail["waits"]
    assert waits[0]["blocking"][0]["application"] == "a long report"
    assert waits[0]["blocking"][0]["query_age_seconds"] > 0
    assert waits[0]["pause_seconds"] >= 9 * Limits().lock_timeout / 1000


def test_what_became_of_a_run_that_died_is_read_from_the_target_and_said(signed: World) -> None:
    die_at(Place(COMMIT, "after", "2.1"), signed.execute)
    signed.execute()
    said = [line[1] for line in signed.reporter.lines if line[0] == "note"]
    assert any(s == "Step 2.1 had no outcome on record: the target's ledger says that it was committed." for s in said)
    assert any("had ended without a word" in s for s in said)
    assert any("goes on: the target's ledger holds" in s for s in said)


def test_what_became_of_a_step_that_did_not_commit_is_said_too(signed: World) -> None:
    die_at(Place(COMMIT, "before", "2.1"), signed.execute)
    signed.execute()
    said = [line[1] for line in signed.reporter.lines if line[0] == "note"]
    assert any(s == "Step 2.1 had no outcome on record: the target's ledger says that it left nothing." for s in said)


def test_a_change_in_the_middle_of_a_step_rolls_that_step_back(signed: World) -> None:
    def change() -> None:
        with signed.owner() as connection:
            connection.execute("ALTER TABLE public.file_audit_comments ADD COLUMN sneaked integer")

    signed.reporter = Doing("3.1", change)
    with pytest.raises(StepFailed, match=r"drifted before step 3\.1.*sneaked"):
        signed.execute()
    run = Run.objects.get()
    assert run.state == "stopped" and any("sneaked" in sentence for sentence in run.report["drift"])
    assert not run.steps.filter(key="3.1", state="committed").exists()


def test_a_change_to_a_table_that_the_run_made_itself_is_drift(signed: World) -> None:
    def change() -> None:
        with signed.runner() as connection:
            connection.execute("SET ROLE v7_runner")
            connection.execute("ALTER TABLE public.v7_migration_workflow ALTER COLUMN phase_name TYPE varchar(99)")

    signed.reporter = Doing("3.1", change)
    with pytest.raises(StepFailed, match="v7_migration_workflow: column phase_name is not as rehearsed"):
        signed.execute()


def test_maintenance_in_the_middle_of_a_run_is_no_drift(signed: World) -> None:
    def maintain() -> None:
        with signed.owner() as connection:
            connection.execute("REINDEX TABLE public.file_audit_comments")
            connection.execute("VACUUM (FULL, ANALYZE) public.file_audit_comments")
            connection.execute("CREATE TEMP TABLE passing (id serial PRIMARY KEY)")

    signed.reporter = Doing("3.1", maintain)
    assert signed.execute().state == "finished"


@pytest.mark.parametrize("by", ["the client", "the server"])
def test_a_lost_second_session_of_the_runner_is_opened_again(
    by: str, signed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    connect = session.connect

    def connect_and_remember(*args: Any, **kwargs: Any) -> Any:
        opened.append(connect(*args, **kwargs))
        return opened[-1]

    monkeypatch.setattr(observer, "connect", connect_and_remember)

    def lose() -> None:
        if by == "the client":
            opened[-1].close()
        else:
            terminate("v7_target", "pid = %s", opened[-1].info.backend_pid)

    signed.reporter = Acting("7.6", lose)  # a section that goes on after a failure: it must not become one
    assert signed.execute().state == "finished"
    assert len(opened) == 2
    assert not Incident.objects.exists()
