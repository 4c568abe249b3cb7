"""How commands print runs and checks for people."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from v7migration.pipeline.document import CHAPTERS, Line
from v7migration.postgres.script import Section, Step

Say = Callable[[str], None]
WIDE = 150
"""Columns of a table that goes to no terminal."""
LONG = 1.0
"""Seconds after which a statement's wait is worth showing."""


def print_checks(say: Say, checks: Iterable[dict[str, Any]]) -> None:
    """Print checks; the document's queries word for word with their result and expectation."""
    for check in checks:
        mark = "✓" if check["ok"] else "✗"
        if not check["sql"]:
            say(f"{mark} {check['title']}: {check['actual']}")
            continue
        say("")
        say(f"{mark} {check['name']}  {check['title']}")
        for line in check["sql"].strip("\n").splitlines():
            say(f"    {line}")
        for row in check["rows"]:
            say("    → " + " | ".join(row))
        say(f"    expected: {check['expected']}; found: {check['actual']}")
        if check.get("note"):
            say(f"    ({check['note']})")


def print_document(console: Console, lines: Iterable[Line]) -> None:
    """Print the phase document line by line: what it says, and the evidence with person and time."""
    table = Table("", "Line of the document", "Evidence", box=SIMPLE_HEAD, pad_edge=False)
    found = list(lines)
    for chapter, mine in groupby(found, lambda line: line.chapter):
        table.add_row("", Text(f"{chapter} {CHAPTERS[chapter]}".strip(), style="bold"), "")
        for line in mine:
            who = ", ".join(filter(None, [line.by, f"{line.at:%Y-%m-%d %H:%M} UTC" if line.at else ""]))
            evidence = Text(line.said + (f" ({who})" if who else ""))
            table.add_row("✓" if line.met else "✗", Text(f"{line.place} {line.text}".strip()), evidence)
    if not console.is_terminal:
        console.width = max(console.width, WIDE)
    console.print(table)
    met = sum(line.met for line in found)
    console.print(f"{met} of {len(found)} lines of the document have their evidence.", markup=False)


class ProgressReporter:
    """Shows a run as it happens: a line for each finished step, a bar with the step at work and who it waits for."""

    def __init__(self, console: Console, total: int) -> None:
        self.console = console
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total}"),
            TimeElapsedColumn(),
        )
        self.progress = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self.task: TaskID = self.progress.add_task("starting", total=total)
        self.current = ""

    def __enter__(self) -> ProgressReporter:
        self.progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.progress.stop()

    def _print(self, text: str) -> None:
        self.console.print(text, markup=False)

    def note(self, sentence: str) -> None:
        """Print what became of the last run, or where this one goes on."""
        self._print(f"→ {sentence}")

    def section(self, section: Section, reason: str) -> None:
        """Print the section's heading, and why it runs here when the document has another order."""
        self._print(f"Section {section.number}: {section.title}")
        if reason:
            self._print(f"    {reason}")

    def step(self, step: Step, state: str, milliseconds: float) -> None:
        """Print a finished step; show a running one beside the bar."""
        if state == "running":
            self.current = f"{step.key} {step.title}"
            self.progress.update(self.task, description=self.current)
            return
        marks = {"committed": "✓", "failed": "✗", "skipped": "-", "committed before": "✓"}
        took = f"{milliseconds:9.1f} ms" if state == "committed" else state
        self._print(f"  {marks[state]} {step.key:<6} {step.title:<56} {took}")
        self.progress.advance(self.task)

    def statement(self, number: int, total: int, line: int) -> None:
        """Show which statement of the step is at work."""
        self.progress.update(self.task, description=f"{self.current} ({number}/{total}, line {line})")

    def waiting(self, attempt: int, blocking: list[dict[str, object]], pause: float) -> None:
        """Print who holds the lock, and when the step tries again."""
        names = "; ".join(
            f"process {b['pid']} ({b['application']}, query for {b['query_age_seconds']} s)" for b in blocking
        )
        holder = names or "a session that just ended"
        self._print(f"    lock taken by {holder}: attempt {attempt} gave way, again in {pause:.1f} s")

    def lasting(self, seconds: float, blocking: list[dict[str, object]]) -> None:
        """Show beside the bar whom a long statement waits for."""
        if blocking and seconds >= LONG:
            names = ", ".join(f"process {b['pid']} ({b['application']})" for b in blocking)
            self.progress.update(self.task, description=f"{self.current} (waits for {names})")
