"""How the gate stands: the seats, who signed, what is missing and whose turn it is. Signing has its own pages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from django.db import Error
from django.http import HttpRequest
from ninja import Query, Router, Schema
from pydantic import ConfigDict, Field

from approvals.gates import Granted, SeatState
from v7migration.api.changesets import DIGEST, changeset_of
from v7migration.api.problems import answers
from v7migration.ledger.models import Changeset
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.standing import Standing, nothing_frozen, standing
from v7migration.pipeline.target import TargetState, observe_from_web

router = Router(tags=["workflow"])
Digest = Annotated[
    str | None,
    Query(pattern=DIGEST, description="digest of the changeset, or its beginning; default: the newest"),
]


class SeatOut(Schema):
    """One seat of the gate."""

    seat: str
    persona: str
    meaning: str
    state: str = Field(description="open, waiting, approved, rejected or revoked")
    signed_by: str | None
    signed_at: datetime | None
    waiting_for: list[str]


class NextOut(Schema):
    """What happens next, and whose turn it is."""

    persona: str
    people: list[str]
    sentence: str


class GateOut(Schema):
    """The gate of one changeset."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "changeset": "3f" * 32,
                    "number": 1,
                    "status": "pending_approval",
                    "label": "PENDING APPROVAL",
                    "open": False,
                    "reasons": ["Rehearsal and rollback verified: not signed by Test Sentinel."],
                    "target_compared": True,
                    "expires_at": "2026-12-07T04:00:00+00:00",
                    "before": [],
                    "after": [],
                    "next": {"persona": "Test Sentinel", "people": ["Sam"], "sentence": "Sign the rehearsal."},
                }
            ]
        }
    )

    changeset: str | None = Field(description="digest; null while nothing is frozen")
    number: int | None
    status: str
    label: str
    open: bool = Field(description="whether v7_execute would be let through now")
    reasons: list[str] = Field(description="every reason that keeps the gate closed")
    target_compared: bool = Field(description="false where the target did not answer or the run has begun")
    expires_at: datetime | None
    before: list[SeatOut]
    after: list[SeatOut]
    next: NextOut


@router.get("", response=answers(GateOut, 404), operation_id="read_gate", summary="Say how the gate stands")
def gate_status(request: HttpRequest, changeset: Digest = None) -> GateOut:
    """Return the seats of a changeset with who signed, the reasons that keep the gate closed, and what is next."""
    found = changeset_of(changeset) if changeset else gatekeeper.latest()
    if found is None:
        return _nothing()
    target = _target(found)
    return _shown(standing(found, target=target), compared=target is not None)


def _target(changeset: Changeset) -> TargetState | None:
    if changeset.runs.exists():
        return None
    try:
        return observe_from_web()
    except Error:
        return None


def _nothing() -> GateOut:
    after = nothing_frozen()
    return GateOut(
        changeset=None,
        number=None,
        status="nothing_frozen",
        label="NOTHING FROZEN",
        open=False,
        reasons=["No changeset is frozen, so nobody can have signed."],
        target_compared=False,
        expires_at=None,
        before=[],
        after=[],
        next=NextOut(persona=after.persona, people=list(after.people), sentence=after.sentence),
    )


def _shown(now: Standing, *, compared: bool) -> GateOut:
    after = now.next_action
    return GateOut(
        changeset=now.changeset.digest,
        number=now.changeset.number,
        status=now.status,
        label=now.label,
        open=isinstance(now.decision, Granted),
        reasons=[reason.sentence for reason in now.decision.reasons],
        target_compared=compared,
        expires_at=now.changeset.expires_at,
        before=[seat_out(state) for state in now.before],
        after=[seat_out(state) for state in now.after],
        next=NextOut(persona=after.persona, people=list(after.people), sentence=after.sentence),
    )


def seat_out(state: SeatState) -> SeatOut:
    """Return a seat as the API shows it."""
    return SeatOut(
        seat=state.seat.key,
        persona=state.seat.persona,
        meaning=state.seat.meaning,
        state=state.state,
        signed_by=state.signed_by or None,
        signed_at=state.signed_at,
        waiting_for=list(state.waiting_for),
    )
