"""How fast the target answers, before the run and after it (documents 2.1.1, 5.3)."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connections

from tests.world import World
from v7migration.errors import AppendOnlyRefused
from v7migration.ledger.models import Baseline
from v7migration.pipeline import inventory
from v7migration.pipeline.inventory import performance_baseline
from v7migration.postgres import measure
from v7migration.postgres.measure import Named


def entry(milliseconds: float | None, name: str = "a query", error: str = "") -> dict[str, Any]:
    """Return a timed query as a measurement gives it."""
    return {
        "name": name, "sql": "SELECT 1", "repetitions": 7, "plan": ["Result"], "error": error,
        "milliseconds_min": milliseconds, "milliseconds_median": milliseconds,
    }  # fmt: skip


def test_a_measurement_times_count_filters_and_joins_of_file_audit_as_the_web_role(world: World) -> None:
    with world.web() as connection:
        found = measure.measure(connection, measure.queries_on_files(connection))
    assert found["role"] == "v7_web"
    assert [query["name"] for query in found["queries"]] == [
        "file_audit: count",
        "file_audit: by file_number",
        "file_audit: by file_path",
        "file_audit: by id",
        "file_audit: by layer_number",
        "file_audit: by workflows",
        "join: file_audit.superseded_by to file_audit.id",
        "join: file_audit_comments.file_id to file_audit.id",
    ]
    for query in found["queries"]:
        assert 0 < query["milliseconds_min"] <= query["milliseconds_median"] and query["error"] == ""
        assert query["repetitions"] == measure.REPETITIONS
    by_path = next(q for q in found["queries"] if q["name"] == "file_audit: by file_path")
    assert by_path["plan"][0] == "Aggregate"
    assert "Index Only Scan on file_audit_file_path_key" in by_path["plan"]
    assert found["sizes"][0]["name"] == "public.file_audit" and found["sizes"][0]["table_bytes"] > 8192
    assert "public.ix_file_audit_layer" in {index["name"] for index in found["indexes"]}


def test_the_applications_views_are_timed_and_one_that_is_slow_or_fails_is_told(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "VIEW_TIMEOUT", 60)
    with world.owner() as owner:
        owner.execute("CREATE VIEW public.fine AS SELECT id FROM public.file_audit")
        owner.execute("CREATE VIEW public.slow AS SELECT 1 AS x FROM pg_sleep(5)")
        owner.execute("CREATE VIEW public.broken AS SELECT 1 / (id - id) AS x FROM public.file_audit")
        owner.execute("CREATE VIEW public.hidden AS SELECT 1")
        owner.execute("CREATE TABLE public.v7_new AS SELECT 1 AS x")
        owner.execute("GRANT SELECT ON public.fine, public.slow, public.broken TO v7_web")
        owner.execute("REVOKE ALL ON public.hidden FROM v7_web")
    with world.web() as connection:
        measured = measure.measure(connection, measure.queries_on_views(connection))
    found = {entry["name"]: (entry["milliseconds_min"], entry["error"]) for entry in measured["queries"]}
    assert {size["name"]: size["rows"] for size in measured["sizes"]}["public.v7_new"] is None, "nobody analyzed it"
    assert measured["totals"]["tables"] >= len(measured["sizes"]) > 0
    assert "view of the application: public.hidden" not in found
    assert found["view of the application: public.fine"][1] == ""
    assert found["view of the application: public.slow"] == (60.0, "took longer than 0.06 s")
    assert found["view of the application: public.broken"] == (None, "division by zero")


def test_without_file_audit_there_is_nothing_to_ask_it(world: World) -> None:
    with world.owner() as owner:
        owner.execute("ALTER TABLE public.file_audit RENAME TO elsewhere")
    with world.web() as connection:
        assert measure.queries_on_files(connection) == []


def test_a_web_role_on_another_database_lacks_the_baseline_alone(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(performance_baseline, "web_session", lambda: connections["default"].connection)
    connections["default"].ensure_connection()
    _, found = inventory.take(actor=None)
    assert found["baseline"]["id"] is None
    assert "TARGET_RUNNER_URL names v7_target" in found["baseline"]["faults"][0]


def test_no_value_of_the_application_is_kept_in_a_measurement(world: World) -> None:
    with world.owner() as owner:
        row = owner.execute("SELECT file_path FROM public.file_audit LIMIT 1").fetchone()
    assert row is not None
    with world.web() as connection:
        found = measure.measure(connection, measure.queries_on_files(connection))
    assert str(row[0]) not in str(found)


def test_a_measured_query_cannot_write_and_its_error_is_part_of_the_measurement(world: World) -> None:
    with world.owner() as connection:
        found = measure.timed(connection, Named("a write", "DELETE FROM public.file_audit RETURNING 1"))
        there = connection.execute("SELECT count(*) > 100 FROM public.file_audit").fetchone()
    assert found["milliseconds_min"] is None
    assert found["error"] == "cannot execute DELETE in a read-only transaction"
    assert there == (True,)


def test_a_query_that_takes_too_long_is_given_up_and_counts_as_long(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "STATEMENT_TIMEOUT", 60)
    with world.web() as connection:
        found = measure.timed(connection, Named("a nap", "SELECT pg_sleep(5)"))
        usual = connection.execute("SHOW statement_timeout").fetchone()
    assert (found["milliseconds_min"], found["error"]) == (60.0, "took longer than 0.06 s")
    assert usual == ("0",)
    assert measure.compare([entry(2)], [found | {"name": "a query"}])[0]["verdict"] == "degraded"


def test_a_table_that_somebody_keeps_locked_holds_no_measurement_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "LOCK_TIMEOUT", 50)
    with world.owner() as owner, owner.transaction(), world.web() as connection:
        owner.execute("LOCK TABLE public.file_audit_comments IN ACCESS EXCLUSIVE MODE")
        found = measure.measure(connection, [])
    assert found["sizes"] == [] and "sizes: canceling statement due to lock timeout" in found["faults"]


@pytest.mark.parametrize(
    ("before", "after", "verdict"),
    [
        (1.0, 1.2, "as before"),
        (0.1, 0.9, "as before"),  # nine times as long, and nobody notices
        (100.0, 140.0, "as before"),  # much longer, and less than half as long again
        (4.0, 8.0, "slower"),
        (10.0, 19.0, "slower"),
        (2.0, 7.5, "degraded"),
        (100.0, 250.0, "degraded"),
        (None, 3.0, "new"),
        (None, None, "not measured"),
        (3.0, None, "fails"),
    ],
)
def test_a_verdict_needs_both_a_ratio_and_milliseconds(before: float | None, after: float | None, verdict: str) -> None:
    assert measure.compare([entry(before)], [entry(after)])[0]["verdict"] == verdict


def test_the_faster_of_two_measurements_counts(world: World) -> None:
    first = [entry(50.0), entry(None, "other", "deadlock detected"), entry(60.0, "third")]
    second = [entry(3.0), entry(4.0, "other"), entry(70.0, "third")]
    assert [e["milliseconds_min"] for e in measure.faster_of(first, second)] == [3.0, 4.0, 60.0]
    assert [line["verdict"] for line in measure.compare([entry(2.0)], first)] == ["degraded", "not measured", "new"]
    assert [line["verdict"] for line in measure.compare([entry(2.0)], second)] == ["as before", "new", "new"]


def told(*words: str) -> tuple[str, int]:
    """Run a command and return what it printed, and its exit code."""
    out = StringIO()
    try:
        call_command(*words, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        return out.getvalue(), int(str(ended.code))
    return out.getvalue(), 0


def test_the_inventory_prints_and_keeps_the_baseline(world: World) -> None:
    text, code = told("v7_inventory", "--only", "baseline")
    assert code == 0 and "file_audit: by file_path" in text and "median" in text
    document = json.loads(told("v7_inventory", "--only", "baseline", "--json")[0])
    assert [query["name"] for query in document["baseline"]["queries"]][:2] == ["document 4.1", "file_audit: count"]
    assert {"sizes", "indexes", "id"} <= document["baseline"].keys() and "enums" not in document
    kept = Baseline.objects.get(pk=document["baseline"]["id"])
    assert (kept.run, kept.target_name) == (None, document["target"]) and Baseline.objects.count() == 2
    with pytest.raises(AppendOnlyRefused):
        kept.save()


def test_v7_verify_prints_each_query_against_its_baseline(executed: World) -> None:
    text, code = told("v7_verify")
    assert code == 0 and "Against the baseline of" in text and "Verified: every check holds." in text
    line = next(line for line in text.splitlines() if "file_audit: by file_path" in line)
    assert "→" in line and ("as before" in line or "slower" in line)
    found = json.loads(told("v7_verify", "--json")[0])
    assert (found["ok"], found["failures"], found["to_fix"], found["incidents"]) == (True, [], [], [])
    assert found["performance"]["baseline"]["id"] != found["performance"]["measured"]["id"]
    assert {"name", "verdict", "ratio", "before", "after", "plan"} <= found["performance"]["queries"][0].keys()
