-- Languages, access methods, foreign data wrappers, servers, and for whom user mappings exist (their options are secrets).
SELECT 'language ' || quote_ident(l.lanname) AS object,
       NULL AS part,
       pg_get_userbyid(l.lanowner) AS owner,
       ARRAY['trusted ' || l.lanpltrusted, 'handler ' || l.lanplcallfoid::regproc, 'inline ' || l.laninline::regproc,
             'validator ' || l.lanvalidator::regproc] AS facts,
       NULL::text[] AS options,
       d.description AS comment
  FROM pg_language AS l
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_language'::regclass AND d.objoid = l.oid AND d.objsubid = 0
 WHERE l.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_language'::regclass AND e.objid = l.oid AND e.deptype = 'e')
UNION ALL
SELECT 'access method ' || quote_ident(m.amname), NULL, NULL,
       ARRAY['type ' || m.amtype::text, 'handler ' || m.amhandler], NULL, d.description
  FROM pg_am AS m
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_am'::regclass AND d.objoid = m.oid AND d.objsubid = 0
 WHERE m.oid >= 16384
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_am'::regclass AND e.objid = m.oid AND e.deptype = 'e')
UNION ALL
SELECT 'foreign data wrapper ' || quote_ident(w.fdwname), NULL, pg_get_userbyid(w.fdwowner),
       ARRAY['handler ' || w.fdwhandler::regproc, 'validator ' || w.fdwvalidator::regproc],
       (SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(w.fdwoptions) AS o), d.description
  FROM pg_foreign_data_wrapper AS w
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_foreign_data_wrapper'::regclass AND d.objoid = w.oid AND d.objsubid = 0
 WHERE NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = w.oid AND e.deptype = 'e')
UNION ALL
SELECT 'server ' || quote_ident(s.srvname), NULL, pg_get_userbyid(s.srvowner),
       ARRAY['wrapper ' || quote_ident(w.fdwname), 'type ' || COALESCE(s.srvtype, ''), 'version ' || COALESCE(s.srvversion, '')],
       (SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(s.srvoptions) AS o), d.description
  FROM pg_foreign_server AS s
  JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_foreign_server'::regclass AND d.objoid = s.oid AND d.objsubid = 0
UNION ALL
SELECT 'user mapping for ' || CASE m.umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(m.umuser)) END
         || ' server ' || quote_ident(m.srvname),
       NULL, NULL, NULL, NULL, NULL
  FROM pg_user_mappings AS m;
