"""Who needs whom: what the catalogs tell, what bodies mention, and names that must not collide."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql

from v7migration.postgres.catalog import dependencies
from v7migration.postgres.embedded import scratch_server
from v7migration.postgres.mentions import Places, mentions, search_path

SCHEMA = """
CREATE SCHEMA sales;
CREATE SCHEMA "Odd ""place";
CREATE TABLE hens (id int PRIMARY KEY, egg_id int);
CREATE TABLE eggs (id int PRIMARY KEY, hen_id int REFERENCES hens);
ALTER TABLE hens ADD FOREIGN KEY (egg_id) REFERENCES eggs;
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b), parent int REFERENCES hens);
CREATE TABLE pair_notes (x int, y int, z int REFERENCES hens, w int REFERENCES hens,
                         CONSTRAINT both_of_it FOREIGN KEY (y, x) REFERENCES pairs (a, b));
CREATE TABLE orders (id int PRIMARY KEY);
CREATE TABLE sales.orders (id int PRIMARY KEY, public_id int REFERENCES public.orders);
CREATE TABLE "Odd ""place"."a.b" (id int PRIMARY KEY);
CREATE TABLE "Odd ""place"."A
<b>&" (id int REFERENCES "Odd ""place"."a.b");
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE FUNCTION f(text) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 2';
CREATE VIEW base AS SELECT id FROM orders;
CREATE VIEW above AS SELECT id, f(id) AS g FROM base;
CREATE MATERIALIZED VIEW top AS SELECT g FROM above;
CREATE TABLE events (at int, note text DEFAULT 'x') PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM (0) TO (10);
CREATE TABLE events_2 PARTITION OF events FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (at);
CREATE TABLE events_2a PARTITION OF events_2 FOR VALUES FROM (10) TO (15);
CREATE TABLE event_notes (id int, hen int REFERENCES hens);
CREATE SEQUENCE tickets;
CREATE TABLE desks (id serial, ticket int DEFAULT nextval('tickets'), size int CHECK (f(size) > 0));
CREATE TABLE chairs (id int DEFAULT nextval('desks_id_seq'));
CREATE INDEX desk_sizes ON desks (f(size));
CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM orders; END;
CREATE FUNCTION told() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE row sales.orders%ROWTYPE; hen hens.id%TYPE;
BEGIN -- FROM event_notes
  EXECUTE 'DELETE FROM pairs'; INSERT INTO pair_notes (x) VALUES (f(1)); RETURN NEW;
