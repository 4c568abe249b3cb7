"""The demo target: a legacy database to migrate, built from target.sql and taken down again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql

from v7migration.errors import Refused

OWNER = "v7_owner"
WEB = "v7_web"
SCRIPT = Path(__file__).with_name("target.sql")
SOURCE = Path(__file__).with_name("source")  # the tree that file_audit's relative paths describe

MARKER_SCHEMA = "archive"
MARKER = "Demo target:"  # how the comment on that schema begins

RELATIONS_OF_SCHEMAS = """
    SELECT n.nspname, c.relname
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
       AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
     ORDER BY 1, 2
"""
TABLES_OF_OWNER = """
    SELECT n.nspname, c.relname
      FROM pg_catalog.pg_class AS c
      JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
     WHERE pg_catalog.pg_get_userbyid(c.relowner) = 'v7_owner' AND c.relkind IN ('r', 'p')
     ORDER BY 1, 2
"""
SCHEMAS_OF_OWNER = """
    SELECT n.nspname
      FROM pg_catalog.pg_namespace AS n
     WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname NOT IN ('information_schema', 'public')
       AND pg_catalog.pg_get_userbyid(n.nspowner) IN ('v7_owner', 'v7_runner')
     ORDER BY 1
"""


def build_target(conn: psycopg.Connection) -> None:
    """Create the legacy schema and its rows, all or nothing, owned by v7_owner, and let the planner know the rows.

    ``conn`` is connected to the target database as v7_owner or a member of it.
    Raises ``Refused`` when a table or view file_audit exists already; nothing is touched then.
    """
    with conn.transaction(), _acting_as_owner(conn):
        if conn.execute("SELECT pg_catalog.to_regclass('public.file_audit')").fetchone() != (None,):
            raise Refused(
                "The target has a file_audit already; the demo builds its target in an empty database.",
                "Run manage.py v7_demo --reset to begin anew, or name another target database.",
            )
        conn.execute(SCRIPT.read_bytes())
        tables = [sql.Identifier(*name) for name in conn.execute(TABLES_OF_OWNER).fetchall()]
        conn.execute(sql.SQL("ANALYZE {}").format(sql.SQL(", ").join(tables)))


def reset_target(conn: psycopg.Connection) -> None:
    """Empty the demo database: every schema of v7_owner or v7_runner goes, and public is made anew.

    Afterwards PUBLIC may create nothing in it and v7_web may use it. An empty database stays empty.
    Raises ``Refused`` when the database holds tables but was not built by ``build_target``.
    """
    with conn.transaction(), _acting_as_owner(conn):
        _refuse_unless_demo(conn)
        for (name,) in conn.execute(SCHEMAS_OF_OWNER).fetchall():
            conn.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(sql.Identifier(name)))
        conn.execute("DROP SCHEMA IF EXISTS public CASCADE")
        conn.execute("CREATE SCHEMA public")
        conn.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
        conn.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(sql.Identifier(WEB)))


def is_demo(conn: psycopg.Connection) -> bool:
    """Whether this database was built by ``build_target``: the comment on its schema says so."""
    row = conn.execute(
        "SELECT pg_catalog.obj_description(pg_catalog.to_regnamespace(%s)::oid, 'pg_namespace')",
        [MARKER_SCHEMA],
    ).fetchone()
    return row is not None and row[0] is not None and str(row[0]).startswith(MARKER)


def _refuse_unless_demo(conn: psycopg.Connection) -> None:
    relations = conn.execute(RELATIONS_OF_SCHEMAS).fetchall()
    if relations and not is_demo(conn):
        first = ".".join(relations[0])
        raise Refused(
            f"This database was not built by the demo (it holds {first}), so it is not emptied.",
            "Point TARGET_DATABASE_URL and TARGET_RUNNER_URL at the demo's own database.",
        )


@contextmanager
def _acting_as_owner(conn: psycopg.Connection) -> Iterator[None]:
    """What is created inside belongs to v7_owner, whichever of its members is connected."""
    row = conn.execute("SELECT pg_catalog.current_setting('role')").fetchone()
    before = row[0] if row else "none"
    conn.execute("SELECT pg_catalog.set_config('role', %s, true)", [OWNER])
    yield
    conn.execute("SELECT pg_catalog.set_config('role', %s, true)", [before])
