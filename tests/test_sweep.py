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
PLANTED = '''
import sys

from tests.sweep import __main__ as command, servers

original = servers.start

def start():
    original()
    from v7migration.ledger.models import RunStep
    from v7migration.ledger.services import append_event
    from v7migration.pipeline import execute, settle

    committed_steps, reconcile = execute.committed_steps, settle.reconcile

    def guess(connection, run):
        """Believe what was meant to happen, not the target's ledger."""
        return committed_steps(connection, run) | set(RunStep.objects.filter(run=run).values_list("key", flat=True))

    def begin_again(run, committed):
        append_event(kind="run.started", subject=str(run.pk))
        return reconcile(run, committed)

    execute.committed_steps, settle.reconcile = guess, begin_again
    settle.after_trouble = lambda connection: {}["nothing"]

servers.start = start
sys.exit(command.main(sys.argv[1:]))
'''
"""A product with three faults of its own: a resume that guesses, a start told twice, a stumble after a lost session."""


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
def test_a_product_that_guesses_repeats_or_stumbles_is_noticed(tmp_path: Path) -> None:
    options = ("--scenarios", "execute", "--kinds", "kill,terminate", "--each", "3")
    code, results, printed = _sweep(["-c", PLANTED], tmp_path / "results", *options)
    assert code == 1, printed
    assert any("step" in text and "0 times" in text for line in results for text in line["lost"]), printed
    assert any("2 times of run.started" in text for line in results for text in line["doubled"]), printed
    assert any("without a sentence" in text for line in results for text in line["unexplained"]), printed
