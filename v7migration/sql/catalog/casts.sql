-- Casts, conversions and transforms that are not built in.
SELECT 'cast (' || format_type(c.castsource, NULL) || ' as ' || format_type(c.casttarget, NULL) || ')' AS object,
       NULL AS part,
       NULL AS owner,
       NULLIF(c.castfunc, 0)::regprocedure::text AS function,
       c.castcontext::text AS context,
       c.castmethod::text AS method,
       NULL AS encodings,
       d.description AS comment
  FROM pg_cast AS c
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_cast'::regclass AND d.objoid = c.oid AND d.objsubid = 0
 WHERE c.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_cast'::regclass AND e.objid = c.oid AND e.deptype = 'e')
   AND NOT EXISTS (SELECT FROM pg_range AS r WHERE r.rngtypid = c.castsource AND r.rngmultitypid = c.casttarget)
UNION ALL
SELECT 'conversion ' || quote_ident(n.nspname) || '.' || quote_ident(c.conname),
       NULL,
       pg_get_userbyid(c.conowner),
       c.conproc::oid::regprocedure::text,
       CASE WHEN c.condefault THEN 'default' END,
       NULL,
       pg_encoding_to_char(c.conforencoding) || ' to ' || pg_encoding_to_char(c.contoencoding),
       d.description
  FROM pg_conversion AS c
  JOIN pg_namespace AS n ON n.oid = c.connamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_conversion'::regclass AND d.objoid = c.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_conversion'::regclass AND e.objid = c.oid AND e.deptype = 'e')
UNION ALL
SELECT 'transform for ' || format_type(f.trftype, NULL) || ' language ' || quote_ident(l.lanname),
       NULL, NULL, f.trffromsql::oid::regprocedure::text, NULL, f.trftosql::oid::regprocedure::text, NULL, NULL
  FROM pg_transform AS f
  JOIN pg_language AS l ON l.oid = f.trflang
 WHERE NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_transform'::regclass AND e.objid = f.oid AND e.deptype = 'e');
