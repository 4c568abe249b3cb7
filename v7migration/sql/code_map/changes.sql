-- The changes of a code map in its order, without their files; "files" is how many files each touches.
SELECT (c.change - 'files') || jsonb_build_object('files', jsonb_array_length(c.change -> 'files'))
  FROM ledger_inventory AS i
 CROSS JOIN LATERAL jsonb_array_elements(i.document -> 'changes') WITH ORDINALITY AS c (change, place)
 WHERE i.id = %(inventory)s
 ORDER BY c.place;
