"""The rehearsal: every prefix of the steps leads back, locks are seen, a broken script is told what it would leave."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests import world as worlds
from tests.environment import CLUSTER
from v7migration.errors import GateClosed
from v7migration.ledger.models import Rehearsal
from v7migration.pipeline import gatekeeper, sign
from v7migration.pipeline import rehearse as stage
from v7migration.pipeline.target import observe
from v7migration.postgres import locks, synthetic
from v7migration.postgres.script import parse
from v7migration.postgres.script.way_back import never_made

FILE = "public.file_audit"
GOOD = (
    "-- Section 1: Table\n-- Step 1.1: make it\nCREATE TABLE notes (id int PRIMARY KEY, text text);\n"
    "-- Step 1.2: index it\nCREATE INDEX CONCURRENTLY notes_text ON notes (text);\n"
    "-- Section 2: Column\n-- Step 2.1: add it\nALTER TABLE file_audit ADD COLUMN note text;\n"
    "-- Section 9: Rollback\n/*\nALTER TABLE file_audit DROP COLUMN IF EXISTS note;\nDROP TABLE IF EXISTS notes;\n*/\n"
)


@pytest.fixture(autouse=True)
def scratch_server_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rehearse on the tests' own server: no other one has to be started."""
    monkeypatch.setenv("REHEARSAL_DATABASE_URL", CLUSTER.url("superuser"))


@pytest.fixture(autouse=True)
def no_scratch_database_is_left(scratch_server_is_ours: None) -> Iterator[None]:
    yield
    with psycopg.connect(CLUSTER.url("superuser")) as admin:
        rows = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE 'rehearsal%'").fetchall()
    assert rows == []


def rehearsed(script: str, *, own_script: bool = False) -> Rehearsal:
    return stage.rehearse(content=script.encode(), person="sam", own_script=own_script)


def only_failure(script: str) -> dict[str, Any]:
    found = rehearsed(script)
    assert not found.ok
    (failure,) = found.report["failures"]
    return dict(failure)


def test_the_products_script_leads_back_after_every_step(frozen: worlds.World) -> None:
    report = frozen.changeset().rehearsal.report
    script = parse(bytes(frozen.changeset().script.content))
    parts = [part for part in (*script.sections, script.population) if part is not None]
    steps = [step.key for part in parts for step in part.steps]
    prefixes = report["prefixes"]
    assert prefixes["total"] == prefixes["ok"] == len(steps) > 30
    assert {entry["after"] for entry in prefixes["steps"]} == set(report["steps"]) == set(steps)
    assert {"7.2", "10.1"} <= set(steps)
    assert report["dependents"] == {"target": [], "forward": []}
    assert [stage["name"] for stage in report["stages"]][:2] == ["forward", "every prefix back"]


def test_the_products_script_locks_file_audit_shortly_and_scans_it_under_a_weak_lock_only(frozen: worlds.World) -> None:
    report = frozen.changeset().rehearsal.report
    assert {lock["relation"] for lock in report["locks"]} == {FILE}
    by_line = {lock["step"]: lock for lock in reversed(report["locks"])}
    assert by_line["2.1"]["mode"] == "AccessExclusiveLock"
    assert (by_line["2.4"]["mode"], by_line["2.4"]["scanned"]) == ("ShareUpdateExclusiveLock", True)
    assert (by_line["7.2"]["mode"], by_line["7.2"]["source"]) == ("ShareUpdateExclusiveLock", "documented")
    assert not any(lock["rewrote"] for lock in report["locks"])
    strong = [lock for lock in report["locks"] if lock["mode"] == "AccessExclusiveLock"]
    assert not any(lock["scanned"] for lock in strong)
    ranks = [locks.strength(lock["mode"]) for lock in report["locks"]]
    assert ranks == sorted(ranks, reverse=True)


def test_a_strangers_script_is_rehearsed_at_every_prefix_its_concurrent_index_included(world: worlds.World) -> None:
    found = rehearsed(GOOD)
    assert found.ok, found.report["failures"]
    assert [entry["after"] for entry in found.report["prefixes"]["steps"]] == ["1.1", "1.2", "2.1"]
    assert found.report["fingerprints"]["before"] == found.report["fingerprints"]["back"]


