"""What can be said of a function's body: a text to the grammar, and therefore only looked through for words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from . import grammar, kinds
from .grammar import SyntaxFault
from .model import ACCEPT, REFUSE

Finding = tuple[str, str, str, str]  # id, severity, message, hint
ROLE_CHANGES = {(word, "role") for word in ("set", "local", "session", "reset")} | {("session", "authorization")}


def findings(function: Any) -> Iterator[Finding]:
    """What a reviewer must know of the body of a ``CreateFunctionStmt``.

    It finds words, not meaning: what a body makes of strings at run time is seen by no reading of it.
    """
    yield from _unreadable(function)
    body = grammar.option(function, "as")
    for text in grammar.strings(body.arg.list.items) if body is not None else ():
        try:
            found = [token for token in grammar.tokens(text.encode()) if not token.is_comment]
        except SyntaxFault:
            yield "V7S121", REFUSE, "a function's body cannot be read", "Close its strings and comments."
            continue
        yield from _words(text.encode(), found)


def statements(function: Any) -> list[Any]:
    """The statements in the body of a ``CreateFunctionStmt`` in SQL; none where it cannot be read."""
    try:
        return [node for text in _sql(function) for node in grammar.trees(text)]
    except SyntaxFault:
        return []


def _sql(function: Any) -> list[str]:
    """The body's text, where its language is SQL."""
    language, body = grammar.option(function, "language"), grammar.option(function, "as")
    name = language.arg.string.sval.lower() if language is not None else "sql"
    return grammar.strings(body.arg.list.items)[:1] if name == "sql" and body is not None else []


def _unreadable(function: Any) -> Iterator[Finding]:
    for text in _sql(function):
        try:
            grammar.trees(text)
        except SyntaxFault as fault:
            message = f"the function's body is not SQL: {fault.message}"
            yield "V7S122", REFUSE, message, "Correct it: the server reads it when the function is made."


def _words(text: bytes, found: list[grammar.Token]) -> Iterator[Finding]:
    words = [text[token.start : token.end].decode().lower().strip('"') for token in found]
    for called in sorted(kinds.DANGEROUS_FUNCTIONS.intersection(words)):
        yield "V7S116", REFUSE, f"a function's body calls {called}()", "It acts outside this migration's objects."
    if ROLE_CHANGES.intersection(pairwise(words)):
        yield "V7S105", REFUSE, "a function changes its role", "Use SECURITY DEFINER and an owner."
    if "copy" in words and "program" in words:
        yield "V7S103", REFUSE, "a function's body runs a program", "Write INSERT."
    if "execute" in words:
        message = "a function's body builds SQL at run time (EXECUTE), which no review of this text can see"
        yield "V7S214", ACCEPT, message, "Write the statement itself, or read where its text comes from."
