"""``v7_integrate sqlalchemy`` and ``pydantic``: modules for the application's code.

They need no database, but with ``--as``: then the module is compared with the migrated target, and the proof is kept.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.integrations.subcommand import Answer, Say, Subcommand
from v7migration.pipeline.integrate.generating import generate_pydantic, generate_sqlalchemy
from v7migration.pipeline.integrate.proving import prove_module


def _out(parser: CommandParser) -> None:
    parser.add_argument(
        "--out", metavar="FILE", default="-", help="the module's file; '-' (the default) is standard output"
    )


def _sqlalchemy_arguments(parser: CommandParser) -> None:
    _out(parser)
    add_arguments(parser, required=False)
    parser.add_argument(
        "--base", metavar="MODULE:NAME", default="", help="the application's declarative base; default: one of its own"
    )


def _pydantic_arguments(parser: CommandParser) -> None:
    _out(parser)
    add_arguments(parser, required=False)
    parser.add_argument(
        "--enums-from", metavar="MODULE", default="", help="the module that has the enums; default: declared anew"
    )


def _file(options: dict[str, Any]) -> Path | None:
    return None if options["out"] == "-" else Path(options["out"])


def _sqlalchemy(options: dict[str, Any], say: Say) -> Answer:
    return _told(generate_sqlalchemy(out=_file(options), base=options["base"]), options, say)


def _pydantic(options: dict[str, Any], say: Say) -> Answer:
    return _told(generate_pydantic(out=_file(options), enums_from=options["enums_from"]), options, say)


def _told(made: dict[str, Any], options: dict[str, Any], say: Say) -> Answer:
    if made["out"] is None:
        if not options["json"]:
            sys.stdout.write(made["text"])
    else:
        state = "written" if made["written"] else "unchanged"
        say(f"{made['out']}: {state}, {made['lines']} lines, {len(made['classes'])} classes")
        made = {key: value for key, value in made.items() if key != "text"}
    if not options["as_username"]:
        return made, 0
    proof = prove_module(made, person=person_from(options))
    say(proof["said"])
    return {**made, "proof": proof}, 0 if proof["ok"] else 1


SQLALCHEMY = Subcommand(
    name="sqlalchemy",
    help="write the SQLAlchemy 2 module of the target's tables",
    arguments=_sqlalchemy_arguments,
    act=_sqlalchemy,
    settles=False,
)
PYDANTIC = Subcommand(
    name="pydantic",
    help="write the Pydantic 2 module of the target's rows",
    arguments=_pydantic_arguments,
    act=_pydantic,
    settles=False,
)
