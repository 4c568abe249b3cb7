"""A case of the sweep and what came of it; knows neither servers nor Django."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field

KINDS = ("kill", "terminate", "cut", "unsent", "target", "control")
"""SIGKILL of the runner; of a session by the server; COMMIT unanswered; COMMIT unsent; SIGKILL of a whole server."""
WAYS = ("resume", "back")


@dataclass(frozen=True)
class Case:
    """One faulted run: ``kill:execute:417:resume``."""

    kind: str
    scenario: str
    number: int
    way: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.scenario}:{self.number}:{self.way}"

    @property
    def place(self) -> int:
        """Where the case stands in the order: any beginning of it is a spread sample."""
        return zlib.crc32(str(self).encode())


@dataclass
class Result:
    """What came of a case."""

    case: str
    point: str
    ended: str
    way: str
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    unexplained: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, doubled or unexplained."""
        return not (self.lost or self.doubled or self.unexplained)
