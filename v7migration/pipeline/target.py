"""The target as the stages see it: a session of the runner, who it is, and what its catalogs say now."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import connections

from v7migration.connections import WEB_ROLE, runner_url, target_is_embedded
from v7migration.ledger.models import Snapshot
from v7migration.postgres import catalog, preflight, session
from v7migration.postgres.fingerprint import FINGERPRINT_VERSION, fingerprint

Connection = psycopg.Connection[Any]
GATE_SCHEMA = "migration_gate"


@dataclass(frozen=True)
class TargetState:
    """The target at one moment: identity, canonical catalog document, fingerprint."""

    identity: catalog.TargetIdentity
    document: dict[str, Any]
    fingerprint: str

    @property
    def name(self) -> str:
        """Return what people type to confirm, and what commands show: the database's name."""
        return self.identity.database


def describe(identity: catalog.TargetIdentity) -> str:
    """Return the target in words: database, host, server version, embedded or not."""
    version = f"PostgreSQL {identity.server_version_num // 10_000}"
    kind = "embedded" if target_is_embedded() else identity.host_label
    return f"{identity.database} ({kind}, {version}, system identifier {identity.system_identifier})"


def observe(connection: Connection) -> TargetState:
    """Read identity and catalogs of the target through any session on it."""
    document = catalog.snapshot(connection)
    return TargetState(catalog.identity(connection), document, fingerprint(document))


def observe_from_web() -> TargetState:
    """Read the target through the web role's session."""
    return observe(web_session())


def web_session() -> Connection:
    """Return the web role's session on the target, which can read a database of any encoding."""
    connections["target"].ensure_connection()
    opened: Connection = connections["target"].connection
    session.read_any_encoding(opened)
    return opened


def control_identity() -> catalog.TargetIdentity:
    """Return the identity of the control plane's database."""
    connections["default"].ensure_connection()
    return catalog.identity(connections["default"].connection)


@contextmanager
def runner(*, application_name: str, needs_file_audit: bool = True, only_read: bool = False) -> Iterator[Connection]:
    """Lend the runner's session after every check that refuses before anything is touched.

    ``only_read`` says that nothing will be written, so that a standby and a read-only target serve, too.

    Raises:
        Refused: unreachable, too old, standby, read-only, pooled, wrong role, equal to the control plane, or
            without file_audit.
    """
    with session.connect(runner_url(), application_name=application_name) as connection:
        preflight.check_server(connection, only_read=only_read)
        preflight.check_identity(catalog.identity(connection), control_identity())
        if needs_file_audit:
            preflight.check_role(connection, web_role=WEB_ROLE)
            preflight.check_same_target(catalog.identity(connection), _web_identity())
        yield connection


def _web_identity() -> catalog.TargetIdentity:
    return catalog.identity(web_session())


def take_snapshot(connection: Connection, *, person: str) -> Snapshot:
    """Store what the target's catalogs and ENUM types say now (document 2.1.1) and return the ledger row."""
    state = observe(connection)
    types = catalog.enums(connection)
    enums = {
        "types": [
            {"schema": t.schema, "name": t.name, "labels": list(t.labels), "used_by": list(t.used_by)} for t in types
        ],
        "groups": catalog.equal_value_groups(types),
        "conflicts": catalog.enum_conflicts(types),
    }
    return Snapshot.objects.create(
        taken_by=person,
        target_name=describe(state.identity),
        system_identifier=state.identity.system_identifier,
        database=state.identity.database,
        server_version=state.identity.server_version_num,
        fingerprint=state.fingerprint,
        fingerprint_version=FINGERPRINT_VERSION,
        document=state.document,
        enums=enums,
    )


def has_gate(connection: Connection) -> bool:
    """Say whether the schema ``migration_gate`` exists (a rollback leaves it)."""
    row = connection.execute("SELECT to_regnamespace(%s) IS NOT NULL", [GATE_SCHEMA]).fetchone()
    return bool(row and row[0])


def gate_objects(connection: Connection) -> dict[str, Any]:
    """Return the canonical facts of ``migration_gate`` alone, by object."""
    everything = catalog.snapshot(connection, exclude_schemas=())
    without = catalog.snapshot(connection, exclude_schemas=(GATE_SCHEMA,))
    return {key: facts for key, facts in everything["objects"].items() if key not in without["objects"]}


def gate_shape(connection: Connection) -> str:
    """Return the fingerprint of ``migration_gate`` alone: Section 0 is skipped where it has the same."""
    return fingerprint({"objects": gate_objects(connection)})
