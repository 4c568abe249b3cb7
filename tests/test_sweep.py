"""The smoke version of the fault sweep: a few faults of every kind, and that it notices what it looks for.

The whole of it is ``python -m tests.sweep``.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.sweep.case import KINDS, WAYS

PROJECT = Path(__file__).resolve().parent.parent
PLANTED = """
import sys

from tests.sweep import __main__ as command, servers

original = servers.start

def start():
    original()
    import psycopg

    from tests.environment import url
    from tracking.models import Phase
    from v7migration.ledger.services import append_event
    from v7migration.pipeline import settle

    reconcile, history = settle.reconcile, Phase.history.model._meta.db_table

    def careless(run, committed):
        append_event(kind="run.started", subject=str(run.pk))
        with psycopg.connect(url("superuser").removesuffix("postgres") + "v7_control") as control:
            control.execute(f"ALTER TABLE {history} DISABLE TRIGGER ALL")
            control.execute(f"DELETE FROM {history} WHERE ctid IN (SELECT ctid FROM {history} LIMIT 1)")
            control.execute(f"ALTER TABLE {history} ENABLE TRIGGER ALL")
        return reconcile(run, committed)

    settle.reconcile = careless
    settle.after_trouble = lambda connection: {}["nothing"]

servers.start = start
sys.exit(command.main(sys.argv[1:]))
"""
"""A product with faults of its own: its recovery loses a row and tells twice of a start; a lost session trips it."""


def _sweep(program: list[str], results: Path, *options: str) -> tuple[int, list[dict[str, Any]], str]:
    """Return exit code, results and what was printed."""
    command = [sys.executable, *program, *options, "--results", str(results)]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, timeout=280, check=False)
    lines = [json.loads(line) for line in results.read_text().splitlines()] if results.exists() else []
    return done.returncode, [line for line in lines if "case" in line], done.stdout + done.stderr


@pytest.mark.timeout(290)
def test_after_a_fault_of_each_kind_a_run_goes_on_and_back_to_what_it_would_have_been(tmp_path: Path) -> None:
    code, results, printed = _sweep(["-m", "tests.sweep"], tmp_path / "results", "--each", "2")
    assert code == 0, printed
    assert {line["case"].partition(":")[0] for line in results} == set(KINDS)
    assert {line["way"] for line in results} == set(WAYS) and len(results) == 2 * len(KINDS) * len(WAYS)
    assert not [line for line in results if line["lost"] or line["doubled"] or line["unexplained"]]


@pytest.mark.timeout(290)
def test_a_product_that_loses_repeats_or_stumbles_is_noticed(tmp_path: Path) -> None:
    options = ("--scenarios", "execute", "--kinds", "kill,terminate", "--each", "2")
    code, results, printed = _sweep(["-c", PLANTED], tmp_path / "results", *options)
    assert code == 1, printed
    assert any("phase_history" in text for line in results for text in line["lost"]), printed
    assert any("times of run.started" in text for line in results for text in line["doubled"]), printed
    assert any("without a sentence" in text for line in results for text in line["unexplained"]), printed
