"""The site, served by gunicorn in a process of its own that ends with its owner."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from v7migration.connections import PROJECT_DIR
from v7migration.errors import Refused

PATIENCE = 30.0
OPERATORS_ONLY = frozenset({"V7_PASSWORD", "DATABASE_OWNER_URL", "TARGET_RUNNER_URL", "REHEARSAL_DATABASE_URL"})


def free_port(wanted: int) -> int:
    """Return the port wanted, or the next one that nobody listens on.

    Raises:
        Refused: none of the next hundred is free.
    """
    for port in range(wanted, wanted + 100):
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise Refused(f"No port from {wanted} on is free.", "Name one with --port.")


def web_environment() -> dict[str, str]:
    """Return this process's environment without what is only the operator's: passwords and the owners' URLs."""
    return {name: value for name, value in os.environ.items() if name not in OPERATORS_ONLY}


@contextmanager
def served(*, port: int, log: Path) -> Iterator[str]:
    """Serve the site on 127.0.0.1 and yield its URL; the server ends with the block.

    Raises:
        Refused: it does not answer; the log says why.
    """
    command = [
        sys.executable, "-m", "gunicorn", "v7migration.wsgi:application", "--bind", f"127.0.0.1:{port}",
        "--no-control-socket", "--workers", "1", "--threads", "8", "--timeout", "120",
        "--limit-request-line", "8190",  # filters of the API in other scripts than Latin are long
        "--log-level", "warning", "--log-file", str(log),
    ]  # fmt: skip
    # A session of its own: Ctrl-C reaches the owner only, who ends the server in order.
    server = subprocess.Popen(command, cwd=PROJECT_DIR, env=web_environment(), start_new_session=True)
    url = f"http://127.0.0.1:{port}/"
    try:
        _wait(url, server, log)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _wait(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and server.poll() is None:
        try:
            urllib.request.urlopen(f"{url}login/", timeout=5).close()  # noqa: S310 (our own site)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise Refused("The site does not answer.", f"See {log}; another port: --port.")
