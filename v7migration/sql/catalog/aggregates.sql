-- Aggregates, which have no pg_get_functiondef.
SELECT 'aggregate ' || quote_ident(n.nspname) || '.' || quote_ident(p.proname) || '(' || oidvectortypes(p.proargtypes) || ')' AS object,
       NULL AS part,
       pg_get_userbyid(p.proowner) AS owner,
       pg_get_function_arguments(p.oid) AS arguments,
       pg_get_function_result(p.oid) AS result,
       CASE a.aggkind WHEN 'o' THEN 'ordered set' WHEN 'h' THEN 'hypothetical set' END AS kind,
       a.aggnumdirectargs AS "direct arguments",
       a.aggtransfn::regprocedure::text AS transition,
       format_type(a.aggtranstype, NULL) AS state,
       a.aggtransspace AS "state space",
       a.agginitval AS initial,
       a.aggfinalfn::regprocedure::text AS final,
       a.aggfinalextra AS "final extra",
       a.aggfinalmodify::text AS "final modify",
       a.aggcombinefn::regprocedure::text AS combine,
       a.aggserialfn::regprocedure::text AS serialize,
       a.aggdeserialfn::regprocedure::text AS deserialize,
       a.aggmtransfn::regprocedure::text AS "moving transition",
       a.aggminvtransfn::regprocedure::text AS "moving inverse",
       a.aggmfinalfn::regprocedure::text AS "moving final",
       a.aggmfinalextra AS "moving final extra",
       a.aggmfinalmodify::text AS "moving final modify",
       NULLIF(a.aggmtranstype, 0)::regtype::text AS "moving state",
       a.aggmtransspace AS "moving state space",
       a.aggminitval AS "moving initial",
       NULLIF(a.aggsortop, 0)::regoperator::text AS "sort operator",
       p.proparallel::text AS parallel,
       d.description AS comment
  FROM pg_aggregate AS a
  JOIN pg_proc AS p ON p.oid = a.aggfnoid
  JOIN pg_namespace AS n ON n.oid = p.pronamespace
  LEFT JOIN pg_description AS d ON d.classoid = 'pg_proc'::regclass AND d.objoid = p.oid AND d.objsubid = 0
 WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' AND n.nspname <> ALL (%(excluded)s::text[])
   AND NOT EXISTS (SELECT FROM pg_depend AS e
                    WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid AND e.deptype = 'e');
