"""The gated run from end to end, without a browser."""

from __future__ import annotations

import pytest
from psycopg import sql

from approvals.gates import Subject
from approvals.selectors import signatures_of
from tests import outcome
from tests.cast import PASSWORD
from tests.world import World
from tracking import home
from tracking.models import File, GlobalImpact
from tracking.models.file import LEGACY_COLUMNS
from v7migration.errors import GateClosed, Refused, SignatureRefused
from v7migration.ledger.models import Incident
from v7migration.pipeline import sign
from v7migration.postgres import catalog


def snapshot(world: World) -> dict[str, object]:
    with world.owner() as connection:
        return catalog.snapshot(connection, exclude_schemas=())


def test_a_run_without_signatures_leaves_no_trace_in_the_target(frozen: World) -> None:
    before = snapshot(frozen)
    with pytest.raises(GateClosed) as closed:
        frozen.execute()
    assert [r for r in closed.value.reasons if "has not signed" in r] == [
        "Script reviewed: DB Team Lead has not signed.",
        "Rehearsal and rollback verified: Test Sentinel has not signed.",
        "Script review accepted and execution approved: The Architect has not signed.",
    ]
    assert snapshot(frozen) == before
    assert home.read() == home.PLANNING and home.is_open()


def test_a_signed_changeset_runs_and_the_documents_queries_give_what_the_document_expects(signed: World) -> None:
    run = signed.execute()
    assert run.state == "finished"
    found = {check["name"]: check["actual"] for check in run.report["document"]}
    assert found["2.2.1"] == "5 tables"
    assert found["2.2.2"] == "169 of 169 files"
    assert found["4.2"] == "8 / 12 / 3"
    assert found["4.3 phases"] == "7 phases"
    assert int(found["4.3 enums"]) > 0
    assert home.read() == home.LIVE


def test_an_impact_filed_before_the_run_stands_in_the_target_with_its_guardian_in_its_history(executed: World) -> None:
    impact = GlobalImpact.objects.get(affected_layers=[1])
    assert GlobalImpact.objects.db == "target"
    assert [row.history_user_id for row in impact.history.all()] == ["ada", "dana", "dana"]


def test_a_rollback_leads_back_to_the_catalogs_of_before(executed: World) -> None:
    done = executed.roll_back()
    assert done.report["as_before"], done.report["drift"]
    assert [check["actual"] for check in done.report["document"]] == ["0"]
    assert home.read() == home.PLANNING and home.is_open()
    impact = GlobalImpact.objects.using("default").get(affected_layers=[1])
    assert [row.history_user_id for row in impact.history.all()] == ["ada", "dana", "dana"]


def test_a_rollback_brings_every_row_and_version_home_and_leaves_file_audit_as_it_was(executed: World) -> None:
    legacy = sql.SQL(", ").join(map(sql.Identifier, LEGACY_COLUMNS))
    query = sql.SQL("SELECT {} FROM public.file_audit ORDER BY id").format(legacy)
    with executed.owner() as connection:
        files = connection.execute(query).fetchall()
    before = outcome.live_rows(executed)
    executed.roll_back()
    assert outcome.planning_rows() == before
    assert sum(rows for rows, _ in before.values()) > 40
    with executed.owner() as connection:
        assert connection.execute(query).fetchall() == files


def test_a_second_cycle_restores_the_file_values_of_the_first(executed: World) -> None:
    with home.writing(person="dana"):
        file = File.objects.order_by("pk").first()
        assert file is not None
        file.v7_target_name = "WF4_V7_L1_1of2_DomainModel.py"
        file.v7_database_enums = ['a "quoted" \\ value\n']
        file.save()
    executed.roll_back()
    executed.settle_incident(Incident.objects.get())
    executed.rehearse()
    executed.freeze()
    executed.sign_all()
    run = executed.execute()
    assert run.state == "finished"
    again = File.objects.get(pk=file.pk)
    assert again.v7_target_name == "WF4_V7_L1_1of2_DomainModel.py"
    assert again.v7_database_enums == ['a "quoted" \\ value\n']
    assert File.history.filter(id=file.pk).count() == 1


def test_a_finished_run_is_not_started_again(executed: World) -> None:
    with pytest.raises(Refused, match="was executed by run"):
        executed.execute()


def test_a_signature_cannot_be_revoked_once_the_run_has_ended(executed: World) -> None:
    signature = signatures_of(Subject("changeset", executed.changeset().digest)).first()
    assert signature is not None
    with pytest.raises(SignatureRefused, match="The run of this changeset has ended"):
        sign.revoke(signature=signature, person=signature.person, password=PASSWORD, reason="Too late")
