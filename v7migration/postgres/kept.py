"""The queries that are kept as files in ``v7migration/sql``: reviewed source, never input."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import LiteralString

_SQL = Path(__file__).resolve().parent.parent / "sql"


@cache
def query(name: str) -> LiteralString:
    """Return the text of a kept query by its name, such as ``inventory/identity``."""
    return (_SQL / f"{name}.sql").read_text(encoding="utf-8")


@cache
def _heads() -> frozenset[str]:
    return frozenset(_first_line(path.read_text(encoding="utf-8")) for path in _SQL.rglob("*.sql"))


def is_kept(text: str) -> bool:
    """Say whether a statement is one of ours, by the comment that each of them begins with."""
    return text.startswith("--") and _first_line(text) in _heads()


def _first_line(text: str) -> str:
    return text.partition("\n")[0].rstrip()