def test_a_script_that_can_only_be_taken_back_as_a_whole_fails_at_its_prefix(world: worlds.World) -> None:
    script = GOOD.replace("DROP TABLE IF EXISTS notes;", "ALTER TABLE notes DROP COLUMN text;\nDROP TABLE notes;")
    script = script.replace(
        "-- Step 1.1: make it\n", "-- Step 1.1: first\nCREATE TABLE early ();\n-- Step 1.2: make it\n"
    )
    script = script.replace("-- Step 1.2: index it", "-- Step 1.3: index it")
    script = script.replace("DROP TABLE notes;", "DROP TABLE notes;\nDROP TABLE early;")
    found = rehearsed(script)
    assert not found.ok
    prefixes = found.report["prefixes"]
    assert (prefixes["ok"], prefixes["total"]) == (3, 4)
    (failure,) = found.report["failures"]
    assert failure["message"] == 'after step 1.1 the rollback fails: relation "notes" does not exist'
    assert (failure["section"], failure["sqlstate"], failure["line"]) == (9, "42P01", 14)


def test_a_prefix_whose_way_back_leaves_something_names_it(world: worlds.World) -> None:
    script = GOOD.replace("-- Step 1.2: index it", "-- Step 1.2: extra\nCREATE TABLE extra ();\n-- Step 1.3: index it")
    script = script.replace("-- Step 2.1: add it\n", "-- Step 2.1: add it\nDROP TABLE extra;\n")
    found = rehearsed(script)
    assert [entry["after"] for entry in found.report["prefixes"]["steps"] if not entry["ok"]] == ["1.2", "1.3"]
    assert [failure["leaves"] for failure in found.report["failures"]] == [["table public.extra added"]] * 2


def test_a_step_that_fails_is_located_with_what_the_rollback_from_there_leaves(world: worlds.World) -> None:
    script = GOOD.replace("ADD COLUMN note text", "ADD COLUMN id text").replace("DROP TABLE IF EXISTS notes;\n", "")
    failure = only_failure(script)
    assert (failure["section"], failure["line"], failure["sqlstate"]) == (2, 8, "42701")
    assert failure["message"] == 'column "id" of relation "file_audit" already exists'
    assert failure["leaves"] == ["table public.notes added"]
    assert failure["rollback"] == ""


def test_a_step_that_fails_leaves_nothing_when_the_rollback_works_from_there(world: worlds.World) -> None:
    failure = only_failure(GOOD.replace("ADD COLUMN note text", "ADD COLUMN note nonsense"))
    assert (failure["sqlstate"], failure["leaves"], failure["rollback"]) == ("42704", [], "")


def test_a_rollback_that_fails_from_a_failed_step_gives_its_own_error_too(world: worlds.World) -> None:
    script = GOOD.replace("ADD COLUMN note text", "ADD COLUMN note nonsense").replace("IF EXISTS note;", "note;")
    failure = only_failure(script)
    assert failure["sqlstate"] == "42704"
    assert failure["rollback"].startswith("the rollback fails too: line 11: ")
    assert "[42703]" in failure["rollback"]
    assert failure["leaves"] == ["table public.notes added"]


def test_a_script_without_a_rollback_is_told_what_it_would_leave(world: worlds.World) -> None:
    failure = only_failure("CREATE TABLE notes (id int);\nCREATE VIEW note AS SELECT id FROM notes;\n")
    assert failure["section"] == 9
    assert failure["line"] == 3
    assert failure["leaves"] == ["table public.notes added", "view public.note added"]
    assert "there is no rollback" in failure["message"]
    assert "table public.notes added; view public.note added" in failure["message"]


