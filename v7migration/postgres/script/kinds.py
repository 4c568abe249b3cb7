"""The allow-list of statement kinds, in PostgreSQL's own names. What is not on it is refused."""

from __future__ import annotations

ALLOWED = frozenset({
    "AlterDefaultPrivilegesStmt", "AlterDomainStmt", "AlterEnumStmt", "AlterExtensionStmt", "AlterFunctionStmt",
    "AlterObjectSchemaStmt", "AlterOwnerStmt", "AlterPolicyStmt", "AlterSeqStmt", "AlterStatsStmt",
    "AlterTableStmt", "AlterTypeStmt", "CommentStmt", "CompositeTypeStmt", "ConstraintsSetStmt", "CreateDomainStmt",
    "CreateEnumStmt", "CreateExtensionStmt", "CreateFunctionStmt", "CreatePolicyStmt", "CreateRangeStmt",
    "CreateSchemaStmt", "CreateSeqStmt", "CreateStatsStmt", "CreateStmt", "CreateTableAsStmt", "CreateTrigStmt",
    "DefineStmt", "DeleteStmt", "DropStmt", "GrantStmt", "IndexStmt", "InsertStmt", "MergeStmt", "RefreshMatViewStmt",
    "ReindexStmt", "RenameStmt", "SelectStmt", "UpdateStmt", "ViewStmt",
})  # fmt: skip
# Parts of other statements, never statements of their own.
PARTS = frozenset({"RawStmt", "ReturnStmt", "SetOperationStmt", "PLAssignStmt", "ReplicaIdentityStmt"})
DEFINABLE = frozenset({"OBJECT_TYPE", "OBJECT_AGGREGATE"})
DROPPABLE = frozenset({
    "OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_INDEX", "OBJECT_SCHEMA", "OBJECT_FUNCTION",
    "OBJECT_PROCEDURE", "OBJECT_ROUTINE", "OBJECT_AGGREGATE", "OBJECT_TYPE", "OBJECT_DOMAIN", "OBJECT_TRIGGER",
    "OBJECT_POLICY", "OBJECT_SEQUENCE", "OBJECT_EXTENSION", "OBJECT_STATISTIC_EXT",
})  # fmt: skip
LANGUAGES = frozenset({"sql", "plpgsql"})

# kind: (id, what it is, what to do instead)
REFUSED: dict[str, tuple[str, str, str]] = {
    "TransactionStmt": ("V7S101", "transaction control", "The runner opens and commits one transaction per step."),
    "DoStmt": ("V7S102", "an anonymous DO block", "Write the statements themselves: what runs must be readable."),
    "CopyStmt": ("V7S103", "COPY", "Write INSERT: COPY reads files, programs or the client's input."),
    "VariableSetStmt": (
        "V7S104",
        "a session setting",
        "The runner sets its own timeouts; qualify names instead of SET.",
    ),
    "TruncateStmt": ("V7S106", "TRUNCATE", "It destroys rows under the strongest lock."),
    "LockStmt": ("V7S107", "LOCK", "Each statement takes the lock it needs; the runner sets the timeouts."),
    "CallStmt": ("V7S108", "CALL", "A procedure may commit in the middle of a step."),
    "PrepareStmt": ("V7S109", "PREPARE", "Write the statement itself."),
    "ExecuteStmt": ("V7S109", "EXECUTE", "Write the statement itself."),
    "DeallocateStmt": ("V7S109", "DEALLOCATE", "Write statements themselves."),
    "ListenStmt": ("V7S110", "LISTEN", "It changes the session, not the schema."),
    "UnlistenStmt": ("V7S110", "UNLISTEN", "It changes the session, not the schema."),
    "NotifyStmt": ("V7S110", "NOTIFY", "It wakes other programs; the product announces its own runs."),
    "LoadStmt": ("V7S111", "LOAD", "It loads code into the server."),
    "AlterSystemStmt": ("V7S112", "ALTER SYSTEM", "It changes the whole server."),
    "CreatedbStmt": ("V7S112", "CREATE DATABASE", "A migration changes one database."),
    "DropdbStmt": ("V7S112", "DROP DATABASE", "A migration changes one database."),
    "AlterDatabaseStmt": ("V7S112", "ALTER DATABASE", "It changes every session of the database."),
    "AlterDatabaseSetStmt": ("V7S112", "ALTER DATABASE … SET", "It changes every session of the database."),
    "CreateTableSpaceStmt": ("V7S112", "CREATE TABLESPACE", "It changes the whole server."),
    "DropTableSpaceStmt": ("V7S112", "DROP TABLESPACE", "It changes the whole server."),
    "CreateRoleStmt": ("V7S113", "CREATE ROLE", "Roles belong to the whole server: ask its administrator."),
    "AlterRoleStmt": ("V7S113", "ALTER ROLE", "Roles belong to the whole server: ask its administrator."),
    "AlterRoleSetStmt": ("V7S113", "ALTER ROLE … SET", "Roles belong to the whole server: ask its administrator."),
    "DropRoleStmt": ("V7S113", "DROP ROLE", "Roles belong to the whole server: ask its administrator."),
    "GrantRoleStmt": ("V7S113", "granting a role", "Grant privileges on objects; memberships are the administrator's."),
    "DropOwnedStmt": ("V7S113", "DROP OWNED", "It drops whatever a role owns: name each object."),
    "ReassignOwnedStmt": ("V7S113", "REASSIGN OWNED", "It changes whatever a role owns: name each object."),
    "VacuumStmt": ("V7S114", "VACUUM or ANALYZE", "Run maintenance outside the migration."),
    "ClusterStmt": ("V7S114", "CLUSTER", "It rewrites the table under the strongest lock."),
}

