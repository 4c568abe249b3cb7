-- Relations, routines and named types with their catalog, oid and kind; those of the system and of extensions are left out.
-- Columns: catalog, oid, id (quoted where it must be), kind, the table that a partition is a part of, schema, name.
WITH place AS MATERIALIZED (
    SELECT oid, nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
), foreign_member AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
)
SELECT 'relation' AS catalog, c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS id,
       CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f' THEN 'foreign table'
                      WHEN 'S' THEN 'sequence' WHEN 'c' THEN 'composite type' ELSE 'table' END,
       (SELECT i.inhparent::bigint FROM pg_inherits AS i WHERE i.inhrelid = c.oid AND c.relispartition),
       n.nspname::text, c.relname::text
  FROM pg_class AS c JOIN place AS n ON n.oid = c.relnamespace
 WHERE (c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
        OR c.relkind = 'S' AND NOT EXISTS (SELECT FROM pg_depend AS o
                                            WHERE o.classid = 'pg_class'::regclass AND o.objid = c.oid
                                              AND o.refclassid = 'pg_class'::regclass AND o.deptype IN ('a', 'i')))
   AND NOT EXISTS (SELECT FROM foreign_member AS e WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
   AND NOT EXISTS (SELECT FROM foreign_member AS e WHERE e.classid = 'pg_type'::regclass AND e.objid = c.reltype)
UNION ALL
SELECT 'routine', p.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')',
       CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, NULL, n.nspname, p.proname
  FROM pg_proc AS p JOIN place AS n ON n.oid = p.pronamespace
 WHERE NOT EXISTS (SELECT FROM foreign_member AS e WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
   AND NOT EXISTS (SELECT FROM pg_depend AS i
                    WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i'
                      AND i.refclassid = 'pg_type'::regclass)
UNION ALL
SELECT 'type', t.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(t.typname),
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' ELSE 'range' END, NULL, n.nspname, t.typname
  FROM pg_type AS t JOIN place AS n ON n.oid = t.typnamespace
 WHERE t.typtype IN ('e', 'd', 'r')
   AND NOT EXISTS (SELECT FROM foreign_member AS e WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid)
 ORDER BY 3, 2;
