"""Whose token or session it is."""

from __future__ import annotations

from django.http import HttpRequest
from ninja import Router, Schema
from pydantic import ConfigDict, Field

from tracking.views.acting import actor_of
from v7migration.api.problems import answers

router = Router(tags=["people"])


class Me(Schema):
    """The person who calls, with the personas it holds now."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"username": "lena", "personas": ["DB Team Lead"]}]})

    username: str
    personas: list[str] = Field(description="what the person may act as; a token carries no more than this")


@router.get("/me", response=answers(Me), operation_id="who_am_i", summary="Say who calls")
def me(request: HttpRequest) -> Me:
    """Return the person whose token or session this is."""
    actor = actor_of(request)
    return Me(username=actor.username, personas=sorted(actor.personas))
