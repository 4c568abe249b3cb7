-- Which database this is: the cluster's identifier, the database's name and the server's version.
SELECT system_identifier::text, current_database(), current_setting('server_version_num')::int
  FROM pg_control_system();
