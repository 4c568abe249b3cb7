"""What the web role may do in the control plane: everything but change a record that must stand."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connections
from psycopg import sql

from v7migration.connections import WEB_ROLE
from v7migration.ledger.appendonly import AppendOnly

# What a run, a step and an incident are about stands once they are recorded; only their course goes on.
MOVING_COLUMNS = {
    "ledger_run": "state, finished_at, populated, stop_requested_by, report",
    "ledger_runstep": "state, transaction_id, backend_pid, finished_at, milliseconds, detail",
    "ledger_incident": "state, severity, assigned_to, root_cause, remediation, remediated_by, remediated_at, "
    "reviewed_by, reviewed_at, review_note",
    "ledger_emergency": "state",
    "ledger_dartdelivery": "payload, revision, state, attempts, next_try_at, sent_at, last_error, dart_id, dart_url, "
    "delivered_at, recorded_by",
    "approvals_personaltoken": "last_used_at, revoked_at",
}


def record_tables() -> list[str]:
    """Return the names of the tables whose rows may be added but never changed."""
    return sorted(model._meta.db_table for model in apps.get_models() if issubclass(model, AppendOnly))


def history_tables() -> list[str]:
    """Return the history tables of the planning home. Their rows never change; bringing the rows home replaces them."""
    return sorted(
        m._meta.db_table for m in apps.get_app_config("tracking").get_models() if hasattr(m, "history_object")
    )


def grant_web_role(*, using: str, **_: Any) -> None:
    """Give the web role its rights on the control plane after ``migrate`` ran as the tables' owner.

    Changesets may be row-locked (which needs UPDATE on one column; a trigger refuses the update itself), and
    events are added through ``append_event`` only. Runs, steps and incidents keep what they are about.
    """
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT current_user <> %s AND EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [WEB_ROLE, WEB_ROLE]
        )
        if not cursor.fetchone()[0]:
            return
        role = sql.Identifier(WEB_ROLE)
        statements = [
            "GRANT USAGE ON SCHEMA public, migration_gate TO {role}",
            "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}",
            "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
            "GRANT SELECT, UPDATE ON migration_gate.fence TO {role}",
            "REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON django_migrations FROM {role}",
        ]
        for table in record_tables():
            statements.append(f'REVOKE UPDATE, DELETE, TRUNCATE ON "{table}" FROM {{role}}')
        statements += [
            "REVOKE INSERT ON ledger_event, approvals_accountchange FROM {role}",
            "GRANT UPDATE (digest) ON ledger_changeset TO {role}",
        ]
        for table in history_tables():
            statements.append(f'REVOKE UPDATE, TRUNCATE ON "{table}" FROM {{role}}')
        for table, columns in MOVING_COLUMNS.items():
            statements.append(f"REVOKE UPDATE, DELETE, TRUNCATE ON {table} FROM {{role}}")
            statements.append(f"GRANT UPDATE ({columns}) ON {table} TO {{role}}")
        for statement in statements:
            cursor.execute(sql.SQL(statement).format(role=role).as_string(cursor.connection))
