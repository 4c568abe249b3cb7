-- Tables in bytes: file_audit and ours, then the largest, 60 at most; rows as the planner estimates them, NULL before anybody analyzed them.
SELECT n.nspname || '.' || c.relname, CASE WHEN c.reltuples >= 0 THEN c.reltuples::bigint END, pg_table_size(c.oid), pg_indexes_size(c.oid)
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY c.relname <> 'file_audit' AND c.relname !~ '^v7_', pg_total_relation_size(c.oid) DESC, 1
 LIMIT 60;
