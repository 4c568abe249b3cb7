"""The warning before a save that would make living signatures stale: signatures cover impacts and ENUM migrations."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest

from approvals import selectors
from approvals.gates import Subject
from tracking import home
from v7migration.errors import Refused, V7Error
from v7migration.ledger.models import Changeset
from v7migration.pipeline import gatekeeper


@dataclass(frozen=True)
class Voided:
    """A frozen changeset that a save would make stale, and who signed it."""

    changeset: Changeset
    signers: tuple[str, ...]


def voided() -> Voided | None:
    """Return the changeset that the next save of a signed row makes stale, None when there is none to lose."""
    changeset = gatekeeper.latest()
    if changeset is None or home.current() != home.PLANNING or changeset.runs.exists():
        return None
    if gatekeeper.staleness(changeset):
        return None
    signatures = selectors.signature_facts(Subject("changeset", changeset.digest))
    signers = tuple(
        f"{s.person_name or s.person} ({s.persona})" for s in signatures if not s.revoked and s.decision == "approved"
    )
    return Voided(changeset, signers)


def refused_until_confirmed(request: HttpRequest) -> V7Error | None:
    """Return the warning when signatures would be voided and the person has not confirmed it, else None."""
    loss = voided() if request.method == "POST" else None
    if loss is None or not loss.signers or request.POST.get("confirm") == "on":
        return None
    number, signers = loss.changeset.number, ", ".join(loss.signers)
    return Refused(
        f"Not saved yet: this would void the signatures of {signers} on changeset {number}.",
        "Tick the confirmation below to save all the same; the changeset must then be frozen and signed again.",
    )
