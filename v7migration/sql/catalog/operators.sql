-- Operators.
SELECT 'operator ' || quote_ident(n.nspname) || '.' || o.oprname || '('
         || COALESCE(format_type(NULLIF(o.oprleft, 0), NULL), 'NONE') || ', '
         || COALESCE(format_type(NULLIF(o.oprright, 0), NULL), 'NONE') || ')' AS object,
       NULL AS part,
       pg_get_userbyid(o.oprowner) AS owner,
       o.oprcode::regprocedure::text AS function,
       format_type(NULLIF(o.oprresult, 0), NULL) AS result,
       NULLIF(o.oprcom, 0)::regoperator::text AS commutator,
       NULLIF(o.oprnegate, 0)::regoperator::text AS negator,
       NULLIF(o.oprrest::text, '-') AS restrict,
       NULLIF(o.oprjoin::text, '-') AS join,
       o.oprcanmerge AS merges,
       o.oprcanhash AS hashes,
       d.description AS comment
  FROM pg_operator AS o
  JOIN pg_namespace AS n ON n.oid = o.oprnamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_operator'::regclass AND d.objoid = o.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_operator'::regclass AND e.objid = o.oid AND e.deptype = 'e');
