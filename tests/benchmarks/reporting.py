"""What a benchmark found: a table on the terminal, figures in JSON, a plot."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, Row
from v7migration.connections import PROJECT_DIR


def report(result: Result, directory: Path) -> None:
    """Print the table of a result and write ``NAME.json`` and ``NAME.svg`` into the directory."""
    from tests.benchmarks.plotting import plot

    console = Console(soft_wrap=True, width=160)
    table = Table(title=f"{result.title} (peer: {result.peer})", title_justify="left")
    for heading in ("work", "product", "peer", "measured", "aim", ""):
        table.add_column(heading)
    for row in result.rows:
        table.add_row(*cells(row))
    console.print(table)
    for note in result.notes:
        console.print(note, markup=False)
    directory.mkdir(parents=True, exist_ok=True)
    document = {"machine": machine(), **asdict(result)}
    document["rows"] = [{**asdict(row), "met": row.met} for row in result.rows]
    (directory / f"{result.name}.json").write_text(json.dumps(document, indent=1) + "\n")
    plot(result, directory / f"{result.name}.svg")


def cells(row: Row) -> list[str]:
    """Return the cells of a row as people read them."""
    unit = "×" if row.measures == "ratio" else f" {row.measures}"
    met = {None: "", True: "met", False: "MISSED"}[row.met]
    aim = "" if row.aim is None else f"≤ {row.aim:g}{unit}"
    return [
        row.work, f"{number(row.product)} {row.unit}", "" if row.peer is None else f"{number(row.peer)} {row.unit}",
        f"{number(row.measured)}{unit}", aim, met,
    ]  # fmt: skip


def number(value: float) -> str:
    """Return a figure with three significant digits, thousands set apart."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def machine() -> dict[str, Any]:
    """Return what the figures depend on: processors, memory, load around the measuring, versions, date, commit."""
    with stages.superuser("postgres") as connection:
        shown = {
            name: str(connection.execute(f"SHOW {name}".encode()).fetchall()[0][0])
            for name in ("server_version", "shared_buffers", "fsync")
        }
    git = ["git", "-C", str(PROJECT_DIR), "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(git, capture_output=True, text=True, check=False).stdout.strip()
    return {
        "processors": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load_15_minutes": round(os.getloadavg()[2], 2),
        "postgresql": shown,
        "python": platform.python_version(),
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": commit,
    }
