"""The proof of a table's content: equal for equal content in any order, another for any change."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from tests.world import World
from v7migration.postgres.content import proof

EVERY_TYPE = """
    CREATE TYPE public.a_mood AS ENUM ('good', 'bad');
    CREATE TYPE public.a_pair AS (x int, y text);
    CREATE DOMAIN public.a_document AS json;
    CREATE TABLE public.every_type (
        id int, small smallint, big bigint, real real, double double precision, exact numeric, coins money,
        yes boolean, word text, short varchar(9), padded char(4), bytes bytea, day date, at timestamptz, span interval,
        code uuid, plain json, binary_json jsonb, spot point, bits bit(3), net inet, vector tsvector,
        query tsquery, mood public.a_mood, pair public.a_pair, document public.a_document,
        numbers int[], moods public.a_mood[], documents json[], during int4range, duration nummultirange,
        pairs public.a_pair[]
    );
    INSERT INTO public.every_type
    SELECT n, n, n, n, n, n, n, true, n::text, n::text, 'x', 'x', '2026-01-01', '2026-01-01 00:00Z', '1 day',
           md5(n::text)::uuid, '{}', '{}', '(1,2)', '101', '10.0.0.1', 'a b', 'a & b', 'good', '(1,a)'::public.a_pair,
           '[]', '{1,2}', '{good}', ARRAY['{}'::json], '[1,5)', '{[1,5)}', ARRAY['(1,a)'::public.a_pair]
      FROM generate_series(1, 50) AS n;
"""


@pytest.fixture
def table(world: World) -> Any:
    """A table with a column of every kind of type."""
    with world.owner() as owner:
        owner.execute(EVERY_TYPE)
        yield owner


def of(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    return proof(connection, "public", "every_type")


def test_the_order_of_the_rows_does_not_count(table: Any) -> None:
    before = of(table)
    assert before["rows"] == 50
    table.execute("CREATE TABLE public.other AS SELECT * FROM public.every_type ORDER BY id DESC")
    assert proof(table, "public", "other") == before


def test_every_column_counts(table: Any) -> None:
    before = of(table)
    columns = [
        row[0]
        for row in table.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = 'public.every_type'::regclass AND attnum > 0"
        )
    ]
    for column in columns:
        with table.transaction(force_rollback=True):
            table.execute(
                psycopg.sql.SQL("UPDATE public.every_type SET {} = NULL WHERE id = 7").format(
                    psycopg.sql.Identifier(column)
                )
            )
            assert of(table) != before, column
    assert of(table) == before and len(columns) == 32


def test_a_pair_of_equal_rows_is_not_forgotten_and_a_row_twice_is_not_once(table: Any) -> None:
    before = of(table)
    for _ in range(2):
        table.execute("INSERT INTO public.every_type SELECT * FROM public.every_type WHERE id = 3 LIMIT 1")
    more = of(table)
    assert more["rows"] == 52 and more["checksum"] != before["checksum"]


def test_rows_behind_row_security_count_or_the_proof_refuses(table: Any, world: World) -> None:
    before = of(table)
    table.execute("ALTER TABLE public.every_type ENABLE ROW LEVEL SECURITY")
    assert of(table) == before
    table.execute("GRANT SELECT ON public.every_type TO v7_web")
    with world.web() as web, pytest.raises(psycopg.errors.InsufficientPrivilege):
        of(web)


def test_an_empty_table_and_chosen_columns_have_a_proof(table: Any) -> None:
    chosen = proof(table, "public", "every_type", columns=["id", "word"])
    table.execute("UPDATE public.every_type SET span = '2 days'")
    assert proof(table, "public", "every_type", columns=["id", "word"]) == chosen
    table.execute("DELETE FROM public.every_type")
    assert of(table) == {"rows": 0, "checksum": "0:0"}


def test_two_rows_that_exchange_one_value_are_noticed(table: Any) -> None:
    before = of(table)
    for other in range(2, 50):
        with table.transaction(force_rollback=True):
            table.execute(
                "UPDATE public.every_type AS x SET word = y.word FROM public.every_type AS y "
                "WHERE (x.id, y.id) IN ((1, %s), (%s, 1))",
                [other, other],
            )
            assert of(table) != before, other


@pytest.mark.parametrize(
    "change",
    [
        "word = word || ' '", "word = upper(word || 'a')", "padded = NULL", "short = ''", "exact = 7.0",
        "double = '-0'::float8", "span = '24:00'", "numbers = '{{1,2}}'", "numbers = '[0:1]={1,2}'", "plain = '{ }'",
        "binary_json = '[1.0]'", "during = '[1,6)'", "mood = 'bad'",
    ],
)  # fmt: skip
def test_what_is_equal_but_not_the_same_is_noticed(table: Any, change: str) -> None:
    table.execute("UPDATE public.every_type SET double = 0, binary_json = '[1]' WHERE id = 7")
    before = of(table)
    table.execute(f"UPDATE public.every_type SET {change} WHERE id = 7")
    assert of(table) != before


def test_null_is_not_an_empty_text_and_a_value_in_another_column_is_another_row(table: Any) -> None:
    table.execute("UPDATE public.every_type SET word = '', short = NULL WHERE id = 7")
    before = of(table)
    table.execute("UPDATE public.every_type SET word = NULL, short = '' WHERE id = 7")
    assert of(table) != before


def test_a_session_that_shows_values_otherwise_gets_the_same_proof(table: Any) -> None:
    before = of(table)
    table.execute("SET DateStyle = 'German'; SET IntervalStyle = 'iso_8601'; SET TimeZone = 'Asia/Kolkata'")
    assert of(table) == before
    assert table.execute("SHOW DateStyle").fetchone()[0].startswith("German")
