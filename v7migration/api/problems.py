"""Every error of the API as problem+json (RFC 9457): what happened, and what to do next."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.db import DatabaseError, DataError, InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError
from pydantic import ConfigDict, Field

from v7migration.errors import HomeMoving, InvalidValue, StaleForm, UsageError, V7Error, WouldVoid
from v7migration.middleware import status_of

MEDIA_TYPE = "application/problem+json"
LOG = logging.getLogger("django.request")
NOT_THERE = frozenset({"42P01", "42703"})
"""SQLSTATEs of a table and of a column that do not exist."""
NEXT_STEPS = {
    400: "Send one document in UTF-8, as the documentation of the operation shows it.",
    401: "Send “Authorization: Bearer …” with a living token (made at /account/tokens/), or sign in.",
    403: "Ask somebody who may.",
    404: "Look the address up in /api/v1/docs, and the id in the list.",
    405: "The header Allow names the methods that this address takes.",
    409: "Read the row again and look at its state.",
    413: "Send less at a time.",
    415: "Send the body with the content type that the documentation of the operation names.",
    422: "Correct the fields that are named and send it again.",
    500: "The error is ours and is in the server's log. Try again; tell the people who run this server.",
    503: "Try again in a moment; staff: see v7_postgres status and the databases' logs.",
}
MEANINGS = {
    400: "The request cannot be read.",
    401: "Nobody is signed in, or the token is unknown, expired or revoked.",
    403: "The person's personas may not do this, the state does not allow it, or a session sent no CSRF token.",
    404: "There is no such row.",
    409: "Refused as things stand: the rows are being moved, the domain forbids it, or signatures would be voided.",
    412: "Somebody else changed the row after it was read.",
    413: "The body is too large.",
    415: "The body is not of a content type that is read here.",
    422: "A value is not valid.",
    503: "A database does not answer.",
}


class FieldError(Schema):
    """What is wrong with one field."""

    field: str = Field(description="where: body, query or path, then the names that lead to the field")
    message: str


class Problem(Schema):
    """An error, as RFC 9457 describes it, with a next step."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:v7-migration:problem:stale-form",
                    "title": "Precondition Failed",
                    "status": 412,
                    "detail": "Somebody else changed the row after you opened it.",
                    "next_step": "Load it again and repeat your change.",
                    "errors": [],
                    "signers": [],
                }
            ]
        }
    )

    type: str = Field(description="names the kind of problem and stays the same; about:blank says what the status says")
    title: str = Field(description="the status in words")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what happened")
    next_step: str = Field(description="what to do now")
    errors: list[FieldError] = Field(description="what is wrong with which field; empty where no field is wrong")
    signers: list[str] = Field(description="whose signatures would be voided; empty where none would")


def answers(model: Any, *more: int, status: int = 200) -> dict[int, Any]:
    """Return what an operation answers: its success and each error, for the documentation and for its checks.

    Args:
        model: the schema of the success, None for an empty body.
        more: error statuses beside those that every operation has (400, 401, 409, 422, 503).
        status: the status of the success.
    """
    return {status: model, **dict.fromkeys(sorted({400, 401, 409, 422, 503, *more}), Problem)}


WRITING = (403, 404, 412, 413, 415)
"""The error statuses that a write has beside those of every operation."""


def problem(
    status: int,
    detail: str,
    next_step: str = "",
    *,
    kind: str = "",
    errors: Sequence[tuple[str, str]] = (),
    signers: Sequence[str] = (),
) -> HttpResponse:
    """Return the answer for an error; ``kind`` is the name of its class, ``errors`` are fields with sentences."""
    slug = re.sub(r"(?<!^)(?=[A-Z])", "-", kind).lower()
    document = {
        "type": f"urn:v7-migration:problem:{slug}" if slug else "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "next_step": next_step or NEXT_STEPS.get(status, "Look the operation up in /api/v1/docs."),
        "errors": [{"field": field, "message": message} for field, message in errors],
        "signers": list(signers),
    }
    response = HttpResponse(json.dumps(document), status=status, content_type=MEDIA_TYPE)
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = 'Bearer realm="V7 Migration"'
    return response


