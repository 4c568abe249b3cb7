"""How commands print what was found in a source tree."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

SHOWN = 10
Say = Callable[[str], None]


def print_files(say: Say, files: Mapping[str, Any]) -> None:
    """Print the summary of a source tree beside file_audit: counts first, then the first findings of each kind."""
    totals = files["totals"]
    if not totals:
        say("Files        not taken")
    else:
        _print_counts(say, files, totals)
    near = [f"{entry['path']}: {entry['reason']}" for entry in files["violations"] if entry["near"]]
    _print_some(say, "Near misses", near)
    _print_some(say, "Sets", [entry["reason"] for entry in files.get("sets", ()) if entry["reason"]])
    _print_some(say, "Orphans", files["orphans"])
    _print_some(say, "Phantoms", files["phantoms"])
    _print_some(say, "Not listed", [f"{fault['path']}: {fault['reason']}" for fault in files["faults"]])
    if recorded := files.get("recorded"):
        say(f"Recorded     {recorded['note'] or str(recorded['written']) + ' files of file_audit changed'}")


def _print_counts(say: Say, files: Mapping[str, Any], totals: Mapping[str, int]) -> None:
    say(f"Source tree  {files['root']}")
    say(
        f"Files        {totals['files']}: {totals['compliant']} compliant, {totals['violations']} violations "
        f"({totals['near_misses']} near misses), {totals['exempt']} need no V7 name"
    )
    say(f"file_audit   {files['audit']}; {totals['orphans']} orphans, {totals['phantoms']} phantoms")
    for rule in files["matching"]:
        say(f"             paths compared {rule['said']}")
    say(f"Target names {totals['proposals']} proposed, {totals['broken_sets']} of {totals['sets']} sets are not whole")
    for entry in files["by_layer"]:
        if entry["files"]:
            needed = entry["files"] - entry["exempt"]
            say(f"             {entry['name']}: {entry['compliant']} of {needed} compliant")


def _print_some(say: Say, title: str, lines: Iterable[str]) -> None:
    """Print the first lines of a list under its title, and how many more there are."""
    found = list(lines)
    for number, line in enumerate(found[:SHOWN]):
        say(f"{title if not number else '':<12} {line}")
    if len(found) > SHOWN:
        say(f"{'':<12} and {len(found) - SHOWN} more: see --json")
