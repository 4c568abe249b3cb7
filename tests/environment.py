"""Before anything else is imported: a PostgreSQL of the tests' own, on which both databases live.

Loaded as a pytest plugin, so that Django's settings find the server. ``V7_POSTGRES=16`` chooses the version. The
server's data is kept in memory where there is room: copying databases is most of what the tests do.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest

for _name in (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "TARGET_DATABASE_URL",
    "TARGET_RUNNER_URL",
    "REHEARSAL_DATABASE_URL",
    "V7_SCRIPT",
    "V7_PASSWORD",
    "V7_DART_URL",
    "V7_DART_DARTBOARD",
):
    os.environ.pop(_name, None)
DART_TOKEN = os.environ.pop("V7_DART_TOKEN", "")
"""The token for the one test that asks DART itself; no other test knows it."""
_MEMORY = Path("/dev/shm")  # noqa: S108 (a file system in memory)
_ROOM = 4 * 1024**3
if "TMPDIR" not in os.environ and os.access(_MEMORY, os.W_OK) and shutil.disk_usage(_MEMORY).free > _ROOM:
    os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)
    if os.geteuid() == 0:
        os.environ.setdefault("V7_SERVER_DIR", str(_MEMORY / "v7migration"))
_DIRECTORY = tempfile.TemporaryDirectory(prefix="v7-tests-")
os.environ["V7_STATE_DIR"] = _DIRECTORY.name
os.environ.setdefault("V7_POSTGRES_FSYNC", "off")
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from v7migration.postgres.embedded import URLS, Cluster, cluster  # noqa: E402

CLUSTER = cluster(Path(_DIRECTORY.name))
CLUSTER.ensure_started()
SERVERS: dict[str, Cluster] = {"v7_control": CLUSTER, "v7_target": CLUSTER}
"""The server of each database."""


def url(name: str) -> str:
    """Return one of the URLs of the embedded PostgreSQL, on the server that has its database."""
    return SERVERS.get(URLS[name][1], CLUSTER).url(name)


def site_port(first: int) -> int:
    """Return a free port for a served site; the tests of each version look from another one on, for both may run."""
    from v7migration.demo.site import free_port

    return free_port(first + 100 * int(CLUSTER.version))


def use_two_servers() -> None:
    """Give the target a server of its own, as in production; before Django's settings are loaded."""
    SERVERS["v7_target"] = cluster(Path(_DIRECTORY.name) / "target")
    SERVERS["v7_target"].ensure_started()
    for variable, name in (
        ("DATABASE_URL", "default"),
        ("DATABASE_OWNER_URL", "control_owner"),
        ("TARGET_DATABASE_URL", "target"),
        ("TARGET_RUNNER_URL", "runner"),
        ("REHEARSAL_DATABASE_URL", "superuser"),
    ):
        os.environ[variable] = url(name)


def stop_servers() -> None:
    """Stop the tests' servers and remove what they kept."""
    for server in {id(s): s for s in SERVERS.values()}.values():
        server.destroy()
    _DIRECTORY.cleanup()
    with suppress(OSError):  # others may run tests too
        (_MEMORY / "v7migration").rmdir()


def pytest_report_header(config: pytest.Config) -> str:
    """Name the server that the tests use."""
    return f"embedded PostgreSQL {CLUSTER.version} in {_DIRECTORY.name}"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove what it kept."""
    stop_servers()
