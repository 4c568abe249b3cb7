-- The foreign keys of one column from and to file_audit, whether or not this role may read both sides.
SELECT DISTINCT cn.nspname::text, c.relname::text, ca.attname::text, pn.nspname::text, p.relname::text, pa.attname::text
  FROM pg_constraint AS k
  JOIN pg_class AS c ON c.oid = k.conrelid
  JOIN pg_namespace AS cn ON cn.oid = c.relnamespace
  JOIN pg_attribute AS ca ON ca.attrelid = k.conrelid AND ca.attnum = k.conkey[1]
  JOIN pg_class AS p ON p.oid = k.confrelid
  JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
  JOIN pg_attribute AS pa ON pa.attrelid = k.confrelid AND pa.attnum = k.confkey[1]
 WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1
   AND to_regclass('public.file_audit') IN (k.conrelid, k.confrelid)
 ORDER BY 1, 2, 3, 4, 5, 6;
