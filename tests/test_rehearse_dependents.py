"""What hangs on the objects that Section 9 drops: what it depends on, and whether it stops the drop or is lost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from tests import world as worlds
from tests.environment import CLUSTER
from v7migration.pipeline import gatekeeper
from v7migration.postgres import dependents
from v7migration.postgres.script import Script, parse

Connection = psycopg.Connection[Any]
SCORE = "column public.file_audit.v7_impact_score"
WORKFLOW = "table public.v7_migration_workflow"
STOPS, LOST = "stops the drop", "is lost"

CASES = {
    "a view over a column": (
        "CREATE VIEW report AS SELECT id, v7_impact_score FROM file_audit",
        ("view public.report", SCORE, "view", STOPS),
    ),
    "a materialized view over a table": (
        "CREATE MATERIALIZED VIEW kept AS SELECT phase_name FROM v7_migration_workflow",
        ("materialized view public.kept", WORKFLOW, "materialized view", STOPS),
    ),
    "a view over one of our views": (
        "CREATE VIEW mine AS SELECT * FROM v7_monitoring.v7_migration_dashboard",
        ("view public.mine", "view v7_monitoring.v7_migration_dashboard", "view", STOPS),
    ),
    "a view in our schema": (
        "CREATE VIEW v7_monitoring.other AS SELECT 1 AS one",
        ("view v7_monitoring.other", "schema v7_monitoring", "view", STOPS),
    ),
    "a foreign key": (
        "CREATE TABLE note (phase int CONSTRAINT note_phase REFERENCES v7_migration_workflow (phase_number))",
        ("foreign key note_phase on public.note", WORKFLOW, "foreign key", STOPS),
    ),
    "a function that takes a row of our table": (
        "CREATE FUNCTION label(v7_migration_workflow) RETURNS text LANGUAGE sql AS 'SELECT $1.phase_name'",
        ("function public.label(public.v7_migration_workflow)", WORKFLOW, "function", STOPS),
    ),
    "a function with a parsed body": (
        "CREATE FUNCTION total() RETURNS bigint LANGUAGE sql "
        "BEGIN ATOMIC SELECT sum(v7_impact_score) FROM file_audit; END",
        ("function public.total()", SCORE, "function", STOPS),
    ),
    "a column of our row type": (
        "CREATE TABLE kept_rows (phase v7_migration_workflow)",
        ("column public.kept_rows.phase", WORKFLOW, "column", STOPS),
    ),
    "a policy that asks our column": (
        "CREATE POLICY seen ON file_audit USING (v7_impact_score > 1)",
        ("policy seen on public.file_audit", SCORE, "policy", STOPS),
    ),
    "a trigger that waits for our column": (
        "CREATE TRIGGER told AFTER UPDATE OF v7_impact_score ON file_audit "
        "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ("trigger told on public.file_audit", SCORE, "trigger", STOPS),
    ),
    "an index on our column": (
        "CREATE INDEX by_score ON file_audit (v7_impact_score, id)",
        ("index public.by_score", SCORE, "index", LOST),
    ),
    "an index of another column with our column in its condition": (
        "CREATE INDEX scored ON file_audit (id) WHERE v7_impact_score > 5",
        ("index public.scored", SCORE, "index", LOST),
    ),
    "an index on our table": (
        "CREATE INDEX by_lead ON v7_migration_workflow (lead_persona)",
        ("index public.by_lead", WORKFLOW, "index", LOST),
    ),
    "a check over our column and another": (
        "ALTER TABLE file_audit ADD CONSTRAINT sane CHECK (v7_impact_score <> id)",
        ("constraint sane on public.file_audit", SCORE, "constraint", LOST),
    ),
    "extended statistics": (
        "CREATE STATISTICS scores ON id, v7_impact_score FROM file_audit",
        ("statistics public.scores", SCORE, "statistics", LOST),
    ),
    "a trigger on our table": (
        "CREATE TRIGGER watched AFTER INSERT ON v7_migration_workflow "
        "FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        ("trigger watched on public.v7_migration_workflow", WORKFLOW, "trigger", LOST),
    ),
    "a policy on our table": (
        "CREATE POLICY seen ON v7_migration_workflow USING (true)",
        ("policy seen on public.v7_migration_workflow", WORKFLOW, "policy", LOST),
    ),
    "a column in our table": (
        "ALTER TABLE v7_migration_workflow ADD COLUMN extra text",
        ("column public.v7_migration_workflow.extra", WORKFLOW, "column", LOST),
    ),
    "a table in a publication": (
        "CREATE PUBLICATION stream FOR TABLE v7_migration_workflow",
        ("publication stream", WORKFLOW, "publication", LOST),
    ),
    "a column in a publication": (
        "CREATE PUBLICATION stream FOR TABLE file_audit (id, v7_impact_score)",
        ("publication stream", SCORE, "publication", STOPS),
    ),
    "a child table": (
        "CREATE TABLE child () INHERITS (v7_migration_workflow)",
        ("table public.child", WORKFLOW, "table", STOPS),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def made() -> Iterator[tuple[Connection, Script]]:
    """The target after the whole script, in a superuser's transaction that is rolled back."""
    worlds.world_at("executed")
    url = make_conninfo(CLUSTER.url("superuser"), dbname="v7_target")
    with psycopg.connect(url, autocommit=True) as connection:
        yield connection, parse(bytes(gatekeeper.find(None).script.content))


