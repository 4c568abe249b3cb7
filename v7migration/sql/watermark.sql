-- One short text for every row version of the catalogs that a snapshot reads: it changes with any DDL that is visible.
-- A row version is its place and the transaction that wrote it, hashed twice: the hash of a row is linear in its columns'. The system's own objects (below 16384) and temporary
-- tables are left out; what VACUUM and ANALYZE write in place keeps its version.
WITH ours AS (
    SELECT c.oid, c.reltype AS type FROM pg_class AS c WHERE c.oid >= 16384 AND c.relpersistence = 't'
), temporary AS (
    SELECT oid FROM ours UNION ALL SELECT type FROM ours WHERE type <> 0
    UNION ALL SELECT t.typarray FROM ours JOIN pg_type AS t ON t.oid = ours.type WHERE t.typarray <> 0
    UNION ALL SELECT d.oid FROM ours JOIN pg_attrdef AS d ON d.adrelid = ours.oid
    UNION ALL SELECT k.oid FROM ours JOIN pg_constraint AS k ON k.conrelid = ours.oid
), version (catalog, number, place) AS (
    SELECT 1, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp_'
    UNION ALL SELECT 2, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_class WHERE oid >= 16384 AND relpersistence <> 't'
    UNION ALL SELECT 3, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_attribute WHERE attrelid >= 16384 AND attrelid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 4, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_attrdef WHERE adrelid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 5, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_constraint WHERE oid >= 16384 AND conrelid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 6, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_index WHERE indexrelid >= 16384 AND indexrelid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 7, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_trigger WHERE tgrelid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 8, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_rewrite WHERE oid >= 16384
    UNION ALL SELECT 9, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_policy
    UNION ALL SELECT 10, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_sequence WHERE seqrelid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 11, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 12, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_type WHERE oid >= 16384 AND oid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 13, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_enum
    UNION ALL SELECT 14, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_inherits WHERE inhrelid NOT IN (SELECT oid FROM temporary)
    UNION ALL SELECT 15, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_description WHERE objoid >= 16384 OR objoid = 2200
    UNION ALL SELECT 16, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_depend WHERE objid >= 16384 AND objid NOT IN (SELECT oid FROM temporary) AND deptype IN ('a', 'i', 'e', 'x')
    UNION ALL SELECT 17, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_extension
    UNION ALL SELECT 18, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_language
    UNION ALL SELECT 19, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_statistic_ext
    UNION ALL SELECT 20, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_event_trigger
    UNION ALL SELECT 21, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_publication
    UNION ALL SELECT 22, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_publication_rel
    UNION ALL SELECT 23, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_aggregate WHERE aggfnoid >= 16384
    UNION ALL SELECT 24, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_operator WHERE oid >= 16384
    UNION ALL SELECT 25, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_opclass WHERE oid >= 16384
    UNION ALL SELECT 26, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_opfamily WHERE oid >= 16384
    UNION ALL SELECT 27, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_amop WHERE oid >= 16384
    UNION ALL SELECT 28, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_amproc WHERE oid >= 16384
    UNION ALL SELECT 29, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_cast WHERE oid >= 16384
    UNION ALL SELECT 30, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_transform
    UNION ALL SELECT 31, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_collation WHERE oid >= 16384
    UNION ALL SELECT 32, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_conversion WHERE oid >= 16384
    UNION ALL SELECT 33, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_range WHERE rngtypid >= 16384
    UNION ALL SELECT 34, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_ts_config
    UNION ALL SELECT 35, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_ts_config_map
    UNION ALL SELECT 36, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_ts_dict
    UNION ALL SELECT 37, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_ts_parser
    UNION ALL SELECT 38, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_ts_template
    UNION ALL SELECT 39, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_foreign_data_wrapper
    UNION ALL SELECT 40, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_foreign_server
    UNION ALL SELECT 41, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_foreign_table
    UNION ALL SELECT 42, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_default_acl
    UNION ALL SELECT 43, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_seclabel
    UNION ALL SELECT 44, count(*), sum(hashtextextended(u::text, 0)) FROM pg_user_mappings AS u
    UNION ALL SELECT 45, count(*), sum(hashtextextended(oid::text || ' ' || rolname, 0)) FROM pg_roles
    UNION ALL SELECT 46, count(*), sum(hashint8extended(hash_record_extended(ROW(ctid, xmin), 0), 1)) FROM pg_am
)
SELECT string_agg(number || ':' || coalesce(place, 0), ' ' ORDER BY catalog) FROM version
