"""The proof of a table's content: how many rows, and a checksum that does not depend on their order.

For where writes are quiesced. The checksum sums two hashes of each whole row: equal content gives equal sums in any
order and on any plan; a row more, less, twice or changed gives others (an exclusive or would forget a pair of equal
rows). Two things make it sound. ``hash_record_extended`` is a linear combination of its columns' hashes, so its plain
sum stays the same when two rows exchange the values of one column (it did for 92 of 199 pairs): both hashes of a row
go through another one, together, before they are summed. And a hash knows equality, not identity: 1.0 and 1.00, a day
and 24 hours, two shapes of one array hash alike. So only columns whose equality is identity are hashed as they are;
all others, and those of types without a hash of their own, count as the text that the server shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

from v7migration.postgres.catalog import pinned

Connection = psycopg.Connection[Any]
SEEDS = (1, 4_294_967_311)
IDENTICAL_WHEN_EQUAL = [
    *("bool", "int2", "int4", "int8", "oid", "char", "name", "text", "varchar", "bytea", "uuid"),
    *("date", "time", "timestamp", "timestamptz"),
]
COLUMNS = """
    SELECT a.attname::text,
           CASE WHEN b.oid = 'pg_catalog.bpchar'::regtype THEN 'padded'
                WHEN b.typnamespace <> 'pg_catalog'::regnamespace OR b.typname <> ALL (%s) THEN 'as text'
                WHEN a.attcollation <> 0 THEN 'collated'
                ELSE 'as it is' END
      FROM pg_attribute AS a
      JOIN pg_type AS t ON t.oid = a.atttypid
      JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
     WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attnum
"""
COUNTED = {
    "as it is": sql.SQL("{}"),
    "collated": sql.SQL('{} COLLATE "C"'),  # a nondeterministic collation finds different bytes equal
    "padded": sql.SQL("pg_catalog.textin(pg_catalog.bpcharout({}))"),  # a cast to text drops the blanks at the end
    "as text": sql.SQL('{}::pg_catalog.text COLLATE "C"'),
}


def columns_of(connection: Connection, schema: str, table: str) -> list[str]:
    """Return the names of a table's columns in the order of their attribute numbers; none where there is no table."""
    rows = connection.execute(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped "
        "ORDER BY attnum",
        [sql.Identifier(schema, table).as_string(connection)],
    ).fetchall()
    return [str(row[0]) for row in rows]


def proof(connection: Connection, schema: str, table: str, *, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """Return ``rows`` and ``checksum`` of a table as this session sees it now, row security aside.

    Columns count in the order of their attribute numbers; their names do not count.

    Args:
        columns: the columns that count; None takes all.

    Raises:
        psycopg.Error: the table cannot be read, or row security cannot be set aside.
    """
    name = sql.Identifier(schema, table)
    with pinned(connection) as cursor:
        cursor.execute("SET LOCAL row_security = off")
        found = cursor.execute(COLUMNS, [IDENTICAL_WHEN_EQUAL, name.as_string(connection)]).fetchall()
        taken = sql.SQL(", ").join(
            COUNTED[how].format(sql.Identifier(column)) for column, how in found if columns is None or column in columns
        )
        row = cursor.execute(_sums(taken, name)).fetchone()
    assert row is not None  # noqa: S101
    return {"rows": row[0], "checksum": ":".join(str(part) for part in row[1:])}


def _sums(taken: sql.Composed, table: sql.Identifier) -> sql.Composed:
    """Return the query of count and sums; OFFSET 0 keeps each row's hashes from being computed twice."""
    first, second = (sql.SQL("hash_record_extended(ROW({}), {})").format(taken, sql.Literal(seed)) for seed in SEEDS)
    return sql.SQL(
        "SELECT count(*), coalesce(sum(hashint8extended(a, b)), 0), coalesce(sum(hashint8extended(b, a)), 0) "
        "FROM (SELECT {} AS a, {} AS b FROM {} OFFSET 0) AS hashes"
    ).format(first, second, table)
