-- Locks on relations of users that this session, or one of the runner's, holds outside its own look at the catalogs;
-- transactions that this role prepared and nobody ended hold theirs for ever.
SELECT l.mode || ' on ' || l.relation::regclass::text || ' by process ' || l.pid
FROM pg_locks AS l JOIN pg_stat_activity AS a USING (pid)
WHERE l.locktype = 'relation' AND l.relation >= 16384
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND (l.pid = pg_backend_pid() OR a.application_name ~ '^v7_(execute|rollback)\M')
UNION ALL
SELECT 'prepared transaction ' || quote_literal(gid)
FROM pg_prepared_xacts
WHERE database = current_database() AND owner = current_user
ORDER BY 1
