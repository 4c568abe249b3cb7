-- What uses each enum type: columns (also of arrays, domains, ranges and composites over it) and whatever depends on those.
-- Each use in words, and as kind, object, column (or NULL), name of its own (or NULL) and definition (or NULL; also where
-- a constraint or an index is a parent table's, which keeps it up to date), and the schema of constraints and indexes.
WITH RECURSIVE edge (type, carrier) AS MATERIALIZED (
    SELECT typbasetype, oid FROM pg_type WHERE typbasetype <> 0
    UNION ALL SELECT typelem, oid FROM pg_type WHERE typelem <> 0
    UNION ALL SELECT rngsubtype, rngtypid FROM pg_range
    UNION ALL SELECT rngsubtype, rngmultitypid FROM pg_range
    UNION ALL SELECT a.atttypid, c.reltype FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
               WHERE c.reltype <> 0 AND a.attnum > 0 AND NOT a.attisdropped
), carrier (enum, type) AS (
    SELECT oid, oid FROM pg_type WHERE typtype = 'e'
    UNION
    SELECT c.enum, e.carrier FROM carrier AS c JOIN edge AS e ON e.type = c.type
), row_type AS MATERIALIZED (
    -- A table's row type and its array: a column of it holds the table's types, a function that takes it names none.
    SELECT unnest(ARRAY[t.oid, t.typarray]) AS type
      FROM pg_type AS t JOIN pg_class AS c ON c.oid = t.typrelid WHERE c.relkind <> 'c'
), member AS MATERIALIZED (
    SELECT m.enum, a.attrelid, a.attnum, a.attname, c.relkind, n.nspname, c.relname
      FROM carrier AS m
      JOIN pg_attribute AS a ON a.atttypid = m.type AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_class AS c ON c.oid = a.attrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
), dependent AS (
    SELECT m.enum, d.classid, d.objid, d.objsubid
      FROM carrier AS m JOIN pg_depend AS d ON d.refclassid = 'pg_type'::regclass AND d.refobjid = m.type
     WHERE m.type NOT IN (SELECT type FROM row_type)
    UNION
    SELECT m.enum, d.classid, d.objid, d.objsubid
      FROM member AS m
      JOIN pg_depend AS d ON d.refclassid = 'pg_class'::regclass AND d.refobjid = m.attrelid AND d.refobjsubid = m.attnum
     WHERE m.relkind IN ('r', 'p', 'f', 'm', 'v')
)
SELECT enum::bigint, nspname || '.' || relname || '.' || attname, 'column', nspname || '.' || relname, attname::text,
       NULL::text, NULL::text, nspname::text
  FROM member WHERE relkind IN ('r', 'p', 'f')
UNION
SELECT enum::bigint, k.kind || ' ' || nspname || '.' || relname, k.kind, nspname || '.' || relname, NULL, NULL, NULL,
       nspname
  FROM member CROSS JOIN LATERAL (SELECT CASE relkind WHEN 'm' THEN 'materialized view' ELSE 'view' END) AS k (kind)
 WHERE relkind IN ('v', 'm')
UNION
SELECT enum::bigint, 'type ' || nspname || '.' || relname || ' (attribute ' || attname || ')', 'attribute',
       nspname || '.' || relname, attname, NULL, NULL, nspname
  FROM member WHERE relkind = 'c'
UNION
SELECT m.enum::bigint, k.kind || ' ' || n.nspname || '.' || t.typname, k.kind, n.nspname || '.' || t.typname, NULL, NULL, NULL,
       n.nspname
  FROM carrier AS m JOIN pg_type AS t ON t.oid = m.type JOIN pg_namespace AS n ON n.oid = t.typnamespace
 CROSS JOIN LATERAL (SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'range' END) AS k (kind)
 WHERE t.typtype IN ('d', 'r')
UNION
SELECT m.enum::bigint, m.nspname || '.' || m.relname || ' (partition key)', 'partition key', m.nspname || '.' || m.relname,
       m.attname, NULL, NULL, m.nspname
  FROM member AS m JOIN pg_partitioned_table AS p ON p.partrelid = m.attrelid AND m.attnum = ANY (p.partattrs::int2[])
UNION
SELECT d.enum::bigint, n.nspname || '.' || c.relname || ' (partition key)', 'partition key', n.nspname || '.' || c.relname,
       NULL, NULL, pg_get_partkeydef(c.oid), n.nspname
  FROM dependent AS d
  JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND d.objsubid = 0
  JOIN pg_partitioned_table AS p ON p.partrelid = c.oid AND p.partexprs IS NOT NULL
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
UNION
SELECT d.enum::bigint, n.nspname || '.' || c.relname || '.' || a.attname || ' (' || k.kind || ')', k.kind,
       n.nspname || '.' || c.relname, a.attname, NULL, pg_get_expr(v.adbin, v.adrelid), n.nspname
  FROM dependent AS d
  JOIN pg_attrdef AS v ON d.classid = 'pg_attrdef'::regclass AND v.oid = d.objid
  JOIN pg_attribute AS a ON a.attrelid = v.adrelid AND a.attnum = v.adnum
  JOIN pg_class AS c ON c.oid = v.adrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT CASE a.attgenerated WHEN '' THEN 'default' ELSE 'generated' END) AS k (kind)
