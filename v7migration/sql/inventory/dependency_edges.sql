-- Who needs whom, by catalog and oid: both ends, the kind, the name of what makes the edge, and the column it speaks of
-- (of a foreign key both sides' columns).
WITH carrier (type, catalog, object) AS MATERIALIZED (
    -- What a type stands for: an array for its element, a row type for its relation, a multirange for its range.
    SELECT t.oid, CASE WHEN b.typrelid <> 0 THEN 'relation' ELSE 'type' END, CASE WHEN b.typrelid <> 0 THEN b.typrelid ELSE b.oid END
      FROM pg_type AS t
      LEFT JOIN pg_range AS r ON r.rngmultitypid = t.oid
      LEFT JOIN pg_type AS e ON e.typarray = t.oid
      JOIN pg_type AS b ON b.oid = COALESCE(r.rngtypid, e.oid, t.oid)
), owned (sequence, relation) AS MATERIALIZED (
    SELECT d.objid, d.refobjid
      FROM pg_depend AS d JOIN pg_class AS s ON s.oid = d.objid AND s.relkind = 'S'
     WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
), needing (class, oid, catalog, object, kind, name) AS MATERIALIZED (
    SELECT 'pg_rewrite'::regclass, r.oid, 'relation', r.ev_class, CASE r.rulename WHEN '_RETURN' THEN 'view' ELSE 'rule' END,
           NULLIF(r.rulename, '_RETURN')
      FROM pg_rewrite AS r
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 'routine', p.oid, 'function', NULL FROM pg_proc AS p
    UNION ALL
    SELECT 'pg_trigger'::regclass, t.oid, 'relation', t.tgrelid, 'trigger', t.tgname
      FROM pg_trigger AS t WHERE NOT t.tgisinternal AND t.tgparentid = 0
    UNION ALL
    SELECT 'pg_policy'::regclass, p.oid, 'relation', p.polrelid, 'policy', p.polname FROM pg_policy AS p
    UNION ALL
    SELECT 'pg_attrdef'::regclass, v.oid, 'relation', v.adrelid, 'default', a.attname
      FROM pg_attrdef AS v JOIN pg_attribute AS a ON a.attrelid = v.adrelid AND a.attnum = v.adnum
      JOIN pg_class AS c ON c.oid = v.adrelid WHERE NOT c.relispartition
    UNION ALL
    SELECT 'pg_constraint'::regclass, k.oid, CASE WHEN k.conrelid <> 0 THEN 'relation' ELSE 'type' END,
           CASE WHEN k.conrelid <> 0 THEN k.conrelid ELSE k.contypid END, 'check', k.conname
      FROM pg_constraint AS k WHERE k.contype = 'c' AND k.conislocal
    UNION ALL
    SELECT 'pg_class'::regclass, i.indexrelid, 'relation', i.indrelid, 'index', c.relname
      FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid WHERE NOT c.relispartition
    UNION ALL
    SELECT 'pg_class'::regclass, c.oid, 'relation', c.oid, 'table', NULL FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'f')
), needed (class, oid, catalog, object) AS MATERIALIZED (
    SELECT 'pg_class'::regclass, c.oid, 'relation', COALESCE(o.relation, c.oid)
      FROM pg_class AS c LEFT JOIN owned AS o ON o.sequence = c.oid WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c', 'S')
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 'routine', p.oid FROM pg_proc AS p
    UNION ALL
    SELECT 'pg_type'::regclass, c.type, c.catalog, c.object FROM carrier AS c
)
SELECT 'relation' AS from_catalog, k.conrelid::bigint AS from_oid, 'relation' AS to_catalog, k.confrelid::bigint AS to_oid,
       'foreign key' AS kind, k.conname::text AS name,
       (SELECT ARRAY[string_agg(quote_ident(a.attname), ', ' ORDER BY u.n), string_agg(quote_ident(b.attname), ', ' ORDER BY u.n)]
          FROM unnest(k.conkey, k.confkey) WITH ORDINALITY AS u (mine, theirs, n)
          JOIN pg_attribute AS a ON a.attrelid = k.conrelid AND a.attnum = u.mine
          JOIN pg_attribute AS b ON b.attrelid = k.confrelid AND b.attnum = u.theirs) AS columns
  FROM pg_constraint AS k WHERE k.contype = 'f' AND k.conparentid = 0
UNION ALL
SELECT 'relation', i.inhrelid::bigint, 'relation', i.inhparent::bigint, 'inheritance', NULL, NULL FROM pg_inherits AS i
UNION ALL
SELECT n.catalog, n.object::bigint, t.catalog, t.object::bigint,
       CASE WHEN n.kind = 'default' AND t.class = 'pg_class'::regclass THEN 'sequence'
            WHEN n.kind IN ('default', 'check', 'index', 'table') THEN 'function' ELSE n.kind END,
       n.name::text, CASE WHEN n.kind IN ('view', 'rule', 'function', 'policy') THEN ARRAY[quote_ident(a.attname)] END
  FROM pg_depend AS d
  JOIN needing AS n ON n.class = d.classid AND n.oid = d.objid
  JOIN needed AS t ON t.class = d.refclassid AND t.oid = d.refobjid
  LEFT JOIN pg_attribute AS a ON d.refclassid = 'pg_class'::regclass AND a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
                             AND d.refobjsubid > 0
 WHERE (n.catalog, n.object) <> (t.catalog, t.object)
   AND (n.kind IN ('view', 'rule', 'function', 'policy') OR t.class = 'pg_proc'::regclass
        OR n.kind = 'default' AND t.class = 'pg_class'::regclass)
UNION ALL
SELECT 'relation', t.attrelid::bigint, c.catalog, c.object::bigint, 'type', NULL, ARRAY[quote_ident(t.attname)]
  FROM pg_attribute AS t JOIN pg_class AS r ON r.oid = t.attrelid AND r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
  JOIN carrier AS c ON c.type = t.atttypid
 WHERE t.attnum > 0 AND NOT t.attisdropped AND (c.catalog, c.object) <> ('relation', t.attrelid)
UNION ALL
SELECT 'type', t.oid::bigint, c.catalog, c.object::bigint, 'type', NULL, NULL
  FROM pg_type AS t JOIN carrier AS c ON c.type = t.typbasetype WHERE t.typtype = 'd'
UNION ALL
SELECT 'type', r.rngtypid::bigint, c.catalog, c.object::bigint, 'type', NULL, NULL
  FROM pg_range AS r JOIN carrier AS c ON c.type = r.rngsubtype;
