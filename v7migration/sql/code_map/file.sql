-- The changes of a code map that touch one file: each without its files, with the lines in this one.
SELECT (c.change - 'files') || jsonb_build_object('lines', f.file -> 'lines')
  FROM ledger_inventory AS i
 CROSS JOIN LATERAL jsonb_array_elements(i.document -> 'changes') AS c (change)
 CROSS JOIN LATERAL jsonb_array_elements(c.change -> 'files') AS f (file)
 WHERE i.id = %(inventory)s AND f.file ->> 'path' = %(path)s
 ORDER BY c.change ->> 'name';
