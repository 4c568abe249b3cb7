"""The person behind a request."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.http import HttpRequest


def person_of(request: HttpRequest) -> User:
    """Return the account of whoever sent a request; the view lets nobody in who is not signed in."""
    assert isinstance(request.user, User)  # noqa: S101 (login_required)
    return request.user
