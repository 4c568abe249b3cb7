"""Evidence in the control plane. Records that were signed or written are append-only; runs and incidents move."""

from v7migration.ledger.models.coverage import BusinessImpact, NoImpact
from v7migration.ledger.models.dart import DartDelivery, DartLink
from v7migration.ledger.models.evidence import Changeset, EnumDecision, Event, Inventory, Rehearsal, Script, Snapshot
from v7migration.ledger.models.reviews import Acceptance, Modification, Review
from v7migration.ledger.models.runs import Baseline, Run, RunState, RunStep
from v7migration.ledger.models.trouble import Emergency, EmergencyStep, Incident
from v7migration.ledger.models.validations import AcceptedFailure, Validation

__all__ = [
    "Acceptance",
    "AcceptedFailure",
    "Baseline",
    "BusinessImpact",
    "Changeset",
    "DartDelivery",
    "DartLink",
    "Emergency",
    "EmergencyStep",
    "EnumDecision",
    "Event",
    "Incident",
    "Inventory",
    "Modification",
    "NoImpact",
    "Rehearsal",
    "Review",
    "Run",
    "RunState",
    "RunStep",
    "Script",
    "Snapshot",
    "Validation",
]
