"""Reading the migration script: what is understood, what is refused, in which order it runs."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from v7migration.postgres import script as scripts
from v7migration.postgres.script import ScriptInvalid

MARKED = b"-- Population: begin\nINSERT INTO a VALUES (1);\n-- Population: end\n"
TABLE = b"CREATE TABLE a (id int);\n"


def faults(content: bytes) -> list[tuple[str, int]]:
    with pytest.raises(ScriptInvalid) as caught:
        scripts.parse(content)
    return [(problem.id, problem.line) for problem in caught.value.problems]


def refused(sql: str) -> set[str]:
    return {problem.id for problem in scripts.problems_of(sql.encode()) if problem.severity == "refuse"} - {"V7S051"}


def found(content: bytes) -> list[str]:
    return [f"{problem.id} {problem.severity} {problem.message}" for problem in scripts.problems_of(content)]


def section(number: int, body: str, *keys: str) -> str:
    rule = "-- " + "=" * 20
    return "\n".join([rule, f"-- Section {number}: part {number}", *(f"-- {key}" for key in keys), rule, body, ""])


DOCUMENT = "".join(
    [
        section(1, "CREATE TABLE v7_migration_workflow (phase_number int UNIQUE);", "Task: 2.2.1"),
        section(2, "ALTER TABLE file_audit ADD COLUMN v7_workflow_status text;", "Task: 2.2.2"),
        section(7, "CREATE INDEX CONCURRENTLY i ON file_audit (v7_workflow_status);", "Task: 2.2.1"),
        section(8, "CREATE VIEW v AS SELECT v7_workflow_status FROM file_audit;", "Task: 2.2.1"),
        "-- Population: begin\nINSERT INTO v7_migration_workflow VALUES (1);\n-- Population: end\n",
    ]
)
GOOD_WAY_BACK = """/*
DROP VIEW IF EXISTS v;
DROP TABLE IF EXISTS v7_migration_workflow;
ALTER TABLE file_audit DROP COLUMN IF EXISTS v7_workflow_status;
*/"""


def test_the_digest_is_of_exactly_the_bytes() -> None:
    content = section(1, "CREATE TABLE é (id int);").encode()
    script = scripts.parse(content)
    assert script.content == content
    assert script.sha256 == hashlib.sha256(content).hexdigest()


def test_the_header_lines_are_read() -> None:
    keys = (
        "Purpose: one thing",
        "  and another",
        "Creates: public.a",
        "Needs: 0",
        "TASK: 2.2.1",
        "On failure: continue",
    )
    zero = section(0, "CREATE SCHEMA migration_gate;")
    one = scripts.parse((zero + section(1, "CREATE TABLE a (id int);", *keys)).encode()).sections[1]
    assert (one.purpose, one.creates, one.needs) == ("one thing and another", ("public.a",), (0,))
    assert (one.task, one.on_failure, one.title) == ("2.2.1", "continue", "part 1")


@pytest.mark.parametrize(
    "header",
    ["-- SECTION 3: Enums", "-- Section 3 - Enums", "--- section 3. Enums ---", "-- ==== SECTION 3: Enums ====",
     "/* Section 3: Enums */", "/* ======\n * SECTION 3 Enums\n * ====== */", "-- ====\n-- SECTION 3 Enums\n-- ===="],
)  # fmt: skip
def test_a_header_is_known_in_any_style(header: str) -> None:
    [only] = scripts.parse(header.encode() + b"\n" + TABLE).sections
    assert (only.number, only.title) == (3, "Enums")


def test_prose_about_a_section_is_no_header() -> None:
    [only] = scripts.parse(b"-- Section 3: x\n-- Section 7 reads this table\n" + TABLE).sections
    assert only.number == 3


def test_a_script_without_headers_is_one_section() -> None:
    script = scripts.parse(b"CREATE TABLE a (id int); CREATE INDEX CONCURRENTLY i ON b (c);\nSELECT 1;")
    assert [one.number for one in script.sections] == [1]
    assert [(step.key, step.transactional) for step in script.sections[0].steps] == [
        ("1.1", True), ("1.2", False), ("1.3", True),
    ]  # fmt: skip


def test_statements_before_the_first_header_belong_to_it() -> None:
    script = scripts.parse(TABLE + b"-- Section 1: x\nCREATE TABLE b (id int);")
    assert len(script.sections[0].statements) == 2


def test_steps_are_transactions_of_their_own() -> None:
    body = "-- Step 1.1: first\nCREATE TABLE a (id int);\nCREATE TABLE b (id int);\n-- Step 1.2: second\nSELECT 1;"
    [first, second] = scripts.parse(section(1, body).encode()).sections[0].steps
    assert (first.key, first.title, len(first.statements)) == ("1.1", "first", 2)
    assert (second.key, second.statements[0].line) == ("1.2", 8)


@pytest.mark.parametrize(
    "sql",
    ["CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $x$ BEGIN RETURN 1; END; $x$",
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1; SELECT 2; END",
     "INSERT INTO a VALUES ('x;--y', $$;/*$$)", "SELECT /* ; /* nested; */ ; */ 1 -- ;\n + 1"],
)  # fmt: skip
def test_a_semicolon_inside_a_statement_does_not_end_it(sql: str) -> None:
    script = scripts.parse(f"-- a comment; here\n{sql}  ; SELECT 2;".encode())
    assert [item.text for item in script.sections[0].statements] == [sql, "SELECT 2"]
    assert script.sections[0].statements[0].line == 2


def test_every_syntax_error_is_located() -> None:
    content = b"-- Section 1: x\nCREATE TABEL a;\n-- Section 2: \xc3\xa9\n"
    content += b"SELECT '\xc3\xa9'\n FROM;\nSELECT 1;\nDORP x;\nSELECT 'a"
    assert faults(content) == [("V7S010", 2), ("V7S010", 5), ("V7S010", 7), ("V7S010", 8)]
    told = [problem.section for problem in scripts.problems_of(content) if problem.id == "V7S010"]
    assert told == [1, 2, 2, 2]


@pytest.mark.parametrize(
    ("content", "expected"),
    [(b"SELECT 1;\n\0DROP TABLE a;", ("V7S001", 2)), (b"\xef\xbb\xbfSELECT 1;", ("V7S002", 1)),
     (b"SELECT 1;\n\n'\xff'", ("V7S003", 3)), (b"\\i x.sql\nSELECT 1;", ("V7S011", 1)),
     (b"SELECT 1;\n\\echo it's\nSELECT 2;", ("V7S011", 2)), (b"SELECT 1 \\gexec\n", ("V7S011", 1)),
     (b"SELECT 1,\n :'x';", ("V7S012", 2)), (b"-- nothing\n", ("V7S025", 1)), (b"", ("V7S025", 1))],
)  # fmt: skip
def test_what_is_not_plain_sql_is_refused_before_parsing(content: bytes, expected: tuple[str, int]) -> None:
    assert faults(content) == [expected]


def test_crlf_is_advice_and_changes_the_digest() -> None:
    script = scripts.parse(TABLE.replace(b"\n", b"\r\n"))
    assert script.sha256 != scripts.parse(TABLE).sha256
    assert "V7S004" in {problem.id for problem in scripts.problems(script)}


@pytest.mark.parametrize(
    ("sql", "identifier"),
    [("BEGIN", "V7S101"), ("COMMIT", "V7S101"), ("SAVEPOINT a", "V7S101"), ("SET TRANSACTION READ ONLY", "V7S101"),
     ("DO $$ BEGIN END $$", "V7S102"), ("COPY a FROM PROGRAM 'x'", "V7S103"), ("COPY a TO '/tmp/x'", "V7S103"),
     ("SET lock_timeout = 0", "V7S104"), ("SET LOCAL search_path = a", "V7S104"), ("RESET ALL", "V7S104"),
     ("SET ROLE postgres", "V7S105"), ("RESET ROLE", "V7S105"), ("SET SESSION AUTHORIZATION x", "V7S105"),
     ("TRUNCATE a", "V7S106"), ("LOCK a", "V7S107"), ("CALL f()", "V7S108"), ("EXECUTE a", "V7S109"),
     ("PREPARE a AS SELECT 1", "V7S109"), ("LISTEN a", "V7S110"), ("NOTIFY a", "V7S110"), ("LOAD 'x'", "V7S111"),
     ("ALTER SYSTEM SET a = 1", "V7S112"), ("CREATE DATABASE a", "V7S112"), ("DROP DATABASE a", "V7S112"),
     ("CREATE TABLESPACE a LOCATION '/x'", "V7S112"), ("CREATE ROLE a", "V7S113"), ("DROP ROLE a", "V7S113"),
     ("GRANT a TO b", "V7S113"), ("VACUUM FULL a", "V7S114"), ("SELECT set_config('role', 'x', true)", "V7S116"),
     ("DROP TABLE a CASCADE", "V7S117"), ("ALTER TABLE a DROP COLUMN b CASCADE", "V7S117"),
     ("SELECT 1 AS x INTO t", "V7S118"), ("CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'x'", "V7S119"),
     ("EXPLAIN ANALYZE DELETE FROM a", "V7S100"), ("CREATE RULE r AS ON INSERT TO a DO NOTHING", "V7S100"),
     ("CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f()", "V7S100"),
     ("CREATE TABLE x AS EXECUTE p", "V7S109"), ("DROP EVENT TRIGGER e", "V7S100"), ("CHECKPOINT", "V7S100"),
     ("CREATE FUNCTION f() RETURNS int LANGUAGE sql SET role = x AS 'SELECT 1'", "V7S105")],
)  # fmt: skip
def test_a_kind_outside_the_allow_list_is_refused(sql: str, identifier: str) -> None:
    assert identifier in refused(sql + ";")


@pytest.mark.parametrize(
    "sql",
    ["CREATE SCHEMA s", "CREATE UNIQUE INDEX CONCURRENTLY i ON a (b) WHERE c", "CREATE VIEW v AS SELECT 1",
     "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$",
     "CREATE TRIGGER t BEFORE UPDATE ON a FOR EACH ROW EXECUTE FUNCTION f()", "CREATE TYPE e AS ENUM ('a')",
     "CREATE SEQUENCE s", "CREATE EXTENSION pgcrypto", "CREATE POLICY p ON a", "CREATE STATISTICS s ON a, b FROM c",
     "ALTER TABLE a ADD CONSTRAINT c CHECK (b > 1) NOT VALID", "ALTER TABLE a VALIDATE CONSTRAINT c",
     "ALTER TYPE e ADD VALUE 'x'", "COMMENT ON TABLE a IS 'x'", "GRANT SELECT ON a TO b", "REVOKE ALL ON a FROM b",
     "INSERT INTO a VALUES (1) ON CONFLICT DO NOTHING", "UPDATE a SET b = 1", "DELETE FROM a", "SELECT 1",
     "DROP TABLE a", "CREATE MATERIALIZED VIEW m AS SELECT 1", "CREATE TABLE IF NOT EXISTS a (id int)",
     "CREATE OR REPLACE VIEW v AS SELECT 1", "ALTER TABLE a ENABLE ALWAYS TRIGGER t", "CREATE DOMAIN d AS text"],
)  # fmt: skip
def test_what_a_migration_needs_is_not_refused(sql: str) -> None:
    assert refused(sql + ";") == set()


@pytest.mark.parametrize(
    ("sql", "finding"),
    [("DROP TABLE x", "V7S204 accept"), ("UPDATE x SET b = 1", "V7S205 accept"),
     ("WITH d AS (DELETE FROM x RETURNING 1) SELECT * FROM d", "V7S205 accept"),
     ("CREATE TABLE IF NOT EXISTS x (id int)", "V7S201 advice"), ("SELECT 1", "V7S206 accept"),
     ("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a (b)", "V7S201 accept"),
     ("CREATE OR REPLACE VIEW v AS SELECT 1", "V7S202 accept"), ("CREATE INDEX i ON x (b)", "V7S211 accept"),
     ("ALTER TABLE x ADD CHECK (b > 1)", "V7S213 accept"), ("ALTER TABLE x ALTER b TYPE text", "V7S212 accept")],
)  # fmt: skip
def test_what_needs_a_persons_consent_is_named(sql: str, finding: str) -> None:
    assert any(line.startswith(finding) for line in found(sql.encode() + b";"))


def test_the_plan_deviates_only_where_a_section_needs_another() -> None:
    order = scripts.plan_order(scripts.parse(DOCUMENT.encode()))
    assert [(one.number, reason) for one, reason in order] == [
        (1, ""),
        (2, "Section 2 runs before Section 7: Section 7 needs file_audit.v7_workflow_status, which Section 2 adds"),
        (7, ""),
        (8, ""),
        (10, ""),
    ]


def test_a_declared_need_moves_a_section_too() -> None:
    content = section(1, "SELECT 1;", "Needs: Section 2") + section(2, "SELECT 2;")
    [(first, reason), _] = scripts.plan_order(scripts.parse(content.encode()))
    assert (first.number, reason) == (2, "Section 2 runs before Section 1: Section 1 declares that it needs Section 2")


def test_sections_in_a_circle_are_refused() -> None:
    content = section(1, "SELECT 1;", "Needs: 2") + section(2, "SELECT 2;", "Needs: 1")
    assert faults(content.encode()) == [("V7S024", 2)]


def test_broken_structure_is_refused() -> None:
    twice = section(1, "SELECT 1;") + section(1, "SELECT 2;")
    assert faults(twice.encode()) == [("V7S021", 6)]
    assert faults(section(1, "SELECT 1;", "Needs: 7").encode()) == [("V7S023", 2)]
    assert faults(section(1, "SELECT 1;", "On failure: shrug").encode()) == [("V7S027", 2)]
    assert faults(b"SELECT 1\n-- Section 2: x\n + 1;") == [("V7S013", 2)]


@pytest.mark.parametrize(
    "way_back",
    [GOOD_WAY_BACK, GOOD_WAY_BACK.replace("\n", "\r\n"), "/* It's simple: run this.\n" + GOOD_WAY_BACK[3:],
     "-- To take it back, don't panic:\n-- DROP VIEW IF EXISTS v;\n"
     "-- DROP TABLE IF EXISTS\n--   v7_migration_workflow;\n"
     "-- ALTER TABLE file_audit DROP COLUMN IF EXISTS v7_workflow_status;\n-- END OF SCRIPT"],
)  # fmt: skip
def test_the_rollback_is_read_out_of_its_comment(way_back: str) -> None:
    script = scripts.parse((DOCUMENT + section(9, way_back)).encode())
    assert script.rollback is not None
    assert [item.kind for item in script.rollback.statements] == ["DropStmt", "DropStmt", "AlterTableStmt"]
    first = script.rollback.statements[0]
    assert script.content.splitlines()[first.line - 1].strip(b"- ;") == first.text.encode()
    assert [line for line in found(script.content) if line.startswith("V7S05")] == []


def test_a_header_inside_the_block_comment_names_the_rollback() -> None:
    script = scripts.parse(TABLE + b"/* SECTION 9: ROLLBACK\nDROP TABLE IF EXISTS a;\n*/")
    assert script.rollback is not None
    assert [item.text for item in script.rollback.statements] == ["DROP TABLE IF EXISTS a"]


def test_a_typing_error_in_the_rollback_is_located() -> None:
    assert faults(TABLE + b"-- Section 9: Rollback\n/*\nDORP TABLE a;\n*/") == [("V7S010", 4)]


def test_a_rollback_outside_a_comment_is_refused() -> None:
    assert "V7S050" in refused("CREATE TABLE a (id int);\n-- Section 9: Rollback\nDROP TABLE a;")


def test_a_missing_rollback_is_refused() -> None:
    assert any(line.startswith("V7S051 refuse") for line in found(TABLE))


def test_what_the_rollback_leaves_is_named() -> None:
    lines = found((DOCUMENT + section(9, "/*\nDROP VIEW IF EXISTS v;\n*/")).encode())
    assert [line for line in lines if line.startswith("V7S052")] == [
        "V7S052 accept the rollback leaves the table v7_migration_workflow",
        "V7S052 accept the rollback leaves the column file_audit.v7_workflow_status",
        "V7S052 accept the rollback leaves the index i",
    ]


def test_a_rollback_that_drops_the_column_before_its_view_is_found() -> None:
    lines = GOOD_WAY_BACK.splitlines()
    backwards = "\n".join(["/*", *reversed(lines[1:-1]), "*/"])
    expected = (
        "V7S053 accept the rollback drops the column file_audit.v7_workflow_status before the view v that uses it"
    )
    assert expected in found((DOCUMENT + section(9, backwards)).encode())


def test_a_rollback_may_not_cascade_nor_touch_the_gate_nor_strangers() -> None:
    lines = found(
        (DOCUMENT + section(9, GOOD_WAY_BACK[:-2] + "DROP TABLE x CASCADE; DROP SCHEMA migration_gate;*/")).encode()
    )
    assert {line[:6] for line in lines} >= {"V7S117", "V7S057"}
    gate = section(0, "CREATE TABLE migration_gate.fence (id int);")
    lines = found((gate + section(9, "/* DROP TABLE IF EXISTS migration_gate.fence; */")).encode())
    assert any(line.startswith("V7S058 refuse") for line in lines)


def test_the_rollback_may_change_rows_of_the_gate_only() -> None:
    def changing(table: str) -> list[str]:
        way_back = f"/* DROP TABLE IF EXISTS a; DELETE FROM {table}; */"
        made = section(1, "CREATE TABLE a (id int);\nGRANT SELECT ON a TO b;")
        return found((made + section(9, way_back)).encode())

    assert changing("migration_gate.fence") == []
    assert changing("file_audit") == ["V7S056 accept the rollback changes rows"]


def test_the_population_is_the_last_step_of_the_plan() -> None:
    script = scripts.parse(section(1, "CREATE TABLE a (id int);").encode() + MARKED)
    assert script.population is not None
    assert (script.population.number, script.population.title, len(script.population.steps)) == (10, "Population", 1)
    assert [item.text for item in script.population.statements] == ["INSERT INTO a VALUES (1)"]
    assert len(script.sections[0].statements) == 1


def test_the_population_only_inserts() -> None:
    assert "V7S115" in refused("CREATE TABLE a (id int);\n-- Population: begin\nDROP TABLE a;\n-- Population: end\n")


def test_the_population_block_is_replaced_and_nothing_else() -> None:
    before, after = b"-- caf\xc3\xa9\r\n" + TABLE, b"SELECT 1; \n"
    result = scripts.with_population(before + MARKED + after, "INSERT INTO a VALUES ('é');")
    expected = before + "-- Population: begin\nINSERT INTO a VALUES ('é');\n-- Population: end\n".encode() + after
    assert result == expected
    assert scripts.with_population(result, "INSERT INTO a VALUES ('é');") == result


@pytest.mark.parametrize("content", [TABLE, MARKED + MARKED, MARKED[21:], b"SELECT '\n" + MARKED + b"';"])
def test_population_markers_stand_exactly_once(content: bytes) -> None:
    with pytest.raises(ScriptInvalid):
        scripts.with_population(content, "")


def test_created_objects_are_qualified() -> None:
    script = scripts.parse((DOCUMENT + section(9, GOOD_WAY_BACK)).encode())
    made = scripts.created_objects(script)
    assert (made.tables, made.views) == (("public.v7_migration_workflow",), ("public.v",))
    assert (made.columns, made.indexes) == (("public.file_audit.v7_workflow_status",), ("public.i",))
    assert scripts.drops(script).columns == made.columns


@pytest.mark.parametrize(
    "sql",
    ["SELECT " + "+".join(["1"] * 200_000), "SELECT " + "(" * 50_000, "SELECT " + "NOT " * 300 + "true",
     "/*" * 50_000, "SELECT 1;" * 5_000 + "x", "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC " + "SELECT 1;" * 2_000],
)  # fmt: skip
def test_a_file_made_to_break_the_parser_is_refused(sql: str) -> None:
    assert faults(sql.encode())


PIECES = st.sampled_from([
    b"-- Section 1: a\n", b"-- Section 9: Rollback\n", b"/* ", b" */", b"-- Population: begin\n",
    b"-- Population: end\n", b"CREATE TABLE a (id int);\n", b"DROP TABLE a;\n", b"-- DROP TABLE a;\n", b"$$",
    b"'", b"\\i x\n", b";", b"SELECT :x", b"\n", b"-- Step 1.1: x\n", b"-- Needs: 1\n", b"\xc3\xa9",
    b"/* Section 2: */", b"ALTER TABLE a ADD COLUMN b int;\n", b"\r\n", b"CREATE VIEW v AS SELECT b FROM a;\n",
    b"BEGIN ATOMIC", b"CREATE FUNCTION f() RETURNS int ", b"-- ====\n", b"\\",
])  # fmt: skip


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=14).map(b"".join)))
def test_any_bytes_are_a_script_or_a_refusal(content: bytes) -> None:
    try:
        script = scripts.parse(content)
    except ScriptInvalid as invalid:
        assert invalid.problems
        return
    assert scripts.parse(content) == script
    assert scripts.problems(script) == scripts.problems_of(content)
    for one in [*script.sections, *filter(None, [script.rollback, script.population])]:
        for statement in one.statements:
            assert statement.text.split("\n")[0].strip() in content.decode().split("\n")[statement.line - 1]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(st.binary(max_size=60), st.lists(PIECES, max_size=10).map(b"".join)), st.sampled_from(["", "SELECT 1;"])
)
def test_replacing_the_population_is_total(content: bytes, block: str) -> None:
    try:
        assert block.encode() in scripts.with_population(content, block)
    except ScriptInvalid as invalid:
        assert invalid.problems
