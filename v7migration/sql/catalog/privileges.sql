-- Privileges as differences from what the owner and PUBLIC have by default; grantors are left out.
WITH holder (object, part, acl, standard, schema, classoid, objoid, subid) AS (
    SELECT 'schema ' || quote_ident(n.nspname), NULL, n.nspacl, acldefault('n', n.nspowner), n.nspname,
           'pg_namespace'::regclass, n.oid, 0
      FROM pg_namespace AS n
    UNION ALL
    SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
                          WHEN 'f' THEN 'foreign table ' ELSE 'table ' END
             || quote_ident(n.nspname) || '.' || quote_ident(c.relname),
           NULL, c.relacl, CASE c.relkind WHEN 'S' THEN acldefault('s', c.relowner) ELSE acldefault('r', c.relowner) END, n.nspname,
           'pg_class'::regclass, c.oid, 0
      FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
    UNION ALL
    SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'f' THEN 'foreign table '
                          ELSE 'table ' END || quote_ident(n.nspname) || '.' || quote_ident(c.relname),
           'column ' || quote_ident(a.attname), a.attacl, acldefault('c', c.relowner), n.nspname, 'pg_class'::regclass, c.oid, a.attnum::int
      FROM pg_attribute AS a
      JOIN pg_class AS c ON c.oid = a.attrelid
      JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE a.attacl IS NOT NULL AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f')
    UNION ALL
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure ' WHEN 'a' THEN 'aggregate ' ELSE 'function ' END
             || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')',
           NULL, p.proacl, acldefault('f', p.proowner), n.nspname, 'pg_proc'::regclass, p.oid, 0
      FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    UNION ALL
    SELECT 'type ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname),
           NULL, t.typacl, acldefault('T', t.typowner), n.nspname, 'pg_type'::regclass, t.oid, 0
      FROM pg_type AS t JOIN pg_namespace AS n ON n.oid = t.typnamespace
    UNION ALL
    SELECT 'language ' || quote_ident(l.lanname), NULL, l.lanacl, acldefault('l', l.lanowner), NULL,
           'pg_language'::regclass, l.oid, 0
      FROM pg_language AS l WHERE l.oid >= 16384
    UNION ALL
    SELECT 'foreign data wrapper ' || quote_ident(w.fdwname), NULL, w.fdwacl, acldefault('F', w.fdwowner), NULL,
           'pg_foreign_data_wrapper'::regclass, w.oid, 0
      FROM pg_foreign_data_wrapper AS w
    UNION ALL
    SELECT 'server ' || quote_ident(s.srvname), NULL, s.srvacl, acldefault('S', s.srvowner), NULL,
           'pg_foreign_server'::regclass, s.oid, 0
      FROM pg_foreign_server AS s
)
SELECT h.object, h.part, difference.privileges
  FROM holder AS h
  LEFT JOIN pg_init_privs AS i ON i.classoid = h.classoid AND i.objoid = h.objoid AND i.objsubid = h.subid
       AND i.privtype = 'e'
 CROSS JOIN LATERAL (
    SELECT array_agg(entry ORDER BY entry COLLATE "C") AS privileges
      FROM (SELECT CASE COALESCE(x.grantee, y.grantee) WHEN 0 THEN 'PUBLIC'
                   ELSE quote_ident(pg_get_userbyid(COALESCE(x.grantee, y.grantee))) END || ': '
                   || CASE WHEN x.grantee IS NULL THEN 'no ' ELSE '' END
                   || COALESCE(x.privilege_type, y.privilege_type)
                   || CASE WHEN x.grantable THEN ' with grant option' ELSE '' END AS entry
              FROM (SELECT grantee, privilege_type, bool_or(is_grantable) AS grantable
                      FROM aclexplode(NULLIF(h.acl, '{}')) GROUP BY grantee, privilege_type) AS x
              FULL JOIN (SELECT grantee, privilege_type, bool_or(is_grantable) AS grantable
                           FROM aclexplode(NULLIF(COALESCE(i.initprivs, h.standard), '{}')) GROUP BY grantee, privilege_type) AS y
                USING (grantee, privilege_type)
             WHERE x.grantable IS DISTINCT FROM y.grantable) AS entries
 ) AS difference
 WHERE h.acl IS NOT NULL AND difference.privileges IS NOT NULL
   AND COALESCE(h.schema !~ '^pg_' AND h.schema <> 'information_schema' AND h.schema <> ALL (%(excluded)s::text[]), true);
