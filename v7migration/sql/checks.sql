-- The phase document's own verification queries, word for word, and what each is expected to give.
-- A block begins with its keys; "when" says at which moment it holds.

-- check: 4.1
-- title: Pre-Execution Verification
-- when: before
-- expected: 0
-- Verify no V7 tables exist
SELECT COUNT(*) FROM information_schema.tables 
WHERE table_name LIKE 'v7_%';
-- Expected: 0
-- end

-- check: 2.2.1
-- title: Create V7 Infrastructure Tables
-- when: after
-- expected: 5 tables
SELECT table_name 
FROM information_schema.tables 
WHERE table_schema = 'public' 
AND table_name LIKE 'v7_%'
ORDER BY table_name;
-- Expected: 5 tables
-- end

-- check: 2.2.2
-- title: Enhance File Audit Table
-- when: after
-- expected: all files
SELECT COUNT(*) as v7_ready_files
FROM file_audit
WHERE v7_workflow_status = 'pending_assessment';
-- Expected: All workflow files
-- end

-- check: 4.2
-- title: Post-Execution Verification
-- when: after
-- expected: 8 / 12 / 3
-- Verify all V7 infrastructure created
SELECT 
    'Tables' as component,
    COUNT(*) as count
FROM information_schema.tables 
WHERE table_name LIKE 'v7_%'
UNION ALL
SELECT 
    'V7 Columns in file_audit',
    COUNT(*)
FROM information_schema.columns
WHERE table_name = 'file_audit' 
AND column_name LIKE 'v7_%'
UNION ALL
SELECT 
    'Monitoring Views',
    COUNT(*)
FROM information_schema.views
WHERE table_name LIKE 'v7_%';
-- end

-- check: 4.3 phases
-- title: Data Integrity Verification: migration phases loaded
-- when: after
-- expected: 7 phases
-- Verify migration phases loaded
SELECT phase_number, phase_name, status 
FROM v7_migration_workflow 
ORDER BY phase_number;
-- Expected: 7 phases
-- end

-- check: 4.3 enums
-- title: Data Integrity Verification: ENUM mappings documented
-- when: after
-- expected: > 0
-- Verify ENUM mappings documented
SELECT COUNT(*) as documented_enum_issues
FROM v7_enum_migrations;
-- Expected: > 0
-- end

-- check: 4.4
-- title: Rollback Verification: the pre-execution query gives 0 again
-- when: rolled back
-- expected: 0
-- Verify no V7 tables exist
SELECT COUNT(*) FROM information_schema.tables 
WHERE table_name LIKE 'v7_%';
-- Expected: 0
-- end
