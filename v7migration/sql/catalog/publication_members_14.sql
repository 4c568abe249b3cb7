-- Tables of publications, PostgreSQL 14.
SELECT 'publication ' || quote_ident(p.pubname) AS object,
       'table ' || quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS part
  FROM pg_publication_rel AS m
  JOIN pg_publication AS p ON p.oid = m.prpubid
  JOIN pg_class AS c ON c.oid = m.prrelid
  JOIN pg_namespace AS n ON n.oid = c.relnamespace;
