"""Before anything else is imported: a PostgreSQL of the tests' own, on which both databases live.

Loaded as a pytest plugin, so that Django's settings find the server. ``V7_POSTGRES=16`` chooses the version.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest

for _name in (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "TARGET_DATABASE_URL",
    "TARGET_RUNNER_URL",
    "V7_SCRIPT",
    "V7_PASSWORD",
):
    os.environ.pop(_name, None)
_DIRECTORY = tempfile.TemporaryDirectory(prefix="v7-tests-")
os.environ["V7_STATE_DIR"] = _DIRECTORY.name
os.environ["V7_POSTGRES_FSYNC"] = "off"
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

from v7migration.postgres.embedded import cluster  # noqa: E402

CLUSTER = cluster(Path(_DIRECTORY.name))
CLUSTER.ensure_started()


def pytest_report_header(config: pytest.Config) -> str:
    """Name the server that the tests use."""
    return f"embedded PostgreSQL {CLUSTER.version} in {_DIRECTORY.name}"


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the server and remove what it kept."""
    CLUSTER.destroy()
    _DIRECTORY.cleanup()
