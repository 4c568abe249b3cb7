"""Each inventory is a commit: readable files, a difference to the last, and nobody's git settings in the way."""

from __future__ import annotations

import json
import os
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from psycopg.conninfo import make_conninfo

from tests.environment import SERVERS
from tests.world import World
from v7migration.ledger.models import Snapshot
from v7migration.pipeline import inventory
from v7migration.pipeline.inventory import repository, schema_snapshot
from v7migration.pipeline.inventory.archive import archive_inventory, folder_of
from v7migration.postgres.redaction import without_secrets

CLEAN = {"PATH": os.environ["PATH"], "HOME": os.devnull, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}


def git(place: Path, *words: str) -> str:
    """Run git as somebody who looks at the archive."""
    return subprocess.run(["git", *words], cwd=place, env=CLEAN, capture_output=True, text=True, check=True).stdout  # noqa: S607


def take(
    place: Path, *, name: str | None = None, world: World | None = None, only: str | None = None
) -> dict[str, Any]:
    actor = world.actor(name) if world and name else None
    found: dict[str, Any] = inventory.take(actor=actor, only=only, archive=place)[1]["archive"]
    assert "error" not in found, found
    return found


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the proof by a scratch database out: this is about the archive."""
    nothing = {"verified": True, "differences": [], "errors": [], "missing_extensions": [], "note": ""}
    monkeypatch.setattr(schema_snapshot, "_verified", lambda *_: nothing)


def snapshot_of(document: dict[str, Any], database: str = "shop") -> Snapshot:
    return Snapshot(
        database=database, system_identifier="7", target_name=f"{database} (here)", fingerprint="f" * 64,
        document={"format": 1, "server": 18, "objects": document},
    )  # fmt: skip


def keep(place: Path, document: dict[str, Any], **result: Any) -> dict[str, Any]:
    database = result.pop("database", "shop")
    return archive_inventory(snapshot_of(document, database), result, schema="-- schema\n", person="", place=place)


def test_an_inventory_is_a_commit_of_readable_files_by_the_person(world: World, quick: None, tmp_path: Path) -> None:
    found = take(tmp_path / "a", name="ada", world=world)
    assert found["changed"] and found["first"] and found["difference"] == []
    assert (
        git(tmp_path / "a", "log", "--format=%an <%ae> %H").strip() == f"Ada Test <ada@example.org> {found['commit']}"
    )
    names = git(tmp_path / "a", "ls-tree", "--name-only", "HEAD", f"{found['folder']}/").split()
    assert [Path(name).name for name in names] == [
        "baseline.json", "catalog.json", "dependencies.json", "enums.json", "files.json", "schema.sql",
    ]  # fmt: skip
    snapshot = Snapshot.objects.latest("taken_at")
    message = git(tmp_path / "a", "log", "--format=%B")
    assert snapshot.target_name in message and snapshot.fingerprint in message
    folder = tmp_path / "a" / found["folder"]
    assert json.loads((folder / "catalog.json").read_text()) == snapshot.document
    assert "CREATE TABLE public.file_audit" in (folder / "schema.sql").read_text()
    assert git(tmp_path / "a", "status", "--short") == ""


def test_an_unchanged_inventory_makes_no_commit_and_says_so(world: World, quick: None, tmp_path: Path) -> None:
    first = take(tmp_path)
    again = take(tmp_path)
    assert (again["changed"], again["commit"], again["last"]) == (False, None, first["commit"])
    assert "Unchanged since the last inventory" in again["statement"]
    assert git(tmp_path, "rev-list", "--count", "HEAD").strip() == "1"


def test_a_change_is_told_object_by_object(world: World, quick: None, tmp_path: Path) -> None:
    take(tmp_path)
    with world.owner() as owner:
        owner.execute("ALTER TABLE public.file_audit ADD COLUMN shelf text; CREATE TABLE public.shelves (id int)")
    found = take(tmp_path)
    assert found["difference"] == [
        "table public.file_audit: column shelf added",
        "table public.shelves added",
    ]
    assert {"path": f"{found['folder']}/schema.sql", "added": 2, "removed": 1}.keys() == found["files"][0].keys()
    lines = {Path(line["path"]).name: line for line in found["files"]}
    assert lines["schema.sql"]["added"] > 5 and lines["catalog.json"]["added"] > 3
    assert "column shelf added" in git(tmp_path, "log", "-1", "--format=%B")


def test_a_part_taken_alone_leaves_the_other_files_as_they_are(world: World, quick: None, tmp_path: Path) -> None:
    take(tmp_path)
    assert not take(tmp_path, only="dependencies")["changed"]
    measured = take(tmp_path, only="baseline")
    assert measured["changed"] and [Path(line["path"]).name for line in measured["files"]] == ["baseline.json"]


def test_values_that_move_by_themselves_make_no_commit(tmp_path: Path) -> None:
    document: dict[str, Any] = {"table public.x": {"parts": {}}}
    keep(tmp_path, document, enums={"types": [{"name": "a", "rows": 5}]}, baseline={"milliseconds_min": 1})
    again = keep(tmp_path, document, enums={"types": [{"name": "a", "rows": 6}]}, baseline={"milliseconds_min": 2})
    assert not again["changed"]
    other = keep(tmp_path, document, enums={"types": [{"name": "b", "rows": 6}]}, baseline={"milliseconds_min": 3})
    assert [Path(line["path"]).name for line in other["files"]] == ["baseline.json", "enums.json"]


@pytest.mark.parametrize("database", ["..", ".git", "a/b", "ünï code", 'x"; rm -rf', "-n", ":(top)", "*", "n\nl"])
def test_each_target_has_a_folder_of_its_own_whatever_its_name(tmp_path: Path, database: str) -> None:
    found = keep(tmp_path / "archive", {}, database=database)
    folder = tmp_path / "archive" / found["folder"]
    assert "error" not in found and folder.parent == tmp_path / "archive"
    assert (folder / "catalog.json").exists() and git(tmp_path / "archive", "status", "--short") == ""
    assert {path.name for path in tmp_path.iterdir()} == {"archive"}
    assert folder_of(snapshot_of({}, "a_b")) != folder_of(snapshot_of({}, "a/b"))


def test_hooks_filters_signatures_and_settings_of_the_repository_take_no_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, sentinel = tmp_path / "own", tmp_path / "ran"
    place.mkdir()
    git(place, "init", "--quiet")
    evil = f"touch {sentinel}; exit 1"
    for hook in (
        "pre-commit",
        "commit-msg",
        "post-commit",
        "reference-transaction",
        "post-index-change",
        "pre-auto-gc",
    ):
        path = place / ".git" / "hooks" / hook
        path.write_text(f"#!/bin/sh\n{evil}\n")
        path.chmod(0o755)
    for name, value in (
        ("commit.gpgSign", "true"), ("gpg.program", str(tmp_path / "no such")), ("core.fsmonitor", f"sh -c '{evil}'"),
        ("filter.evil.clean", evil), ("filter.evil.required", "true"), ("diff.external", evil),
        ("core.autocrlf", "true"), ("core.editor", evil), ("core.worktree", str(tmp_path / "elsewhere")),
    ):  # fmt: skip
        git(place, "config", name, value)
    (place / ".gitattributes").write_text("* filter=evil\n")
    (place / ".gitignore").write_text("*\n")
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "hijacked"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "hijacked"))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(place / ".git" / "hooks"))
    found = keep(place, {"table public.x": {"owner": "me"}})
    assert "error" not in found and not sentinel.exists() and not (tmp_path / "hijacked").exists()
    assert (place / found["folder"] / "catalog.json").read_text().count("\r") == 0
    blob = git(place, "cat-file", "blob", f"HEAD:{found['folder']}/schema.sql")
    assert blob == "-- schema\n"


def test_what_is_staged_in_the_repository_stays_staged_and_out_of_our_commit(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / "mine.txt").write_text("mine\n")
    git(tmp_path, "add", "mine.txt")
    keep(tmp_path, {})
    assert git(tmp_path, "status", "--short").strip() == "A  mine.txt"
    assert "mine.txt" not in git(tmp_path, "ls-tree", "-r", "--name-only", "HEAD")


def test_a_link_in_the_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    place, outside = tmp_path / "archive", tmp_path / "outside"
    git(tmp_path, "init", "--quiet", "archive")
    outside.mkdir()
    (place / folder_of(snapshot_of({}))).symlink_to(outside)
    found = keep(place, {})
    assert "is not a folder" in found["error"] and list(outside.iterdir()) == []


def test_two_inventories_at_once_are_two_commits(tmp_path: Path) -> None:
    def work(number: int) -> dict[str, Any]:
        return keep(tmp_path / "archive", {f"table public.t{number}": {"owner": "me"}}, database=f"shop{number % 3}")

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(work, range(16)))
    assert [entry.get("error") for entry in found] == [None] * 16
    commits = {entry["commit"] for entry in found if entry["changed"]}
    assert git(tmp_path / "archive", "rev-list", "--count", "HEAD").strip() == str(len(commits)) == "16"
    assert git(tmp_path / "archive", "fsck", "--strict") == "" and git(tmp_path / "archive", "status", "--short") == ""


def test_a_commit_that_somebody_else_makes_meanwhile_is_built_upon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, {})
    real = repository.Repository._tree

    def late(self: repository.Repository, head: str | None, entries: bytes) -> str:
        monkeypatch.setattr(repository.Repository, "_tree", real)
        git(self.place, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-q", "--allow-empty", "-m", "theirs")
        return real(self, head, entries)

    monkeypatch.setattr(repository.Repository, "_tree", late)
    found = keep(tmp_path, {"table public.x": {}})
    assert git(tmp_path, "log", "--format=%s").splitlines()[1] == "theirs" and found["changed"]


def test_without_git_the_inventory_is_done_and_says_what_to_install(
    world: World, quick: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    result = inventory.take(actor=None, only="snapshot", archive=tmp_path / "a")[1]
    assert result["fingerprint"] and not result["snapshot"]["archived"]
    assert (result["archive"]["commit"], result["archive"]["changed"]) == (None, None)
    assert "git is not installed" in result["archive"]["error"] and "Install git" in result["archive"]["next_step"]
    assert "Not archived" in result["archive"]["statement"]


def test_a_place_that_is_no_repository_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    found = keep(tmp_path, {})
    assert "no repository" in found["error"] and "git init" in found["next_step"]
    (tmp_path / "file").write_text("")
    assert "cannot be written" in keep(tmp_path / "file", {})["error"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "notes.txt"]


def test_a_folder_without_a_name_is_refused_and_not_taken_for_the_folder_that_one_is_in() -> None:
    with pytest.raises(CommandError, match="the name of the folder is empty"):
        call_command("v7_inventory", "--archive", "")


def test_a_bare_repository_takes_commits(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "a.git")
    assert keep(tmp_path / "a.git", {})["changed"]
    assert keep(tmp_path / "a.git", {"table public.x": {}})["difference"] == ["table public.x added"]


def test_the_last_archived_document_may_be_spoilt(tmp_path: Path) -> None:
    found = keep(tmp_path, {})
    (tmp_path / found["folder"] / "catalog.json").write_text("{")
    git(tmp_path, "-c", "user.name=x", "-c", "user.email=x@y", "commit", "-qam", "spoilt")
    found = keep(tmp_path, {"table public.x": {}})
    assert found["changed"] and "cannot be read" in found["difference"][0]


def test_no_secret_of_a_database_reaches_the_archive(world: World, quick: None, tmp_path: Path) -> None:
    with psycopg.connect(
        make_conninfo(SERVERS["v7_target"].url("superuser"), dbname="v7_target"), autocommit=True
    ) as admin:
        for statement in (
            "CREATE FOREIGN DATA WRAPPER far; GRANT USAGE ON FOREIGN DATA WRAPPER far TO v7_owner",
            "CREATE SERVER away FOREIGN DATA WRAPPER far OPTIONS (host 'h', password 'hush1')",
            "ALTER SERVER away OWNER TO v7_owner",
            "CREATE USER MAPPING FOR v7_owner SERVER away OPTIONS (\"user\" 'bob', password 'hu''sh2)')",
            "COMMENT ON TABLE public.file_audit IS 'copied from postgresql://bob:hush3@far.example/x'",
            "CREATE FUNCTION public.pull() RETURNS text LANGUAGE sql AS "
            "$$ SELECT 'host=far user=bob password=hush4 dbname=x' || 'password=hush5 host=far' $$",
        ):
            admin.execute(statement.encode())
    found = take(tmp_path)
    everything = git(tmp_path, "log", "-p", "--format=%B")
    assert "CREATE USER MAPPING FOR v7_owner SERVER away;" in everything and "CREATE SERVER away" in everything
    assert [word for word in ("hush1", "hush3", "hush4", "hush5", "hu''sh2", "hush2") if word in everything] == []
    assert found["changed"]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TABLE public.users (\n    id integer NOT NULL,\n    password text DEFAULT 1,\n    token uuid\n);\n",
        "UPDATE users SET password = new.password WHERE host = h;",
        "COMMENT ON COLUMN a.password IS 'see http://example.org/a:b@c';",
        '"default": "\'x\'::text", "password": 1',
    ],
)
def test_what_is_no_secret_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text
