-- Event triggers.
SELECT 'event trigger ' || quote_ident(t.evtname) AS object,
       NULL AS part,
       pg_get_userbyid(t.evtowner) AS owner,
       t.evtevent AS event,
       t.evtfoid::regprocedure::text AS function,
       (SELECT array_agg(g ORDER BY g COLLATE "C") FROM unnest(t.evttags) AS g) AS tags,
       CASE t.evtenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' WHEN 'A' THEN 'always' END AS enabled,
       d.description AS comment
  FROM pg_event_trigger AS t
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_event_trigger'::regclass AND d.objoid = t.oid AND d.objsubid = 0
 WHERE NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid AND e.deptype = 'e');
