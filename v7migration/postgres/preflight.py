"""Refusals before anything is touched: is this session on the right server, as the right role, on a fit target?"""

from __future__ import annotations

from collections.abc import Iterable

import psycopg

from v7migration.errors import Refused, SchemaConflict
from v7migration.postgres.catalog import TargetIdentity
from v7migration.postgres.qualified import parts_of
from v7migration.postgres.script import Script
from v7migration.postgres.session import OLDEST_SERVER

Connection = psycopg.Connection[tuple[object, ...]]


def check_server(connection: Connection, *, only_read: bool = False) -> None:
    """Refuse a server before PostgreSQL 14 and a pooler that switches sessions; to write, also one that is read-only.

    Args:
        connection: a session on the target.
        only_read: nothing will be written: a standby and a read-only database can serve, too.
    """
    row = connection.execute(
        "SELECT current_setting('server_version_num')::int, current_setting('server_version'), pg_is_in_recovery(), "
        "current_setting('default_transaction_read_only') = 'on'"
    ).fetchone()
    assert row is not None  # noqa: S101
    number, version, standby, read_only = row
    if int(str(number)) < OLDEST_SERVER:
        raise Refused(
            f"The target runs PostgreSQL {version}.", "PostgreSQL 14 or later is needed: upgrade the server first."
        )
    if standby and not only_read:
        raise Refused("The target is a standby: it takes no writes.", "Name the primary in TARGET_RUNNER_URL.")
    if read_only and not only_read:
        raise Refused(
            "The target is read-only (default_transaction_read_only is on).",
            "Switch it to read-write for the runner's role or database, then try again.",
        )
    pids = {connection.execute("SELECT pg_backend_pid()").fetchone() for _ in range(3)}
    if len(pids) > 1 or pids != {(connection.info.backend_pid,)}:
        raise Refused(
            "The connection goes through a pooler that changes sessions between transactions.",
            "Name the server itself (or a pool in session mode) in TARGET_RUNNER_URL.",
        )


def access(connection: Connection) -> str:
    """Say how the target can be reached: ``read-write``, ``read-only`` (by a setting) or ``standby``."""
    row = connection.execute(
        "SELECT CASE WHEN pg_is_in_recovery() THEN 'standby' "
        "WHEN current_setting('default_transaction_read_only') = 'on' THEN 'read-only' ELSE 'read-write' END"
    ).fetchone()
    return str(row[0]) if row else ""


def check_identity(target: TargetIdentity, control: TargetIdentity) -> None:
    """Refuse a target that is the control plane's own database."""
    if (target.system_identifier, target.database) == (control.system_identifier, control.database):
        raise Refused(
            f"The target and the control plane are one database ({target.database}).",
            "Give the control plane a database of its own: DATABASE_URL and TARGET_DATABASE_URL must differ.",
        )


def check_same_target(runner: TargetIdentity, web: TargetIdentity) -> None:
    """Refuse when the runner would change another database than the one that the pages show."""
    if (runner.system_identifier, runner.database) != (web.system_identifier, web.database):
        raise Refused(
            f"TARGET_RUNNER_URL names {runner.database} ({runner.host_label}), but TARGET_DATABASE_URL names "
            f"{web.database} ({web.host_label}).",
            "Both must name the target: the one with the runner's role, the other with the web role.",
        )


