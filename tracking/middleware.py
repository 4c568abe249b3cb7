"""Gives each request one home of the tracking rows, from its first read to its last write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.db import Error
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from tracking import home
from v7migration.errors import HomeMoving
from v7migration.pipeline.settle import settle_from_web

GetResponse = Callable[[HttpRequest], HttpResponse]


class HomeMiddleware:
    """Pin the home for the request; a move in the middle of it becomes a redirect (GET) or a 409 (POST).

    A closed fence without a live run is what a crash leaves behind: the first page that meets it settles it.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Run the request in the home that is current at its start."""
        if request.path.startswith(f"/{settings.STATIC_URL.strip('/')}/"):
            return self.get_response(request)
        self._settle()
        with home.pinned():
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        """Ask a reader to read again from the new home; tell a writer that nothing was saved."""
        if not isinstance(exception, HomeMoving):
            return None
        if request.method in ("GET", "HEAD"):
            return HttpResponseRedirect(request.get_full_path())
        context = {
            "title": "The rows moved while you worked",
            "message": exception.message,
            "next_step": exception.next_step,
            "back": request.path,
            "typed": [(name, value) for name, value in request.POST.items() if name in ("reason", "notes")],
        }
        return render(request, "error.html", context, status=409)

    @staticmethod
    def _settle() -> None:
        with suppress(Error):  # a database that does not answer is reported by whoever needs it
            if not home.is_open():
                settle_from_web()
