"""Which jumps between states are allowed: the one declaration that models, triggers and pages follow.

The models' transitions are made from it (:func:`tracking.models.base.move`); the triggers of both homes
spell the same jumps in SQL, and a test compares them.
"""

from __future__ import annotations

from dataclasses import dataclass

from tracking.choices import EnumMigrationStatus as E
from tracking.choices import FileStatus as F
from tracking.choices import ImpactStatus as G
from tracking.choices import PhaseStatus as P
from tracking.choices import TaskStatus as T


@dataclass(frozen=True)
class Jump:
    """One allowed jump and the name of the transition that makes it."""

    name: str
    source: str
    target: str


@dataclass(frozen=True)
class Machine:
    """The states of one column: where a row begins, and the jumps it may make."""

    table: str
    column: str
    initial: str
    jumps: tuple[Jump, ...]

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Return every allowed (from, to)."""
        return frozenset((jump.source, jump.target) for jump in self.jumps)

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of the transitions, in the order of their declaration."""
        return tuple(dict.fromkeys(jump.name for jump in self.jumps))

    def named(self, name: str) -> tuple[Jump, ...]:
        """Return the jumps that the transition ``name`` can make."""
        return tuple(jump for jump in self.jumps if jump.name == name)


def _jumps(name: str, target: str, *sources: str) -> tuple[Jump, ...]:
    return tuple(Jump(name, str(source), str(target)) for source in sources)


PHASE = Machine(
    "v7_migration_workflow",
    "status",
    P.NOT_STARTED,
    (
        *_jumps("start", P.IN_PROGRESS, P.NOT_STARTED, P.ROLLED_BACK),
        *_jumps("submit_for_review", P.REVIEW, P.IN_PROGRESS),
        *_jumps("send_back", P.IN_PROGRESS, P.REVIEW),
        *_jumps("approve", P.APPROVED, P.REVIEW),
        *_jumps("complete", P.COMPLETED, P.APPROVED),
        *_jumps("block", P.BLOCKED, P.IN_PROGRESS, P.REVIEW, P.APPROVED),
        *_jumps("unblock", P.IN_PROGRESS, P.BLOCKED),
        *_jumps("roll_back", P.ROLLED_BACK, P.IN_PROGRESS, P.REVIEW, P.APPROVED, P.COMPLETED, P.BLOCKED),
    ),
)
TASK = Machine(
    "v7_subworkflow_tasks",
    "status",
    T.PENDING,
    (
        *_jumps("start", T.IN_PROGRESS, T.PENDING),
        *_jumps("block", T.BLOCKED, T.PENDING, T.IN_PROGRESS, T.REVIEW),
        *_jumps("unblock", T.PENDING, T.BLOCKED),
        *_jumps("resume", T.IN_PROGRESS, T.BLOCKED),
        *_jumps("submit", T.REVIEW, T.IN_PROGRESS),
        *_jumps("send_back", T.IN_PROGRESS, T.REVIEW),
        *_jumps("complete", T.COMPLETED, T.REVIEW),
        *_jumps("cancel", T.CANCELLED, T.PENDING, T.IN_PROGRESS, T.BLOCKED, T.REVIEW, T.DEFERRED),
        *_jumps("defer", T.DEFERRED, T.PENDING, T.IN_PROGRESS, T.BLOCKED),
        *_jumps("reopen", T.PENDING, T.DEFERRED),
        *_jumps("take_back", T.PENDING, T.IN_PROGRESS, T.REVIEW, T.COMPLETED),
    ),
)
ENUM_MIGRATION = Machine(
    "v7_enum_migrations",
    "status",
    E.PROPOSED,
    (
        *_jumps("approve", E.APPROVED, E.PROPOSED),
        *_jumps("implement", E.IMPLEMENTED, E.APPROVED),
        *_jumps("confirm", E.VALIDATED, E.IMPLEMENTED),
        *_jumps("retire", E.RETIRED, E.VALIDATED),
        *_jumps("roll_back", E.ROLLED_BACK, E.APPROVED, E.IMPLEMENTED, E.VALIDATED),
        *_jumps("propose_again", E.PROPOSED, E.ROLLED_BACK),
    ),
)
IMPACT = Machine(
    "v7_global_impacts",
    "approval_status",
    G.PENDING,
    (
        *_jumps("review", G.REVIEWING, G.PENDING, G.REJECTED),
        *_jumps("approve", G.APPROVED, G.REVIEWING),
        *_jumps("reject", G.REJECTED, G.REVIEWING),
        *_jumps("implement", G.IMPLEMENTED, G.APPROVED),
    ),
)
FILE = Machine(
    "file_audit",
    "v7_workflow_status",
    F.PENDING_ASSESSMENT,
    (
        *_jumps("assess", F.ASSESSED, F.PENDING_ASSESSMENT),
        *_jumps("design", F.DESIGNED, F.ASSESSED),
        *_jumps("approve", F.APPROVED, F.DESIGNED),
        *_jumps("implement", F.IMPLEMENTING, F.APPROVED),
        *_jumps("test", F.TESTING, F.IMPLEMENTING),
        *_jumps("migrate", F.MIGRATED, F.TESTING),
        *_jumps("retire", F.RETIRED, F.MIGRATED),
        *_jumps("step_back", F.PENDING_ASSESSMENT, F.ASSESSED),
        *_jumps("step_back", F.ASSESSED, F.DESIGNED),
        *_jumps("step_back", F.DESIGNED, F.APPROVED),
        *_jumps("step_back", F.APPROVED, F.IMPLEMENTING),
        *_jumps("step_back", F.IMPLEMENTING, F.TESTING),
        *_jumps("step_back", F.TESTING, F.MIGRATED),
    ),
)
MACHINES = (PHASE, TASK, ENUM_MIGRATION, IMPACT, FILE)
