"""One spelling for expressions that the server prints in two ways.

A check such as ``status IN ('a', 'b')`` on a varchar column is printed with
``(ARRAY['a'::character varying, …])::text[]``; dumped and restored, the same check is printed with
``ARRAY[('a'::character varying)::text, …]``. Both mean the same: the first is written as the second before
anything is compared.
"""

from __future__ import annotations

import re

_ARRAY_START = "(ARRAY["
_CAST = re.compile(r"\)::((?:[a-z_ ]|\"(?:[^\"]|\"\")*\"|\.)+(?:\(\d+(?:,\d+)?\))?)\[\]")


def canonical_expression(text: str) -> str:
    """Push casts of array constructors into their elements; any other text comes back unchanged."""
    start = text.find(_ARRAY_START)
    while start >= 0:
        elements, end = _elements(text, start + len(_ARRAY_START))
        match = _CAST.match(text, end)
        if match is not None and elements and not any(e.startswith(("ARRAY[", "(ARRAY[")) for e in elements):
            pushed = ", ".join(f"({element})::{match[1]}" for element in elements)
            text = f"{text[:start]}ARRAY[{pushed}]{text[match.end() :]}"
        start = text.find(_ARRAY_START, start + 1)
    return text


def _elements(text: str, position: int) -> tuple[list[str], int]:
    """The top-level elements of a constructor whose first one begins at ``position``, and where its bracket ended."""
    elements: list[str] = []
    depth, begin = 0, position
    quote = ""
    for index in range(position, len(text)):
        character = text[index]
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "([":
            depth += 1
        elif depth and character in ")]":
            depth -= 1
        elif not depth and character in ",]":
            elements.append(text[begin:index].strip())
            begin = index + 1
            if character == "]":
                return elements, index + 1
    return [], len(text)
