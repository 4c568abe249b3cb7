"""What the API's own handlers never see: a wrong address or method, a database that is gone before any view runs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus

from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse

from v7migration.api.problems import MEDIA_TYPE, problem

ROOT = "/api/"
LARGEST = 9 * 1024 * 1024
"""Bytes of the largest body that any operation takes: reports of 8 MiB and the lines of a form around them."""
DRAINED, PIECE = 64 * 1024 * 1024, 64 * 1024
"""Bytes of a refused body that are read and thrown away, and of one piece of it."""
CONDITIONS = frozenset({"If-Match", "If-Unmodified-Since", "If-None-Match"})
SENTENCES = {
    400: "The request cannot be read.",
    403: "This is refused.",
    404: "There is no such address.",
    405: "This address does not take this method.",
    413: "The body is too large.",
    503: "A database does not answer.",
}
POLICY = "default-src 'none'; frame-ancestors 'none'"


class ProblemMiddleware:
    """Turn an error page under the API's address into a problem; it stands outside all others."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on and look at the answer."""
        if not request.path.startswith(ROOT):
            return self.get_response(request)
        response = _too_large(request) or _ambiguous(request) or self.get_response(request)
        if response.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            _drain(request)
        kind = response.headers.get("Content-Type", "")
        if response.status_code >= 400 and not kind.startswith(MEDIA_TYPE):
            response = _as_problem(response)
        if not kind.startswith("text/html"):
            response.headers["Content-Security-Policy"] = POLICY
        response.headers["Cache-Control"] = "no-store"
        return response


def _too_large(request: HttpRequest) -> HttpResponse | None:
    """Refuse a body by the length it declares, before anything of it is read or kept in a file."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return problem(413, SENTENCES[413]) if length.isdecimal() and int(length[:20]) > LARGEST else None


def _drain(request: HttpRequest) -> None:
    """Read on what is refused, up to a bound: a client that cannot send any more never looks at the answer."""
    left = DRAINED
    with suppress(OSError):  # the client is gone
        while left > 0 and (part := request.read(min(left, PIECE))):
            left -= len(part)


def _ambiguous(request: HttpRequest) -> HttpResponse | None:
    """Refuse what would be left out in silence: a condition in a header of a write, a parameter that is repeated."""
    if request.method not in ("GET", "HEAD", "OPTIONS") and CONDITIONS & set(request.headers):
        return problem(400, "A condition in a header is not compared.", "Send the updated_at that you read instead.")
    try:
        repeated = sorted(name for name, values in request.GET.lists() if len(values) > 1)
    except SuspiciousOperation:  # so many that Django refuses them
        return problem(400, SENTENCES[400], "Give each parameter once.")
    if repeated:
        return problem(400, f"Given more than once: {', '.join(repeated)[:200]}.", "Give each parameter once.")
    return None


def _as_problem(page: HttpResponse) -> HttpResponse:
    found = problem(page.status_code, SENTENCES.get(page.status_code, "Something went wrong on the server."))
    for name in ("Allow", "Retry-After"):
        if name in page.headers:
            found.headers[name] = page.headers[name]
    return found
