"""The rows of the scratch copy: a spread with the extremes of each column, or rows that are made up to fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.environment import CLUSTER
from v7migration.postgres import sample, synthetic
from v7migration.postgres.sample import fill

Connection = psycopg.Connection[Any]
Pair = tuple[Connection, Connection]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """Sessions on two empty databases: a target and a scratch copy."""
    url = CLUSTER.url("superuser")
    names = [f"sample_{uuid4().hex[:12]}" for _ in range(2)]
    with psycopg.connect(url, autocommit=True) as admin:
        for name in names:
            admin.execute(sql.SQL("CREATE DATABASE {} TEMPLATE template0").format(sql.Identifier(name)))
        try:
            urls = [make_conninfo(url, dbname=name) for name in names]
            with psycopg.connect(urls[0], autocommit=True) as target, psycopg.connect(urls[1], autocommit=True) as copy:
                yield target, copy
        finally:
            for name in names:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def make(pair: Pair, definition: str, rows: str = "") -> None:
    for connection in pair:
        connection.execute(definition.encode())
    pair[0].execute(rows.encode())


def values(connection: Connection, query: str) -> list[Any]:
    return [row[0] for row in connection.execute(query.encode()).fetchall()]


RARE = """
INSERT INTO file_audit SELECT n, 'path ' || n, CASE n % 3 WHEN 0 THEN 'NOVEL' ELSE 'SHARED' END, n % 100, 'x',
       ARRAY['WF1']
  FROM generate_series(1, {rows}) AS n;
UPDATE file_audit SET status = 'SYSTEM', workflows = NULL WHERE id = {rows} / 2 + 7;
UPDATE file_audit SET score = -5, notes = repeat('long', 50) WHERE id = {rows} / 3;
UPDATE file_audit SET score = 999, notes = NULL WHERE id = {rows} / 4;
"""
PLAIN = (
    "CREATE TABLE file_audit (id int PRIMARY KEY, file_path text, status text, score int, notes text, workflows text[])"
)


@pytest.mark.parametrize("rows", [30_000, 120_000])
def test_the_rows_that_carry_extremes_are_in_the_sample_wherever_they_stand(pair: Pair, rows: int) -> None:
    make(pair, PLAIN, RARE.format(rows=rows) + "CREATE INDEX ON file_audit (score); ANALYZE file_audit")
    done = fill(*pair)
    assert (done.how, done.rows, done.refused) == ("sampled", 1_000, {})
    assert done.estimate == pytest.approx(rows, rel=0.05)
    copied = "SELECT {} FROM file_audit".format
    assert set(values(pair[1], copied("DISTINCT status"))) >= {"NOVEL", "SHARED"}
    assert pair[1].execute(copied("min(score), max(score)").encode()).fetchone() == (-5, 999)
    assert values(pair[1], copied("count(*)") + " WHERE notes IS NULL") == [1]
    assert values(pair[1], copied("count(*)") + " WHERE workflows IS NULL") == [1]


def test_a_small_table_is_read_whole_so_every_rare_value_is_found(pair: Pair) -> None:
    make(pair, PLAIN, RARE.format(rows=40_000))
    fill(*pair)
    assert set(values(pair[1], "SELECT DISTINCT status FROM file_audit")) == {"NOVEL", "SHARED", "SYSTEM"}
    assert values(pair[1], "SELECT max(length(notes)) FROM file_audit") == [200]


def test_the_sample_is_spread_over_the_table_and_bounded(pair: Pair) -> None:
    make(pair, "CREATE TABLE file_audit (id int)", "INSERT INTO file_audit SELECT generate_series(1, 60000)")
    done = fill(*pair, rows=400)
    assert done.rows == 400
    tenths = values(pair[1], "SELECT count(*) FROM file_audit GROUP BY (id - 1) / 6000 ORDER BY (id - 1) / 6000")
    assert len(tenths) == 10
    assert min(tenths) > 15


def test_a_table_that_fits_is_copied_whole(pair: Pair) -> None:
    make(
        pair, "CREATE TABLE file_audit (a text)", r"INSERT INTO file_audit VALUES (E'tab\tline\nback\\'), (NULL), ('')"
    )
    assert fill(*pair).rows == 3
    assert values(pair[1], "SELECT a FROM file_audit ORDER BY a") == ["", "tab\tline\nback\\", None]


PARTITIONED = """
CREATE TABLE file_audit (id int GENERATED ALWAYS AS IDENTITY, year int NOT NULL,
                         twice int GENERATED ALWAYS AS (year * 2) STORED, kind text NOT NULL) PARTITION BY LIST (kind);
