"""The benchmarks run, at tiny sizes: what they measure is not looked at here."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.benchmarks.__main__ import NAMES
from tests.benchmarks.measuring import Row, compared, in_turns, limited
from v7migration.connections import PROJECT_DIR

COMMAND = [sys.executable, "-m", "tests.benchmarks"]


@pytest.mark.timeout(600)
def test_every_benchmark_runs_and_leaves_table_figures_and_plot(tmp_path: Path) -> None:
    command = [*COMMAND, "--rows", "2000", "--repeat", "1", "--results", str(tmp_path)]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    for name in NAMES:
        document = json.loads((tmp_path / f"{name}.json").read_text())
        assert document["machine"]["processors"] and document["machine"]["commit"]
        assert document["rows"] and all(row["measured"] >= 0 for row in document["rows"])
        assert document["title"] in done.stdout
        assert addresses(tmp_path / f"{name}.svg") <= {"www.w3.org"}


def addresses(plot: Path) -> set[str]:
    """Return the hosts that a plot names."""
    text = plot.read_text()
    assert text.rstrip().endswith("</svg>")
    return set(re.findall(r"https?://([^/\"]+)", text))


def test_what_is_committed_has_a_plot_for_all_figures() -> None:
    results = PROJECT_DIR / "tests" / "benchmarks" / "results"
    assert {path.stem for path in results.glob("*.json")} == set(NAMES) == {p.stem for p in results.glob("*.svg")}


def test_ctrl_c_leaves_no_server_behind(tmp_path: Path) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    command = [*COMMAND, "snapshot", "--results", str(tmp_path / "results")]
    with subprocess.Popen(
        command, cwd=PROJECT_DIR, env=environment, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # these tests may be a shell's background job
    ) as process:  # fmt: skip
        deadline = time.monotonic() + 60
        while not list(tmp_path.glob("v7-tests-*/postgres/cluster.json")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode in (130, -signal.SIGINT), said  # Python ends by the signal when it met an import
    assert "the server is gone" in said
    assert list(tmp_path.glob("v7-tests-*")) == []


def test_an_unknown_benchmark_is_refused_before_a_server_starts() -> None:
    done = subprocess.run([*COMMAND, "speed"], cwd=PROJECT_DIR, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no benchmark is named speed" in done.stderr


def test_both_sides_of_a_pair_run_in_turns_and_the_order_changes() -> None:
    told: list[str] = []
    pairs = in_turns(
        2, lambda: told.append("product"), lambda: told.append("peer"), before=lambda: told.append("before")
    )
    assert told == ["before", "product", "before", "peer", "before", "peer", "before", "product"]
    assert len(pairs) == 2


def test_the_median_of_the_pairs_is_what_an_aim_is_about() -> None:
    row = compared("work", [(1.0, 1.0), (3.0, 1.0), (1.1, 1.0)], aim=1.2)
    assert (row.measured, row.met, row.product, row.unit) == (1.1, True, 1100, "ms")
    assert limited("work", [3.0, 1.0, 2.0], aim=1.5, measures="ms").met is False
    assert Row("work", 1, 1, "ms", 1, "ratio", None).met is None
