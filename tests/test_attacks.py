"""Attacks on the gate and on the records behind it: by the application's own role, by rank, by forged rows."""

from __future__ import annotations

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections

from approvals import gates
from approvals.models import Holding, Persona, Signature
from approvals.services import grant
from tests.cast import PASSWORD
from tests.environment import CLUSTER, url
from tests.world import World
from tracking import home, moving
from tracking.models import GlobalImpact, Phase
from v7migration.demo import cast, site
from v7migration.errors import AppendOnlyRefused, GateClosed, Refused, SignatureRefused, V7Error
from v7migration.ledger.models import Changeset, Event, Incident, Rehearsal, Run, Script, Snapshot
from v7migration.ledger.services import open_incident, remediate_incident
from v7migration.pipeline import gatekeeper, rollback, sign
from v7migration.postgres import export

RECORDS = (
    "approvals_signature", "approvals_signatory", "approvals_revocation", "approvals_signingattempt",
    "approvals_accountchange", "ledger_script", "ledger_snapshot", "ledger_rehearsal", "ledger_changeset",
    "ledger_event", "ledger_emergencystep",
)  # fmt: skip
KEPT = ("ledger_run", "ledger_runstep", "ledger_incident", "ledger_emergency")
FORBIDDEN = (psycopg.errors.InsufficientPrivilege, psycopg.errors.RestrictViolation)
SEATS = (("script-review", "lena"), ("rehearsal", "sam"), ("execution", "ada"))


def refused(connection: psycopg.Connection[Any], statement: str) -> bool:
    """Say whether the server refuses a statement for want of a right, or by a rule."""
    try:
        with connection.transaction():
            connection.execute(statement)
            raise psycopg.Rollback
    except (*FORBIDDEN, psycopg.errors.CheckViolation):
        return True
    return False


# -- records, as the application's role ------------------------------------------------------------------------


