"""Squawk's findings in the review: what is told, what is left out and why, and what happens when it cannot be asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from v7migration.postgres import script as scripts
from v7migration.postgres import squawk
from v7migration.settings import V7_SCRIPT

BACK = "\n-- Section 9: Rollback\n/*\n{}\n*/\n"


def linted(sql: str, **options: float) -> squawk.Linted:
    """Ask Squawk about a script after our own rules."""
    script = scripts.parse(sql.encode())
    return squawk.lint(script, scripts.problems(script), **options)  # type: ignore[arg-type]


def told(sql: str) -> set[tuple[str, str, int]]:
    """Return id, severity and line of what Squawk adds."""
    return {(p.id, p.severity, p.line) for p in linted(sql).problems}


def test_squawk_adds_what_our_rules_do_not_say_at_its_line() -> None:
    assert told("ALTER TABLE a\n  ADD COLUMN\n  b int;") == {("SQ-prefer-bigint-over-int", "advice", 3)}


def test_the_lines_are_exact_with_windows_line_ends_and_letters_of_several_bytes() -> None:
    sql = '-- ünïcödé 🎈\r\nCREATE TABLE "ä" (\r\n  b int\r\n);'
    assert told(sql) == {("SQ-prefer-bigint-over-int", "advice", 3)}


def test_what_stops_writers_of_a_table_that_was_there_must_be_accepted() -> None:
    assert ("SQ-require-concurrent-partition-detach", "accept", 1) in told("ALTER TABLE a DETACH PARTITION b;")
    found = {item[0] for item in told("ALTER TABLE a DETACH PARTITION b CONCURRENTLY;")}
    assert "SQ-require-concurrent-partition-detach" not in found


def test_what_our_rules_say_of_the_statement_is_not_said_twice() -> None:
    sql = "CREATE INDEX i\n  ON a (b);"
    assert "V7S211" in {p.id for p in scripts.problems_of(sql.encode())}
    assert told(sql) == set()


def test_a_serial_column_is_not_called_one_without_a_default() -> None:
    found = {item[0] for item in told("ALTER TABLE a ADD COLUMN b bigserial NOT NULL;")}
    assert "SQ-adding-required-field" not in found
    assert ("SQ-adding-required-field", "accept", 1) not in told("ALTER TABLE a ADD COLUMN b bigint NOT NULL;")


def test_a_table_that_the_script_makes_has_nobody_to_stop() -> None:
    made = "CREATE TABLE a (b bigint);\nCREATE INDEX i ON a (b);\nALTER TABLE a ADD CONSTRAINT c CHECK (b > 0);"
    assert told(made) == set()


def test_the_rollback_in_its_comment_is_not_read_as_something_that_happens() -> None:
    assert told("ALTER TABLE a ADD COLUMN b bigint;" + BACK.format("ALTER TABLE a DROP COLUMN b;")) == set()


def test_a_comment_in_the_script_cannot_silence_it() -> None:
    for comment in ("-- squawk-ignore-file", "-- squawk-ignore prefer-bigint-over-int"):
        assert ("SQ-prefer-bigint-over-int", "advice", 2) in told(f"{comment}\nALTER TABLE a ADD COLUMN b int;")


def test_what_is_left_out_is_counted_with_its_reason() -> None:
    found = linted("CREATE TABLE a (b bigint);").as_dict()
    assert found["left_out"] > 0
    assert "prefer-robust-stmts" in found["why_left_out"]


def test_the_products_own_script_has_nothing_of_squawks_to_accept() -> None:
    assert {p.severity for p in linted(V7_SCRIPT.read_text()).problems} == {"advice"}


@pytest.mark.parametrize(
    ("does", "says"),
    [("exit 3", "JSONDecodeError"), ("echo '{\"a\": 1}'", "TypeError"), ("echo '[1]'", "TypeError"),
     ("echo '[{\"rule_name\": \"x\"}]'", "KeyError"), ("sleep 5", "did not answer"), ("printf '\\377'", "failed")],
)  # fmt: skip
def test_a_squawk_that_fails_is_said_and_stops_nothing(does: str, says: str, tmp_path: Path) -> None:
    program = tmp_path / "squawk"
    program.write_text(f"#!/bin/sh\n{does}\n")
    program.chmod(0o755)
    script = scripts.parse(b"CREATE TABLE a (id int);")
    found = squawk.lint(script, [], program=program, seconds=1)
    assert found.problems == []
    assert says in found.note


def test_a_missing_squawk_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(squawk, "binary", lambda: None)
    assert "not installed" in linted("SELECT 1;").note
    found = squawk.lint(scripts.parse(b"SELECT 1;"), [], program=tmp_path / "nothing")
    assert "FileNotFoundError" in found.note
