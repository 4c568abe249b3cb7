"""What nobody had foreseen: odd input, scripts of strangers, databases unlike the demo's."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from django.core.management import call_command

from tests import world as worlds
from tests.environment import CLUSTER
from tracking.models import EnumMigration, GlobalImpact
from v7migration.connections import PROJECT_DIR
from v7migration.errors import Refused
from v7migration.ledger.models import Run
from v7migration.pipeline import inventory
from v7migration.pipeline.rehearse import rehearse
from v7migration.postgres import script as scripts

IMPACT = {
    "change_type": "enum", "impact_description": "Types merge.", "risk_assessment": "low", "affected_layers": ["1"],
}  # fmt: skip


@pytest.mark.parametrize(
    "detail",
    [
        '{"n": 1e400}', '{"n": NaN}', '{"n": -Infinity}', r'{"s": "\u0000"}', r'{"s": "\\\u0000"}', r'{"s": "\ud800"}',
        '{"n": ' + "9" * 5_000 + "}", '{"a": ' + "[" * 50_000 + "]" * 50_000 + "}", "{not json", "[]",
    ],
)  # fmt: skip
def test_details_that_jsonb_cannot_keep_are_refused_by_the_form(world: worlds.World, detail: str) -> None:
    answer = world.client("dana").post("/impacts/new/", {**IMPACT, "change_detail": detail})
    assert answer.status_code in (200, 400)
    assert "change_detail" in answer.context["form"].errors
    assert not GlobalImpact.objects.exists()


@pytest.mark.parametrize("detail", [r'{"s": "\\u0000"}', r'{"s": "\\\\u0000 \ud83d\ude42 é"}', '{"n": 1.25}', ""])
def test_odd_details_that_jsonb_can_keep_are_kept(world: worlds.World, detail: str) -> None:
    answer = world.client("dana").post("/impacts/new/", {**IMPACT, "change_detail": detail})
    assert answer.status_code == 302
    assert GlobalImpact.objects.get().change_detail == json.loads(detail or "{}")


def test_a_runner_without_temporary_tables_is_refused_before_anything_is_touched(signed: worlds.World) -> None:
    with psycopg.connect(CLUSTER.url("superuser"), autocommit=True) as admin:
        admin.execute("REVOKE TEMPORARY ON DATABASE v7_target FROM PUBLIC, v7_owner")
    with pytest.raises(Refused) as refused:
        signed.execute()
    assert "temporary tables" in refused.value.message
    assert "GRANT TEMPORARY" in refused.value.next_step
    assert not Run.objects.exists()


def findings(sql: str) -> dict[str, str]:
    return {problem.id: problem.message for problem in scripts.problems_of(sql.encode())}


def test_a_partition_goes_with_its_table() -> None:
    script = (
        "CREATE TABLE p (a int, b text) PARTITION BY LIST (a);\nGRANT SELECT ON p TO b;\n"
        "CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (b);\n"
        "CREATE TABLE p1x PARTITION OF p1 DEFAULT;\nCREATE INDEX p1x_a ON p1x (a);\n"
        "-- Section 9: Rollback\n/*\n{}\n*/\n"
    )
    assert findings(script.format("DROP TABLE IF EXISTS p;")) == {}
    assert findings(script.format("DROP TABLE IF EXISTS p1;"))["V7S052"] == "the rollback leaves the table p"


def test_a_value_added_to_an_enum_type_is_named_as_final() -> None:
    assert "cannot take it out" in findings("ALTER TYPE mood ADD VALUE 'calm' BEFORE 'sad';")["V7S217"]
    assert "V7S217" not in findings("ALTER TYPE mood RENAME VALUE 'calm' TO 'quiet';")


def test_the_message_of_a_syntax_error_stands_on_one_line() -> None:
    problems = scripts.problems_of(b"CREATE TABLE a (x text DEFAULT 'open);\n\n" + b"y\n" * 1_000)
    assert problems[0].line == 1
    assert all("\n" not in problem.message and len(problem.message) < 250 for problem in problems)


OVER_AN_EXISTING = "CREATE TABLE IF NOT EXISTS public.file_audit (x int);\n-- Section 9: Rollback\n/*\nSELECT 1;\n*/\n"
PASSING_OVER = (
    "DROP VIEW IF EXISTS odd_v;\nCREATE TABLE odd_t (x int);\nCREATE INDEX odd_i ON odd_t (x);\n"
    "-- Section 9: Rollback\n/*\nDROP TABLE IF EXISTS odd_t;\nDROP INDEX IF EXISTS odd_i;\n*/\n"
)


def test_if_not_exists_over_an_existing_object_fails_the_rehearsal(world: worlds.World) -> None:
    found = rehearse(content=OVER_AN_EXISTING.encode(), person="sam", own_script=False)
    assert not found.ok
    failure = found.report["failures"][0]
    assert (failure["section"], failure["line"], failure["sqlstate"]) == (1, 1, "42P07")
    assert "already exists" in failure["message"]


def test_a_strangers_drop_if_exists_may_pass_over_what_is_not_there(world: worlds.World) -> None:
    found = rehearse(content=PASSING_OVER.encode(), person="sam", own_script=False)
    assert found.ok, found.report["failures"]


def test_a_script_that_cannot_be_read_is_a_red_rehearsal_with_its_place(
    world: worlds.World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "ü script.sql"
    script.write_text("-- Section 1: a\nCREATE TABLE a (x int);\n-- Section 3: c\n\nCREATE TABEL d (x int);\n")
    with pytest.raises(SystemExit) as left:
        call_command("v7_rehearse", script=script, json=True)
    assert left.value.code == 1
    document = json.loads(capsys.readouterr().out)
    assert not document["ok"]
    assert set(document["fingerprints"]) == {"before", "after", "back", "again"}
    failure = document["failures"][0]
    assert (failure["section"], failure["line"], failure["sqlstate"]) == (3, 5, "42601")
    assert "TABEL" in failure["message"]


@pytest.mark.parametrize(
    ("surroundings", "code", "words"),
    [
        ({"V7_STATE_DIR": "/proc/nowhere"}, 5, "V7_STATE_DIR"),
        ({"DATABASE_URL": "", "TARGET_DATABASE_URL": "", "V7_STATE_DIR": "/proc/nowhere"}, 5, "V7_STATE_DIR"),
        ({"V7_CHANGESET_DAYS": "soon"}, 2, "V7_CHANGESET_DAYS"),
        ({"DATABASE_URL": "s3cret"}, 2, "not one of PostgreSQL"),
        ({"DATABASE_URL": "postgresql://v7_web:s3cret@127.0.0.1:1/x"}, 5, "Connection refused"),
    ],
)
def test_surroundings_that_cannot_work_are_a_sentence(
    tmp_path: Path, surroundings: dict[str, str], code: int, words: str
) -> None:
    urls = {"DATABASE_URL": CLUSTER.url("default"), "TARGET_DATABASE_URL": CLUSTER.url("target")}
    environment = {**os.environ, **urls, "V7_STATE_DIR": str(tmp_path), **surroundings}
    ended = subprocess.run(
        [sys.executable, "manage.py", "v7_status"],
        cwd=PROJECT_DIR, env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ended.returncode == code, ended.stderr
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "s3cret" not in ended.stderr


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (lambda: CLUSTER.url("default"), "is no superuser of that server"),
        (lambda: "postgresql://postgres:x@127.0.0.1:1/postgres", "rehearsal server cannot be reached"),
        (lambda: "s3cret", "REHEARSAL_DATABASE_URL is not a PostgreSQL URL"),
    ],
)
def test_a_rehearsal_server_that_cannot_serve_is_refused_by_its_name(
    world: worlds.World, monkeypatch: pytest.MonkeyPatch, url: Callable[[], str], words: str
) -> None:
    monkeypatch.setenv("REHEARSAL_DATABASE_URL", url())
    with pytest.raises(Refused, match=words):
        rehearse(content=PASSING_OVER.encode(), person="sam", own_script=False)


def test_odd_labels_and_names_of_enum_types_are_accepted(world: worlds.World) -> None:
    labels = ["", "a'b", 'c"d', "new\nline", "🙂"]
    literals = ", ".join("'{}'".format(label.replace("'", "''")) for label in labels)
    with world.owner() as owner:
        for name in ('"q""uote"', '"Ü🙂"', '"two\nlines"', '"x.y"'):
            owner.execute(f"CREATE TYPE public.{name} AS ENUM ({literals})".encode())
    inventory.take(actor=world.actor("ada"))
    world.accept_groups()
    proposed = EnumMigration.objects.filter(current_enum_values=labels)
    assert proposed.count() == 3


def test_a_second_demo_is_refused_while_the_first_is_at_work(tmp_path: Path) -> None:
    urls = {"DATABASE_URL": CLUSTER.url("default"), "TARGET_DATABASE_URL": CLUSTER.url("target")}
    with (tmp_path / "demo.lock").open("w") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        ended = subprocess.run(
            [sys.executable, "manage.py", "v7_demo", "--no-serve"],
            cwd=PROJECT_DIR, env={**os.environ, **urls, "V7_STATE_DIR": str(tmp_path)},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
    assert ended.returncode == 5
    assert "Another v7_demo is at work" in ended.stderr
