-- Collations; the locale columns differ between versions and are read through jsonb. The recorded version is left out.
SELECT 'collation ' || quote_ident(n.nspname) || '.' || quote_ident(c.collname) AS object,
       NULL AS part,
       pg_get_userbyid(c.collowner) AS owner,
       c.collprovider::text AS provider,
       c.collisdeterministic AS deterministic,
       NULLIF(c.collencoding, -1) AS encoding,
       c.collcollate AS collate,
       c.collctype AS ctype,
       COALESCE(to_jsonb(c) ->> 'colllocale', to_jsonb(c) ->> 'colliculocale') AS locale,
       to_jsonb(c) ->> 'collicurules' AS rules,
       d.description AS comment
  FROM pg_collation AS c
  JOIN pg_namespace AS n ON n.oid = c.collnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_collation'::regclass AND d.objoid = c.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_collation'::regclass AND e.objid = c.oid AND e.deptype = 'e');
