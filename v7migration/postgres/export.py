"""The schema of a database as SQL text, written by pg_dump: the same bytes for the same schema (document 2.1.1).

The programs get what the live session was opened with (also what came from the environment or a password file); the
password travels in their environment, never on a command line. They read under a limit for locks.
"""

from __future__ import annotations

import os
import re
import secrets
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import psycopg
from psycopg.conninfo import make_conninfo

from v7migration.errors import Refused, Unfit
from v7migration.postgres import binaries
from v7migration.postgres.kept import query
from v7migration.postgres.session import blockers

Connection = psycopg.Connection[Any]
GATE_SCHEMA = "migration_gate"
RESTRICT_KEY = "v7schemaexport"
LOCK_WAIT = 3_000
"""Milliseconds that the export waits for a lock on a table."""
FILLED_IN = "allow"
"""``sslcertmode`` as the library sets it where nobody did; programs before PostgreSQL 16 do not know that option."""
TICK = 0.5
"""Seconds between two looks at whether the export waits for somebody."""
_RESTRICT = re.compile(rb"^(\\(?:un)?restrict) \S+$", re.MULTILINE)


class ExportFailed(Unfit):
    """The schema cannot be written out; ``cause`` names what failed: ``programs``, ``lock`` or ``dump``."""


@dataclass(frozen=True)
class Fault:
    """An object that is not part of an export, and why."""

    object: str
    reason: str

    def as_dict(self) -> dict[str, str]:
        """Return the fault as JSON-able data."""
        return asdict(self)


@dataclass(frozen=True)
class Export:
    """A schema as SQL, the program that wrote it, and what it could not read."""

    text: bytes
    program: str
    faults: tuple[Fault, ...]


def export_schema(connection: Connection) -> Export:
    """Write out the schema of the session's database, also the ``migration_gate`` of a run, as the session's role.

    Tables that the role may not read, or that somebody keeps locked for longer than ``LOCK_WAIT``, are left out and
    named. Nothing is written, and nobody waits for the export longer than a reader makes him wait.

    Raises:
        ExportFailed: there is no pg_dump for this server, or it failed for another reason.
    """
    program = client("pg_dump", connection.info.server_version // 10_000)
    closed = _tables(connection, "unreadable")
    try:
        text = dump(connection, without=[pattern for _, pattern in closed], with_gate=True)
    except ExportFailed as failed:
        locked = _tables(connection, "locked")
        if failed.cause == "programs" or not locked:
            raise
        closed += [entry for entry in locked if entry[1] not in {pattern for _, pattern in closed}]
        text = _dump_beside_locks(connection, [pattern for _, pattern in closed], [fault for fault, _ in locked])
    return Export(text, binaries.version_of(program), tuple(sorted((f for f, _ in closed), key=lambda f: f.object)))


def _dump_beside_locks(connection: Connection, without: Sequence[str], locked: Sequence[Fault]) -> bytes:
    """Dump without the tables that somebody keeps locked; what needs to look into them (a view) makes it fail again."""
    try:
        return dump(connection, without=without, with_gate=True)
    except ExportFailed as failed:
        raise ExportFailed(
            "lock",
            f"The schema export waited for what somebody has locked: "
            f"{'; '.join(f'{fault.object} is {fault.reason}' for fault in locked)}.",
            "Wait for that session to end (or end it), then take the inventory again.",
        ) from failed


def dump(connection: Connection, *, without: Sequence[str] = (), with_gate: bool = False) -> bytes:
    """Return the schema as SQL, the tables of these patterns aside, and ``migration_gate`` unless asked for.

    Raises:
        ExportFailed: pg_dump is missing, waited for a lock, or failed.
    """
    program = client("pg_dump", connection.info.server_version // 10_000)
    conninfo, environment = described(connection)
    environment["PGAPPNAME"] = name = f"v7_export_{secrets.token_hex(6)}"
    pinned = _knows_restrict_key(program)
    command = [
        str(program), "--schema-only", *([] if with_gate else [f"--exclude-schema={GATE_SCHEMA}"]),
        f"--lock-wait-timeout={LOCK_WAIT}",
        "--no-password", f"--encoding={_encoding(connection)}", *([f"--restrict-key={RESTRICT_KEY}"] if pinned else []),
        *(f"--exclude-table={pattern}" for pattern in without), "-d", conninfo,
    ]  # fmt: skip
    text, failure = run(command, environment, None, tick=lambda: _give_up_waiting(connection, name))
    if failure:
        raise ExportFailed(
            "dump",
            f"Dumping the target's schema failed: {failure}.",
            "Give the runner's role what pg_dump asks for (it locks and reads every table's definition), "
            "then try again.",
        )
    return text if pinned else _RESTRICT.sub(rb"\1 " + RESTRICT_KEY.encode(), text)


def _encoding(connection: Connection) -> str:
    """Return the encoding in which any text of the database can be written out: without one, byte by byte."""
    return "SQL_ASCII" if connection.info.parameter_status("server_encoding") == "SQL_ASCII" else "UTF8"


def client(name: str, major: int) -> Path:
    """Return a client program for a server of this major version.

    Raises:
        ExportFailed: there is none on this machine; the next step says what to install.
    """
    try:
        return binaries.client_binary(name, major)
    except Refused as refused:
        raise ExportFailed("programs", refused.message, refused.next_step) from refused


def described(connection: Connection) -> tuple[str, dict[str, str]]:
    """Return the conninfo with which a program reaches the session's database, and its environment with the password.

    What the session was opened with counts, wherever it came from; of several hosts, the one that answered.
    """
    parts = {
        option.keyword.decode(): option.val.decode()
        for option in connection.pgconn.info
        if option.val and option.val != option.compiled and not option.dispchar  # those with a mark may be secrets
    }
    parts |= {"host": connection.info.host, "port": str(connection.info.port)}
    if "hostaddr" in parts:
        parts["hostaddr"] = connection.info.hostaddr
    for name in ("service", "application_name", "fallback_application_name", "client_encoding"):
        parts.pop(name, None)
    if parts.get("sslcertmode") == FILLED_IN:
        del parts["sslcertmode"]
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("V7_", "PG")) and "_URL" not in name
    }
    environment = {**kept, "LC_ALL": "C", "PGAPPNAME": "v7_migration"}
    if connection.info.password:
        environment["PGPASSWORD"] = connection.info.password
    return make_conninfo("", **parts), environment


