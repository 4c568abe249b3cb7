-- One page of the lines that a change of a code map touches, filtered: files with breaking lines first, then by path;
-- in each file what breaks first. With it: how many lines and files the filter leaves, and what breaks in them.
WITH asked AS MATERIALIZED (
    SELECT c.change
      FROM ledger_inventory AS i
     CROSS JOIN LATERAL jsonb_array_elements(i.document -> 'changes') AS c (change)
     WHERE i.id = %(inventory)s AND c.change ->> 'migration' = %(change)s
     LIMIT 1),
line AS MATERIALIZED (
    SELECT f.file ->> 'path' AS path, f.file -> 'layer' AS layer, f.file -> 'workflows' AS workflows,
           (l.line ->> 'line')::bigint AS number, l.line ->> 'confidence' AS confidence,
           (l.line ->> 'breaking')::boolean AS breaking, l.line ->> 'what' AS what
      FROM asked
     CROSS JOIN LATERAL jsonb_array_elements(asked.change -> 'files') AS f (file)
     CROSS JOIN LATERAL jsonb_array_elements(f.file -> 'lines') AS l (line)
     WHERE (%(layer)s = '' OR coalesce(f.file ->> 'layer', 'none') = %(layer)s)
       AND (%(workflow)s = '' OR f.file -> 'workflows' @> to_jsonb(%(workflow)s::text)
            OR (%(workflow)s = 'none' AND jsonb_array_length(f.file -> 'workflows') = 0))
       AND (%(path)s = '' OR strpos(lower(f.file ->> 'path'), lower(%(path)s)) > 0)
       AND (%(confidence)s = '' OR l.line ->> 'confidence' = %(confidence)s)
       AND (NOT %(breaking)s OR (l.line ->> 'breaking')::boolean)),
total AS (
    SELECT count(*) AS lines, count(DISTINCT path) AS files, count(*) FILTER (WHERE breaking) AS breaking,
           greatest(1, least(%(page)s, ceil(count(*) / %(size)s::numeric)))::bigint AS page
      FROM line),
said AS (
    SELECT DISTINCT s.what, line.path, line.number
      FROM line
     CROSS JOIN LATERAL regexp_split_to_table(line.what, '; (?=the value )') AS s (what)
     WHERE line.breaking),
broken AS (
    SELECT what, count(*) AS lines, count(DISTINCT path) AS files
      FROM said
     GROUP BY what),
named AS (SELECT * FROM broken ORDER BY lines DESC, what LIMIT %(named)s),
ordered AS (
    SELECT line.*, count(*) OVER file AS of_file, count(*) FILTER (WHERE breaking) OVER file AS breaking_of_file
      FROM line
    WINDOW file AS (PARTITION BY path)),
page AS (
    SELECT ordered.*, row_number() OVER sorting AS place
      FROM ordered
    WINDOW sorting AS (ORDER BY breaking_of_file = 0, path, NOT breaking, number)
     ORDER BY place
     LIMIT %(size)s OFFSET (SELECT (page - 1) * %(size)s FROM total))
SELECT to_jsonb(total)
       || jsonb_build_object('kinds', (SELECT count(*) FROM broken),
                             'broken', (SELECT coalesce(jsonb_agg(to_jsonb(n) ORDER BY n.lines DESC, n.what), '[]')
                                          FROM named AS n),
                             'rows', (SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.place), '[]') FROM page AS p))
  FROM total;
