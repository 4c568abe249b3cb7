-- Constraints of tables and domains. NOT NULL is a fact of its column; foreign keys that partitions inherit follow their parent.
SELECT CASE WHEN k.contypid <> 0 THEN 'type ' || quote_ident(n.nspname) || '.' || quote_ident(t.typname)
            ELSE CASE c.relkind WHEN 'f' THEN 'foreign table ' ELSE 'table ' END
                 || quote_ident(n.nspname) || '.' || quote_ident(c.relname) END AS object,
       'constraint ' || quote_ident(k.conname) AS part,
       pg_get_constraintdef(k.oid) AS definition,
       NOT k.convalidated AS "not validated",
       NOT k.conislocal AND NOT COALESCE(c.relispartition, false) AS inherited,
       k.contype = 'f' AND EXISTS (SELECT FROM pg_trigger AS g
                                    WHERE g.tgconstraint = k.oid AND g.tgenabled <> 'O') AS "triggers disabled",
       d.description AS comment
  FROM pg_constraint AS k
  LEFT JOIN pg_class AS c ON c.oid = k.conrelid
  LEFT JOIN pg_type AS t ON t.oid = k.contypid
  JOIN pg_namespace AS n ON n.oid = COALESCE(c.relnamespace, t.typnamespace)
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_constraint'::regclass AND d.objoid = k.oid AND d.objsubid = 0
 WHERE k.contype NOT IN ('n', 't') AND NOT (k.contype = 'f' AND k.conparentid <> 0)
   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.deptype = 'e' AND ((e.classid = 'pg_class'::regclass AND e.objid = k.conrelid)
                          OR (e.classid = 'pg_type'::regclass AND e.objid = k.contypid)));
