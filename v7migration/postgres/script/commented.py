"""Section 9 stands in comments, so that psql never runs it: take the SQL out of them, byte for byte in place."""

from __future__ import annotations

import re

from .grammar import Token
from .source import blank

STATEMENT_WORDS = re.compile(
    r"^\s*(alter|comment|create|delete|drop|grant|insert|revoke|select|truncate|update|begin|commit"
    r"|set|reset|call|lock|copy|refresh|reindex|vacuum|savepoint|execute|prepare)\b",
    re.I,
)


def without_marks(data: bytes, found: list[Token], start: int, end: int) -> bytes:
    """The text of the comments between two byte offsets, as long as that part of ``data``: marks become spaces."""
    result = bytearray(blank(data[start:end]))
    for token in found:
        if token.is_comment and start <= token.start and token.end <= end:
            text = data[token.start : token.end]
            body = text[2:] if token.kind == "SQL_COMMENT" else text[2:-2]
            at = token.start + 2 - start
            result[at : at + len(body)] = body
    return bytes(result)


def without_prose(data: bytes) -> bytes:
    """Blank rules, headers and prose around statements; a line that ends with a semicolon always stays."""
    lines = data.split(b"\n")
    is_open = False
    for index, raw in enumerate(lines):
        line = raw.decode()
        code = line.split("--")[0].rstrip()
        if not is_open and not code.endswith(";") and not STATEMENT_WORDS.match(code):
            lines[index] = blank(raw)
            continue
        if code:
            is_open = not code.endswith(";")
    return b"\n".join(lines)
