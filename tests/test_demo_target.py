"""The demo target is as crooked as a real legacy database, and its source tree as its audit says."""

from __future__ import annotations

import ast
import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from v7migration.demo.target import SOURCE, build_target, is_demo, reset_target
from v7migration.errors import Refused
from v7migration.postgres.embedded import scratch_server

VERSION = int(os.environ.get("V7_POSTGRES", "18"))
TARGET_NAME = re.compile(r"WF(\d+)_V7_L(\d+)_(\d+)of(\d+)_(\w+)\.py")
KNOWN_COLUMNS = [
    *("id", "file_number", "file_path", "file_name", "layer_number", "layer_name", "status", "workflows"),
    *("has_technical_debt", "technical_debt", "jira_tickets", "audit_status", "audit_date", "audited_by"),
    *("notes", "created_at", "updated_at"),
]
UNUSED = {"legacy_export_format", "import_mode", "beta_feature_state", "widget_layout", "ab_test_arm"}

ENUMS = """
    SELECT n.nspname || '.' || t.typname, array_agg(e.enumlabel::text ORDER BY e.enumsortorder)
      FROM pg_type t
      JOIN pg_enum e ON e.enumtypid = t.oid
      JOIN pg_namespace n ON n.oid = t.typnamespace
     GROUP BY 1
"""
ENUMS_WITHOUT_USE = """
    SELECT n.nspname || '.' || t.typname
      FROM pg_type t
      JOIN pg_namespace n ON n.oid = t.typnamespace
     WHERE t.typtype = 'e'
       AND NOT EXISTS (
           SELECT FROM pg_depend d
            WHERE d.refclassid = 'pg_type'::regclass AND d.refobjid IN (t.oid, t.typarray)
              AND NOT (d.classid = 'pg_type'::regclass AND d.objid = t.typarray))
"""
TABLES = """
    SELECT format('%I.%I', schemaname, tablename), tableowner::text
      FROM pg_tables
     WHERE schemaname IN ('public', 'archive')
"""
COLUMNS = """
    SELECT count(*)
      FROM pg_attribute a
      JOIN pg_class c ON c.oid = a.attrelid
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_type e ON e.oid IN (t.typelem, t.typbasetype)
     WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped
       AND """
DEPENDENTS = """
    SELECT count(DISTINCT d.objid)
      FROM pg_depend d
      JOIN pg_type t ON t.oid = d.refobjid
     WHERE d.refclassid = 'pg_type'::regclass AND t.typtype = 'e' AND d.classid = """
RESERVED_NAMES = """
    SELECT relname FROM pg_class WHERE relname ~* '^v7'
    UNION ALL SELECT attname FROM pg_attribute WHERE attname ~* '^v7'
    UNION ALL SELECT typname FROM pg_type WHERE typname ~* '^_?v7'
"""

