-- Bodies of functions written as text, where the catalogs record no dependency.
SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END
         || n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')',
       p.prosrc
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_language AS l ON l.oid = p.prolang
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prosrc <> '' AND l.lanname NOT IN ('c', 'internal')
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e')
 ORDER BY 1;
