"""The fault points: every round trip of the command's own thread to either database, found by a run without a fault."""

from __future__ import annotations

import os
import re
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import asdict, dataclass
from typing import Any

import psycopg
from psycopg import sql
from psycopg.pq import TransactionStatus

from tests.sweep.children import Line
from v7migration.pipeline import account
from v7migration.postgres import runner

PRODUCT = ("v7migration.", "tracking.", "approvals.")
WRITES = re.compile(
    r"\s*(INSERT|UPDATE|DELETE|MERGE|TRUNCATE|CREATE|ALTER|DROP|COMMENT|GRANT|REVOKE|SELECT append_event"
    r"|COPY .* FROM STDIN)",
    re.IGNORECASE | re.DOTALL,
)
NOTHING = "nothing"
"""A COMMIT or ROLLBACK without a transaction: it does not reach the server either."""
ROWS = {"_read_gen", "_read_row_gen", "copy_to", "_end_copy_out_gen"}
"""Round trips within one COPY."""
LOCAL = {"_set_autocommit_gen", "_set_isolation_level_gen", "_set_read_only_gen", "_set_deferrable_gen"}
"""What never reaches the server."""


@dataclass(frozen=True)
class Point:
    """One round trip: its number, its server, the step of the script, the product's function, the SQL's beginning."""

    number: int
    server: str
    step: str
    function: str
    head: str
    kind: str
    """``begin``, ``write``, ``commit`` (a write without a transaction too), ``read``, ``row`` of a COPY, ``local``."""

    def __str__(self) -> str:
        return f"{self.server} {self.step or '-'} {self.function}: {self.head}"


Wait = Callable[..., Any]


def _each(strike: Callable[[int, psycopg.Connection[Any], Any], Any]) -> None:
    """Let every round trip of this thread pass ``strike``, which returns the generator to wait for."""
    original: Wait = psycopg.Connection.wait
    mine, number = threading.get_ident(), 0

    def wait(self: psycopg.Connection[Any], generator: Any, *args: Any, **kwargs: Any) -> Any:
        nonlocal number
        if threading.get_ident() == mine and getattr(generator, "__name__", "") not in LOCAL:
            number += 1
            generator = strike(number, self, generator)
        return original(self, generator, *args, **kwargs)

    psycopg.Connection.wait = wait  # type: ignore[method-assign,assignment]


class _Still:
    """A clock that stands: what a slow moment adds (a shorter lock timeout, a word of progress) would move numbers."""

    sleep = staticmethod(time.sleep)

    @staticmethod
    def monotonic() -> float:
        return 1_000_000.0


def _hold_the_clock() -> None:
    for module in (runner, account):
        module.time = _Still()  # type: ignore[attr-defined]


def record(ports: dict[int, str]) -> list[Point]:
    """Return a list that fills with every round trip from now on."""
    _hold_the_clock()
    found: list[Point] = []

    def note(number: int, connection: psycopg.Connection[Any], generator: Any) -> Any:
        found.append(describe(number, connection, generator, ports))
        return generator

    _each(note)
    return found


def describe(number: int, connection: psycopg.Connection[Any], generator: Any, ports: dict[int, str]) -> Point:
    """Say what a round trip is."""
    name, head = getattr(generator, "__name__", "?"), _head(connection, generator)
    step, function = _place()
    return Point(number, ports[connection.info.port], step, function, head, _kind(connection, name, head))


def _head(connection: psycopg.Connection[Any], generator: Any) -> str:
    """Return the beginning of the SQL that a waiting generator is about to send."""
    frame = getattr(generator, "gi_frame", None)
    found = frame.f_locals if frame is not None else {}
    name = getattr(generator, "__name__", "?")
    idle = connection.info.transaction_status == TransactionStatus.IDLE
    if name == "_enter_gen":
        return "BEGIN" if idle else "SAVEPOINT"
    if name == "_exit_gen":
        ends = "ROLLBACK" if found.get("exc_type") else "COMMIT"
        return ends if found["self"]._outer_transaction else f"{ends} of a savepoint"
    if name in ("_commit_gen", "_rollback_gen"):
        return NOTHING if idle else name.strip("_").removesuffix("_gen").upper()
    query = found.get("query", found.get("statement", name))
    text = query.as_string(connection) if isinstance(query, sql.Composable) else query
    return " ".join((text.decode() if isinstance(text, bytes) else str(text)).split())[:90]


def _kind(connection: psycopg.Connection[Any], name: str, head: str) -> str:
    if head == NOTHING:
        return "local"
    if name in ROWS:
        return "row"
    if head in ("BEGIN", "COMMIT"):
        return head.lower()
    if WRITES.match(head):
        status = connection.info.transaction_status
        return "commit" if status == TransactionStatus.IDLE and connection.autocommit else "write"
    return "read"


def _place() -> tuple[str, str]:
    """Return the script's step at work and the product's innermost function."""
    step, function, frame = "", "", sys._getframe(4)
    while frame is not None:
        if frame.f_globals.get("__name__", "").startswith(PRODUCT):
            function = function or frame.f_code.co_name
            step = step or str(getattr(frame.f_locals.get("step"), "key", ""))
        frame = frame.f_back  # type: ignore[assignment]
    return step, function


# -- faults ----------------------------------------------------------------------------------------------------


def arm(kind: str, number: int, line: Line, ports: dict[int, str]) -> None:
    """Let the round trip of this number meet a fault of this kind; tell the parent which it was."""
    _hold_the_clock()

    def strike(now: int, connection: psycopg.Connection[Any], generator: Any) -> Any:
        if now != number:
            return generator
        line.tell({"struck": asdict(describe(now, connection, generator, ports))})
        if kind == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif kind == "terminate":
            line.ask("terminate", name=ports[connection.info.port], pid=connection.info.backend_pid)
        elif kind == "cut":
            return _unanswered(connection, generator)
        elif kind == "unsent":
            _sever(connection)
        else:
            line.ask("kill", name=kind)
        return generator

    _each(strike)


def _unanswered(connection: psycopg.Connection[Any], generator: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """Send, let the server do it and answer, and cut the connection before anybody reads the answer."""
    wanted = next(generator)
    real = socket.socket(fileno=os.dup(connection.pgconn.socket))
    real.settimeout(60)
    real.recv(1, socket.MSG_PEEK)
    _sever(connection)
    real.close()
    while True:
        try:
            wanted = generator.send((yield wanted))
        except StopIteration as over:
            return over.value


def _sever(connection: psycopg.Connection[Any]) -> None:
    """Cut a connection: the client finds a dead socket, the server a client that went away."""
    dead, other = socket.socketpair()
    other.close()
    os.dup2(dead.fileno(), connection.pgconn.socket)
    dead.close()
