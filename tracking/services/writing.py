"""How every service writes: lock the row, compare what the writer saw, move or change it, save row and history."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import IntegrityError, models
from django_fsm import TransitionNotAllowed, can_proceed

from tracking import home
from tracking.actors import Actor, require
from tracking.machines import Machine
from tracking.models.base import HistoricRow, database_times
from v7migration.errors import InvalidValue, Refused, StaleForm, TransitionRefused

Row = TypeVar("Row", bound=HistoricRow)
CHECK_VIOLATION = "23514"
WAITS = "Complete what it waits for first."
UNIQUE_VIOLATION = "23505"


class NotSeen:
    """The caller saw no version of the row, so none is compared."""


NOT_SEEN = NotSeen()
SeenAt = datetime | NotSeen | None
MUST_SAY_WHY = frozenset({"block", "reject", "roll_back", "cancel", "defer", "send_back", "step_back"})


@contextmanager
def writing(*, actor: Actor, reason: str) -> Iterator[str]:
    """Open the write transaction for an actor and turn the database's own refusals into sentences.

    Raises:
        TransitionRefused: a CHECK or a trigger of the database refuses the row (SQLSTATE 23514).
        Refused: there is such a row already (SQLSTATE 23505).
        Fenced: the rows are being moved.
    """
    try:
        with home.writing(person=actor.username, reason=reason) as alias:
            yield alias
    except IntegrityError as error:
        sqlstate, diag = getattr(error.__cause__, "sqlstate", None), getattr(error.__cause__, "diag", None)
        if sqlstate == UNIQUE_VIOLATION:
            there = getattr(diag, "message_detail", None) or "the row exists"
            raise Refused(f"There is such a row already: {there}", "Change that one, or choose another key.") from error
        if sqlstate != CHECK_VIOLATION:
            raise
        said = getattr(diag, "message_primary", None) or str(error)
        raise TransitionRefused(f"The database refuses this: {said}.", "Load the page again.") from error


def locked(row: Row, alias: str, *, seen_at: datetime | None = None) -> Row:
    """Return the row as the database has it now, locked until the transaction ends.

    Raises:
        StaleForm: ``seen_at`` (the ``updated_at`` of the form) is not the row's any more, or the row is gone.
    """
    found = type(row)._base_manager.using(alias).select_for_update(no_key=True).filter(pk=row.pk).first()
    if found is None:
        raise StaleForm(f"{row} no longer exists.", "Go back to the list.")
    if seen_at is not None and getattr(found, "updated_at", seen_at) != seen_at:
        raise StaleForm(
            f"Somebody else changed “{found}” after you opened it.", "Load it again and repeat your change."
        )
    return found


def last_change(row: HistoricRow, alias: str) -> datetime | None:
    """Return when a row that keeps no ``updated_at`` of ours was last changed, by its history; None: never here."""
    versions: Any = type(row).history  # type: ignore[attr-defined]
    found: datetime | None = (
        versions.using(alias).filter(id=row.pk).order_by("-history_date").values_list("history_date", flat=True).first()
    )
    return found


def refuse_stale(row: HistoricRow, alias: str, seen_at: SeenAt) -> None:
    """Compare the last change that the caller saw with the one that the history of a locked row holds.

    Raises:
        StaleForm: somebody changed the row since.
    """
    if not isinstance(seen_at, NotSeen) and last_change(row, alias) != seen_at:
        raise StaleForm(f"Somebody else changed “{row}” after you opened it.", "Load it again and repeat your change.")


def transition(
    *,
    row: Row,
    machine: Machine,
    name: str,
    actor: Actor,
    reason: str,
    personas: Callable[[Row], frozenset[str]] | None,
    seen_at: datetime | None = None,
    then: Callable[[Row, datetime], None] | None = None,
    why_not: Callable[[Row], str] | None = None,
    unless: Callable[[Row], str] | None = None,
    seen_change: SeenAt = NOT_SEEN,
) -> Row:
    """Make one transition of one row and return the row as saved.

    Args:
        row: the row as the caller knows it; the transition starts from what the database holds.
        name: a transition of ``machine``.
        reason: why, for the history; some transitions require it.
        personas: who may do it, given the row; None where something else than a persona carries it.
        seen_at: ``updated_at`` as the actor's form showed it.
        then: sets what else the transition records; gets the row and the transaction's time.
        why_not: explains a guard that does not hold.
        unless: names what must come first, asked of the locked row; '' when nothing must.
        seen_change: the last change the actor saw, for a row without an ``updated_at`` of ours.

    Raises:
        TransitionRefused: wrong persona, wrong state, an unmet guard, or no reason where one is needed.
        StaleForm: the row changed since the form was opened.
        Fenced: the rows are being moved.
    """
    if name in MUST_SAY_WHY and not reason.strip():
        raise TransitionRefused(f"To {said(name)} needs a reason.", "Enter why; the history keeps it.")
    with writing(actor=actor, reason=reason) as alias:
        fresh = locked(row, alias, seen_at=seen_at)
        refuse_stale(fresh, alias, seen_change)
        if personas is not None:
            require(actor, personas(fresh), f"{said(name)} “{fresh}”")
        state = getattr(fresh, machine.column)
        method = getattr(fresh, name)
        try:
            method()
        except TransitionNotAllowed as error:
            raise TransitionRefused(*_explain(fresh, name, method, state, machine, why_not)) from error
        if unless is not None and (missing := unless(fresh)):
            raise TransitionRefused(f"“{fresh}” cannot {said(name)} yet: {missing}.", WAITS)
        if then is not None:
            then(fresh, database_times(alias)[0])
        fresh.save()
    return fresh


def said(name: str) -> str:
    """Return the name of a transition as words."""
    return name.replace("_", " ")


def _explain(
    row: HistoricRow, name: str, method: Any, state: str, machine: Machine, why_not: Callable[[Any], str] | None
) -> tuple[str, str]:
    if can_proceed(method, check_conditions=False) and why_not is not None:
        return f"“{row}” cannot {said(name)} yet: {why_not(row)}.", WAITS
    now = [jump.name for jump in machine.jumps if jump.source == state]
    possible = ", ".join(dict.fromkeys(said(jump) for jump in now)) or "nothing"
    return f"“{row}” is {state.replace('_', ' ')} and cannot {said(name)}.", f"Possible now: {possible}."


def change(row: Row, changes: Mapping[str, Any], allowed: frozenset[str]) -> None:
    """Set and validate fields of a row.

    Raises:
        InvalidValue: a field that may not be changed here, or a value that is not valid.
    """
    if strange := sorted(set(changes) - allowed):
        sentence = f"These fields cannot be changed here: {', '.join(strange)}."
        raise InvalidValue(sentence, fields={name: ["It cannot be changed here."] for name in strange})
    for name, value in changes.items():
        setattr(row, name, value)
    validate(row, None if row._state.adding else frozenset(changes))


def validate(row: models.Model, only: frozenset[str] | None = None) -> None:
    """Validate the fields of a row (all, or ``only`` those named), its protected state aside.

    Raises:
        InvalidValue: with what is wrong, field by field.
    """
    exclude = {
        field.name
        for field in row._meta.concrete_fields
        if getattr(field, "protected", False) or not field.editable or (only is not None and field.name not in only)
    }
    try:
        row.clean_fields(exclude=exclude)
    except ValidationError as error:
        found = "; ".join(f"{name}: {' '.join(messages)}" for name, messages in error.message_dict.items())
        sentence, next_step = f"Not saved: {found}", "Correct the values and save again."
        raise InvalidValue(sentence, next_step, error.message_dict) from error
