"""Carries the signed-in person to where accounts are changed."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from approvals.actors import acting


class ActingUserMiddleware:
    """Name the acting person for the length of a request. The name never comes from the request's own data."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the request as its signed-in person; without one, as nobody."""
        user = getattr(request, "user", None)
        name = user.get_username() if user is not None and user.is_authenticated else ""
        with acting(name):
            return self.get_response(request)
