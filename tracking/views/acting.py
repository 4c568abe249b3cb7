"""Who acts in a request, and how a page makes a transition: one service call, its refusal as a sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.dateparse import parse_datetime

from approvals import selectors
from tracking.actors import Actor
from tracking.machines import Machine
from tracking.services.writing import MUST_SAY_WHY
from v7migration.errors import HomeMoving, V7Error
from v7migration.middleware import status_of

Service = Callable[..., Any]
DANGEROUS = frozenset({"block", "cancel", "reject", "roll_back", "defer"})


@dataclass(frozen=True)
class Move:
    """A transition that the row's state allows, as a button."""

    name: str
    label: str
    url: str
    needs_reason: bool
    dangerous: bool


def actor_of(request: HttpRequest) -> Actor:
    """Return the signed-in person with the personas it holds now; nothing is read from the form."""
    return Actor(request.user.get_username(), selectors.personas_of(request.user))


def moves(row: Any, machine: Machine, services: dict[str, Service], base: str) -> list[Move]:
    """Return the transitions that the row's state allows; ``base`` is the row's own address."""
    state = getattr(row, machine.column)
    names = dict.fromkeys(jump.name for jump in machine.jumps if jump.source == state)
    return [
        Move(name, name.replace("_", " ").capitalize(), f"{base}{name}/", name in MUST_SAY_WHY, name in DANGEROUS)
        for name in names
        if name in services
    ]


def move(
    request: HttpRequest,
    *,
    name: str,
    services: dict[str, Service],
    row: dict[str, Any],
    back: str,
    page: Callable[[V7Error, int], HttpResponse],
) -> HttpResponse:
    """Make the transition ``name`` and go back to the row; a refusal shows the row's page with its sentence.

    Args:
        services: which service makes which transition.
        row: the row under the name by which the services take it.
        page: renders the row's page with a refusal and a status.
    """
    service = services.get(name)
    if service is None:
        raise Http404("There is no such transition.")
    if request.method != "POST":  # a sign-in in between leads here
        return redirect(back)
    try:
        service(**row, actor=actor_of(request), reason=request.POST.get("reason", "").strip(), seen_at=seen_at(request))
    except HomeMoving:
        raise
    except V7Error as refusal:
        return page(refusal, status_of(refusal))
    messages.success(request, f"Done: {name.replace('_', ' ')}.")
    return redirect(back)


def seen_at(request: HttpRequest) -> datetime | None:
    """Return the ``updated_at`` that the posted form showed, None without one."""
    return parse_datetime(request.POST.get("updated_at", ""))
