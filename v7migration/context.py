"""What every page of ours needs from the admin theme: its sidebar, its colours, its name."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.contrib import admin
from django.db import Error
from django.http import HttpRequest


def page_context(request: HttpRequest) -> dict[str, Any]:
    """Return the admin frame's context for pages outside the admin, nothing for signing pages and fragments."""
    match = request.resolver_match
    if match is None or "admin" in match.namespaces or not getattr(request, "user", None):
        return {}
    if "/sign/" in request.path or "fragment" in match.kwargs:
        return {}
    with suppress(Error):  # the page that says that a database does not answer needs no sidebar
        if request.user.is_authenticated:
            return {**admin.site.each_context(request), "is_nav_sidebar_enabled": True}
    return {}
