"""What a jsonb column can keep: finite numbers, whole characters, no NUL, nested within reason."""

from __future__ import annotations

import json
import re
from typing import Any

NOT_JSONB = "The database cannot keep this: a number too large, half a character, or nested too deep."
ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def refuse_unkeepable(value: Any) -> None:
    """Refuse a JSON value that PostgreSQL would refuse.

    Raises:
        ValueError: with :data:`NOT_JSONB`.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(NOT_JSONB) from error
    if ESCAPED_NUL.search(text):
        raise ValueError(NOT_JSONB)