def test_the_web_role_changes_no_record_in_the_control_plane_by_any_statement(executed: World) -> None:
    attempts = []
    with executed.web("default") as web:
        for table in RECORDS:
            column = {"ledger_changeset": "digest", "ledger_script": "sha256"}.get(table, "id")
            attempts += [
                f"UPDATE {table} SET {column} = {column}",
                f"DELETE FROM {table}",
                f"TRUNCATE {table} CASCADE",
                f"ALTER TABLE {table} DISABLE TRIGGER ALL",
                f"DROP TRIGGER {table}_append_only ON {table}",
                f"DROP TABLE {table} CASCADE",
                f"MERGE INTO {table} t USING (SELECT 1) s ON true WHEN MATCHED THEN DELETE",
            ]
        for table in KEPT:
            attempts += [f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE", f"UPDATE {table} SET id = id"]
        attempts += [
            "INSERT INTO ledger_event (kind, actor, subject, payload) VALUES ('x', '', '', '{}')",
            "INSERT INTO approvals_accountchange (user_id, kind, detail) VALUES (1, 'x', '')",
            "UPDATE ledger_run SET operator = 'ada'",
            "UPDATE ledger_run SET changeset_id = changeset_id",
            "UPDATE ledger_run SET started_at = now()",
            "UPDATE ledger_runstep SET key = '9.9'",
            "UPDATE ledger_incident SET title = 'nothing happened'",
            "UPDATE phase_history SET status = 'completed'",
            "UPDATE django_migrations SET name = name",
            "SET session_replication_role = replica",
            "SET ROLE v7_control_owner",
            "SET SESSION AUTHORIZATION postgres",
            "CREATE TABLE public.mine (a int)",
            "CREATE SCHEMA mine",
            "CREATE OR REPLACE FUNCTION public.refuse_change_of_record() RETURNS trigger LANGUAGE sql AS ''",
            "COPY (SELECT 1) TO PROGRAM 'id'",
        ]
        assert [statement for statement in attempts if not refused(web, statement)] == []


def test_the_web_role_changes_neither_fence_nor_account_nor_schema_of_the_target(executed: World) -> None:
    attempts = [
        "UPDATE migration_gate.fence SET is_open = false",
        "DELETE FROM migration_gate.fence",
        "INSERT INTO migration_gate.run_ledger (run_id, step, attempt) VALUES (gen_random_uuid(), '1.1', 1)",
        "UPDATE migration_gate.run_ledger SET digest = ''",
        "DELETE FROM migration_gate.run_ledger",
        "TRUNCATE migration_gate.run_ledger",
        "UPDATE v7_history.phase_history SET status = 'completed'",
        "DELETE FROM v7_history.global_impact_history",
        "TRUNCATE v7_history.phase_history",
        "TRUNCATE public.v7_migration_workflow CASCADE",
        "UPDATE public.v7_migration_workflow SET status = 'completed'",
        "UPDATE public.file_audit SET file_path = file_path || 'x'",
        "DELETE FROM public.file_audit",
        "ALTER TABLE public.file_audit ADD COLUMN mine int",
        "ALTER TABLE public.v7_global_impacts DISABLE TRIGGER ALL",
        "CREATE TABLE public.mine (a int)",
        "CREATE TABLE v7_history.mine (a int)",
        "CREATE FUNCTION v7_monitoring.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'",
        "CREATE SCHEMA mine",
        "SET session_replication_role = replica",
        "SET ROLE v7_owner",
        "SET ROLE v7_runner",
    ]
    with executed.web("target") as web:
        assert [statement for statement in attempts if not refused(web, statement)] == []


def test_the_orm_changes_no_record_by_save_update_delete_or_in_bulk(signed: World) -> None:
    for model in (Script, Snapshot, Rehearsal, Changeset, Event, Signature):
        row, field = model.objects.all()[0], model._meta.pk.name
        value = {field: row.pk}
        for attempt in (
            row.save,
            row.delete,
            lambda m=model, v=value: m.objects.update(**v),
            lambda m=model: m.objects.all().delete(),
            lambda m=model, r=row, f=field: m.objects.bulk_update([r], [f]),
            lambda m=model: m._base_manager.all().delete(),
            lambda m=model, v=value: m._base_manager.filter(**v).update(**v),
            lambda m=model, r=row: m.objects.all()._raw_delete("default"),
        ):
            with pytest.raises((AppendOnlyRefused, TypeError, ValueError)):
                attempt()
        raw = f"DELETE FROM {model._meta.db_table} RETURNING *"
        with pytest.raises(Exception, match=r"append-only|permission denied"):
            list(model.objects.raw(raw))
        connections.close_all()


def test_no_transaction_leaves_both_fences_open(executed: World) -> None:
    with executed.web("default") as web:
        with pytest.raises(psycopg.errors.CheckViolation, match="may not be open"):
            web.execute("UPDATE migration_gate.fence SET is_open = true")
        assert web.execute("SELECT is_open, current_home FROM migration_gate.fence").fetchone() == (False, "live")
        for statement in ("DELETE FROM migration_gate.fence", "TRUNCATE migration_gate.fence"):
            assert refused(web, statement)
    assert executed.roll_back().report["as_before"]


# -- forged rows -----------------------------------------------------------------------------------------------


def _copy_signatures(world: World, source: Changeset, changes: str) -> None:
    with world.web("default") as web:
        for table, key in (("approvals_signatory", ""), ("approvals_signature", "id, ")):
            columns = [
                str(row[0])
                for row in web.execute(
                    "SELECT column_name FROM information_schema.columns WHERE table_name = %s AND column_name NOT IN "
                    "('id', 'subject_id', 'digest') ORDER BY 1", [table],
                ).fetchall()
            ]  # fmt: skip
            listed = ", ".join(columns)
            made, into = ("gen_random_uuid(), ", "id, digest, ") if key else ("", "")
            digest = f"{changes}, " if key else ""
            web.execute(
                f"INSERT INTO {table} ({into}subject_id, {listed}) "
                f"SELECT {made}{digest}%s, {listed} FROM {table} WHERE subject_id = %s",
                [world.changeset().digest, source.digest],
            )


@pytest.mark.parametrize(("digest", "reason"), [("digest", "signed something else"), ("%s", "not about this subject")])
def test_signatures_copied_onto_another_changeset_open_nothing(signed: World, digest: str, reason: str) -> None:
    first = signed.changeset()
    second = signed.freeze()
    _copy_signatures(signed, first, digest if digest == "digest" else f"'{second.digest}'")
    with pytest.raises(GateClosed, match=reason):
        signed.execute()
    assert not Run.objects.exists()


@pytest.mark.parametrize(
    ("column", "value"), [("author", "nobody"), ("expires_at", "2099-01-01"), ("nonce", "other"), ("number", "77")]
)
def test_a_changeset_row_that_says_other_than_its_manifest_is_not_what_was_signed(
    frozen: World, column: str, value: str
) -> None:
    with frozen.control_owner() as owner:  # past every trigger, as only an owner can
        owner.execute("ALTER TABLE ledger_changeset DISABLE TRIGGER USER")
        owner.execute(f"UPDATE ledger_changeset SET {column} = %s", [value])
    assert not gatekeeper.intact(frozen.changeset())
    with pytest.raises(SignatureRefused, match="does not match its digest"):
        frozen.sign("script-review", "lena")


def test_a_freeze_is_dated_by_the_database_so_that_no_account_changed_before_it(frozen: World) -> None:
    source = frozen.changeset()
    forged = Changeset.objects.create(
        digest="f" * 64, number=99, manifest="{}", script=source.script, source=source.source, snapshot=source.snapshot,
        rehearsal=source.rehearsal, author="sam", expires_at=source.expires_at, nonce="x", frozen_at="2099-01-01T0:00Z",
    )  # fmt: skip
    forged.refresh_from_db()
    assert forged.frozen_at.year < 2099


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE v7_global_impacts SET mitigation_strategy = 'DROP everything'",
        "INSERT INTO v7_global_impacts (change_type, impact_description) VALUES ('enum', 'late')",
        "DELETE FROM v7_global_impacts",
        "UPDATE v7_enum_migrations SET v7_enum_values = '{}'",
        "UPDATE v7_subworkflow_tasks SET responsible_persona = 'Conductor'",
        "UPDATE v7_migration_workflow SET deliverables = '{\"a\": 1}'",
    ],
)
def test_a_planning_row_changed_behind_the_applications_back_closes_the_gate(signed: World, statement: str) -> None:
    with signed.web("default") as web:
        web.execute(statement)
    with pytest.raises(GateClosed, match="Planning rows changed"):
        signed.execute()
    assert not Run.objects.exists()


