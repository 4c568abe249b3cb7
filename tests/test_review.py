"""The review of a script beside a target and its rehearsal."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.world import World
from v7migration.errors import UsageError
from v7migration.ledger.models import Rehearsal
from v7migration.pipeline import findings, gatekeeper
from v7migration.pipeline.rehearse import rehearse
from v7migration.pipeline.review import review
from v7migration.postgres import script as scripts
from v7migration.templatetags.v7 import reviewed

BACK = "\n-- Section 9: Rollback\n/*\n{}\n*/\n"


def own() -> bytes:
    """Return the product's own script with the planning rows of now."""
    return gatekeeper.rendered_script(gatekeeper.source_bytes())


def named(document: dict[str, Any], *severities: str) -> list[tuple[str, int]]:
    """Return id and line of the findings of some severities."""
    return [(f["id"], f["line"]) for f in document["findings"] if f["severity"] in severities]


def test_of_the_products_own_script_a_person_accepts_only_the_triggers_on_file_audit(frozen: World) -> None:
    document = review(own(), own_script=True)
    text = own().decode().split("\n")
    assert document["verdict"] == "accept"
    assert document["rehearsal"] is not None
    assert {identifier for identifier, _ in named(document, "accept", "refuse")} == {"V7S216"}
    assert [text[line - 1].split()[:3] for _, line in named(document, "accept")] == [
        ["CREATE", "TRIGGER", name] for name in (
            "gate_1_fence", "gate_2_jump", "gate_4_history", "gate_4_history_made", "gate_4_history_lost",
            "gate_4_history_emptied",
        )
    ]  # fmt: skip


def test_while_a_run_of_ours_stands_its_own_objects_are_no_conflict(executed: World) -> None:
    assert "V7C001" not in {identifier for identifier, _ in named(review(own()), "refuse")}


def test_what_exists_already_is_named_with_its_shape(world: World) -> None:
    with world.owner() as connection:
        connection.execute("CREATE TABLE public.v7_test_results (id uuid, other text)")
    document = review(own(), own_script=True)
    finding = next(f for f in document["findings"] if f["id"] == "V7C001")
    assert document["verdict"] == "refuse"
    assert "another shape" in finding["message"]
    assert document["conflicts"] == ["public.v7_test_results"]


def test_what_a_rehearsal_of_exactly_these_bytes_saw_is_joined(world: World) -> None:
    slow = (
        "ALTER TABLE public.file_audit ADD COLUMN z_one integer;\n"
        "ALTER TABLE public.file_audit ADD COLUMN z_two uuid DEFAULT gen_random_uuid();"
        + BACK.format("ALTER TABLE public.file_audit DROP COLUMN IF EXISTS z_one, DROP COLUMN IF EXISTS z_two;")
    ).encode()
    assert review(slow)["rehearsal"] is None
    rehearsal = rehearse(content=slow, person="sam", own_script=False)
    assert rehearsal.ok, rehearsal.report["failures"]
    document = review(slow)
    assert document["rehearsal"] == str(rehearsal.pk)
    assert ("V7R002", 2) in named(document, "accept")
    assert ("V7R002", 1) not in named(document, "accept")
    changed = review(slow + b"\n")
    assert not [identifier for identifier, _ in named(changed, "accept") if identifier.startswith("V7R")]


def test_a_red_rehearsal_refuses_with_the_line_that_failed(world: World) -> None:
    wrong = b"CREATE TABLE public.z_one (id integer);\nALTER TABLE public.file_audit ADD CHECK (nothing > 0) NOT VALID;"
    back = BACK.format("DROP TABLE IF EXISTS public.z_one;").encode()
    assert not rehearse(content=wrong + back, person="sam", own_script=False).ok
    document = review(wrong + back)
    assert ("V7R001", 2) in named(document, "refuse")


