"""Targets that are refused before anything is touched."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import psycopg
import pytest

from tests.cast import PASSWORD
from tests.environment import CLUSTER
from tests.world import World
from tracking.models import SubworkflowTask
from tracking.services import task_block
from v7migration.connections import PROJECT_DIR
from v7migration.errors import Refused
from v7migration.ledger.models import Run
from v7migration.postgres import catalog


def refusal(world: World) -> str:
    """Try to execute, and return the refusal; nothing may have changed."""
    with world.owner() as connection:
        before = catalog.snapshot(connection, exclude_schemas=())
    with pytest.raises(Refused) as refused:
        world.execute()
    with world.owner() as connection:
        assert catalog.snapshot(connection, exclude_schemas=()) == before
    assert not Run.objects.exists()
    assert refused.value.exit_code == 5
    assert refused.value.next_step
    return refused.value.message


def test_a_target_without_file_audit_is_refused(signed: World) -> None:
    with signed.owner() as connection:
        connection.execute("ALTER TABLE public.file_audit RENAME TO file_audit_before")
    assert "no table public.file_audit" in refusal(signed)


def test_a_target_with_leftover_objects_is_refused_by_name(signed: World) -> None:
    with signed.owner() as connection:
        connection.execute("CREATE TABLE public.v7_test_results (id integer)")
        connection.execute("ALTER TABLE public.file_audit ADD COLUMN v7_target_name text")
    message = refusal(signed)
    assert "public.v7_test_results" in message
    assert "public.file_audit.v7_target_name" in message


def test_a_read_only_target_is_refused(signed: World) -> None:
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
        admin.execute("ALTER DATABASE v7_target SET default_transaction_read_only = on")
    try:
        assert "read-only" in refusal(signed)
    finally:
        with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
            admin.execute("ALTER DATABASE v7_target RESET default_transaction_read_only")


def test_a_role_that_may_not_alter_file_audit_is_refused(signed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_RUNNER_URL", CLUSTER.url("target"))
    assert "may not alter public.file_audit" in refusal(signed)


def test_a_target_that_is_the_control_plane_is_refused(signed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_RUNNER_URL", CLUSTER.url("default"))
    assert "one database" in refusal(signed)


def test_a_runner_on_another_database_than_the_pages_is_refused(signed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
        admin.execute("DROP DATABASE IF EXISTS elsewhere WITH (FORCE)")
        admin.execute("CREATE DATABASE elsewhere TEMPLATE template_signed_v7_target OWNER v7_owner")
    monkeypatch.setenv("TARGET_RUNNER_URL", CLUSTER.url("runner").replace("/v7_target", "/elsewhere"))
    assert "TARGET_DATABASE_URL names v7_target" in refusal(signed)


def test_an_unreachable_target_is_refused(signed: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TARGET_RUNNER_URL", "postgresql://nobody@127.0.0.1:1/nowhere")
    assert "cannot be reached" in refusal(signed)


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "V7_PASSWORD": PASSWORD}
    return subprocess.run(
        [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments],
        env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def test_a_closed_gate_ends_the_command_with_3_and_names_who_and_what_is_missing(world: World) -> None:
    task = SubworkflowTask.objects.get(parent_phase__phase_number=4, task_number=2)
    task_block(task=task, actor=world.actor("lena"), reason="The reviewer is away.")
    world.rehearse_with_inventory()
    world.freeze()
    done = command("v7_execute", "--as", "lena", "--no-input", "--json")
    assert done.returncode == 3
    document = json.loads(done.stdout)
    assert document["open"] is False
    assert any("Task 2.1.2 Script Review and Validation is blocked" in reason for reason in document["reasons"])
    assert any("The Architect has not signed" in reason for reason in document["reasons"])
    assert "Traceback" not in done.stderr


def test_a_wrong_operator_and_a_missing_confirmation_are_refused_with_5(signed: World) -> None:
    wrong = command("v7_execute", "--as", "ada", "--no-input")
    assert (wrong.returncode, "does not hold DB Team Lead" in wrong.stderr) == (5, True)
    unconfirmed = command("v7_execute", "--as", "lena")
    assert (unconfirmed.returncode, "no terminal" in unconfirmed.stderr) == (5, True)
    assert not Run.objects.exists()


def test_django_never_migrates_the_target(world: World) -> None:
    done = command("migrate", "--database=target")
    assert done.returncode == 5
    assert "Django never migrates the target" in done.stderr
    with world.owner() as connection:
        assert connection.execute("SELECT to_regclass('public.django_migrations')").fetchone() == (None,)


def test_two_aliases_of_one_database_are_refused_by_migrate_and_by_check(world: World) -> None:
    environment = {**os.environ, "DATABASE_URL": CLUSTER.url("default"), "TARGET_DATABASE_URL": CLUSTER.url("default")}
    for arguments in (["migrate"], ["check"]):
        done = subprocess.run(
            [sys.executable, str(PROJECT_DIR / "manage.py"), *arguments],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode != 0
        assert "one database" in done.stderr


def test_a_web_role_that_cannot_read_file_audit_is_refused_with_the_grant_to_run(signed: World) -> None:
    with signed.owner() as connection:
        connection.execute("REVOKE SELECT ON public.file_audit FROM v7_web")
    assert "may not read public.file_audit" in refusal(signed)


def test_a_web_role_that_may_create_objects_in_the_target_is_refused(signed: World) -> None:
    with signed.owner() as connection:
        connection.execute("GRANT CREATE ON SCHEMA public TO v7_web")
    assert "could change its schema past the gate" in refusal(signed)


def test_the_gate_names_its_seats_even_before_anything_is_frozen(world: World) -> None:
    done = command("v7_gate", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["open"]) == (3, False)
    assert [seat["persona"] for seat in document["seats"]] == ["DB Team Lead", "Test Sentinel", "The Architect"]
