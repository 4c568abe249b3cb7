-- The object that these are an inner part of (a view of its rule, a column of its default, a constraint of its index).
SELECT DISTINCT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid
  FROM unnest(%(classes)s::oid[], %(objects)s::oid[], %(parts)s::int[]) AS w (class, object, part)
  JOIN pg_depend AS d ON d.classid = w.class AND d.objid = w.object AND d.objsubid = w.part
 WHERE (d.deptype = 'i' OR (d.deptype = 'a' AND d.classid = 'pg_attrdef'::regclass))
   AND (d.classid, d.objid) IS DISTINCT FROM (d.refclassid, d.refobjid);
