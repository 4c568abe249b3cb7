-- Indexes of public.file_audit that are not valid, or that an interrupted build left behind.
SELECT c.relname
FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
WHERE i.indrelid = to_regclass('public.file_audit') AND NOT (i.indisvalid AND i.indisready)
ORDER BY 1
