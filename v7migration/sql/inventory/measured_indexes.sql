-- Indexes in bytes with their use since the statistics began: those of file_audit and ours, then the largest, 120 at most.
SELECT s.schemaname || '.' || s.indexrelname, s.schemaname || '.' || s.relname, s.idx_scan, s.idx_tup_read,
       pg_relation_size(s.indexrelid), i.indisvalid
  FROM pg_stat_user_indexes AS s JOIN pg_index AS i ON i.indexrelid = s.indexrelid
 ORDER BY s.relname <> 'file_audit' AND s.relname !~ '^v7_', pg_relation_size(s.indexrelid) DESC, 1
 LIMIT 120;