DANGEROUS_FUNCTIONS = frozenset({
    "set_config", "pg_terminate_backend", "pg_cancel_backend", "pg_reload_conf", "pg_rotate_logfile",
    "pg_read_file", "pg_read_binary_file", "pg_ls_dir", "pg_stat_file", "pg_file_write", "pg_promote",
    "lo_import", "lo_export", "dblink", "dblink_exec", "dblink_connect", "dblink_send_query", "query_to_xml",
    "query_to_xml_and_xmlschema", "query_to_xmlschema", "cursor_to_xml", "pg_notify", "pg_advisory_lock",
    "pg_advisory_lock_shared", "pg_advisory_xact_lock", "pg_advisory_unlock", "pg_advisory_unlock_all",
    "pg_try_advisory_lock", "ts_stat", "pg_switch_wal", "pg_create_restore_point", "pg_logical_emit_message",
    "pg_execute_server_program", "pg_import_system_collations",
})  # fmt: skip

# ALTER TABLE commands that change what was there before, or take long under the strongest lock.
TABLE_COMMANDS_TO_ACCEPT = frozenset({
    "AT_ChangeOwner", "AT_DropNotNull", "AT_SetNotNull", "AT_DropExpression",
    "AT_SetLogged", "AT_SetUnLogged", "AT_SetTableSpace", "AT_DisableTrig", "AT_DisableTrigAll", "AT_DisableTrigUser",
    "AT_EnableReplicaTrig", "AT_DisableRowSecurity", "AT_NoForceRowSecurity", "AT_DropInherit", "AT_AddInherit",
    "AT_DetachPartition", "AT_AttachPartition", "AT_SetAccessMethod", "AT_AlterConstraint", "AT_DropIdentity",
    "AT_DisableRule", "AT_SetExpression",
})  # fmt: skip
TABLE_COMMANDS = TABLE_COMMANDS_TO_ACCEPT | frozenset({
    "AT_AddColumn", "AT_AlterColumnType", "AT_ColumnDefault", "AT_AddConstraint", "AT_ValidateConstraint",
    "AT_DropColumn", "AT_DropConstraint", "AT_SetStatistics", "AT_SetOptions", "AT_ResetOptions", "AT_SetStorage",
    "AT_SetCompression", "AT_SetRelOptions", "AT_ResetRelOptions",
    "AT_ReplaceRelOptions", "AT_EnableTrig", "AT_EnableAlwaysTrig",
    "AT_EnableTrigAll", "AT_EnableTrigUser", "AT_EnableRowSecurity", "AT_ForceRowSecurity", "AT_AddIdentity",
    "AT_SetIdentity", "AT_ReplicaIdentity", "AT_ClusterOn", "AT_DropCluster",
})  # fmt: skip
# What the most expensive of them cost, and the way around it.
WHAT_IT_COSTS = {
    "AT_SetNotNull": "Every row is read under the strongest lock: add CHECK (… IS NOT NULL) NOT VALID, VALIDATE it in a"
    " step of its own, then SET NOT NULL reads nothing.",
}
