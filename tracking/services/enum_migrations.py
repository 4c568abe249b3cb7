"""ENUM migrations: proposed by the inventory or by people, approved by The Architect, moved by those who do it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connections

from tracking.actors import ARCHITECT, DB_TEAM_LEAD, TEST_SENTINEL, Actor, assessors, require
from tracking.choices import EnumMigrationStatus, Risk
from tracking.machines import ENUM_MIGRATION
from tracking.models import EnumMigration
from tracking.services.writing import change, locked, transition, validate, writing
from v7migration.errors import Refused, TransitionRefused

BUILDERS = frozenset({DB_TEAM_LEAD, ARCHITECT})
VALIDATORS = frozenset({TEST_SENTINEL, ARCHITECT})
CONTENT = frozenset(
    {
        "current_enum_values",
        "v7_enum_name",
        "v7_enum_values",
        "consolidates_with",
        "affected_tables",
        "affected_columns",
        "risk_level",
        "migration_script",
        "rollback_script",
    }
)
Record = Callable[[EnumMigration, datetime], None]


def _move(
    name: str,
    row: EnumMigration,
    actor: Actor,
    reason: str,
    seen_at: datetime | None,
    personas: frozenset[str],
    then: Record | None = None,
) -> EnumMigration:
    return transition(
        row=row,
        machine=ENUM_MIGRATION,
        name=name,
        actor=actor,
        reason=reason,
        personas=lambda _: personas,
        seen_at=seen_at,
        then=then,
    )


def enum_migration_propose(
    *,
    actor: Actor,
    current_enum_name: str,
    current_enum_values: Sequence[str],
    v7_enum_name: str,
    v7_enum_values: Sequence[str],
    consolidates_with: Sequence[str] = (),
    affected_tables: Sequence[str] = (),
    affected_columns: Mapping[str, Sequence[str]] | None = None,
    risk_level: str = Risk.MEDIUM,
    migration_script: str = "",
    rollback_script: str = "",
    reason: str = "",
    only_new: bool = False,
) -> EnumMigration:
    """Propose that one type takes the place of another, or bring an open proposal for it up to date.

    A row that is already approved or further on is returned as it is, and so is one that says the same:
    running an inventory twice writes nothing the second time. ``only_new`` refuses where there is a row.

    Raises:
        TransitionRefused: the actor assesses nothing (guardians, workflow personas, The Architect, DB Team Lead).
        Refused: a value is not valid, or there is a row and only a new one was wanted.
    """
    require(actor, assessors() | BUILDERS, "propose an ENUM migration")
    said = {
        "current_enum_values": list(current_enum_values),
        "v7_enum_name": v7_enum_name,
        "v7_enum_values": list(v7_enum_values),
        "consolidates_with": list(consolidates_with),
        "affected_tables": list(affected_tables),
        "affected_columns": {table: list(columns) for table, columns in (affected_columns or {}).items()},
        "risk_level": str(risk_level),
        "migration_script": migration_script,
        "rollback_script": rollback_script,
    }
    with writing(actor=actor, reason=reason) as alias:
        with connections[alias].cursor() as cursor:  # two at once: the second one waits and finds the first one's row
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 7))", [current_enum_name])
        row = EnumMigration.objects.using(alias).filter(current_enum_name=current_enum_name).first()
        if row is None:
            row = EnumMigration(current_enum_name=current_enum_name, **said)
        elif only_new:
            raise Refused(f"There is already a row for {current_enum_name}.", "Change that one.")
        else:
            row = locked(row, alias)
            same = all(getattr(row, name) == value for name, value in said.items())
            if same or row.status != EnumMigrationStatus.PROPOSED:
                return row
            for name, value in said.items():
                setattr(row, name, value)
        validate(row)
        row.save()
    return row


def enum_migration_withdraw(*, current_enum_name: str, actor: Actor, reason: str) -> bool:
    """Delete an open proposal; its history keeps it. Return whether there was one.

    Raises:
        TransitionRefused: the actor assesses nothing, or the row is approved or further on.
    """
    row = EnumMigration.objects.filter(current_enum_name=current_enum_name).first()
    if row is None:
        require(actor, assessors() | BUILDERS, "withdraw an ENUM migration")
        return False
    enum_migration_delete(row=row, actor=actor, reason=reason)
    return True


def enum_migration_update(
    *,
    row: EnumMigration,
    actor: Actor,
    changes: Mapping[str, Any],
    reason: str = "",
    seen_at: datetime | None = None,
) -> EnumMigration:
    """Change what an open proposal says (see ``CONTENT``).

    Raises:
        TransitionRefused: wrong persona, or the row is approved or further on.
        InvalidValue: a field that is not one of these, or an invalid value.
        StaleForm: somebody saved it after it was read.
    """
    with writing(actor=actor, reason=reason) as alias:
        fresh = locked(row, alias, seen_at=seen_at)
        require(actor, assessors() | BUILDERS, f"change “{fresh}”")
        _refuse_beyond_proposal(fresh, "changed")
        change(fresh, changes, CONTENT)
        fresh.save()
    return fresh


def enum_migration_delete(
    *, row: EnumMigration, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> None:
    """Delete an open proposal; its history keeps it.

    Raises:
        TransitionRefused: the actor assesses nothing, or the row is approved or further on.
        StaleForm: somebody saved it after it was read.
    """
    with writing(actor=actor, reason=reason) as alias:
        fresh = locked(row, alias, seen_at=seen_at)
        require(actor, assessors() | BUILDERS, "withdraw an ENUM migration")
        _refuse_beyond_proposal(fresh, "withdrawn")
        fresh.delete(using=alias)


def _refuse_beyond_proposal(row: EnumMigration, deed: str) -> None:
    if row.status != EnumMigrationStatus.PROPOSED:
        raise TransitionRefused(
            f"“{row}” is {row.get_status_display().lower()} and cannot be {deed}.",
            "Roll it back first (DB Team Lead or The Architect).",
        )


def enum_migration_approve(
    *, row: EnumMigration, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> EnumMigration:
    """Approve a proposed consolidation (The Architect only)."""

    def record(fresh: EnumMigration, now: datetime) -> None:
        fresh.approved_by = actor.username

    return _move("approve", row, actor, reason, seen_at, frozenset({ARCHITECT}), record)


def enum_migration_implement(
    *, row: EnumMigration, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> EnumMigration:
    """Record that the columns use the V7 type (DB Team Lead or The Architect)."""

    def record(fresh: EnumMigration, now: datetime) -> None:
        fresh.implemented_at = now

    return _move("implement", row, actor, reason, seen_at, BUILDERS, record)


def enum_migration_confirm(
    *, row: EnumMigration, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> EnumMigration:
    """Record that an implemented change was validated (Test Sentinel or The Architect)."""

    def record(fresh: EnumMigration, now: datetime) -> None:
        fresh.validated_at = now

    return _move("confirm", row, actor, reason, seen_at, VALIDATORS, record)


def enum_migration_retire(
    *, row: EnumMigration, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> EnumMigration:
    """Record that the old type is gone (DB Team Lead or The Architect)."""

    def record(fresh: EnumMigration, now: datetime) -> None:
        fresh.retired_at = now

    return _move("retire", row, actor, reason, seen_at, BUILDERS, record)


def enum_migration_roll_back(
    *, row: EnumMigration, actor: Actor, reason: str, seen_at: datetime | None = None
) -> EnumMigration:
    """Record that the old type is in use again, with a reason (DB Team Lead or The Architect)."""

    def record(fresh: EnumMigration, now: datetime) -> None:
        fresh.approved_by = fresh.implemented_at = fresh.validated_at = None

    return _move("roll_back", row, actor, reason, seen_at, BUILDERS, record)


def enum_migration_propose_again(
    *, row: EnumMigration, actor: Actor, reason: str = "", seen_at: datetime | None = None
) -> EnumMigration:
    """Propose a rolled-back consolidation anew (DB Team Lead or The Architect)."""
    return _move("propose_again", row, actor, reason, seen_at, BUILDERS)
