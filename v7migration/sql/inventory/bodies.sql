-- Bodies written as text, in which the catalogs record no dependency: the routine, its schema and own search_path,
-- language, text, and its kind with its name and arguments.
SELECT p.oid::bigint, n.nspname::text,
       (SELECT substr(s, 13) FROM unnest(p.proconfig) AS s WHERE s LIKE 'search\_path=%'), l.lanname::text, p.prosrc,
       CASE p.prokind WHEN 'p' THEN 'procedure ' ELSE 'function ' END
         || n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')'
  FROM pg_proc AS p
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  JOIN pg_language AS l ON l.oid = p.prolang
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND p.prosrc <> '' AND l.lanname NOT IN ('c', 'internal')
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e');
