"""What every request gets: a content security policy, and an error page instead of a traceback."""

from __future__ import annotations

from collections.abc import Callable

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from v7migration.errors import Fenced, HomeMoving, Refused, SignatureRefused, StaleForm, TransitionRefused, V7Error

GetResponse = Callable[[HttpRequest], HttpResponse]

SIGNING_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action 'self'; "
    "frame-ancestors 'none'; base-uri 'none'"
)
# Alpine, which the admin theme uses, evaluates expressions: no page that signs loads any script at all.
PAGE_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'self'; "
    "object-src 'none'"
)


class ContentSecurityPolicyMiddleware:
    """Add the policy; a page that asks for a password gets the strict one: no script."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Set the header unless the view chose its own."""
        response = self.get_response(request)
        strict = "/sign/" in request.path or request.path == "/login/" or request.path.startswith("/account/")
        response.headers.setdefault("Content-Security-Policy", SIGNING_POLICY if strict else PAGE_POLICY)
        return response


def status_of(error: V7Error) -> int:
    """Return the HTTP status that says what the error's exit code says."""
    if isinstance(error, HomeMoving | Fenced | StaleForm):
        return 409
    if isinstance(error, SignatureRefused | TransitionRefused):
        return 403
    return 409 if isinstance(error, Refused) else 400


class ErrorPageMiddleware:
    """Turn typed errors into a page that says what happened and what to do next."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Render typed errors, and a database that does not answer; leave everything else to Django."""
        if isinstance(exception, V7Error):
            context = {"title": "Not done", "message": exception.message, "next_step": exception.next_step}
            return render(request, "error.html", context, status=status_of(exception))
        if isinstance(exception, OperationalError):
            context = {
                "title": "A database does not answer",
                "message": "Nothing was saved.",
                "next_step": "Try again in a moment; staff: see v7_postgres status and the databases' logs.",
            }
            return render(request, "error.html", context, status=503)
        return None
