"""What can be said of a function's body: a text to the grammar, and therefore only looked through for words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from . import grammar, kinds
from .grammar import SyntaxFault
from .model import ACCEPT, REFUSE

Finding = tuple[str, str, str, str]  # id, severity, message, hint
ENDS_TRANSACTION = frozenset({"commit", "rollback", "abort"})
STARTS = frozenset({";", "begin", "then", "else", "loop", ">>"})
"""What stands before the first word of a statement in a body."""
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


def _is_statement(words: list[str], place: int) -> bool:
    """Whether the word at a place begins a statement: ``SET`` of an UPDATE and a column named ``commit`` do not."""
    if place + 1 < len(words) and words[place + 1] in ("=", ":=", ",", ")", "."):
        return False
    return place == 0 or words[place - 1] in STARTS


def _builds_sql(words: list[str], place: int) -> bool:
    """Whether EXECUTE at a place runs a text: not as a privilege, and not in CREATE TRIGGER."""
    after = words[place + 1] if place + 1 < len(words) else ""
    before = words[place - 1] if place else ""
    return before not in ("grant", "revoke", ",") and after not in ("on", "function", "procedure", ",")


def _words(text: bytes, found: list[grammar.Token]) -> Iterator[Finding]:
    words = [text[token.start : token.end].decode().lower().strip('"') for token in found]
    for called in sorted(kinds.DANGEROUS_FUNCTIONS.intersection(words)):
        yield "V7S116", REFUSE, f"a function's body calls {called}()", "It acts outside this migration's objects."
    if ROLE_CHANGES.intersection(pairwise(words)):
        yield "V7S105", REFUSE, "a function changes its role", "Use SECURITY DEFINER and an owner."
    if "copy" in words and "program" in words:
        yield "V7S103", REFUSE, "a function's body runs a program", "Write INSERT."
    if any(_is_statement(words, place) for place, word in enumerate(words) if word in ENDS_TRANSACTION):
        message = "a function's body ends the transaction: a function fails with it, a procedure ends its caller's"
        yield "V7S229", ACCEPT, message, "Leave COMMIT and ROLLBACK to whoever calls it."
    if any(_is_statement(words, place) for place, word in enumerate(words) if word in ("set", "reset")):
        message = "a function's body changes a setting of the session, which stays after it"
        yield (
            "V7S225",
            ACCEPT,
            message,
            "Leave settings to whoever calls it, or write them behind the body (SET … TO …).",
        )
    if any(word == "execute" and _builds_sql(words, place) for place, word in enumerate(words)):
        message = "a function's body builds SQL at run time (EXECUTE), which no review of this text can see"
        yield "V7S214", ACCEPT, message, "Write the statement itself, or read where its text comes from."