END $$;
CREATE TRIGGER tell AFTER INSERT ON eggs FOR EACH ROW EXECUTE FUNCTION told();
CREATE RULE quiet AS ON INSERT TO base DO INSTEAD INSERT INTO desks (size) VALUES (NEW.id);
ALTER TABLE chairs ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON chairs USING (id IN (SELECT id FROM orders));
CREATE DOMAIN small AS int CHECK (f(VALUE) = 1);
CREATE TYPE span AS RANGE (subtype = float8, multirange_type_name = spans);
CREATE TABLE kept (s small, many spans, o orders[]);
CREATE EXTENSION vector;
"""


@pytest.fixture(scope="module", params=[18, 16], ids=["on 18", "on 16"])
def graph(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    with scratch_server(tmp_path_factory.mktemp("dependencies"), request.param) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SCHEMA)
            yield dependencies(connection)


def ends(graph: dict[str, Any], *kinds: str) -> set[tuple[str, str]]:
    return {(edge["from"], edge["to"]) for edge in graph["edges"] if edge["kind"] in kinds}


def edge(graph: dict[str, Any], source: str, target: str) -> dict[str, Any]:
    found: dict[str, Any] = next(e for e in graph["edges"] if (e["from"], e["to"]) == (source, target))
    return found


def test_foreign_keys_come_with_names_and_columns_and_may_close_a_circle(graph: dict[str, Any]) -> None:
    keys = ends(graph, "foreign key")
    assert keys >= {("public.hens", "public.eggs"), ("public.eggs", "public.hens")}
    found = edge(graph, "public.pair_notes", "public.pairs")
    assert (found["names"], found["columns"]) == (["both_of_it"], ["y, x → a, b"])
    assert len(edge(graph, "public.pair_notes", "public.hens")["names"]) == 2


def test_the_same_name_in_two_schemas_and_odd_names_stay_apart(graph: dict[str, Any]) -> None:
    ids = [node["id"] for node in graph["nodes"]]
    assert len(ids) == len(set(ids))
    assert ("sales.orders", "public.orders") in ends(graph, "foreign key")
    odd = '"Odd ""place"."A\n<b>&"'
    assert (odd, '"Odd ""place"."a.b"') in ends(graph, "foreign key")
    assert {"public.f(integer)", "public.f(text)"} <= set(ids)


def test_views_on_views_name_the_columns_that_they_use(graph: dict[str, Any]) -> None:
    assert ends(graph, "view") >= {
        ("public.base", "public.orders"), ("public.above", "public.base"), ("public.above", "public.f(integer)"),
        ("public.top", "public.above"),
    }  # fmt: skip
    assert edge(graph, "public.top", "public.above")["columns"] == ["g"]
    assert ("public.above", "public.f(text)") not in ends(graph, "view")


def test_partitions_name_their_table_and_are_inheritance(graph: dict[str, Any]) -> None:
    parents = {node["id"]: node.get("partition_of") for node in graph["nodes"]}
    assert parents["public.events_2a"] == "public.events_2" and parents["public.events_2"] == "public.events"
    assert parents["public.events"] is None
    assert ("public.events_2a", "public.events_2") in ends(graph, "inheritance")


def test_bodies_known_to_the_catalogs_are_edges_and_text_bodies_only_mention(graph: dict[str, Any]) -> None:
    assert ("public.counted()", "public.orders") in ends(graph, "function")
    assert {target for source, target in ends(graph, "mentioned") if source == "public.told()"} == {
        "sales.orders", "public.hens", "public.pairs", "public.pair_notes", "public.f(integer)", "public.f(text)",
    }  # fmt: skip


def test_triggers_rules_policies_defaults_checks_and_indexes_are_edges(graph: dict[str, Any]) -> None:
    assert ends(graph, "trigger") == {("public.eggs", "public.told()")}
    assert ("public.base", "public.desks") in ends(graph, "rule")
    assert ("public.chairs", "public.orders") in ends(graph, "policy")
    assert ends(graph, "sequence") == {("public.desks", "public.tickets"), ("public.chairs", "public.desks")}
    assert edge(graph, "public.desks", "public.f(integer)")["names"] == ["desk_sizes", "desks_size_check"]
    assert ("public.small", "public.f(integer)") in ends(graph, "function")


def test_types_stand_for_their_arrays_ranges_and_rows(graph: dict[str, Any]) -> None:
    assert {target for source, target in ends(graph, "type") if source == "public.kept"} == {
        "public.small", "public.span", "public.orders",
    }  # fmt: skip


def test_members_of_extensions_are_left_out_and_every_end_is_a_node(graph: dict[str, Any]) -> None:
    ids = {node["id"] for node in graph["nodes"]}
    assert not any("vector" in name for name in ids)
    assert {end for e in graph["edges"] for end in (e["from"], e["to"])} <= ids


def test_every_foreign_key_view_and_trigger_of_the_catalogs_is_counted_once(world: Any) -> None:
    with world.owner() as connection:
        graph = dependencies(connection)
        row = connection.execute(
            """
            SELECT (SELECT count(DISTINCT (conrelid, confrelid)) FROM pg_constraint
                     WHERE contype = 'f' AND conparentid = 0),
                   (SELECT count(*) FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid
                     WHERE c.relkind IN ('r', 'p')),
                   (SELECT count(DISTINCT (view_schema, view_name, table_schema, table_name))
                      FROM information_schema.view_table_usage WHERE view_schema = 'public')
            """
        ).fetchone()
    views = {n["id"] for n in graph["nodes"] if n["kind"] == "view"}
    relations = {n["id"] for n in graph["nodes"] if n["kind"] in ("table", "view", "materialized view")}
    read = {(a, b) for a, b in ends(graph, "view") if a in views and b in relations}
    assert row == (len(ends(graph, "foreign key")), len(ends(graph, "inheritance")), len(read))


PLACES = Places.of(
    [
        ("public", "users", "relation", "public.users"), ("audit", "users", "relation", "audit.users"),
        ("public", "log", "relation", "public.log"), ("public", "Log", "relation", 'public."Log"'),
        ("public", "mood", "type", "public.mood"), ("public", "note", "routine", "public.note(text)"),
    ]
)  # fmt: skip


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("SELECT * FROM users", {"public.users"}),
        ("SELECT * FROM audit.users AS u, log l", {"audit.users", "public.log"}),
        ('SELECT 1 FROM "Log"', {'public."Log"'}),
        ("SELECT users FROM generate_series(1, 2) AS users", set()),
        ("-- FROM users\n/* JOIN log */ SELECT 1", set()),
        ("IF a IS DISTINCT FROM log THEN", set()),
        ("INSERT INTO log (id) SELECT id FROM ONLY users", {"public.log", "public.users"}),
        ("SELECT a INTO log FROM x", set()),
        ("PERFORM note('x'); v := y::mood;", {"public.note(text)", "public.mood"}),
        ("DECLARE m mood := 'a'; BEGIN RETURN mood; END", {"public.mood"}),
        ("EXECUTE format('TRUNCATE TABLE %I', t); EXECUTE 'UPDATE users SET a = 1'", {"public.users"}),
        ('plpy.execute("DELETE FROM users")', {"public.users"}),
        ("'\" unclosed FROM users", {"public.users"}),
        ("SELECT mood 'a', CAST(x AS mood[]), (SELECT 1 AS mood)", {"public.mood"}),
        ("SELECT (SELECT 1 AS mood), b = 'mood'; BEGIN mood := 'x'; RAISE LOG 'mood';", set()),
        ("ALTER TYPE mood ADD VALUE 'x'", {"public.mood"}),
        ("SELECT ''''||' FROM '||'users'", set()),
        ("", set()),
    ],
)
def test_a_body_mentions_what_stands_as_a_table_a_call_or_a_type(body: str, found: set[str]) -> None:
    language = "plpython3u" if body.startswith("plpy") else "plpgsql"
    assert mentions(body, places=PLACES, language=language, path=["public"]) == found


def test_an_unqualified_name_is_looked_for_along_the_routines_own_path() -> None:
    path = search_path("public", "audit, pg_temp")
    assert mentions("SELECT 1 FROM users", places=PLACES, language="sql", path=path) == {"audit.users"}
    assert search_path("sales", None) == ["sales", "public"]
    assert search_path("sales", '"Odd place", "$user"') == ["Odd place", "$user"]


def test_two_hundred_tables_may_need_one(tmp_path_factory: pytest.TempPathFactory) -> None:
    with (
        scratch_server(tmp_path_factory.mktemp("many"), 18) as url,
        psycopg.connect(url, autocommit=True) as connection,
    ):
        connection.execute("CREATE TABLE hub (id int PRIMARY KEY)")
        for number in range(200):
            connection.execute(
                sql.SQL("CREATE TABLE {} (id int REFERENCES hub)").format(sql.Identifier(f'"{number}<' + "é" * 25))
            )
        graph = dependencies(connection)
    assert len(ends(graph, "foreign key")) == 200 and len(graph["nodes"]) == 201
