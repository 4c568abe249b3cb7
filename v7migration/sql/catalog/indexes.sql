-- Indexes, those of constraints too.
SELECT CASE c.relkind WHEN 'm' THEN 'materialized view ' ELSE 'table ' END
         || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS object,
       'index ' || quote_ident(x.relname) AS part,
       pg_get_indexdef(i.indexrelid) AS definition,
       NOT i.indisvalid AS invalid,
       i.indisclustered AS clustered,
       i.indisreplident AS "replica identity",
       ts.spcname AS tablespace,
       (SELECT quote_ident(p.relname) FROM pg_inherits AS h JOIN pg_class AS p ON p.oid = h.inhparent
         WHERE h.inhrelid = i.indexrelid) AS "partition of",
       (SELECT array_agg(a.attnum || ': ' || a.attstattarget ORDER BY a.attnum) FROM pg_attribute AS a
         WHERE a.attrelid = i.indexrelid AND a.attstattarget >= 0) AS "statistics targets",
       d.description AS comment
  FROM pg_index AS i
  JOIN pg_class AS x ON x.oid = i.indexrelid
  JOIN pg_class AS c ON c.oid = i.indrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_tablespace AS ts ON ts.oid = x.reltablespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_class'::regclass AND d.objoid = x.oid AND d.objsubid = 0
 WHERE c.relkind IN ('r', 'p', 'm')
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid AND e.deptype = 'e');
