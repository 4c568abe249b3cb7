"""Asking for the target's name before it is changed."""

from __future__ import annotations

import sys

from v7migration.errors import Refused


def confirm_target(name: str, *, ask: bool) -> None:
    """Ask the operator to type the target's name; anything else refuses.

    Raises:
        Refused: another name was typed, or there is no terminal to ask at.
    """
    if not ask:
        return
    if not sys.stdin.isatty():
        raise Refused("There is no terminal to confirm the target at.", "Run it in a terminal, or pass --no-input.")
    if input(f"This changes {name}. Type the target's name to go on: ").strip() != name:
        raise Refused("Another name was typed; nothing was touched.", f"The target is called {name}.")
