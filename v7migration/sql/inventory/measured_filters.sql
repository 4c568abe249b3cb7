-- The columns by which an index finds rows of file_audit, one row each, whether or not this role may read them.
SELECT DISTINCT a.attname::text, am.amname = 'gin'
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_am AS am ON am.oid = c.relam
  JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
  JOIN pg_type AS t ON t.oid = a.atttypid
 WHERE i.indrelid = to_regclass('public.file_audit') AND i.indisvalid AND i.indpred IS NULL
   AND (am.amname IN ('btree', 'hash', 'brin') OR am.amname = 'gin' AND (t.typcategory = 'A' OR t.typname = 'jsonb'))
 ORDER BY 1, 2;
