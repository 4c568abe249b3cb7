"""What the catalogs tell (identity, enums, dependencies), and what reading them leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors, sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import dict_row

from v7migration.errors import Refused
from v7migration.postgres.catalog import (
    EnumType,
    dependencies,
    enum_conflicts,
    enums,
    equal_value_groups,
    identity,
    snapshot,
)
from v7migration.postgres.embedded import scratch_server

Connection = psycopg.Connection[Any]

SCHEMA = """
CREATE SCHEMA sales;
CREATE TYPE status AS ENUM ('new', 'old');
CREATE TYPE lonely AS ENUM ('a');
CREATE TYPE empty AS ENUM ();
CREATE TYPE sales."Tier" AS ENUM ('gold', 'silver');
CREATE TYPE ranked AS ENUM ('low', 'high');
CREATE TYPE boxed AS (kind status, note text);
CREATE DOMAIN state AS status CHECK (VALUE <> 'old');
CREATE TYPE grades AS RANGE (subtype = ranked);
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE companies (id int PRIMARY KEY, status status DEFAULT 'new' CHECK (status <> 'old'), tier sales."Tier"[]);
CREATE TABLE people (id int PRIMARY KEY, company_id int REFERENCES companies, boss int REFERENCES people,
                     state state, box boxed);
CREATE TABLE branches (city text) INHERITS (companies);
CREATE TABLE logs (kind status NOT NULL) PARTITION BY LIST (kind);
CREATE TABLE logs_new PARTITION OF logs FOR VALUES IN ('new');
CREATE INDEX companies_status ON companies (status);
CREATE TRIGGER touched BEFORE UPDATE ON companies FOR EACH ROW EXECUTE FUNCTION touch();
CREATE VIEW fresh AS SELECT id, status FROM companies WHERE status = 'new';
CREATE VIEW counts AS SELECT count(*) FROM companies WHERE status IS NOT NULL;
CREATE VIEW fresher AS SELECT * FROM fresh;
CREATE MATERIALIZED VIEW kept AS SELECT state FROM people;
CREATE FUNCTION by_status(wanted status) RETURNS SETOF companies LANGUAGE sql
    AS 'SELECT * FROM companies WHERE status = wanted';
CREATE FUNCTION hidden() RETURNS text LANGUAGE plpgsql AS
    'DECLARE grade ranked := ''low''; status text; BEGIN status := ''x''; RETURN status; END';
