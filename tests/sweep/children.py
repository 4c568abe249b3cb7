"""Children of the sweep: forked, so that product and Django are loaded once; what they do ends with them."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from django.db import connections

LIMIT = 120.0
"""Seconds after which a child is taken to hang."""


class Line:
    """The child's end of the wire to its parent."""

    def __init__(self, wire: socket.socket) -> None:
        self._wire = wire
        self._reader = wire.makefile("r")

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send something that the parent keeps."""
        self._wire.sendall(json.dumps(message, default=str).encode() + b"\n")

    def ask(self, deed: str, **values: Any) -> None:
        """Have the parent do something, and wait until it is done."""
        self.tell({"deed": deed, "values": values})
        self._reader.readline()


@dataclass
class Ended:
    """How a child ended: what it told, the signal that killed it, and whether it hung."""

    told: dict[str, Any] = field(default_factory=dict)
    signal: int = 0
    hung: bool = False


def in_a_child(
    work: Callable[[Line], Mapping[str, Any]], deeds: Mapping[str, Callable[..., object]] | None = None
) -> Ended:
    """Run ``work`` in a child and return what it told; an exception of it is told as ``crash``.

    Args:
        work: gets the wire, returns what it has to tell.
        deeds: what the child may ask for by name; done by this process.
    """
    connections.close_all()
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        _live(work, theirs, ours)
    theirs.close()
    ended = Ended()
    try:
        _listen(ours, ended, deeds or {})
    finally:
        if ended.hung:
            with suppress(ProcessLookupError):
                os.kill(child, signal.SIGKILL)
        ours.close()
        status = os.waitpid(child, 0)[1]
    ended.signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    return ended


def _live(work: Callable[[Line], Mapping[str, Any]], wire: socket.socket, others: socket.socket) -> None:
    """Be the child: never return."""
    try:
        others.close()
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        line = Line(wire)
        try:
            line.tell(work(line))
        except BaseException:  # noqa: BLE001 (it must not go on as the parent)
            line.tell({"crash": traceback.format_exc()})
    finally:
        os._exit(0)


def _listen(wire: socket.socket, ended: Ended, deeds: Mapping[str, Callable[..., object]]) -> None:
    deadline, buffer = time.monotonic() + LIMIT, b""
    while True:
        wire.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            block = wire.recv(1 << 16)
        except TimeoutError:
            ended.hung = True
            return
        if not block:
            return
        *lines, buffer = (buffer + block).split(b"\n")
        for text in lines:
            message = json.loads(text)
            if "deed" in message:
                deeds[message["deed"]](**message["values"])
                wire.sendall(b"\n")
            else:
                ended.told |= message
