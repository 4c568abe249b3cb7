-- Who needs whom: foreign keys, views, functions, triggers, inheritance and the types of columns.
WITH relation AS (
    SELECT c.oid, c.reltype, n.nspname || '.' || c.relname AS id
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), routine AS (
    SELECT p.oid, n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')' AS id
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
), named_type AS (
    SELECT t.oid, t.typrelid, n.nspname || '.' || COALESCE(e.typname, t.typname) AS id
      FROM pg_type AS t
      LEFT JOIN pg_type AS e ON e.typarray = t.oid
      JOIN pg_namespace AS n ON n.oid = COALESCE(e.typnamespace, t.typnamespace)
     WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
)
SELECT a.id AS source, b.id AS target, 'foreign key' AS kind
  FROM pg_constraint AS k JOIN relation AS a ON a.oid = k.conrelid JOIN relation AS b ON b.oid = k.confrelid
 WHERE k.contype = 'f' AND k.conparentid = 0
UNION
SELECT a.id, b.id, 'inheritance'
  FROM pg_inherits AS i JOIN relation AS a ON a.oid = i.inhrelid JOIN relation AS b ON b.oid = i.inhparent
UNION
SELECT a.id, b.id, 'trigger'
  FROM pg_trigger AS t JOIN relation AS a ON a.oid = t.tgrelid JOIN routine AS b ON b.oid = t.tgfoid
 WHERE NOT t.tgisinternal AND t.tgparentid = 0
UNION
SELECT a.id, b.id, 'view'
  FROM pg_depend AS d
  JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
  JOIN relation AS a ON a.oid = r.ev_class
  JOIN (SELECT 'pg_class'::regclass AS class, oid, id FROM relation
        UNION ALL SELECT 'pg_proc'::regclass, oid, id FROM routine
        UNION ALL SELECT 'pg_type'::regclass, oid, id FROM named_type) AS b ON b.class = d.refclassid AND b.oid = d.refobjid
 WHERE a.id <> b.id
UNION
SELECT a.id, b.id, 'function'
  FROM pg_depend AS d
  JOIN routine AS a ON d.classid = 'pg_proc'::regclass AND a.oid = d.objid
  JOIN (SELECT 'pg_class'::regclass AS class, oid, id FROM relation
        UNION ALL SELECT 'pg_proc'::regclass, oid, id FROM routine
        UNION ALL SELECT 'pg_type'::regclass, oid, id FROM named_type) AS b ON b.class = d.refclassid AND b.oid = d.refobjid
 WHERE d.deptype = 'n'
UNION
SELECT a.id, b.id, 'function'
  FROM pg_depend AS d
  JOIN pg_attrdef AS v ON d.classid = 'pg_attrdef'::regclass AND v.oid = d.objid
  JOIN relation AS a ON a.oid = v.adrelid
  JOIN routine AS b ON d.refclassid = 'pg_proc'::regclass AND b.oid = d.refobjid
UNION
SELECT a.id, b.id, 'function'
  FROM pg_depend AS d
  JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid
  JOIN relation AS a ON a.oid = k.conrelid
  JOIN routine AS b ON d.refclassid = 'pg_proc'::regclass AND b.oid = d.refobjid
UNION
SELECT a.id, b.id, 'type'
  FROM pg_attribute AS t
  JOIN relation AS a ON a.oid = t.attrelid
  JOIN named_type AS b ON b.oid = t.atttypid
 WHERE t.attnum > 0 AND NOT t.attisdropped
UNION
SELECT a.id, b.id, 'type'
  FROM pg_type AS t JOIN named_type AS a ON a.oid = t.oid JOIN named_type AS b ON b.oid = t.typbasetype
 ORDER BY 1, 2, 3;
