"""Validation testing (document 2.3.1): every shape, rows as the web role, views in time, the way back, by name."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from tests.cast import PASSWORD
from tests.environment import SERVERS
from tests.world import World
from tracking.models import File, Phase, SubworkflowTask, TestResult
from tracking.services import test_result_record
from v7migration.errors import Refused, SignatureRefused, TransitionRefused, UsageError
from v7migration.ledger.models import AcceptedFailure, Event, Run, Validation
from v7migration.pipeline import performance, sign, sign_off, validation
from v7migration.pipeline.standing import standing
from v7migration.pipeline.verify import Verification, shapes, trials, validate, verify, verifying, way_back
from v7migration.postgres.queries import Check
from v7migration.postgres.scratch import ScratchUnfit

VIEW = "v7_monitoring.v7_enum_consolidation_status"


@contextmanager
def superuser() -> Iterator[psycopg.Connection[Any]]:
    """Lend the target to somebody who may do anything, as a careless administrator would."""
    with psycopg.connect(SERVERS["v7_target"].url("superuser"), dbname="v7_target", autocommit=True) as session:
        yield session


def failed(found: Verification) -> dict[str, str]:
    """Return what fails, with what was found."""
    return {failure["name"]: failure["actual"] for failure in found.failures}


@pytest.fixture
def no_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the scratch copy out, which costs seconds, where a test is about something else."""
    fine = Check(way_back.NAME, way_back.TITLE, way_back.EXPECTED, way_back.EXPECTED, ok=True)
    monkeypatch.setattr(way_back, "prove", lambda run, shapes: fine)


PLANTED: tuple[tuple[str, str, str], ...] = (
    ("ALTER TABLE public.v7_global_impacts DROP COLUMN mitigation_strategy", "shape of public.v7_global_impacts",
     "column mitigation_strategy removed"),
    ("ALTER TABLE public.file_audit ALTER v7_workflow_status SET DEFAULT 'assessed'", "shape of public.file_audit",
     "'pending_assessment'::character varying → 'assessed'::character varying"),
    ("ALTER TABLE public.v7_test_results ALTER tested_by TYPE varchar(90)", "shape of public.v7_test_results",
     "column tested_by: type character varying(200) → character varying(90)"),
    ("DROP INDEX public.idx_subworkflow_status; "
     "CREATE INDEX idx_subworkflow_status ON public.v7_subworkflow_tasks (notes)",
     "shape of public.v7_subworkflow_tasks", "index idx_subworkflow_status: definition"),
    ("CREATE OR REPLACE VIEW v7_monitoring.v7_enum_consolidation_status AS SELECT 'x'::varchar(200) AS v7_enum_name, "
     "1::bigint AS enums_to_consolidate, ARRAY['a'::varchar] AS source_enums, 'a'::text AS status, "
     "'low'::text AS risk_level, 0::bigint AS affected_table_count", f"shape of {VIEW}", "definition changed"),
    (f"REVOKE SELECT ON {VIEW} FROM v7_web", f"shape of {VIEW}", "privileges lost v7_web: SELECT"),
    ("ALTER TABLE public.v7_migration_workflow DISABLE TRIGGER gate_2_jump", "shape of public.v7_migration_workflow",
     "trigger gate_2_jump"),
    ("CREATE OR REPLACE FUNCTION migration_gate.refuse_when_closed() RETURNS trigger LANGUAGE plpgsql AS "
     "$$ BEGIN RETURN NULL; END $$", "shape of functions", "function migration_gate.refuse_when_closed()"),
    ("CREATE VIEW public.v7_mine AS SELECT 1 AS one", "unexpected objects", "view public.v7_mine added"),
    ("ALTER TABLE public.file_audit ADD COLUMN theirs integer", "rest of the schema", "column theirs added"),
)  # fmt: skip


def test_every_planted_change_is_named_by_the_check_of_its_object(executed: World) -> None:
    with superuser() as admin:
        for statement, _, _ in PLANTED:
            admin.execute(statement.encode())
    found = failed(verify(person=""))
    missed = [(name, words, found.get(name)) for _, name, words in PLANTED if words not in found.get(name, "")]
    assert missed == []
    others = {name for name in found if name.startswith("shape of")} - {name for _, name, _ in PLANTED}
    assert others == set(), "objects that nobody touched are as rehearsed"


