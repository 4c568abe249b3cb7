"""Characters that make a script look like another one: what people read must be what the server runs.

A carriage return alone ends a line comment for the server and is nothing to see on a page; direction marks show
text in another order than it has; invisible characters hide the difference between two names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from .grammar import Token

DISGUISED = re.compile(
    "\r(?!\n)|[\x01-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)


def found(content: bytes, tokens: list[Token], rows: tuple[int, int] | None) -> Iterator[tuple[int, str]]:
    """Each disguising character outside the rows' own text, as byte offset and code point.

    ``rows`` is the byte range of the population block: the literals in it are data that people typed, and data
    may hold anything. A function's body is a literal too, so no other literal is left out.
    """
    text = content.decode()
    if DISGUISED.search(text) is None:
        return
    first, end = rows or (0, 0)
    data = [(token.start, token.end) for token in tokens if token.kind == "SCONST" and first <= token.start < end]
    offset = position = 0
    for match in DISGUISED.finditer(text):
        offset += len(text[position : match.start()].encode())
        position = match.start()
        if not any(start <= offset < stop for start, stop in data):
            yield offset, f"U+{ord(match.group()):04X}"
