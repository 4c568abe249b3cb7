-- Tables that pg_dump may not lock and read as this role, and why; members of extensions are no part of a dump.
SELECT 'table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), n.nspname, c.relname,
       'permission denied: the role ' || quote_ident(current_user) || ' has no '
         || CASE WHEN has_schema_privilege(n.oid, 'USAGE') THEN 'SELECT on the table'
                 ELSE 'USAGE on the schema ' || quote_ident(n.nspname) END
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
   AND NOT (has_schema_privilege(n.oid, 'USAGE') AND has_table_privilege(c.oid,
            CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'SELECT, UPDATE, DELETE, TRUNCATE'
                 ELSE 'SELECT' END))
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e')
 ORDER BY 1;
