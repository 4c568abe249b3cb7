"""The API under ``/api/v1/``: the tracked rows, the gate and the evidence, for programs. Nothing here signs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja.responses import Response

from tracking.api import routers
from v7migration.api import changesets, evidence, gate, people, runs
from v7migration.api.authentication import Session, Token
from v7migration.api.docs import DocumentedAPI
from v7migration.api.problems import handle_errors
from v7migration.api.reading import Renderer, StrictParser

DESCRIPTION = """
The rows that people track, and how the gate and the runs stand, for programs.

- **Who calls**: `Authorization: Bearer …` with a personal token (made at `/account/tokens/`, at most 90 days, shown
  once), or a signed-in session, which also sends `X-CSRFToken` with a write. A token carries its person's personas
  and nothing more; nothing in this API signs, and a token does not approve a phase.
- **Writing** goes through the same services as the pages: personas, states and history are the same, and the history
  names the person. `reason` joins the history.
- **Stale rows**: a change sends the `updated_at` that was read (files: `v7_updated_at`), to the microsecond. If
  somebody changed the row since, the answer is 412 and nothing is saved.
- **Signatures**: a change that would void signatures is answered with 409 and the signers' names, until it is
  repeated with `confirm_voids=true`.
- **Errors** are `application/problem+json` (RFC 9457) with a `next_step`.
- **Lists** take `limit` (1 to 200), `offset` and `order`, and answer with the total `count`. A parameter is given once.
- **Histories**: every row has one (`…/history`), also a deleted one: who, when, what and why.
- **Evidence**: `/criteria`, `/evidence`, `/changesets`, `/runs` and `/events` say what was proven, frozen and done.
- **Reports**: `/test-results/junit` takes what `pytest --junit-xml=FILE` writes, the same content once.
"""

api = DocumentedAPI(
    title="V7 Migration API",
    version="1.0.0",
    description=DESCRIPTION,
    urls_namespace="api-v1",
    openapi_url=None,
    docs_url=None,
    auth=[Token(), Session()],
    parser=StrictParser(),
    renderer=Renderer(),
)
handle_errors(api)
for prefix, router in routers().items():
    api.add_router(prefix, router)
for prefix, router in (
    ("", people.router),
    ("", evidence.router),
    ("/gate", gate.router),
    ("/changesets", changesets.router),
    ("/runs", runs.router),
    ("/events", runs.events),
):
    api.add_router(prefix, router)


@api.get("/openapi.json", include_in_schema=False, url_name="openapi-json")
def openapi(request: HttpRequest) -> Any:
    """Return the OpenAPI document."""
    return Response(api.get_openapi_schema())
