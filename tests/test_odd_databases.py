"""Databases unlike the demo's: what they have is told as it is, and what cannot be done is named beside the rest."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.environment import SERVERS, url
from tests.world import World, administrator
from v7migration.pipeline import inventory
from v7migration.postgres import catalog, enum_rows, measure, session
from v7migration.postgres.embedded import scratch_server
from v7migration.postgres.export import described, export_schema
from v7migration.postgres.reprinting import as_printed_anew
from v7migration.postgres.scratch import restored

Connection = psycopg.Connection[Any]

IN_BYTES = b"""
CREATE TYPE "gr\xf6\xdfe" AS ENUM ('klein', 'gro\xdf');
CREATE TABLE "stra\xdfe" (id int PRIMARY KEY, g "gr\xf6\xdfe" DEFAULT 'gro\xdf');
CREATE TABLE house (s int REFERENCES "stra\xdfe");
COMMENT ON TABLE house IS '\xe4';
CREATE VIEW "stra\xdfen" AS SELECT count(*) FROM "stra\xdfe";
"""


@pytest.fixture
def target(migrated: World) -> Iterator[Connection]:
    """An empty target, through its superuser."""
    with psycopg.connect(
        make_conninfo(SERVERS["v7_target"].url("superuser"), dbname="v7_target"), autocommit=True
    ) as admin:
        yield admin


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scratch_server(tmp_path_factory.mktemp("odd"), 18) as admin_url:
        yield admin_url


@pytest.fixture(params=["LATIN1", "SQL_ASCII"])
def encoded(request: pytest.FixtureRequest, server: str) -> Iterator[Connection]:
    """A session as the product opens it, on a database whose names are no UTF-8."""
    name = f"in_{request.param.lower()}"
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(
            sql.SQL(
                "CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' LOCALE_PROVIDER libc"
            ).format(sql.Identifier(name), sql.Literal(request.param))
        )
    place = make_conninfo(server, dbname=name)
    with psycopg.connect(place, autocommit=True, client_encoding="LATIN1") as admin:
        admin.execute(IN_BYTES)
    with session.connect(place, application_name="odd") as connection:
        yield connection
    with psycopg.connect(server, autocommit=True) as admin:
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def test_a_database_in_another_encoding_or_in_none_is_read_and_its_export_restored(
    encoded: Connection, server: str
) -> None:
    document = catalog.snapshot(encoded)
    assert 'table public."straße"' in document["objects"]
    (size,) = catalog.enums(encoded)
    assert (size.name, size.labels) == ("größe", ("klein", "groß"))
    (key,) = [e for e in catalog.dependencies(encoded)["edges"] if e["kind"] == "foreign key"]
    assert key["columns"] == ["s → id"]
    (rows,) = enum_rows.counted_rows(encoded, [size], enum_rows.enum_columns(encoded), seconds=5)
    assert rows["method"] == "counted"
    (view,) = measure.measure(encoded, measure.queries_on_views(encoded))["queries"]
    assert (view["name"], view["error"]) == ("view of the application: public.straßen", "")
    export = export_schema(encoded)
    with restored(encoded, server, lambda: export.text, strict=False) as copy:
        assert (copy.errors, catalog.snapshot(copy.connection)["objects"]) == ((), document["objects"])


def test_a_target_that_takes_no_writes_has_an_inventory(target: Connection) -> None:
    target.execute("CREATE TYPE mood AS ENUM ('calm')")
    target.execute("ALTER DATABASE v7_target SET default_transaction_read_only = on")
    _, result = inventory.take(actor=None)
    assert result["access"] == "read-only"
    assert result["snapshot"]["verified"] and [t["name"] for t in result["enums"]["types"]] == ["mood"]


def test_limits_that_a_role_has_for_its_application_do_not_end_our_sessions(target: Connection) -> None:
    limits = ("statement_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout")
    for name in limits:
        target.execute(sql.SQL("ALTER ROLE v7_runner IN DATABASE v7_target SET {} = 50").format(sql.Identifier(name)))
    try:
        with session.connect(url("runner"), application_name="odd") as connection:
            connection.execute("SELECT pg_sleep(0.1)")
            for name in limits:
                assert connection.execute("SELECT current_setting(%s)", [name]).fetchone() == ("0",)
    finally:
        target.execute("ALTER ROLE v7_runner IN DATABASE v7_target RESET ALL")


def test_a_target_that_the_web_role_may_not_enter_lacks_the_baseline_alone(target: Connection) -> None:
    with administrator("v7_target") as admin:
        admin.execute("REVOKE CONNECT ON DATABASE v7_target FROM PUBLIC, v7_web")
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = 'v7_target' AND usename = 'v7_web'"
        )
    _, result = inventory.take(actor=None)
    assert result["baseline"]["id"] is None and "CONNECT privilege" in result["baseline"]["faults"][0]
    assert result["snapshot"]["verified"] and result["archive"]["commit"]


def test_an_invalid_index_is_named_and_not_taken_for_a_difference(target: Connection) -> None:
    target.execute("CREATE TABLE twice (x int); INSERT INTO twice VALUES (1), (1)")
    with pytest.raises(psycopg.errors.UniqueViolation):
        target.execute("CREATE UNIQUE INDEX CONCURRENTLY once ON twice (x)")
    target.execute("CREATE TABLE parted (x int) PARTITION BY LIST (x); CREATE TABLE part PARTITION OF parted DEFAULT")
    target.execute("CREATE INDEX lone ON ONLY parted (x)")  # invalid as well, and yet a part of every dump
    target.execute("GRANT SELECT ON ALL TABLES IN SCHEMA public TO v7_runner")
    found = inventory.take(actor=None, only="snapshot")[1]["snapshot"]
    assert (found["differences"], found["verified"]) == ([], True)
    assert [fault["object"] for fault in found["faults"]] == ["index once of table public.twice"]
    assert found["statement"] == "The schema export matches production (1 invalid index is not part of it)."


def test_a_partition_key_that_is_an_expression_uses_its_types(target: Connection) -> None:
    target.execute("CREATE TYPE mood AS ENUM ('calm', 'wild')")
    target.execute("CREATE TABLE days (m mood) PARTITION BY LIST ((coalesce(m, 'calm'::mood)))")
    (mood,) = catalog.enums(target)
    assert mood.used_by == ("public.days (partition key)", "public.days.m")


def test_a_composite_that_holds_a_type_in_several_ways_is_one_column(target: Connection) -> None:
    target.execute("CREATE TYPE mood AS ENUM ('calm'); CREATE DOMAIN good AS mood")
    target.execute("CREATE TYPE pair AS (a mood, b mood[], c good); CREATE TABLE held (p pair, ps pair[])")
    found = [(column.column, column.shape) for column in enum_rows.enum_columns(target)]
    assert found == [("p", "other"), ("ps", "other")]


def test_defaults_of_domains_rows_of_tables_and_bodies_use_the_type_that_they_mean(target: Connection) -> None:
    target.execute("CREATE SCHEMA other; CREATE TYPE mood AS ENUM ('calm'); CREATE TYPE other.mood AS ENUM ('calm')")
    target.execute("CREATE DOMAIN word AS text DEFAULT 'calm'::mood::text; CREATE TABLE days (m mood)")
    target.execute("CREATE TABLE weeks (d days[]); CREATE VIEW whole AS SELECT d FROM days AS d")
    target.execute("CREATE FUNCTION other.f() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN NULL::mood; END'")
    target.execute("CREATE FUNCTION other.g() RETURNS text LANGUAGE plpgsql AS 'BEGIN /* ::mood */ RETURN 1; END'")
    target.execute("CREATE FUNCTION takes_a_row(d days) RETURNS int LANGUAGE sql AS 'SELECT 1'")
    found = {enum.key: enum.used_by for enum in catalog.enums(target)}
    assert found == {
        "public.mood": ("domain public.word (default)", "public.days.m", "public.weeks.d", "view public.whole"),
        "other.mood": ("function other.f() (body)",),
    }


@pytest.mark.parametrize(
    ("text", "same"),
    [("SELECT (a.x) FROM public.a", True), ("SELECT a.x + 1 AS x FROM public.a", False), ("", False)],
)
def test_a_view_that_a_restore_prints_in_other_words_is_no_difference(
    target: Connection, text: str, same: bool
) -> None:
    target.execute("CREATE TABLE a (x int); CREATE VIEW v AS SELECT x FROM a")
    there = catalog.snapshot(target)
    before = {"objects": there["objects"] | {"view public.v": there["objects"]["view public.v"] | {"definition": text}}}
    assert (as_printed_anew(target, before, there)["objects"] == there["objects"]) is same


COMPARED = """
    CREATE SCHEMA "odd.one";
    CREATE TABLE "odd.one"."a ""b" (x int, y int, z int, w bool DEFAULT ((1, 2, 3) IS DISTINCT FROM (3, 2, 1)),
        CONSTRAINT "is it" CHECK ((x, y, z) IS DISTINCT FROM (1, 2, 3)));
    CREATE INDEX "by x" ON "odd.one"."a ""b" (x) WHERE (x, y, z) IS DISTINCT FROM (4, 5, 6);
    CREATE FUNCTION "odd.one".f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
    CREATE TRIGGER "t.r" AFTER UPDATE OF x ON "odd.one"."a ""b" FOR EACH ROW
        WHEN ((OLD.x, OLD.y, OLD.z) IS DISTINCT FROM (NEW.x, NEW.y, NEW.z)) EXECUTE FUNCTION "odd.one".f();
    CREATE POLICY own ON "odd.one"."a ""b" USING ((x, y, z) IS DISTINCT FROM (7, 8, 9))
        WITH CHECK ((x, y, z) IS DISTINCT FROM (9, 8, 7));
    CREATE RULE r AS ON DELETE TO "odd.one"."a ""b" WHERE (OLD.x, OLD.y, OLD.z) IS DISTINCT FROM (1, 1, 1) DO NOTHING;
    CREATE DOMAIN "odd.one".d AS int CHECK ((VALUE, VALUE + 1, VALUE + 2) IS DISTINCT FROM (1, 2, 3));
    CREATE VIEW v AS SELECT x FROM "odd.one"."a ""b" WHERE (x, y, z) IS DISTINCT FROM (1, 2, 3);
    GRANT USAGE ON SCHEMA "odd.one" TO v7_runner;
    GRANT SELECT ON v, "odd.one"."a ""b" TO v7_runner;
