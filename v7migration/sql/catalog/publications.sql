-- Publications; publication_members.sql lists what they publish.
SELECT 'publication ' || quote_ident(p.pubname) AS object,
       NULL AS part,
       pg_get_userbyid(p.pubowner) AS owner,
       p.puballtables AS "all tables",
       p.pubviaroot AS "via partition root",
       array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END, CASE WHEN p.pubupdate THEN 'update' END,
                          CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END],
                    NULL) AS operations,
       NULLIF(to_jsonb(p) ->> 'pubgencols', 'n') AS "generated columns",
       d.description AS comment
  FROM pg_publication AS p
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_publication'::regclass AND d.objoid = p.oid AND d.objsubid = 0;
