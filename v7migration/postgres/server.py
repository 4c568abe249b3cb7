"""One PostgreSQL server process and its data directory: make, start, stop, look. It knows no roles."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from v7migration.errors import Refused
from v7migration.postgres.account import Account, server_account
from v7migration.postgres.binaries import reachable_by

HOST = "127.0.0.1"
SUPERUSER = "postgres"
ROOM_NEEDED = 200 * 1024 * 1024  # bytes
START_ATTEMPTS = 8
# Below the range that systems hand out for outgoing connections, so that ours stays free while we are down.
PORTS = range(21000, 32000)
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
    "cluster_name": "v7migration",
}
UNSAFE_SETTINGS = {"fsync": "off", "full_page_writes": "off"}
# The builtin provider (17 and later) sorts by code point everywhere; older servers ask the C library.
LOCALES: Mapping[int, tuple[tuple[str, ...], ...]] = {
    16: (("--locale=C.UTF-8",), ("--locale=C",)),
    18: (("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),),
}


@dataclass(frozen=True)
class Server:
    """A server with all its files in ``home`` (``data`` and ``log`` belong to the account)."""

    home: Path
    version: int

    @property
    def account(self) -> Account:
        """The operating-system account of the server's process and files."""
        return server_account()

    @property
    def data(self) -> Path:
        """The data directory; it exists only when it is complete."""
        return self.home / "data"

    @property
    def log(self) -> Path:
        """The log of the server since its last start."""
        return self.home / "log" / "postgresql.log"

    def initialise(self, password: str) -> None:
        """Make the data directory (SCRAM for every connection, UTF-8, UTC), whole or not at all.

        ``password`` becomes the superuser's. Raises ``Refused`` with the tool's words when it fails.
        """
        if re.search(r'["$`\\\n]', str(self.home)):
            raise Refused(f"{self.home} holds a character that shells act on.", "Set V7_STATE_DIR to a plainer path.")
        if shutil.disk_usage(self.home).free < ROOM_NEEDED:
            raise Refused(
                f"There are less than 200 MB free in {self.home}.",
                "Make room, or set V7_STATE_DIR elsewhere.",
            )
        for leftover in self.home.glob("unfinished-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix="unfinished-", dir=self.home))
        self.log.parent.mkdir(mode=0o700, exist_ok=True)
        for folder in (unfinished, self.log.parent):
            self.account.give(folder)
        password_file = self.home / "superuser.password"
        password_file.unlink(missing_ok=True)
        try:
            descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as handle:
                handle.write(password)
            self.account.give(password_file)
            output = self._initdb(unfinished, password_file)
        finally:
            password_file.unlink(missing_ok=True)
        if output:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise self._refusal("The database cluster cannot be created", output)
        unfinished.rename(self.data)

    def _initdb(self, target: Path, password_file: Path) -> str:
        """Run initdb with the best locale that this system has; return "" or what the tool said."""
        command = [
            str(reachable_by(self.account, self.version) / "bin" / "initdb"),
            f"--pgdata={target}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth-host=scram-sha-256",
            "--auth-local=scram-sha-256",
            "--encoding=UTF8",
            "--data-checksums",
            "--no-instructions",
        ]
        for name, value in SETTINGS.items():
            command += ["-c", f"{name}={value}"]
        result = subprocess.CompletedProcess(command, 1, "")
        for locale in LOCALES[self.version]:
            result = self.account.run([*command, *locale])
            if result.returncode == 0 or "invalid locale" not in result.stdout:
                break
        return "" if result.returncode == 0 else result.stdout

    def start(self, *, port: int, remember: Callable[[int], None], durable: bool = True) -> None:
        """Start the server and wait until it answers; another port is taken when somebody holds ``port``.

        ``remember`` is called with each port before it is tried. ``durable=False`` gives up crash safety
        (fsync and full-page writes off) for tests and throw-away servers. Raises ``Refused``.
        """
        output = ""
        for _ in range(START_ATTEMPTS):
            if not _is_free(port):
                port = free_port()
            remember(port)
            self._rotate_log()
            self._disown_recycled_process_id()
            output = self._pg_ctl("start", port=port, durable=durable)
            if not output:
                return
            if "could not bind" in output or "Address already in use" in output:
                port = free_port()
            elif "shared memory block" in output or "postmaster.pid" in output:
                time.sleep(0.5)  # the last processes of a killed server are still leaving
            else:
                break
        raise self._refusal("The embedded PostgreSQL does not start", output)

    def _pg_ctl(self, verb: str, *, port: int, durable: bool) -> str:
        """Start with pg_ctl; return "" or the tool's output with the end of the server's log."""
        settings = {} if durable else UNSAFE_SETTINGS
        options = " ".join([f"-p {port}", *(f"-c {name}={value}" for name, value in settings.items())])
        pg_ctl = reachable_by(self.account, self.version) / "bin" / "pg_ctl"
        result = self.account.run(
            [pg_ctl, verb, "-D", self.data, "-l", self.log, "-o", options, "-w", "-t", "60", "-s"]
        )
        return "" if result.returncode == 0 else f"{result.stdout}\n{_text(self.log)[-2000:]}"

    def stop(self, *, gently: bool = True) -> None:
        """Stop the server (sessions are ended) and wait until it is gone; a stopped server is fine.

        Raises ``Refused`` when it survives.
        """
        if self.process_id() is None:
            return
        pg_ctl = reachable_by(self.account, self.version) / "bin" / "pg_ctl"
        for mode in ["fast", "immediate"] if gently else ["immediate"]:
            result = self.account.run([pg_ctl, "stop", "-D", self.data, "-m", mode, "-w", "-t", "30", "-s"])
            if result.returncode == 0 or self.process_id() is None:
                return
        raise Refused(f"The embedded PostgreSQL does not stop: {result.stdout.strip()}", f"Look at {self.log}.")

    def process_id(self) -> int | None:
        """Return the process id of the server when it is alive (a file left by a dead one does not count)."""
        recorded = self._recorded()
        if not recorded or not recorded[0].strip().isdigit():
            return None
        process_id = int(recorded[0])
        return process_id if f" {self.data} " in f" {command_line(process_id).strip()} " else None

    def is_ready(self) -> bool:
        """Say whether the server is alive and accepts connections."""
        recorded = self._recorded()
        return len(recorded) > 7 and recorded[7].strip() == "ready" and self.process_id() is not None

    def _recorded(self) -> list[str]:
        return _text(self.data / "postmaster.pid").splitlines()

    def _rotate_log(self) -> None:
        """Begin a new log at each start and keep the one before it."""
        if self.log.exists():
            self.log.replace(self.log.with_suffix(".log.1"))

    def _disown_recycled_process_id(self) -> None:
        """Keep a crash from blocking the start when the dead server's process id was given out again.

        PostgreSQL believes a process with the recorded id to be the old server, also one that nobody reaped.
        The file itself must stay: it names the shared memory by which the server finds its predecessor's
        last children. So only the id is replaced, by one that is certainly dead.
        """
        recorded = self._recorded()
        if not recorded or not recorded[0].strip().isdigit() or self.process_id() is not None:
            return
        try:
            os.kill(int(recorded[0]), 0)
        except ProcessLookupError:
            return
        except PermissionError:
            pass  # alive, and another account's
        with subprocess.Popen(["/bin/sh", "-c", ":"]) as dead:
            dead.wait()
        text = "\n".join([str(dead.pid), *recorded[1:], ""])
        replacement = self.home / "postmaster.pid"
        replacement.write_text(text)
        replacement.chmod(0o600)
        self.account.give(replacement)
        replacement.replace(self.data / "postmaster.pid")

    def _refusal(self, fact: str, output: str) -> Refused:
        if "No space left on device" in output:
            return Refused(f"{fact}: no space is left in {self.home}.", "Make room and try again.")
        telling = re.compile("error|fatal|could not|panic", re.IGNORECASE)
        words = [line for line in output.splitlines() if telling.search(line)]
        reason = (words[-1] if words else output).strip()
        return Refused(
            f"{fact}: {reason}",
            f"Its log is {self.log}. Start over with v7_demo --reset if the data may go.",
        )


def free_port() -> int:
    """Return a TCP port on the loopback address that nobody listens on; ``Refused`` when none is found."""
    for _ in range(200):
        port = PORTS.start + secrets.randbelow(len(PORTS))
        if _is_free(port):
            return port
    raise Refused(f"No free TCP port was found on {HOST}.", "Check that the loopback interface is up.")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As the server does: connections that just ended are no hindrance.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def command_line(process_id: int) -> str:
    """Return the words a living process was started with; "" when it is dead or only a zombie."""
    if Path("/proc/self/cmdline").exists():
        return _text(Path(f"/proc/{process_id}/cmdline")).replace("\0", " ")
    result = subprocess.run(
        ["/bin/ps", "-o", "command=", "-p", str(process_id)], capture_output=True, text=True, check=False
    )
    return result.stdout


def _text(path: Path) -> str:
    """Read a file that the server's account may have made; never through a link; "" when it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return ""
    with os.fdopen(descriptor, errors="replace") as handle:
        try:
            return handle.read()
        except OSError:  # /proc of a process that ends just now
            return ""
