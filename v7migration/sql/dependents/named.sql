-- The addresses of the objects of these kinds and names, as far as they exist; a function's name means all its overloads.
WITH wanted AS (
    SELECT kind, name FROM unnest(%(kinds)s::text[], %(names)s::text[]) AS w (kind, name)
), relation AS (
    SELECT c.oid, c.relkind, n.nspname || '.' || c.relname AS name
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
)
SELECT w.kind, w.name, 'pg_class'::regclass::oid AS class, r.oid AS object, 0 AS part
  FROM wanted AS w JOIN relation AS r ON r.name = w.name
 WHERE (w.kind = 'table' AND r.relkind IN ('r', 'p', 'f')) OR (w.kind = 'view' AND r.relkind IN ('v', 'm'))
    OR (w.kind = 'index' AND r.relkind IN ('i', 'I')) OR (w.kind = 'sequence' AND r.relkind = 'S')
UNION ALL
SELECT w.kind, w.name, 'pg_class'::regclass::oid, r.oid, a.attnum
  FROM wanted AS w
  JOIN relation AS r ON starts_with(w.name, r.name || '.')
  JOIN pg_attribute AS a ON a.attrelid = r.oid AND r.name || '.' || a.attname = w.name AND NOT a.attisdropped
 WHERE w.kind = 'column'
UNION ALL
SELECT w.kind, w.name, 'pg_trigger'::regclass::oid, t.oid, 0
  FROM wanted AS w
  JOIN relation AS r ON starts_with(w.name, r.name || '.')
  JOIN pg_trigger AS t ON t.tgrelid = r.oid AND r.name || '.' || t.tgname = w.name
 WHERE w.kind = 'trigger'
UNION ALL
SELECT w.kind, w.name, 'pg_constraint'::regclass::oid, k.oid, 0
  FROM wanted AS w
  JOIN relation AS r ON starts_with(w.name, r.name || '.')
  JOIN pg_constraint AS k ON k.conrelid = r.oid AND r.name || '.' || k.conname = w.name
 WHERE w.kind = 'constraint'
UNION ALL
SELECT w.kind, w.name, 'pg_policy'::regclass::oid, p.oid, 0
  FROM wanted AS w
  JOIN relation AS r ON starts_with(w.name, r.name || '.')
  JOIN pg_policy AS p ON p.polrelid = r.oid AND r.name || '.' || p.polname = w.name
 WHERE w.kind = 'policy'
UNION ALL
SELECT w.kind, w.name, 'pg_namespace'::regclass::oid, n.oid, 0
  FROM wanted AS w JOIN pg_namespace AS n ON n.nspname = w.name
 WHERE w.kind = 'schema'
UNION ALL
SELECT w.kind, w.name, 'pg_proc'::regclass::oid, p.oid, 0
  FROM wanted AS w JOIN pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
  JOIN pg_proc AS p ON p.pronamespace = n.oid AND n.nspname || '.' || p.proname = w.name
 WHERE w.kind = 'function'
UNION ALL
SELECT w.kind, w.name, 'pg_type'::regclass::oid, t.oid, 0
  FROM wanted AS w JOIN pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
  JOIN pg_type AS t ON t.typnamespace = n.oid AND n.nspname || '.' || t.typname = w.name
 WHERE w.kind = 'type'
UNION ALL
SELECT w.kind, w.name, 'pg_statistic_ext'::regclass::oid, s.oid, 0
  FROM wanted AS w JOIN pg_namespace AS n ON starts_with(w.name, n.nspname || '.')
  JOIN pg_statistic_ext AS s ON s.stxnamespace = n.oid AND n.nspname || '.' || s.stxname = w.name
 WHERE w.kind = 'statistics'
UNION ALL
SELECT w.kind, w.name, 'pg_extension'::regclass::oid, e.oid, 0
  FROM wanted AS w JOIN pg_extension AS e ON e.extname = w.name
 WHERE w.kind = 'extension';
