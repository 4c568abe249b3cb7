-- Sessions of the runner and of rollbacks beside this one, by name.
SELECT pid, application_name, coalesce(state, '')
FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name ~ '^v7_(execute|rollback)\M'
ORDER BY pid
