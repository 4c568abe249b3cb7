"""Squawk, a linter for locks and broken clients: run on the script's bytes, its findings told in our words.

It knows nothing of the runner, of steps or of what the script makes itself, so part of what it says is left out here,
each part with its reason (:data:`LEFT_OUT`), and what our own rules say of the same statement is not said twice. Where
it is missing, crashes, hangs or prints something else, the review says so and goes on.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sysconfig
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from v7migration.postgres.script import ACCEPT, ADVICE, Problem, Script, Section, Statement
from v7migration.postgres.script.objects import section_objects, tables_of

SECONDS = 30
LEFT_OUT = {
    "require-lock-timeout": "the runner sets lock_timeout for every step",
    "require-statement-timeout": "the runner sets statement_timeout for every step",
    "prefer-robust-stmts": "IF NOT EXISTS hides an object of another shape, and no step runs twice",
}
# What stops readers or writers of a table that was there before.
BLOCKING = frozenset({
    "adding-field-with-default", "adding-foreign-key-constraint", "adding-not-nullable-field", "adding-required-field",
    "adding-serial-primary-key-field", "changing-column-type", "constraint-missing-not-valid",
    "disallowed-unique-constraint", "require-concurrent-index-creation", "require-concurrent-index-deletion",
    "require-concurrent-partition-detach", "require-concurrent-reindex",
})  # fmt: skip
# Our own rules that say the same of a statement.
SAME = {
    "adding-field-with-default": {"V7S221"}, "adding-foreign-key-constraint": {"V7S213"},
    "adding-not-nullable-field": {"V7S212", "V7S222"}, "adding-required-field": {"V7S221", "V7S222"},
    "adding-serial-primary-key-field": {"V7S213", "V7S221"}, "ban-drop-column": {"V7S204", "V7S117"},
    "ban-drop-constraint": {"V7S204", "V7S117"}, "ban-drop-database": {"V7S112"},
    "ban-drop-table": {"V7S204", "V7S117"},
    "ban-drop-not-null": {"V7S212"}, "ban-truncate-cascade": {"V7S106"}, "changing-column-type": {"V7S212", "V7S228"},
    "constraint-missing-not-valid": {"V7S213"}, "disallowed-unique-constraint": {"V7S213"},
    "prefer-timestamp-tz": {"V7S306"}, "renaming-column": {"V7S207"}, "renaming-table": {"V7S207"},
    "require-concurrent-index-creation": {"V7S211"}, "require-concurrent-index-deletion": {"V7S204"},
    "require-concurrent-reindex": {"V7S211"}, "transaction-nesting": {"V7S101"},
    "ban-uncommitted-transaction": {"V7S101"},
}  # fmt: skip


@dataclass(frozen=True)
class Linted:
    """What Squawk found; ``note`` says why it found nothing when it could not be asked."""

    version: str = ""
    problems: list[Problem] = field(default_factory=list)
    note: str = ""
    left_out: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return version, number of findings, number of those left out with the reasons, and the note."""
        found = {"version": self.version, "findings": len(self.problems), "left_out": self.left_out, "note": self.note}
        return {**found, "why_left_out": LEFT_OUT}


def binary() -> Path | None:
    """Where the program is: beside the interpreter, or on the path; None when it is not installed."""
    beside = Path(sysconfig.get_path("scripts")) / "squawk"
    found = shutil.which(str(beside)) or shutil.which("squawk")
    return Path(found) if found else None


def lint(script: Script, ours: Iterable[Problem], *, program: Path | None = None, seconds: float = SECONDS) -> Linted:
    """Ask Squawk about a script.

    Args:
        script: as it was parsed; its section in comments is no text to Squawk, as it is none to psql.
        ours: what our own rules found.
        program: the program; None looks for it.
        seconds: how long it may take.

    Returns:
        Problems ``SQ-<rule>`` with exact lines: ``accept`` where readers or writers of a table that was there before
        are stopped, else ``advice``.
    """
    program = program or binary()
    if program is None:
        return Linted(note="Squawk is not installed: its findings are missing (requirements.txt names it).")
    try:
        found = json.loads(_output(program, script.content, seconds))
        rows = [(str(row["rule_name"]), int(row["line"]) + 1, str(row["message"]), row.get("help")) for row in found]
        version = _run([str(program), "--version"], b"", seconds).stdout.decode(errors="replace").strip()[:40]
    except subprocess.TimeoutExpired:
        return Linted(note=f"Squawk did not answer within {seconds:g} s: its findings are missing.")
    except (OSError, ValueError, KeyError, TypeError) as error:
        return Linted(note=f"Squawk failed or said something else than findings ({type(error).__name__}).")
    judged = _Judging(script, ours)
    problems = [problem for row in rows if (problem := judged.problem(*row)) is not None]
    return Linted(version, list(dict.fromkeys(problems)), left_out=judged.left_out)


def _output(program: Path, content: bytes, seconds: float) -> bytes:
    """What it prints as JSON. A comment in the script could silence it, so its own word is spelled otherwise."""
    heard = content.replace(b"squawk-ignore", b"squawk.ignore")
    return _run([str(program), "--reporter", "json", "--stdin-filepath", "script.sql"], heard, seconds).stdout


def _run(command: list[str], given: bytes, seconds: float) -> subprocess.CompletedProcess[bytes]:
    with tempfile.TemporaryDirectory(prefix="v7-squawk-") as place:  # no configuration of another project
        environment = {"HOME": place, "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}
        return subprocess.run(
            command, input=given, capture_output=True, timeout=seconds, cwd=place, env=environment, check=False
        )


class _Judging:
    """Turns rows of Squawk into problems of ours, or into nothing."""

    def __init__(self, script: Script, ours: Iterable[Problem]) -> None:
        sections = [*script.sections, *([script.population] if script.population else [])]
        self.placed = [(section, statement) for section in sections for statement in section.statements]
        self.made = {name for section in script.sections for kind, name in section_objects(section) if kind == "table"}
        self.at: dict[int, list[tuple[Section, Statement]]] = {}
        for section, statement in self.placed:
            for line in range(statement.line, _last(statement) + 1):
                self.at.setdefault(line, []).append((section, statement))
        self.ours: dict[str, set[int]] = {}
        for problem in ours:
            self.ours.setdefault(problem.id, set()).add(problem.line)
        self.left_out = 0

    def problem(self, rule: str, line: int, message: str, hint: str | None) -> Problem | None:
        """One row as a problem; None when it is left out, said already, or about the script's own tables."""
        around = self.at.get(line, [])
        section = around[0][0].number if around else None
        blocks = rule in BLOCKING
        if rule in LEFT_OUT or self._is_said(rule, line, around):
            self.left_out += 1
            return None
        if blocks and around and all(self._is_about_new(statement) for _, statement in around):
            self.left_out += 1
            return None
        words = " ".join(message.split())
        return Problem(f"SQ-{rule}", ACCEPT if blocks else ADVICE, section, line, words, " ".join((hint or "").split()))

    def _is_said(self, rule: str, line: int, around: list[tuple[Section, Statement]]) -> bool:
        lines = {line} | {number for _, item in around for number in range(item.line, _last(item) + 1)}
        return any(lines & self.ours.get(identifier, set()) for identifier in SAME.get(rule, ()))

    def _is_about_new(self, statement: Statement) -> bool:
        tables = tables_of(statement)
        return bool(tables) and tables[0] in self.made


def _last(statement: Statement) -> int:
    return statement.line + statement.text.count("\n")
