"""Who calls the API: a personal token in the header, or a signed-in session with its CSRF token."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import APIKeyCookie, HttpBearer

from approvals.tokens import person_of


class Token(HttpBearer):
    """A personal token. Where the header is sent, it alone decides: no session takes its place."""

    def __call__(self, request: HttpRequest) -> User | None:
        """Return whose token it is, None where no token is sent; refuse any other that is sent."""
        if not is_by_token(request):
            return None
        person: User | None = super().__call__(request)
        if person is None:
            raise AuthenticationError
        return person

    def authenticate(self, request: HttpRequest, token: str) -> User | None:
        """Return whose token it is, and let the request be that person's, for the length of this call only."""
        person = person_of(token)
        if person is not None:
            request.user = person
        return person


def is_by_token(request: HttpRequest) -> bool:
    """Say whether a token, not a session, says who calls."""
    return "Authorization" in request.headers


class Session(APIKeyCookie):
    """The signed-in person of a browser; a write needs the CSRF token, too."""

    param_name = settings.SESSION_COOKIE_NAME

    def __call__(self, request: HttpRequest) -> User | None:
        """Return who is signed in; a stranger is told so before any CSRF token is asked for."""
        if not request.user.is_authenticated:
            return None
        person: User | None = super().__call__(request)
        return person

    def authenticate(self, request: HttpRequest, key: str | None) -> User | None:
        """Return who is signed in."""
        return request.user if request.user.is_authenticated else None