def run(
    command: list[str], environment: dict[str, str], stdin: bytes | None, *, tick: Callable[[], object] = lambda: None
) -> tuple[bytes, str]:
    """Run a client program; return what it wrote and, where it failed, its first lines of reason.

    ``tick`` is called every ``TICK`` seconds while the program runs.

    Raises:
        ExportFailed: the program cannot be run.
    """
    output, said, code = run_through(command, environment, stdin, tick=tick)
    return output, first_lines(said) if code else ""


def first_lines(said: str) -> str:
    """Return the first three lines of what a program said, on one."""
    return " / ".join([line for line in said.strip().splitlines() if line.strip()][:3]) or "no reason given"


def run_through(
    command: list[str], environment: dict[str, str], stdin: bytes | None, *, tick: Callable[[], object] = lambda: None
) -> tuple[bytes, str, int]:
    """Run a client program; return what it wrote, what it said on standard error, and its exit code.

    Raises:
        ExportFailed: the program cannot be run.
    """
    try:
        with (
            _file_of(stdin) as source,
            subprocess.Popen(
                command, env=environment, stdin=source, stdout=subprocess.PIPE, stderr=subprocess.PIPE
            ) as process,
        ):
            try:
                output, said = _communicate(process, tick)
            except BaseException:
                process.kill()
                raise
            return output, said.decode(errors="replace"), process.returncode
    except OSError as error:
        raise ExportFailed(
            "programs",
            f"The program {command[0]} cannot be run: {error.strerror}.",
            "Install the packages of requirements.txt (or PostgreSQL's client programs) again, then try again.",
        ) from error


@contextmanager
def _file_of(content: bytes | None) -> Iterator[IO[bytes] | int]:
    """Lend what a program reads as a file: a pipe would stop being fed at the first look away from it."""
    if content is None:
        yield subprocess.DEVNULL
        return
    with tempfile.TemporaryFile() as file:
        file.write(content)
        file.seek(0)
        yield file


def _communicate(process: subprocess.Popen[bytes], tick: Callable[[], object]) -> tuple[bytes, bytes]:
    while True:
        try:
            return process.communicate(timeout=TICK)
        except subprocess.TimeoutExpired:
            tick()


@cache
def _knows_restrict_key(program: Path) -> bool:
    """Say whether a pg_dump takes ``--restrict-key``; an older one writes a random key, or none."""
    return b"--restrict-key" in run_through([str(program), "--help"], dict(os.environ), None)[0]


def _give_up_waiting(connection: Connection, name: str) -> None:
    """Cancel the export where it waits for a lock outside its own LOCK TABLE: printing a view takes locks, too."""
    rows = connection.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = %s AND wait_event_type = 'Lock' "
        "AND clock_timestamp() - query_start > make_interval(secs => %s)",
        [name, LOCK_WAIT / 1000 + 1],
    ).fetchall()
    for (pid,) in rows:
        if blockers(connection, pid):
            connection.execute("SELECT pg_cancel_backend(%s)", [pid])


def locked_tables(connection: Connection) -> list[Fault]:
    """Name the tables that another session has locked against reading, and who it is."""
    return [fault for fault, _ in _tables(connection, "locked")]


def _tables(connection: Connection, which: str) -> list[tuple[Fault, str]]:
    """Run a query for tables that cannot be read: each with its pattern for ``--exclude-table``."""
    rows = connection.execute(query(f"inventory/{which}")).fetchall()
    return [(Fault(key, reason), f"{_quoted(schema)}.{_quoted(table)}") for key, schema, table, reason in rows]


def _quoted(name: str) -> str:
    """Quote a name for the programs' patterns, in which quotes take every other sign literally."""
    return '"' + name.replace('"', '""') + '"'
