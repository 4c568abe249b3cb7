"""Whether anybody changed the catalogs since we last looked, in one round trip however big the schema is.

A *watermark* stands for every row version of the catalogs that a snapshot reads, so DDL of any session changes it.
It only says that something may be different: what is, the snapshot says. Not in it, because their catalogs are closed
to ordinary roles or missing in PostgreSQL 14: subscriptions and the schemas of publications.
"""

from __future__ import annotations

from typing import Any

import psycopg

from v7migration.postgres.kept import query


def watermark(connection: psycopg.Connection[Any]) -> str:
    """Return the catalogs' watermark as this session sees it; inside a transaction its own changes are in it."""
    row = connection.execute(query("watermark"), prepare=True).fetchone()
    return str(row[0]) if row else ""
