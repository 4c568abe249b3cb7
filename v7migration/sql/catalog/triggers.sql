-- Triggers with their enabled state; those that partitions inherit only where their state differs.
SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'f' THEN 'foreign table ' ELSE 'table ' END
         || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS object,
       'trigger ' || quote_ident(t.tgname) AS part,
       pg_get_triggerdef(t.oid) AS definition,
       CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always'
                        ELSE CASE WHEN t.tgparentid <> 0 THEN 'origin' END END AS enabled,
       d.description AS comment
  FROM pg_trigger AS t
  JOIN pg_class AS c ON c.oid = t.tgrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_trigger AS p ON p.oid = t.tgparentid
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_trigger'::regclass AND d.objoid = t.oid AND d.objsubid = 0
 WHERE ((NOT t.tgisinternal AND t.tgparentid = 0)
        OR (t.tgparentid <> 0 AND NOT p.tgisinternal AND t.tgenabled <> p.tgenabled))
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e WHERE e.deptype = 'e'
                    AND ((e.classid = 'pg_class'::regclass AND e.objid = c.oid)
                         OR (e.classid = 'pg_trigger'::regclass AND e.objid = t.oid)));
