"""Where the tracking rows live: the planning home (control plane) or the live home (target).

The truth is the fence row of the control plane; a request pins what it read so that it sees one home
throughout. Closing and opening the fences is the pipeline's work; this module only reads them and writes
behind them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from django.db import DatabaseError, connections, transaction
from django.dispatch import Signal

from v7migration.errors import Fenced, HomeMoving

PLANNING = "planning"
LIVE = "live"
ALIASES = {PLANNING: "default", LIVE: "target"}
FENCED_SQLSTATE = "25006"
MOVING = (
    "The tracking rows are being moved between the control plane and the target.",
    "Nothing was saved. Wait for the run to end (v7_status, or the run's page) and save again.",
)


written = Signal()
"""Sent once tracked rows are committed; whoever listens cannot undo the write."""


def _say_written() -> None:
    written.send_robust(sender=None)


@dataclass(frozen=True)
class Author:
    """Who writes and why: what the history row of each write records."""

    username: str = ""
    reason: str = ""


_pinned: ContextVar[str | None] = ContextVar("tracking_home", default=None)
_author: ContextVar[Author] = ContextVar("tracking_author", default=Author())  # noqa: B039


@dataclass(frozen=True)
class Fence:
    """The fence of one home as its database holds it."""

    is_open: bool
    current_home: str | None


def fence(alias: str) -> Fence | None:
    """Return the fence of a database, or None where there is none (the target before its first run)."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT to_regclass('migration_gate.fence') IS NOT NULL")
        if not cursor.fetchone()[0]:
            return None
        cursor.execute("SELECT is_open, current_home FROM migration_gate.fence")
        row = cursor.fetchone()
    return Fence(*row) if row else None


def read() -> str:
    """Return the current home as the control plane holds it now."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT current_home FROM migration_gate.fence")
        row = cursor.fetchone()
    return LIVE if row and row[0] == LIVE else PLANNING


def current() -> str:
    """Return the home this request or command works in: ``planning`` or ``live``."""
    return _pinned.get() or read()


def alias() -> str:
    """Return the database alias of the current home."""
    return ALIASES[current()]


def is_open() -> bool:
    """Say whether the current home takes writes."""
    found = fence(alias())
    return bool(found and found.is_open)


@contextmanager
def pinned(home: str | None = None) -> Iterator[str]:
    """Hold one home for the length of a request (default: the one that is current at its start)."""
    token = _pinned.set(home or read())
    try:
        yield _pinned.get() or PLANNING
    finally:
        _pinned.reset(token)


def author() -> Author:
    """Return who is writing in this context (see :func:`writing`)."""
    return _author.get()


@contextmanager
def writing(*, person: str = "", reason: str = "") -> Iterator[str]:
    """Open the only kind of write transaction that tracking has, in the current home, and yield its alias.

    The home is pinned until the transaction ends: one that moves meanwhile refuses the write, never splits it.

    Args:
        person: username that the history rows of this transaction name.
        reason: why, for the history rows.

    Raises:
        Fenced: the home is closed because a run or a rollback is moving the rows.
        HomeMoving: the home changed after this request pinned it.
    """
    token = _author.set(Author(person, reason))
    where = current()
    try:
        with pinned(where), transaction.atomic(using=ALIASES[where]):
            yield ALIASES[where]
            transaction.on_commit(_say_written, using=ALIASES[where])
    except DatabaseError as error:
        if getattr(error.__cause__, "sqlstate", None) != FENCED_SQLSTATE:
            raise
        kind = Fenced if read() == where else HomeMoving
        raise kind(*MOVING) from error
    finally:
        _author.reset(token)
