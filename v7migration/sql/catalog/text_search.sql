-- Text search configurations, dictionaries, parsers and templates.
SELECT 'text search configuration ' || quote_ident(n.nspname) || '.' || quote_ident(c.cfgname) AS object,
       NULL AS part,
       pg_get_userbyid(c.cfgowner) AS owner,
       (SELECT quote_ident(pn.nspname) || '.' || quote_ident(p.prsname)
          FROM pg_ts_parser AS p JOIN pg_namespace AS pn ON pn.oid = p.prsnamespace WHERE p.oid = c.cfgparser) AS uses,
       (SELECT array_agg(m.maptokentype || ': ' || m.mapdict::regdictionary ORDER BY m.maptokentype, m.mapseqno)
          FROM pg_ts_config_map AS m WHERE m.mapcfg = c.oid) AS facts,
       d.description AS comment
  FROM pg_ts_config AS c
  JOIN pg_namespace AS n ON n.oid = c.cfgnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_ts_config'::regclass AND d.objoid = c.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_ts_config'::regclass AND e.objid = c.oid AND e.deptype = 'e')
UNION ALL
SELECT 'text search dictionary ' || quote_ident(n.nspname) || '.' || quote_ident(t.dictname),
       NULL,
       pg_get_userbyid(t.dictowner),
       (SELECT quote_ident(tn.nspname) || '.' || quote_ident(m.tmplname)
          FROM pg_ts_template AS m JOIN pg_namespace AS tn ON tn.oid = m.tmplnamespace WHERE m.oid = t.dicttemplate),
       ARRAY[t.dictinitoption],
       d.description
  FROM pg_ts_dict AS t
  JOIN pg_namespace AS n ON n.oid = t.dictnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_ts_dict'::regclass AND d.objoid = t.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_ts_dict'::regclass AND e.objid = t.oid AND e.deptype = 'e')
UNION ALL
SELECT 'text search parser ' || quote_ident(n.nspname) || '.' || quote_ident(p.prsname),
       NULL, NULL, NULL,
       ARRAY[p.prsstart::text, p.prstoken::text, p.prsend::text, p.prsheadline::text, p.prslextype::text],
       d.description
  FROM pg_ts_parser AS p
  JOIN pg_namespace AS n ON n.oid = p.prsnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_ts_parser'::regclass AND d.objoid = p.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_ts_parser'::regclass AND e.objid = p.oid AND e.deptype = 'e')
UNION ALL
SELECT 'text search template ' || quote_ident(n.nspname) || '.' || quote_ident(t.tmplname),
       NULL, NULL, NULL, ARRAY[t.tmplinit::text, t.tmpllexize::text], d.description
  FROM pg_ts_template AS t
  JOIN pg_namespace AS n ON n.oid = t.tmplnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_ts_template'::regclass AND d.objoid = t.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_ts_template'::regclass AND e.objid = t.oid AND e.deptype = 'e');
