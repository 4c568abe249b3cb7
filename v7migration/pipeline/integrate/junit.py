"""Test results out of JUnit XML into v7_test_results: once for each content, with person, type and V7 path."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.db import connections

from tracking.actors import Actor
from tracking.choices import TestStatus
from tracking.models import TestResult
from tracking.services import test_results_record
from v7migration.errors import UsageError
from v7migration.ledger.models import Inventory
from v7migration.ledger.services import append_event
from v7migration.pipeline.integrate.junit_report import Case, Report, read, shortened, too_many
from v7migration.source.naming import parse

LONGEST = 500
"""Characters of a component, and of a path."""
DEEPEST = 50
"""Folders and classes of a test that are looked at to find its file."""
AGAIN = frozenset({TestStatus.FAIL, TestStatus.ERROR, TestStatus.TIMEOUT})
"""How a test ends that has to be run again."""


def take_files(paths: Sequence[Path], *, actor: Actor) -> list[dict[str, Any]]:
    """Take reports from files: all are read before anything is written.

    Returns:
        For each file ``file``, ``sha256``, ``taken`` (false: the same content was taken before, see ``before``),
        ``tests``, a count for each status, and ``without_path`` (tests whose file has no V7 name).

    Raises:
        UsageError: a file cannot be read.
        InvalidValue: a file is no JUnit report.
        TransitionRefused: the actor holds no persona.
        Fenced: the tracking rows are being moved.
    """
    contents = []
    for path in paths:
        try:
            contents.append((path.name, path.read_bytes()))
        except OSError as error:
            raise UsageError(f"{path} cannot be read: {error.strerror}.") from error
    return take_contents(contents, actor=actor)


def take_contents(
    contents: Sequence[tuple[str, bytes]], *, actor: Actor, most: int | None = None
) -> list[dict[str, Any]]:
    """Take reports from pairs of name and bytes, with at most ``most`` cases in all (see :func:`take_files`)."""
    reports, cases = [], 0
    for name, content in contents:
        reports.append((name, read(content, name=name, most=most)))
        cases += len(reports[-1][1].cases)
        if most is not None and cases > most:
            raise too_many(f"Together the reports hold more than {most:,} test cases.")
    return [take(report, name=name, actor=actor) for name, report in reports]


def take(report: Report, *, name: str, actor: Actor) -> dict[str, Any]:
    """Record the cases of a report, unless the same content was recorded before (see :func:`take_files`)."""
    sha256, paths = report.sha256, _Paths.newest()
    rows = [_row(case, sha256, paths) for case in report.cases]
    before: TestResult | None = None

    def is_new(alias: str) -> bool:
        nonlocal before
        with connections[alias].cursor() as cursor:  # two at once: the second waits and finds the first one's rows
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [sha256])
        same = TestResult.objects.using(alias).filter(performance_metrics__report=sha256)
        before = same.order_by("tested_at").first()
        return before is None

    taken = test_results_record(actor=actor, results=rows, reason=f"JUnit report {name}", only_if=is_new)
    counts = Counter(str(row["test_status"]) for row in rows)
    document = {
        "file": name, "sha256": sha256, "taken": bool(taken), "tests": len(rows),
        **{status: counts[status] for status in TestStatus.values},
        "without_path": sum(not row["v7_file_path"] for row in rows), "before": _before(before),
    }  # fmt: skip
    if taken:
        append_event(kind="results.taken", actor=actor.username, subject=sha256, payload=document)
    return document


def _before(row: TestResult | None) -> dict[str, str] | None:
    return {"by": row.tested_by, "at": row.tested_at.isoformat()} if row is not None else None


def _row(case: Case, sha256: str, paths: _Paths) -> dict[str, Any]:
    metrics: dict[str, Any] = {**case.metrics, "report": sha256, "suite": case.suite}
    if case.at:
        metrics["timestamp"] = case.at
    return {
        "test_type": case.kind, "component_tested": shortened(case.component, LONGEST), "v7_file_path": paths.of(case),
        "test_status": case.status, "error_details": case.details, "performance_metrics": metrics,
        "backwards_compatible": case.is_compatible, "retest_required": case.status in AGAIN or case.flaky,
        "notes": "It passed only when it was run again." if case.flaky else "",
    }  # fmt: skip


class _Paths:
    """The V7 path of each file of the source tree, as the newest inventory of files found or proposed it."""

    def __init__(self, document: dict[str, Any]) -> None:
        listed = [entry["path"] for name in ("violations", "exempt") for entry in document.get(name, ())]
        self.known = {*document.get("compliant", ()), *listed}
        self.targets = {entry["path"]: entry["target"] for entry in document.get("proposals", ())}

    @classmethod
    def newest(cls) -> _Paths:
        """Read the newest inventory of files; without one only names that follow the rule already are known."""
        row = Inventory.objects.filter(part=Inventory.Part.FILES).first()
        return cls(row.document if row is not None else {})

    def of(self, case: Case) -> str:
        """Return the path under its V7 name of the file that holds a test, empty where it has none."""
        path = self._file(case)
        folder, slash, name = path.rpartition("/")
        target = self.targets.get(path) or (name if parse(name) else "")
        return f"{folder}{slash}{target}"[:LONGEST] if target else ""

    def _file(self, case: Case) -> str:
        """Return the file of a test: what the report says, else the longest part of its class that is a file."""
        if case.file:
            path = case.file.replace("\\", "/").removeprefix("./")
            folders = path.split("/")[-DEEPEST:]
            ends = ("/".join(folders[start:]) for start in range(len(folders)))
            return next((end for end in ends if end in self.known), path)
        parts = case.classname.split(".")[:DEEPEST]
        tries = ["/".join(parts[:end]) + ".py" for end in range(len(parts), 0, -1)]
        return next((path for path in tries if path in self.known or parse(path.rpartition("/")[2])), tries[0])
