"""The kickoff of Phase 5: the task in DART that begins it, delivered or recorded by hand (document 7, criterion 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from v7migration.ledger.models import DartDelivery, Run


@dataclass(frozen=True)
class Kickoff:
    """The task in DART: its id and address, who signed for it or recorded its id, and when it was there."""

    dart_id: str
    url: str
    by: str
    at: datetime | None
    by_hand: bool

    @property
    def said(self) -> str:
        """Say it in a sentence."""
        how = "recorded by hand" if self.by_hand else "delivered to DART"
        return f"The kickoff of Phase 5 is task {self.dart_id}, {how}."


def kickoff(run: Run) -> Kickoff | None:
    """Return the kickoff task that belongs to an execution, None while it is not in DART."""
    row = DartDelivery.objects.filter(
        kind=DartDelivery.Kind.KICKOFF, state=DartDelivery.State.DELIVERED, subject=str(run.pk)
    ).first()
    if row is None:
        return None
    return Kickoff(row.dart_id, row.dart_url, row.recorded_by or row.queued_by, row.delivered_at, bool(row.recorded_by))
