-- How much of what this database read was in memory, since when the statistics count.
SELECT blks_hit, blks_read, deadlocks, temp_files, stats_reset FROM pg_stat_database WHERE datname = current_database();
