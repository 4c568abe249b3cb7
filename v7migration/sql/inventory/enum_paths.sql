-- The ways from a column's value to the values of an enum type inside it, each a list of steps, the outermost first:
-- ["domain", null], ["array", null] (a multirange too), ["range", null] or ["attribute", name].
WITH RECURSIVE edge (type, carrier, step, name) AS MATERIALIZED (
    SELECT typbasetype, oid, 'domain', NULL::text FROM pg_type WHERE typbasetype <> 0
    UNION ALL SELECT typelem, oid, 'array', NULL FROM pg_type WHERE typelem <> 0
    UNION ALL SELECT rngsubtype, rngtypid, 'range', NULL FROM pg_range
    UNION ALL SELECT rngtypid, rngmultitypid, 'array', NULL FROM pg_range
    UNION ALL SELECT a.atttypid, c.reltype, 'attribute', a.attname FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
               WHERE c.reltype <> 0 AND a.attnum > 0 AND NOT a.attisdropped
), way (type, steps, seen) AS (
    SELECT t.oid, '[]'::jsonb, ARRAY[t.oid]
      FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
     WHERE t.typtype = 'e' AND n.nspname = %(type_schema)s AND t.typname = %(type_name)s
    UNION ALL
    SELECT e.carrier, jsonb_build_array(jsonb_build_array(e.step, e.name)) || w.steps, w.seen || e.carrier
      FROM way AS w JOIN edge AS e ON e.type = w.type WHERE e.carrier <> ALL (w.seen)
)
SELECT w.steps
  FROM way AS w
  JOIN pg_attribute AS a ON a.atttypid = w.type
  JOIN pg_class AS c ON c.oid = a.attrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = %(schema)s AND c.relname = %(table)s AND a.attname = %(column)s
 ORDER BY w.steps;