def listed(connection: Connection, script: Script, statements: str) -> set[tuple[str, ...]]:
    with connection.transaction(force_rollback=True):
        connection.execute(statements.encode())
        found = dependents.of_script(connection, script)
    return {(entry["object"], entry["depends_on"], entry["kind"], entry["effect"]) for entry in found}


def test_nothing_of_ours_is_listed(made: tuple[Connection, Script]) -> None:
    assert dependents.of_script(*made) == []


@pytest.mark.parametrize("case", CASES)
def test_what_others_built_on_ours_is_listed(made: tuple[Connection, Script], case: str) -> None:
    statement, entry = CASES[case]
    assert listed(*made, statement) == {entry}


@pytest.mark.parametrize("case", CASES)
def test_what_stops_a_drop_really_stops_it_and_what_is_lost_is_really_lost(
    made: tuple[Connection, Script], case: str
) -> None:
    connection, script = made
    statement, (_, _, _, effect) = CASES[case]
    assert script.rollback is not None
    with connection.transaction(force_rollback=True):
        connection.execute(statement.encode())
        try:
            with connection.transaction():
                for part in script.rollback.statements:
                    connection.execute(part.text.encode())
        except psycopg.errors.DependentObjectsStillExist:
            assert effect == STOPS
        else:
            assert effect == LOST


def test_what_depends_on_a_dependent_is_listed_with_what_is_between(made: tuple[Connection, Script]) -> None:
    statements = (
        "CREATE VIEW first AS SELECT v7_impact_score AS s FROM file_audit; CREATE VIEW second AS SELECT s FROM first"
    )
    assert listed(*made, statements) == {
        ("view public.first", SCORE, "view", STOPS),
        ("view public.second", "view public.first", "view", STOPS),
    }


def test_without_knowing_what_we_made_only_what_stops_a_drop_is_listed(made: tuple[Connection, Script]) -> None:
    connection, script = made
    with connection.transaction(force_rollback=True):
        connection.execute("CREATE INDEX by_score ON file_audit (v7_impact_score)")
        connection.execute("CREATE VIEW report AS SELECT v7_impact_score FROM file_audit")
        found = dependents.dependents(connection, dependents.dropped_by(script))
    assert [entry["object"] for entry in found] == ["view public.report"]


def test_what_does_not_touch_our_objects_is_not_listed(made: tuple[Connection, Script]) -> None:
    statements = (
        "CREATE VIEW plain AS SELECT id, file_path FROM file_audit; CREATE INDEX plain_i ON file_audit (notes); "
        "CREATE TABLE plain_t (file int REFERENCES file_audit); ALTER TABLE file_audit ADD COLUMN extra text; "
        "CREATE POLICY plain_p ON file_audit USING (id > 0); CREATE PUBLICATION all_of_it FOR ALL TABLES"
    )
    assert listed(*made, statements) == set()


def test_a_second_column_of_an_object_is_listed_too(made: tuple[Connection, Script]) -> None:
    statement = "CREATE VIEW two AS SELECT v7_impact_score, v7_target_name FROM file_audit"
    assert {entry[1] for entry in listed(*made, statement)} == {SCORE, "column public.file_audit.v7_target_name"}


def test_names_with_dots_and_quotes_are_found(made: tuple[Connection, Script]) -> None:
    connection, _ = made
    script = parse(b'CREATE TABLE "a.b" ("c""d" int);\n-- Section 9: Rollback\n/*\nDROP TABLE IF EXISTS "a.b";\n*/\n')
    statements = 'CREATE TABLE "a.b" ("c""d" int); CREATE VIEW "odd view" AS SELECT * FROM "a.b"'
    assert {entry[:2] for entry in listed(connection, script, statements)} == {
        ('view public."odd view"', "table public.a.b")
    }