# -- people ----------------------------------------------------------------------------------------------------


def test_whoever_froze_it_signs_for_nothing_but_the_script_review_under_no_name(frozen: World) -> None:
    """Not with another persona, not renamed, not with a persona that was there before the freeze."""
    lena = frozen.user("lena")
    grant(persona=gates.ARCHITECT, user=lena, by=None)
    changeset = frozen.freeze()
    for seat, name in SEATS[:2]:
        frozen.sign(seat, name) if name != "lena" else None
        if name == "lena":
            frozen.sign(seat, "lena")
    with pytest.raises(SignatureRefused, match="froze this changeset"):
        frozen.sign("execution", "lena")
    lena.username = "lena-the-second"
    lena.save()
    with pytest.raises(SignatureRefused, match="was changed"):
        sign.sign_changeset(
            changeset=changeset, seat="execution", person=lena, password=PASSWORD, decision="approved", reason="",
            shown_digest=changeset.digest,
        )  # fmt: skip


def test_rank_speaks_for_nobody_and_an_account_of_no_persona_neither(frozen: World) -> None:
    for name in ("root", "otto", "carl"):
        for seat, _ in SEATS:
            with pytest.raises(SignatureRefused, match="does not hold"):
                frozen.sign(seat, name)
    persona = Persona.objects.get(name=gates.DB_TEAM_LEAD)
    Holding.objects.bulk_create([Holding(persona=persona, user=frozen.user("root"), granted_by="root")])
    with pytest.raises(SignatureRefused, match="was changed"):
        frozen.sign("script-review", "root")
    assert not Signature.objects.exists()


def test_a_vacant_seat_a_foreign_seat_and_a_foreign_digest_take_no_signature(frozen: World) -> None:
    for seat, name, words in (
        ("execution", "ada", {}),
        ("rollback", "ada", {}),
        ("validation", "sam", {}),
        ("no-seat", "lena", {}),
        ("script-review", "lena", {"shown_digest": "0" * 64}),
        ("script-review", "lena", {"password": "wrong"}),
        ("script-review", "lena", {"decision": "rejected"}),
    ):
        with pytest.raises(V7Error):
            frozen.sign(seat, name, **words)
    assert not Signature.objects.exists()


# -- executing and rolling back without the right ----------------------------------------------------------------


