"""Each rule of the review: a script that violates it, and one that is nearly the same and does not."""

from __future__ import annotations

from typing import Any

import pytest

from v7migration.postgres import script as scripts

BASE = (
    "CREATE TABLE p (id int PRIMARY KEY, n int, risk text, level int);\n"
    "CREATE TABLE t (id int PRIMARY KEY, p int, severity int);\n"
    "CREATE TABLE e (id int PRIMARY KEY, p int);\n"
)
VIEW = BASE + "CREATE VIEW v AS "
FUNCTION = "CREATE FUNCTION f() RETURNS int LANGUAGE {} AS $$ {} $$ {};"
SPLIT = "-- Section 1: a\n-- Step 1.1: x\n{}\n-- Step 1.2: y\n{}\n"
BACK = "\n-- Section 9: Rollback\n/*\n{}\n*/\n"
TWO_SIDES = "SELECT p.n, {} FROM p LEFT JOIN t ON t.p = p.id LEFT JOIN e ON e.p = p.id GROUP BY p.n;"


def found(sql: str, document: dict[str, Any] | None = None) -> set[tuple[str, str, int]]:
    """Return id, severity and line of each finding."""
    return {(p.id, p.severity, p.line) for p in scripts.problems_of(sql.encode(), document)}


# id, severity, line, a script that violates it, one that does not
RULES = [
    ("V7S301", "refuse", 2, "CREATE TABLE a (id int);\nCREATE TABLE b (a int REFERENCES a (id));",
     "CREATE TABLE a (id int UNIQUE);\nCREATE TABLE b (a int REFERENCES a (id));"),
    ("V7S301", "refuse", 3, "CREATE TABLE a (id int UNIQUE);\nCREATE TABLE b (\n  a int REFERENCES a\n);",
     "CREATE TABLE a (id int PRIMARY KEY);\nCREATE TABLE b (\n  a int REFERENCES a\n);"),
    ("V7S301", "refuse", 3, "CREATE TABLE a (id int, x int);\nCREATE UNIQUE INDEX i ON a (id) WHERE x > 0;\n"
     "CREATE TABLE b (a int REFERENCES a (id));",
     "CREATE TABLE a (id int, x int);\nCREATE UNIQUE INDEX i ON a (id);\nCREATE TABLE b (a int REFERENCES a (id));"),
    ("V7S301", "refuse", 2, "CREATE TABLE a (x int, y int, UNIQUE (x, y));\nCREATE TABLE b (x int REFERENCES a (x));",
     "CREATE TABLE a (x int, y int, UNIQUE (x, y));\n"
     "CREATE TABLE b (x int, y int, FOREIGN KEY (y, x) REFERENCES a (y, x));"),
    ("V7S302", "refuse", 1, "CREATE VIEW v AS SELECT id FROM a;\nCREATE TABLE a (id int);",
     "CREATE TABLE a (id int);\nCREATE VIEW v AS SELECT id FROM a;"),
    ("V7S302", "refuse", 2, "CREATE TABLE a (id int);\nCREATE TRIGGER g BEFORE INSERT ON a EXECUTE FUNCTION f();\n"
     "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';",
     "DROP TABLE IF EXISTS a;\nCREATE TABLE a (id int);"),
    ("V7S302", "refuse", 2, "DROP FUNCTION f();\nCREATE TRIGGER g BEFORE INSERT ON a EXECUTE FUNCTION f();\n"
     + FUNCTION.format("sql", "SELECT 1", ""),
     "CREATE TRIGGER g BEFORE INSERT ON a EXECUTE FUNCTION f();\nDROP FUNCTION f();\n"
     + FUNCTION.format("sql", "SELECT 1", "")),
    ("V7S302", "refuse", 1, "CREATE TRIGGER g BEFORE INSERT ON a EXECUTE FUNCTION f();\n"
     + FUNCTION.format("sql", "SELECT 1", ""),
     "CREATE TRIGGER g BEFORE INSERT ON a EXECUTE FUNCTION f();\n"
     + FUNCTION.format("sql", "SELECT 1", "").replace("CREATE ", "CREATE OR REPLACE ")),
    ("V7S303", "accept", 2, "CREATE TABLE a (id serial PRIMARY KEY, n text);\nINSERT INTO a (n) VALUES ('x');",
     "CREATE TABLE a (id serial PRIMARY KEY, n text);\nINSERT INTO a (id, n) VALUES (1, 'x');"),
    ("V7S303", "accept", 1, "INSERT INTO a (n) VALUES ('x');",
     "INSERT INTO a (n) VALUES ('x') ON CONFLICT DO NOTHING;"),
    ("V7S303", "accept", 1, "INSERT INTO a (n) SELECT n FROM b;",
     "INSERT INTO a (n) SELECT n FROM b WHERE NOT EXISTS (SELECT FROM a WHERE a.n = b.n);"),
    ("V7S303", "accept", 2, "CREATE TABLE a (id uuid PRIMARY KEY);\nINSERT INTO a (id) VALUES (gen_random_uuid());",
     "CREATE TABLE a (id uuid PRIMARY KEY);\nINSERT INTO a VALUES ('3fe7a31d-3778-56ab-b0ee-be77965a54ab');"),
    ("V7S304", "accept", 4, VIEW + TWO_SIDES.format("count(t.id), count(e.id)"),
     VIEW + TWO_SIDES.format("count(DISTINCT t.id), count(DISTINCT e.id)")),
    ("V7S304", "accept", 4, VIEW + TWO_SIDES.format("count(*)"),
     VIEW + "SELECT p.n, count(*) FROM t LEFT JOIN p ON t.p = p.id LEFT JOIN e ON e.id = t.id GROUP BY p.n;"),
    ("V7S304", "accept", 4, VIEW + "SELECT count(*) FROM p, t;", VIEW + "SELECT count(*) FROM p, t WHERE t.p = p.id;"),
    ("V7S304", "accept", 4,
     VIEW + "SELECT p.n, sum(x.c) FROM p JOIN (SELECT p, n AS c FROM t JOIN p USING (id)) x ON x.p = p.id "
     "JOIN e ON e.p = p.id GROUP BY 1;",
     VIEW + "WITH x AS (SELECT p, count(*) AS c FROM t GROUP BY p), y AS (SELECT p, count(*) AS c FROM e GROUP BY p) "
     "SELECT sum(x.c), sum(y.c) FROM p LEFT JOIN x ON x.p = p.id LEFT JOIN y ON y.p = p.id;"),
    ("V7S305", "accept", 4, VIEW + "SELECT max(risk) FROM p;", VIEW + "SELECT max(level) FROM p;"),
    ("V7S305", "accept", 5, VIEW + "SELECT id\nFROM p ORDER BY risk DESC;",
     VIEW + "SELECT id\nFROM p ORDER BY array_position(ARRAY['low', 'high'], risk) DESC;"),
    ("V7S305", "accept", 4, VIEW + "SELECT id FROM p WHERE risk > 'low';",
     VIEW + "SELECT id FROM p WHERE risk = 'low';"),
    ("V7S305", "accept", 4, VIEW + "SELECT min(p.risk::text) FROM p;", VIEW + "SELECT min(severity) FROM t;"),
    ("V7S306", "accept", 2, "CREATE TABLE a (\n  at timestamp);", "CREATE TABLE a (\n  at timestamptz);"),
    ("V7S306", "accept", 1, "ALTER TABLE a ADD COLUMN at timestamp(3) without time zone;",
     "ALTER TABLE a ADD COLUMN at timestamp(3) with time zone;"),
    ("V7S307", "accept", 2, "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nGRANT SELECT ON a TO web;",
     "CREATE TABLE a (id int);\nCREATE TABLE b (id int);\nGRANT SELECT ON a, b TO web;"),
    ("V7S307", "advice", 1, "CREATE SCHEMA s;", "CREATE SCHEMA s;\nGRANT USAGE ON SCHEMA s TO web;"),
    ("V7S307", "accept", 2, "CREATE SCHEMA s;\nCREATE VIEW s.v AS SELECT 1;\nGRANT USAGE ON SCHEMA s TO web;",
     "CREATE SCHEMA s;\nCREATE VIEW s.v AS SELECT 1;\nGRANT USAGE ON SCHEMA s TO web;\n"
     "GRANT SELECT ON ALL TABLES IN SCHEMA s TO web;"),
    ("V7S218", "accept", 1, "COMMENT ON TABLE x IS 'new';" + BACK.format("COMMENT ON TABLE y IS 'old';"),
     "COMMENT ON TABLE x IS 'new';" + BACK.format("COMMENT ON TABLE x IS 'old';")),
    ("V7S218", "accept", 1, "COMMENT ON COLUMN x.a IS 'new';" + BACK.format("SELECT 1;"),
     "ALTER TABLE x ADD COLUMN a int;\nCOMMENT ON COLUMN x.a IS 'new';" + BACK.format("SELECT 1;")),
    ("V7S219", "accept", 1, "GRANT SELECT ON x TO web;" + BACK.format("REVOKE SELECT ON y FROM web;"),
     "GRANT SELECT ON x TO web;" + BACK.format("REVOKE SELECT ON x FROM web;")),
    ("V7S219", "accept", 2, "ALTER TABLE x ADD COLUMN a int;\nGRANT UPDATE (b) ON x TO web;" + BACK.format("SELECT 1;"),
     "ALTER TABLE x ADD COLUMN a int;\nGRANT UPDATE (a) ON x TO web;" + BACK.format("SELECT 1;")),
    ("V7S220", "accept", 1,
     "ALTER TABLE x ALTER a SET DEFAULT 1;" + BACK.format("ALTER TABLE x ALTER b SET DEFAULT 0;"),
     "ALTER TABLE x ALTER a SET DEFAULT 1;" + BACK.format("ALTER TABLE x ALTER a SET DEFAULT 0;")),
    ("V7S221", "accept", 1, "ALTER TABLE x ADD COLUMN a uuid DEFAULT gen_random_uuid();",
     "ALTER TABLE x ADD COLUMN a timestamptz DEFAULT now();"),
    ("V7S221", "accept", 1, "ALTER TABLE x ADD COLUMN a bigserial;", "ALTER TABLE x ADD COLUMN a bigint;"),
    ("V7S221", "accept", 1, "ALTER TABLE x ADD COLUMN a int GENERATED ALWAYS AS (b + 1) STORED;",
     "ALTER TABLE x ADD COLUMN a int DEFAULT 1;"),
    ("V7S222", "accept", 1, "ALTER TABLE x ADD COLUMN a int NOT NULL;",
     "ALTER TABLE x ADD COLUMN a int NOT NULL DEFAULT 0;"),
    ("V7S222", "accept", 2, "CREATE TABLE y (id int);\nALTER TABLE x ADD COLUMN a int NOT NULL;",
     "CREATE TABLE y (id int);\nALTER TABLE y ADD COLUMN a int NOT NULL;"),
    ("V7S213", "accept", 1, "ALTER TABLE x ADD CONSTRAINT c UNIQUE (a);",
     "ALTER TABLE x ADD CONSTRAINT c UNIQUE USING INDEX i;"),
    ("V7S213", "accept", 1, "ALTER TABLE x ADD CONSTRAINT c CHECK (a > 0);",
     "ALTER TABLE x ADD CONSTRAINT c CHECK (a > 0) NOT VALID;"),
    ("V7S223", "accept", 2,
     "ALTER TABLE x ADD CONSTRAINT c CHECK (a > 0) NOT VALID;\nALTER TABLE x VALIDATE CONSTRAINT c;",
     SPLIT.format("ALTER TABLE x ADD CONSTRAINT c CHECK (a > 0) NOT VALID;", "ALTER TABLE x VALIDATE CONSTRAINT c;")),
    ("V7S224", "accept", 2, "ALTER TABLE x ADD COLUMN a int;\nUPDATE y SET b = 1;",
     SPLIT.format("ALTER TABLE x ADD COLUMN a int;", "UPDATE y SET b = 1;")),
    ("V7S224", "accept", 2, "ALTER TABLE x ADD COLUMN a int;\nALTER TABLE y ADD COLUMN a int;",
     "ALTER TABLE x ADD COLUMN a int;\nALTER TABLE x ADD COLUMN b int;"),
    ("V7S225", "accept", 1, FUNCTION.format("sql", "SELECT 1", "SET lock_timeout = 0"),
     FUNCTION.format("sql", "SELECT 1", "SET search_path = pg_catalog")),
    ("V7S122", "refuse", 1, FUNCTION.format("sql", "SELCT 1", ""), FUNCTION.format("sql", "SELECT 1", "")),
    ("V7S305", "accept", 2, "CREATE TABLE p (id int PRIMARY KEY, risk text);\n"
     + FUNCTION.format("sql", "SELECT 1 FROM p ORDER BY risk", ""),
     "CREATE TABLE p (id int PRIMARY KEY, risk text);\n" + FUNCTION.format("sql", "SELECT 1 FROM p ORDER BY id", "")),
    # Rules that were there before, with the near-identical script that they must not name.
    ("V7S001", "refuse", 1, "SELECT '\0';", "SELECT '0';"),
    ("V7S010", "refuse", 2, "SELECT 1;\nCREATE TABEL a (id int);", "SELECT 1;\nCREATE TABLE a (id int);"),
    ("V7S011", "refuse", 1, "\\set x 1\nSELECT 1;", "-- \\set x 1\nSELECT 1;"),
    ("V7S051", "refuse", 1, "CREATE TABLE a (id int);", "CREATE TABLE a (id int);" + BACK.format("DROP TABLE a;")),
    ("V7S052", "accept", 2, "CREATE TABLE a (id int);\nCREATE TYPE m AS ENUM ('x');" + BACK.format("DROP TABLE a;"),
     "CREATE TABLE a (id int);\nCREATE TYPE m AS ENUM ('x');" + BACK.format("DROP TABLE a;\nDROP TYPE m;")),
    ("V7S101", "refuse", 1, "COMMIT;", "COMMENT ON TABLE a IS 'commit';"),
    ("V7S102", "refuse", 1, "DO $$ BEGIN EXECUTE 'SELECT 1'; END $$;", "SELECT $$ DO $$;"),
    ("V7S103", "refuse", 1, "COPY a FROM stdin;\n1\n\\.\n", "INSERT INTO copy (id) VALUES (1);"),
    ("V7S104", "refuse", 1, "SET lock_timeout = '1s';", "UPDATE a SET lock_timeout = '1s';"),
    ("V7S107", "refuse", 1, "LOCK TABLE a;", "SELECT 1 AS lock;"),
    ("V7S117", "refuse", 1, "DROP TABLE a CASCADE;", "DROP TABLE a RESTRICT;"),
    ("V7S117", "refuse", 1, "DROP TYPE a CASCADE;", "CREATE TABLE b (a int REFERENCES a (id) ON DELETE CASCADE);"),
    ("V7S201", "advice", 1, "CREATE TABLE IF NOT EXISTS a (id int);", "CREATE TABLE a (id int);"),
    ("V7S204", "accept", 1, "ALTER TABLE x DROP COLUMN a;", "CREATE TABLE x (a int);\nALTER TABLE x DROP COLUMN a;"),
    ("V7S204", "accept", 1, "ALTER TABLE x DROP COLUMN a;\nALTER TABLE x ADD COLUMN a int;",
     "ALTER TABLE x ADD COLUMN a int;\nALTER TABLE x DROP COLUMN a;"),
    ("V7S051", "refuse", 1, "ALTER TABLE x DROP COLUMN a;\nALTER TABLE x ADD COLUMN a int;",
     "ALTER TABLE x ADD COLUMN a int;\nALTER TABLE x DROP COLUMN a;"),
    ("V7S212", "accept", 1, "ALTER TABLE x ALTER a SET NOT NULL;", "ALTER TABLE x ALTER a SET STATISTICS 10;"),
    # What the rollback does not put back.
    *[
        (identifier, "accept", 1, change + BACK.format("DROP TABLE IF EXISTS y;"), change + BACK.format(undone))
        for identifier, change, undone in (
            ("V7S227", "INSERT INTO x (id) VALUES (1);", "DELETE FROM x WHERE id = 1;"),
            ("V7S227", "WITH n AS (INSERT INTO x VALUES (1) RETURNING id) SELECT id FROM n;", "DELETE FROM x;"),
            ("V7S226", "ALTER TYPE m RENAME VALUE 'a' TO 'b';", "ALTER TYPE m RENAME VALUE 'b' TO 'a';"),
            ("V7S226", "ALTER TABLE x RENAME TO z;", "ALTER TABLE z RENAME TO x;"),
            ("V7S226", "ALTER TABLE s.x RENAME COLUMN a TO b;", "ALTER TABLE s.x RENAME b TO a;"),
            ("V7S220", "ALTER DOMAIN d SET NOT NULL;", "ALTER DOMAIN d DROP NOT NULL;"),
            ("V7S220", "ALTER FUNCTION f() STABLE;", "ALTER FUNCTION f() VOLATILE;"),
            ("V7S220", "ALTER POLICY p ON x USING (true);", "ALTER POLICY p ON x USING (false);"),
            ("V7S220", "ALTER TABLE x ENABLE ROW LEVEL SECURITY;", "ALTER TABLE x DISABLE ROW LEVEL SECURITY;"),
            ("V7S220", "ALTER TABLE x DISABLE TRIGGER t;", "ALTER TABLE x ENABLE TRIGGER t;"),
            ("V7S220", "ALTER TABLE p ATTACH PARTITION q DEFAULT;", "ALTER TABLE p DETACH PARTITION q;"),
            ("V7S219", "REVOKE SELECT ON x FROM a;", "GRANT SELECT ON x TO a;"),
            ("V7S219", "GRANT EXECUTE ON FUNCTION f() TO a;", "REVOKE EXECUTE ON FUNCTION f() FROM a;"),
            ("V7S219", "GRANT SELECT ON ALL TABLES IN SCHEMA s TO a;", "REVOKE ALL ON ALL TABLES IN SCHEMA s FROM a;"),
            ("V7S218", "COMMENT ON FUNCTION f() IS 'new';", "COMMENT ON FUNCTION f() IS 'old';"),
        )
    ],
    # A rollback may restore by making again; the server names what the script does not.
    ("V7S052", "accept", 1, "CREATE OR REPLACE FUNCTION f() RETURNS int RETURN 1;" + BACK.format("SELECT 1;"),
     "CREATE OR REPLACE FUNCTION f() RETURNS int RETURN 1;"
     + BACK.format("CREATE OR REPLACE FUNCTION f() RETURNS int RETURN 2;")),
    ("V7S057", "accept", 4, "CREATE TABLE a (id int);" + BACK.format("DROP VIEW w;DROP TABLE a;"),
     "CREATE TABLE a (id int);" + BACK.format("DROP VIEW w;DROP TABLE a;CREATE VIEW w AS SELECT 1;")),
    ("V7S057", "accept", 4, "ALTER TABLE x ADD COLUMN a int;" + BACK.format("ALTER TABLE x DROP CONSTRAINT x_pkey;"),
     "ALTER TABLE x ADD PRIMARY KEY (a);" + BACK.format("ALTER TABLE x DROP CONSTRAINT x_pkey;")),
    ("V7S052", "accept", 1, "CREATE UNIQUE INDEX i ON x (a);" + BACK.format("ALTER TABLE x DROP CONSTRAINT i;"),
     "CREATE UNIQUE INDEX i ON x (a);\nALTER TABLE x ADD UNIQUE USING INDEX i;"
     + BACK.format("ALTER TABLE x DROP CONSTRAINT i;")),
    ("V7S220", "accept", 1, "ALTER TABLE x DISABLE TRIGGER USER;" + BACK.format("SELECT 1;"),
     "ALTER TABLE x DISABLE TRIGGER USER;\nUPDATE x SET a = 1;\nALTER TABLE x ENABLE TRIGGER USER;"
     + BACK.format("SELECT 1;")),
    *[("V7S051", "refuse", 1, change, "SELECT 1;") for change in (
        "INSERT INTO x VALUES (1);", "GRANT SELECT ON x TO a;", "ALTER TYPE m ADD VALUE 'x';",
        "COMMENT ON TABLE x IS 'a';", "CREATE INDEX ON x (a);",
        "ALTER TABLE x ALTER a TYPE text;", "ALTER TABLE x ADD PRIMARY KEY (id);",
        "ALTER TABLE x RENAME TO y;", "DROP TABLE x;",
    )],
    ("V7S205", "accept", 1, "UPDATE x SET a = 1;", "ALTER TABLE x ADD COLUMN a int;\nUPDATE x SET a = 1;"),
    ("V7S205", "accept", 1, "INSERT INTO x VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1;",
     "INSERT INTO x VALUES (1) ON CONFLICT (id) DO NOTHING;"),
    # Names of WITH clauses are no tables, but a query that is not recursive reads the table of its own name.
    ("V7S302", "refuse", 1, "SELECT 1 FROM t;\nCREATE TABLE t (id int);",
     "WITH RECURSIVE t AS (SELECT 1 UNION SELECT * FROM t) SELECT * FROM t;\nCREATE TABLE t (id int);"),
    ("V7S302", "refuse", 1, "WITH t AS (SELECT * FROM t) SELECT * FROM t;\nCREATE TABLE t (id int);",
     "WITH t AS (SELECT 1) SELECT * FROM t;\nCREATE TABLE t (id int);"),
    # Foreign keys follow renames and drops; what they refer to must fit.
    ("V7S301", "refuse", 3, "CREATE TABLE a (id int PRIMARY KEY);\nALTER TABLE a DROP CONSTRAINT a_pkey;\n"
     "CREATE TABLE b (x int REFERENCES a (id));",
     "CREATE TABLE a (id int PRIMARY KEY);\nALTER TABLE a RENAME COLUMN id TO n;\n"
     "CREATE TABLE b (x int REFERENCES a (n));"),
    ("V7S301", "refuse", 3, "CREATE TABLE a (id int);\nCREATE UNIQUE INDEX i ON a (id);DROP INDEX i;\n"
     "CREATE TABLE b (x int REFERENCES a (id));",
     "CREATE TABLE a (id int PRIMARY KEY);\nALTER TABLE a RENAME TO c;\nCREATE TABLE b (x int REFERENCES c (id));"),
    ("V7S301", "refuse", 2, "CREATE TABLE a (id int UNIQUE DEFERRABLE);\nCREATE TABLE b (x int REFERENCES a (id));",
     "CREATE TABLE a (id int UNIQUE NOT DEFERRABLE);\nCREATE TABLE b (x int REFERENCES a (id));"),
    ("V7S301", "refuse", 2, "CREATE VIEW v AS SELECT 1 AS id;\nCREATE TABLE b (x int REFERENCES v (id));",
     "CREATE TABLE v (id int PRIMARY KEY);\nCREATE TABLE b (x int REFERENCES v (id));"),
    ("V7S301", "refuse", 2, "CREATE TABLE a (id uuid PRIMARY KEY);\nCREATE TABLE b (x varchar(36) REFERENCES a);",
     "CREATE TABLE a (id bigint PRIMARY KEY);\nCREATE TABLE b (x int REFERENCES a);"),
    ("V7S301", "refuse", 2, "CREATE TABLE a (x int, y int, PRIMARY KEY (x, y));\nCREATE TABLE b (x int REFERENCES a);",
     "CREATE TABLE a (x int, y int, PRIMARY KEY (x, y));\n"
     "CREATE TABLE b (x int, y int, FOREIGN KEY (x, y) REFERENCES a);"),
    # An INSERT is guarded only by a look at its own table, or by values of a key that are the same again.
    *[("V7S303", "accept", 2, f"CREATE TABLE g (id int PRIMARY KEY, n int);\n{bad}",
       f"CREATE TABLE g (id int PRIMARY KEY, n int);\n{good}") for bad, good in (
        ("INSERT INTO g SELECT max(id) + 1, 1 FROM g;", "INSERT INTO g SELECT x, 1 FROM generate_series(1, 3) x;"),
        ("INSERT INTO g (id) VALUES (random()::int);", "INSERT INTO g (id) VALUES ('1'::int);"),
        ("INSERT INTO g (n) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM other);",
         "INSERT INTO g (n) SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM g);"),
        ("INSERT INTO g (n) SELECT a FROM other WHERE b IS NULL;",
         "INSERT INTO g (n) SELECT a FROM other LEFT JOIN g ON g.n = a WHERE g.id IS NULL;"),
        ("INSERT INTO g (n) SELECT 1 WHERE (SELECT count(*) FROM other) = 0;",
         "INSERT INTO g (n) SELECT 1 WHERE (SELECT count(*) FROM g) = 0;"),
        ("INSERT INTO g (n) VALUES (1) ON CONFLICT DO NOTHING;",
         "INSERT INTO g (id) VALUES (1) ON CONFLICT DO NOTHING;"),
        ("WITH a AS (INSERT INTO g (n) VALUES (1) RETURNING n) SELECT n FROM a;", "INSERT INTO g VALUES (1, 1);"),
    )],
    # Rewrites and scans.
    *[("V7S221", "accept", 1, f"ALTER TABLE x ADD COLUMN a {bad};", f"ALTER TABLE x ADD COLUMN a {good};")
      for bad, good in (("int DEFAULT random()", "text DEFAULT md5('a')"),
                        ("text DEFAULT own()", "text DEFAULT 'own()'"),
                        ("timestamptz DEFAULT clock_timestamp()", "int[] DEFAULT array_fill(0, ARRAY[3])"))],
    ("V7S221", "accept", 2, "CREATE DOMAIN d AS int CHECK (value > 0);\nALTER TABLE x ADD COLUMN a d;",
     "CREATE DOMAIN d AS int;\nALTER TABLE x ADD COLUMN a d;"),
    ("V7S221", "accept", 2, FUNCTION.format("sql", "SELECT 1", "") + "\nALTER TABLE x ADD COLUMN a int DEFAULT f();",
     FUNCTION.format("sql", "SELECT 1", "IMMUTABLE") + "\nALTER TABLE x ADD COLUMN a int DEFAULT f();"),
    *[("V7S213", "accept", 1, f"ALTER TABLE x ADD COLUMN a int {bad};", f"ALTER TABLE x ADD COLUMN a int {good};")
      for bad, good in (("CHECK (a > 0)", "REFERENCES y"), ("UNIQUE", "DEFAULT 3"), ("DEFAULT 1 REFERENCES y", ""))],
    ("V7S211", "accept", 1, "REFRESH MATERIALIZED VIEW m;", "REFRESH MATERIALIZED VIEW CONCURRENTLY m;"),
    ("V7S211", "accept", 1, "REINDEX TABLE x;", "REINDEX TABLE CONCURRENTLY x;"),
    # Joins: what is counted must be of a table whose rows stay single.
    ("V7S304", "accept", 4, VIEW + "SELECT t.id, sum(t.severity) FROM t JOIN e ON e.p = t.id GROUP BY t.id;",
     VIEW + "SELECT t.id, sum(e.p) FROM t JOIN e ON e.p = t.id GROUP BY t.id;"),
    ("V7S304", "accept", 4, VIEW + "SELECT p.n, t.id, e.id AS f FROM p JOIN t ON t.p = p.id JOIN e ON e.p = p.id;",
     VIEW + "SELECT p.n, t.id FROM p JOIN t ON t.p = p.id;"),
    ("V7S304", "accept", 4, VIEW + "SELECT p.n, t.severity FROM p, t;",
     VIEW + "SELECT p.n, u.x FROM p CROSS JOIN LATERAL unnest(ARRAY[p.n]) AS u (x);"),
    # Letters: windows, BETWEEN, what keeps the letters, ENUMs cast to text, values that a CHECK lists.
    *[("V7S305", "accept", 4, VIEW + bad, VIEW + good) for bad, good in (
        ("SELECT row_number() OVER (ORDER BY risk) FROM p;", "SELECT row_number() OVER (ORDER BY level) FROM p;"),
        ("SELECT 1 FROM p WHERE risk BETWEEN 'a' AND 'b';", "SELECT 1 FROM p WHERE level BETWEEN 1 AND 2;"),
        ("SELECT max(lower(risk)) FROM p;", "SELECT max(length(risk)) FROM p;"),
        ("SELECT 1 FROM p ORDER BY coalesce(risk, 'low');", "SELECT mode() WITHIN GROUP (ORDER BY risk) FROM p;"),
    )],
    ("V7S305", "accept", 3, "CREATE TYPE m AS ENUM ('low', 'high');\nCREATE TABLE p (sort m);\n"
     "CREATE VIEW v AS SELECT max(sort::text) FROM p;",
     "CREATE TYPE m AS ENUM ('low', 'high');\nCREATE TABLE p (sort m);\nCREATE VIEW v AS SELECT max(sort) FROM p;"),
    ("V7S305", "accept", 2, "CREATE TABLE p (sort text CHECK (sort IN ('low', 'high')));\n"
     "CREATE VIEW v AS SELECT max(sort) FROM p;",
     "CREATE TABLE p (sort text CHECK (sort <> ''));\nCREATE VIEW v AS SELECT max(sort) FROM p;"),
    ("V7S305", "advice", 2, "CREATE TABLE p (status text);\nCREATE VIEW v AS SELECT 1 FROM p ORDER BY status;",
     "CREATE TABLE p (status int);\nCREATE VIEW v AS SELECT 1 FROM p ORDER BY status;"),
    # Order within a section: columns, constraints, indexes, sequences, and what a body in SQL reads.
    *[("V7S302", "refuse", 1, f"{first}\n{later}", f"{later}\n{first}") for first, later in (
        ("CREATE INDEX i ON a (x);", "ALTER TABLE a ADD COLUMN x int;"),
        ("CREATE VIEW v AS SELECT x FROM a;", "ALTER TABLE a ADD COLUMN x int;"),
        ("COMMENT ON COLUMN a.x IS 'x';", "ALTER TABLE a ADD COLUMN x int;"),
        ("INSERT INTO a (x) VALUES (1);", "ALTER TABLE a ADD COLUMN x int;"),
        ("ALTER TABLE a VALIDATE CONSTRAINT c;", "ALTER TABLE a ADD CONSTRAINT c CHECK (x > 0) NOT VALID;"),
        ("ALTER TABLE a ADD CONSTRAINT c UNIQUE USING INDEX i;", "CREATE UNIQUE INDEX i ON a (x);"),
        ("CREATE TABLE a (id int DEFAULT nextval('s'));", "CREATE SEQUENCE s;"),
        (FUNCTION.format("sql", "SELECT id FROM t", ""), "CREATE TABLE t (id int);"),
    )],
    ("V7S302", "refuse", 1, "CREATE VIEW v AS SELECT x FROM a;\nALTER TABLE a ADD COLUMN x int;",
     "CREATE VIEW v AS SELECT count(*) AS x FROM a ORDER BY x;\nALTER TABLE a ADD COLUMN x int;"),
    ("V7S302", "refuse", 1, "ALTER TABLE a ALTER x SET DEFAULT 1;\nALTER TABLE a ADD COLUMN x int;",
     "ALTER TABLE a DROP COLUMN x;\nALTER TABLE a ADD COLUMN x int;"),
    *[("V7S308", "refuse", 2, f"CREATE TABLE a (id int);\n{bad}", f"CREATE TABLE a (id int);\n{good}")
      for bad, good in (
        ("CREATE TABLE a (id int);", "DROP TABLE a;\nCREATE TABLE a (id int);"),
        ("CREATE INDEX a ON b (id);", "CREATE INDEX b ON a (id);"),
        ("CREATE TABLE b (id int CONSTRAINT a UNIQUE);", "ALTER TABLE a RENAME TO b;\nCREATE TABLE a (id int);"),
    )],
    ("V7S308", "refuse", 2, FUNCTION.format("sql", "SELECT 1", "") + "\nCREATE FUNCTION f() RETURNS text RETURN 'a';",
     FUNCTION.format("sql", "SELECT 1", "") + "\nCREATE FUNCTION f(a int) RETURNS text RETURN 'a';"),
    ("V7S309", "accept", 2, "ALTER TYPE m ADD VALUE 'z';\nINSERT INTO x (m) VALUES ('z');",
     SPLIT.format("ALTER TYPE m ADD VALUE 'z';", "INSERT INTO x (m) VALUES ('z');")),
    ("V7S309", "accept", 2, "ALTER TYPE m ADD VALUE 'z';\nALTER TABLE x ALTER a SET DEFAULT 'z';",
     "CREATE TYPE m AS ENUM ('a');\nALTER TYPE m ADD VALUE 'z';\nCREATE TABLE x (a m DEFAULT 'z');"),
    # Rights in the order of execution.
    *[("V7S307", severity, 1, f"CREATE TABLE a (id {kind});\n{bad}", f"CREATE TABLE a (id {kind});\n{good}")
      for severity, kind, bad, good in (
        ("accept", "int", "GRANT SELECT ON a TO r;\nREVOKE SELECT ON a FROM r;", "GRANT SELECT (id) ON a TO r;"),
        ("accept", "int", "GRANT SELECT ON b TO r;", "ALTER TABLE a RENAME TO b;\nGRANT SELECT ON b TO r;"),
        ("accept", "serial", "GRANT INSERT ON a TO r;",
         "GRANT INSERT ON a TO r;\nGRANT USAGE ON SEQUENCE a_id_seq TO r;"),
        ("accept", "serial", "GRANT ALL ON a TO r;", "GRANT SELECT ON a TO r;"),
        ("advice", "int", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r;",
         "GRANT SELECT ON ALL TABLES IN SCHEMA public TO r;"),
    )],
    ("V7S307", "accept", 2, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO r;\nCREATE TABLE a (id int);",
     "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO r;\nCREATE TABLE a (id int);"),
    # Times.
    *[("V7S306", "accept", 1, bad, good) for bad, good in (
        ("CREATE DOMAIN d AS timestamp;", "CREATE DOMAIN d AS timestamptz;"),
        ("CREATE TABLE a (t tsrange);", "CREATE TABLE a (t tstzrange);"),
        ("CREATE VIEW v AS SELECT now()::timestamp AS t;", "CREATE VIEW v AS SELECT now() AT TIME ZONE 'UTC' AS t;"),
        ("CREATE TABLE a (t timestamptz DEFAULT localtimestamp);", "CREATE TABLE a (t timestamptz DEFAULT now());"),
    )],
    # What a body does when it runs.
    *[(identifier, "accept", 1, FUNCTION.format("plpgsql", bad, ""), FUNCTION.format("plpgsql", good, ""))
      for identifier, bad, good in (
        ("V7S229", "BEGIN COMMIT; RETURN 1; END", "BEGIN UPDATE x SET rollback = 1; RETURN 1; END"),
        ("V7S225", "BEGIN SET lock_timeout = 0; RETURN 1; END", "BEGIN UPDATE x SET lock_timeout = 0; RETURN 1; END"),
        ("V7S214", "BEGIN EXECUTE s; RETURN 1; END", "BEGIN GRANT EXECUTE ON FUNCTION g() TO r; RETURN 1; END"),
    )],
    ("V7S214", "accept", 1, FUNCTION.format("plpgsql", "BEGIN EXECUTE 'x'; RETURN 1; END", ""),
     FUNCTION.format("plpgsql", "BEGIN PERFORM 'EXECUTE'; RETURN 1; END", "")),
]  # fmt: skip


