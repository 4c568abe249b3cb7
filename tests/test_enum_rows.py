"""Rows per ENUM label: what the statistics tell, what counting tells, and what cannot be told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from v7migration.postgres import enum_rows
from v7migration.postgres.catalog import enums
from v7migration.postgres.embedded import scratch_server

Connection = psycopg.Connection[Any]

SCHEMA = """
CREATE TYPE mood AS ENUM ('sad', 'it''s', 'a,b', '{', '');
CREATE TYPE idle AS ENUM ('never');
CREATE DOMAIN state AS mood;
CREATE DOMAIN states AS mood[];
CREATE TYPE pair AS (a mood, b int);
CREATE TABLE people (id serial, m mood, ms mood[], s state, ss states, p pair, "odd ""name" mood);
CREATE TYPE nest AS (x pair, y pair[]);
CREATE DOMAIN nests AS nest;
CREATE TYPE span AS RANGE (subtype = mood, multirange_type_name = spans);
CREATE TABLE deep (n nests, r span, rs spans, ps pair[], row_of_another people);
INSERT INTO deep (n, r, rs, ps, row_of_another) VALUES
    (ROW(ROW('sad', 1), ARRAY[ROW('a,b', 2), ROW('sad', 3)]::pair[]), '[sad,"a,b"]', '{[sad,sad],["{",""]}', '{}',
     NULL),
    (ROW(NULL, ARRAY[ROW('sad', 2)]::pair[]), 'empty', '{}', NULL, ROW(1, 'sad', '{"{"}', '', NULL, NULL, 'a,b')),
    (NULL, '["a,b",)', NULL, ARRAY[ROW(NULL, 1)]::pair[], NULL);
INSERT INTO people (m, ms, s, ss, p)
SELECT CASE WHEN n <= 500 THEN 'sad' WHEN n <= 800 THEN 'it''s' WHEN n <= 900 THEN 'a,b' END::mood,
       CASE WHEN n <= 250 THEN '{sad,sad,"{"}' WHEN n <= 500 THEN '{}' END::mood[],
       CASE WHEN n <= 100 THEN '' ELSE 'sad' END::state, '{"a,b"}'::states, ROW('sad', 1)::pair
  FROM generate_series(1, 1000) AS n;
