"""What the review says of a column that gets another type, against what the server does with its rows."""

from __future__ import annotations

from itertools import permutations

import psycopg

from tests.environment import url
from v7migration.postgres.script import grammar, rewriting
from v7migration.postgres.script.known import Known

KINDS = (
    "varchar(10)", "varchar(50)", "varchar", "text", "char(3)", "name", "int", "bigint", "oid", "numeric",
    "numeric(10,2)", "numeric(12,2)", "numeric(12,4)", "timestamp", "timestamptz", "timestamp(3)", "timestamp(6)",
    "time", "time(3)", "interval", "interval(3)", "date", "cidr", "inet", "bit(3)", "bit varying(3)", "varbit", "xml",
    "jsonb", "json", "varchar(10)[]", "text[]", "pg_temp.few", "pg_temp.small", "pg_temp.whole",
)  # fmt: skip
OLD = """
SELECT format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'pg_temp.tried'::regclass AND attnum = 1
"""


def test_a_type_change_is_called_a_rewrite_exactly_where_the_server_writes_a_new_file() -> None:
    known = Known(enums={"pg_temp.few": ("a", "b")})
    known.domains, known.bases = (
        {"pg_temp.small": True, "pg_temp.whole": False},
        {"pg_temp.small": "integer", "pg_temp.whole": "integer"},
    )
    wrong, tried = [], 0
    with psycopg.connect(url("superuser"), autocommit=True) as connection:
        connection.execute("SET timezone = 'Europe/Berlin'")
        connection.execute("CREATE TYPE pg_temp.few AS ENUM ('a', 'b')")
        connection.execute("CREATE DOMAIN pg_temp.small AS int CHECK (value > 0)")
        connection.execute("CREATE DOMAIN pg_temp.whole AS int")
        for was, becomes in permutations(KINDS, 2):
            written = is_written(connection, was, becomes)
            if written is not None:
                tried += 1
                node = next(grammar.nodes(grammar.tree(f"ALTER TABLE x ALTER v TYPE {becomes}"), "ColumnDef"))
                said = rewriting.changes_rows(written[0].replace("pg_temp_", "pg_temp."), node, known)
                wrong += [(was, becomes, said)] if (said != "") != written[1] else []
    assert wrong == []
    assert tried > 300


def is_written(connection: psycopg.Connection, was: str, becomes: str) -> tuple[str, bool] | None:
    """Return the type as the catalogs print it and whether changing it wrote a new file; None where it cannot be."""
    connection.execute("DROP TABLE IF EXISTS pg_temp.tried")
    connection.execute(f"CREATE TEMP TABLE tried (v {was})".encode())
    name = connection.execute(OLD).fetchone()
    before = connection.execute("SELECT pg_relation_filenode('pg_temp.tried')").fetchone()
    try:
        connection.execute(f"ALTER TABLE tried ALTER v TYPE {becomes}".encode())
    except psycopg.Error:
        return None
    after = connection.execute("SELECT pg_relation_filenode('pg_temp.tried')").fetchone()
    assert name is not None
    return was if was.startswith("pg_temp") else name[0], before != after
