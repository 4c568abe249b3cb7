-- Tables that another session has locked against reading, and who it is.
SELECT 'table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname), n.nspname, c.relname,
       'locked by process ' || l.pid
         || COALESCE(' (' || concat_ws(', ', NULLIF(a.application_name, ''), 'role ' || a.usename) || ')', '')
  FROM pg_locks AS l
  JOIN pg_class AS c ON c.oid = l.relation
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_stat_activity AS a ON a.pid = l.pid
 WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.granted AND l.pid <> pg_backend_pid()
   AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND c.relkind IN ('r', 'p', 'm', 'v', 'f') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 ORDER BY 1, l.pid;
