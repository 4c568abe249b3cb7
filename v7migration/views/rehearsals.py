"""What the changeset's page shows of its rehearsal, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from v7migration.ledger.models import Changeset
from v7migration.postgres.locks import strength
from v7migration.postgres.script import plan_order
from v7migration.views.reading import parsed


@dataclass(frozen=True)
class RehearsedStep:
    """A step as it was rehearsed: its time (milliseconds), its statements, and the way back from right after it."""

    key: str
    title: str
    milliseconds: float
    statements: list[dict[str, Any]]
    prefix: dict[str, Any] | None

    @property
    def strongest(self) -> dict[str, str] | None:
        """The strongest lock on a table that was there before; None without one."""
        held = [lock for statement in self.statements for lock in statement.get("locks", ())]
        return max(held, key=lambda lock: strength(lock["mode"]), default=None)


def rehearsed_steps(changeset: Changeset) -> list[RehearsedStep]:
    """Return the steps of the changeset's rehearsal in the order in which they ran."""
    report = changeset.rehearsal.report
    titles = {step.key: step.title for step in _steps(changeset.script_id)}
    prefixes = {entry["after"]: entry for entry in report.get("prefixes", {}).get("steps", ())}
    steps = sorted(report["steps"].items(), key=lambda item: list(titles).index(item[0]) if item[0] in titles else 0)
    return [
        RehearsedStep(key, titles.get(key, ""), step["milliseconds"], step["statements"], prefixes.get(key))
        for key, step in steps
    ]


def _steps(sha256: str) -> list[Any]:
    script = parsed(sha256)
    sections = [section for section, _ in plan_order(script)]
    return [step for section in sections for step in section.steps]
