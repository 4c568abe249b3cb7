"""``v7_plan``: what would run, in which order and why."""

from __future__ import annotations

from typing import Any

from v7migration.management.base import StageCommand
from v7migration.pipeline import gatekeeper
from v7migration.pipeline.planning import plan_of
from v7migration.postgres.script import parse


class Command(StageCommand):
    """Print the plan of the newest changeset, or of the script with the rows of now when nothing is frozen."""

    help = __doc__

    def act(self, options: dict[str, Any]) -> tuple[dict[str, Any], int]:
        """Print sections in execution order with the reason of each deviation."""
        changeset = gatekeeper.latest()
        content = (
            bytes(changeset.script.content)
            if changeset is not None
            else gatekeeper.rendered_script(gatekeeper.source_bytes())
        )
        document = plan_of(parse(content))
        document["changeset"] = changeset.digest if changeset else None
        for section in document["sections"]:
            self.say(f"Section {section['number']:>2}  {section['title']}  (task {section['task']})")
            if section["reason"]:
                self.say(f"            {section['reason']}")
            for step in section["steps"]:
                self.say(
                    f"            {step['key']:<6} {step['title']}"
                    + ("" if step["transactional"] else "  [own transaction]")
                )
        for warning in document["warnings"]:
            self.say(f"Note: {warning}")
        return document, 0
