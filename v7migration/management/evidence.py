"""How the inventory prints the schema export, its proof and the archive for people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

SHOWN = 10


def print_export(say: Callable[[str], None], snapshot: dict[str, Any]) -> None:
    """Say whether the schema export matches production, and what it lacks."""
    if snapshot["exported"]:
        say(f"Export       {snapshot['bytes']:,} bytes by {snapshot['pg_dump']}, SHA-256 {snapshot['sha256'][:16]}…")
    say(f"Verified     {snapshot['statement']}")
    if snapshot["verified"] and snapshot["note"]:
        say(f"             {snapshot['note']}")
    faults = [f"{fault['object']}: {fault['reason']}" for fault in snapshot["faults"]]
    for lines in (faults, snapshot["errors"], snapshot["differences"]):
        print_some(say, lines)


def print_archive(say: Callable[[str], None], archive: dict[str, Any]) -> None:
    """Say what became of the archive, and how the target differs from the last inventory."""
    say(f"Archive      {archive['statement']}")
    print_some(say, archive["difference"])
    for line in archive["files"]:
        say(f"             {line['path'].rpartition('/')[2]:<18} +{line['added']} -{line['removed']}")


def print_some(say: Callable[[str], None], lines: list[str]) -> None:
    """Print the first lines of a list, and how many more there are."""
    for line in lines[:SHOWN]:
        say(f"             {line}")
    if len(lines) > SHOWN:
        say(f"             and {len(lines) - SHOWN} more: see --json")
