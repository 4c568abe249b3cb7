"""Every object that the run made, fact by fact, against what the rehearsal of the signed bytes made."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from typing import Any

from v7migration.ledger.models import Run
from v7migration.pipeline.drift import DriftWatch
from v7migration.pipeline.target import GATE_SCHEMA, Connection
from v7migration.postgres import catalog, shape
from v7migration.postgres.fingerprint import differences
from v7migration.postgres.queries import Check
from v7migration.postgres.runner import committed_steps
from v7migration.postgres.script import parse

SHOWN = 8
OURS = re.compile(
    rf"^[a-z ]+ (?:(?:{GATE_SCHEMA}|v7_\w+)[.:]|\w+\.\"?v7_|{GATE_SCHEMA} |v7_\w+ )|: \w+ (?:gate_|idx_)?v7_"
)
NO_FACTS = (
    "The rehearsal of these bytes kept no facts of what it made (an earlier version): names and digests compared."
)
OTHER_MAJOR = "Rehearsal and target run different major versions, which print definitions differently: names compared."


@dataclass(frozen=True)
class Shapes:
    """The checks of the shapes, the target's catalogs as they were read, and the differences that are not ours."""

    checks: list[Check]
    document: dict[str, Any]
    foreign: frozenset[str] = field(default_factory=frozenset)


def look(connection: Connection, run: Run) -> Shapes:
    """Compare what is there with what the rehearsal made, table by table and view by view."""
    started = time.perf_counter()
    made, note = run.changeset.rehearsal.report.get("made"), NO_FACTS
    if run.changeset.rehearsal.server_version // 10_000 != connection.info.server_version // 10_000:
        made, note = None, OTHER_MAJOR
    if made is None:
        found = _by_digest(connection, run, note)
    else:
        now = catalog.snapshot(connection, exclude_schemas=())
        want = shape.expected(run.changeset.snapshot.document, made)
        shapes, others = shape.compared(want, now, made)
        strange = [s for s in others if s.endswith(" added") and OURS.search(s)]
        rest = [s for s in others if s not in strange]
        found = Shapes([*map(_check, shapes), _rest(rest), _unexpected(strange)], _without_gate(now), frozenset(others))
    elapsed = round((time.perf_counter() - started) * 1000, 3)
    return replace(found, checks=[replace(check, milliseconds=elapsed) for check in found.checks])


def _check(found: shape.Shape) -> Check:
    return Check(
        f"shape of {found.name}", f"{found.name} has exactly the shape that was rehearsed",
        f"{found.counted}, as rehearsed", "as rehearsed" if not found.differences else listed(found.differences),
        not found.differences, columns=("part", "expected", "found"), rows=found.rows, differences=found.differences,
        repair=found.repair if found.differences else (),
    )  # fmt: skip


def _rest(others: list[str]) -> Check:
    """Return the check of everything that the run did not make: as before it, or somebody changed it since."""
    title = "nothing else in the schema changed since the freeze"
    return _sentences("rest of the schema", title, "as it was", "as it was", others)


def _unexpected(strange: list[str]) -> Check:
    title = "no object with a name of ours that the script did not make"
    return _sentences("unexpected objects", title, "none", "none", strange)


def _sentences(name: str, title: str, expected: str, fine: str, found: list[str]) -> Check:
    return Check(
        name, title, expected, listed(found) if found else fine, not found, columns=("difference",) if found else (),
        rows=tuple((sentence,) for sentence in found), differences=tuple(found),
    )  # fmt: skip


def listed(found: tuple[str, ...] | list[str]) -> str:
    """Return the first sentences, joined, and how many more there are."""
    more = len(found) - SHOWN
    return "; ".join(found[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def _without_gate(document: dict[str, Any]) -> dict[str, Any]:
    return {**document, "objects": {k: v for k, v in document["objects"].items() if not of_gate(k)}}


def of_gate(key: str) -> bool:
    """Say whether an object is in the schema ``migration_gate``, which a rollback leaves, or is that schema."""
    name = key.split(" ", 1)[-1]
    return name == GATE_SCHEMA or name.startswith(f"{GATE_SCHEMA}.")


def _by_digest(connection: Connection, run: Run, note: str) -> Shapes:
    """Compare names, and digests where both servers are of one version: what a rehearsal without facts allows."""
    script, committed = parse(bytes(run.changeset.script.content)), committed_steps(connection, run.pk)
    took_section_0 = any(key.startswith("0.") for key in committed)
    watch = DriftWatch.of(run.changeset, script, committed, skips_section_0=not took_section_0)
    watch.committed = set(watch.order)  # an index that failed is to be there in the end
    found = watch.sentences(connection)
    off = [s if s.startswith("missing: ") else f"unexpected: {s}" for s in found]
    check = _sentences("shape", "the schema changed exactly as rehearsed", "as rehearsed", "as rehearsed", off)
    foreign = frozenset(s for s in found if not s.startswith("missing: "))
    return Shapes([replace(check, note=note)], catalog.snapshot(connection), foreign)


def left_over(before: dict[str, Any], back: dict[str, Any], *, known: frozenset[str]) -> list[str]:
    """Return what differs from before the run after the way back, what is ``known`` to differ anyway aside."""
    return [sentence for sentence in differences(before, back) if sentence not in known]
