"""The page to try the API, from files of this server alone, and the document behind it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.http import require_safe
from ninja import NinjaAPI
from ninja.openapi.schema import OpenAPISchema

from v7migration.api.problems import MEANINGS, MEDIA_TYPE, NEXT_STEPS

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


@login_required
@require_safe
@ensure_csrf_cookie
def docs_page(request: HttpRequest) -> HttpResponse:
    """Show every operation, to be tried as the signed-in person."""
    settings = {
        "url": reverse("api-v1:openapi-json"),
        "layout": "BaseLayout",
        "deepLinking": True,
        "validatorUrl": None,
    }
    response = render(request, "pages/api.html", {"title": "API", "settings": settings})
    response.headers["Content-Security-Policy"] = POLICY
    return response


class DocumentedAPI(NinjaAPI):
    """An API whose document says that errors are problem+json, with an example for each status."""

    def get_openapi_schema(
        self, *, path_prefix: str | None = None, path_params: dict[str, Any] | None = None
    ) -> OpenAPISchema:
        """Return the OpenAPI document."""
        document = super().get_openapi_schema(path_prefix=path_prefix, path_params=path_params)
        for path in document["paths"].values():
            for operation in path.values():
                for parameter in operation["parameters"]:
                    parameter["schema"] = _without_null(parameter["schema"])
                for status, answer in operation["responses"].items():
                    _describe(int(status), answer)
        return document


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a parameter: it is left out or it says something, there is no null in an address."""
    kinds = [kind for kind in schema.get("anyOf", ()) if kind != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {**{key: value for key, value in schema.items() if key not in ("anyOf", "default")}, **kinds[0]}


def _describe(status: int, answer: dict[str, Any]) -> None:
    content = answer.get("content", {})
    if status < 400 or "application/json" not in content:
        return
    answer["description"] = MEANINGS.get(status, answer["description"])
    media = content.pop("application/json")
    media["example"] = {
        "type": "about:blank",
        "title": answer["description"],
        "status": status,
        "detail": answer["description"],
        "next_step": NEXT_STEPS.get(status, "Load it again and repeat your change."),
        "errors": [{"field": "body.notes", "message": "It is too long."}] if status == 422 else [],
        "signers": [],
    }
    content[MEDIA_TYPE] = media
