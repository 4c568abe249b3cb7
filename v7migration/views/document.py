"""The phase document, line by line, with what stands behind each."""

from __future__ import annotations

from itertools import groupby

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from v7migration.pipeline.document import CHAPTERS, document


@login_required
@require_safe
def document_page(request: HttpRequest) -> HttpResponse:
    """Show every line of the document with its evidence, person and time, chapter by chapter."""
    lines = document()
    chapters = [
        {"number": number, "title": CHAPTERS[number], "lines": list(mine)}
        for number, mine in groupby(lines, lambda line: line.chapter)
    ]
    context = {"title": "The document", "chapters": chapters, "met": sum(line.met for line in lines), "all": len(lines)}
    return render(request, "pages/document.html", context)