CREATE TABLE part_a PARTITION OF file_audit FOR VALUES IN ('a') PARTITION BY RANGE (year);
CREATE TABLE part_a_old PARTITION OF part_a FOR VALUES FROM (1990) TO (2000);
CREATE TABLE part_a_new PARTITION OF part_a FOR VALUES FROM (2000) TO (2100);
CREATE TABLE part_b PARTITION OF file_audit FOR VALUES IN ('b', 'c');
"""


def test_partitions_generated_and_identity_columns_are_copied(pair: Pair) -> None:
    rows = (
        "INSERT INTO file_audit (year, kind) SELECT 1990 + n % 100, chr(97 + n % 3) FROM generate_series(0, 4999) AS n"
    )
    make(pair, PARTITIONED, rows + "; ANALYZE file_audit")
    done = fill(*pair)
    assert (done.how, done.rows, done.estimate) == ("sampled", 1_000, 5_000)
    held = "SELECT DISTINCT tableoid::regclass::text FROM file_audit"
    assert set(values(pair[1], held)) == {"part_a_old", "part_a_new", "part_b"}
    assert values(pair[1], "SELECT bool_and(twice = year * 2) FROM file_audit") == [True]
    ids = "SELECT max(id) FROM file_audit"
    assert values(pair[1], ids) == values(pair[0], ids)


def test_an_empty_partitioned_table_gets_rows_that_find_a_partition(pair: Pair) -> None:
    make(pair, PARTITIONED)
    done = fill(*pair)
    assert (done.how, done.estimate) == ("synthetic", 0)
    assert done.rows == synthetic.ROWS, done.refused
    assert set(values(pair[1], "SELECT kind FROM file_audit")) >= {"a", "b"}


CONSTRAINED = """
CREATE TYPE mood AS ENUM ('calm', 'sad');
CREATE DOMAIN year AS int CHECK (VALUE BETWEEN 1990 AND 2030);
CREATE TABLE other (id int PRIMARY KEY);
CREATE TABLE file_audit (
    id serial PRIMARY KEY, file_number varchar(4) UNIQUE NOT NULL CHECK (file_number ~ '^[0-9]{4}$'),
    file_path varchar(255) UNIQUE, status text NOT NULL CHECK (status IN ('NOVEL', 'SHARED', 'SYSTEM')),
    mood mood NOT NULL, made year NOT NULL, other int NOT NULL REFERENCES other, workflows varchar[] NOT NULL,
    score int CHECK (score >= 1 AND score <= 10), detail jsonb NOT NULL CHECK (jsonb_typeof(detail) = 'array'),
    seen timestamptz NOT NULL, day date, key uuid NOT NULL, ok boolean NOT NULL, price numeric(6, 2), tags text[],
    address inet, raw bytea, pair point, span int4range NOT NULL, CHECK (status <> 'SYSTEM' OR score IS NULL)
)
"""


def test_rows_are_made_up_for_an_empty_table_that_fit_its_types_and_constraints(pair: Pair) -> None:
    make(pair, CONSTRAINED)
    done = fill(*pair)
    assert (done.how, done.rows, done.refused) == ("synthetic", synthetic.ROWS, {})
    assert done.note == "file_audit of the target is empty"
    assert set(values(pair[1], "SELECT DISTINCT status FROM file_audit")) == {"NOVEL", "SHARED", "SYSTEM"}
    assert values(pair[1], "SELECT count(*) FROM file_audit WHERE day IS NULL") != [0]


def test_rows_that_nothing_can_fit_are_counted_with_the_servers_reason(pair: Pair) -> None:
    make(pair, "CREATE TABLE file_audit (a text NOT NULL, CONSTRAINT riddle CHECK (length(a) = 77))")
    done = fill(*pair)
    assert (done.how, done.rows) == ("none", 0)
    assert done.refused == {'new row for relation "file_audit" violates check constraint "riddle"': 3}


def test_rows_that_a_constraint_of_the_target_never_checked_are_left_out_and_counted(pair: Pair) -> None:
    make(pair, "CREATE TABLE file_audit (a int)", "INSERT INTO file_audit SELECT generate_series(1, 100)")
    for connection in pair:
        connection.execute("ALTER TABLE file_audit ADD CONSTRAINT small CHECK (a <= 97) NOT VALID")
    done = fill(*pair)
    assert (done.how, done.rows) == ("sampled", 97)
    assert done.refused == {'new row for relation "file_audit" violates check constraint "small"': 3}


def as_reader(pair: Pair, *statements: str) -> None:
    """Go on in the target as a role that has less than its owner."""
    pair[0].execute("DROP ROLE IF EXISTS sample_reader")
    pair[0].execute("CREATE ROLE sample_reader")
    for statement in (*statements, "SET SESSION AUTHORIZATION sample_reader"):
        pair[0].execute(statement.encode())


def test_rows_that_the_role_may_not_read_are_made_up(pair: Pair) -> None:
    make(pair, "CREATE TABLE file_audit (a int NOT NULL)", "INSERT INTO file_audit VALUES (1)")
    as_reader(pair)
    done = fill(*pair)
    assert (done.how, done.rows) == ("synthetic", synthetic.ROWS)
    assert "permission denied" in done.note


def test_rows_that_a_policy_hides_are_not_taken_for_all_of_them(pair: Pair) -> None:
    make(pair, "CREATE TABLE file_audit (a int); ALTER TABLE file_audit ENABLE ROW LEVEL SECURITY")
    pair[0].execute("INSERT INTO file_audit VALUES (1); CREATE POLICY none ON file_audit USING (false)")
    as_reader(pair, "GRANT SELECT ON file_audit TO sample_reader")
    done = fill(*pair)
    assert done.how == "synthetic"
    assert "row-level security" in done.note


def test_a_target_without_file_audit_gets_no_rows(pair: Pair) -> None:
    assert fill(*pair) == sample.Sample()


def test_columns_that_cannot_be_sorted_are_sampled_too(pair: Pair) -> None:
    make(
        pair, "CREATE TABLE file_audit (a json, b point, c xml, d int[], e box)",
        "INSERT INTO file_audit SELECT to_json(n), point(n, n), NULL, ARRAY[n] FROM generate_series(1, 2000) AS n",
    )  # fmt: skip
    done = fill(*pair)
    assert (done.how, done.rows) == ("sampled", 1_000)


def test_reading_the_target_changes_nothing_there(pair: Pair) -> None:
    make(pair, "CREATE TABLE file_audit (a int)", "INSERT INTO file_audit VALUES (1)")
    pair[0].execute("SET default_transaction_read_only = on")
    assert fill(*pair).rows == 1
    assert values(pair[0], "SELECT current_setting('statement_timeout')") == ["0"]
