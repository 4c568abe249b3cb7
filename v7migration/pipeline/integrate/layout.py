"""Python text as a formatter leaves it: calls on one line or one argument a line, wrapped docstrings, quoted text.

What does not fit into 88 columns gets one argument a line and a trailing comma, which formatters keep as they are,
whatever their line length. So a generated module does not change when an application formats it.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

WIDTH = 88
LONGEST = 120
INDENT = "    "


@dataclass(frozen=True)
class Call:
    """A call with its arguments (texts or calls themselves); with an empty ``head`` it is a tuple."""

    head: str
    arguments: tuple[str | Call, ...]

    def __str__(self) -> str:
        return f"{self.head}({', '.join(str(argument) for argument in self.arguments)})"


def call(head: str, *arguments: str | Call | None) -> Call:
    """Return a call of the arguments that are there."""
    return Call(head, tuple(argument for argument in arguments if argument))


def lines_of(value: str | Call, *, before: str = "", after: str = "", depth: int = 0) -> list[str]:
    """Return the lines of a value at a depth, with text before its first and after its last line."""
    margin = INDENT * depth
    whole = f"{margin}{before}{value}{after}"
    if isinstance(value, str) and len(whole) > LONGEST and value.startswith('"'):
        return _split(value, margin, after)
    if isinstance(value, str) or not value.arguments or (value.head and len(whole) <= WIDTH):
        return [whole]
    inner = [line for part in value.arguments for line in lines_of(part, after=",", depth=depth + 1)]
    return [f"{margin}{before}{value.head}(", *inner, f"{margin}){after}"]


def _split(literal: str, margin: str, after: str) -> list[str]:
    """Return a literal as several, one a line, which Python joins again."""
    room = LONGEST - len(margin) - len(after) - 3
    parts = textwrap.wrap(literal[1:-1], room, break_long_words=False, break_on_hyphens=False, drop_whitespace=False)
    return [f'{margin}"{part}"' for part in parts[:-1]] + [f'{margin}"{parts[-1]}"{after}']


def quoted(text: str) -> str:
    """Return a text as a literal, in double quotes unless others need fewer escapes."""
    body = repr(text + "'\"")[1:-4].replace("\\'", "'")  # both quotes make repr use single ones
    if text.count('"') > text.count("'"):
        return "'" + body.replace("'", "\\'") + "'"
    return '"' + body.replace('"', '\\"') + '"'


def docstring(paragraphs: Sequence[str], *, depth: int) -> list[str]:
    """Return a docstring of one line, or of wrapped paragraphs; one that begins with a space is kept as it is."""
    margin = INDENT * depth
    texts = [part.replace("\\", "\\\\").replace('"""', "'''") for part in paragraphs]
    if len(texts) == 1 and len(texts[0]) <= WIDTH - len(margin) - 6:
        return [f'{margin}"""{texts[0]}"""']
    lines = textwrap.wrap(f'"""{texts[0]}', WIDTH, initial_indent=margin, subsequent_indent=margin)
    for text in texts[1:]:
        lines += ["", *_wrapped(text, margin)]
    return [*lines, f'{margin}"""']


def _wrapped(text: str, margin: str) -> list[str]:
    if text.startswith(" "):
        return [f"{margin}{line}".rstrip() for line in text.splitlines()]
    return textwrap.wrap(text, WIDTH, initial_indent=margin, subsequent_indent=margin, break_long_words=False)


def module(header: Sequence[str], blocks: Iterable[Sequence[str]]) -> str:
    """Return the text of a module: its header, then its blocks, two empty lines apart."""
    bodies = ["\n".join(_noted(line) for line in block) for block in blocks if block]
    return "\n".join(header) + "\n" + "\n\n\n".join(bodies) + "\n"


def _noted(line: str) -> str:
    """Return the line; one that no formatter can break says so to the linter."""
    return line if len(line) <= LONGEST else f"{line}  # noqa: E501"
