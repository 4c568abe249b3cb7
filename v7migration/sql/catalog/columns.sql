-- Columns. Their order is the order of the rows (see column_order.sql), never attnum: dropped columns leave no trace.
SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
                      WHEN 'c' THEN 'type ' ELSE 'table ' END
         || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS object,
       'column ' || quote_ident(a.attname) AS part,
       format_type(a.atttypid, a.atttypmod) AS type,
       a.attnotnull AS "not null",
       k.convalidated IS FALSE AS "not null not validated",
       k.connoinherit IS TRUE AS "not null not inherited",
       CASE WHEN k.conislocal AND k.coninhcount = 0 THEN NULLIF(k.conname, c.relname || '_' || a.attname || '_not_null')
       END AS "not null name",
       pg_get_expr(v.adbin, v.adrelid) AS default,
       CASE a.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END AS generated,
       CASE a.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END AS identity,
       CASE WHEN a.attcollation NOT IN (0, t.typcollation)
            THEN quote_ident(ln.nspname) || '.' || quote_ident(l.collname) END AS collation,
       CASE WHEN a.attstorage <> t.typstorage THEN
            CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'x' THEN 'extended' ELSE 'main' END
       END AS storage,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
       NULLIF(a.attstattarget, -1) AS "statistics target",
       a.attoptions AS options,
       a.attfdwoptions AS "foreign options",
       NOT a.attislocal AND NOT c.relispartition AS inherited,
       d.description AS comment
  FROM pg_attribute AS a
  JOIN pg_class AS c ON c.oid = a.attrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_type AS t ON t.oid = a.atttypid
  LEFT JOIN pg_attrdef AS v ON v.adrelid = a.attrelid AND v.adnum = a.attnum
  LEFT JOIN pg_constraint AS k ON k.contype = 'n' AND k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]
  LEFT JOIN pg_collation AS l ON l.oid = a.attcollation
  LEFT JOIN pg_namespace AS ln ON ln.oid = l.collnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_class'::regclass AND d.objoid = c.oid AND d.objsubid = a.attnum
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND a.attnum > 0 AND NOT a.attisdropped
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.deptype = 'e' AND ((e.classid = 'pg_class'::regclass AND e.objid = c.oid)
                          OR (e.classid = 'pg_type'::regclass AND c.relkind = 'c' AND e.objid = c.reltype)))
 ORDER BY a.attrelid, a.attnum;