STRANGE = {
    "no sections, a failing statement": ("CREATE TABLE a (x int);\n\nSELECT 1/0;\n", (1, 3, "22012")),
    "a missing table": ("\n\nALTER TABLE nowhere ADD COLUMN x int;\n", (1, 3, "42P01")),
    "a missing extension": ("CREATE EXTENSION no_such_extension;\n", (1, 1, "0A000")),
    "a right the runner lacks": ("ALTER ROLE v7_web SUPERUSER;\n", (1, 1, "42501")),
    "an end of the transaction": ("CREATE TABLE a (x int);\nCOMMIT;\n", (1, 2, "25000")),
    "a step that rolls itself back": ("CREATE TABLE a (x int);\nROLLBACK;\n", (1, 2, "25000")),
    "a constraint that fails at COMMIT": (
        "CREATE TABLE a (x int PRIMARY KEY);\nCREATE TABLE b (x int REFERENCES a DEFERRABLE INITIALLY DEFERRED);\n"
        "INSERT INTO b VALUES (1);\n",
        (1, 1, "23503"),
    ),
    "an index over duplicates, built concurrently": (
        "CREATE TABLE a AS SELECT 1 AS x FROM generate_series(1, 2);\n-- Step 1.2: index\n"
        "CREATE UNIQUE INDEX CONCURRENTLY a_x ON a (x);\n",
        (1, 3, "23505"),
    ),
    "names that look like SQL": (
        'CREATE TABLE "x""; DROP TABLE y; --" (a int);\nSELECT * FROM nothing;\n',
        (1, 2, "42P01"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STRANGE)
def test_a_strange_script_gets_the_servers_error_with_its_place(world: worlds.World, case: str) -> None:
    script, place = STRANGE[case]
    failure = only_failure(script)
    assert (failure["section"], failure["line"], failure["sqlstate"]) == place
    assert failure["message"]
    assert failure["rollback"] == "there is no rollback"


def test_a_script_whose_rollback_does_not_bring_the_rows_back_is_red(world: worlds.World) -> None:
    forward = "ALTER TABLE file_audit ADD COLUMN note text;\nUPDATE file_audit SET notes = 'overwritten';\n"
    failure = only_failure(GOOD.replace("ALTER TABLE file_audit ADD COLUMN note text;\n", forward))
    assert failure["message"] == "after back the rows of file_audit are not as they were at the start"


def test_the_rows_of_file_audit_are_compared_forward_and_back(frozen: worlds.World) -> None:
    content = frozen.changeset().rehearsal.report["content"]
    assert content["start"]["rows"] == 169
    assert content["start"] == content["forward"] == content["back"]


def test_a_target_without_file_audit_is_rehearsed_too(migrated: worlds.World) -> None:
    script = "CREATE TABLE notes (id int);\n-- Section 9: Rollback\n/*\nDROP TABLE IF EXISTS notes;\n*/\n"
    found = rehearsed(script)
    assert found.ok, found.report["failures"]
    assert (found.report["sample"]["how"], found.report["sample"]["estimate"]) == ("none", None)


def test_an_empty_file_audit_is_rehearsed_with_rows_that_are_made_up(world: worlds.World) -> None:
    with world.owner() as owner:
        owner.execute("TRUNCATE file_audit CASCADE")
    world.rehearse_with_inventory()
    sample = Rehearsal.objects.latest("finished_at").report["sample"]
    assert (sample["how"], sample["estimate"], sample["refused"]) == ("synthetic", 0, {})
    assert sample["rows"] == synthetic.ROWS


LOCKS = {
    "ALTER TABLE file_audit ADD COLUMN n int;": ("AccessExclusiveLock", False, False),
    "ALTER TABLE file_audit ADD COLUMN n float8 DEFAULT random();": ("AccessExclusiveLock", True, True),
    "ALTER TABLE file_audit ADD CHECK (id > 0);": ("AccessExclusiveLock", False, True),
    "CREATE INDEX n ON file_audit (notes);": ("ShareLock", False, True),
    "CREATE VIEW n AS SELECT id FROM file_audit;": ("AccessShareLock", False, False),
    "UPDATE file_audit SET notes = notes;": ("RowExclusiveLock", False, True),
}


@pytest.mark.parametrize("statement", LOCKS)
def test_a_statement_is_told_with_the_lock_it_takes_and_what_it_does_to_the_table(
    world: worlds.World, statement: str
) -> None:
    found = rehearsed(statement)
    (lock,) = (lock for lock in found.report["locks"] if lock["relation"] == FILE)
    assert (lock["mode"], lock["rewrote"], lock["scanned"]) == LOCKS[statement]
    assert lock["source"] == "observed"


def test_a_statement_is_not_charged_with_the_locks_and_scans_of_the_one_before(world: worlds.World) -> None:
    comment = "COMMENT ON TABLE file_audit IS 'x';\n"
    found = rehearsed("SELECT count(*) FROM file_audit;\nSELECT 1;\n-- Step 1.2: again\n" + comment)
    accounts = [account for step in found.report["steps"].values() for account in step["statements"]]
    assert [account["scanned"] for account in accounts] == [[FILE], [], []]
    assert [len(account["locks"]) for account in accounts] == [1, 0, 1]


def test_what_hangs_in_the_target_on_what_section_9_drops_is_reported(world: worlds.World) -> None:
    with world.owner() as owner:
        owner.execute("CREATE VIEW public.report AS SELECT notes FROM file_audit")
    script = "SELECT 1;\n-- Section 9: Rollback\n/*\nALTER TABLE file_audit DROP COLUMN IF EXISTS notes;\n*/\n"
    report = rehearsed(script).report
    entry = {
        "object": "view public.report", "depends_on": "column public.file_audit.notes", "kind": "view",
        "effect": "stops the drop",
    }  # fmt: skip
    assert report["dependents"] == {"target": [entry], "forward": [entry]}


def test_the_rule_about_missing_objects_forgives_only_what_no_executed_step_made() -> None:
    script = parse(GOOD.encode())
    nothing, first = never_made(script, set()), never_made(script, {"1.1"})
    assert nothing('table "notes" does not exist, skipping')
    assert not first('table "notes" does not exist, skipping')
    assert first('column "note" of relation "file_audit" does not exist, skipping')
    assert not never_made(script, {"2.1"})('column "note" of relation "file_audit" does not exist, skipping')
    made = b"-- Section 1: x\nCREATE SCHEMA s;\nCREATE FUNCTION s.f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
    later = never_made(parse(made), {"1.1"})
    assert later("function s.g(pg_catalog.int4) does not exist, skipping")
    assert not later("function s.f(pg_catalog.int4) does not exist, skipping")
    assert not later('schema "s" does not exist, skipping')


def test_a_rehearsal_without_the_documents_checks_cannot_be_frozen(frozen: worlds.World) -> None:
    content = gatekeeper.rendered_script(gatekeeper.source_bytes()) + b"-- other bytes\n"
    assert stage.rehearse(content=content, person="sam", own_script=False).ok
    with frozen.runner() as connection, pytest.raises(GateClosed, match="no rehearsal of exactly these bytes"):
        sign._green_rehearsal(content, observe(connection))


def test_the_command_prints_and_tells_in_json_what_was_proved(
    world: worlds.World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    script = tmp_path / "script.sql"
    script.write_text(GOOD)
    call_command("v7_rehearse", script=script, json=True)
    said = capsys.readouterr()
    document = json.loads(said.out)
    assert (document["prefixes"]["ok"], document["prefixes"]["total"]) == (3, 3)
    assert document["sample"]["how"] == "sampled"
    assert [lock["relation"] for lock in document["locks"]] == [FILE]
    assert document["dependents"] == {"target": [], "forward": []}
    assert "back after each step: 3 of 3 lead to the start" in said.err
    assert "AccessExclusiveLock on public.file_audit" in said.err


def test_the_changesets_page_shows_prefixes_locks_sample_and_statements(frozen: worlds.World) -> None:
    page = frozen.client("sam").get(f"/changesets/{frozen.changeset().digest}/").content.decode()
    assert "37 of 37 lead back to the start" in page
    assert "AccessExclusiveLock" in page
    assert "by the manual" in page
    assert "169 sampled of about 169 in the target" in page
    assert "No object of others depends on what Section 9 drops." in page
    assert page.count("Statements of step") == 37


def test_the_page_of_an_older_rehearsal_is_shown_without_what_it_did_not_look_at(frozen: worlds.World) -> None:
    report = frozen.changeset().rehearsal.report
    for key in ("prefixes", "locks", "sample", "dependents"):
        del report[key]
    url = make_conninfo(CLUSTER.url("superuser"), dbname="v7_control")
    with psycopg.connect(url, autocommit=True) as owner:
        owner.execute("ALTER TABLE ledger_rehearsal DISABLE TRIGGER ALL")
        owner.execute(sql.SQL("UPDATE ledger_rehearsal SET report = {}").format(sql.Literal(json.dumps(report))))
    answer = frozen.client("sam").get(f"/changesets/{frozen.changeset().digest}/")
    assert answer.status_code == 200
    assert "lead back to the start" not in answer.content.decode()