"""


def test_comparisons_of_rows_that_a_restore_prints_in_other_words_are_no_difference(target: Connection) -> None:
    target.execute(COMPARED)
    found = inventory.take(actor=None, only="snapshot")[1]["snapshot"]
    assert (found["errors"], found["differences"], found["verified"]) == ([], [], True)


@pytest.mark.parametrize(
    ("part", "fact", "text", "same"),
    [
        ("constraint c", "definition", "CHECK ((((x > 1) OR (x > 2)) OR (y > 3)))", True),
        ("constraint c", "definition", "CHECK (((x > 1) OR (x > 2) OR (y > 4)))", False),
        ("index i", "definition", "CREATE INDEX i ON public.a USING btree (x) WHERE ((x > 1 OR x > 2) OR x > 3)", True),
        ("index i", "definition", "CREATE INDEX i ON public.a USING btree (y) WHERE (x > 1 OR x > 2 OR x > 3)", False),
        ("column y", "default", "((1) + (2))", True),
        ("column y", "default", "(2 + 1)", False),
        ("column y", "default", "no expression", False),
        ("column y", "type", "bigint", False),
    ],
)  # fmt: skip
def test_another_definition_is_a_difference_and_another_print_of_the_same_is_none(
    target: Connection, part: str, fact: str, text: str, same: bool
) -> None:
    target.execute("CREATE TABLE a (x int, y int DEFAULT 1 + 2, CONSTRAINT c CHECK (x > 1 OR x > 2 OR y > 3))")
    target.execute("CREATE INDEX i ON a (x) WHERE x > 1 OR x > 2 OR x > 3")
    there = catalog.snapshot(target)
    table = there["objects"]["table public.a"]
    before = {
        "objects": {
            "table public.a": {**table, "parts": {**table["parts"], part: {**table["parts"][part], fact: text}}}
        }
    }
    assert (as_printed_anew(target, before, there)["objects"]["table public.a"] == table) is same
    assert catalog.snapshot(target) == there


def test_a_program_older_than_our_library_gets_no_option_that_it_does_not_know() -> None:
    with session.connect(url("runner"), application_name="odd") as connection:
        assert "sslcertmode" not in described(connection)[0]
