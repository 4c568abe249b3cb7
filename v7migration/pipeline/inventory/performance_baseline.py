"""The performance baseline: how fast the target answers before anything changes (document 2.1.1, action 4)."""

from __future__ import annotations

from typing import Any

from v7migration.ledger.models import Snapshot
from v7migration.pipeline import performance


def take_baseline(snapshot: Snapshot, *, person: str) -> dict[str, Any]:
    """Measure the target of a snapshot, store the measurement, and return it with its id.

    Raises:
        django.db.Error: the target does not answer.
    """
    taken = performance.take(target_name=snapshot.target_name, person=person)
    return {"id": str(taken.pk), **taken.document}
