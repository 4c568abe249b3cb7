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
