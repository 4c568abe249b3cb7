-- Tables, views, sequences, foreign tables and composite types, without their columns.
SELECT CASE c.relkind WHEN 'v' THEN 'view ' WHEN 'm' THEN 'materialized view ' WHEN 'S' THEN 'sequence '
                      WHEN 'f' THEN 'foreign table ' WHEN 'c' THEN 'type ' ELSE 'table ' END
         || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS object,
       NULL AS part,
       CASE c.relkind WHEN 'c' THEN 'composite' END AS kind,
       pg_get_userbyid(c.relowner) AS owner,
       CASE c.relpersistence WHEN 'u' THEN 'unlogged' WHEN 't' THEN 'temporary' END AS persistence,
       am.amname AS "access method",
       ts.spcname AS tablespace,
       CASE c.relkind WHEN 'p' THEN pg_get_partkeydef(c.oid) END AS "partition key",
       pg_get_expr(c.relpartbound, c.oid) AS "partition bound",
       (SELECT array_agg(quote_ident(pn.nspname) || '.' || quote_ident(p.relname)
                           || CASE WHEN i.inhdetachpending THEN ' (detach pending)' ELSE '' END ORDER BY i.inhseqno)
          FROM pg_inherits AS i
          JOIN pg_class AS p ON p.oid = i.inhparent
          JOIN pg_namespace AS pn ON pn.oid = p.relnamespace
         WHERE i.inhrelid = c.oid) AS parents,
       CASE WHEN c.reloftype <> 0 THEN format_type(c.reloftype, NULL) END AS "of type",
       (SELECT array_agg(o ORDER BY o COLLATE "C")
          FROM (SELECT unnest(c.reloptions) AS o UNION ALL SELECT 'toast.' || unnest(t.reloptions)) AS options
       ) AS options,
       c.relrowsecurity AS "row security",
       c.relforcerowsecurity AS "row security forced",
       CASE c.relreplident WHEN 'f' THEN 'full' WHEN 'n' THEN 'nothing' WHEN 'i' THEN 'index' END AS "replica identity",
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition,
       s.srvname AS server,
       (SELECT array_agg(o ORDER BY o COLLATE "C") FROM unnest(f.ftoptions) AS o) AS "foreign options",
       d.description AS comment
  FROM pg_class AS c
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_am AS am ON am.oid = c.relam
  LEFT JOIN pg_tablespace AS ts ON ts.oid = c.reltablespace
  LEFT JOIN pg_class AS t ON t.oid = c.reltoastrelid
  LEFT JOIN pg_foreign_table AS f ON f.ftrelid = c.oid
  LEFT JOIN pg_foreign_server AS s ON s.oid = f.ftserver
  LEFT JOIN pg_description AS d ON d.objsubid = 0
       AND ((c.relkind <> 'c' AND d.classoid = 'pg_class'::regclass AND d.objoid = c.oid)
            OR (c.relkind = 'c' AND d.classoid = 'pg_type'::regclass AND d.objoid = c.reltype))
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f', 'c')
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.deptype = 'e' AND ((e.classid = 'pg_class'::regclass AND e.objid = c.oid)
                          OR (e.classid = 'pg_type'::regclass AND c.relkind = 'c' AND e.objid = c.reltype)));
