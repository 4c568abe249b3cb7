"""Where the databases are: four URLs from the environment, or the embedded PostgreSQL.

The runner's and the rehearsal's URLs are read when a command needs them and never become Django settings:
the web process has no use for them.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from v7migration.errors import Refused, UsageError

PROJECT_DIR = Path(__file__).resolve().parent.parent
TARGET_SEARCH_PATH = "public,v7_monitoring,v7_history,migration_gate"
WEB_ROLE = "v7_web"
PROGRAM = "v7migration"
"""What ``pg_stat_activity`` and the history of outside writes call Django's sessions that bear no other name."""


def state_dir() -> Path:
    """Return the directory for what is not in a database (``V7_STATE_DIR``, default ``.v7`` in the project)."""
    from v7migration.postgres.embedded import default_state_dir

    return default_state_dir()


def is_embedded() -> bool:
    """Say whether the embedded PostgreSQL serves this process (no ``DATABASE_URL`` is set)."""
    return not os.environ.get("DATABASE_URL")


def target_is_embedded() -> bool:
    """Say whether the embedded PostgreSQL holds the target that the runner changes."""
    return is_embedded() and not os.environ.get("TARGET_RUNNER_URL")


def ensure_embedded() -> None:
    """Start the embedded PostgreSQL when it is the one in use; otherwise do nothing."""
    if is_embedded():
        from v7migration.postgres.embedded import cluster

        cluster(state_dir()).ensure_started()


def _url(variable: str, embedded_name: str) -> str:
    if url := os.environ.get(variable, ""):
        return url
    if not is_embedded():
        raise Refused(
            f"{variable} is not set, so this command cannot reach its database.",
            f"Set {variable} in the operator's environment (README, section Your own PostgreSQL).",
        )
    from v7migration.postgres.embedded import cluster

    return cluster(state_dir()).url(embedded_name)


def runner_url() -> str:
    """Return the URL with which the runner changes the target (``TARGET_RUNNER_URL``)."""
    return _url("TARGET_RUNNER_URL", "runner")


@contextmanager
def rehearsal_url(server_major: int) -> Iterator[str]:
    """Lend a superuser URL of a scratch server: ``REHEARSAL_DATABASE_URL`` or a throw-away embedded server."""
    if url := os.environ.get("REHEARSAL_DATABASE_URL", ""):
        yield url
        return
    from v7migration.postgres.embedded import scratch_server

    with scratch_server(state_dir(), 16 if server_major <= 16 else 18) as url:
        yield url


def django_database(url: str, *, search_path: str) -> dict[str, Any]:
    """Translate a PostgreSQL URL into an entry of Django's ``DATABASES``."""
    known = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    entry: dict[str, Any] = {"ENGINE": "django.db.backends.postgresql", "CONN_HEALTH_CHECKS": True}
    options: dict[str, Any] = {"options": f"-c search_path={search_path}", "connect_timeout": 10}
    options["fallback_application_name"] = PROGRAM
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError as error:  # its message would quote what was set
        raise UsageError(
            "A database URL is not one of PostgreSQL.",
            "Write DATABASE_URL and TARGET_DATABASE_URL as postgresql://role:password@host:port/database.",
        ) from error
    for key, value in parts.items():
        if key in known:
            entry[known[key]] = str(value)
        else:
            options[key] = value
    entry["OPTIONS"] = options
    return entry


def databases(command: str) -> dict[str, dict[str, Any]]:
    """Return Django's ``DATABASES``: the control plane as ``default`` and the target.

    ``migrate`` is the one command that owns the control plane's tables: it uses ``DATABASE_OWNER_URL``.
    """
    owner = command == "migrate"
    try:
        default = os.environ.get("DATABASE_OWNER_URL", "") if owner and not is_embedded() else ""
        default = default or _url("DATABASE_URL", "control_owner" if owner else "default")
        target = _url("TARGET_DATABASE_URL", "target")
    except Refused:
        if not is_embedded():
            raise
        default = target = "postgresql://never-initialised@127.0.0.1:1/never_initialised"
    return {
        "default": django_database(default, search_path="public"),
        "target": django_database(target, search_path=TARGET_SEARCH_PATH),
    }
