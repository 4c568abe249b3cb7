"""Section 5 of the phase document, row by row: what happens when something goes wrong."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core import mail
from django.core.management import call_command
from pytest_django import Settings

from tests.troubled import INSERT_ROW_170, Acting
from tests.world import World
from v7migration.errors import GateClosed, Refused, SchemaConflict, StepFailed
from v7migration.ledger.models import Event, Incident, Run
from v7migration.management.commands.v7_rehearse import Command as Rehearse
from v7migration.pipeline import gatekeeper, inventory, sign
from v7migration.pipeline.rehearse import rehearse
from v7migration.pipeline.review import review
from v7migration.pipeline.verify import verify
from v7migration.postgres.runner import committed_steps
from v7migration.postgres.script import ScriptInvalid

BUILDING = "SELECT pid FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
FOREIGN = "CREATE TABLE public.v7_enum_migrations (note text)"
Prepare = Callable[[str], World]


def only(kind: str) -> Incident:
    """Return the one incident of a kind."""
    return Incident.objects.get(kind=kind)


def page(world: World, name: str, path: str) -> str:
    """Return a page as this person sees it."""
    return world.client(name).get(path).content.decode()


# -- 5.1 Pre-execution errors ----------------------------------------------------------------------------------


def test_5_1_schema_conflicts_are_documented_and_escalated_to_the_architect(signed: World) -> None:
    with signed.owner() as owner:
        owner.execute(FOREIGN)
    with pytest.raises(SchemaConflict, match="v7_enum_migrations") as refused:
        signed.execute()
    incident = only("conflict")
    assert refused.value.exit_code == 5 and f"/incidents/{incident.pk}/" in refused.value.next_step
    assert (incident.assigned_to, incident.blocking, incident.run) == ("The Architect", False, None)
    assert incident.detail["objects"] == ["public.v7_enum_migrations"]
    assert [letter.to for letter in mail.outbox] == [["ada@example.org"]]
    with pytest.raises(SchemaConflict):
        signed.execute()
    found = review(gatekeeper.source_bytes(), own_script=True)
    red = rehearse(content=gatekeeper.rendered_script(gatekeeper.source_bytes()), person="sam")
    assert only("conflict") == incident, "one conflict, however often and wherever it is met"
    assert len(mail.outbox) == 1
    assert Event.objects.filter(kind="incident.seen_again", subject=str(incident.pk)).count() == 3
    assert found["verdict"] == "refuse" and found["conflicts"] == ["public.v7_enum_migrations"]
    conflict = next(f for f in found["findings"] if f["id"] == "V7C001")
    assert (conflict["section"], conflict["line"] > 0) == (3, True)
    assert not red.ok and red.report["failures"][0]["section"] == 3
    assert not Run.objects.exists()
    for place in ("/", "/admin/"):
        assert incident.title in page(signed, "ada", place)


def test_5_1_the_objects_of_our_own_run_are_no_conflict(executed: World) -> None:
    assert review(gatekeeper.source_bytes(), own_script=True)["conflicts"] == []
    assert not Incident.objects.exists()


def test_5_1_a_gate_of_another_shape_is_a_conflict(signed: World) -> None:
    with signed.owner() as owner:
        owner.execute("CREATE SCHEMA migration_gate; CREATE TABLE migration_gate.fence (other text)")
    with pytest.raises(Refused):
        signed.execute()
    assert only("conflict").detail["objects"] == ["migration_gate"]


def test_5_1_a_test_environment_that_fails_is_named_and_nothing_proceeds(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    monkeypatch.setenv("REHEARSAL_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/nothing")
    for _ in range(2):
        with pytest.raises(Refused, match="rehearsal server") as refused:
            world.rehearse()
    incident = only("environment")
    assert refused.value.exit_code == 5 and f"/incidents/{incident.pk}/" in refused.value.next_step
    assert (incident.blocking, incident.assigned_to) == (False, "DB Team Lead")
    assert "REHEARSAL_DATABASE_URL" in incident.detail["what_next"]
    with pytest.raises((GateClosed, Refused), match="rehears"):
        sign.freeze(person=world.user("lena"))


def test_5_1_a_syntax_error_is_located_and_the_corrected_script_is_reviewed_again(
    signed: World, settings: Settings, tmp_path: Path
) -> None:
    good = settings.V7_SCRIPT.read_bytes()
    line = good[: good.index(b"CREATE TABLE public.v7_enum_migrations")].count(b"\n") + 1
    broken = good.replace(b"CREATE TABLE public.v7_enum_migrations (", b"CREATE TABLE public.v7_enum_migrations ((")
    found = next(f for f in review(broken)["findings"] if f["severity"] == "refuse")
    assert (found["section"], 0 <= found["line"] - line <= 2) == (3, True)
    with pytest.raises(ScriptInvalid):
        rehearse(content=broken, person="sam")
    settings.V7_SCRIPT = tmp_path / "broken.sql"
    settings.V7_SCRIPT.write_bytes(broken)
    located = rehearsed_as_json(Rehearse(), settings.V7_SCRIPT)
    assert (located["section"], located["line"], located["sqlstate"]) == (3, found["line"], "42601")
    settings.V7_SCRIPT.write_bytes(good + b"-- corrected\n")
    with pytest.raises(GateClosed, match="The script file changed since the freeze"):
        signed.execute()
    signed.rehearse()
    again = signed.freeze()
    with pytest.raises(GateClosed) as closed:
        signed.execute()
    assert len([r for r in closed.value.reasons if "has not signed" in r]) == 3, again
    assert not Run.objects.exists()


def rehearsed_as_json(command: Rehearse, script: Path) -> dict[str, Any]:
    """Return the one failure that v7_rehearse tells of a script that cannot be read."""
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command(command, "--script", str(script), "--json", stdout=out, stderr=StringIO())
    assert ended.value.code not in (0, None)
    failure: dict[str, Any] = json.loads(out.getvalue())["failures"][0]
    return failure


# -- 5.2 Execution errors --------------------------------------------------------------------------------------


def test_5_2_a_table_that_cannot_be_created_stops_the_run_and_a_rollback_is_offered(trouble: Prepare) -> None:
    world = trouble("-- Step 3.1: create the table")
    with pytest.raises(StepFailed, match="division by zero") as failed:
        world.execute()
    run, incident = Run.objects.get(), only("execution")
    assert (run.state, incident.step, incident.blocking) == ("failed", "3.1", True)
    assert "v7_rollback" in failed.value.next_step
    with world.runner() as connection:
        assert not {key for key in committed_steps(connection, run.pk) if key.startswith(("3.", "4.", "2."))}
    assert world.roll_back().report["as_before"] is True


def test_5_2_a_failed_alter_table_stops_at_once_and_the_data_integrity_is_assessed(trouble: Prepare) -> None:
    world = trouble("    ADD COLUMN v7_retirement_date date;")
    with pytest.raises(StepFailed):
        world.execute()
    run, incident = Run.objects.get(), only("execution")
    assert (run.state, incident.step) == ("failed", "2.1")
    proof = incident.detail["integrity"]
    assert (proof["ok"], proof["same_storage"], proof["changed_attributes"]) == (True, True, [])
    assert proof["content"]["equal"] is True and proof["content"]["now"]["rows"] == 170
    shown = page(world, "lena", f"/incidents/{incident.pk}/")
    assert "Data integrity of file_audit" in shown and "170 rows, checksum equal" in shown
    with world.owner() as owner:
        assert owner.execute(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 'public.file_audit'::regclass AND attname LIKE 'v7%'"
        ).fetchone() == (0,)


def test_5_2_rows_lost_beside_a_failed_alter_table_are_noticed(trouble: Prepare) -> None:
    world = trouble("    ADD COLUMN v7_retirement_date date;")

    def lose() -> None:
        with world.owner() as owner:
            owner.execute("DELETE FROM public.file_audit_comments; DELETE FROM public.file_audit WHERE id = 3")
            owner.execute(INSERT_ROW_170.replace("9999", "9998").replace("late", "later"))

    world.reporter = Acting("2.1", lose)
    with pytest.raises(StepFailed):
        world.execute()
    content = only("execution").detail["integrity"]["content"]
    assert content["equal"] is False and content["now"]["rows"] == content["before"]["rows"] == 170
    assert "somebody else wrote meanwhile" in page(world, "lena", f"/incidents/{only('execution').pk}/")


def test_5_2_an_index_that_fails_is_documented_for_a_later_fix_and_the_run_goes_on(signed: World) -> None:
    cancelled = threading.Event()
    signed.reporter = Acting("7.2", lambda: _cancel_the_build(signed, cancelled))
    run = signed.execute()
    assert cancelled.wait(5), "the build was cancelled while it waited"
    incident = only("index")
    assert (run.state, incident.step, incident.blocking, incident.severity) == ("finished", "7.2", False, "medium")
    assert incident.detail["sqlstate"] == "57014"
    found = verify(person="sam")
    failed = {failure["name"]: failure["grade"] for failure in found.failures}
    assert not found.ok and set(failed.values()) == {"medium"} and "indexes" in failed
    assert [i.pk for i in found.to_fix] == [incident.pk]
    with signed.owner() as owner:
        owner.execute("CREATE INDEX CONCURRENTLY idx_file_audit_v7_status ON public.file_audit (v7_workflow_status)")
    assert verify(person="sam").ok
    assert only("validation").state == "closed"


def _cancel_the_build(world: World, cancelled: threading.Event) -> None:
    """Hold the build up by an older transaction, as a long report would, and cancel it, as an administrator would."""
    report = world.owner()
    report.autocommit = False
    report.execute("UPDATE public.file_audit SET notes = notes WHERE id = 1")

    def cancel() -> None:
        with report, world.runner() as administrator:
            for _ in range(600):
                row = administrator.execute(BUILDING).fetchone()
                if row is not None:
                    administrator.execute("SELECT pg_cancel_backend(%s)", [row[0]])
                    cancelled.set()
                    break
                time.sleep(0.05)
            report.rollback()

    threading.Thread(target=cancel).start()


# -- 5.3 Post-execution errors ---------------------------------------------------------------------------------


def test_5_3_failed_validations_are_documented_once_and_graded(executed: World) -> None:
    with executed.owner() as owner:
        row = owner.execute("SELECT pg_get_indexdef('public.idx_test_results_status'::regclass)").fetchone()
        owner.execute("DROP INDEX public.idx_test_results_status")
    assert row is not None
    first, second = verify(person="sam"), verify(person="sam")
    incident = only("validation")
    assert not first.ok and [i.pk for i in second.incidents] == [incident.pk]
    assert (incident.severity, incident.assigned_to, incident.blocking) == ("medium", "Test Sentinel", False)
    assert {f["name"]: f["grade"] for f in incident.detail["failures"]} == {
        "indexes": "medium", "shape of public.v7_test_results": "medium"
    }  # fmt: skip
    assert [letter.to for letter in mail.outbox] == [["sam@example.org"]]
    with executed.runner() as runner:
        runner.execute(str(row[0]))
    assert verify(person="sam").ok
    incident.refresh_from_db(fields=["state"])
    assert incident.state == "closed"
    assert Event.objects.filter(kind="incident.closed", subject=str(incident.pk), actor="sam").count() == 1


def test_5_3_missing_data_is_critical_and_stops_all_work(executed: World) -> None:
    with executed.owner() as owner:
        owner.execute("DROP TABLE public.v7_test_results CASCADE")
    found = verify(person="sam")
    grades = {failure["name"]: failure["grade"] for failure in found.failures}
    assert found.failures[0]["grade"] == "critical"
    assert (grades["tables"], grades["2.2.1"]) == ("critical", "critical")
    assert grades["shape of public.v7_test_results"] == "high"
    assert (grades["rows of v7_test_results"], grades.get("views", "medium")) == ("high", "medium")
    incident = only("validation")
    assert (incident.severity, incident.blocking) == ("critical", True)
    assert "All work stops" in page(executed, "ada", "/") and "All work stops" in page(executed, "ada", "/admin/")


def test_5_3_a_person_changes_a_grade_with_a_reason(executed: World) -> None:
    with executed.owner() as owner:
        owner.execute("DROP INDEX public.idx_test_results_status")
    verify(person="sam")
    incident = only("validation")
    path = f"/incidents/{incident.pk}/grade/"
    assert executed.client("dev").post(path, {"severity": "low", "reason": "x"}).status_code == 403
    assert executed.client("sam").post(path, {"severity": "low", "reason": " "}).status_code == 400
    assert executed.client("sam").post(path, {"severity": "low", "reason": "Nobody reads it yet."}).status_code == 302
    incident.refresh_from_db(fields=["severity"])
    assert incident.severity == "low"
    told = Event.objects.get(kind="incident.regraded", subject=str(incident.pk))
    assert (told.actor, told.payload) == ("sam", {"from": "medium", "to": "low", "reason": "Nobody reads it yet."})
    assert "Nobody reads it yet." in page(executed, "ada", path)


def test_5_3_a_query_slower_than_its_baseline_is_shown_and_documented(executed: World) -> None:
    run = Run.objects.get()
    calm = verify(person="sam")
    assert calm.ok and calm.performance is not None and calm.performance["degraded"] == [], calm.performance
    with executed.owner() as owner:
        owner.execute(
            "INSERT INTO public.file_audit_comments (file_id, author, body, written_at) "
            "SELECT 1 + n % 100, 'load', 'x', now() FROM generate_series(1, 200000) AS n"
        )
    slow, again = verify(person="sam"), verify(person="sam")
    assert slow.ok, "a slow query makes no check fail"
    assert slow.performance is not None and again.performance is not None
    name = "join: file_audit_comments.file_id to file_audit.id"
    line = next(entry for entry in slow.performance["queries"] if entry["name"] == name)
    assert line["verdict"] == "degraded" and line["ratio"] > 2 and line["after"] > line["before"] + 5
    incident = only("performance")
    assert (incident.severity, incident.blocking, incident.assigned_to) == ("medium", False, "DB Team Lead")
    assert incident.detail["queries"][0]["name"] == name
    shown = page(executed, "ada", f"/runs/{run.pk}/")
    assert "How fast the target answers" in shown and "degraded" in shown


def test_5_3_an_integration_issue_goes_to_dev_team_who_resolves_it(executed: World) -> None:
    run = Run.objects.get()
    path = f"/runs/{run.pk}/issue/"
    issue = {"title": "The models lack the views", "description": "No class for them.", "severity": "medium"}
    assert executed.client("wilma").post(path, issue).status_code == 403
    assert executed.client("sam").post(path, {**issue, "title": " "}).status_code == 400
    assert executed.client("sam").post(path, issue).status_code == 302
    incident = only("integration")
    assert (incident.assigned_to, incident.run_id, incident.opened_by) == ("Dev Team", run.pk, "sam")
    assert [letter.to for letter in mail.outbox] == [["dev@example.org"]]
    assert issue["title"] in page(executed, "dev", "/")
    words = {"action": "document", "root_cause": "No model yet.", "remediation": "Added them."}
    assert executed.client("wilma").post(f"/incidents/{incident.pk}/", words).status_code == 403
    assert executed.client("dev").post(f"/incidents/{incident.pk}/", words).status_code == 302
    incident.refresh_from_db()
    assert (incident.state, incident.remediated_by) == ("remediated", "dev")


def test_a_refusal_that_is_no_conflict_opens_no_incident(frozen: World) -> None:
    with pytest.raises(GateClosed):
        frozen.execute()
    with pytest.raises(psycopg.Error), frozen.web() as web:
        web.execute("UPDATE ledger_incident SET title = 'x'")
    assert not Incident.objects.exists()
