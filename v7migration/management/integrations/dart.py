"""``v7_integrate dart``: one pass of the delivery to DART, and dead letters that a person takes up again."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import CommandParser

from approvals.selectors import personas_of
from tracking.actors import Actor
from v7migration.errors import UsageError
from v7migration.management.authentication import add_arguments, person_from
from v7migration.management.integrations.subcommand import Answer, Say, Subcommand
from v7migration.pipeline.integrate.dart.client import Limited, Unreachable
from v7migration.pipeline.integrate.dart.delivering import deliver
from v7migration.pipeline.integrate.dart.recording import retry

SHORTEST_WATCH = 5


def _arguments(parser: CommandParser) -> None:
    add_arguments(parser, required=False)
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent and taken, and change nothing")
    parser.add_argument("--retry", metavar="NUMBER", default="", help="queue again what was given up: a number, or all")
    parser.add_argument("--watch", metavar="SECONDS", type=int, default=0, help="go on, one pass every so many seconds")


def _act(options: dict[str, Any], say: Say) -> Answer:
    person = person_from(options) if options.get("as_username") or options["retry"] else None
    actor = Actor(person.get_username(), personas_of(person)) if person is not None else None
    if options["watch"]:
        return _watch(options, actor, say)
    if options["retry"] and actor is not None:
        if options["dry_run"]:
            raise UsageError("--retry changes the outbox, --dry-run changes nothing.", "Leave one of them away.")
        for row in retry(wanted=options["retry"], actor=actor):
            say(f"{row.pk} {row.key}: queued again")
    report = deliver(actor=actor, is_dry=options["dry_run"])
    _tell(report, say)
    return report, 1 if report["outbox"]["dead"] else 0


def _watch(options: dict[str, Any], actor: Actor | None, say: Say) -> Answer:
    """Make passes until somebody interrupts; a DART that does not answer is asked again."""
    if options["json"] or options["retry"] or options["watch"] < SHORTEST_WATCH:
        raise UsageError(f"--watch takes {SHORTEST_WATCH} seconds or more, and neither --json nor --retry.")
    while True:
        pause: int = options["watch"]
        try:
            _tell(deliver(actor=actor, is_dry=options["dry_run"]), say)
        except Limited as error:
            say(str(error))
            pause = max(pause, error.seconds)
        except Unreachable as error:
            say(str(error))
        time.sleep(pause)


def _tell(report: dict[str, Any], say: Say) -> None:
    for mark, name in (("✓", "sent"), ("…", "waiting"), ("✗", "failed")):
        for row in report[name]:
            say(f"{mark} {row['id']} {row['key']}: {row['said']}")
    for row in report["differences"]:
        holds = f"{row['kept']} holds" if row["kept"] else "nobody decided"
        say(f"≠ {row['task']} {row['field']}: table {row['table']}, DART {row['dart']}; {holds}. {row['why']}")
    counts = report["outbox"]
    dry = "Nothing was changed. " if report["dry_run"] else ""
    say(f"{dry}{counts['delivered']} delivered, {counts['queued']} queued, {counts['dead']} given up (see /dart/).")


DART = Subcommand(
    name="dart",
    help="deliver what waits for DART, and compare the tasks on both sides",
    arguments=_arguments,
    act=_act,
)
