"""``v7_inventory``: what is there before anything changes (document 2.1.1)."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from approvals.selectors import personas_of
from tracking.actors import Actor
from v7migration.errors import UsageError
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.base import StageCommand
from v7migration.management.code import print_code
from v7migration.management.evidence import print_archive, print_export, print_some
from v7migration.management.findings import print_files
from v7migration.management.timings import print_baseline
from v7migration.pipeline import inventory


class Command(StageCommand):
    """Take snapshot, fingerprint, ENUM types and dependencies of the target, and say what waits for a decision."""

    help = __doc__

    def arguments(self, parser: CommandParser) -> None:
        """``--as``, ``--only PART``, ``--count``, ``--source DIR``, ``--svg FILE`` and ``--archive DIR``."""
        add_arguments(parser, required=False)
        parser.add_argument("--only", choices=inventory.PARTS, help="take one part of the inventory")
        parser.add_argument("--count", action="store_true", help="count the rows per ENUM label instead of estimating")
        parser.add_argument("--source", metavar="DIR", type=_folder, help="the source tree; default: V7_SOURCE_DIR")
        parser.add_argument("--svg", type=Path, metavar="FILE", help="write the picture of the dependencies to a file")
        parser.add_argument("--archive", metavar="DIR", type=_folder, help="git repository that keeps the inventory")

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Take the inventory and print its summary."""
        if options["svg"] and options["only"] not in (None, "dependencies"):
            raise UsageError("--svg draws the dependencies, which this call leaves out.", "Say --only dependencies.")
        person = person_from(options) if options.get("as_username") else None
        actor = Actor(person.get_username(), personas_of(person)) if person else None
        snapshot, result = inventory.take(
            actor=actor,
            only=options["only"],
            count=options["count"],
            source=options["source"],
            archive=options["archive"],
        )
        self.say(f"Target       {snapshot.target_name}")
        if result["access"] != "read-write":
            self.say(
                f"Access       {result['access']}: an inventory only reads; a run needs a target that takes writes"
            )
        self.say(f"Fingerprint  {snapshot.fingerprint}")
        self.say(f"Objects      {len(snapshot.document['objects'])}")
        if "snapshot" in result:
            print_export(self.say, result["snapshot"])
        if enums := result.get("enums"):
            self.say(f"ENUM types   {_types(enums)}")
            _print_rows(self.say, enums["rows"])
        if proposed := result.get("proposed"):
            self.say(f"Decisions    {_waiting(proposed)}")
        if "dependencies" in result:
            _print_dependencies(self.say, result["dependencies"])
            if options["svg"]:
                inventory.write_picture(result["dependencies"], path=options["svg"], subject=snapshot.database)
                self.say(f"Picture      {options['svg']}")
        if "files" in result:
            print_files(self.say, result["files"])
        if "code" in result:
            print_code(self.say, result["code"])
        if "baseline" in result:
            print_baseline(self.say, result["baseline"])
        print_archive(self.say, result["archive"])
        return result, 0


def _folder(text: str) -> Path:
    """Take a folder's name; an empty one would silently mean the folder that one happens to be in."""
    if not text.strip():
        raise ArgumentTypeError("the name of the folder is empty")
    return Path(text)


def _types(enums: dict[str, Any]) -> str:
    """Return how many ENUM types there are, and what stands out among them."""
    grouped = sum(len(g["types"]) for g in enums["groups"])
    words = {"groups": "group{} of duplicates", "conflicts": "conflict{}", "hints": "subset{}"}
    counted = [f"{len(enums[key])} {word.format('' if len(enums[key]) == 1 else 's')}" for key, word in words.items()]
    unused = len(enums["unused"])
    return f"{len(enums['types'])}: {grouped} in {', '.join(counted)}, {unused} unused"


def _waiting(standing: dict[str, Any]) -> str:
    """Return how many groups of ENUM types wait for a decision, and where; an inventory proposes nothing by itself."""
    left, decided = standing["waiting"], standing["decided"]
    if not left and not decided:
        return "there is no group of duplicates to decide on"
    if not left:
        return f"every group of duplicates is decided ({decided})"
    wait = "1 group of duplicates waits" if left == 1 else f"{left} groups of duplicates wait"
    return f"{wait} for a Guardian at {standing['where']} ({decided} decided)"


def _print_rows(say: Callable[[str], None], rows: list[dict[str, Any]]) -> None:
    """Say how the rows per label are known, and what could not be told."""
    methods = [entry["method"] for entry in rows if entry["columns"]]
    told = ", ".join(f"{methods.count(m)} {m}" for m in ("counted", "estimated", "unknown") if m in methods)
    say(f"ENUM rows    {told or 'no column holds an ENUM type'}")
    left_out = [column for entry in rows for column in entry["columns"] if column["note"].startswith("not counted")]
    print_some(say, [f"{column['table']}.{column['column']}: {column['note']}" for column in left_out])


def _print_dependencies(say: Callable[[str], None], graph: dict[str, Any]) -> None:
    """Say how many dependencies there are, and where they are drawn."""
    say(f"Depend       {len(graph['nodes'])} objects, {len(graph['edges'])} dependencies: page /dependencies/")
