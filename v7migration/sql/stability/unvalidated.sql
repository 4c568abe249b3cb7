-- Constraints of public.file_audit that were added NOT VALID and never validated.
SELECT conname
FROM pg_constraint
WHERE conrelid = to_regclass('public.file_audit') AND NOT convalidated
ORDER BY 1