def test_a_run_whose_rehearsal_kept_no_facts_is_compared_by_names_and_digests(executed: World) -> None:
    run = Run.objects.get()
    del run.changeset.rehearsal.report["made"]
    with superuser() as admin:
        calm = shapes.look(admin, run).checks
        admin.execute("ALTER TABLE public.v7_test_results ALTER tested_by TYPE varchar(90); DROP VIEW " + VIEW)
        found = shapes.look(admin, run).checks
    assert [(check.name, check.ok, check.note) for check in calm] == [("shape", True, shapes.NO_FACTS)]
    assert "table public.v7_test_results: column tested_by is not as rehearsed" in found[0].actual
    assert f"missing: view {VIEW} added" in found[0].actual


def test_a_green_validation_is_recorded_check_by_check_with_its_evidence(executed: World) -> None:
    run = Run.objects.get()
    found = validate(person=executed.user("sam"))
    assert found.ok and found.validation is not None, failed(found)
    assert found.recorded == len(found.checks) == TestResult.objects.count()
    rows = {row.component_tested.removeprefix("v7_verify: "): row for row in TestResult.objects.all()}
    assert {row.tested_by for row in rows.values()} == {"sam"}
    proof = rows["rollback proof"]
    assert (proof.test_type, proof.test_status, proof.backwards_compatible) == ("regression", "pass", True)
    evidence = dict(proof.performance_metrics["rows"])
    assert (
        evidence["rows of file_audit"].startswith("169 ")
        and "public.v7_enum_migrations" in evidence["rows of the tables"]
    )
    assert rows["view v7_migration_dashboard"].test_type == "performance"
    assert rows["2.2.1"].performance_metrics["sql"].lstrip().startswith("SELECT table_name")
    assert rows["rows of file_audit"].test_type == "smoke" and str(found.validation.pk) in proof.notes
    shape = rows["shape of public.file_audit"].performance_metrics
    assert shape["expected"].startswith("12 columns, 4 constraints, 1 index, 6 triggers, 12 rights")
    assert TestResult.history.count() == found.recorded
    assert [p.met for p in validation.prerequisites(run)] == [True]
    assert signed_by_sam(executed) == "approved"


def signed_by_sam(world: World) -> str:
    run = Run.objects.get()
    signature = sign.sign_run(
        run=run, seat="validation", person=world.user("sam"), password=PASSWORD, decision="approved", reason="",
        shown_digest=sign_off.run_facts(run).digest,
    )  # fmt: skip
    return str(signature.decision)


def test_rows_can_be_tried_while_every_phase_has_tasks_and_nothing_of_it_stays(executed: World) -> None:
    with superuser() as admin:
        admin.execute(
            "INSERT INTO public.v7_subworkflow_tasks (parent_phase, task_number, task_name, responsible_persona) "
            "SELECT phase_number, 900, 'busy', 'The Architect' FROM public.v7_migration_workflow"
        )
    before = [set(model.objects.values_list("pk", flat=True)) for model in (Phase, SubworkflowTask, File)]
    versions = [model.history.count() for model in (Phase, SubworkflowTask, File)]
    found = {check.name: check for check in trials.checks()}
    assert {name: check.actual for name, check in found.items() if not check.ok} == {}
    assert "as v7_web" in found["rows of file_audit"].note and len(found) == 7
    assert before == [set(model.objects.values_list("pk", flat=True)) for model in (Phase, SubworkflowTask, File)]
    assert versions == [model.history.count() for model in (Phase, SubworkflowTask, File)]


def test_a_trial_that_dies_in_the_middle_leaves_nothing(executed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*arguments: object) -> None:
        connections["target"].connection.pgconn.finish()  # as the kernel does to a killed process
        raise KeyboardInterrupt

    monkeypatch.setattr(trials, "_expect_history", die)
    with pytest.raises(KeyboardInterrupt):
        trials._enum("a mark")
    connections["target"].close()
    with executed.runner() as runner:
        row = runner.execute("SELECT count(*) FROM public.v7_enum_migrations WHERE v7_enum_name = 'a mark'").fetchone()
    assert row == (0,)