def test_nobody_executes_with_fewer_than_three_signatures_or_as_somebody_else(frozen: World) -> None:
    for seat, name in SEATS:
        with pytest.raises(GateClosed):
            frozen.execute()
        frozen.sign(seat, name)
    for name in ("ada", "sam", "root", "carl", "otto"):
        with pytest.raises(Refused, match="does not hold"):
            frozen.execute(name)
    with pytest.raises(TypeError):
        gatekeeper.Authorization(frozen.changeset(), gates.Granted(()), object())
    with frozen.owner() as owner:
        assert owner.execute("SELECT to_regnamespace('migration_gate')").fetchone() == (None,)


def test_an_incident_that_was_over_before_the_run_finished_opens_no_way_back(executed: World) -> None:
    run = Run.objects.get()
    incident = open_incident(run=run, step="1.1", title="A step failed", detail={}, opened_by="lena")
    assert str(rollback.authorize(run=run, operator=executed.user("lena"))).startswith("incident")
    remediate_incident(incident=incident, actor="lena", root_cause="a lock", remediation="waited")
    with pytest.raises(GateClosed, match="has not signed"):
        rollback.authorize(run=run, operator=executed.user("lena"))
    for name in ("ada", "sam", "root"):
        with pytest.raises(Refused, match="does not hold"):
            rollback.authorize(run=run, operator=executed.user(name), incident="mine")
    assert Incident.objects.count() == 1


@pytest.mark.parametrize("where", ["rows", "target"])
def test_what_changes_between_the_check_and_the_first_commit_stops_the_run_without_a_trace(
    signed: World, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = moving.close_fence

    def late(connection: psycopg.Connection[Any]) -> None:
        """Change something after the gate was asked and before the fence is closed."""
        if where == "rows":
            with signed.web("default") as web:
                web.execute("UPDATE v7_global_impacts SET mitigation_strategy = 'late'")
        else:
            with signed.owner() as owner:
                owner.execute("CREATE TABLE public.late (a int)")
        right(connection)

    monkeypatch.setattr(moving, "close_fence", late)
    with pytest.raises(GateClosed, match="changed since the freeze"):
        signed.execute()
    with signed.owner() as owner:
        assert owner.execute("SELECT to_regnamespace('migration_gate')").fetchone() == (None,)
    assert home.is_open()


# -- secrets -----------------------------------------------------------------------------------------------------


def test_children_of_a_command_get_no_password_and_no_owners_address(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = ("V7_PASSWORD", "TARGET_RUNNER_URL", "DATABASE_OWNER_URL", "REHEARSAL_DATABASE_URL")
    for name in secrets:
        monkeypatch.setenv(name, "hush")
    assert not set(secrets) & set(site.web_environment())
    with psycopg.connect(url("runner")) as connection:
        conninfo, environment = export.described(connection)
        password = connection.info.password
    assert password not in conninfo and environment["PGPASSWORD"] == password
    assert "hush" not in environment.values()


def test_files_with_passwords_are_for_their_owner_only(tmp_path: Path, migrated: World) -> None:
    path = tmp_path / "demo" / "people.json"
    old = os.umask(0)
    try:
        cast._write(path, {"ada": "secret"})
    finally:
        os.umask(old)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for found in Path(os.environ["V7_STATE_DIR"]).rglob("*"):
        if found.is_file() and any(word in found.name for word in ("pass", "secret", "url", "role")):
            assert stat.S_IMODE(found.stat().st_mode) & 0o077 == 0, found


def test_evidence_and_logs_hold_no_password(executed: World) -> None:
    passwords = [
        PASSWORD,
        *(psycopg.conninfo.conninfo_to_dict(CLUSTER.url(n))["password"] for n in ("runner", "default")),
    ]
    call_command("v7_status", "--json")
    with executed.control_owner() as owner:
        tables = owner.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        for (table,) in tables:
            for row in owner.execute(f"SELECT t::text FROM public.{table} t"):
                assert not any(str(password) in str(row[0]) for password in passwords), table


# -- at once -----------------------------------------------------------------------------------------------------


def test_one_person_in_two_tabs_signs_once(frozen: World) -> None:
    clients = [frozen.client("lena") for _ in range(4)]
    barrier, digest = Barrier(4), frozen.changeset().digest
    url = f"/changesets/{digest}/sign/script-review/"
    form = {"decision": "approved", "password": PASSWORD, "shown_digest": digest, "reason": ""}

    def post(number: int) -> int:
        try:
            barrier.wait(timeout=20)
            return clients[number].post(url, form).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(post, range(4)))
    assert answers == [302, 403, 403, 403]
    assert Signature.objects.count() == 1
    assert Phase.objects.exists() and GlobalImpact.objects.exists()
