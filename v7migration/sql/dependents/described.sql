-- What these addresses are called: kind and identity for people; kind and name as the script's reader writes them; the
-- table they belong to; whether they are an object of their own, which somebody made.
SELECT w.class, w.object, w.part,
       CASE WHEN k.contype IS NOT NULL THEN
                 CASE k.contype WHEN 'f' THEN 'foreign key' ELSE 'constraint' END
            WHEN w.class = 'pg_policy'::regclass THEN 'policy'
            WHEN w.class = 'pg_publication_rel'::regclass OR w.class = 'pg_publication_namespace'::regclass THEN 'publication'
            WHEN w.class = 'pg_statistic_ext'::regclass THEN 'statistics'
            ELSE regexp_replace(i.type, '^table column$', 'column') END AS kind,
       COALESCE(quote_ident(COALESCE(pub.pubname, pubn.pubname)), i.identity) AS identity,
       CASE w.class
            WHEN 'pg_constraint'::regclass THEN 'constraint' WHEN 'pg_trigger'::regclass THEN 'trigger'
            WHEN 'pg_policy'::regclass THEN 'policy' WHEN 'pg_statistic_ext'::regclass THEN 'statistics'
            WHEN 'pg_publication_rel'::regclass THEN 'publication' WHEN 'pg_publication_namespace'::regclass THEN 'publication'
            WHEN 'pg_rewrite'::regclass THEN 'rule'
            WHEN 'pg_class'::regclass THEN
                 CASE WHEN w.part <> 0 THEN 'column' WHEN c.relkind IN ('i', 'I') THEN 'index'
                      WHEN c.relkind IN ('r', 'p', 'f') THEN 'table' END
       END AS named_kind,
       COALESCE(table_of.name || '.' || COALESCE(k.conname, t.tgname, p.polname, r.rulename, a.attname),
                pub.pubname, pubn.pubname, stn.nspname || '.' || st.stxname, cn.nspname || '.' || c.relname) AS named,
       COALESCE(table_of.name, index_of.name) AS "table",
       CASE w.class
            WHEN 'pg_constraint'::regclass THEN k.contype NOT IN ('n', 't') AND k.conrelid <> 0 AND k.conparentid = 0
            WHEN 'pg_trigger'::regclass THEN NOT t.tgisinternal AND t.tgparentid = 0
            WHEN 'pg_class'::regclass THEN cn.nspname !~ '^pg_toast'
                 AND (x.indexrelid IS NULL OR NOT (c.relispartition OR EXISTS (
                      SELECT FROM pg_constraint AS ic WHERE ic.conindid = c.oid AND ic.contype IN ('p', 'u', 'x'))))
            WHEN 'pg_rewrite'::regclass THEN r.rulename <> '_RETURN'
            ELSE true
       END AS of_its_own
  FROM unnest(%(classes)s::oid[], %(objects)s::oid[], %(parts)s::int[]) AS w (class, object, part)
  CROSS JOIN LATERAL pg_identify_object(w.class, w.object, w.part) AS i
  LEFT JOIN pg_constraint AS k ON w.class = 'pg_constraint'::regclass AND k.oid = w.object
  LEFT JOIN pg_trigger AS t ON w.class = 'pg_trigger'::regclass AND t.oid = w.object
  LEFT JOIN pg_policy AS p ON w.class = 'pg_policy'::regclass AND p.oid = w.object
  LEFT JOIN pg_rewrite AS r ON w.class = 'pg_rewrite'::regclass AND r.oid = w.object
  LEFT JOIN pg_class AS c ON w.class = 'pg_class'::regclass AND c.oid = w.object
  LEFT JOIN pg_namespace AS cn ON cn.oid = c.relnamespace
  LEFT JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = w.part AND w.part <> 0
  LEFT JOIN pg_index AS x ON x.indexrelid = c.oid
  LEFT JOIN pg_publication_rel AS pr ON w.class = 'pg_publication_rel'::regclass AND pr.oid = w.object
  LEFT JOIN pg_publication AS pub ON pub.oid = pr.prpubid
  LEFT JOIN pg_statistic_ext AS st ON w.class = 'pg_statistic_ext'::regclass AND st.oid = w.object
  LEFT JOIN pg_namespace AS stn ON stn.oid = st.stxnamespace
  LEFT JOIN LATERAL (
      SELECT pb.pubname FROM pg_publication AS pb JOIN pg_depend AS pd ON pd.refobjid = pb.oid
       WHERE w.class = 'pg_publication_namespace'::regclass AND pd.classid = w.class AND pd.objid = w.object
         AND pd.refclassid = 'pg_publication'::regclass
  ) AS pubn ON true
  LEFT JOIN LATERAL (
      SELECT tn.nspname || '.' || tc.relname AS name FROM pg_class AS tc JOIN pg_namespace AS tn ON tn.oid = tc.relnamespace
       WHERE tc.oid = COALESCE(NULLIF(k.conrelid, 0), t.tgrelid, p.polrelid, r.ev_class, a.attrelid)
  ) AS table_of ON true
  LEFT JOIN LATERAL (
      SELECT tn.nspname || '.' || tc.relname AS name FROM pg_class AS tc JOIN pg_namespace AS tn ON tn.oid = tc.relnamespace
       WHERE tc.oid = x.indrelid
  ) AS index_of ON true;
