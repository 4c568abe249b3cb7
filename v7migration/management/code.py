"""How commands print the code map: which lines of the source a proposed change touches."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Say = Callable[[str], None]

CHANGES = 12
FILES = 5
FAULTS = 5


def print_code(say: Say, code: Mapping[str, Any]) -> None:
    """Print a code map: what was read, then for each change its counts, layers, workflows and first files."""
    totals = code["totals"]
    if not totals:
        for fault in code["faults"]:
            say(f"Code map     not taken: {fault['reason']}")
        return
    say(f"Code map     {code['root']}")
    say(
        f"Sources      {totals['read']} of {totals['files']} read, {totals['parsed']} of them anew; "
        f"{totals['imports']} imports, {totals['lost_imports']} lead nowhere, {totals['cycles']} cycles"
    )
    for fault in code["faults"][:FAULTS]:
        say(f"             not read: {fault['path']}: {fault['reason']}")
    _more(say, totals["faults"], FAULTS, "that were not read")
    if totals["renames"]:
        say(f"Renames      {totals['renames']} files get a V7 name: {totals['breaking_imports']} imports break")
    say(f"Changes      {totals['changes']}: lines touched certainly + likely + possibly, and those that break")
    ordered = sorted(code["changes"], key=lambda change: (-change["counts"]["breaking"], change["name"]))
    for change in ordered[:CHANGES]:
        _print_change(say, change)
    _more(say, len(ordered), CHANGES, "changes")


def _print_change(say: Say, change: Mapping[str, Any]) -> None:
    counts = change["counts"]
    becomes = f" → {change['becomes']}" if change["becomes"] else ""
    counted = f"{counts['certain']} + {counts['likely']} + {counts['possible']} lines, {counts['breaking']} break"
    where = f"{_names(change['layers'], 'layer', 'L')}; {_names(change['workflows'], 'workflow')}"
    say(f"             {change['name']}{becomes}: {counted}; {where}")
    sure = [file for file in change["files"] if file["confidence"] != "possible"]
    for file in sure[:FILES]:
        lines = [line for line in file["lines"] if line["confidence"] != "possible"]
        numbers = ", ".join(f"{line['line']}{'!' if line['breaking'] else ''}" for line in lines[:8])
        say(f"               {file['path']}: {numbers}{' …' if len(lines) > 8 else ''}")
    _more(say, len(sure), FILES, "files")


def _names(shares: Iterable[Mapping[str, Any]], key: str, prefix: str = "") -> str:
    found = [f"{prefix}{share[key]}" for share in shares if share[key] is not None]
    return ", ".join(found) or f"no {key}"


def _more(say: Say, total: int, shown: int, what: str) -> None:
    if total > shown:
        say(f"               and {total - shown} more {what}: see --json")
