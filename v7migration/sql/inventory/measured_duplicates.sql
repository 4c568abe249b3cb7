-- Indexes of one table on the same columns or expressions with the same method, order and predicate: names, table, bytes of all but one.
SELECT array_agg(c.relname::text ORDER BY i.indisunique DESC, c.relname), t.nspname || '.' || r.relname,
       sum(pg_relation_size(i.indexrelid))::bigint - max(pg_relation_size(i.indexrelid))
  FROM pg_index AS i
  JOIN pg_class AS c ON c.oid = i.indexrelid
  JOIN pg_class AS r ON r.oid = i.indrelid
  JOIN pg_namespace AS t ON t.oid = r.relnamespace
 WHERE t.nspname !~ '^pg_' AND t.nspname <> 'information_schema' AND i.indisvalid
 GROUP BY i.indrelid, t.nspname, r.relname, c.relam, i.indkey::text, i.indnkeyatts, i.indclass::text, i.indcollation::text,
          i.indoption::text, pg_get_expr(i.indexprs, i.indrelid), pg_get_expr(i.indpred, i.indrelid), i.indisexclusion
HAVING count(*) > 1
 ORDER BY 3 DESC, 2 LIMIT 50;
