"""What a concurrent index leaves behind when its session ends: an invalid index, or one that nobody recorded."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from v7migration.postgres.script import Statement, grammar
from v7migration.postgres.script.objects import created

Connection = psycopg.Connection[tuple[object, ...]]


def _index_names(statement: Statement) -> list[list[str]]:
    return [name.split(".", 1) for kind, name in created(statement) if kind == "index"]


def drop_invalid_indexes(connection: Connection, statement: Statement) -> list[str]:
    """Drop what a failed concurrent build of this very statement left, and return the names of it.

    Only an invalid index that our role owns, that the statement names and that nobody is building counts.
    """
    dropped = []
    for schema, name in _index_names(statement):
        row = connection.execute(
            """
            SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE NOT i.indisvalid AND c.relkind = 'i' AND pg_has_role(c.relowner, 'USAGE')
              AND n.nspname = %s AND c.relname = %s
              AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = c.oid)
            """,
            [schema, name],
        ).fetchone()
        if row is not None:
            connection.execute(sql.SQL("DROP INDEX CONCURRENTLY {}").format(sql.Identifier(schema, name)))
            dropped.append(f"{schema}.{name}")
    return dropped


def is_built(connection: Connection, statement: Statement) -> bool:
    """Say whether the target holds a valid index of exactly the statement's definition.

    An earlier attempt may have built it and died before the ledger knew: the catalog is the truth.
    """
    for schema, name in _index_names(statement):
        row = connection.execute(
            """
            SELECT pg_get_indexdef(c.oid) FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE i.indisvalid AND i.indisready AND n.nspname = %s AND c.relname = %s
            """,
            [schema, name],
        ).fetchone()
        return row is not None and _definition(str(row[0])) == _definition(statement.text)
    return False


def _definition(text: str) -> Any:
    """Return an index definition for comparison: what it says, not how it is written or built."""
    node = type(grammar.tree(text))()
    node.CopyFrom(grammar.tree(text))
    node.concurrent = node.if_not_exists = False
    node.relation.schemaname = node.relation.schemaname or "public"
    for part in grammar.nodes(node):
        if "location" in part.DESCRIPTOR.fields_by_name:
            part.location = 0
    return node
