-- Operator classes and families with their operators and functions.
SELECT 'operator class ' || quote_ident(n.nspname) || '.' || quote_ident(c.opcname) || ' using ' || m.amname AS object,
       NULL AS part,
       pg_get_userbyid(c.opcowner) AS owner,
       format_type(c.opcintype, NULL) AS type,
       c.opcdefault AS default,
       format_type(NULLIF(c.opckeytype, 0), NULL) AS storage,
       quote_ident(fn.nspname) || '.' || quote_ident(f.opfname) AS family,
       NULL::text[] AS operators,
       NULL::text[] AS functions,
       d.description AS comment
  FROM pg_opclass AS c
  JOIN pg_namespace AS n ON n.oid = c.opcnamespace
  JOIN pg_am AS m ON m.oid = c.opcmethod
  JOIN pg_opfamily AS f ON f.oid = c.opcfamily
  JOIN pg_namespace AS fn ON fn.oid = f.opfnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_opclass'::regclass AND d.objoid = c.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_opclass'::regclass AND e.objid = c.oid AND e.deptype = 'e')
UNION ALL
SELECT 'operator family ' || quote_ident(n.nspname) || '.' || quote_ident(f.opfname) || ' using ' || m.amname,
       NULL,
       pg_get_userbyid(f.opfowner),
       NULL, NULL, NULL, NULL,
       (SELECT array_agg(e ORDER BY e COLLATE "C")
          FROM (SELECT o.amopstrategy::text || ' ' || o.amopopr::regoperator::text || ' ' || o.amoppurpose::text
                         || COALESCE(' ' || sn.nspname || '.' || s.opfname, '') AS e
                  FROM pg_amop AS o
                  LEFT JOIN pg_opfamily AS s ON s.oid = o.amopsortfamily
                  LEFT JOIN pg_namespace AS sn ON sn.oid = s.opfnamespace
                 WHERE o.amopfamily = f.oid) AS entries),
       (SELECT array_agg(e ORDER BY e COLLATE "C")
          FROM (SELECT p.amprocnum || ' (' || format_type(p.amproclefttype, NULL) || ', '
                         || format_type(p.amprocrighttype, NULL) || ') ' || p.amproc::oid::regprocedure::text AS e
                  FROM pg_amproc AS p WHERE p.amprocfamily = f.oid) AS entries),
       d.description
  FROM pg_opfamily AS f
  JOIN pg_namespace AS n ON n.oid = f.opfnamespace
  JOIN pg_am AS m ON m.oid = f.opfmethod
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_opfamily'::regclass AND d.objoid = f.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid AND e.deptype = 'e');
