-- Write what an inventory found to the files that are "told", where it differs, and a version of each in the person's
-- name. A column that is not told, and the target name of a file that is designed, stay as they are.
WITH told AS (
    SELECT * FROM json_to_recordset(%(told)s) AS told (
        id integer, v7_target_name text, v7_database_enums jsonb, v7_dependencies text[], v7_dependents text[],
        v7_impact_score integer
    )
), found AS (
    SELECT file.id,
           CASE WHEN COALESCE(file.v7_workflow_status = ANY (%(proposing)s), true)
                THEN COALESCE(told.v7_target_name, file.v7_target_name)
                ELSE file.v7_target_name END AS v7_target_name,
           COALESCE(told.v7_database_enums, file.v7_database_enums) AS v7_database_enums,
           COALESCE(told.v7_dependencies, file.v7_dependencies) AS v7_dependencies,
           COALESCE(told.v7_dependents, file.v7_dependents) AS v7_dependents,
           COALESCE(told.v7_impact_score, file.v7_impact_score) AS v7_impact_score
      FROM told JOIN file_audit AS file USING (id)
), changed AS (
    UPDATE file_audit AS file
       SET v7_target_name = found.v7_target_name, v7_database_enums = found.v7_database_enums,
           v7_dependencies = found.v7_dependencies, v7_dependents = found.v7_dependents,
           v7_impact_score = found.v7_impact_score
      FROM found
     WHERE file.id = found.id
       AND (file.v7_target_name, file.v7_database_enums, file.v7_dependencies, file.v7_dependents, file.v7_impact_score)
           IS DISTINCT FROM (found.v7_target_name, found.v7_database_enums, found.v7_dependencies, found.v7_dependents,
                             found.v7_impact_score)
    RETURNING file.*
)
INSERT INTO file_history (
    history_id, history_date, history_type, history_user_id, history_change_reason, id, file_path,
    v7_workflow_status, v7_target_name, v7_database_enums, v7_enum_mappings, v7_dependencies, v7_dependents,
    v7_impact_score, v7_review_status, v7_reviewed_by, v7_implementation_status, v7_test_status, v7_retirement_date
)
SELECT gen_random_uuid(), clock_timestamp(), '~', %(person)s, %(reason)s, id, COALESCE(file_path, ''),
       v7_workflow_status, v7_target_name, v7_database_enums, v7_enum_mappings, v7_dependencies, v7_dependents,
       v7_impact_score, v7_review_status, v7_reviewed_by, v7_implementation_status, v7_test_status, v7_retirement_date
  FROM changed;
