"""``v7_integrate api``: try the API of a served site as the application would, and keep the proof."""

from __future__ import annotations

import os
from typing import Any

from django.core.management.base import CommandParser

from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.integrations.subcommand import Answer, Say, Subcommand
from v7migration.pipeline.integrate.api_trial import prove_api


def _arguments(parser: CommandParser) -> None:
    add_arguments(parser)
    parser.add_argument("--url", required=True, help="the site's address; V7_API_TOKEN holds a token of yours")


def _try(options: dict[str, Any], say: Say) -> Answer:
    person = person_from(options)
    proof = prove_api(url=options["url"], token=os.environ.get("V7_API_TOKEN", ""), person=person)
    for path, rows in proof["rows"].items():
        say(f"{path:<36} {rows:>5} rows, each valid")
    say(proof["said"])
    return proof, 0 if proof["ok"] else 1


API = Subcommand(
    name="api",
    help="try the API of the served site with a personal token, every answer through the Pydantic models",
    arguments=_arguments,
    act=_try,
)
