"""The last page: what a person sees when something failed before or after the view."""

from __future__ import annotations

import sys

from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that a database does not answer (503), or that the error is ours (500), without asking any database."""
    if isinstance(sys.exc_info()[1], OperationalError):
        context = {
            "title": "A database does not answer",
            "message": "Nothing was saved.",
            "next_step": "Try again in a moment; staff: see v7_postgres status and the databases' logs.",
        }
        return HttpResponse(render_to_string("error.html", context), status=503)
    return HttpResponse(render_to_string("500.html"), status=500)
