-- Schemas with owner and comment.
SELECT 'schema ' || quote_ident(n.nspname) AS object,
       NULL AS part,
       pg_get_userbyid(n.nspowner) AS owner,
       d.description AS comment
  FROM pg_namespace AS n
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_namespace'::regclass AND d.objoid = n.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_namespace'::regclass AND e.objid = n.oid AND e.deptype = 'e');
