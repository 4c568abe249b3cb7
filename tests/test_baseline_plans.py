"""Plans, indexes, cache, dead rows and the heaviest statements of the baseline (document 2.1.1, action 4)."""

from __future__ import annotations

from io import StringIO
from typing import Any

from django.core.management import call_command

from tests.world import World
from v7migration.postgres import measure, statements
from v7migration.postgres.measure import Named

INDEXES = {
    "one": "(a, b)", "same": "(a, b)", "turned": "(b, a)", "part": "(a, b) WHERE a > 0", "down": "(a DESC, b)"
}  # fmt: skip
COUNTED = (
    "CREATE SCHEMA counted",
    """CREATE TABLE counted.rows (queryid bigint, query text, calls bigint, mean_exec_time float, total_exec_time float,
        rows bigint, shared_blks_hit bigint, shared_blks_read bigint, dbid oid)""",
    "CREATE VIEW counted.pg_stat_statements AS SELECT * FROM counted.rows",
    """INSERT INTO counted.rows SELECT v.*, 7, 1, d.oid FROM pg_database AS d, (VALUES
        (1, 'SELECT * FROM public.file_audit WHERE id = $1', 10, 1.25, 12.5, 10),
        (2, 'CREATE ROLE x PASSWORD ''secret''', 1, 90, 90, 0),
        (3, 'SELECT 1 FROM public.file_audit WHERE notes = ''a secret''', 1, 80, 80, 0),
        (4, 'SELECT $1; DROP TABLE public.file_audit', 1, 5, 5, 0),
        (7, '-- What uses each enum type: columns (also of arrays, domains, ranges and composites over it)'
            ' and whatever depends on those.' || chr(10) || 'SELECT 1', 1, 999, 999, 0),
        (5, '/* app */ (SELECT nothing FROM nowhere)', 1, 4, 4, 0),
        (NULL, '<insufficient privilege>', 1, 3, 3, 0)) AS v WHERE d.datname = current_database()""",
    "INSERT INTO counted.rows VALUES (6, 'SELECT 6', 1, 999, 999, 0, 0, 0, 1)",
    "GRANT USAGE ON SCHEMA counted TO v7_web",
)
"""What the extension would show: the embedded server has no library of it."""


def planned(*nodes: str, rows: int = 1) -> dict[str, Any]:
    """Return a timed query whose plan is these nodes, each below the one before it."""
    tree = [{"depth": depth, "node": node, "rows": rows, "cost": 1.5 * rows} for depth, node in enumerate(nodes)]
    return {
        "name": "a query", "sql": "SELECT 1", "repetitions": 7, "plan": list(nodes), "tree": tree, "error": "",
        "milliseconds_min": 1.0, "milliseconds_median": 1.0,
    }  # fmt: skip


def test_what_the_web_role_may_not_read_says_so_and_the_rest_is_done(world: World) -> None:
    with world.owner() as owner:
        owner.execute("REVOKE ALL ON public.file_audit_comments FROM v7_web")
    with world.web() as connection:
        found = measure.measure(connection, measure.queries_on_files(connection))["queries"]
    errors = {query["name"]: query["error"] for query in found if query["error"]}
    refused = next(q for q in found if q["name"] == "join: file_audit_comments.file_id to file_audit.id")
    assert errors == {refused["name"]: "permission denied for table file_audit_comments"} and len(found) == 8
    assert measure.compare([refused], [refused])[0]["verdict"] == "not measured"
    assert measure.compare([], [refused])[0]["verdict"] == "not measured"


def test_a_plan_is_the_same_if_its_steps_are_whatever_the_estimates() -> None:
    before = planned("Aggregate", "Index Scan on a")
    flat = planned("Aggregate", "Index Scan on a")
    flat["tree"][1]["depth"] = 0
    old = {key: value for key, value in before.items() if key != "tree"}
    verdicts = [
        measure.compare([before], [after])[0]["plan"]
        for after in (planned("Aggregate", "Index Scan on a", rows=99), planned("Aggregate", "Seq Scan on a"), flat)
    ]
    assert verdicts == ["same", "changed", "changed"]
    assert measure.compare([old], [before])[0]["plan"] == "same"
    assert measure.compare([], [before])[0]["plan"] == "not known"


