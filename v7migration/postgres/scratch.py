"""A scratch copy of the target's schema on another server: what a rehearsal may break."""

from __future__ import annotations

import os
import re
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
from v7migration.postgres.sample import Sample, fill
from v7migration.postgres.session import connect, reason_of

Connection = psycopg.Connection[tuple[object, ...]]
REHEARSAL = {"place": "rehearsal server", "variable": "REHEARSAL_DATABASE_URL"}
NEXT_STEPS = {
    "53": "Make room on the scratch server (disk, connections), then rehearse again.",
    "42": "Name a superuser of the scratch server in REHEARSAL_DATABASE_URL.",
    "25": "Name a scratch server that takes writes in REHEARSAL_DATABASE_URL: this one is read-only or a standby.",
    "57": "The scratch server is starting, stopping or ended the session: see its log, then rehearse again.",
    "08": "The scratch server ended the session: see its log, then rehearse again.",
}
"""By the class of the server's SQLSTATE: what to do before rehearsing again."""


class ScratchUnfit(Refused):
    """The scratch server cannot serve: fix the environment before proceeding (document 5.1, test environment failure).

    ``cause`` names what failed: ``server``, ``superuser``, ``roles``, ``database``, ``programs``, ``dump`` or
    ``restore``.
    """

    def __init__(self, cause: str, message: str, next_step: str) -> None:
        self.cause = cause
        super().__init__(message, next_step)


@dataclass(frozen=True)
class Scratch:
    """A scratch database: a session as the runner's role, and what was copied into it."""

    connection: Connection
    server_version: int
    sample: Sample
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


def _run(command: list[str], environment: dict[str, str], stdin: bytes | None) -> tuple[bytes, str]:
    """Run a client program; return what it wrote and, where it failed, its first lines of reason."""
    try:
        done = subprocess.run(command, env=environment, input=stdin, capture_output=True, check=False)
    except OSError as error:
        raise ScratchUnfit(
            "programs",
            f"The program {command[0]} cannot be run: {error.strerror}.",
            "Install the packages of requirements.txt again, then rehearse again.",
        ) from error
    reason = [line for line in done.stderr.decode(errors="replace").strip().splitlines() if line.strip()]
    first = " / ".join(reason[:3]) or "no reason given"
    return done.stdout, first if done.returncode else ""


def _dumped(target_url: str, major: int) -> bytes:
    """Return the target's schema as SQL, ``migration_gate`` aside."""
    conninfo, environment = _without_password(target_url)
    program = _program("pg_dump", major)
    schema, failure = _run(
        [program, "--schema-only", "--exclude-schema=migration_gate", "-d", conninfo], environment, None
    )
    if failure:
        raise ScratchUnfit(
            "dump",
            f"Dumping the target's schema failed: {failure}.",
            "Give the runner's role what pg_dump asks for (it locks and reads every table's definition), "
            "then rehearse again.",
        )
    return schema


def _restore(url: str, major: int, schema: bytes) -> None:
    conninfo, environment = _without_password(url)
    command = [_program("psql", major), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", conninfo]
    _, failure = _run(command, environment, schema)
    if not failure:
        return
    extension = re.search(r'extension "([^"]+)" is not available|control file "[^"]*?([^"/]+)\.control"', failure)
    name = (extension[1] or extension[2]) if extension else ""
    raise ScratchUnfit(
        "restore",
        f"Restoring the schema on the scratch server failed: {failure}.",
        f"Install the extension {name} on the scratch server, or name in REHEARSAL_DATABASE_URL a server that has it."
        if name
        else "Name in REHEARSAL_DATABASE_URL a scratch server of the target's version with what the schema needs "
        "(extensions, languages, collations), then rehearse again.",
    )


def _program(name: str, major: int) -> str:
    try:
        return str(client_binary(name, major))
    except Refused as refused:
        raise ScratchUnfit("programs", refused.message, refused.next_step) from refused


@contextmanager
def _naming(cause: str, what: str) -> Iterator[None]:
    """Name what failed when the scratch server refuses."""
    try:
        yield
    except psycopg.Error as error:
        raise ScratchUnfit(
            cause,
            f"{what}: {(error.diag.message_primary or reason_of(error)).strip()}"
            f"{f' ({error.diag.message_detail})' if error.diag.message_detail else ''}.",
            NEXT_STEPS.get(
                (error.sqlstate or "")[:2], "Repair the scratch server (REHEARSAL_DATABASE_URL), then try again."
            ),
        ) from error


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
        raise ScratchUnfit(
            "superuser",
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


@contextmanager
def scratch_copy(target_url: str, admin_url: str) -> Iterator[Scratch]:
    """Lend a scratch database with the target's schema, roles and representative rows of file_audit.

    Args:
        target_url: the target, as the runner; it is only read.
        admin_url: a superuser of the scratch server.

    Raises:
        ScratchUnfit: the scratch server, the dump or the restore failed; the message names which, and why. No scratch
            database is left behind.
        Refused: the target cannot be reached.
    """
    name = f"rehearsal_{secrets.token_hex(6)}"
    with connect(target_url, application_name="v7_rehearse") as target, _administrator(admin_url) as admin:
        _check_superuser(admin)
        major = target.info.server_version // 10_000
        with _naming("roles", "The target's roles cannot be made on the scratch server"):
            _copy_roles(target, admin)
        url = make_conninfo(admin_url, dbname=name)
        try:
            with _naming("database", "The scratch server cannot make a database"):
                _create_database(target, admin, name)
            _restore(url, major, _dumped(target_url, major))
            with _administrator(url) as scratch:
                with _naming("rows", "The rows of file_audit cannot be copied to the scratch server"):
                    sample = fill(target, scratch)
                    _become(scratch, target)
                yield Scratch(scratch, scratch.info.server_version, sample, _note(scratch, target))
        finally:
            _drop(admin, admin_url, name)


def _administrator(url: str) -> Connection:
    try:
        return connect(url, application_name="v7_rehearse", **REHEARSAL)
    except Refused as refused:
        raise ScratchUnfit("server", refused.message, refused.next_step) from refused


def _become(scratch: Connection, target: Connection) -> None:
    """Go on as the runner's role, so that the script has the rights that it has on the target."""
    user = target.execute("SELECT session_user").fetchone()
    scratch.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(str(user[0] if user else ""))))


def _note(scratch: Connection, target: Connection) -> str:
    here, there = (session.info.server_version // 10_000 for session in (scratch, target))
    return "" if here == there else f"rehearsed on PostgreSQL {here}, the target runs {there}"


def _drop(admin: Connection, admin_url: str, name: str) -> None:
    """Drop the scratch database, by another session if this one has ended; a server that is gone took it along."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name))
    try:
        admin.execute(statement)
    except psycopg.OperationalError:
        with suppress(Refused, psycopg.OperationalError), _administrator(admin_url) as another:
            another.execute(statement)
