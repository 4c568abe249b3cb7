-- Tables with dead rows, the most first, 20 at most: rows alive and dead, and when they were last vacuumed and analysed.
SELECT schemaname || '.' || relname, n_live_tup, n_dead_tup, greatest(last_vacuum, last_autovacuum),
       greatest(last_analyze, last_autoanalyze)
  FROM pg_stat_user_tables WHERE n_dead_tup > 0
 ORDER BY n_dead_tup DESC, 1 LIMIT 20;
