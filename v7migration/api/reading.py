"""How the API reads bodies and writes answers."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, NoReturn

from django.http import HttpRequest
from ninja.errors import HttpError
from ninja.parser import Parser
from ninja.renderers import JSONRenderer
from ninja.responses import NinjaJSONEncoder

JSON = "application/json"


class StrictParser(Parser):
    """Bodies are JSON and say so. ``NaN`` and ``Infinity`` are not JSON."""

    def parse_body(self, request: HttpRequest) -> Any:
        """Return the document of a body.

        Raises:
            HttpError: 415, another content type; 400, no JSON document in UTF-8.
        """
        if request.content_type != JSON:
            raise HttpError(415, f"The body is {request.content_type or 'of no content type'}, not {JSON}")
        try:
            return json.loads(request.body.decode(), parse_constant=_not_json)
        except (ValueError, RecursionError) as error:
            raise HttpError(400, f"The body is no JSON document: {error}") from error


def _not_json(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


class WholeTimes(NinjaJSONEncoder):
    """Times with their microseconds: an ``updated_at`` that is sent back must be the one the row has."""

    def default(self, o: Any) -> Any:
        """Return a time as ISO 8601, everything else as Django does."""
        return o.isoformat() if isinstance(o, datetime) else super().default(o)


class Renderer(JSONRenderer):
    """JSON with whole times."""

    encoder_class = WholeTimes
