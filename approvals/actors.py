"""Who is acting: set per request by the middleware and per command by its ``--as``; read where accounts change."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections

acting_user: ContextVar[str] = ContextVar("approvals_acting_user", default="")
SETTING = "v7.acting_user"


@contextmanager
def acting(username: str) -> Iterator[None]:
    """Let ``username`` be the acting person inside the block."""
    token = acting_user.set(username)
    try:
        yield
    finally:
        acting_user.reset(token)


def announce(*, using: str = "default") -> None:
    """Tell the database session who is about to change an account; its trigger records that name."""
    _set(acting_user.get(), using=using)


def withdraw_announcement(*, using: str = "default") -> None:
    """Take the name back, so that a later statement of the session is not recorded under it."""
    _set("", using=using)


def _set(username: str, *, using: str) -> None:
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT set_config(%s, %s, false)", [SETTING, username])
