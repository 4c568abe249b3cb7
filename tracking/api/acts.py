"""What every write of the API has in common: who acts, what was read, what would be voided."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from django.db.models import Model
from django.http import HttpRequest
from ninja import Query, Schema
from pydantic import ConfigDict, Field

from tracking.api.values import NO_NUL, Moment, Reason
from tracking.views.acting import Service, actor_of
from tracking.views.voiding import refusal_to_void, signed_columns
from v7migration.errors import InvalidValue

STALE = "updated_at of the row as it was read; 412 when somebody changed it since"
STRICT = ConfigDict(extra="forbid")
NOT_CONTENT = frozenset({"updated_at", "v7_updated_at", "reason"})
ConfirmVoids = Annotated[
    bool, Query(description="save although it voids signatures on a frozen changeset; without it the answer is 409")
]
ReasonQuery = Annotated[str, Query(max_length=1_000, pattern=NO_NUL, description="why; the history keeps it")]
SeenQuery = Annotated[Moment | None, Query(description=STALE)]


class Change(Schema):
    """A change of a row: only the fields that are sent are changed, and no field that only the system sets."""

    model_config = STRICT

    updated_at: Moment = Field(description=STALE)
    reason: Reason = ""

    @property
    def content(self) -> dict[str, Any]:
        """Return the fields to change.

        Raises:
            InvalidValue: none was sent.
        """
        return content_of(self)


class Move(Schema):
    """A transition: a reason, and the version it is based on."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "Reviewed with the team."}]})

    reason: Reason = ""
    updated_at: Moment | None = Field(default=None, description=STALE)


def content_of(change: Schema) -> dict[str, Any]:
    """Return the fields that a change names.

    Raises:
        InvalidValue: it names none.
    """
    found = {name: getattr(change, name) for name in change.model_fields_set - NOT_CONTENT}
    if not found:
        raise InvalidValue("Nothing is to be changed.", "Send at least one field.")
    return found


def ask_before_voiding(model: type[Model], confirmed: bool, columns: Iterable[str] | None = None) -> None:
    """Refuse a write that would void signatures until it is confirmed.

    Args:
        columns: what would be changed; None: the row itself is made, moved or deleted.

    Raises:
        WouldVoid: with the signers.
    """
    signed = signed_columns(model)
    if not confirmed and (columns is None or signed & set(columns)) and (refusal := refusal_to_void()):
        raise refusal


def moved(request: HttpRequest, service: Service, move: Move, **row: Any) -> Any:
    """Make a transition as whoever calls and return the row."""
    return service(**row, actor=actor_of(request), reason=move.reason.strip(), seen_at=move.updated_at)
