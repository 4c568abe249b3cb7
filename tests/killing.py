"""Real deaths: a child process runs the product and kills itself at a named place; nothing of it cleans up."""

from __future__ import annotations

import importlib
import os
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from typing import Any

from django.db import connections
from psycopg import sql

from tests import world as worlds


@dataclass(frozen=True)
class Place:
    """A call: before or after it, the process dies. ``step``: only a call about this step; ``nth``: the nth such."""

    function: str
    when: str
    step: str = ""
    nth: int = 1

    def __str__(self) -> str:
        number = str(self.nth) if self.nth > 1 else ""
        return f"{self.when} {self.function.rpartition('.')[2]} {self.step}{number}".strip()


def die_at(place: Place, work: Callable[[], object]) -> None:
    """Run ``work`` in a child process that is killed (SIGKILL) at the place."""
    status = _in_a_child(lambda: _arm(place), work)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, f"{place}: the place was never reached"


def _in_a_child(prepare: Callable[[], object], work: Callable[[], object]) -> int:
    connections.close_all()
    child = os.fork()
    if child == 0:
        try:
            prepare()
            work()
        except BaseException:  # noqa: BLE001 (the child must never return into pytest)
            traceback.print_exc()
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1]


def _arm(place: Place) -> None:
    module, _, name = place.function.rpartition(":")
    holder: Any = importlib.import_module(module)
    *path, name = name.split(".")
    for part in path:
        holder = getattr(holder, part)
    original = getattr(holder, name)
    calls = count(1)

    def deadly(*args: Any, **kwargs: Any) -> Any:
        meant = not place.step or any(_key(a) == place.step for a in (*args, *kwargs.values()))
        meant = meant and next(calls) == place.nth
        if meant and place.when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = original(*args, **kwargs)
        if meant:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(holder, name, deadly)


def _key(argument: object) -> str:
    return argument if isinstance(argument, str) else str(getattr(argument, "key", ""))


class Remembered:
    """Both databases as they are now, to come back to."""

    def __init__(self, name: str) -> None:
        self.name = name
        connections.close_all()
        worlds._keep(name)

    def restore(self) -> None:
        """Put both databases back."""
        worlds._restore(self.name)

    def forget(self) -> None:
        """Drop the copies."""
        for database in worlds.DATABASES:
            with worlds.administrator(database) as admin:
                admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(worlds._name(self.name, database)))
