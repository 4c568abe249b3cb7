"""Files: their way to the V7 name, and the twelve columns people fill in. Only in the live home."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracking import home
from tracking.actors import ARCHITECT, DEV_TEAM, TEST_SENTINEL, Actor, assessors, require
from tracking.machines import FILE
from tracking.models import V7_COLUMNS, File
from tracking.services.writing import change, locked, transition, writing
from v7migration.errors import Refused, StaleForm

EDITABLE = frozenset(V7_COLUMNS) - {FILE.column}


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


def file_move(*, file: File, name: str, actor: Actor, reason: str = "") -> File:
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
    return transition(row=file, machine=FILE, name=name, actor=actor, reason=reason, personas=lambda _: _personas(name))


def file_update(
    *, file: File, actor: Actor, changes: Mapping[str, Any], seen: Mapping[str, Any] | None = None, reason: str = ""
) -> File:
    """Change some of the twelve columns (not the status) of a file.

    Args:
        seen: the values the actor's form showed; a difference means that somebody else saved.

    Raises:
        StaleForm: the row says something else than ``seen``.
        Refused: an invalid value, another column, or the planning home.
    """
    _refuse_while_planning()
    with writing(actor=actor, reason=reason) as alias:
        row = locked(file, alias)
        require(actor, assessors() | {DEV_TEAM}, f"change “{row}”")
        if any(getattr(row, name) != value for name, value in (seen or {}).items()):
            raise StaleForm(f"Somebody else changed “{row}” after you opened it.", "Load it again.")
        change(row, changes, EDITABLE)
        row.save(update_fields=sorted(changes))
    return row