@pytest.mark.parametrize(
    ("identifier", "severity", "line", "bad", "good"), RULES, ids=[f"{r[0]}-{n}" for n, r in enumerate(RULES)]
)
def test_a_rule_names_what_violates_it_at_its_line_and_nothing_that_does_not(
    identifier: str, severity: str, line: int, bad: str, good: str
) -> None:
    assert (identifier, severity, line) in found(bad)
    assert identifier not in {item[0] for item in found(good)}


TARGET: dict[str, Any] = {
    "format": 1,
    "server": 18,
    "objects": {
        "schema app": {},
        "table public.taken": {
            "parts": {"column id": {"type": "integer"}, "column n": {"type": "character varying(9)"}}
        },
        "table public.keyed": {
            "parts": {
                "column id": {"type": "integer", "not null": True},
                "column n": {"type": "text"},
                "index keyed_pkey": {"definition": "CREATE UNIQUE INDEX keyed_pkey ON public.keyed USING btree (id)"},
                "constraint keyed_pkey": {"definition": "PRIMARY KEY (id)"},
            }
        },
        'table public."Odd name"': {"parts": {"column id": {"type": "integer"}}},
        "table app.keyed": {"parts": {"column id": {"type": "integer"}}},
        "table app.inner": {"parts": {"column id": {"type": "integer"}}},
        "type public.mood": {"kind": "enum", "labels": ["sad", "ok"]},
        "type app.hue": {"kind": "enum", "labels": ["red"]},
        "function public.f(integer, text)": {},
    },
}
AGAINST = [
    ("V7C001", "refuse", "CREATE TABLE taken (id int, n varchar(9));", "CREATE TABLE free (id int);",
     "the same columns"),
    ("V7C001", "refuse", "CREATE TABLE taken (id bigint, m text);", "CREATE TABLE app.taken (id bigint);",
     "it lacks m; id is integer, not bigint; it has n besides"),
    ("V7C001", "refuse", "CREATE TYPE mood AS ENUM ('ok');", "CREATE TYPE app.mood AS ENUM ('ok');", "sad, ok"),
    ("V7C001", "refuse", "ALTER TABLE keyed ADD COLUMN n text;", "ALTER TABLE keyed ADD COLUMN m text;", "column n"),
    ("V7C001", "refuse", "CREATE INDEX keyed_pkey ON taken (id);", "CREATE INDEX other ON taken (id);", "index"),
    ("V7C001", "refuse", 'CREATE TABLE "Odd name" (id int);', "CREATE TABLE odd_name (id int);", "the same columns"),
    ("V7C001", "refuse", "CREATE FUNCTION f(a int, b text DEFAULT '', OUT c int) LANGUAGE sql AS 'SELECT 1';",
     "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';", "function public.f(integer, text)"),
    ("V7C005", "advice", "CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';",
     "CREATE FUNCTION g(a int) RETURNS int LANGUAGE sql AS 'SELECT 1';", "public.f(integer) is one more"),
    ("V7C001", "refuse", "CREATE TYPE taken AS ENUM ('a');", "CREATE INDEX mood ON public.keyed (n);", "another kind"),
    ("V7C001", "refuse", "ALTER TABLE app.keyed RENAME TO \"inner\";", "ALTER TABLE app.keyed RENAME TO outside;",
     "app.inner"),
    ("V7C001", "refuse", "ALTER TABLE app.keyed SET SCHEMA public;", "ALTER TABLE app.inner SET SCHEMA public;",
     "public.keyed"),
    ("V7C001", "refuse", "CREATE TABLE m (id int CONSTRAINT keyed_pkey PRIMARY KEY);",
     "CREATE TEMP TABLE taken (id int);", "index keyed_pkey"),
    ("V7C004", "accept", "ALTER TABLE taken ALTER nothing SET DEFAULT 1;", "ALTER TABLE taken ALTER n SET DEFAULT 'a';",
     "taken.nothing"),
    ("V7C004", "accept", "CREATE INDEX i ON taken (nothing);",
     "ALTER TABLE taken ADD COLUMN nothing int;\nCREATE INDEX i ON taken (nothing);", "taken.nothing"),
    ("V7C004", "accept", "CREATE TABLE m (a hue);", "CREATE TABLE m (a mood);", "app.hue"),
    ("V7C002", "advice", 'CREATE TABLE public."inner" (id int);', "CREATE TABLE public.lone (id int);", "app.inner"),
    ("V7C003", "accept", "CREATE VIEW v AS SELECT id FROM keyed;", "CREATE VIEW v AS SELECT id FROM public.keyed;",
     "app.keyed"),
    ("V7C004", "accept", "CREATE VIEW v AS SELECT id FROM nowhere;",
     "CREATE VIEW v AS WITH nowhere AS (SELECT 1 AS id) SELECT id FROM nowhere;", "nowhere"),
    ("V7C004", "accept", 'CREATE VIEW v AS SELECT id FROM "inner";', 'CREATE VIEW v AS SELECT id FROM app."inner";',
     "Write app.inner"),
    ("V7S212", "accept", "ALTER TABLE taken ALTER n TYPE varchar(5);", "ALTER TABLE taken ALTER n TYPE varchar(10);",
     "character varying(9)"),
    ("V7S212", "accept", "ALTER TABLE taken ALTER n TYPE text USING upper(n);",
     "ALTER TABLE taken ALTER n TYPE text USING n::text;", "USING"),
    ("V7S228", "advice", "ALTER TABLE taken ALTER n TYPE text;", "ALTER TABLE taken ALTER id TYPE bigint;",
     "only the catalogs"),
    ("V7S301", "refuse", "CREATE TABLE b (a int REFERENCES taken (id));",
     "CREATE TABLE b (a int REFERENCES public.keyed);", "no unique key"),
    ("V7S302", "refuse", "INSERT INTO absent SELECT 1;\nCREATE TABLE absent (id int);",
     "INSERT INTO taken SELECT 1;\nDROP TABLE taken;\nCREATE TABLE taken (id int);", "makes only later"),
    ("V7S303", "accept", "INSERT INTO public.keyed (n) VALUES ('x');",
     "INSERT INTO public.keyed (id, n) VALUES (1, 'x');", "doubles rows"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("identifier", "severity", "bad", "good", "says"), AGAINST, ids=[f"{r[0]}-{n}" for n, r in enumerate(AGAINST)]
)
def test_a_script_is_compared_with_what_the_target_holds(
    identifier: str, severity: str, bad: str, good: str, says: str
) -> None:
    problems = [p for p in scripts.problems_of(bad.encode(), TARGET) if (p.id, p.severity) == (identifier, severity)]
    assert any(says in f"{p.message} {p.hint}" for p in problems), problems
    assert identifier not in {item[0] for item in found(good, TARGET)}


def test_without_a_target_nothing_is_said_about_it() -> None:
    assert not any(item[0].startswith("V7C") for item in found("CREATE VIEW v AS SELECT id FROM nowhere;"))


def test_what_can_be_read_of_a_faulty_script_is_reviewed_all_the_same() -> None:
    sql = "\\set x 1\nSET search_path = app;\nCREATE TABEL b (id int);\nDO $$ BEGIN END $$;\n"
    sql += "ALTER TABLE x ADD t timestamp;"
    told = found(sql)
    assert {("V7S011", 1), ("V7S104", 2), ("V7S010", 3), ("V7S102", 4), ("V7S306", 5)} <= {(i, n) for i, _, n in told}
    assert not {"V7S051", "V7C004"} & {identifier for identifier, _, _ in told}, "what the faulty part may say itself"
    marked = scripts.problems_of(b"\xef\xbb\xbfSELECT 1;\nDROP TABLE b CASCADE;\nSELEC 1;")
    assert [(p.id, p.line) for p in marked if p.severity == "refuse"] == [("V7S002", 1), ("V7S117", 2), ("V7S010", 3)]
