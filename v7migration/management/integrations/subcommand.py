"""What a subcommand of ``v7_integrate`` is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.core.management.base import CommandParser

Say = Callable[[str], None]
Answer = tuple[dict[str, Any], int]


@dataclass(frozen=True)
class Subcommand:
    """A name, one line of help, its arguments, and the one call it makes.

    ``act`` gets the options, prints for people through ``say``, and returns what ``--json`` prints and the exit code.
    ``settles``: a run that died is settled first, which needs both databases.
    """

    name: str
    help: str
    arguments: Callable[[CommandParser], None]
    act: Callable[[dict[str, Any], Say], Answer]
    settles: bool = True
