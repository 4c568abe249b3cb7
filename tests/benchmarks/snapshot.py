"""Snapshot of a schema of 1,500 tables: the product's catalog queries against ``pg_dump -s``."""

from __future__ import annotations

import subprocess
from functools import partial

import psycopg
from psycopg import sql

from tests.benchmarks import stages
from tests.benchmarks.measuring import Result, compared, in_turns
from tests.environment import url
from v7migration.postgres import catalog

TABLES = 1_500
REPEAT = 11
AIM = 1.2
DATABASE = "v7_benchmark_schema"
_MAKE = """
DO $make$
DECLARE
    n integer;
BEGIN
    CREATE TYPE public.state AS ENUM ('new', 'open', 'done');
    FOR n IN 1 .. {tables} LOOP
        EXECUTE format('CREATE TABLE public.part_%s (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, '
            'name varchar(100) NOT NULL, state public.state NOT NULL DEFAULT ''new'', amount numeric(12, 2) '
            'CHECK (amount >= 0), tags text[], payload jsonb, made_at timestamptz NOT NULL DEFAULT now(), '
            'before_id bigint)', n);
        EXECUTE format('CREATE INDEX ix_part_%1$s_name ON public.part_%1$s (name)', n);
        EXECUTE format('COMMENT ON TABLE public.part_%1$s IS ''Part %1$s''', n);
        IF n > 1 THEN
            EXECUTE format('ALTER TABLE public.part_%s ADD FOREIGN KEY (before_id) REFERENCES public.part_%s (id)',
                n, n - 1);
        END IF;
        IF n % 10 = 0 THEN
            EXECUTE format('CREATE VIEW public.view_%1$s AS SELECT id, name FROM public.part_%1$s WHERE amount > 1', n);
        END IF;
        IF n % 250 = 0 THEN
            COMMIT;
        END IF;
    END LOOP;
END
$make$
"""


def pg_dump(address: str) -> None:
    """Dump the schema into nothing."""
    command = stages.tool("pg_dump", "--schema-only", "--dbname", address)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Make the schema in a database of its own and measure; each look has a session of its own, as pg_dump has."""
    tables = min(rows or TABLES, TABLES)
    address = url("superuser").rpartition("/")[0] + f"/{DATABASE}"
    with stages.superuser("postgres") as admin:
        admin.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(_MAKE.format(tables=tables).encode())
            connection.execute("VACUUM ANALYZE")
        pairs = in_turns(repeat or REPEAT, partial(look, address), partial(pg_dump, address))
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(DATABASE)))
    return Result(
        name="snapshot", title="Snapshot of a schema", peer="pg_dump --schema-only",
        rows=[compared(f"{tables:,} tables", pairs, aim=AIM)], settings={"tables": tables}, figures={"pairs": pairs},
    )  # fmt: skip


def look(address: str) -> None:
    """Take the snapshot of a database over a new session."""
    with psycopg.connect(address, autocommit=True) as connection:
        assert catalog.snapshot(connection)["objects"]
