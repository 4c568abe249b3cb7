"""The schema export of a real database: the same bytes twice, restored and compared, and what it cannot read named."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import call_command
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.environment import CLUSTER, SERVERS, url
from tests.world import World
from v7migration.errors import Refused
from v7migration.ledger.models import Inventory
from v7migration.pipeline import inventory
from v7migration.postgres import binaries, catalog, export, scratch
from v7migration.postgres.export import ExportFailed, export_schema

ODD = "Ünï \"q'; DROP.x$1*?[a]|(b){3}\\d"
LONG = "é" * 31 + "x"  # 63 bytes
REAL = """
CREATE SCHEMA sales; CREATE SCHEMA "Sales Dept."; CREATE SCHEMA hidden;
CREATE TYPE sales.state AS ENUM ('new', 'it''s "old"');
CREATE TYPE "Sales Dept."."Grade.1" AS ENUM ('A', 'a');
CREATE DOMAIN sales.code AS text COLLATE "C" CHECK (VALUE ~ '^[a-z]+$') NOT NULL;
CREATE TYPE sales.box AS (kind sales.state, sizes numeric(9, 2)[]);
CREATE TYPE sales.span AS RANGE (subtype = numeric, multirange_type_name = sales.spans);
CREATE FUNCTION sales.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION sales.twice(n int) RETURNS int LANGUAGE sql IMMUTABLE BEGIN ATOMIC SELECT n * 2; END;
CREATE TABLE sales.orders (
    id bigint GENERATED ALWAYS AS IDENTITY, day date NOT NULL, state sales.state DEFAULT 'new', code sales.code,
    boxed sales.box, span sales.span, spans sales.spans, n int, doubled int GENERATED ALWAYS AS (sales.twice(n)) STORED,
    PRIMARY KEY (id, day), CHECK (state <> 'new' OR n > 0)
) PARTITION BY RANGE (day);
CREATE TABLE sales.orders_2031 PARTITION OF sales.orders FOR VALUES FROM ('2031-01-01') TO ('2032-01-01');
CREATE TABLE hidden.orders_rest PARTITION OF sales.orders DEFAULT;
CREATE INDEX ON sales.orders (state) WHERE state = 'new';
CREATE TABLE sales.notes (
    order_id bigint, day date, note text, seen tstzrange, EXCLUDE USING gist (seen WITH &&),
    FOREIGN KEY (order_id, day) REFERENCES sales.orders ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED
);
ALTER TABLE sales.notes ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON sales.notes FOR SELECT TO PUBLIC USING (note <> 'secret');
CREATE TRIGGER touched BEFORE UPDATE ON sales.orders FOR EACH ROW EXECUTE FUNCTION sales.touch();
CREATE VIEW sales.fresh AS SELECT o.id, n.note FROM sales.orders o JOIN sales.notes n ON n.order_id = o.id;
CREATE MATERIALIZED VIEW hidden.counted AS SELECT state, count(*) FROM sales.orders GROUP BY 1 WITH NO DATA;
CREATE RULE quiet AS ON DELETE TO sales.notes DO INSTEAD NOTHING;
CREATE STATISTICS sales.together ON day, state FROM sales.orders;
CREATE EXTENSION vector WITH SCHEMA hidden;
CREATE TABLE hidden.embedded (v hidden.vector(3));
CREATE AGGREGATE sales.add (int) (sfunc = int4pl, stype = int, initcond = '0');
CREATE SEQUENCE hidden.numbers INCREMENT 7 CYCLE MAXVALUE 700;
GRANT SELECT ON sales.notes TO PUBLIC;
COMMENT ON TABLE sales.notes IS 'one line
and another, with a \\restrict in it';
"""


@pytest.fixture
def target(migrated: World) -> Iterator[psycopg.Connection[Any]]:
    """A target with one of everything, owned by the runner's owner; the session is the superuser's."""
    with psycopg.connect(
        make_conninfo(SERVERS["v7_target"].url("superuser"), dbname="v7_target"), autocommit=True
    ) as admin:
        admin.execute(REAL.encode())
        for schema, name in (("sales", ODD), ("Sales Dept.", LONG), ("Sales Dept.", "select")):
            admin.execute(
                sql.SQL("CREATE TABLE {} ({} int PRIMARY KEY, {} {})").format(
                    sql.Identifier(schema, name),
                    sql.Identifier(ODD),
                    sql.Identifier(LONG),
                    sql.Identifier("Sales Dept.", "Grade.1"),
                )
            )
        for schema in ("sales", "Sales Dept.", "hidden"):
            admin.execute(sql.SQL("GRANT USAGE ON SCHEMA {} TO v7_runner").format(sql.Identifier(schema)))
            admin.execute(
                sql.SQL("GRANT SELECT ON ALL TABLES IN SCHEMA {} TO v7_runner").format(sql.Identifier(schema))
            )
        yield admin


def taken(only: str | None = "snapshot", **more: Any) -> dict[str, Any]:
    return inventory.take(actor=None, only=only, **more)[1]


def archived(result: dict[str, Any], name: str) -> bytes:
    return Path(result["archive"]["repository"], result["archive"]["folder"], name).read_bytes()


def test_everything_that_a_real_database_has_is_exported_and_proved_to_match(target: psycopg.Connection[Any]) -> None:
    result = taken()
    found = result["snapshot"]
    assert (found["differences"], found["errors"], found["faults"], found["missing_extensions"]) == ([], [], [], [])
    assert found["verified"] and found["exported"] and found["archived"]
    assert found["statement"] == "The schema export matches production."
    text = archived(result, "schema.sql")
    assert (hashlib.sha256(text).hexdigest(), len(text)) == (found["sha256"], found["bytes"])
    assert ODD.replace('"', '""') in text.decode() and LONG in text.decode()
    kept = Inventory.objects.get(part="snapshot")
    assert kept.document == found and kept.snapshot is not None and kept.snapshot.fingerprint == result["fingerprint"]


def test_after_the_run_the_export_matches_too_its_gate_included(executed: World) -> None:
    result = taken()
    found = result["snapshot"]
    assert (found["differences"], found["errors"], found["verified"]) == ([], [], True)
    assert "CREATE TRIGGER gate_1_fence" in archived(result, "schema.sql").decode()


def test_two_exports_of_one_database_are_equal_byte_for_byte(target: psycopg.Connection[Any]) -> None:
    with psycopg.connect(url("runner"), autocommit=True) as runner:
        first, second = export_schema(runner), export_schema(runner)
    assert first.text == second.text and b"\\restrict v7schemaexport" in first.text


def test_a_pg_dump_without_a_key_of_its_own_gives_the_same_bytes(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(url("runner"), autocommit=True) as runner:
        pinned = export_schema(runner)
        monkeypatch.setattr(export, "_knows_restrict_key", lambda program: False)
        assert export_schema(runner).text == pinned.text


def test_a_table_that_the_role_may_not_read_is_named_and_the_rest_is_exported(target: psycopg.Connection[Any]) -> None:
    target.execute("CREATE TABLE sales.closed (id serial PRIMARY KEY, big bigint GENERATED ALWAYS AS IDENTITY)")
    target.execute(sql.SQL("REVOKE SELECT ON {} FROM v7_runner").format(sql.Identifier("sales", ODD)))
    target.execute('CREATE SCHEMA "no Entry"; CREATE TABLE "no Entry"."a.b" (x int)')
    result = taken(only=None)
    found = result["snapshot"]
    assert [fault["object"] for fault in found["faults"]] == [
        'table "no Entry"."a.b"', "table sales." + '"' + ODD.replace('"', '""') + '"', "table sales.closed",
    ]  # fmt: skip
    assert 'no USAGE on the schema "no Entry"' in found["faults"][0]["reason"]
    assert "no SELECT on the table" in found["faults"][2]["reason"]
    assert (found["differences"], found["verified"]) == ([], False)
    assert "3 tables that could not be read" in found["statement"]
    assert b"CREATE TABLE sales.orders" in archived(result, "schema.sql")
    assert b"CREATE TABLE sales.closed" not in archived(result, "schema.sql")
    assert b"sales.closed" in archived(result, "catalog.json")


def test_what_the_export_lacks_is_a_difference(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = export.dump

    def lossy(*words: Any, **more: Any) -> bytes:
        return real(*words, **more).replace(b"CYCLE", b"").replace(b"CREATE VIEW sales.fresh", b"CREATE VIEW sales.f2")

    monkeypatch.setattr(export, "dump", lossy)
    found = taken()["snapshot"]
    assert not found["verified"] and "differs from production in" in found["statement"]
    assert "view sales.fresh removed" in found["differences"]
    assert any("sequence hidden.numbers: cycle" in sentence for sentence in found["differences"])


def test_an_extension_that_the_scratch_server_lacks_is_named(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    real = catalog.snapshot

    def with_another(connection: psycopg.Connection[Any], **more: Any) -> dict[str, Any]:
        document = real(connection, **more)
        if connection.info.dbname == "v7_target":
            document["objects"]['extension "uuid-ossp"'] = {"version": "1.1", "schema": "public"}
        return document

    monkeypatch.setattr(catalog, "snapshot", with_another)
    found = taken()["snapshot"]
    assert found["missing_extensions"] == ["uuid-ossp"] and not found["verified"]
    assert found["differences"] == ['extension "uuid-ossp" removed']
    assert "lacks the extension uuid-ossp" in found["statement"]


@pytest.mark.skipif(CLUSTER.version != 18, reason="the other version is the newer one")
def test_another_version_of_the_scratch_server_is_stated_as_a_difference(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from v7migration.postgres.embedded import scratch_server

    with scratch_server(tmp_path, 16) as older:
        monkeypatch.setenv("REHEARSAL_DATABASE_URL", older)
        found = taken()["snapshot"]
        with psycopg.connect(older) as connection:
            assert connection.execute("SELECT datname FROM pg_database WHERE datname ~ '^rehearsal'").fetchall() == []
    assert found["note"] == "verified on PostgreSQL 16, the target runs 18"
    assert found["differences"][0] == "server: 18 → 16"


def test_a_scratch_server_that_does_not_answer_leaves_the_export_unverified_and_the_inventory_done(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_DATABASE_URL", "postgresql://postgres:x@127.0.0.1:1/postgres")
    result = taken()
    found = result["snapshot"]
    assert (found["exported"], found["verified"], found["archived"]) == (True, False, True)
    assert "not verified" in found["statement"] and "REHEARSAL_DATABASE_URL" in found["statement"]


def test_a_server_without_a_pg_dump_for_it_is_told_what_to_install_and_the_inventory_goes_on(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(binaries, "INSTALLATIONS", {})
    monkeypatch.setattr(binaries, "DEBIAN", Path("/nowhere"))
    monkeypatch.setenv("PATH", "/nowhere")
    with psycopg.connect(url("runner")) as runner, pytest.raises(ExportFailed) as refused:
        export_schema(runner)
    assert (refused.value.cause, "there is no pg_dump here" in refused.value.message) == ("programs", True)
    assert f"postgresql-client-{CLUSTER.version}" in refused.value.next_step
    monkeypatch.undo()

    def absent(name: str, major: int) -> Path:
        raise Refused("There is none.", "Install postgresql-client-99.")

    monkeypatch.setattr(binaries, "client_binary", absent)
    result = taken()
    found = result["snapshot"]
    assert (found["exported"], found["verified"], found["archived"], found["bytes"]) == (False, False, False, 0)
    assert "postgresql-client" in found["statement"] and archived(result, "catalog.json")


def test_a_table_that_somebody_keeps_locked_is_named_and_nobody_waits(target: psycopg.Connection[Any]) -> None:
    target.execute("CREATE TABLE sales.busy (x int); GRANT SELECT ON sales.busy TO v7_runner")
    with psycopg.connect(target.info.dsn, password=target.info.password, application_name="night job") as other:
        other.execute("LOCK TABLE sales.busy IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        found = taken()["snapshot"]
        assert time.monotonic() - began < 60
    assert [fault["object"] for fault in found["faults"]] == ["table sales.busy"]
    assert "night job" in found["faults"][0]["reason"] and found["differences"] == []


def test_catalogs_that_a_lock_hides_are_refused_with_the_name_of_who_holds_it(target: psycopg.Connection[Any]) -> None:
    with psycopg.connect(target.info.dsn, password=target.info.password, application_name="night job") as other:
        other.execute("LOCK TABLE sales.notes IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with pytest.raises(Refused, match=r"table sales\.notes is locked by process \d+ \(night job"):
            taken()
        assert time.monotonic() - began < 30


def test_an_export_that_waits_while_it_prints_a_view_is_given_up(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    with psycopg.connect(target.info.dsn, password=target.info.password) as other:
        other.execute("LOCK TABLE sales.orders IN ACCESS EXCLUSIVE MODE")
        began = time.monotonic()
        with psycopg.connect(url("runner"), autocommit=True) as runner, pytest.raises(ExportFailed) as refused:
            export_schema(runner)
        assert time.monotonic() - began < 60
    assert refused.value.cause == "lock" and "table sales.orders is locked by" in refused.value.message


def test_nothing_can_be_written_to_the_target_meanwhile(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    refusals = []

    def writes(connection: psycopg.Connection[Any], **more: Any) -> dict[str, Any]:
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction) as refused:
            connection.execute("CREATE TABLE public.left_behind (x int)")
        refusals.append(refused.value)
        return {"nodes": [], "edges": []}

    monkeypatch.setattr(catalog, "dependencies", writes)
    taken(only="dependencies")
    assert len(refusals) == 1


def test_the_command_tells_the_export_and_keeps_the_earlier_keys(target: psycopg.Connection[Any]) -> None:
    out = StringIO()
    call_command("v7_inventory", "--only", "snapshot", "--json", stdout=out, stderr=StringIO())
    document = json.loads(out.getvalue())
    assert {"fingerprint", "target", "snapshot", "archive"} <= document.keys()
    assert {"verified", "differences", "sha256", "bytes", "archived", "faults", "pg_dump"} <= document[
        "snapshot"
    ].keys()
    out = StringIO()
    call_command("v7_inventory", "--only", "snapshot", stdout=out)
    assert "Verified     The schema export matches production." in out.getvalue()


def test_the_scratch_database_is_dropped_when_the_comparison_fails(
    target: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REHEARSAL_DATABASE_URL", CLUSTER.url("superuser"))

    def broken(*_: Any) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("v7migration.pipeline.inventory.schema_snapshot._missing_extensions", broken)
    with pytest.raises(KeyboardInterrupt):
        taken()
    with psycopg.connect(CLUSTER.url("superuser")) as admin:
        assert admin.execute("SELECT datname FROM pg_database WHERE datname ~ '^rehearsal'").fetchall() == []


def test_a_database_without_a_schema_public_is_exported(target: psycopg.Connection[Any]) -> None:
    target.execute("DROP SCHEMA public")
    with psycopg.connect(url("runner"), autocommit=True) as runner:
        text = export_schema(runner).text
        with scratch.restored(runner, CLUSTER.url("superuser"), lambda: text, strict=False) as copy:
            assert "schema public" not in catalog.snapshot(copy.connection)["objects"]


def test_a_slow_program_gets_all_that_it_is_to_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "TICK", 0.05)
    ticks: list[int] = []
    content = b"x" * 5_000_000
    slow = ["/bin/sh", "-c", "sleep 0.4; cat"]
    found = export.run_through(slow, dict(os.environ), content, tick=lambda: ticks.append(1))
    assert found == (content, "", 0) and len(ticks) > 2