def check_role(connection: Connection, *, web_role: str) -> None:
    """Refuse a runner that lacks a right it needs, and a target without file_audit or web role."""
    row = connection.execute(
        """
        SELECT current_user, to_regclass('public.file_audit')::oid, c.relkind::text, pg_has_role(c.relowner, 'USAGE'),
               has_database_privilege(current_database(), 'CREATE'), has_schema_privilege('public', 'CREATE'),
               has_database_privilege(current_database(), 'TEMPORARY'),
               EXISTS (SELECT FROM pg_roles WHERE rolname = %s), c.relowner::regrole::text
        FROM (SELECT to_regclass('public.file_audit') AS oid) AS f LEFT JOIN pg_class c ON c.oid = f.oid
        """,
        [web_role],
    ).fetchone()
    assert row is not None  # noqa: S101
    user, table, kind, owns, may_create, may_create_in_public, may_use_temporary, web_role_exists, owner = row
    if table is None:
        raise Refused(
            "The target has no table public.file_audit.",
            "Check that TARGET_RUNNER_URL names the application's database; Section 2 adds its columns to file_audit.",
        )
    if kind not in ("r", "p"):
        raise Refused("public.file_audit in the target is not a table.", "Section 2 can only add columns to a table.")
    if not owns:
        raise Refused(
            f"The role {user} may not alter public.file_audit (its owner is {owner}).",
            f"Name the runner's role in TARGET_RUNNER_URL: a member of {owner}.",
        )
    if not (may_create and may_create_in_public):
        raise Refused(
            f"The role {user} may not create schemas in this database or tables in schema public.",
            f"As the database's owner: GRANT CREATE ON DATABASE … TO {user}; GRANT CREATE ON SCHEMA public TO {user};",
        )
    if not may_use_temporary:
        raise Refused(
            f"The role {user} may not create temporary tables in this database, which the move of the rows needs.",
            f"As the database's owner: GRANT TEMPORARY ON DATABASE … TO {user};",
        )
    if not web_role_exists:
        raise Refused(
            f"The server has no role {web_role}, to which the script grants its tables.",
            f"As an administrator: CREATE ROLE {web_role} LOGIN; (README, section Your own PostgreSQL).",
        )
    _check_web_role(connection, web_role)


def _check_web_role(connection: Connection, web_role: str) -> None:
    """Refuse a web role that cannot read file_audit, or that could change the schema itself."""
    row = connection.execute(
        "SELECT has_schema_privilege(r.oid, 'public', 'USAGE') "
        "AND has_table_privilege(r.oid, 'public.file_audit', 'SELECT'), "
        "has_schema_privilege(r.oid, 'public', 'CREATE') "
        "OR has_database_privilege(r.oid, current_database(), 'CREATE') "
        "OR rolsuper FROM pg_roles AS r WHERE rolname = %s",
        [web_role],
    ).fetchone()
    assert row is not None  # noqa: S101
    may_read, may_create = row
    if not may_read:
        raise Refused(
            f"The role {web_role} may not read public.file_audit.",
            f"As its owner: GRANT USAGE ON SCHEMA public TO {web_role}; "
            f"GRANT SELECT ON public.file_audit TO {web_role};",
        )
    if may_create:
        raise Refused(
            f"The role {web_role} may create objects in the target, so pages could change its schema past the gate.",
            f"As an administrator: REVOKE CREATE ON SCHEMA public FROM PUBLIC, {web_role}; "
            "and REVOKE CREATE ON DATABASE … "
            f"FROM {web_role}; the role may not be a superuser either.",
        )


def existing(connection: Connection, names: Iterable[str]) -> list[str]:
    """Return which relations (``schema.name``) or columns (``schema.table.column``) exist already."""
    found = []
    for name in names:
        parts = parts_of(name)
        if len(parts) == 3:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid "
                "JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relname = %s "
                "AND a.attname = %s AND NOT a.attisdropped)",
                parts,
            ).fetchone()
        else:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                "WHERE n.nspname = %s AND c.relname = %s)",
                parts if len(parts) == 2 else ["public", *parts],
            ).fetchone()
        if row and row[0]:
            found.append(name)
    return found


def names_created(script: Script) -> list[str]:
    """Return the relations and columns that a script creates, but for Section 0's, which an earlier run may leave."""
    return [name for section in script.sections if section.number != 0 for name in section.creates if "." in name]


def check_no_leftovers(connection: Connection, names: Iterable[str]) -> None:
    """Refuse objects of the names that the script creates (an ``IF NOT EXISTS`` would hide their shape).

    Raises:
        SchemaConflict: with the names.
    """
    if found := existing(connection, names):
        raise SchemaConflict(
            found,
            f"The target already holds objects that the script creates: {', '.join(sorted(found))}.",
            "If a run of ours made them, roll it back (v7_rollback); if somebody else did, rename or drop them first.",
        )
