-- Default privileges, by role, schema and kind of object.
SELECT 'default privileges of ' || quote_ident(pg_get_userbyid(f.defaclrole))
         || COALESCE(' in schema ' || quote_ident(n.nspname), '') || ' on '
         || CASE f.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                 WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END AS object,
       NULL AS part,
       (SELECT array_agg(entry ORDER BY entry COLLATE "C")
          FROM (SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(x.grantee)) END || ': '
                         || x.privilege_type
                         || CASE WHEN bool_or(x.is_grantable) THEN ' with grant option' ELSE '' END AS entry
                  FROM aclexplode(NULLIF(f.defaclacl, '{}')) AS x GROUP BY x.grantee, x.privilege_type) AS entries) AS privileges
  FROM pg_default_acl AS f
  LEFT JOIN pg_namespace AS n ON n.oid = f.defaclnamespace
 WHERE COALESCE(n.nspname <> ALL (%(excluded)s::text[]), true);
