"""What a piece of evidence is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from approvals.selectors import personas_of
from tracking.actors import Actor

Facts = dict[str, Any]
"""What a :class:`Proof` says, but for the action it belongs to."""


@dataclass(frozen=True)
class Proof:
    """One piece of evidence: an action of the document or its verification, and what stands behind it.

    ``said`` is what was found, or what is missing and what to do; ``by`` and ``at`` name who left it and when.
    """

    action: str
    met: bool
    said: str
    by: str = ""
    at: datetime | None = None
    page: str = ""


def there(said: str, by: str, at: datetime | None, page: str = "") -> Facts:
    """Return a piece that is there: what was found, who left it, when (UTC), and the page that shows it."""
    return {"met": True, "said": said, "by": by, "at": at, "page": page}


def lacking(said: str, page: str = "") -> Facts:
    """Return a piece that is missing: what is missing and what to do, and the page where it is done."""
    return {"met": False, "said": said, "page": page}


def actor_named(username: str) -> Actor:
    """Return a person with the personas held now; somebody unknown holds none."""
    person = User.objects.filter(username=username).first()
    return Actor(username, personas_of(person) if person else frozenset())