CREATE TABLE never_analyzed (m mood);
CREATE TABLE parts (m mood, d int) PARTITION BY RANGE (d);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts SELECT 'sad', n FROM generate_series(0, 19) AS n;
CREATE TABLE elder (m mood);
CREATE TABLE younger () INHERITS (elder);
INSERT INTO elder VALUES ('sad');
INSERT INTO younger VALUES ('sad'), ('it''s');
CREATE TABLE empty (m mood);
CREATE TABLE hidden (m mood);
INSERT INTO hidden VALUES ('sad');
CREATE TABLE guarded (m mood);
ALTER TABLE guarded ENABLE ROW LEVEL SECURITY;
ANALYZE people, parts, parts_1, parts_2, elder, younger, empty, hidden, guarded;
CREATE ROLE visitor LOGIN PASSWORD 'visitor';
GRANT SELECT ON people, deep, parts, parts_1, parts_2, elder, younger, empty, guarded, never_analyzed TO visitor;
"""


@pytest.fixture(scope="module", params=[18, 16], ids=["on 18", "on 16"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scratch_server(tmp_path_factory.mktemp("enum_rows"), request.param) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SCHEMA)
        yield url


@pytest.fixture
def connection(server: str) -> Iterator[Connection]:
    with psycopg.connect(server, autocommit=True) as connection:
        yield connection


@pytest.fixture
def visitor(server: str) -> Iterator[Connection]:
    with psycopg.connect(make_conninfo(server, user="visitor", password="visitor"), autocommit=True) as connection:
        yield connection


def estimated(connection: Connection) -> dict[str, Any]:
    return by_column(enum_rows.estimated_rows(enums(connection), enum_rows.enum_columns(connection)))


def counted(connection: Connection, seconds: float = 30) -> dict[str, Any]:
    found = enum_rows.counted_rows(connection, enums(connection), enum_rows.enum_columns(connection), seconds=seconds)
    return by_column(found)


def by_column(found: list[dict[str, Any]]) -> dict[str, Any]:
    columns = {f"{c['table']}.{c['column']}": c for entry in found for c in entry["columns"]}
    return columns | {entry["type"]: entry for entry in found}


MOOD = ("sad", "it's", "a,b", "{", "")
PEOPLE = {
    "public.people.m": (500, 300, 100, 0, 0),
    "public.people.ms": (250, 0, 0, 250, 0),
    "public.people.s": (900, 0, 0, 0, 100),
    "public.people.ss": (0, 0, 1000, 0, 0),
    'public.people.odd "name': (0, 0, 0, 0, 0),
}


@pytest.mark.parametrize("measure", [estimated, counted])
def test_scalars_arrays_and_domains_tell_their_rows_by_label(connection: Connection, measure: Any) -> None:
    found = measure(connection)
    for column, numbers in PEOPLE.items():
        assert found[column]["labels"] == dict(zip(MOOD, numbers, strict=True)), column
        assert found[column]["method"] == measure.__name__
        assert found[column]["rows"] == 1000
    assert found["public.people.m"]["nulls"] == 100
    assert found["public.people.ms"]["nulls"] == 500
    assert found['public.people.odd "name']["nulls"] == 1000


def test_what_cannot_be_told_says_why(connection: Connection) -> None:
    found = estimated(connection)
    composite = found["public.people.p"]
    assert (composite["method"], composite["labels"]["sad"]) == ("unknown", None)
    assert "composite" in composite["note"]
    assert found["public.mood"]["method"] == "unknown"
    assert found["public.idle"]["columns"] == []
    assert found["public.idle"]["labels"] == {"never": 0}


def test_what_stands_inside_composites_ranges_and_rows_is_counted(connection: Connection) -> None:
    found = counted(connection)
    assert found["public.people.p"]["labels"]["sad"] == 1000
    inside = {"n": (2, 0, 1, 0, 0), "r": (1, 0, 2, 0, 0), "rs": (1, 0, 0, 1, 1), "ps": (0, 0, 0, 0, 0)}
    for name, numbers in (inside | {"row_of_another": (1, 0, 1, 1, 1)}).items():
        assert found[f"public.deep.{name}"]["labels"] == dict(zip(MOOD, numbers, strict=True)), name
    assert [found[f"public.deep.{name}"]["nulls"] for name in ("n", "r", "rs", "ps")] == [1, 0, 1, 1]
    assert found["public.mood"]["method"] == "counted"


def test_a_table_that_was_never_analyzed_is_not_estimated_as_empty(connection: Connection) -> None:
    found = estimated(connection)["public.never_analyzed.m"]
    assert (found["method"], found["rows"], found["labels"]["sad"]) == ("unknown", None, None)
    assert "ANALYZE" in found["note"]
    assert counted(connection)["public.never_analyzed.m"]["labels"]["sad"] == 0


@pytest.mark.parametrize("measure", [estimated, counted])
def test_partitions_and_inherited_tables_are_counted_once(connection: Connection, measure: Any) -> None:
    found = measure(connection)
    assert found["public.parts.m"]["labels"]["sad"] is None
    assert [found[f"public.parts_{n}.m"]["labels"]["sad"] for n in (1, 2)] == [10, 10]
    assert [found[f"public.{name}.m"]["rows"] for name in ("elder", "younger")] == [1, 2]


def test_a_table_without_permission_is_reported_and_the_rest_is_done(visitor: Connection) -> None:
    found = counted(visitor)
    assert found["public.hidden.m"]["method"] == "unknown"
    assert "permission denied" in found["public.hidden.m"]["note"]
    assert "row-level security" in found["public.guarded.m"]["note"]
    assert found["public.people.m"]["labels"]["sad"] == 500
    assert estimated(visitor)["public.hidden.m"]["labels"]["sad"] is None


def test_a_table_that_takes_too_long_is_reported_and_leaves_no_setting_behind(connection: Connection) -> None:
    found = counted(connection, seconds=0.000001)
    assert "longer than" in found["public.people.m"]["note"] or found["public.people.m"]["method"] == "counted"
    timeout = connection.execute("SHOW statement_timeout").fetchone()
    assert timeout == ("0",)


def test_a_locked_table_is_reported_and_the_rest_is_done(server: str, connection: Connection) -> None:
    with psycopg.connect(server) as other:
        other.execute("LOCK TABLE empty IN ACCESS EXCLUSIVE MODE")
        found = counted(connection)
    assert found["public.empty.m"]["note"] == "not counted: the table is locked"
    assert found["public.people.m"]["method"] == "counted"
