"""Names of several parts as one text, so that no two objects share one: ``"a.b".c`` is not ``a."b.c"``.

A part is quoted, as PostgreSQL would, only where it holds a dot or a quote: every other name reads as people write it.
"""

from __future__ import annotations

import re

_PART = re.compile(r'"((?:[^"]|"")*)"(?=\.|$)|([^.]*)')


def joined(*parts: str) -> str:
    """Return the parts of a name as one text: ``public.pages``, ``"a.b".c``."""
    return ".".join(f'"{part.replace(chr(34), chr(34) * 2)}"' if "." in part or '"' in part else part for part in parts)


def parts_of(name: str) -> list[str]:
    """Return the parts of a name that :func:`joined` made, or that somebody wrote without quotes."""
    if '"' not in name:
        return name.split(".")
    found, at = [], 0
    while at <= len(name):
        match = _PART.match(name, at)
        if match is None:  # the pattern matches the empty text, too
            break
        quoted, bare = match.groups()
        found.append(bare if quoted is None else quoted.replace('""', '"'))
        at = match.end() + 1
    return found


def holder(name: str) -> str:
    """Return a name without its last part: the schema of a table, the table of a column; '' for a name of one part."""
    return joined(*parts_of(name)[:-1]) if '"' in name else name.rpartition(".")[0]


def last(name: str) -> str:
    """Return the last part of a name, as it is."""
    return parts_of(name)[-1]


def first(name: str) -> str:
    """Return the first part of a name, as it is."""
    return parts_of(name)[0]
