-- What file_audit says of each file. A column that it does not have is taken from "absent", so it is NULL.
SELECT a.id, a.file_path, a.layer_number, a.workflows, a.status, a.v7_target_name, a.v7_workflow_status
  FROM (SELECT NULL::integer AS id, NULL::integer AS layer_number, NULL::text[] AS workflows, NULL::text AS status,
               NULL::text AS v7_target_name, NULL::text AS v7_workflow_status) AS absent
 CROSS JOIN LATERAL (
    SELECT to_jsonb(id) AS id, file_path::text, to_jsonb(layer_number) AS layer_number, to_jsonb(workflows) AS workflows,
           status::text, v7_target_name::text, v7_workflow_status::text
      FROM public.file_audit) AS a
 ORDER BY a.id, a.file_path;
