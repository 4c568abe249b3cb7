"""The operating-system account that the embedded PostgreSQL runs under.

PostgreSQL refuses to run as root. For root the server gets an account of its own and a place of its own,
so that no directory of a person has to be opened for it; everybody else runs the server as themselves.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from v7migration.errors import Refused

ACCOUNT_NAME = "v7postgres"
SYSTEM_DIR = Path(os.environ.get("V7_SERVER_DIR", "") or "/var/lib/v7migration")
_OWN_SERVER = "Use a PostgreSQL of your own (set DATABASE_URL; README, section Your own PostgreSQL)"


@dataclass(frozen=True)
class Account:
    """Who runs the server; ``foreign`` says that this is not the account of the calling process."""

    name: str
    uid: int
    gid: int
    foreign: bool

    def give(self, path: Path) -> None:
        """Make a file or directory of ours belong to the server's account (mode unchanged)."""
        if self.foreign:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def run(self, command: Sequence[str | Path], *, timeout: float = 120) -> subprocess.CompletedProcess[str]:
        """Run a program as this account, away from the terminal's signals, and return its output and code.

        The program is always waited for, also when the caller is interrupted: a server that is being started
        while Ctrl-C arrives must have written its process id before anybody tries to stop it.
        Raises ``Refused`` when this process may not act for the account or the program does not end in time.
        """
        arguments = [os.fspath(part) for part in command]
        environment = {"PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "LC_ALL": "C", "TZ": "UTC"}
        if libraries := os.environ.get("LD_LIBRARY_PATH"):
            environment["LD_LIBRARY_PATH"] = libraries
        try:
            with subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                cwd="/",
                env=environment,
                umask=0o077,
                start_new_session=True,
                user=self.uid if self.foreign else None,
                group=self.gid if self.foreign else None,
                extra_groups=[] if self.foreign else None,
            ) as process:
                try:
                    output, _ = process.communicate(timeout=timeout)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise
                finally:
                    process.wait()
        except subprocess.TimeoutExpired as error:
            raise Refused(
                f"{Path(arguments[0]).name} did not end within {timeout:.0f} s.",
                "Look at the machine's load and try again.",
            ) from error
        return subprocess.CompletedProcess(arguments, process.returncode, output)


def server_account() -> Account:
    """Return the account for the server: the caller's own, or for root an account made for it.

    Raises ``Refused`` when root can neither find nor create one.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(name=str(uid), uid=uid, gid=os.getegid(), foreign=False)
    entry = _entry(ACCOUNT_NAME) or _created() or _entry("nobody")
    if entry is None or entry.pw_uid == 0:
        raise Refused(
            "PostgreSQL does not run as root, and no account could be created for it.",
            f"Create a system account named {ACCOUNT_NAME}, or run as an ordinary user. {_OWN_SERVER}.",
        )
    return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid, foreign=True)


def system_dir() -> Path:
    """Return root's place for server data, made with mode 0755; ``Refused`` when it is not root's alone."""
    try:
        SYSTEM_DIR.mkdir(mode=0o755, exist_ok=True)
        status = SYSTEM_DIR.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != 0 or status.st_mode & 0o022:
            raise Refused(
                f"{SYSTEM_DIR} is not a directory that only root can write to.",
                f"Give it to root with mode 0755, or run as an ordinary user. {_OWN_SERVER}.",
            )
        if status.st_mode & 0o055 != 0o055:  # a strict umask made it unreachable for the server's account
            SYSTEM_DIR.chmod(0o755)
    except OSError as error:
        raise Refused(
            f"{SYSTEM_DIR} cannot be created: {error.strerror}.", f"Run as an ordinary user. {_OWN_SERVER}."
        ) from error
    return SYSTEM_DIR


def _entry(name: str) -> pwd.struct_passwd | None:
    try:
        return pwd.getpwnam(name)
    except KeyError:
        return None


def _created() -> pwd.struct_passwd | None:
    """Create the account with the tool that this system has (shadow's useradd, BusyBox's adduser)."""
    shell = shutil.which("nologin", path="/usr/sbin:/sbin:/usr/bin:/bin") or "/bin/false"
    home = ["-d", str(SYSTEM_DIR)]
    for tool, options in (
        ("useradd", ["--system", "--user-group", "--no-create-home", *home, "--shell", shell]),
        ("adduser", ["-S", "-D", "-H", "-h", str(SYSTEM_DIR), "-s", shell]),
    ):
        path = shutil.which(tool, path="/usr/sbin:/sbin:/usr/bin:/bin")
        if path is None:
            continue
        with contextlib.suppress(subprocess.TimeoutExpired):
            subprocess.run([path, *options, ACCOUNT_NAME], capture_output=True, timeout=30, check=False)
        if entry := _entry(ACCOUNT_NAME):
            return entry
    return None
