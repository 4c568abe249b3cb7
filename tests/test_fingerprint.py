"""Every kind of schema change changes the fingerprint and is named; what is no change leaves it alone."""

from __future__ import annotations

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from v7migration.postgres.canonical import canonical_expression
from v7migration.postgres.catalog import snapshot
from v7migration.postgres.embedded import client_binary, scratch_server
from v7migration.postgres.fingerprint import differences, fingerprint
from v7migration.postgres.watch import watermark

Connection = psycopg.Connection[Any]
DATA = Path(__file__).parent / "data"
NAMES = itertools.count()
NOT_WATCHED = ("SUBSCRIPTION", "TABLES IN SCHEMA")
"""What the watermark leaves to the full comparisons at the start and the end of a run."""


@pytest.fixture(scope="session", params=[18, 16], ids=["on 18", "on 16"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A throw-away server's superuser URL, with the roles and the original of every test."""
    with scratch_server(tmp_path_factory.mktemp("catalogs"), request.param) as url:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE ROLE reader; CREATE ROLE writer; CREATE ROLE keeper;")
            connection.execute("CREATE DATABASE original")
        with psycopg.connect(make_conninfo(url, dbname="original"), autocommit=True) as connection:
            connection.execute((DATA / "every_object.sql").read_bytes())
        yield url


@pytest.fixture(scope="session")
def template(server: str) -> Iterator[tuple[Connection, dict[str, Any]]]:
    """A session in the template and its document; tests change it in transactions that they roll back."""
    with fresh_database(server, template="original") as connection:
        connection.execute("SET allow_system_table_mods = on")
        yield connection, snapshot(connection)


@pytest.fixture
def legacy(server: str) -> Iterator[Connection]:
    """A database of its own for one test, holding at least one object of every kind."""
    with fresh_database(server, template="original") as connection:
        yield connection


class fresh_database:  # noqa: N801 (reads as a function)
    def __init__(self, server: str, *, template: str) -> None:
        self.server, self.template, self.name = server, template, f"case_{next(NAMES)}"

    def __enter__(self) -> Connection:
        self._admin(sql.SQL("CREATE DATABASE {} TEMPLATE {}"), self.name, self.template)
        self.connection = psycopg.connect(make_conninfo(self.server, dbname=self.name), autocommit=True)
        return self.connection

    def __exit__(self, *_: object) -> None:
        self.connection.close()
        self._admin(sql.SQL("DROP DATABASE {} WITH (FORCE)"), self.name)

    def _admin(self, statement: sql.SQL, *names: str) -> None:
        with psycopg.connect(self.server, autocommit=True) as admin:
            admin.execute(statement.format(*map(sql.Identifier, names)))


# What is done, and the beginning of a sentence that must be among the differences.
CHANGES = [
    ("CREATE SCHEMA extra", "schema extra added"),
    ("ALTER SCHEMA billing OWNER TO keeper", "schema billing: owner postgres → keeper"),
    ("GRANT USAGE ON SCHEMA billing TO reader", "schema billing: privileges gained reader: USAGE"),
    ("COMMENT ON SCHEMA billing IS 'money'", "schema billing: comment (none) → money"),
    ("CREATE TABLE fresh (id int)", "table public.fresh added"),
    ("DROP TABLE notes", "table public.notes removed"),
    ("ALTER TABLE notes RENAME TO remarks", "table public.remarks added"),
    ("ALTER TABLE notes SET SCHEMA billing", "table billing.notes added"),
    ("ALTER TABLE notes OWNER TO keeper", "table public.notes: owner postgres → keeper"),
    ("ALTER TABLE notes SET UNLOGGED", "table public.notes: persistence (none) → unlogged"),
    ("ALTER TABLE notes SET (fillfactor = 70)", "table public.notes: options gained fillfactor=70"),
    ("ALTER TABLE notes SET (toast.autovacuum_enabled = off)", "table public.notes: options gained toast."),
    ("ALTER TABLE notes ENABLE ROW LEVEL SECURITY", "table public.notes: row security now set"),
    ("ALTER TABLE notes FORCE ROW LEVEL SECURITY", "table public.notes: row security forced now set"),
    ("ALTER TABLE notes REPLICA IDENTITY FULL", "table public.notes: replica identity (none) → full"),
    ("ALTER TABLE child NO INHERIT parent", "table public.child: parents lost public.parent"),
    ("ALTER TABLE events DETACH PARTITION events_old", "table public.events_old: partition bound FOR VALUES"),
    ("CREATE TABLE events_x PARTITION OF events DEFAULT", "table public.events_x added"),
    ("GRANT SELECT ON notes TO reader", "table public.notes: privileges gained reader: SELECT"),
    (
        "GRANT SELECT ON notes TO writer WITH GRANT OPTION",
        "table public.notes: privileges gained writer: SELECT with grant option",
    ),
    ("REVOKE INSERT ON notes FROM postgres", "table public.notes: privileges gained postgres: no INSERT"),
    ("GRANT UPDATE (body) ON notes TO writer", "table public.notes: column body: privileges gained writer: UPDATE"),
    ("COMMENT ON TABLE notes IS 'x'", "table public.notes: comment (none) → x"),
    ("COMMENT ON COLUMN notes.body IS 'x'", "table public.notes: column body: comment (none) → x"),
    ("ALTER TABLE notes ADD COLUMN y int", "table public.notes: column y added"),
    ("ALTER TABLE notes DROP COLUMN body", "table public.notes: column body removed"),
    ("ALTER TABLE notes RENAME COLUMN body TO text", "table public.notes: column text added"),
    (
        "ALTER TABLE notes ALTER body TYPE varchar(9)",
        "table public.notes: column body: type text → character varying(9)",
    ),
    ("ALTER TABLE notes ALTER body SET NOT NULL", "table public.notes: column body: not null now set"),
    ("ALTER TABLE notes ALTER body SET DEFAULT 'z'", "table public.notes: column body: default (none) → 'z'::text"),
    (
        "ALTER TABLE counted ALTER id SET GENERATED ALWAYS",
        "table public.counted: column id: identity by default → always",
    ),
    ("ALTER TABLE counted ALTER id SET INCREMENT 5", "sequence public.counted_id_seq: increment 1 → 5"),
    (
        "ALTER TABLE counted ALTER doubled DROP EXPRESSION",
        "table public.counted: column doubled: generated stored → (none)",
    ),
    (
        'ALTER TABLE notes ALTER body TYPE text COLLATE "C"',
        'table public.notes: column body: collation (none) → pg_catalog."C"',
    ),
    ("ALTER TABLE notes ALTER body SET STORAGE EXTERNAL", "table public.notes: column body: storage (none) → external"),
    ("ALTER TABLE notes ALTER body SET COMPRESSION pglz", "table public.notes: column body: compression (none) → pglz"),
    ("ALTER TABLE notes ALTER body SET STATISTICS 7", "table public.notes: column body: statistics target (none) → 7"),
    (
        "ALTER TABLE notes ALTER body SET (n_distinct = 5)",
        "table public.notes: column body: options gained n_distinct=5",
    ),
    (
        "ALTER TABLE notes DROP COLUMN body;; ALTER TABLE notes ADD COLUMN body text",
        "table public.notes: column order changed",
    ),
    ("ALTER TABLE notes ADD CONSTRAINT c CHECK (rank > 0)", "table public.notes: constraint c added"),
    (
        "ALTER TABLE orders DROP CONSTRAINT orders_total_check",
        "table public.orders: constraint orders_total_check removed",
    ),
    (
        "ALTER TABLE orders VALIDATE CONSTRAINT unvalidated",
        "table public.orders: constraint unvalidated: definition CHECK",
    ),
    (
        "ALTER TABLE orders ALTER CONSTRAINT orders_company_id_fkey DEFERRABLE INITIALLY DEFERRED",
        "table public.orders: constraint orders_company_id_fkey: definition",
    ),
    (
        "ALTER TABLE orders DISABLE TRIGGER ALL",
        "table public.orders: constraint orders_company_id_fkey: triggers disabled",
    ),
    ("CREATE INDEX fresh_idx ON notes (rank)", "table public.notes: index fresh_idx added"),
    ("DROP INDEX notes_rank_idx", "table public.notes: index notes_rank_idx removed"),
    ("ALTER TABLE notes CLUSTER ON notes_rank_idx", "table public.notes: index notes_rank_idx: clustered now set"),
    ("ALTER INDEX notes_rank_idx SET (fillfactor = 50)", "table public.notes: index notes_rank_idx: definition"),
    (
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'notes_rank_idx'::regclass",
        "table public.notes: index notes_rank_idx: invalid now set",
    ),
    (
        "CREATE OR REPLACE VIEW open_orders AS SELECT id, status FROM orders WHERE status = 'paid'",
        "view public.open_orders: definition",
    ),
    (
        "ALTER VIEW open_orders SET (security_barrier = true)",
        "view public.open_orders: options gained security_barrier=true",
    ),
    ("DROP MATERIALIZED VIEW totals", "materialized view public.totals removed"),
    ("CREATE INDEX totals_idx ON totals (status)", "materialized view public.totals: index totals_idx added"),
    (
        "CREATE OR REPLACE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'",
        "function public.touch(): definition changed",
    ),
    ("ALTER FUNCTION touch() SECURITY DEFINER", "function public.touch(): definition changed"),
    ("ALTER FUNCTION touch() SET search_path = public", "function public.touch(): definition changed"),
    ("REVOKE EXECUTE ON FUNCTION touch() FROM PUBLIC", "function public.touch(): privileges gained PUBLIC: no EXECUTE"),
    ("DROP PROCEDURE tidy(int)", "procedure public.tidy(integer) removed"),
    ("ALTER AGGREGATE product(int) OWNER TO keeper", "aggregate public.product(integer): owner postgres → keeper"),
    (
        "CREATE OR REPLACE AGGREGATE product(int) (SFUNC = int4mul, STYPE = int, INITCOND = '2')",
        "aggregate public.product(integer): initial 1 → 2",
    ),
    ("ALTER TABLE notes DISABLE TRIGGER touched", "table public.notes: trigger touched: enabled (none) → disabled"),
    ("ALTER TABLE notes ENABLE ALWAYS TRIGGER touched", "table public.notes: trigger touched: enabled (none) → always"),
    ("DROP TRIGGER touched ON notes", "table public.notes: trigger touched removed"),
    (
        "CREATE TRIGGER gate BEFORE INSERT ON notes EXECUTE FUNCTION migration_gate.pass()",
        "table public.notes: trigger gate added",
    ),
    ("CREATE RULE quiet AS ON DELETE TO notes DO INSTEAD NOTHING", "table public.notes: rule quiet added"),
    ("ALTER TABLE orders DISABLE RULE kept", "table public.orders: rule kept: enabled (none) → disabled"),
    ("ALTER POLICY own ON orders USING (total > 5)", "table public.orders: policy own: using"),
    ("ALTER POLICY own ON orders TO writer", "table public.orders: policy own: roles gained writer"),
    ("ALTER SEQUENCE tickets CYCLE", "sequence public.tickets: cycle now set"),
    ("ALTER SEQUENCE tickets OWNED BY notes.id", "sequence public.tickets: belongs (none) → owned by public.notes.id"),
    ("ALTER SEQUENCE tickets AS smallint MAXVALUE 99", "sequence public.tickets: type bigint → smallint"),
    ("GRANT USAGE ON SEQUENCE tickets TO reader", "sequence public.tickets: privileges gained reader: USAGE"),
    ("ALTER TYPE order_status ADD VALUE 'lost'", "type public.order_status: labels gained lost"),
    ("ALTER TYPE order_status RENAME VALUE 'paid' TO 'settled'", "type public.order_status: labels lost paid"),
    (
        "DROP TYPE unused_status;; CREATE TYPE unused_status AS ENUM ('off', 'on')",
        "type public.unused_status: labels reordered: on, off → off, on",
    ),
    ("REVOKE USAGE ON TYPE order_status FROM PUBLIC", "type public.order_status: privileges gained PUBLIC: no USAGE"),
    ("ALTER DOMAIN percent SET NOT NULL", "type public.percent: not null now set"),
    ("ALTER DOMAIN percent SET DEFAULT 5", "type public.percent: default (none) → 5"),
    ("ALTER DOMAIN percent DROP CONSTRAINT percent_check", "type public.percent: constraint percent_check removed"),
    ("ALTER TYPE point3 ADD ATTRIBUTE w int", "type public.point3: column w added"),
    ("DROP TYPE span", "type public.span removed"),
    ("DROP STATISTICS correlated", "statistics public.correlated removed"),
    ("ALTER STATISTICS correlated SET STATISTICS 9", "statistics public.correlated: statistics target (none) → 9"),
    ("ALTER PUBLICATION feed ADD TABLE notes", "publication feed: table public.notes added"),
    ("ALTER PUBLICATION feed SET TABLE orders WHERE (total > 3)", "publication feed: table public.orders: filter"),
    ("ALTER PUBLICATION feed SET (publish = 'insert')", "publication feed: operations lost update"),
    ("ALTER PUBLICATION feed ADD TABLES IN SCHEMA billing", "publication feed: schema billing added"),
    ("ALTER EVENT TRIGGER watch DISABLE", "event trigger watch: enabled replica → disabled"),
    ("DROP EVENT TRIGGER watch", "event trigger watch removed"),
    (
        "ALTER DEFAULT PRIVILEGES IN SCHEMA billing GRANT SELECT ON TABLES TO reader",
        "default privileges of postgres in schema billing on tables added",
    ),
    ("DROP CAST (text AS point3)", "cast (text as public.point3) removed"),
    ("DROP OPERATOR === (int, int)", "operator public.===(integer, integer) removed"),
    (
        "ALTER OPERATOR FAMILY numbers USING btree ADD OPERATOR 1 < (int, bigint)",
        "operator family public.numbers using btree: operators gained",
    ),
    ("DROP COLLATION plain", "collation public.plain removed"),
    (
        "ALTER TEXT SEARCH CONFIGURATION plain_words DROP MAPPING FOR asciiword",
        "text search configuration public.plain_words: facts lost",
    ),
    ("CREATE EXTENSION vector", "extension vector added"),
    ("ALTER SERVER elsewhere OPTIONS (ADD host 'h')", "server elsewhere: options gained host=h"),
    ("DROP FOREIGN TABLE away", "foreign table public.away removed"),
    ("CREATE USER MAPPING FOR reader SERVER elsewhere", "user mapping for reader server elsewhere added"),
    ('ALTER TABLE "We""ird" ADD COLUMN "Ü x" int', 'table public."We""ird": column "Ü x" added'),
]
CHANGES_ON_18 = [
    (
        "ALTER TABLE notes ADD CONSTRAINT present NOT NULL body NOT VALID",
        "table public.notes: column body: not null not validated",
    ),
    (
        "ALTER TABLE counted RENAME CONSTRAINT counted_id_not_null TO present",
        "table public.counted: column id: not null name",
    ),
    (
        "ALTER TABLE counted ADD tripled int GENERATED ALWAYS AS (id * 3) VIRTUAL",
        "table public.counted: column tripled added",
    ),
    (
        "ALTER TABLE orders ALTER CONSTRAINT orders_company_id_fkey NOT ENFORCED",
        "table public.orders: constraint orders_company_id_fkey: definition",
    ),
]

NO_CHANGES = {
    "the data": "INSERT INTO notes (id, body) VALUES (1, 'x');; SELECT nextval('tickets');; "
    "REFRESH MATERIALIZED VIEW totals",
    "vacuum": "VACUUM FULL notes",
    "analyze": "ANALYZE",
    "reindex": "REINDEX TABLE orders",
    "cluster": "CLUSTER notes USING notes_rank_idx;; ALTER TABLE notes SET WITHOUT CLUSTER",
    "grant then revoke": "GRANT SELECT ON notes TO reader;; REVOKE SELECT ON notes FROM reader;; "
    "GRANT UPDATE (body) ON notes TO reader;; REVOKE UPDATE (body) ON notes FROM reader;; "
    "GRANT EXECUTE ON FUNCTION touch() TO reader;; REVOKE EXECUTE ON FUNCTION touch() FROM reader",
    "revoke then grant": "REVOKE ALL ON notes FROM postgres;; GRANT ALL ON notes TO postgres",
    "grants in another order": "REVOKE ALL ON orders FROM reader, writer;; "
    "GRANT INSERT ON orders TO writer;; GRANT SELECT ON orders TO reader",
    "a dropped column": "ALTER TABLE notes ADD COLUMN gone int;; ALTER TABLE notes DROP COLUMN gone",
    "another oid": "DROP TYPE unused_status;; CREATE TYPE unused_status AS ENUM ('on', 'off')",
    "a label added later": "DROP TYPE unused_status;; CREATE TYPE unused_status AS ENUM ('on');; "
    "ALTER TYPE unused_status ADD VALUE 'off'",
    "a temporary table": "CREATE TEMP TABLE passing (id int)",
    "the excluded schema": "CREATE TABLE migration_gate.more (id int);; "
    "GRANT USAGE ON SCHEMA migration_gate TO reader;; "
    "COMMENT ON SCHEMA migration_gate IS 'x';; "
    "ALTER DEFAULT PRIVILEGES IN SCHEMA migration_gate GRANT SELECT ON TABLES TO reader",
    "a rewritten table": "ALTER TABLE notes ALTER rank TYPE bigint;; ALTER TABLE notes ALTER rank TYPE int",
    "settings of the session": "SET search_path = billing;; SET quote_all_identifiers = on;; "
    "SET TimeZone = 'Asia/Tokyo';; "
    "SET DateStyle = 'German';; SET IntervalStyle = 'sql_standard';; SET bytea_output = 'escape'",
}


@pytest.mark.parametrize(("change", "sentence"), CHANGES, ids=[change for change, _ in CHANGES])
def test_a_change_is_noticed_and_named(template: tuple[Connection, dict[str, Any]], change: str, sentence: str) -> None:
    assert_noticed(*template, change, sentence)


@pytest.mark.parametrize(("change", "sentence"), CHANGES_ON_18, ids=[change for change, _ in CHANGES_ON_18])
def test_a_change_that_18_knows_is_noticed_and_named(
    template: tuple[Connection, dict[str, Any]], change: str, sentence: str
) -> None:
    if template[0].info.server_version < 180000:
        pytest.skip("not known before PostgreSQL 18")
    assert_noticed(*template, change, sentence)


def assert_noticed(connection: Connection, before: dict[str, Any], change: str, sentence: str) -> None:
    with connection.transaction(force_rollback=True):
        mark = watermark(connection)
        for statement in change.split(";; "):
            connection.execute(statement.encode())
        after = snapshot(connection)
        seen = watermark(connection) != mark
    assert seen or any(word in change for word in NOT_WATCHED)
    assert fingerprint(after) != fingerprint(before)
    found = differences(before, after)
    assert any(difference.startswith(sentence) for difference in found), found


@pytest.mark.parametrize("statements", NO_CHANGES.values(), ids=NO_CHANGES.keys())
def test_what_is_no_change_leaves_the_fingerprint_alone(legacy: Connection, statements: str) -> None:
    before = snapshot(legacy)
    for statement in statements.split(";; "):
        legacy.execute(statement.encode())
    after = snapshot(legacy)
    assert differences(before, after) == []
    assert fingerprint(after) == fingerprint(before)


def test_what_an_application_does_all_day_leaves_the_watermark_alone(server: str, legacy: Connection) -> None:
    mark = watermark(legacy)
    with psycopg.connect(make_conninfo(server, dbname=legacy.info.dbname), autocommit=True) as application:
        application.execute("CREATE TEMP TABLE passing (id serial PRIMARY KEY, body text DEFAULT 'x')")
        application.execute("INSERT INTO notes (id, body) SELECT n, 'more' FROM generate_series(9000, 9100) AS n")
        application.execute("UPDATE notes SET body = 'other'")
        application.execute("DELETE FROM notes WHERE id > 9000")
        application.execute("ANALYZE notes")
        application.execute("VACUUM notes")
        assert watermark(legacy) == mark
        application.execute("COMMENT ON TABLE notes IS 'seen'")
    assert watermark(legacy) != mark


def test_a_restored_dump_has_the_same_fingerprint(server: str, legacy: Connection) -> None:
    with fresh_database(server, template="template0") as restored:
        dump_into(legacy, restored)
        before, after = snapshot(legacy, exclude_schemas=()), snapshot(restored, exclude_schemas=())
    assert differences(before, after) == []
    assert fingerprint(before) == fingerprint(after)


def test_a_restored_dump_of_a_worn_schema_has_the_same_fingerprint(server: str, legacy: Connection) -> None:
    for statement in (
        "ALTER TABLE parent ADD COLUMN late text NOT NULL DEFAULT ''",
        "ALTER TABLE notes DROP COLUMN body",
        "ALTER TABLE notes RENAME TO remarks",
        "ALTER TABLE counted RENAME COLUMN id TO number",
        "ALTER TABLE events ADD COLUMN place text CHECK (place IN ('here', 'there'))",
        "CREATE TABLE events_new (place text, day date NOT NULL, gone int, kind varchar(9), company_id int)",
        "ALTER TABLE events_new DROP COLUMN gone",
        "ALTER TABLE events_new ADD CONSTRAINT events_kind_check CHECK (kind IN ('a', 'b'))",
        "ALTER TABLE events_new ADD CONSTRAINT events_place_check CHECK (place IN ('here', 'there'))",
        "ALTER TABLE events ATTACH PARTITION events_new FOR VALUES FROM ('2031-01-01') TO ('2032-01-01')",
        "GRANT SELECT ON orders TO reader WITH GRANT OPTION",
        "SET ROLE reader; GRANT SELECT ON orders TO writer; RESET ROLE",
        "REVOKE ALL ON counted FROM postgres",
        "GRANT CREATE ON SCHEMA public TO keeper",
    ):
        legacy.execute(statement.encode())
    with fresh_database(server, template="template0") as restored:
        dump_into(legacy, restored)
        assert differences(snapshot(legacy), snapshot(restored)) == []


def dump_into(source: Connection, target: Connection) -> None:
    """Copy the schema with the dump and restore programs of the server's own version."""
    major = source.info.server_version // 10000
    parts = conninfo_to_dict(f"{source.info.dsn} password={source.info.password}")
    environment = {**os.environ, "PGPASSWORD": str(parts.pop("password"))}
    dump = subprocess.run(
        [client_binary("pg_dump", major), "-s", "-d", make_conninfo("", **parts)],
        env=environment,
        capture_output=True,
        check=True,
    )
    parts["dbname"] = target.info.dbname
    restore = subprocess.run(
        [client_binary("psql", major), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", make_conninfo("", **parts)],
        env=environment,
        input=dump.stdout.replace(b"CREATE SCHEMA public;", b""),
        capture_output=True,
        check=False,
    )
    assert restore.returncode == 0, restore.stderr.decode()


def test_a_new_major_version_is_a_difference() -> None:
    old: dict[str, Any] = {"format": 1, "server": 16, "objects": {}}
    new = {**old, "server": 18}
    assert differences(old, new) == ["server: 16 → 18"]
    assert fingerprint(old) != fingerprint(new)


def test_the_fingerprint_does_not_depend_on_the_order_of_keys() -> None:
    one = {"format": 1, "objects": {"a": {"x": 1, "y": 2}, "b": {}}}
    other = {"objects": {"b": {}, "a": {"y": 2, "x": 1}}, "format": 1}
    assert fingerprint(one) == fingerprint(other)


@pytest.mark.parametrize(
    ("printed", "canonical"),
    [
        (
            "CHECK (((s)::text = ANY ((ARRAY['a'::character varying, 'b, ]'::character varying])::text[])))",
            "CHECK (((s)::text = ANY (ARRAY[('a'::character varying)::text, ('b, ]'::character varying)::text])))",
        ),
        (
            "(ARRAY[f('x'::text, 1), b[2]])::numeric(9,2)[]",
            "ARRAY[(f('x'::text, 1))::numeric(9,2), (b[2])::numeric(9,2)]",
        ),
        ("(ARRAY['it''s'::text])::public.\"Odd Type\"[]", "ARRAY[('it''s'::text)::public.\"Odd Type\"]"),
        ("(ARRAY['a'::text, 'b'::text])", "(ARRAY['a'::text, 'b'::text])"),
        ("ARRAY['a'::text]", "ARRAY['a'::text]"),
        ("(ARRAY[unfinished", "(ARRAY[unfinished"),
    ],
)
def test_array_casts_have_one_spelling(printed: str, canonical: str) -> None:
    assert canonical_expression(printed) == canonical
