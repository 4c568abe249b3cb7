"""A scratch copy of the target's schema on another server: what a rehearsal may break."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from v7migration.errors import Refused, Unfit
from v7migration.postgres.export import ExportFailed, client, described, dump, first_lines, run_through
from v7migration.postgres.sample import Sample, fill, some
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
_ERROR = re.compile(r"^(?:psql:[^\n]*?)?(?:ERROR|FATAL):\s+([^\n]+)", re.MULTILINE)


class ScratchUnfit(Unfit):
    """The scratch server cannot serve: fix the environment before proceeding (document 5.1, test environment failure).

    ``cause`` names what failed: ``server``, ``superuser``, ``roles``, ``database``, ``programs``, ``dump`` or
    ``restore``.
    """


@dataclass(frozen=True)
class Scratch:
    """A scratch database: a session as the runner's role, and what was copied into it."""

    connection: Connection
    server_version: int
    sample: Sample
    note: str


@dataclass(frozen=True)
class Restored:
    """A scratch database that holds a schema: a superuser's session, and what could not be restored (its words)."""

    connection: Connection
    errors: tuple[str, ...]


def _restore(scratch: Connection, major: int, schema: bytes, *, strict: bool) -> tuple[str, ...]:
    """Feed a schema to psql; return the errors that it met, or stop at the first where ``strict``.

    Raises:
        ScratchUnfit: psql is missing, or (strict) the server refuses a statement.
    """
    with _unfit_where_programs_fail():
        conninfo, environment = described(scratch)
        environment["PGOPTIONS"] = "-c lc_messages=C -c synchronous_commit=off"
        stop = ["-v", "ON_ERROR_STOP=1"] if strict else []
        command = [str(client("psql", major)), "-X", "-q", *stop, "-d", conninfo]
        _, said, code = run_through(command, environment, schema)
    if code and strict:
        raise _unrestorable(first_lines(said))
    if code:
        raise ScratchUnfit("restore", f"psql ended early: {first_lines(said)}.", "See the log of the scratch server.")
    return tuple(match[1] for match in _ERROR.finditer(said))


def _unrestorable(failure: str) -> ScratchUnfit:
    extension = re.search(r'extension "([^"]+)" is not available|control file "[^"]*?([^"/]+)\.control"', failure)
    name = (extension[1] or extension[2]) if extension else ""
    return ScratchUnfit(
        "restore",
        f"Restoring the schema on the scratch server failed: {failure}.",
        f"Install the extension {name} on the scratch server, or name in REHEARSAL_DATABASE_URL a server that has it."
        if name
        else "Name in REHEARSAL_DATABASE_URL a scratch server of the target's version with what the schema needs "
        "(extensions, languages, collations), then rehearse again.",
    )


@contextmanager
def _unfit_where_programs_fail() -> Iterator[None]:
    """Pass on what pg_dump and psql fail at as what makes a rehearsal impossible."""
    try:
        yield
    except ExportFailed as failed:
        raise ScratchUnfit(failed.cause, failed.message, failed.next_step) from failed


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
    provider = sql.SQL(" LOCALE_PROVIDER libc" if admin.info.server_version >= 150_000 else "")  # the only one for all
    admin.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING {} LC_COLLATE 'C' LC_CTYPE 'C'{} OWNER {}").format(
            sql.Identifier(name), sql.Literal(row[0]), provider, sql.Identifier(str(owner_row[0]))
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
def scratch_copy(
    target_url: str, admin_url: str, *, with_gate: bool = False, tables: Sequence[tuple[str, str]] = ()
) -> Iterator[Scratch]:
    """Lend a scratch database with the target's schema, roles and representative rows of file_audit.

    Args:
        target_url: the target, as the runner; it is only read.
        admin_url: a superuser of the scratch server.
        with_gate: copy ``migration_gate``, too, for a target after its run.
        tables: other tables (schema, name) of which some rows are copied.

    Raises:
        ScratchUnfit: the scratch server, the dump or the restore failed; the message names which, and why. No scratch
            database is left behind.
        Refused: the target cannot be reached.
    """
    with connect(target_url, application_name="v7_rehearse") as target:
        with restored(target, admin_url, lambda: _dumped(target, with_gate=with_gate)) as copy:
            scratch = copy.connection
            with _naming("rows", "The rows of file_audit cannot be copied to the scratch server"):
                sample = fill(target, scratch)
                sample.others = {f"{schema}.{name}": some(target, scratch, schema, name) for schema, name in tables}
                _become(scratch, target)
            yield Scratch(scratch, scratch.info.server_version, sample, note(scratch, target))


@contextmanager
def restored(
    target: Connection, admin_url: str, schema: Callable[[], bytes], *, strict: bool = True
) -> Iterator[Restored]:
    """Lend a scratch database into which a schema of the target was restored, its roles made known before.

    Args:
        target: a session on the target, which is only read: roles, encoding, owner.
        admin_url: a superuser of the scratch server.
        schema: gives the SQL once the server has proved fit.
        strict: refuse at the first statement that fails; otherwise go on and tell each.

    Raises:
        ScratchUnfit: the scratch server, the dump or the restore failed; the message names which, and why. No scratch
            database is left behind.
    """
    name = f"rehearsal_{secrets.token_hex(6)}"
    with _administrator(admin_url) as admin:
        _check_superuser(admin)
        with _naming("roles", "The target's roles cannot be made on the scratch server"):
            _copy_roles(target, admin)
        try:
            with _naming("database", "The scratch server cannot make a database"):
                _create_database(target, admin, name)
            with _administrator(make_conninfo(admin_url, dbname=name)) as scratch:
                _drop_public_where_absent(target, scratch)
                errors = _restore(scratch, target.info.server_version // 10_000, schema(), strict=strict)
                yield Restored(scratch, errors)
        finally:
            _drop(admin, admin_url, name)


def _dumped(target: Connection, *, with_gate: bool) -> bytes:
    """Return the target's schema as SQL, all of it (``migration_gate`` only if asked for), or refuse."""
    with _unfit_where_programs_fail():
        return dump(target, with_gate=with_gate)


def _drop_public_where_absent(target: Connection, scratch: Connection) -> None:
    """Every new database has a schema ``public``, and no dump says that the target's was dropped."""
    row = target.execute("SELECT to_regnamespace('public') IS NULL").fetchone()
    if row and row[0]:
        scratch.execute("DROP SCHEMA public")


def _administrator(url: str) -> Connection:
    try:
        return connect(url, application_name="v7_rehearse", **REHEARSAL)
    except Refused as refused:
        raise ScratchUnfit("server", refused.message, refused.next_step) from refused


def _become(scratch: Connection, target: Connection) -> None:
    """Go on as the runner's role, so that the script has the rights that it has on the target."""
    user = target.execute("SELECT session_user").fetchone()
    scratch.execute(sql.SQL("SET SESSION AUTHORIZATION {}").format(sql.Identifier(str(user[0] if user else ""))))


def note(scratch: Connection, target: Connection) -> str:
    """Say so where the scratch server is of another major version than the target."""
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
