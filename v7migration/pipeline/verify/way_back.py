"""Proof that the rollback works on the target *as it is now*: Section 9 on a scratch copy of it (document 2.3.1, 4.4).

The copy holds the schema with everything that the run made, ``migration_gate`` and sample rows of every table. After
Section 9 its catalogs must be as before the run; what somebody else changed in the target since, and what the copy
differs in anyway, is no fault of the rollback and left out of the comparison.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import psycopg

from tracking import moving
from v7migration.connections import rehearsal_url, runner_url
from v7migration.errors import Refused
from v7migration.ledger.models import Run
from v7migration.pipeline.target import GATE_SCHEMA, Connection, runner
from v7migration.pipeline.verify.shapes import Shapes, left_over, listed, of_gate
from v7migration.postgres import catalog, content
from v7migration.postgres.fingerprint import differences
from v7migration.postgres.queries import Check
from v7migration.postgres.runner import ConnectionLost, Hooks, StepError, committed_steps, run_step
from v7migration.postgres.scratch import Scratch, scratch_copy
from v7migration.postgres.script import Script, parse
from v7migration.postgres.script.way_back import never_made
from v7migration.postgres.session import Limits, reason_of

NAME = "rollback proof"
TITLE = "Section 9 takes a scratch copy of the target, as it is now, back to what it was before the run"
EXPECTED = "the catalogs as before the run"
LIMITS = Limits(lock_timeout=10_000, tries=1)
FILE_AUDIT = ("public", "file_audit")


@dataclass(frozen=True)
class _Back:
    """What is left of the run after Section 9, and the evidence (what, found)."""

    left: list[str]
    evidence: dict[str, str]


def prove(run: Run, shapes: Shapes) -> Check:
    """Take a copy of the target back and compare; a proof that cannot be had is a failed check with its next step."""
    started = time.perf_counter()
    evidence: dict[str, str] = {}
    try:
        back = _taken_back(run, shapes)
        found, evidence = back.left, back.evidence
    except StepError as error:
        found = [f"Section 9 fails in line {error.line}: {error.message} [{error.sqlstate}]"]
    except Refused as refused:
        found = [f"not proven: {refused.message} {refused.next_step}".strip()]
    except (ConnectionLost, psycopg.Error) as error:
        found = [f"not proven: {reason_of(error) if isinstance(error, psycopg.Error) else error.message}"]
    elapsed = round((time.perf_counter() - started) * 1000, 3)
    rows = (*evidence.items(), *(("difference", sentence) for sentence in found))
    return Check(
        NAME, TITLE, EXPECTED, listed(found) if found else EXPECTED, not found, columns=("what", "found"), rows=rows,
        milliseconds=elapsed, differences=tuple(found),
    )  # fmt: skip


def _taken_back(run: Run, shapes: Shapes) -> _Back:
    script = parse(bytes(run.changeset.script.content))
    with runner(application_name="v7_verify") as target:
        executed = committed_steps(target, run.pk)
        major = target.info.server_version // 10_000
    tables = [(_schema_of(table.name), table.name) for table in moving.tracked_tables()]
    tables += [(GATE_SCHEMA, "fence"), (GATE_SCHEMA, "run_ledger")]
    with (
        rehearsal_url(major) as admin,
        scratch_copy(runner_url(), admin, with_gate=True, tables=tables) as scratch,
    ):
        return _section_9(run, script, executed, shapes, scratch)


def _schema_of(table: str) -> str:
    return "v7_history" if table.endswith("_history") else "public"


def _section_9(run: Run, script: Script, executed: set[str], shapes: Shapes, scratch: Scratch) -> _Back:
    connection, before = scratch.connection, run.changeset.snapshot.document
    if script.rollback is None:
        return _Back(["the changeset has no Section 9"], {})
    copied = catalog.snapshot(connection, exclude_schemas=())
    columns = _earlier_columns(before)
    rows = content.proof(connection, *FILE_AUDIT, columns=columns)
    began = time.perf_counter()
    hooks = Hooks(skipping=never_made(script, executed))
    for step in script.rollback.steps:
        run_step(connection, step, run_id=uuid4(), digest=run.changeset_id, limits=LIMITS, hooks=hooks)
    took = (time.perf_counter() - began) * 1000
    back = catalog.snapshot(connection, exclude_schemas=())
    aside = {*shapes.foreign, *differences(shapes.document, _part(copied, gate=False))}
    aside |= set(run.changeset.rehearsal.report["target_differs_from_scratch"])
    left = left_over(before, _part(back, gate=False), known=frozenset(aside))
    left += [
        f"{sentence} ({GATE_SCHEMA} must stay)"
        for sentence in differences(_part(copied, gate=True), _part(back, gate=True))
    ]
    if (now := content.proof(connection, *FILE_AUDIT, columns=columns)) != rows:
        left.append(f"file_audit held {rows['rows']} rows before and {now['rows']} after, or other values in them")
    left += _fence(connection)
    return _Back(left, _evidence(scratch, back, rows, took))


def _evidence(scratch: Scratch, back: dict[str, Any], rows: dict[str, Any], took: float) -> dict[str, str]:
    others = scratch.sample.others
    return {
        "scratch server": scratch.note or f"PostgreSQL {scratch.server_version // 10_000}, as the target",
        "rows of file_audit": f"{rows['rows']} ({scratch.sample.how}), as before; checksum {rows['checksum']}",
        "rows of the tables": ", ".join(f"{name} {count}" for name, count in others.items() if count) or "none",
        "Section 9": f"{took:.1f} ms",
        "objects compared": str(len(back["objects"])),
    }


def _part(document: dict[str, Any], *, gate: bool) -> dict[str, Any]:
    """Return ``migration_gate`` alone, or all but it."""
    return {**document, "objects": {k: v for k, v in document["objects"].items() if of_gate(k) == gate}}


def _earlier_columns(before: dict[str, Any]) -> list[str]:
    """Return the names of the columns that file_audit had before the run; the catalogs quote what needs it."""
    order = before["objects"].get("table public.file_audit", {}).get("column order", [])
    return [name[1:-1].replace('""', '"') if name.startswith('"') else name for name in order]


def _fence(connection: Connection) -> list[str]:
    row = connection.execute("SELECT bool_or(is_open) FROM migration_gate.fence").fetchone()
    return ["the fence of the target is not closed"] if row and row[0] else []
