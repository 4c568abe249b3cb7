-- The logical order of columns; what a table only inherits is left out, since a restored child has it in front.
SELECT CASE c.relkind WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'type ' ELSE 'table ' END
         || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS object,
       NULL AS part,
       array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS "column order"
  FROM pg_attribute AS a
  JOIN pg_class AS c ON c.oid = a.attrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
   AND (a.attislocal OR c.relispartition)
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.deptype = 'e' AND ((e.classid = 'pg_class'::regclass AND e.objid = c.oid)
                          OR (e.classid = 'pg_type'::regclass AND c.relkind = 'c' AND e.objid = c.reltype)))
 GROUP BY c.oid, c.relkind, n.nspname, c.relname;
