"""The warning before a save that would make living signatures stale: signatures cover impacts and ENUM migrations."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Model
from django.http import HttpRequest

from approvals import selectors
from approvals.gates import Subject
from tracking import home, moving
from v7migration.errors import WouldVoid
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


def refusal_to_void() -> WouldVoid | None:
    """Return the warning when a save of a signed row would void signatures, else None."""
    loss = voided()
    if loss is None or not loss.signers:
        return None
    return WouldVoid(
        loss.signers,
        f"Not saved yet: this would void the signatures of {', '.join(loss.signers)} "
        f"on changeset {loss.changeset.number}.",
        "Tick the confirmation below to save all the same; the changeset must then be frozen and signed again.",
    )


def refused_until_confirmed(request: HttpRequest) -> WouldVoid | None:
    """Return the warning when signatures would be voided and the person has not confirmed it, else None."""
    if request.method != "POST" or request.POST.get("confirm") == "on":
        return None
    return refusal_to_void()


def signed_columns(model: type[Model]) -> frozenset[str]:
    """Return the columns of a kind of row that a signature covers."""
    tables = {table.name: columns for table, columns in moving.signed_tables()}
    return frozenset(tables.get(model._meta.db_table, ()))
