"""The SQL of a consolidation, tried on PostgreSQL forward and back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from v7migration.postgres import enum_rows
from v7migration.postgres.binaries import client_binary
from v7migration.postgres.catalog import enums, snapshot
from v7migration.postgres.embedded import scratch_server
from v7migration.postgres.enum_conversion import Conversion, TypeName, by_hand, scripts
from v7migration.postgres.fingerprint import differences

SCHEMA = r"""
CREATE SCHEMA "Odd ""s";
CREATE TYPE "Odd ""s"."old
-- DROP DATABASE" AS ENUM ('New', 'it''s', 'back\slash', 'a,b', 'x', 'y', '');
CREATE TYPE mood AS ENUM ('new', 'it''s', 'back\slash', 'a,b', 'y', 'x', '', 'more');
CREATE TABLE "Odd ""s"."t ""1" (
    id int PRIMARY KEY,
    "c ""1" "Odd ""s"."old
-- DROP DATABASE" NOT NULL DEFAULT 'New' CHECK ("c ""1" <> 'x'),
    many "Odd ""s"."old
-- DROP DATABASE"[] DEFAULT '{New,y}',
    two "Odd ""s"."old
-- DROP DATABASE"[] DEFAULT '{}'
);
CREATE UNIQUE INDEX "i ""1" ON "Odd ""s"."t ""1" (id, "c ""1") WHERE "c ""1" IN ('New', 'back\slash');
CREATE INDEX plain ON "Odd ""s"."t ""1" ("c ""1");
INSERT INTO "Odd ""s"."t ""1" VALUES
    (1, 'New', '{New,y,NULL,"a,b"}', '{{New,x},{y,y}}'), (2, 'it''s', '{}', NULL),
    (3, 'back\slash', NULL, '{x}'), (4, '', '{""}', NULL);