def test_locks_and_dependents_of_a_report_become_findings_at_their_lines() -> None:
    script = scripts.parse(("ALTER TABLE x ADD COLUMN a int;" + BACK.format("ALTER TABLE x DROP COLUMN a;")).encode())
    lock = {"relation": "public.x", "mode": "AccessExclusiveLock", "milliseconds": 240.0, "line": 1, "step": "1.1"}
    account = {"line": 1, "milliseconds": 240.0, "locks": [lock], "rewrote": [], "scanned": ["public.x"]}
    report = {
        "locks": [{**lock, "rewrote": False, "scanned": True}],
        "steps": {"1.1": {"statements": [account]}},
        "dependents": {"target": [
            {"object": "view public.w", "depends_on": "column public.x.a", "effect": "stops the drop"}
        ]},
    }  # fmt: skip
    found = [(p.id, p.severity, p.line) for p in findings.rehearsed(script, report)]
    assert found == [("V7R003", "accept", 1), ("V7R004", "advice", 1), ("V7R005", "accept", 4)]
    report["steps"]["1.1"]["statements"][0]["milliseconds"] = 99.0  # type: ignore[index]
    report["locks"][0]["mode"] = "ShareUpdateExclusiveLock"  # type: ignore[index]
    assert [p.id for p in findings.rehearsed(script, report)] == ["V7R005"]


def test_the_frozen_findings_are_those_of_the_review(frozen: World) -> None:
    changeset = frozen.changeset()
    assert hashlib.sha256(own()).hexdigest() == changeset.script_id
    assert Rehearsal.objects.filter(script_id=changeset.script_id).exists()
    kept = {(f["id"], f["line"], f["severity"]) for f in gatekeeper.manifest(changeset)["findings"]}
    now = {(f["id"], f["line"], f["severity"]) for f in review(own())["findings"]}
    assert {item for item in kept ^ now if item[0] != "V7R004"} == set()


def test_the_key_of_a_finding_is_its_own_and_stays_when_other_lines_move(migrated: World) -> None:
    twice = "UPDATE x SET a = 1;\nUPDATE x SET a = 1;\n"
    sql = twice + "ALTER TABLE x ADD COLUMN b int DEFAULT random();\nUPDATE y SET b = 2;"
    moved = "-- more\n\n" + sql.replace("ALTER", "COMMENT ON TABLE z IS 'a';\n\nALTER") + BACK.format("SELECT 1;")

    def told(text: str) -> dict[str, tuple[str, str]]:
        document = findings.collect(text.encode(), document=None, rehearsal=None)
        rows = [f for f in document.findings if f["id"] in ("V7S205", "V7S221", "V7S224")]
        assert len({f["key"] for f in rows}) == len(rows) == 5
        return {f["key"]: (f["id"], f["message"]) for f in rows}

    assert told(sql) == told(moved)


def test_of_a_long_script_the_page_shows_the_lines_around_its_findings() -> None:
    note = {"id": "V7S205", "severity": "advice", "message": "rows change", "hint": ""}
    lines = [f"line {number}" for number in range(1, 30_001)]
    page = reviewed(lines, {20_000: [note], 29_999: [note]})
    assert page.count("rows change") == 2
    assert all(f"<code>line {number}</code>" in page for number in (1, 19_995, 20_005, 30_000))
    assert "<code>line 10000</code>" not in page and "19,989" not in page and "19989 lines without" in page
    assert reviewed(lines[:100], {}).count("<code>") == 100
    assert reviewed(lines, {number: [note] for number in range(1, 30_001)}).count("<code>") <= 10_000


def test_without_a_target_the_rest_of_the_review_stands(world: World, monkeypatch: Any) -> None:
    monkeypatch.setattr("v7migration.pipeline.review._target", lambda: None)
    document = review(own())
    assert document["conflicts"] is None
    assert {identifier for identifier, _ in named(document, "accept")} == {"V7S216"}


@pytest.mark.parametrize("command", ["v7_review", "v7_rehearse"])
def test_a_script_that_is_no_file_is_refused_and_not_waited_for(migrated: World, tmp_path: Path, command: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (tmp_path / "pipe", Path("/dev/zero"), tmp_path):
        with pytest.raises(UsageError, match=r"is not a file|Is a directory"):
            call_command(command, script=name)
