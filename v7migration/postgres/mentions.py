"""What the text of a function speaks of: relations, routines and types, where the catalogs record no dependency.

The server does not parse such a body before it runs, and a body may build its statements from strings, so a mention
is a reading, not a proof: names count where they stand as a table (``FROM x``), a call (``x(``) or a type (``::x``),
or with their schema. What stands in a string counts too; comments do not.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r"'((?:[^']|'')*)'")
_TOKEN = re.compile(r'"(?:[^"]|"")+"|[^\W\d][\w$]*|::|:=|[^\s\w]')
_SQL_LANGUAGES = frozenset({"sql", "plpgsql"})
_BEFORE_A_TABLE = frozenset({"from", "join", "update", "table", "only", "truncate", "using", "copy", "references"})
_BEFORE_INTO = frozenset({"insert", "merge"})
_BEFORE_A_TYPE = frozenset({"::", "returns", "setof", "type"})
_AFTER_A_DECLARATION = frozenset({";", ":=", "=", "default", "not", "["})
_STATEMENTS = frozenset(
    {"return", "perform", "raise", "call", "close", "exit", "continue", "open", "fetch", "commit", "rollback"}
    | {
        "if",
        "elsif",
        "else",
        "end",
        "loop",
        "begin",
        "null",
        "select",
        "into",
        "execute",
        "assert",
        "next",
        "query",
        "move",
    }
)
Objects = dict[str, dict[str, list[str]]]


@dataclass(frozen=True)
class Places:
    """Where names lead: for relations, routines and types, ids by name and schema."""

    relation: Objects
    routine: Objects
    type: Objects

    @classmethod
    def of(cls, objects: Iterable[tuple[str, str, str, str]]) -> Places:
        """Sort objects of (schema, name, ``relation`` | ``routine`` | ``type``, id) by name."""
        found: dict[str, Objects] = {kind: defaultdict(lambda: defaultdict(list)) for kind in cls.__annotations__}
        for schema, name, catalog, node_id in objects:
            found[catalog][name][schema].append(node_id)
        return cls(**found)


@dataclass(frozen=True)
class _Word:
    """A name of one or more parts with the tokens around it, and the word before the parenthesis that it is in."""

    parts: tuple[str, ...]
    before: tuple[str, str]
    after: tuple[str, str]
    as_table: bool
    within: str


def search_path(schema: str, setting: str | None) -> list[str]:
    """Return the schemas in which a routine looks: its own setting, or else its schema and ``public``."""
    if setting is None:
        return [schema, "public"]
    return [part.strip().strip('"') for part in setting.split(",") if part.strip()]


def mentions(body: str, *, places: Places, language: str, path: Sequence[str]) -> set[str]:
    """Return the ids of the objects that a body mentions; a name that could mean several gives them all."""
    return {node_id for word in _words(_tokens(body, language)) for node_id in _meant(word, places, path)}


def _tokens(body: str, language: str) -> list[str]:
    """Return the tokens without comments; a string gives a quote and then its contents, so that they are read too."""
    text = _COMMENT.sub(" ", body)
    if language not in _SQL_LANGUAGES:  # there double quotes hold strings
        return _TOKEN.findall(re.sub("['\"]", " ", text))
    text = _STRING.sub(lambda match: " \0 " + match[1].replace("'", " ") + " ", text)
    return _TOKEN.findall(text.replace("'", " ").replace("\0", "'"))


def _words(tokens: list[str]) -> Iterator[_Word]:
    """Yield every name, and whether it stands where a table does: after FROM and such, or in the list behind them."""
    expected = listing = False
    around: list[str] = []
    index = 0
    while index < len(tokens):
        if not _is_name(tokens[index]):
            if tokens[index] == "(":
                around.append(_at(tokens, index - 1))
            elif tokens[index] == ")" and around:
                around.pop()
            expected = (expected and tokens[index] == "(") or (listing and tokens[index] == ",")
            listing = listing and tokens[index] == ","
            index += 1
            continue
        end = index + 1
        while end + 1 < len(tokens) and tokens[end] == "." and _is_name(tokens[end + 1]):
            end += 2
        word = tokens[index].lower()
        before = (_at(tokens, index - 2), _at(tokens, index - 1))
        if word in _BEFORE_A_TABLE or (word == "into" and before[1] in _BEFORE_INTO):
            expected, listing = before[1] != "distinct", False
        elif word not in ("only", "as", "lateral", "if", "exists"):
            after = (_at(tokens, end), _at(tokens, end + 1))
            within = around[-1] if around else ""
            yield _Word(tuple(map(_folded, tokens[index:end:2])), before, after, expected, within)
            listing = listing or expected
            expected = False
        index = end


def _meant(word: _Word, places: Places, path: Sequence[str]) -> Iterator[str]:
    """Yield the ids that a name means where it stands."""
    if len(word.parts) > 1:
        schema, name = word.parts[:2]
        yield from places.relation.get(name, {}).get(schema, ())
        yield from places.type.get(name, {}).get(schema, ())
        if word.after[0] == "(" and not word.as_table:
            yield from places.routine.get(name, {}).get(schema, ())
        if word.after == ("%", "type"):
            yield from _found(places.relation, schema, path)
        return
    name = word.parts[0]
    if word.as_table or word.after == ("%", "rowtype"):
        yield from _found(places.relation, name, path)
    if word.after[0] == "(" and (not word.as_table or name not in places.relation):
        yield from _found(places.routine, name, path)
    if _is_type(word):
        yield from _found(places.type, name, path)
        yield from _found(places.relation, name, path)
    elif word.after[0] == "'" and word.before[1] not in ("raise", "time"):  # mood 'happy'
        yield from _found(places.type, name, path)


def _is_type(word: _Word) -> bool:
    earlier, previous = word.before
    if previous in _BEFORE_A_TYPE or (previous == "as" and word.within == "cast"):
        return True
    declared = _is_name(previous) and previous not in _STATEMENTS and earlier in (";", "declare", previous)
    return word.after[0] in _AFTER_A_DECLARATION and (previous == "constant" or declared)


def _found(objects: Objects, name: str, path: Sequence[str]) -> list[str]:
    by_schema = objects.get(name, {})
    for schema in path:
        if schema in by_schema:
            return by_schema[schema]
    return [node_id for ids in by_schema.values() for node_id in ids]


def _is_name(token: str) -> bool:
    return bool(token) and (token[0] == '"' or token[0] == "_" or token[0].isalpha())


def _folded(token: str) -> str:
    return token[1:-1].replace('""', '"') if token[0] == '"' else token.lower()


def _at(tokens: Sequence[str], index: int) -> str:
    return tokens[index].lower() if 0 <= index < len(tokens) else ""