@pytest.mark.parametrize(
    ("statement", "name", "words"),
    [
        ("REVOKE DELETE ON public.v7_global_impacts FROM v7_web", "rows of v7_global_impacts", "permission denied"),
        ("REVOKE UPDATE (v7_test_status) ON public.file_audit FROM v7_web", "rows of file_audit", "permission denied"),
        (
            "CREATE FUNCTION public.swallow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; "
            "CREATE TRIGGER swallow BEFORE DELETE ON public.v7_test_results FOR EACH ROW EXECUTE FUNCTION swallow()",
            "rows of v7_test_results",
            "still there",
        ),
    ],
)
def test_a_right_or_a_write_that_is_missing_fails_the_trial_of_its_table(
    executed: World, statement: str, name: str, words: str
) -> None:
    with superuser() as admin:
        admin.execute(statement.encode())
    found = {check.name: check.actual for check in trials.checks() if not check.ok}
    assert found.keys() == {name} and words in found[name]


def test_a_rollback_that_would_leave_something_is_found_on_the_copy_and_the_target_stays(executed: World) -> None:
    with superuser() as admin:
        admin.execute("CREATE VIEW public.report AS SELECT v7_target_name FROM public.file_audit")
    found = failed(validate(person=executed.user("sam")))
    assert "Section 9 fails in line" in found["rollback proof"] and "2BP01" in found["rollback proof"]
    assert "view public.report added" in found["rest of the schema"]
    with executed.runner() as runner:
        assert runner.execute("SELECT to_regclass('public.v7_test_results') IS NOT NULL").fetchone() == (True,)


