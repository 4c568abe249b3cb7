"""What a sweep leaves: one JSON object a line, from which the table is made."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.sweep.case import KINDS, Result
from v7migration.errors import UsageError

VERDICTS = ("lost", "doubled", "unexplained")
WORDS = {
    "kill": "SIGKILL of the runner",
    "terminate": "pg_terminate_backend",
    "cut": "cut during COMMIT",
    "unsent": "cut before COMMIT",
    "target": "SIGKILL of the target's server",
    "control": "SIGKILL of the control plane's server",
}


class Log:
    """The results file: appended to, so that an interrupted sweep goes on."""

    def __init__(self, path: Path | None) -> None:
        self.path = path
        self.lines: list[dict[str, Any]] = read([path]) if path is not None and path.exists() else []

    @property
    def done(self) -> set[str]:
        """The cases that need not be run again."""
        return {line["case"] for line in self.lines if "case" in line}

    def found(self, server: str, points: dict[str, int], names: str) -> None:
        """Keep which server it was, how many points each kind has, and a digest of all points' names.

        Raises:
            UsageError: the file is about other points, so its numbers mean other things.
        """
        before = {line["names"] for line in self.lines if line["server"] == server and "names" in line}
        if before - {names}:
            raise UsageError("The product's round trips changed since this file was begun.", "Name a new --results.")
        self._add({"server": server, "points": points, "names": names})

    def add(self, server: str, result: Result) -> None:
        """Keep a result."""
        self._add({"server": server, **asdict(result)})

    def _add(self, line: dict[str, Any]) -> None:
        self.lines.append(line)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")


def read(paths: Iterable[Path]) -> list[dict[str, Any]]:
    """Return the lines of results files (a last line that was cut off is left out)."""
    found = []
    for path in paths:
        for text in path.read_text().splitlines():
            try:
                found.append(json.loads(text))
            except ValueError:
                continue
    return found


def show(lines: list[dict[str, Any]], console: Console) -> bool:
    """Print a table for each server and say whether all is clean."""
    servers = sorted({line["server"] for line in lines})
    for server in servers:
        _table([line for line in lines if line["server"] == server], server, console)
    results = [line for line in lines if "case" in line]
    bad = [line for line in results if any(line[verdict] for verdict in VERDICTS)]
    for line in bad:
        console.print(f"--only {line['case']}  ({line['server']}; {line['point']}; {line['ended']})", markup=False)
        for verdict in VERDICTS:
            for text in line[verdict]:
                console.print(f"    {verdict}: {text}", markup=False)
    return bool(results) and not bad


def _table(lines: list[dict[str, Any]], server: str, console: Console) -> None:
    table = Table("Fault", title=f"PostgreSQL {server}")
    for column in ("points", "faulted runs", "resumed", "taken back", *VERDICTS, "s each"):
        table.add_column(column, justify="right")
    points: dict[str, int] = {}
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for line in lines:
        points |= line.get("points", {})
        if "case" in line:
            by_kind[line["case"].partition(":")[0]].append(line)
    for kind in KINDS:
        table.add_row(WORDS[kind], str(points.get(kind, 0)), *_cells(by_kind[kind]))
    table.add_section()
    everything = [line for kind in KINDS for line in by_kind[kind]]
    table.add_row("all", str(sum(points.values())), *_cells(everything))
    console.print(table)


def _cells(results: list[dict[str, Any]]) -> list[str]:
    resumed = sum(line["way"] == "resume" for line in results)
    verdicts = [str(sum(len(line[verdict]) for line in results)) for verdict in VERDICTS]
    seconds = f"{sum(line['seconds'] for line in results) / len(results):.2f}" if results else "-"
    return [str(len(results)), str(resumed), str(len(results) - resumed), *verdicts, seconds]
