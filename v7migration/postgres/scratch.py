"""A scratch copy of the target's schema on another server: what a rehearsal may break."""

from __future__ import annotations

import os
import secrets
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from v7migration.errors import Refused
from v7migration.postgres.embedded import client_binary
from v7migration.postgres.session import connect

Connection = psycopg.Connection[tuple[object, ...]]
REHEARSAL = {"place": "rehearsal server", "variable": "REHEARSAL_DATABASE_URL"}
SAMPLE_ROWS = 1_000


@dataclass(frozen=True)
class Scratch:
    """A scratch database: a session as the runner's role, and what was copied into it."""

    connection: Connection
    server_version: int
    sampled_rows: int
    note: str


def _without_password(url: str) -> tuple[str, dict[str, str]]:
    """Split a URL into a conninfo for a command line and the environment that carries its password."""
    parts: dict[str, Any] = dict(conninfo_to_dict(url))
    password = parts.pop("password", None)
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("V7_", "PG")) and "_URL" not in name
    }
    environment = {**kept, "PGAPPNAME": "v7_rehearse"}
    if password:
        environment["PGPASSWORD"] = str(password)
    return make_conninfo("", **parts), environment


def _run(command: list[str], environment: dict[str, str], *, stdin: bytes | None, what: str) -> bytes:
    done = subprocess.run(command, env=environment, input=stdin, capture_output=True, check=False)
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip().splitlines()
        raise Refused(
            f"{what} failed: {' / '.join(reason[:3]) or 'no reason given'}.",
            "Repair the scratch server (REHEARSAL_DATABASE_URL) or the runner's rights, then rehearse again.",
        )
    return done.stdout


def _copy_roles(target: Connection, admin: Connection) -> None:
    """Make the target's roles (names, powers and memberships; no passwords) known to the scratch server."""
    have = {row[0] for row in admin.execute("SELECT rolname FROM pg_roles").fetchall()}
    roles = target.execute(
        "SELECT rolname, rolsuper, rolinherit, rolbypassrls, rolcreaterole, rolcreatedb "
        "FROM pg_roles WHERE rolname !~ '^pg_'"
    ).fetchall()
    for name, superuser, inherits, bypasses, creates_roles, creates_databases in roles:
        if name in have:
            continue
        flags = [
            "SUPERUSER" if superuser else "NOSUPERUSER",
            "INHERIT" if inherits else "NOINHERIT",
            "BYPASSRLS" if bypasses else "NOBYPASSRLS",
            "CREATEROLE" if creates_roles else "NOCREATEROLE",
            "CREATEDB" if creates_databases else "NOCREATEDB",
        ]
        admin.execute(sql.SQL("CREATE ROLE {} NOLOGIN " + " ".join(flags)).format(sql.Identifier(str(name))))
    memberships = target.execute(
        "SELECT r.rolname, m.rolname FROM pg_auth_members a JOIN pg_roles r ON r.oid = a.roleid "
        "JOIN pg_roles m ON m.oid = a.member"
    ).fetchall()
    for role, member in memberships:
        with suppress(psycopg.errors.InvalidGrantOperation, psycopg.errors.UndefinedObject):
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(str(role)), sql.Identifier(str(member))))


def _check_superuser(admin: Connection) -> None:
    row = admin.execute("SELECT current_user, rolsuper FROM pg_roles WHERE rolname = current_user").fetchone()
    if row is None or not row[1]:
        raise Refused(
            f"REHEARSAL_DATABASE_URL logs in as {row[0] if row else 'nobody'}, which is no superuser of that server.",
            "Name a superuser of a scratch server: the rehearsal copies roles and makes a database there.",
        )


def _create_database(target: Connection, admin: Connection, name: str) -> None:
    row = target.execute(
        "SELECT pg_encoding_to_char(encoding), datdba::regrole::text, has_database_privilege(datname, 'CREATE'), "
        "current_user FROM pg_database WHERE datname = current_database()"
    ).fetchone()
    owner_row = target.execute(
        "SELECT r.rolname FROM pg_database d JOIN pg_roles r ON r.oid = d.datdba WHERE datname = current_database()"
    ).fetchone()
    assert row is not None and owner_row is not None  # noqa: S101
    admin.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C' OWNER {}").format(
            sql.Identifier(name), sql.Literal(row[0]), sql.Identifier(str(owner_row[0]))
        )
        if row[0] != "UTF8"
        else sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8' OWNER {}").format(
            sql.Identifier(name), sql.Identifier(str(owner_row[0]))
        )
    )
    if row[2]:
        admin.execute(
            sql.SQL("GRANT CREATE, CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(name), sql.Identifier(str(row[3]))
            )
        )


def _sample(target: Connection, scratch: Connection) -> int:
    """Copy up to ``SAMPLE_ROWS`` rows of file_audit, references aside, and return how many."""
    row = target.execute("SELECT to_regclass('public.file_audit') IS NOT NULL").fetchone()
    if not (row and row[0]):
        return 0
    names = target.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = 'public.file_audit'::regclass AND attnum > 0 "
        "AND NOT attisdropped AND attgenerated = '' ORDER BY attnum"
    ).fetchall()
    columns = sql.SQL(", ").join(sql.Identifier(str(name[0])) for name in names)
    rows = 0
    with scratch.transaction():
        scratch.execute("SET LOCAL session_replication_role = replica")
        with (
            target.cursor().copy(
                sql.SQL("COPY (SELECT {} FROM public.file_audit LIMIT {}) TO STDOUT").format(columns, SAMPLE_ROWS)
            ) as reading,
            scratch.cursor().copy(sql.SQL("COPY public.file_audit ({}) FROM STDIN").format(columns)) as writing,
        ):
            for block in reading:
                writing.write(block)
                rows += 1
    return rows


@contextmanager
def scratch_copy(target_url: str, admin_url: str) -> Iterator[Scratch]:
    """Lend a scratch database with the target's schema, roles and a sample of file_audit.

    Args:
        target_url: the target, as the runner; it is only read.
        admin_url: a superuser of the scratch server.

    Raises:
        Refused: the dump or the restore failed; the message names why.
    """
    name = f"rehearsal_{secrets.token_hex(6)}"
    with (
        connect(target_url, application_name="v7_rehearse") as target,
        connect(admin_url, application_name="v7_rehearse", **REHEARSAL) as admin,
    ):
        _check_superuser(admin)
        major = target.info.server_version // 10_000
        _copy_roles(target, admin)
        url = make_conninfo(admin_url, dbname=name)
        try:
            _create_database(target, admin, name)
            conninfo, environment = _without_password(target_url)
            dump = [
                str(client_binary("pg_dump", major)),
                "--schema-only",
                "--exclude-schema=migration_gate",
                "-d",
                conninfo,
            ]
            schema = _run(dump, environment, stdin=None, what="Dumping the target's schema")
            conninfo, environment = _without_password(url)
            psql = [str(client_binary("psql", major)), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", conninfo]
            _run(psql, environment, stdin=schema, what="Restoring the schema on the scratch server")
            user = target.execute("SELECT session_user").fetchone()
            with connect(url, application_name="v7_rehearse") as scratch:
                rows = _sample(target, scratch)
                scratch.execute(
                    sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(str(user[0] if user else "")))
                )
                versions = (scratch.info.server_version, target.info.server_version)
                note = (
                    ""
                    if versions[0] // 10_000 == versions[1] // 10_000
                    else (f"rehearsed on PostgreSQL {versions[0] // 10_000}, the target runs {versions[1] // 10_000}")
                )
                yield Scratch(scratch, versions[0], rows, note)
        finally:
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
