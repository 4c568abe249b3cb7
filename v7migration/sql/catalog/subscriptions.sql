-- Subscriptions of this database, without their connection strings (which hold secrets and need a superuser).
SELECT 'subscription ' || quote_ident(s.subname) AS object,
       NULL AS part,
       pg_get_userbyid(s.subowner) AS owner,
       s.subenabled AS enabled,
       s.subslotname AS slot,
       s.subsynccommit AS "synchronous commit",
       (SELECT array_agg(p ORDER BY p COLLATE "C") FROM unnest(s.subpublications) AS p) AS publications,
       d.description AS comment
  FROM pg_subscription AS s
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_subscription'::regclass AND d.objoid = s.oid AND d.objsubid = 0
 WHERE s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database());
