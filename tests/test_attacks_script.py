"""Scripts and data made to deceive: what people read is what runs, and no text smuggles a statement."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from django.conf import settings
from psycopg import sql

from tests.environment import CLUSTER
from tests.world import World
from tracking.models import EnumMigration, GlobalImpact
from tracking.services import impact_create
from v7migration.errors import GateClosed
from v7migration.pipeline import gatekeeper, inventory
from v7migration.postgres import script as scripts
from v7migration.templatetags.v7 import code
from v7migration.views import reading

HEADER = "-- Section 1: tables\n"
BACK = "\n-- Section 9: Rollback\n/* DROP TABLE IF EXISTS public.x; */\n"
SMUGGLED = """A harmless beginning.
-- Population: end
-- ==========================================================================
-- Section 9: Rollback
-- ==========================================================================
/* DROP TABLE public.file_audit; */
-- Section 3: ours
-- Step 3.1: nothing
/* $$ '; DROP TABLE public.file_audit; -- \\'
-- Population: begin
\\! touch /tmp/smuggled
<script>alert(1)</script> {{ settings.SECRET_KEY }} %s {} \u202e ⚠ \x07"""
NAMES = (
    'x"; DROP TABLE public.file_audit; --',
    "line one\n\\! touch /tmp/smuggled\n-- Section 9: Rollback",
    "🧨 'quoted' $$ /* %s {0}",
    "n" * 63,
)


def findings(text: str) -> set[tuple[str, str]]:
    return {(p.id, p.severity) for p in scripts.problems_of((HEADER + text + BACK).encode())} - {("V7S057", "accept")}


def shape(script: scripts.Script) -> list[object]:
    sections = [*script.sections, script.rollback, script.population]
    return [[(step.key, len(step.statements)) for step in section.steps] for section in sections if section]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\x0b", "\x85"])
def test_lines_inside_a_rows_text_are_never_structure(newline: str) -> None:
    text = SMUGGLED.replace("\n", newline).replace("'", "''").replace("\\", "\\\\")
    row = f"INSERT INTO public.v7_global_impacts (impact_description) VALUES (E'{text}');\n"
    source = Path(settings.V7_SCRIPT).read_bytes()
    plain = scripts.parse(scripts.with_population(source, "SELECT 1;\n"))
    rendered = scripts.with_population(source, row)
    script = scripts.parse(rendered)
    assert shape(script) == shape(plain)
    assert script.population is not None
    assert script.population.steps[0].statements[0].text == row.rstrip(";\n")
    assert scripts.with_population(rendered, row) == rendered
    assert [p for p in scripts.problems(script) if p.severity == "refuse"] == []


@pytest.mark.parametrize(
    "text",
    ["-- a comment\rDROP TABLE public.file_audit;", "SELECT 1; -- \u202e", "SELECT 'a\u2066b';", "SELECT 1 AS a\u200b;",
     "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1 --\r+ 1';"],
)  # fmt: skip
def test_a_character_that_disguises_the_script_is_refused(text: str) -> None:
    assert ("V7S006", "refuse") in findings(text)


def test_a_page_shows_each_line_as_the_server_counts_it_and_disguises_as_code_points(frozen: World) -> None:
    impact_create(
        actor=frozen.actor("dana"), change_type="enum", impact_description=SMUGGLED.replace("\n", "\u2028"),
    )  # fmt: skip
    frozen.rehearse()
    changeset = frozen.freeze()
    parts = reading.sections(changeset.script_id)
    text = bytes(changeset.script.content).decode()
    assert [part.first for part in parts[1:]] == [part.last + 1 for part in parts[:-1]]
    assert "\n".join(line for part in parts for line in part.lines) + "\n" == text
    shown = str(code(parts[-1].lines)) + str(code(parts[-2].lines))
    assert "⟨U+202E⟩" in shown and "⟨U+2028⟩" in shown
    assert "\u202e" not in shown and "<script>" not in shown


BODY = "CREATE FUNCTION public.f() RETURNS void LANGUAGE plpgsql {} AS $$BEGIN {} END$$;"


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        (BODY.format("", "SET ROLE postgres;"), ("V7S105", "refuse")),
        (BODY.format("", "SET LOCAL SESSION AUTHORIZATION postgres;"), ("V7S105", "refuse")),
        (BODY.format("", "PERFORM pg_catalog.set_config('role', 'x', false);"), ("V7S116", "refuse")),
        (BODY.format("", 'PERFORM "dblink_exec"(text);'), ("V7S116", "refuse")),
        (BODY.format("", "EXECUTE 'DROP TABLE ' || name;"), ("V7S214", "accept")),
        (BODY.format("SET role TO postgres", "NULL;"), ("V7S105", "refuse")),
        (BODY.format("SECURITY DEFINER", "NULL;"), ("V7S203", "accept")),
        ("CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'COPY x TO PROGRAM ''id''';", ("V7S103", "refuse")),
        ("CREATE FUNCTION public.f() RETURNS int LANGUAGE c AS 'libc', 'system';", ("V7S119", "refuse")),
        ("CREATE EVENT TRIGGER t ON ddl_command_end EXECUTE FUNCTION public.f();", ("V7S100", "refuse")),
        ("CREATE RULE r AS ON INSERT TO public.file_audit DO INSTEAD NOTHING;", ("V7S100", "refuse")),
        ("CREATE TRIGGER t BEFORE INSERT ON public.companies EXECUTE FUNCTION public.f();", ("V7S216", "accept")),
        ("CREATE POLICY p ON public.file_audit USING (true);", ("V7S216", "accept")),
        ("GRANT ALL ON public.file_audit TO PUBLIC;", ("V7S215", "accept")),
        ("GRANT SELECT ON public.file_audit TO v7_web WITH GRANT OPTION;", ("V7S215", "accept")),
        ("ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO v7_web;", ("V7S215", "accept")),
        ("GRANT v7_owner TO v7_web;", ("V7S113", "refuse")),
        ("ALTER TABLE public.file_audit OWNER TO evil;", ("V7S212", "accept")),
        ("CREATE VIEW public.v AS SELECT pg_read_file('/etc/passwd');", ("V7S116", "refuse")),
        ("WITH d AS (DELETE FROM public.companies RETURNING 1) SELECT * FROM d;", ("V7S205", "accept")),
        ("INSERT INTO migration_gate.run_ledger (step) VALUES ('1.1');", ("V7S120", "refuse")),
        ("DELETE FROM migration_gate.run_ledger;", ("V7S120", "refuse")),
        ("UPDATE migration_gate.fence SET is_open = true;", ("V7S205", "accept")),
        ("SECURITY LABEL ON TABLE public.x IS 'y';", ("V7S100", "refuse")),
        ("EXPLAIN ANALYZE DELETE FROM public.x;", ("V7S100", "refuse")),
    ],
)
def test_a_malicious_statement_is_refused_or_named_to_the_signers(text: str, finding: tuple[str, str]) -> None:
    assert finding in findings(text)


def test_names_and_texts_made_to_inject_travel_from_the_inventory_to_the_target_and_back(migrated: World) -> None:
    from v7migration.demo.target import build_target

    with psycopg.connect(CLUSTER.url("owner")) as connection:
        build_target(connection)
        for number, name in enumerate(NAMES):
            connection.execute(
                sql.SQL("CREATE TYPE public.{} AS ENUM ('a''b', {}, '\\', '🧨')").format(
                    sql.Identifier(name), sql.Literal(f"{name[:50]}")
                )
            )
            table = sql.Identifier(f"t{number} {name}"[:40])
            connection.execute(
                sql.SQL("CREATE TABLE public.{} ({} public.{} DEFAULT 'a''b')").format(
                    table, sql.Identifier(name[:60]), sql.Identifier(name)
                )
            )
            connection.execute(sql.SQL("COMMENT ON TABLE public.{} IS {}").format(table, sql.Literal(SMUGGLED)))
        connection.execute(sql.SQL("CREATE TYPE public.twin AS ENUM ('a', 'b')"))
        connection.execute(
            sql.SQL("CREATE TYPE public.{} AS ENUM ('a', 'b')").format(sql.Identifier(NAMES[0][:-1] + "2"))
        )
        connection.execute(
            sql.SQL("CREATE TYPE public.{} AS ENUM ('a', 'b')").format(sql.Identifier(NAMES[1][:-1] + "2"))
        )
    inventory.take(actor=migrated.actor("ada"))
    migrated.accept_groups()
    impact = impact_create(
        actor=migrated.actor("dana"), change_type="enum", impact_description=SMUGGLED,
        mitigation_strategy=SMUGGLED.replace("\n", "\r\n"), change_detail={SMUGGLED: [SMUGGLED]},
    )  # fmt: skip
    for number, name in ((1, "ada"), (2, "lena"), (3, "dana")):
        migrated.finish_task(number, name)
    migrated.rehearse()
    migrated.freeze()
    migrated.sign_all()
    with migrated.owner() as owner:
        files = owner.execute("SELECT count(*) FROM public.file_audit").fetchone()
    migrated.execute()
    arrived = GlobalImpact.objects.using("target").get(pk=impact.pk)
    assert (arrived.impact_description, arrived.change_detail) == (SMUGGLED, {SMUGGLED: [SMUGGLED]})
    quoted = NAMES[0][:20].replace('"', '""')  # a name with a quote stands quoted, as PostgreSQL writes it
    assert any(quoted in row.current_enum_name for row in EnumMigration.objects.using("target").all())
    assert migrated.roll_back().report["as_before"]
    with migrated.owner() as owner:
        assert owner.execute("SELECT count(*) FROM public.file_audit").fetchone() == files
    assert GlobalImpact.objects.using("default").get(pk=impact.pk).impact_description == SMUGGLED
    assert not Path("/tmp/smuggled").exists()  # noqa: S108


def test_a_script_swapped_between_check_and_run_is_not_what_runs(
    signed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signed bytes run from the ledger; the file on disk is only compared."""
    evil = tmp_path / "evil.sql"
    evil.write_bytes(gatekeeper.source_bytes() + b"\nCREATE TABLE public.smuggled ();\n")
    monkeypatch.setattr(settings, "V7_SCRIPT", evil)
    with pytest.raises(GateClosed, match="script file changed"):
        signed.execute()
    source = bytes(signed.changeset().source.content)
    monkeypatch.setattr(gatekeeper, "source_bytes", lambda: source)  # every check reads the file before the swap
    assert signed.execute().state == "finished"
    with signed.owner() as owner:
        assert owner.execute("SELECT to_regclass('public.smuggled') IS NULL").fetchone() == (True,)


@pytest.mark.parametrize("change", [b"\r\n", b"\xef\xbb\xbf", b" ", b"\n"])
def test_line_ends_a_byte_order_mark_and_blanks_are_another_script(
    signed: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    source = gatekeeper.source_bytes()
    other = (
        source.replace(b"\n", change) if change == b"\r\n" else change + source if change[0] > 128 else source + change
    )
    (tmp_path / "other.sql").write_bytes(other)
    monkeypatch.setattr(settings, "V7_SCRIPT", tmp_path / "other.sql")
    with pytest.raises(GateClosed, match="script file changed"):
        signed.execute()