"""


@pytest.fixture(scope="session", params=[18, 16], ids=["on 18", "on 16"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scratch_server(tmp_path_factory.mktemp("catalog"), request.param) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE visitor LOGIN PASSWORD 'visitor'")
            connection.execute(SCHEMA)
        yield url


@pytest.fixture
def connection(server: str) -> Iterator[Connection]:
    """A session in a transaction that is rolled back."""
    with psycopg.connect(server) as connection:
        yield connection
        connection.rollback()


def used_by(connection: Connection, key: str) -> tuple[str, ...]:
    return next(enum.used_by for enum in enums(connection) if enum.key == key)


def test_the_identity_names_cluster_database_and_version(connection: Connection) -> None:
    found = identity(connection)
    row = connection.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    assert row == (found.system_identifier,)
    assert found.database == "postgres"
    assert found.server_version_num == connection.info.server_version
    assert found.host_label == f"127.0.0.1:{connection.info.port}"


def test_an_ordinary_role_reads_the_identity_and_the_same_document(server: str, connection: Connection) -> None:
    with psycopg.connect(make_conninfo(server, user="visitor", password="visitor")) as visitor:
        assert identity(visitor) == identity(connection)
        assert snapshot(visitor) == snapshot(connection)
        assert enums(visitor) == enums(connection)


def test_a_role_that_may_not_read_the_identity_is_told_what_to_grant(connection: Connection) -> None:
    connection.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    connection.execute("SET LOCAL ROLE visitor")
    with pytest.raises(Refused, match="GRANT EXECUTE ON FUNCTION pg_control_system"):
        identity(connection)


def test_enums_come_with_their_labels_in_order(connection: Connection) -> None:
    found = {enum.key: enum.labels for enum in enums(connection)}
    assert found["public.status"] == ("new", "old")
    assert found["public.ranked"] == ("low", "high")
    assert found["public.empty"] == ()
    assert list(found) == sorted(found)


def test_every_use_of_an_enum_is_listed(connection: Connection) -> None:
    found = set(used_by(connection, "public.status"))
    assert found >= {
        "public.companies.status",
        "public.companies.status (default)",
        "public.companies (check constraint companies_status_check)",
        "public.branches.status",
        "public.logs.kind",
        "public.logs (partition key)",
        "index public.companies_status",
        "public.people.state",
        "domain public.state",
        "public.state (check constraint state_check)",
        "public.people.box",
        "type public.boxed (attribute kind)",
        "view public.fresh",
        "view public.fresher",
        "view public.counts",
        "materialized view public.kept",
        "function public.by_status(public.status)",
    }
    assert not any("hidden" in user for user in found)


def test_arrays_ranges_and_bodies_count_as_uses(connection: Connection) -> None:
    assert used_by(connection, "sales.Tier") == ("public.branches.tier", "public.companies.tier")
    assert used_by(connection, "public.ranked") == ("function public.hidden() (body)", "range public.grades")


def test_an_unused_enum_has_no_uses(connection: Connection) -> None:
    assert used_by(connection, "public.lonely") == ()


def test_dependencies_point_from_what_needs_to_what_is_needed(connection: Connection) -> None:
    graph = dependencies(connection)
    edges = {(edge["from"], edge["to"], edge["kind"]) for edge in graph["edges"]}
    assert edges >= {
        ("public.people", "public.companies", "foreign key"),
        ("public.people", "public.people", "foreign key"),
        ("public.branches", "public.companies", "inheritance"),
        ("public.logs_new", "public.logs", "inheritance"),
        ("public.companies", "public.touch()", "trigger"),
        ("public.fresh", "public.companies", "view"),
        ("public.fresher", "public.fresh", "view"),
        ("public.by_status(public.status)", "public.status", "function"),
        ("public.by_status(public.status)", "public.companies", "function"),
        ("public.companies", "public.status", "type"),
        ("public.companies", 'sales."Tier"', "type"),
        ("public.state", "public.status", "type"),
    }
    kinds = {node["id"]: node["kind"] for node in graph["nodes"]}
    assert kinds["public.companies"] == "table"
    assert kinds["public.fresh"] == "view"
    assert kinds["public.kept"] == "materialized view"
    assert kinds["public.status"] == "enum"
    assert {end for edge in graph["edges"] for end in (edge["from"], edge["to"])} <= kinds.keys()


def test_a_snapshot_gives_back_the_callers_settings_and_locks(connection: Connection) -> None:
    connection.execute("SET LOCAL search_path = sales; SET LOCAL TimeZone = 'Asia/Tokyo'; CREATE TABLE inside (id int)")
    held = "SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'public.companies'::regclass"
    document = snapshot(connection)
    assert "table sales.inside" in document["objects"]
    assert connection.info.transaction_status == TransactionStatus.INTRANS
    assert connection.execute("SHOW search_path").fetchone() == ("sales",)
    assert connection.execute("SHOW TimeZone").fetchone() == ("Asia/Tokyo",)
    assert connection.execute("SHOW transaction_isolation").fetchone() == ("read committed",)
    assert connection.execute(held).fetchone() == (0,)
    assert connection.execute("SELECT to_regclass('inside')::text").fetchone() == ("inside",)


@pytest.mark.parametrize("autocommit", [True, False])
def test_a_snapshot_leaves_an_idle_session_idle_and_writable(server: str, autocommit: bool) -> None:
    with psycopg.connect(server, autocommit=autocommit, row_factory=dict_row) as connection:
        snapshot(connection)
        assert connection.info.transaction_status == TransactionStatus.IDLE
        connection.execute("CREATE TEMP TABLE writable (id int)")
        assert connection.execute("SHOW search_path").fetchone() == {"search_path": '"$user", public'}


def test_a_snapshot_in_a_failed_transaction_says_so(connection: Connection) -> None:
    with pytest.raises(errors.UndefinedTable):
        connection.execute("SELECT * FROM nowhere")
    with pytest.raises(errors.InFailedSqlTransaction):
        snapshot(connection)


def test_members_of_extensions_are_left_out_but_their_version_is_not(connection: Connection) -> None:
    before = set(snapshot(connection)["objects"])
    connection.execute("CREATE EXTENSION vector")
    document = snapshot(connection)
    assert set(document["objects"]) - before == {"extension vector"}
    assert document["objects"]["extension vector"]["version"]


def test_privileges_granted_on_a_member_of_an_extension_are_kept(connection: Connection) -> None:
    connection.execute("CREATE EXTENSION vector; REVOKE EXECUTE ON FUNCTION vector_dims(vector) FROM PUBLIC")
    function = snapshot(connection)["objects"]["function public.vector_dims(public.vector)"]
    assert function == {"privileges": ["PUBLIC: no EXECUTE"]}


def test_an_excluded_schema_takes_what_is_in_it_but_not_the_triggers_that_call_it(connection: Connection) -> None:
    connection.execute(
        "CREATE SCHEMA gate; CREATE FUNCTION gate.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TABLE gate.t (id int); CREATE TRIGGER g BEFORE INSERT ON people EXECUTE FUNCTION gate.f()"
    )
    objects = snapshot(connection, exclude_schemas=("gate",))["objects"]
    assert not [key for key in objects if "gate" in key]
    assert "trigger g" in objects["table public.people"]["parts"]


def test_awkward_names_are_quoted_in_keys_and_found_again(connection: Connection) -> None:
    names = ['x"; drop table people; --', "a\nb", "é" * 31, "%s %(excluded)s"]
    for name in names:
        connection.execute(sql.SQL("CREATE TABLE {0} ({0} int)").format(sql.Identifier(name)))
    objects = snapshot(connection)["objects"]
    for name in names:
        quoted = sql.Identifier(name).as_string(connection)
        assert f"column {quoted}" in objects[f"table public.{quoted}"]["parts"]


def enum(name: str, *labels: str, schema: str = "public") -> EnumType:
    return EnumType(schema, name, labels)


def reasons(*types: EnumType) -> list[tuple[str, list[str]]]:
    return [(group["reason"], group["types"]) for group in equal_value_groups(types)]


def test_types_with_equal_values_form_a_group() -> None:
    assert reasons(enum("a", "x", "y"), enum("b", "x", "y"), enum("c", "z")) == [
        ("equal values", ["public.a", "public.b"])
    ]


def test_order_and_spelling_are_weaker_reasons() -> None:
    assert reasons(enum("a", "x", "y"), enum("b", "y", "x")) == [("equal but for order", ["public.a", "public.b"])]
    assert reasons(enum("a", "in_work", "y"), enum("b", "In-Work", "Y")) == [
        ("equal but for case or punctuation", ["public.a", "public.b"])
    ]


def test_equal_names_join_values_that_differ_by_a_common_prefix_only() -> None:
    types = [enum("order_status", "open", "closed"), enum("OrderStatusEnum", "status_open", "status_closed")]
    assert reasons(*types) == [("names equal after normalising", ["public.OrderStatusEnum", "public.order_status"])]
    assert reasons(enum("order_status", "open"), enum("ticket_status", "status_open")) == []


def test_a_group_says_that_its_names_are_equal_too() -> None:
    (group,) = equal_value_groups([enum("order_status", "open"), enum("OrderStatusEnum", "open"), enum("x", "q")])
    assert (group["reason"], group["also"]) == ("equal values", ["names equal after normalising"])


def test_a_type_stands_in_one_group_and_weaker_matches_are_near_it() -> None:
    groups = equal_value_groups(
        [enum("a", "x", "y"), enum("b", "x", "y"), enum("c", "y", "x"), enum("d", "Y", "X"), enum("e", "q")]
    )
    assert groups == [
        {
            "reason": "equal values",
            "also": [],
            "types": ["public.a", "public.b"],
            "near": [
                {"reason": "equal but for order", "type": "public.c"},
                {"reason": "equal but for case or punctuation", "type": "public.d"},
            ],
        }
    ]


def test_labels_that_differ_in_punctuation_only_do_not_melt_into_one() -> None:
    assert reasons(enum("a", "x", "X"), enum("b", "x")) == []
    assert reasons(enum("a", "+"), enum("b", "-")) == []


def test_types_without_labels_are_no_duplicates() -> None:
    assert reasons(enum("a"), enum("b")) == []


def test_equal_names_with_other_values_are_a_conflict_and_no_duplicate() -> None:
    types = [enum("OrderStatusEnum", "a"), enum("order_status", "b"), enum("order_status", "b", schema="sales")]
    assert enum_conflicts(types) == [
        {
            "name": "orderstatus",
            "types": ["public.OrderStatusEnum", "public.order_status", "sales.order_status"],
            "values": {"public.OrderStatusEnum": ["a"], "public.order_status": ["b"], "sales.order_status": ["b"]},
        }
    ]
    assert reasons(*types) == [("equal values", ["public.order_status", "sales.order_status"])]


def test_a_type_and_a_status_of_one_thing_are_neither_duplicate_nor_conflict() -> None:
    types = [enum("order_status", "open"), enum("order_type", "retail")]
    assert enum_conflicts(types) == []
    assert reasons(*types) == []


def test_equal_values_in_another_order_are_no_conflict() -> None:
    assert enum_conflicts([enum("mood", "a", "b"), enum("MoodEnum", "B", "A")]) == []


def test_a_type_ending_meets_the_bare_name_as_a_conflict() -> None:
    (conflict,) = enum_conflicts([enum("colour", "red"), enum("colour_type", "blue")])
    assert conflict["types"] == ["public.colour", "public.colour_type"]
