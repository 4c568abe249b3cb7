-- Every table column that holds an enum type, with its shape (scalar, array, other) and what the statistics say of it.
-- Domains keep the shape of what they are over; a range, a composite or an array of arrays is "other".
WITH RECURSIVE edge (type, carrier, step) AS MATERIALIZED (
    SELECT typbasetype, oid, 'domain' FROM pg_type WHERE typbasetype <> 0
    UNION ALL SELECT typelem, oid, 'array' FROM pg_type WHERE typelem <> 0
    UNION ALL SELECT rngsubtype, rngtypid, 'other' FROM pg_range
    UNION ALL SELECT rngsubtype, rngmultitypid, 'other' FROM pg_range
    UNION ALL SELECT a.atttypid, c.reltype, 'other' FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
               WHERE c.reltype <> 0 AND a.attnum > 0 AND NOT a.attisdropped
), carrier (enum, type, shape, domain) AS (
    SELECT oid, oid, 'scalar', false FROM pg_type WHERE typtype = 'e'
    UNION
    SELECT c.enum, e.carrier,
           CASE WHEN e.step = 'domain' THEN c.shape WHEN e.step = 'array' AND c.shape = 'scalar' THEN 'array' ELSE 'other' END,
           e.step <> 'other' AND (c.domain OR e.step = 'domain') AND NOT (e.step = 'array' AND c.shape <> 'scalar')
      FROM carrier AS c JOIN edge AS e ON e.type = c.type
)
SELECT m.enum::bigint AS enum, n.nspname::text AS schema, c.relname::text AS table, a.attname::text AS column,
       c.relkind::text AS kind, m.shape, m.domain, format_type(a.atttypid, NULL) AS type,
       CASE WHEN a.attgenerated = '' THEN pg_get_expr(d.adbin, d.adrelid) END AS default,
       a.attgenerated <> '' AS generated, a.attinhcount > 0 AS inherited,
       c.reltuples::bigint AS reltuples, s.null_frac, s.n_distinct,
       s.most_common_vals::text::text[] AS common, s.most_common_freqs AS frequencies,
       s.histogram_bounds::text::text[] AS others,
       s.most_common_elems::text::text[] AS elements, s.most_common_elem_freqs AS element_frequencies
  FROM carrier AS m
  JOIN pg_attribute AS a ON a.atttypid = m.type AND a.attnum > 0 AND NOT a.attisdropped
  JOIN pg_class AS c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f')
  JOIN pg_namespace AS n ON n.oid = c.relnamespace AND n.nspname !~ '^pg_(toast|temp)'
  LEFT JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_stats AS s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
 ORDER BY 1, 2, 3, a.attnum;
