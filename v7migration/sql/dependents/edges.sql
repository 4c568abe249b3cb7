-- Who hangs on these addresses, one level up, and how: deptype as in pg_depend.
SELECT DISTINCT d.classid, d.objid, d.objsubid, d.deptype::text, d.refclassid, d.refobjid, w.part
  FROM unnest(%(classes)s::oid[], %(objects)s::oid[], %(parts)s::int[]) AS w (class, object, part)
  JOIN pg_depend AS d
    ON d.refclassid = w.class AND d.refobjid = w.object AND (w.part = 0 OR d.refobjsubid = w.part)
 WHERE (d.classid, d.objid) IS DISTINCT FROM (d.refclassid, d.refobjid) OR d.objsubid <> 0
UNION
-- The columns of a table that goes: they are parts of it and have no entry of their own.
SELECT 'pg_class'::regclass, a.attrelid, a.attnum, 'column', w.class, w.object, w.part
  FROM unnest(%(classes)s::oid[], %(objects)s::oid[], %(parts)s::int[]) AS w (class, object, part)
  JOIN pg_class AS c ON w.class = 'pg_class'::regclass AND c.oid = w.object AND c.relkind IN ('r', 'p', 'f')
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attislocal
 WHERE w.part = 0;
