"""Files: their way to the V7 name, and the twelve columns people fill in. Only in the live home."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connections

from tracking import home
from tracking.actors import ARCHITECT, DEV_TEAM, TEST_SENTINEL, Actor, assessors, require
from tracking.choices import FileStatus
from tracking.machines import FILE
from tracking.models import V7_COLUMNS, File
from tracking.services.writing import NOT_SEEN, SeenAt, change, locked, refuse_stale, transition, writing
from v7migration.errors import Refused, StaleForm
from v7migration.postgres.kept import query

EDITABLE = frozenset(V7_COLUMNS) - {FILE.column}
RECORDED = frozenset({"v7_target_name", "v7_dependencies", "v7_dependents", "v7_database_enums", "v7_impact_score"})
"""What an inventory of the source tree finds out."""
PROPOSING = [FileStatus.PENDING_ASSESSMENT.value, FileStatus.ASSESSED.value]
"""States in which a file's target name is still a proposal, as without a state; later it is what people designed."""
AT_ONCE = 1_000
"""Rows of one transaction: the application waits for them."""


def _personas(name: str) -> frozenset[str]:
    if name in ("implement", "migrate"):
        return frozenset({DEV_TEAM, ARCHITECT})
    if name == "test":
        return frozenset({DEV_TEAM, TEST_SENTINEL, ARCHITECT})
    if name == "retire":
        return frozenset({ARCHITECT})
    return assessors()


def _refuse_while_planning() -> None:
    if home.current() == home.PLANNING:
        raise Refused(
            "The V7 columns of file_audit do not exist yet.", "They come with the execution of a signed changeset."
        )


def file_move(*, file: File, name: str, actor: Actor, reason: str = "", seen_at: SeenAt = NOT_SEEN) -> File:
    """Move a file by a transition of its machine: assess, design, approve, implement, test, migrate, retire, step_back.

    Guardians, workflow personas and The Architect assess, design, approve and step back; the Dev Team implements
    and migrates, it or the Test Sentinel tests; only The Architect retires.

    Raises:
        Refused: the rows are at home in the control plane, so the columns do not exist.
        TransitionRefused: wrong persona or state.
    """
    _refuse_while_planning()
    if name not in FILE.names:
        raise Refused(f"Files know no transition {name}.", f"There are: {', '.join(FILE.names)}.")
    return transition(
        row=file,
        machine=FILE,
        name=name,
        actor=actor,
        reason=reason,
        personas=lambda _: _personas(name),
        seen_change=seen_at,
    )


def file_update(
    *,
    file: File,
    actor: Actor,
    changes: Mapping[str, Any],
    seen: Mapping[str, Any] | None = None,
    reason: str = "",
    seen_at: SeenAt = NOT_SEEN,
) -> File:
    """Change some of the twelve columns (not the status) of a file.

    Args:
        seen: the values the actor's form showed; a difference means that somebody else saved.
        seen_at: the last change of these columns that the actor saw, None where there was none.

    Raises:
        StaleForm: the row says something else than ``seen``.
        Refused: an invalid value, another column, or the planning home.
    """
    _refuse_while_planning()
    with writing(actor=actor, reason=reason) as alias:
        row = locked(file, alias)
        refuse_stale(row, alias, seen_at)
        require(actor, assessors() | {DEV_TEAM}, f"change “{row}”")
        if any(getattr(row, name) != value for name, value in (seen or {}).items()):
            raise StaleForm(f"Somebody else changed “{row}” after you opened it.", "Load it again.")
        change(row, changes, EDITABLE)
        row.save(update_fields=sorted(changes))
    return row


def files_record(*, values: Mapping[int, Mapping[str, Any]], actor: Actor, reason: str) -> int:
    """Record what an inventory found in some of the twelve columns, where it differs; return how many files changed.

    Args:
        values: by the id of the file, its values by column (of :data:`RECORDED`). A target name is left alone once
            the file is designed.
        actor: who took the inventory.
        reason: for the history.

    Raises:
        InvalidValue: another column, or an invalid value; nothing is recorded.
        Refused: the planning home.
        TransitionRefused: the actor's personas may not.
        Fenced: the rows are being moved; what was recorded before stays.
    """
    _refuse_while_planning()
    require(actor, assessors() | {DEV_TEAM}, "record what an inventory found")
    _refuse_invalid(values.values())
    keys = sorted(values)
    return sum(
        _record({key: values[key] for key in keys[start : start + AT_ONCE]}, actor, reason)
        for start in range(0, len(keys), AT_ONCE)
    )


def _refuse_invalid(values: Iterable[Mapping[str, Any]]) -> None:
    """Try the values on a row that is never saved."""
    row = File()
    row._state.adding = False
    for told in values:
        change(row, told, RECORDED)


def _record(values: Mapping[int, Mapping[str, Any]], actor: Actor, reason: str) -> int:
    """Record the values of some files in a transaction, in one statement; return how many changed."""
    told = json.dumps([{"id": key, **found} for key, found in values.items()])
    with writing(actor=actor, reason=reason) as alias:
        rows = File._base_manager.using(alias).filter(pk__in=values).order_by("pk").select_for_update(no_key=True)
        list(rows.values_list("pk"))
        with connections[alias].cursor() as cursor:
            cursor.execute(
                query("inventory/record_files"),
                {"told": told, "proposing": PROPOSING, "person": actor.username, "reason": reason},
            )
            changed: int = cursor.rowcount
    return changed
