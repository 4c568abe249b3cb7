"""Both databases at a stage of the workflow, with a file_audit as big as asked for, kept to come back to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
from django.db import connections
from psycopg import sql

from tests import world as worlds
from tests.environment import CLUSTER, url
from tests.killing import Remembered
from tests.world import World
from v7migration.postgres.embedded import client_binary

SMALL = 169
"""Files of the demo target as it comes."""
_BASE_62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_GROW = """
INSERT INTO public.file_audit (
    file_number, file_path, file_name, layer_number, layer_name, status, workflows, technical_debt, audit_date,
    notes, line_count, content_digest, risk, owner_email
)
SELECT substr(d, 1 + n / 238328 %% 62, 1) || substr(d, 1 + n / 3844 %% 62, 1) || substr(d, 1 + n / 62 %% 62, 1)
           || substr(d, 1 + n %% 62, 1),
       'src/generated/part_' || n %% 997 || '/module_' || n || '.py', 'module_' || n || '.py', 1 + n %% 7,
       'Layer ' || 1 + n %% 7, (ARRAY['NOVEL', 'SHARED', 'SYSTEM'])[1 + n %% 3], ARRAY['WF' || 1 + n %% 9],
       CASE WHEN n %% 5 = 0 THEN 'Raw SQL in line ' || n %% 400 END,
       timestamptz '2025-05-05 09:00:00+00' + n * interval '1 s',
       CASE WHEN n %% 3 = 0 THEN 'Audited in round ' || n %% 12 END, n %% 2000, md5(n::text),
       (enum_range(NULL::public.file_risk))[1 + n %% 3], 'person' || n %% 40 || '@example.org'
  FROM generate_series(%s::integer, %s::integer) AS n, (SELECT %s::text) AS digits (d)
"""
_FIRST = 40_000
"""Numbers below look like the demo's four digits."""


def tool(name: str, *words: str | Path) -> list[str]:
    """Return the command of one of the server's client programs."""
    return [str(client_binary(name, CLUSTER.version)), *map(str, words)]


def owner() -> psycopg.Connection[tuple[object, ...]]:
    """Open the target as its owner, as the application and a DBA would."""
    return psycopg.connect(url("owner"), autocommit=True)


def superuser(database: str = "v7_target") -> psycopg.Connection[tuple[object, ...]]:
    """Open a database of the target's server as its superuser."""
    return psycopg.connect(url("superuser"), autocommit=True, dbname=database)


def grow(rows: int) -> None:
    """Fill file_audit up to ``rows`` rows, and let the statistics and the visibility map know."""
    with superuser() as connection:
        found = connection.execute("SELECT count(*) FROM public.file_audit").fetchone()
        missing = rows - int(str(found[0] if found else 0))
        if missing <= 0:
            return
        slow = ("ix_file_audit_layer", "ix_file_audit_workflows")
        definitions = [
            str(connection.execute("SELECT pg_get_indexdef(%s::regclass)", [f"public.{name}"]).fetchall()[0][0])
            for name in slow
        ]
        for name in slow:
            connection.execute(sql.SQL("DROP INDEX public.{}").format(sql.Identifier(name)))
        connection.execute(_GROW, [_FIRST, _FIRST + missing - 1, _BASE_62])
        for definition in definitions:
            connection.execute(definition.encode())
        connection.execute("VACUUM ANALYZE public.file_audit")
        connection.execute("CHECKPOINT")


def stage(name: str, *, rows: int = SMALL, then: Callable[[], object] = lambda: None) -> tuple[World, Remembered]:
    """Put both databases at a stage with ``rows`` rows in file_audit; what is returned comes back to it."""
    world = worlds.world_at(name)
    connections.close_all()
    grow(rows)
    then()
    return world, Remembered(f"{name}_{rows}")
