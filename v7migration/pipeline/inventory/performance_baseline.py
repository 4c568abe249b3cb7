"""The performance baseline: how fast the target answers before anything changes (document 2.1.1, action 4)."""

from __future__ import annotations

from typing import Any

from v7migration.ledger.models import Snapshot
from v7migration.pipeline import performance
from v7migration.pipeline.target import web_session
from v7migration.postgres.catalog import TargetIdentity, identity
from v7migration.postgres.preflight import check_same_target
from v7migration.postgres.session import reason_of

LEFT_OUT: dict[str, Any] = {
    "id": None, "role": "", "server_version": None, "statement_timeout": None, "queries": [], "sizes": [],
    "indexes": [], "totals": {"tables": None, "indexes": None}, "health": None,
    "statements": {"note": "", "entries": []},
}  # fmt: skip


def take_baseline(snapshot: Snapshot, *, person: str) -> dict[str, Any]:
    """Measure the target of a snapshot, store the measurement, and return it with its id.

    Raises:
        django.db.Error: the target does not answer.
        Refused: the web role's session is on another database than the snapshot.
    """
    runner = TargetIdentity(snapshot.system_identifier, snapshot.database, snapshot.server_version, "the snapshot's")
    check_same_target(runner, identity(web_session()))
    taken = performance.take(target_name=snapshot.target_name, person=person)
    return {"id": str(taken.pk), **taken.document}


def baseline_left_out(reason: Exception) -> dict[str, Any]:
    """Return the part of an inventory that could not be measured, so that the other parts are taken; see ``faults``."""
    return {**LEFT_OUT, "faults": [f"the target cannot be measured as the web role: {reason_of(reason)}"]}