CREATE TABLE elder (m "Odd ""s"."old
-- DROP DATABASE" PRIMARY KEY DEFAULT 'y');
CREATE TABLE child (m "Odd ""s"."old
-- DROP DATABASE" DEFAULT 'x' REFERENCES elder);
INSERT INTO elder VALUES ('New'), ('y');
INSERT INTO child VALUES ('New'), ('y'), (NULL);
CREATE TABLE parts (d int, m "Odd ""s"."old
-- DROP DATABASE" DEFAULT 'New' CHECK (m <> 'a,b')) PARTITION BY RANGE (d);
CREATE TABLE part_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part_2 PARTITION OF parts (m DEFAULT 'y') FOR VALUES FROM (10) TO (20);
CREATE INDEX parts_m ON parts (d) WHERE m = 'New';
INSERT INTO parts VALUES (1, 'New'), (11, 'it''s');
"""
OLD = TypeName('Odd "s', "old\n-- DROP DATABASE")


@pytest.fixture(scope="module", params=[18, 16], ids=["on 18", "on 16"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scratch_server(tmp_path_factory.mktemp("conversion"), request.param) as url:
        yield url


@pytest.fixture
def connection(server: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(server, autocommit=True) as administrator:
        administrator.execute("DROP DATABASE IF EXISTS tried WITH (FORCE)")
        administrator.execute("CREATE DATABASE tried")
    with psycopg.connect(server, dbname="tried", autocommit=True) as connection:
        yield connection


def conversion(connection: psycopg.Connection[Any], source: TypeName, target: TypeName, **more: Any) -> Conversion:
    types = {enum.key: enum for enum in enums(connection)}
    columns = [c.as_dict() for c in enum_rows.enum_columns(connection) if c.type == source.key]
    known = types.get(target.key)
    labels = types[source.key].labels
    options: dict[str, Any] = {
        "target_labels": known.labels if known else labels,
        "target_is_new": known is None,
        "added": [],
        "mapping": {label: label for label in labels},
    }
    uses = [use.as_dict() for use in types[source.key].uses]
    return Conversion(source, labels, target, columns=columns, uses=uses, **(options | more))


def run(connection: psycopg.Connection[Any], script: str, tmp_path: Path) -> str:
    """Run a script as a DBA would; return what psql complained about."""
    file = tmp_path / "script.sql"
    file.write_text(script)
    info = connection.info
    program = str(client_binary("psql", info.server_version // 10_000))
    command = [program, "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(file), "-h", info.host, "-p", str(info.port)]
    environment = {**os.environ, "PGPASSWORD": info.password, "PGCLIENTENCODING": "UTF8"}
    done = subprocess.run(
        [*command, "-U", info.user, info.dbname], env=environment, capture_output=True, text=True, check=False
    )
    return done.stderr if done.returncode else ""


def contents(connection: psycopg.Connection[Any]) -> dict[str, Any]:
    tables = ('"Odd ""s"."t ""1"', "elder", "child", "parts")
    return {table: connection.execute(f"SELECT t::text FROM {table} AS t ORDER BY 1").fetchall() for table in tables}


def test_every_kind_of_column_is_cast_forward_and_back_as_it_was(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    connection.execute(SCHEMA)
    before, rows = snapshot(connection), contents(connection)
    mapping = {"New": "new", "it's": "it's", "back\\slash": "back\\slash", "a,b": "a,b", "x": "y", "y": "x", "": ""}
    found = conversion(connection, OLD, TypeName("public", "mood"), mapping=mapping)
    assert by_hand(found) == []
    migration, rollback = scripts(found)

    assert run(connection, migration, tmp_path) == ""
    one = connection.execute(
        'SELECT "c ""1"::text, many::text[], two::text[] FROM "Odd ""s"."t ""1" WHERE id = 1'
    ).fetchone()
    assert one == ("new", ["new", "x", None, "a,b"], [["new", "y"], ["x", "x"]])
    assert {enum.key: enum.used_by for enum in enums(connection)}[OLD.key] == ()
    connection.execute('INSERT INTO "Odd ""s"."t ""1" (id) VALUES (9)')
    connection.execute(
        "INSERT INTO elder VALUES ('y'); INSERT INTO child DEFAULT VALUES; DELETE FROM child WHERE m = 'y'"
    )
    connection.execute("INSERT INTO parts (d) VALUES (2); INSERT INTO part_2 (d) VALUES (12)")
    nine = connection.execute(
        'SELECT "c ""1"::text, many::text[], two::text[] FROM "Odd ""s"."t ""1" WHERE id = 9'
    ).fetchone()
    assert nine == ("new", ["new", "x"], [])
    assert connection.execute("SELECT m::text FROM parts WHERE d IN (2, 12) ORDER BY d").fetchall() == [
        ("new",),
        ("x",),
    ]
    with pytest.raises(psycopg.errors.CheckViolation):
        connection.execute("""INSERT INTO "Odd ""s"."t ""1" (id, "c ""1") VALUES (10, 'y')""")
    with pytest.raises(psycopg.errors.ForeignKeyViolation):
        connection.execute("INSERT INTO child VALUES ('more')")
    connection.execute('DELETE FROM "Odd ""s"."t ""1" WHERE id = 9; DELETE FROM parts WHERE d IN (2, 12)')
    connection.execute("INSERT INTO child VALUES ('x')")
    connection.execute("DELETE FROM elder WHERE m NOT IN ('new', 'x')")

    assert run(connection, rollback, tmp_path) == ""
    assert differences(before, snapshot(connection)) == []
    assert contents(connection)['"Odd ""s"."t ""1"'] == rows['"Odd ""s"."t ""1"']
    assert contents(connection)["parts"] == rows["parts"]


def test_a_new_type_is_created_once_and_goes_with_its_last_column(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    connection.execute("""
        CREATE TYPE a AS ENUM ('u', 'v'); CREATE TYPE b AS ENUM ('U', 'V');
        CREATE TABLE ta (x a DEFAULT 'u'); CREATE TABLE tb (x b DEFAULT 'V');
        INSERT INTO ta VALUES ('v'); INSERT INTO tb VALUES ('U')
    """)
    before = snapshot(connection)
    target = TypeName("public", "letters $v7$")
    one = scripts(conversion(connection, TypeName("public", "a"), target, target_labels=["u", "v"]))
    two = scripts(
        conversion(connection, TypeName("public", "b"), target, target_labels=["u", "v"], mapping={"U": "u", "V": "v"})
    )
    for script in (one[0], two[0]):
        assert run(connection, script, tmp_path) == ""
    assert connection.execute("SELECT ta.x = tb.x FROM ta, tb").fetchone() == (False,)
    for script in (one[1], two[1]):
        assert run(connection, script, tmp_path) == ""
    assert differences(before, snapshot(connection)) == []


def test_an_added_label_is_there_before_the_columns_are_cast(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    connection.execute("CREATE TYPE a AS ENUM ('u', 'w'); CREATE TYPE b AS ENUM ('u'); CREATE TABLE ta (x a)")
    connection.execute("INSERT INTO ta VALUES ('w')")
    found = conversion(
        connection, TypeName("public", "a"), TypeName("public", "b"), target_labels=["u", "w"], added=["w"]
    )
    migration, rollback = scripts(found)
    assert run(connection, migration, tmp_path) == ""
    assert connection.execute("SELECT x::text, pg_typeof(x)::text FROM ta").fetchone() == ("w", "b")
    assert run(connection, rollback, tmp_path) == ""
    assert connection.execute("SELECT x::text, pg_typeof(x)::text FROM ta").fetchone() == ("w", "a")
    assert "cannot take a label out" in rollback


def test_two_labels_into_one_is_said_and_the_rollback_says_what_it_cannot_restore(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    connection.execute("CREATE TYPE a AS ENUM ('u', 'w'); CREATE TYPE b AS ENUM ('w'); CREATE TABLE ta (x a)")
    connection.execute("INSERT INTO ta VALUES ('w'), ('u')")
    found = conversion(connection, TypeName("public", "a"), TypeName("public", "b"), mapping={"u": "w", "w": "w"})
    migration, rollback = scripts(found)
    assert "LOSES INFORMATION: 'u', 'w' all become 'w'" in migration
    assert "CANNOT RESTORE: rows that held 'u' come back as 'w'" in rollback
    for script in (migration, rollback):
        assert run(connection, script, tmp_path) == ""
    assert connection.execute("SELECT x::text FROM ta").fetchall() == [("w",), ("w",)]


def test_a_value_that_the_old_type_never_had_stops_the_rollback_and_nothing_is_lost(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    connection.execute("CREATE TYPE a AS ENUM ('u'); CREATE TYPE b AS ENUM ('u', 'new'); CREATE TABLE ta (x a)")
    migration, rollback = scripts(conversion(connection, TypeName("public", "a"), TypeName("public", "b")))
    assert run(connection, migration, tmp_path) == ""
    connection.execute("INSERT INTO ta VALUES ('new')")
    assert "invalid input value for enum a" in run(connection, rollback, tmp_path)
    assert connection.execute("SELECT x::text, pg_typeof(x)::text FROM ta").fetchone() == ("new", "b")


def test_the_old_type_is_made_again_where_it_is_gone(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    connection.execute("CREATE TYPE a AS ENUM ('u'); CREATE TYPE b AS ENUM ('u', 'new'); CREATE TABLE ta (x a)")
    before = snapshot(connection)
    migration, rollback = scripts(conversion(connection, TypeName("public", "a"), TypeName("public", "b")))
    assert run(connection, migration, tmp_path) == ""
    connection.execute("DROP TYPE a")
    assert run(connection, rollback, tmp_path) == ""
    assert differences(before, snapshot(connection)) == []


def test_what_no_script_changes_is_named_and_stops_it_without_a_trace(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    connection.execute("""
        CREATE TYPE a AS ENUM ('u', 'w'); CREATE TYPE b AS ENUM ('u', 'w');
        CREATE DOMAIN d AS a; CREATE TYPE pair AS (x a);
        CREATE FUNCTION f(x a) RETURNS text LANGUAGE sql AS 'SELECT x::text';
        CREATE TABLE ta (x a, g boolean GENERATED ALWAYS AS (x = 'u') STORED, d d, p pair);
        CREATE TABLE other (note text DEFAULT ('u'::a)::text);
        CREATE VIEW v AS SELECT x FROM ta;
        CREATE TABLE keyed (x a) PARTITION BY LIST (x)
    """)
    before = snapshot(connection)
    found = conversion(connection, TypeName("public", "a"), TypeName("public", "b"))
    named = "\n".join(by_hand(found))
    for said in (
        "view public.v: drop it before",
        "domain public.d:",
        "attribute public.pair.x:",
        "generated public.ta.g:",
        "partition key public.keyed.x:",
        "function public.f(public.a):",
        "column public.ta.d: its type is the domain public.d",
        "column public.ta.p: the type stands inside public.pair",
        "default of public.other.note:",
    ):
        assert said in named, said
    migration, _ = scripts(found)
    assert run(connection, migration, tmp_path) != ""
    assert differences(before, snapshot(connection)) == []


def test_an_unused_type_has_nothing_to_convert(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    connection.execute("CREATE TYPE a AS ENUM ('u'); CREATE TYPE b AS ENUM ('u')")
    before = snapshot(connection)
    for script in scripts(conversion(connection, TypeName("public", "a"), TypeName("public", "b"))):
        assert run(connection, script, tmp_path) == ""
    assert differences(before, snapshot(connection)) == []
