"""``v7_gate``: who is missing."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser

from approvals import gates
from approvals.selectors import signature_facts
from v7migration.errors import GateClosed
from v7migration.management.base import StageCommand
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.target import observe, runner


class Command(StageCommand):
    """Print the seats and every reason that keeps the gate closed; exit 3 while it is."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--changeset DIGEST``."""
        parser.add_argument("--changeset", help="digest, or its beginning; default: the newest")

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Ask the one gate and print its answer."""
        try:
            changeset = gatekeeper.find(options["changeset"])
        except GateClosed as closed:
            closed.evidence = {"seats": [_seat(state) for state in gates.seat_states(gates.BEFORE, ())]}
            raise
        with runner(application_name="v7_gate") as connection:
            target = observe(connection)
        executed = gatekeeper.run_of(changeset) is not None
        decision = gatekeeper.check(changeset, target=None if executed else target)
        facts = gatekeeper.facts(changeset)
        states = gates.seat_states(gates.BEFORE, signature_facts(facts.subject), facts.prerequisites)
        self.say(f"Changeset {changeset.number}  {changeset.digest}")
        seats = []
        for s in states:
            signed = f"{s.signed_by}, {s.signed_at:%Y-%m-%d %H:%M:%S} UTC" if s.signed_at else ""
            self.say(f"  {s.state:<9} {s.seat.persona:<15} {s.seat.meaning}  {signed}".rstrip())
            seats.append(_seat(s))
        for reason in decision.reasons:
            self.say(f"  ✗ {reason.sentence}")
        self.say("The gate is open." if decision.granted else "The gate is closed.")
        document = {
            "open": decision.granted, "reasons": [r.sentence for r in decision.reasons], "seats": seats,
            "changeset": changeset.digest,
        }  # fmt: skip
        return document, 0 if decision.granted else 3


def _seat(s: gates.SeatState) -> dict[str, Any]:
    return {
        "persona": s.seat.persona, "meaning": s.seat.meaning, "state": s.state, "signed_by": s.signed_by or None,
        "seat": s.seat.key, "signed_at": s.signed_at,
    }  # fmt: skip
