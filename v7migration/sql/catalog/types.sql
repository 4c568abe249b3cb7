-- Enums with their labels in order, domains, ranges, base and shell types; composite types are relations.
SELECT 'type ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname) AS object,
       NULL AS part,
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' WHEN 'p' THEN 'shell'
                      ELSE 'base' END AS kind,
       pg_get_userbyid(t.typowner) AS owner,
       (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder) FROM pg_enum AS e WHERE e.enumtypid = t.oid) AS labels,
       CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) END AS base,
       t.typtype = 'd' AND t.typnotnull AS "not null",
       COALESCE(pg_get_expr(t.typdefaultbin, 0), t.typdefault) AS default,
       CASE WHEN t.typtype = 'd' AND t.typcollation NOT IN (0, b.typcollation)
            THEN t.typcollation::regcollation::text END AS collation,
       format_type(r.rngsubtype, NULL) AS subtype,
       r.rngmultitypid::regtype::text AS multirange,
       NULLIF(r.rngcollation, 0)::regcollation::text AS "subtype collation",
       (SELECT quote_ident(cn.nspname) || '.' || quote_ident(c.opcname)
          FROM pg_opclass AS c JOIN pg_namespace AS cn ON cn.oid = c.opcnamespace WHERE c.oid = r.rngsubopc) AS "subtype operator class",
       NULLIF(r.rngcanonical::text, '-') AS canonical,
       NULLIF(r.rngsubdiff::text, '-') AS "subtype difference",
       CASE t.typtype WHEN 'b' THEN ARRAY['input ' || t.typinput, 'output ' || t.typoutput, 'receive ' || t.typreceive,
            'send ' || t.typsend, 'modifier input ' || t.typmodin, 'modifier output ' || t.typmodout,
            'analyze ' || t.typanalyze, 'length ' || t.typlen, 'alignment ' || t.typalign::text,
            'storage ' || t.typstorage::text, 'category ' || t.typcategory::text, 'preferred ' || t.typispreferred,
            'delimiter ' || t.typdelim::text, 'by value ' || t.typbyval, 'collatable ' || (t.typcollation <> 0),
            'element ' || format_type(NULLIF(t.typelem, 0), NULL)] END AS "base facts",
       d.description AS comment
  FROM pg_type AS t
  JOIN pg_namespace AS n ON n.oid = t.typnamespace
  LEFT JOIN pg_type AS b ON b.oid = t.typbasetype
  LEFT JOIN pg_range AS r ON r.rngtypid = t.oid
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_type'::regclass AND d.objoid = t.oid AND d.objsubid = 0
 WHERE t.typtype IN ('b', 'd', 'e', 'p', 'r') AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid)
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_type'::regclass AND e.objid = t.oid AND e.deptype = 'e');
