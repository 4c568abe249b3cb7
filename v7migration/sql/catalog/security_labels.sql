-- Security labels, under the name that the server gives their object.
SELECT 'security label of ' || l.provider || ' on ' || l.objtype || ' ' || l.objname AS object,
       NULL AS part,
       l.label
  FROM pg_seclabels AS l
 WHERE l.objtype NOT IN ('database', 'role', 'tablespace')
   AND COALESCE(l.objnamespace::regnamespace::text <> ALL (%(excluded)s::text[]), true);
