"""The runner's own work: a whole run in this process against ``psql -f`` of the same signed bytes.

Both start from the same signed changeset. The run does all that a run does (intents, ledger, the gate before each
COMMIT, drift, integrity proof, population with its digests, the document's queries); psql does nothing but the
statements, each committed for itself. Two sizes of file_audit: as the demo has it, where almost everything is the
runner's own work, and so many rows that psql is busy for about two seconds.
"""

from __future__ import annotations

import os
import subprocess
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, compared, in_turns, limited
from tests.environment import url
from tests.world import Quiet, World
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.execute import execute
from v7migration.postgres.script import parse, plan_order

ROWS = 1_500_000
REPEAT = 5
PER_STATEMENT = 1.5
"""Milliseconds that the runner may add to each statement."""
AT_TWO_SECONDS = 1.1


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


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Measure at both sizes."""
    found, figures = [], {}
    many = rows or ROWS
    for size in (stages.SMALL, many):
        _, remembered = stages.stage("signed", rows=size)
        text, statements, steps = ordered(bytes(gatekeeper.find(None).script.content))
        with TemporaryDirectory(prefix="v7-benchmark-") as directory:
            script = Path(directory) / "changeset.sql"
            script.write_text(text)
            pairs = in_turns(repeat or REPEAT, run_changeset, partial(psql, script), before=remembered.restore)
        remembered.forget()
        figures[f"{size} rows"] = [{"run": ours, "psql": theirs} for ours, theirs in pairs]
        if size == stages.SMALL:
            added = [(ours - theirs) * 1000 / statements for ours, theirs in pairs]
            work = f"a run of {statements} statements in {steps} steps, {size} rows: added to each statement"
            both = [(ours * 1000, theirs * 1000) for ours, theirs in pairs]
            found.append(limited(work, added, aim=PER_STATEMENT, measures="ms a statement", pairs=both))
        else:
            found.append(compared(f"the same run, {size:,} rows", pairs, aim=AT_TWO_SECONDS))
    return Result(
        name="runner", title="The runner's own work", peer="psql -f of the same bytes", rows=found,
        figures=figures, settings={"rows": [stages.SMALL, many]},
    )  # fmt: skip
