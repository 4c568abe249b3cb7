-- What an inventory of files says of one path, by the name of the list that holds it.
SELECT coalesce(jsonb_object_agg(l.list, e.entry), '{}')
  FROM ledger_inventory AS i
 CROSS JOIN LATERAL jsonb_each(i.document) AS l (list, entries)
 CROSS JOIN LATERAL jsonb_array_elements(
       CASE WHEN jsonb_typeof(l.entries) = 'array' THEN l.entries ELSE '[]' END) AS e (entry)
 WHERE i.id = %(inventory)s
   AND l.list = ANY (%(lists)s)
   AND %(path)s IN (e.entry ->> 'path', e.entry #>> '{}');
