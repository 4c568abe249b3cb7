"""What a jsonb column can keep: finite numbers, whole characters, no NUL, nested within reason."""

from __future__ import annotations

import json
import re
from typing import Any

NOT_JSONB = "The database cannot keep this: a number too large, half a character, or nested too deep."
DEEPEST = 100
"""Levels of objects and arrays in each other: PostgreSQL keeps more, but no page could show them."""
ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")


def refuse_unkeepable(value: Any) -> None:
    """Refuse a JSON value that PostgreSQL would refuse, or that no page could show.

    Raises:
        ValueError: with :data:`NOT_JSONB`.
    """
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise ValueError(NOT_JSONB) from error
    if ESCAPED_NUL.search(text) or _levels(value) > DEEPEST:
        raise ValueError(NOT_JSONB)


def _levels(value: Any) -> int:
    """Return how many objects and arrays stand in each other."""
    levels, here = 0, [value]
    while here := [each for each in here if isinstance(each, dict | list)]:
        levels += 1
        here = [inner for each in here for inner in (each.values() if isinstance(each, dict) else each)]
    return levels