def test_no_scratch_server_is_a_failed_proof_with_its_next_step(
    executed: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    @contextmanager
    def none(*arguments: object, **more: object) -> Iterator[None]:
        raise ScratchUnfit("server", "The rehearsal server cannot be reached.", "Set REHEARSAL_DATABASE_URL.")
        yield

    monkeypatch.setattr(way_back, "scratch_copy", none)
    found = validate(person=executed.user("sam"))
    assert not found.ok and failed(found) == {
        "rollback proof": "not proven: The rehearsal server cannot be reached. Set REHEARSAL_DATABASE_URL."
    }


def test_rows_of_a_validation_that_died_before_it_was_on_file_are_cleared_away_by_the_next(
    executed: World, no_proof: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*arguments: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(verifying, "_stored", die)
    with pytest.raises(KeyboardInterrupt):
        validate(person=executed.user("sam"))
    monkeypatch.undo()
    lost = TestResult.objects.count()
    run = Run.objects.get()
    assert lost > 40 and not Validation.objects.exists() and "verify" not in run.report
    told = {"test_type": "smoke", "component_tested": "v7_verify: told by hand", "test_status": "pass"}
    test_result_record(actor=executed.actor("lena"), **told)
    found = validate(person=executed.user("sam"))
    assert found.validation is not None and TestResult.objects.count() == found.recorded + 1
    deleted = TestResult.history.filter(history_type="-")
    assert deleted.count() == lost and "was interrupted" in deleted[0].history_change_reason


REPAIRS = (
    ("DROP INDEX public.idx_test_results_status",),
    ("ALTER TABLE public.v7_global_impacts ALTER risk_assessment SET DEFAULT 'low'",),
    ("REVOKE INSERT ON public.v7_enum_migrations FROM v7_web",),
    ("REVOKE UPDATE (v7_test_status) ON public.file_audit FROM v7_web",),
    ("REVOKE USAGE ON SCHEMA v7_history FROM v7_web",),
    ("ALTER TABLE public.file_audit DISABLE TRIGGER gate_2_jump",),
    ("ALTER TABLE public.v7_subworkflow_tasks DROP CONSTRAINT subworkflow_tasks_parent_phase_fkey",),
    ("ALTER TABLE public.v7_test_results ALTER test_status DROP NOT NULL",),
    ("DROP VIEW v7_monitoring.v7_enum_consolidation_status",),
    ("CREATE OR REPLACE FUNCTION migration_gate.touch_updated_at() RETURNS trigger LANGUAGE plpgsql AS "
     "$$ BEGIN RETURN NEW; END $$",),
    ("ALTER TABLE public.v7_test_results ENABLE ROW LEVEL SECURITY",),
)  # fmt: skip


def test_what_is_said_to_do_repairs_what_was_planted(executed: World) -> None:
    run = Run.objects.get()
    with superuser() as admin:
        for (statement,) in REPAIRS:
            admin.execute(statement.encode())
        found = [check for check in shapes.look(admin, run).checks if not check.ok]
        steps = [step for check in found for step in check.repair]
        assert len(steps) >= len(REPAIRS)
        admin.execute("SET ROLE v7_runner")
        for step in steps:
            admin.execute(step.encode())
        admin.execute("RESET ROLE")
        left = [sentence for check in shapes.look(admin, run).checks for sentence in check.differences]
    assert left == []


def test_a_failure_is_accepted_by_name_by_a_test_sentinel_and_only_as_it_was(executed: World, no_proof: None) -> None:
    run = Run.objects.get()
    with superuser() as admin:
        admin.execute("DROP INDEX public.idx_test_results_status")
    assert [p.reason for p in validation.prerequisites(run)] == [
        "No Test Sentinel has validated this finished run: v7_verify --as USERNAME (task 2.3.1)."
    ]
    first = validate(person=executed.user("sam"))
    run.refresh_from_db()
    waiting = {failure["name"]: failure for failure in validation.open_failures(run)}
    assert waiting.keys() == failed(first).keys() == {"indexes", "shape of public.v7_test_results"}
    reasons = [p.reason for p in validation.prerequisites(run)]
    assert len(reasons) == 2 and all("fails (medium)" in reason and "accept it by name" in reason for reason in reasons)
    keys = [failure["evidence"] for failure in waiting.values()]
    with pytest.raises(SignatureRefused):
        signed_by_sam(executed)
    with pytest.raises(TransitionRefused):
        validation.accept(run=run, person=executed.user("lena"), keys=keys, reason="x")
    for wrong in ({"keys": keys, "reason": " "}, {"keys": [], "reason": "x"}, {"keys": ["0" * 64], "reason": "x"}):
        with pytest.raises(UsageError):
            validation.accept(run=run, person=executed.user("sam"), **wrong)
    turn = standing(executed.changeset()).next_action
    assert turn.persona == "Test Sentinel" and "“indexes” fails" in turn.sentence and "1 more" in turn.sentence
    unsigned = sign_off.run_facts(run).digest
    validation.accept(run=run, person=executed.user("sam"), keys=keys, reason="Built tonight.")
    assert [p.met for p in validation.prerequisites(run)] == [True]
    assert sign_off.run_facts(run).digest != unsigned, "what is signed covers the acceptance"
    assert Event.objects.filter(kind="failure.accepted", actor="sam").count() == 2
    assert signed_by_sam(executed) == "approved"
    with superuser() as admin:
        admin.execute("DROP INDEX public.idx_global_impacts_risk")
    validate(person=executed.user("sam"))
    run.refresh_from_db()
    assert {failure["name"] for failure in validation.open_failures(run)} == {
        "indexes", "shape of public.v7_global_impacts"
    }, "the one that shows itself otherwise, and the new one"  # fmt: skip


def test_a_critical_failure_is_never_accepted(executed: World, no_proof: None) -> None:
    with superuser() as admin:
        admin.execute("CREATE TABLE public.v7_more (id integer)")
    found = validate(person=executed.user("sam"))
    run = Run.objects.get()
    assert {failure["name"] for failure in found.failures if failure["grade"] == "critical"} >= {"tables"}
    keys = [failure["evidence"] for failure in validation.open_failures(run)]
    with pytest.raises(Refused, match="critical"):
        validation.accept(run=run, person=executed.user("sam"), keys=keys, reason="It is only a table.")
    assert not AcceptedFailure.objects.exists()
    assert any("cannot be accepted" in prerequisite.reason for prerequisite in validation.prerequisites(run))


def test_a_later_red_verification_by_anybody_closes_the_seat_again(executed: World, no_proof: None) -> None:
    run = Run.objects.get()
    assert validate(person=executed.user("sam")).ok
    with superuser() as admin:
        admin.execute("REVOKE DELETE ON public.v7_global_impacts FROM v7_web")
    assert not verify(person="").ok
    run.refresh_from_db()
    assert {failure["name"] for failure in validation.open_failures(run)} >= {"grants", "rows of v7_global_impacts"}
    assert not any(prerequisite.met for prerequisite in validation.prerequisites(run))


def test_only_a_test_sentinel_validates_and_results_that_cannot_be_written_are_a_failure(
    executed: World, no_proof: None
) -> None:
    with pytest.raises(TransitionRefused):
        validate(person=executed.user("lena"))
    verify(person="lena")
    assert not Validation.objects.exists() and not TestResult.objects.exists()
    with superuser() as admin:
        admin.execute("REVOKE INSERT ON public.v7_test_results FROM v7_web")
    found = validate(person=executed.user("sam"))
    assert found.recorded == 0 and "permission denied" in failed(found)["record"]


def test_anomalies_are_named(executed: World, no_proof: None) -> None:
    with superuser() as admin:
        admin.execute(
            "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'public.idx_global_impacts_risk'::regclass"
        )
        admin.execute(
            "ALTER TABLE public.v7_global_impacts ADD CONSTRAINT short CHECK (length(impact_description) < 3) NOT VALID"
        )
    executed.client("sam").post(
        f"/runs/{Run.objects.get().pk}/issue/", {"title": "No models", "description": "None.", "severity": "low"}
    )
    found = failed(validate(person=executed.user("sam")))
    assert found["invalid indexes"] == "idx_global_impacts_risk" and found["incidents"] == "No models"
    assert found["constraints"] == "v7_global_impacts: short (6 rows violate it)"


def test_a_view_is_compared_with_its_first_measurement_after_the_run(
    executed: World, no_proof: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {c.name: c for c in validate(person=executed.user("sam")).checks}["view v7_migration_dashboard"]
    assert first.ok and first.expected == f"at most {performance.BOUND} ms" and "baseline from now on" in first.note
    slow = (
        "CREATE OR REPLACE VIEW v7_monitoring.v7_file_migration_readiness AS SELECT * FROM (%s) AS was, pg_sleep(0.1)"
    )
    with superuser() as admin:
        row = admin.execute("SELECT pg_get_viewdef('v7_monitoring.v7_file_migration_readiness'::regclass)").fetchone()
        assert row is not None
        admin.execute((slow % str(row[0]).rstrip(";")).replace("SELECT *", "SELECT was.*").encode())
    second = {c.name: c for c in verify(person="").checks}
    assert second["view v7_file_migration_readiness"].actual == "slower than its baseline"
    assert second["view v7_migration_dashboard"].actual == "as fast as it was"


def test_the_page_shows_the_evidence_and_takes_acceptances(executed: World, no_proof: None) -> None:
    page = f"/runs/{Run.objects.get().pk}/validation/"
    sam, ada = executed.client("sam"), executed.client("ada")
    assert "No Test Sentinel has validated this run" in sam.get(page).content.decode()
    with superuser() as admin:
        admin.execute("DROP INDEX public.idx_test_results_status")
    validate(person=executed.user("sam"))
    shown = ada.get(page).content.decode()
    assert "checks fail" in shown and "A Test Sentinel accepts each of them by name" in shown
    assert 'name="failure"' not in shown and "idx_test_results_status removed" in shown
    red = ada.get(page, {"show": "failed"}).content.decode()
    assert red.count('<details class="v7-fold">') == 2 and "42 of" not in red
    keys = [failure["evidence"] for failure in validation.open_failures(Run.objects.get())]
    assert ada.post(page, {"failure": keys, "reason": "x"}).status_code == 403
    assert sam.post(page, {"failure": keys, "reason": ""}).status_code == 400
    assert sam.post(page, {"failure": ["nonsense"], "reason": "x"}).status_code == 400
    assert sam.post(page, {"failure": keys, "reason": "Built <b>tonight</b>."}).status_code == 302
    shown = ada.get(page).content.decode()
    assert "each failure accepted by name" in shown and "Built &lt;b&gt;tonight&lt;/b&gt;." in shown
    assert ada.get(page, {"of": "nonsense"}).status_code == 404 and ada.get(page, {"show": "x"}).status_code == 200
    old = Validation.objects.latest("at")
    assert ada.get(page, {"of": str(old.pk)}).status_code == 200


def test_the_command_says_whether_it_counts(executed: World, no_proof: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("V7_PASSWORD", PASSWORD)
    text, code = commanded("v7_verify", "--as", "lena")
    assert code == 0 and "lena is no Test Sentinel" in text and not TestResult.objects.exists()
    text, code = commanded("v7_verify", "--as", "sam")
    assert code == 0 and "Validated by sam" in text and "/validation/" in text and TestResult.objects.exists()
    with superuser() as admin:
        admin.execute("DROP INDEX public.idx_test_results_status")
    document = json.loads(commanded("v7_verify", "--as", "sam", "--json")[0])
    assert {"name", "expected", "actual", "ok"} <= document["checks"][0].keys() and document["ok"] is False
    assert set(document["validation"]["open"]) == {"indexes", "shape of public.v7_test_results"}
    assert document["validation"]["recorded"] == len(document["checks"])


def commanded(*words: str) -> tuple[str, int]:
    """Run a command; return what it printed and its exit code."""
    out = StringIO()
    try:
        call_command(*words, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0