Rows = Callable[[str], list[tuple[Any, ...]]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with scratch_server(tmp_path_factory.mktemp("demo-target"), VERSION) as url:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("CREATE ROLE v7_owner")
            conn.execute("CREATE ROLE v7_web")
            conn.execute("CREATE ROLE v7_runner IN ROLE v7_owner")
            conn.execute("CREATE ROLE outsider")
            conn.execute("CREATE DATABASE built OWNER v7_owner")
            conn.execute("CREATE DATABASE rebuilt OWNER v7_owner")
            conn.execute("CREATE DATABASE foreign_target OWNER v7_owner")
        yield url


def connected(server: str, database: str, role: str = "v7_runner") -> psycopg.Connection:
    """A connection whose rights are those of ``role``, no superuser."""
    conn = psycopg.connect(make_conninfo(server, dbname=database), autocommit=True)
    conn.execute(f"SET SESSION AUTHORIZATION {role}")
    return conn


@pytest.fixture(scope="module")
def built(server: str) -> None:
    with connected(server, "built") as conn:
        build_target(conn)


@pytest.fixture
def rows(server: str, built: None) -> Iterator[Rows]:
    with connected(server, "built") as conn:
        yield lambda query: conn.execute(query).fetchall()


@pytest.fixture
def enums(rows: Rows) -> dict[str, tuple[str, ...]]:
    """Type name → its values in order."""
    return {name: tuple(labels) for name, labels in rows(ENUMS)}


@pytest.fixture
def unused(rows: Rows) -> set[str]:
    """Enums that nothing depends on but their own array type."""
    return {str(name) for (name,) in rows(ENUMS_WITHOUT_USE)}


@pytest.fixture(scope="module")
def tree() -> set[str]:
    return {path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py")}


@pytest.fixture
def audited(rows: Rows) -> set[str]:
    return {str(path) for (path,) in rows("SELECT file_path FROM public.file_audit")}


def meaning(labels: tuple[str, ...]) -> frozenset[str]:
    """The values without order, case and punctuation."""
    return frozenset(re.sub(r"[-_ ]", "", label).lower() for label in labels)


def plain(name: str) -> str:
    """A type's name without schema, case, underscores and an ``_enum`` suffix."""
    return name.split(".")[1].lower().removesuffix("_enum").replace("_", "")


def by(key: Callable[[str], object], names: Iterable[str]) -> list[set[str]]:
    groups: dict[object, set[str]] = defaultdict(set)
    for name in names:
        groups[key(name)].add(name)
    return [group for group in groups.values() if len(group) > 1]


def count(rows: Rows, query: str) -> int:
    value = rows(query)[0][0]
    assert isinstance(value, int)
    return value


# --- ENUM types -----------------------------------------------------------------------------------


def test_at_least_seventy_enums_exist_and_forty_five_are_redundant(
    enums: dict[str, tuple[str, ...]], unused: set[str]
) -> None:
    copies = sum(len(group) - 1 for group in by(lambda name: meaning(enums[name]), enums))
    meanings = [meaning(labels) for labels in enums.values()]
    alone_and_unused = [name for name in unused if meanings.count(meaning(enums[name])) == 1]
    assert len(enums) >= 74
    assert copies >= 45
    assert copies + len(alone_and_unused) >= 48


def test_every_kind_of_redundancy_occurs(enums: dict[str, tuple[str, ...]]) -> None:
    equal = {frozenset(group) for group in by(lambda name: enums[name], enums)}
    unordered = {frozenset(group) for group in by(lambda name: frozenset(enums[name]), enums)}
    alike = {frozenset(group) for group in by(lambda name: meaning(enums[name]), enums)}
    assert len(equal) >= 10
    assert len(unordered - equal) >= 5
    assert len(alike - unordered) >= 5


def test_equal_names_with_other_values_are_conflicts(enums: dict[str, tuple[str, ...]]) -> None:
    same_name = by(plain, enums)
    conflicts = [group for group in same_name if len({meaning(enums[name]) for name in group}) > 1]
    assert len(conflicts) >= 6
    assert len(same_name) - len(conflicts) >= 6
    of_tasks = {"task_status", "taskstatus", "task_status_enum", "TaskStatus"}
    assert {f"public.{name}" for name in of_tasks} in conflicts


def test_unused_enums_exist_and_the_documented_ones_are_unused(unused: set[str]) -> None:
    assert unused == {f"public.{name}" for name in UNUSED}


# --- what hangs on them ---------------------------------------------------------------------------


def test_at_least_twenty_tables_hold_rows(rows: Rows) -> None:
    tables = rows(TABLES)
    assert len(tables) >= 24
    assert [name for name, _ in tables if count(rows, f"SELECT count(*) FROM {name}") == 0] == []


def test_the_planner_knows_the_rows_of_every_table_from_the_start(rows: Rows) -> None:
    tables = rows(
        "SELECT oid::regclass::text, reltuples FROM pg_class"
        " WHERE relkind = 'r' AND pg_get_userbyid(relowner) = 'v7_owner'"
    )
    assert len(tables) >= 20
    for table, known in tables:
        assert known == count(rows, f"SELECT count(*) FROM {table}"), table


def test_columns_have_enum_defaults_and_enum_arrays(rows: Rows) -> None:
    assert count(rows, COLUMNS + "t.typtype = 'e' AND a.atthasdef") >= 30
    assert count(rows, COLUMNS + "t.typcategory = 'A' AND e.typtype = 'e'") >= 4
    assert count(rows, COLUMNS + "t.typtype = 'd' AND e.typtype = 'e'") == 1


def test_views_functions_and_checks_depend_on_enums(rows: Rows) -> None:
    assert count(rows, DEPENDENTS + "'pg_proc'::regclass") >= 1
    assert count(rows, DEPENDENTS + "'pg_rewrite'::regclass") >= 1
    assert count(rows, "SELECT public.open_tasks()") > 0
    checks = rows("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'c'")
    assert any("::job_status" in str(check) for (check,) in checks)
    assert count(rows, "SELECT count(*) FROM public.domains_to_review") > 0


def test_the_legacy_oddities_are_there(rows: Rows) -> None:
    assert count(rows, "SELECT count(*) FROM pg_partition_tree('public.scrape_events') WHERE isleaf") == 2
    assert count(rows, 'SELECT count(*) FROM public."BusinessCategory"') > 0
    assert count(rows, "SELECT count(*) FROM pg_attribute WHERE attidentity <> ''") >= 3
    assert count(rows, "SELECT count(*) FROM pg_type WHERE typtype = 'e' AND typname <> lower(typname)") >= 2


def test_no_name_is_one_that_the_migration_reserves(rows: Rows) -> None:
    assert rows(RESERVED_NAMES) == []
    assert rows("SELECT relkind::text FROM pg_class WHERE relname = 'file_audit'") == [("r",)]


def test_everything_belongs_to_the_owner(rows: Rows) -> None:
    assert {owner for _, owner in rows(TABLES)} == {"v7_owner"}


def test_the_web_role_reads_all_but_private_notes_and_creates_nothing(server: str, built: None) -> None:
    with connected(server, "built", "v7_web") as web, connected(server, "built") as runner:
        notes = "SELECT is_private, count(*) FROM public.tenant_notes GROUP BY 1 ORDER BY 1"
        assert runner.execute(notes).fetchall() == [(False, 40), (True, 20)]
        assert web.execute(notes).fetchall() == [(False, 40)]
        assert web.execute("SELECT count(*) FROM public.audited_files").fetchone() is not None
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("CREATE TABLE public.mine (id int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            web.execute("UPDATE public.file_audit SET notes = notes")


# --- the audit and its tree -----------------------------------------------------------------------


def test_file_audit_has_23_columns_with_the_known_ones_first(rows: Rows) -> None:
    columns = [
        name
        for (name,) in rows(
            "SELECT column_name::text FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name = 'file_audit' ORDER BY ordinal_position"
        )
    ]
    assert len(columns) == 23
    assert columns[:17] == KNOWN_COLUMNS


def test_comments_reference_the_audit_and_a_view_reads_it(rows: Rows) -> None:
    refs = rows(
        "SELECT conrelid::regclass::text FROM pg_constraint"
        " WHERE confrelid = 'public.file_audit'::regclass AND contype = 'f'"
    )
    assert ("file_audit_comments",) in refs
    assert count(rows, "SELECT count(*) FROM public.file_audit_comments") >= 50
    assert count(rows, "SELECT count(*) FROM public.audited_files WHERE comments > 0") >= 50


def test_the_audit_has_every_layer_every_workflow_and_every_status(rows: Rows) -> None:
    assert count(rows, "SELECT count(*) FROM public.file_audit") >= 160
    assert rows("SELECT DISTINCT layer_number FROM public.file_audit ORDER BY 1") == [(n,) for n in range(8)]
    workflows = {str(code) for (code,) in rows("SELECT DISTINCT unnest(workflows) FROM public.file_audit")}
    assert workflows == {f"WF{n}" for n in range(1, 10)} | {"SYSTEM"}
    statuses = {status for (status,) in rows("SELECT DISTINCT status FROM public.file_audit")}
    assert statuses == {"NOVEL", "SHARED", "SYSTEM"}


def test_the_tree_has_orphans_and_phantoms(tree: set[str], audited: set[str]) -> None:
    assert len(tree) >= 100
    assert len(tree - audited) >= 5
    assert len(audited - tree) >= 5
    assert len(tree & audited) >= 100


def test_file_names_comply_or_nearly_do(tree: set[str]) -> None:
    names = {Path(path).name for path in tree}
    parsed = [match for name in names if (match := TARGET_NAME.fullmatch(name))]
    right = [m for m in parsed if int(m[1]) <= 9 and int(m[2]) <= 7 and 1 <= int(m[3]) <= int(m[4])]
    assert len(right) >= 15
    near_misses = {
        "WF3_V2_L1_1of2_LocalBusinessModel.py",
        "wf5_v7_l1_2of2_sitemap_file_model.py",
        "WF4-V7-L2-1of2-DomainSchemas.py",
        "WF7_V7_L4_3of2_PageService.py",
        "WF12_V7_L3_1of1_TaskRouter.py",
    }
    assert near_misses <= names
    assert not near_misses & {m.group() for m in right}


def test_a_set_of_files_is_incomplete_and_another_disagrees_about_its_size(tree: set[str]) -> None:
    sets: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
    for path in tree:
        if match := TARGET_NAME.fullmatch(Path(path).name):
            sets[match[1], match[2]].append((int(match[3]), int(match[4])))
    assert sorted(sets["4", "1"]) == [(1, 2), (2, 2)]
    assert sets["5", "1"] == [(1, 2)]
    assert len({n for _, n in sets["7", "3"]}) == 2


def test_one_file_of_the_tree_is_not_python_and_all_are_small(tree: set[str]) -> None:
    broken = set()
    for path in tree:
        text = (SOURCE / path).read_text(encoding="utf-8")
        assert text.count("\n") <= 25
        try:
            ast.parse(text)
        except SyntaxError:
            broken.add(path)
    assert broken == {"src/services/broken_merge.py"}


def test_some_source_enums_drift_from_the_database(tree: set[str], enums: dict[str, tuple[str, ...]]) -> None:
    same, drifting = 0, 0
    for path in tree:
        text = (SOURCE / path).read_text(encoding="utf-8")
        values = tuple(re.findall(r'^    [A-Z_]+ = "(.*)"$', text, re.MULTILINE))
        if values and (used := re.search(r'Enum\(\w+, name="(\w+)"', text)):
            same += values == enums[f"public.{used[1]}"]
            drifting += values != enums[f"public.{used[1]}"]
    assert same >= 8
    assert drifting >= 4


# --- building and taking down ---------------------------------------------------------------------


def test_a_second_build_is_refused(server: str, built: None) -> None:
    with connected(server, "built") as conn:
        with pytest.raises(Refused, match="file_audit already"):
            build_target(conn)
        assert conn.execute("SELECT current_user::text").fetchone() == ("v7_runner",)


def test_two_builds_are_equal_and_a_reset_lets_the_demo_begin_anew(server: str, rows: Rows) -> None:
    digest = "SELECT md5(string_agg(f::text, '|' ORDER BY id)) FROM public.file_audit AS f"
    with connected(server, "rebuilt") as conn:
        build_target(conn)
        assert is_demo(conn)
        assert conn.execute(digest).fetchall() == rows(digest)
        reset_target(conn)
        left = conn.execute(
            "SELECT count(*) FROM pg_class WHERE relnamespace IN (SELECT oid FROM pg_namespace"
            " WHERE nspname IN ('public', 'archive'))"
        ).fetchone()
        assert left == (0,)
        rights = conn.execute(
            "SELECT has_schema_privilege('v7_web', 'public', 'USAGE'),"
            " has_schema_privilege('v7_web', 'public', 'CREATE'),"
            " has_schema_privilege('outsider', 'public', 'CREATE')"
        ).fetchone()
        assert rights == (True, False, False)
        build_target(conn)
        assert conn.execute(digest).fetchall() == rows(digest)


def test_a_database_that_the_demo_did_not_build_is_not_emptied(server: str) -> None:
    with connected(server, "foreign_target", "v7_owner") as conn:
        reset_target(conn)
        conn.execute("CREATE TABLE public.orders (id int)")
        with pytest.raises(Refused, match=r"public\.orders"):
            reset_target(conn)
        assert conn.execute("SELECT count(*) FROM public.orders").fetchone() == (0,)
