-- The application's views that this role may read, the most needed by other views first, 20 at most.
SELECT n.nspname::text, c.relname::text
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE (c.relkind = 'v' OR c.relkind = 'm' AND c.relispopulated)
   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'v7_monitoring')
   AND has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid, 'SELECT')
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
 ORDER BY (SELECT count(DISTINCT d.objid) FROM pg_depend AS d
            WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.classid = 'pg_rewrite'::regclass) DESC,
          1, 2
 LIMIT 20;