def test_a_dropped_index_changes_the_plan_and_the_comparison_says_so(world: World) -> None:
    with world.owner() as owner:
        owner.execute("CREATE TABLE public.many AS SELECT n AS id, 'x' AS t FROM generate_series(1, 20000) AS n")
        owner.execute("CREATE INDEX many_id ON public.many (id)")
        owner.execute("ANALYZE public.many")
        query = Named("one of many", "SELECT t FROM public.many WHERE id = 77")
        before = measure.timed(owner, query)
        owner.execute("DROP INDEX public.many_id")
        line = measure.compare([before], [measure.timed(owner, query)])[0]
    assert line["plan"] == "changed" and line["verdict"] in ("as before", "slower", "degraded")
    assert [n["node"] for n in line["tree_before"]] == ["Index Scan on many_id"]
    assert [n["node"] for n in line["tree_after"]] == ["Seq Scan on many"]


def test_unused_and_duplicate_indexes_and_dead_rows_are_found(world: World) -> None:
    with world.owner() as owner:
        owner.execute("CREATE TABLE public.spare (id int PRIMARY KEY, a int, b int)")
        for name, definition in INDEXES.items():
            owner.execute(f"CREATE INDEX spare_{name} ON public.spare {definition}".encode())
        owner.execute("INSERT INTO public.spare SELECT n, n, n FROM generate_series(1, 500) AS n")
        owner.execute("DELETE FROM public.spare WHERE id <= 200")
    with world.owner() as owner:  # what a session counted is told when it ends
        found = measure.health(owner)
    unused = {index["name"] for index in found["unused_indexes"]}
    assert {"public.spare_one", "public.spare_part"} <= unused and "public.spare_pkey" not in unused
    same = [entry["names"] for entry in found["duplicate_indexes"] if entry["table"] == "public.spare"]
    assert same == [["spare_one", "spare_same"]]
    dead = {entry["name"]: (entry["live"], entry["dead"]) for entry in found["dead_rows"]}
    assert dead["public.spare"] == (300, 200)
    assert 0 <= found["cache"]["hit_ratio"] <= 1


def test_the_heaviest_statements_come_with_counts_and_plans_and_without_secrets(world: World) -> None:
    with world.owner() as owner:
        for statement in (*COUNTED, "GRANT SELECT ON counted.pg_stat_statements TO v7_web"):
            owner.execute(statement.encode())
    with world.web() as connection:
        found = statements.heaviest(connection, timeout=5000, schema="counted")
        there = connection.execute("SELECT to_regclass('public.file_audit') IS NOT NULL").fetchone()
        version = connection.info.server_version
    assert there == (True,) and found["state"] == "read"
    assert [entry["queryid"] for entry in found["entries"]] == ["3", "1", "4", "5"]
    assert "secret" not in str(found) and "GRANT pg_read_all_stats TO v7_web" in found["note"]
    by_id = {entry["queryid"]: entry for entry in found["entries"]}
    one = by_id["1"]
    assert (one["calls"], one["milliseconds_mean"], one["milliseconds_total"], one["blocks_hit"]) == (10, 1.25, 12.5, 7)
    if version >= statements.GENERIC_PLANS_SINCE:
        assert by_id["1"]["tree"][0]["node"] == "Index Scan on file_audit_pkey"
        assert "multiple commands" in by_id["4"]["plan_note"] and "does not exist" in by_id["5"]["plan_note"]


def test_statements_that_cannot_be_read_are_a_sentence(world: World) -> None:
    with world.owner() as owner:
        for statement in COUNTED:
            owner.execute(statement.encode())
    with world.web() as connection:
        found = statements.heaviest(connection, timeout=5000, schema="counted")
        absent = statements.heaviest(connection, timeout=5000)
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert (found["state"], found["entries"]) == ("unreadable", [])
    assert "permission denied" in found["note"]
    assert absent["state"] == "absent" and "CREATE EXTENSION" in absent["note"]


def test_the_page_of_a_run_shows_plans_cache_and_statements(executed: World) -> None:
    call_command("v7_verify", stdout=StringIO(), stderr=StringIO())
    run = executed.changeset().runs.get()
    found = run.report["performance"]
    assert {line["plan"] for line in found["queries"]} <= {"same", "changed", "not known"}
    assert found["changed_plans"] == [line["name"] for line in found["queries"] if line["plan"] == "changed"]
    page = executed.client("dana").get(f"/runs/{run.pk}/").content.decode()
    assert 'class="v7-plan"' in page and "of the blocks read were in memory" in page and "CREATE EXTENSION" in page
