-- How many tables and indexes there are, beside those whose sizes are listed.
SELECT (SELECT count(*) FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
         WHERE c.relkind IN ('r', 'p', 'm') AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'),
       (SELECT count(*) FROM pg_stat_user_indexes);
