"""Runs as JSON objects."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from v7migration.errors import V7Error
from v7migration.ledger.models import Changeset, Run


@contextmanager
def told_of_run(changeset: Changeset) -> Iterator[None]:
    """Let an error also tell of the changeset's newest run: what it did before it stopped."""
    try:
        yield
    except V7Error as error:
        if (run := Run.objects.filter(changeset=changeset).first()) is not None:
            error.evidence = run_document(run) | error.evidence
        raise


def run_document(run: Run) -> dict[str, Any]:
    """Return ``run``, ``state``, ``sections`` (number, state, attempts, milliseconds) of a run."""
    sections: dict[int, dict[str, Any]] = {}
    for step in run.steps.all():
        entry = sections.setdefault(
            step.section, {"number": step.section, "state": step.state, "attempts": 0, "milliseconds": 0.0}
        )
        entry["attempts"] = max(entry["attempts"], step.attempt)
        entry["milliseconds"] = round(entry["milliseconds"] + (step.milliseconds or 0.0), 1)
        entry["state"] = step.state
    return {
        "run": str(run.pk),
        "kind": run.kind,
        "state": run.state,
        "changeset": run.changeset_id,
        "sections": list(sections.values()),
        "document": run.report.get("document", []),
        "integrity": run.report.get("integrity"),
        "as_before": run.report.get("as_before"),
    }
