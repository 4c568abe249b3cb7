-- Extensions: version and schema stand for all their members.
SELECT 'extension ' || quote_ident(x.extname) AS object,
       NULL AS part,
       x.extversion AS version,
       n.nspname AS schema,
       d.description AS comment
  FROM pg_extension AS x
  JOIN pg_namespace AS n ON n.oid = x.extnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_extension'::regclass AND d.objoid = x.oid AND d.objsubid = 0
 WHERE n.nspname <> ALL (%(excluded)s::text[]);
