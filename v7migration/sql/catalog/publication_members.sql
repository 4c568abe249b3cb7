-- Tables (with column lists and row filters) and schemas of publications; PostgreSQL 15 and later.
SELECT 'publication ' || quote_ident(p.pubname) AS object,
       'table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS part,
       (SELECT array_agg(quote_ident(a.attname) ORDER BY a.attnum) FROM pg_attribute AS a
         WHERE a.attrelid = c.oid AND a.attnum = ANY (m.prattrs::int2[])) AS columns,
       pg_get_expr(m.prqual, m.prrelid) AS filter
  FROM pg_publication_rel AS m
  JOIN pg_publication AS p ON p.oid = m.prpubid
  JOIN pg_class AS c ON c.oid = m.prrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace
UNION ALL
SELECT 'publication ' || quote_ident(p.pubname), 'schema ' || quote_ident(n.nspname), NULL, NULL
  FROM pg_publication_namespace AS m
  JOIN pg_publication AS p ON p.oid = m.pnpubid
  JOIN pg_namespace AS n ON n.oid = m.pnnspid;