UNION
SELECT d.enum::bigint, 'domain ' || n.nspname || '.' || t.typname || ' (default)', 'domain default', n.nspname || '.' || t.typname,
       NULL, NULL, pg_get_expr(t.typdefaultbin, 0), n.nspname
  FROM dependent AS d
  JOIN pg_type AS t ON d.classid = 'pg_type'::regclass AND t.oid = d.objid AND t.typtype = 'd' AND t.typdefaultbin IS NOT NULL
  JOIN pg_namespace AS n ON n.oid = t.typnamespace
UNION
SELECT d.enum::bigint, n.nspname || '.' || COALESCE(c.relname, t.typname) || ' (' || s.kind || ' constraint ' || k.conname || ')',
       s.kind, n.nspname || '.' || COALESCE(c.relname, t.typname), NULL, k.conname,
       CASE WHEN k.coninhcount = 0 AND k.conparentid = 0 AND k.conrelid <> 0 THEN pg_get_constraintdef(k.oid) END, n.nspname
  FROM dependent AS d
  JOIN pg_constraint AS k ON d.classid = 'pg_constraint'::regclass AND k.oid = d.objid AND k.contype IN ('c', 'f', 'p', 'u', 'x')
  LEFT JOIN pg_class AS c ON c.oid = k.conrelid
  LEFT JOIN pg_type AS t ON t.oid = k.contypid
  JOIN pg_namespace AS n ON n.oid = COALESCE(c.relnamespace, t.typnamespace)
 CROSS JOIN LATERAL (SELECT CASE k.contype WHEN 'c' THEN 'check' WHEN 'f' THEN 'foreign key' WHEN 'p' THEN 'primary key'
                                           WHEN 'u' THEN 'unique' ELSE 'exclusion' END) AS s (kind)
UNION
SELECT d.enum::bigint, 'index ' || n.nspname || '.' || c.relname, 'index', n.nspname || '.' || t.relname, NULL, c.relname,
       CASE WHEN NOT c.relispartition
            THEN replace(pg_get_indexdef(c.oid), quote_ident(c.relname) || ' ON ONLY ', quote_ident(c.relname) || ' ON ') END,
       n.nspname
  FROM dependent AS d
  JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid AND c.relkind IN ('i', 'I')
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  JOIN pg_index AS i ON i.indexrelid = c.oid
  JOIN pg_class AS t ON t.oid = i.indrelid
UNION
SELECT d.enum::bigint, CASE WHEN r.rulename <> '_RETURN' THEN 'rule ' || r.rulename || ' on ' ELSE k.kind || ' ' END
       || n.nspname || '.' || c.relname, k.kind, n.nspname || '.' || c.relname, NULL,
       CASE WHEN r.rulename <> '_RETURN' THEN r.rulename::text END, NULL, n.nspname
  FROM dependent AS d
  JOIN pg_rewrite AS r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
  JOIN pg_class AS c ON c.oid = r.ev_class JOIN pg_namespace AS n ON n.oid = c.relnamespace
 CROSS JOIN LATERAL (SELECT CASE WHEN r.rulename <> '_RETURN' THEN 'rule'
                                 WHEN c.relkind = 'm' THEN 'materialized view' ELSE 'view' END) AS k (kind)
UNION
SELECT d.enum::bigint, k.kind || ' ' || f.signature, k.kind, f.signature, NULL, NULL, NULL, n.nspname
  FROM dependent AS d
  JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
 CROSS JOIN LATERAL (SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END) AS k (kind)
 CROSS JOIN LATERAL (SELECT n.nspname || '.' || p.proname || '(' || oidvectortypes(p.proargtypes) || ')') AS f (signature)
 WHERE NOT EXISTS (SELECT FROM pg_depend AS i WHERE i.classid = 'pg_proc'::regclass AND i.objid = p.oid AND i.deptype = 'i'
                                                AND i.refclassid = 'pg_type'::regclass)
UNION
SELECT d.enum::bigint, pg_describe_object(d.classid, d.objid, d.objsubid),
       i.type, i.identity, NULL, NULL, NULL, NULL
  FROM dependent AS d
 CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, d.objsubid) AS i
 WHERE d.classid NOT IN ('pg_type'::regclass, 'pg_class'::regclass, 'pg_attrdef'::regclass, 'pg_constraint'::regclass,
                         'pg_rewrite'::regclass, 'pg_proc'::regclass)
   AND NOT EXISTS (SELECT FROM pg_cast AS k JOIN pg_range AS r ON r.rngtypid = k.castsource
                    WHERE d.classid = 'pg_cast'::regclass AND k.oid = d.objid);
