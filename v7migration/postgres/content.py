"""The proof of a table's content: how many rows, and a checksum that does not depend on their order.

The checksum sums a 64-bit hash of each whole row under two seeds: equal content gives equal sums in any order and on
any plan; a row more, less, twice or changed gives others (an exclusive or would forget a pair of equal rows).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg
from psycopg import sql

Connection = psycopg.Connection[Any]
SEEDS = (0, 4_294_967_311)
# A type without a hash of its own (json, xml, money, geometry …) counts as its text; so does an array or domain of it.
COLUMNS = """
    SELECT a.attname::text,
           NOT EXISTS (SELECT FROM pg_opclass AS o JOIN pg_am AS m ON m.oid = o.opcmethod
                        WHERE m.amname = 'hash' AND o.opcdefault AND o.opcintype = b.oid)
           AND b.typcategory NOT IN ('S', 'E', 'R')
      FROM pg_attribute AS a
      JOIN pg_type AS t ON t.oid = a.atttypid
      JOIN pg_type AS b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype
                                        WHEN t.typcategory = 'A' AND t.typelem <> 0 THEN t.typelem ELSE t.oid END
     WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped
     ORDER BY a.attnum
"""


def proof(connection: Connection, schema: str, table: str, *, columns: Sequence[str] | None = None) -> dict[str, Any]:
    """Return ``rows`` and ``checksum`` of a table as this session sees it now, row security aside.

    Args:
        columns: the columns that count; None takes all.

    Raises:
        psycopg.Error: the table cannot be read, or row security cannot be set aside.
    """
    name = sql.Identifier(schema, table)
    found = connection.execute(COLUMNS, [name.as_string(connection)]).fetchall()
    taken = sql.SQL(", ").join(
        sql.SQL("{}::text" if as_text else "{}").format(sql.Identifier(column))
        for column, as_text in found
        if columns is None or column in columns
    )
    sums = sql.SQL(", ").join(
        sql.SQL("coalesce(sum(hash_record_extended(ROW({}), {})), 0)").format(taken, sql.Literal(seed))
        for seed in SEEDS
    )
    with connection.transaction(force_rollback=True):
        connection.execute("SET LOCAL row_security = off")
        row = connection.execute(sql.SQL("SELECT count(*), {} FROM {}").format(sums, name)).fetchone()
    assert row is not None  # noqa: S101
    return {"rows": row[0], "checksum": ":".join(str(part) for part in row[1:])}
