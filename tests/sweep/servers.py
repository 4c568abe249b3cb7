"""The two servers of the sweep: the control plane's and the target's.

Imported before anything that knows Django: it says where the databases are.
"""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from v7migration.postgres.embedded import URLS, Cluster

DATABASES = {"control": "v7_control", "target": "v7_target"}
STEADY = {"autovacuum": "off", "checkpoint_timeout": "1h"}
"""What would do something of its own between two round trips."""


def start() -> None:
    """Start both servers, tell the product where they are, and load Django."""
    from tests import environment

    environment.use_two_servers()
    import django

    django.setup()
    for name in DATABASES:
        _steady(name)


def stop() -> None:
    """Stop both servers and leave nothing."""
    from tests import environment

    environment.stop_servers()


def version() -> int:
    """Return the major version of the servers."""
    return server("control").version


def server(name: str) -> Cluster:
    """Return the server of ``control`` or ``target``."""
    from tests import environment

    return environment.SERVERS[DATABASES[name]]


def ports() -> dict[int, str]:
    """Return which port is which server's."""
    from tests import environment

    found = {}
    for name, database in DATABASES.items():
        url = next(u for u, (_, where) in URLS.items() if where == database)
        found[int(environment.url(url).rpartition(":")[2].partition("/")[0])] = name
    return found


def _steady(name: str) -> None:
    from tests.world import administrator

    with administrator(DATABASES[name]) as admin:
        for setting, value in STEADY.items():
            admin.execute(f"ALTER SYSTEM SET {setting} = '{value}'")
        admin.execute("SELECT pg_reload_conf()")


def terminate(name: str, pid: int) -> None:
    """End a session and wait until it is gone."""
    from tests.world import administrator

    with administrator(DATABASES[name]) as admin:
        admin.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def kill(name: str) -> None:
    """Kill a whole server (SIGKILL, the postmaster and every child) and wait until all of it is dead."""
    postmaster = server(name)._server().process_id()
    assert postmaster is not None, f"the {name} server is not running"
    doomed = _open([postmaster])
    os.kill(postmaster, signal.SIGSTOP)  # it starts no child while we look
    doomed |= _open(int(p) for p in Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split())
    for pid in doomed:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for handle in doomed.values():
        select.select([handle], [], [], 30)
        os.close(handle)


def _open(pids: Iterable[int]) -> dict[int, int]:
    handles = {}
    for pid in pids:
        with suppress(ProcessLookupError):
            handles[pid] = os.pidfd_open(pid)
    return handles


def revive(name: str) -> None:
    """Start a killed server again: it recovers from its log."""
    before = ports()
    server(name).ensure_started()
    assert ports() == before, "the server came back on another port"


def left_sessions(patience: float = 10.0) -> list[str]:
    """Return the sessions that stay in our databases although every command has ended."""
    deadline = time.monotonic() + patience
    left = []
    for name in DATABASES:
        while (left := _sessions(name)) and time.monotonic() < deadline:
            time.sleep(0.02)  # a session needs a moment to end after its client
        if left:
            return left
    return left


def _sessions(name: str) -> list[str]:
    from tests.world import administrator

    with administrator(DATABASES[name]) as admin:
        rows = admin.execute(
            "SELECT application_name || ' ' || state || ' ' || query FROM pg_stat_activity "
            "WHERE backend_type = 'client backend' AND datname = ANY(%s)",
            [list(DATABASES.values())],
        ).fetchall()
    return [str(row[0]) for row in rows]