def status_for(error: V7Error) -> int:
    """Return the status of a typed error: the pages' one, but 412 for a stale row and 422 for a wrong value."""
    if isinstance(error, StaleForm):
        return 412
    return 422 if isinstance(error, InvalidValue | UsageError) else status_of(error)


def _typed(request: HttpRequest, error: Any) -> HttpResponse:
    fields = error.fields if isinstance(error, InvalidValue) else {}
    next_step = error.next_step
    if isinstance(error, WouldVoid):
        next_step = "Repeat it with confirm_voids=true; the changeset must then be frozen and signed again."
    elif isinstance(error, HomeMoving):
        next_step = "Nothing was saved. Send the request again."
    return problem(
        status_for(error),
        error.message,
        next_step,
        kind=type(error).__name__,
        errors=[(f"body.{name}", sentence) for name, sentences in fields.items() for sentence in sentences],
        signers=error.signers if isinstance(error, WouldVoid) else (),
    )


def _invalid(request: HttpRequest, error: Any) -> HttpResponse:
    found = [(".".join(_words(found["loc"])), str(found["msg"])) for found in error.errors]
    return problem(422, "Some values are not valid.", errors=found)


def _words(place: Sequence[Any]) -> list[str]:
    """Return the way to a field; a body is one document here, so the name of its parameter says nothing."""
    words = [str(word) for word in place]
    return [words[0], *words[2:]] if words and words[0] == "body" else words


def _http(request: HttpRequest, error: Any) -> HttpResponse:
    cause = error.__cause__
    if isinstance(cause, HttpError):  # what the parser of bodies says
        return _http(request, cause)
    if isinstance(error, AuthenticationError):
        return problem(401, MEANINGS[401])
    next_step = ""
    if error.status_code == HTTPStatus.FORBIDDEN and "CSRF" in error.message:
        next_step = "Send the header X-CSRFToken with the value of the cookie csrftoken, or use a token."
    return problem(error.status_code, f"{error.message.rstrip('.')}.", next_step)


def _database(request: HttpRequest, error: Any) -> HttpResponse:
    sqlstate = getattr(error.__cause__, "sqlstate", None)
    if isinstance(error, OperationalError | InterfaceError):
        return problem(503, MEANINGS[503])
    if isinstance(error, DataError):
        return problem(422, "The database cannot keep a value: it is too large or holds characters it does not take.")
    if sqlstate in NOT_THERE:
        return problem(409, "The target does not hold what is asked for.", "It comes with the run of a signed script.")
    return _unexpected(request, error)


def _unexpected(request: HttpRequest, error: Any) -> HttpResponse:
    LOG.error("Internal error: %s %s", request.method, request.path, exc_info=error)
    return problem(500, "Something went wrong on the server; what was sent is not saved.")


def handle_errors(api: NinjaAPI) -> None:
    """Let the API answer every error with a problem."""
    api.add_exception_handler(Exception, _unexpected)
    api.add_exception_handler(V7Error, _typed)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(HttpError, _http)
    api.add_exception_handler(DatabaseError, _database)
    api.add_exception_handler(InterfaceError, _database)
    api.add_exception_handler(Http404, lambda request, error: problem(404, "There is no such row."))
    api.add_exception_handler(PermissionDenied, lambda request, error: problem(403, str(error) or "You may not."))
    api.add_exception_handler(RequestDataTooBig, lambda request, error: problem(413, MEANINGS[413]))
    api.add_exception_handler(SuspiciousOperation, lambda request, error: problem(400, MEANINGS[400]))
    api.add_exception_handler(UnreadablePostError, lambda request, error: problem(400, MEANINGS[400]))
    api.add_exception_handler(MultiPartParserError, lambda request, error: problem(400, MEANINGS[400]))
