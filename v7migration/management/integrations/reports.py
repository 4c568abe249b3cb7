"""``v7_integrate junit``: pytest's JUnit XML into v7_test_results."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from approvals.selectors import personas_of
from tracking.actors import Actor
from tracking.choices import TestStatus
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.integrations.subcommand import Answer, Say, Subcommand
from v7migration.pipeline.integrate.junit import take_files


def _arguments(parser: CommandParser) -> None:
    add_arguments(parser)
    parser.add_argument("files", metavar="FILE", nargs="+", type=Path, help="what pytest --junit-xml=FILE wrote")


def _take(options: dict[str, Any], say: Say) -> Answer:
    person = person_from(options)
    reports = take_files(options["files"], actor=Actor(person.get_username(), personas_of(person)))
    for report in reports:
        counts = ", ".join(f"{report[status]} {status}" for status in TestStatus.values if report[status])
        before = report["before"]
        how = "taken" if report["taken"] else f"was taken before, by {before['by']} at {before['at']}: nothing recorded"
        say(f"{report['file']}: {report['tests']} tests ({counts}); {how}")
    return {"reports": reports}, 0


JUNIT = Subcommand(
    name="junit",
    help="take JUnit XML of pytest into v7_test_results, once for each content",
    arguments=_arguments,
    act=_take,
)
