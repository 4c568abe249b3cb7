"""The runner's own work against ``psql -f`` of the same statements.

First the engine alone: sixty trivial statements, each a step of its own with its durable intent, its transaction, its
row in the ledger and its outcome; once as they are, once with one more that keeps the server busy for two seconds.

Then a whole run of the signed changeset in this process. It does all that a run does (also the gate before each
COMMIT, drift, integrity proof, population with its digests, the document's queries); psql does nothing but the
statements, each committed for itself. Two sizes of file_audit: as the demo has it, and so many rows that the server
is busy for seconds.
"""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, Row, compared, in_turns, limited
from tests.environment import url
from tests.world import Quiet, World
from v7migration.ledger.models import Run
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.account import StepAccount
from v7migration.pipeline.execute import execute
from v7migration.postgres.runner import Hooks, run_step
from v7migration.postgres.script import parse, plan_order
from v7migration.postgres.session import connect

ROWS = 500_000
REPEAT = 5
PER_STATEMENT = 1.5
"""Milliseconds that the runner may add to each statement."""
AT_TWO_SECONDS = 1.1
TRIVIAL = 60
BUSY = 2.0


def psql(script: Path) -> None:
    """Feed a file to psql as the runner's role, stopping at an error."""
    command = stages.tool("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", script, url("runner"))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=os.environ)


def run_changeset() -> None:
    """Execute the newest changeset through the product's own service."""
    changeset = gatekeeper.find(None)
    world = World("signed")
    run = execute(changeset=changeset, operator=world.user("lena"), reporter=Quiet())
    assert run.state == "finished"


def ordered(content: bytes) -> tuple[str, int, int]:
    """Return the script as psql takes it (in the order of execution), the number of its statements and of its steps."""
    steps = [step for section, _ in plan_order(parse(content)) for step in section.steps]
    statements = [statement.text.rstrip().rstrip(";") + ";" for step in steps for statement in step.statements]
    return "\n".join(statements) + "\n", len(statements), len(steps)


def trivial(*, busy: float) -> bytes:
    """Return a script of sixty one-statement steps, and one that takes ``busy`` seconds."""
    statements = [f"COMMENT ON COLUMN public.file_audit.notes IS 'Remark {n}';" for n in range(TRIVIAL)]
    if busy:
        statements.append(f"SELECT pg_sleep({busy});")
    steps = "\n".join(f"-- Step 1.{n}: statement {n}\n{text}\n" for n, text in enumerate(statements, start=1))
    return f"-- Section 1: Trivial\n-- On failure: stop\n{steps}".encode()


def run_steps(content: bytes) -> None:
    """Run every step of a script through the product's engine, with its account in the control plane."""
    script, changeset = parse(content), gatekeeper.find(None)
    run = Run.objects.create(changeset=changeset, kind=Run.Kind.EXECUTE, operator="lena")
    with connect(url("runner"), application_name="v7_execute") as session:
        for section in script.sections:
            for step in section.steps:
                account = StepAccount(run, step, section=section.number)
                hooks = Hooks(began=account.began, statement=account.statement, waiting=account.waiting)
                account.committed(run_step(session, step, run_id=run.pk, digest=changeset.digest, hooks=hooks))


def _make_the_ledger() -> None:
    section = next(s for s in parse(bytes(gatekeeper.find(None).script.content)).sections if s.number == 0)
    with connect(url("runner"), application_name="v7_execute") as session:
        for step in section.steps:
            run_step(session, step, run_id=uuid4(), digest="benchmark", hooks=Hooks(ledger=False))


def engine(repeat: int) -> tuple[list[Row], dict[str, Any]]:
    """Measure the engine alone, with trivial statements and beside two seconds of work."""
    _, remembered = stages.stage("signed", then=_make_the_ledger)
    found: list[Row] = []
    figures: dict[str, Any] = {}
    for busy in (0.0, BUSY):
        content = trivial(busy=busy)
        text, statements, _ = ordered(content)
        with TemporaryDirectory(prefix="v7-benchmark-") as directory:
            script = Path(directory) / "trivial.sql"
            script.write_text(text)
            pairs = in_turns(repeat, partial(run_steps, content), partial(psql, script), before=remembered.restore)
        if busy:
            found.append(compared(f"{statements} steps, psql busy for {busy:g} s", pairs, aim=AT_TWO_SECONDS))
        else:
            found.append(_added(f"{statements} trivial steps: added to each statement", pairs, statements))
        figures[f"engine, {busy} s"] = pairs
    remembered.forget()
    return found, figures


def _added(work: str, pairs: list[tuple[float, float]], statements: int) -> Row:
    added = [(ours - theirs) * 1000 / statements for ours, theirs in pairs]
    both = [(ours * 1000, theirs * 1000) for ours, theirs in pairs]
    return limited(work, added, aim=PER_STATEMENT, measures="ms a statement", pairs=both)


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure the engine alone, then a whole run at both sizes."""
    times, many = repeat or REPEAT, rows or ROWS
    found, figures = engine(times)
    for size in (stages.SMALL, many):
        _, remembered = stages.stage("signed", rows=size)
        text, statements, steps = ordered(bytes(gatekeeper.find(None).script.content))
        with TemporaryDirectory(prefix="v7-benchmark-") as directory:
            script = Path(directory) / "changeset.sql"
            script.write_text(text)
            pairs = in_turns(times, run_changeset, partial(psql, script), before=remembered.restore)
        remembered.forget()
        figures[f"whole run, {size} rows"] = pairs
        if size == stages.SMALL:
            work = f"a whole run of {statements} statements in {steps} steps: added to each statement"
            found.append(_added(work, pairs, statements))
        else:
            found.append(compared(f"a whole run, {size:,} files", pairs, aim=AT_TWO_SECONDS))
    return Result(
        name="runner", title="The runner's own work", peer="psql -f of the same statements", rows=found,
        figures=figures, settings={"rows": [stages.SMALL, many]},
    )  # fmt: skip
