"""Drift during a run: what differs from the snapshot must be what the rehearsal changed up to here (ARCHITECTURE).

A sitting begins with a full comparison. After that a watermark of the catalogs tells whether there is anything to
compare: before each COMMIT a second session, which does not see our open transaction, must find the catalogs as our
last COMMIT left them, and the watermark inside the transaction is what the next one starts from. So no change of
somebody else falls between two looks, and a schema of thousands of tables is not read again for every step.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from v7migration.errors import StepFailed
from v7migration.ledger.models import Changeset
from v7migration.pipeline.target import Connection
from v7migration.postgres import catalog
from v7migration.postgres.fingerprint import added, differences
from v7migration.postgres.script import Script, Step, plan_order
from v7migration.postgres.watch import watermark

SHOWN = 5


class Drifted(StepFailed):
    """Somebody changed the target during the run; ``sentences`` say what differs from the rehearsal."""

    def __init__(self, step: str, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__(
            f"The target drifted before step {step}: {'; '.join(sentences[:SHOWN])}.",
            "Somebody changed the target during the run. Find out who; then v7_rollback, or undo it and v7_execute.",
        )


class DriftWatch:
    """Compares the target with the rehearsal, step by step.

    Args:
        script: the changeset's script, for the order of its steps.
        rehearsed: the rehearsal's report on each step by key.
        before: the snapshot's document.
        committed: keys of the steps that the target knows as committed; the caller keeps it current.
        skipped: sections that are not taken (Section 0 where ``migration_gate`` stands).
        same_major: rehearsal and target run one major version, so that added objects can be compared whole.
    """

    def __init__(
        self,
        *,
        script: Script,
        rehearsed: dict[str, Any],
        before: dict[str, Any],
        committed: set[str],
        skipped: Iterable[int],
        same_major: bool = True,
    ) -> None:
        self.rehearsed, self.before, self.committed = rehearsed, before, committed
        sections = [section for section, _ in plan_order(script) if section.number not in skipped]
        self.order = [step.key for section in sections for step in section.steps]
        self.may_fail = {s.key for section in sections if section.on_failure == "continue" for s in section.steps}
        self.mark, self.same_major = "", same_major

    @classmethod
    def of(cls, changeset: Changeset, script: Script, committed: set[str], *, skips_section_0: bool) -> DriftWatch:
        """Return the watch over a run of this changeset."""
        rehearsal, snapshot = changeset.rehearsal, changeset.snapshot
        return cls(
            script=script, rehearsed=rehearsal.report["steps"], before=snapshot.document, committed=committed,
            skipped=[0] if skips_section_0 else [],
            same_major=rehearsal.server_version // 10_000 == snapshot.server_version // 10_000,
        )  # fmt: skip

    def expected(self) -> set[str] | None:
        """Return the rehearsed differences of what is committed, or None where steps are missing that must not be."""
        done = [key for key in self.order if key in self.committed]
        if not done:
            return set()
        missing = [key for key in self.order[: self.order.index(done[-1])] if key not in self.committed]
        if not set(missing) <= self.may_fail or "differences" not in self.rehearsed.get(done[-1], {}):
            return None
        return self._after(done[-1]) - {found for key in missing for found in self._own(key)}

    def _after(self, key: str) -> set[str]:
        return set(self.rehearsed.get(key, {}).get("differences", ()))

    def _added(self) -> dict[str, str]:
        """Return the digests of the objects, and of their parts, that the committed steps added in the rehearsal."""
        found: dict[str, str | None] = {}
        for key in self.order:
            if key in self.committed:
                found |= self.rehearsed.get(key, {}).get("added", {})
        return {name: digest for name, digest in found.items() if digest is not None}

    def _own(self, key: str) -> set[str]:
        """Return what the step itself changed in the rehearsal."""
        earlier = self.order.index(key) - 1
        return self._after(key) - (self._after(self.order[earlier]) if earlier >= 0 else set())

    def before_step(self, connection: Connection, step: Step) -> None:
        """Compare in full where no watermark vouches for the target: at the start, and after a concurrent index.

        A concurrent step looks at the watermark itself: no COMMIT of its own asks for it later. What such a step makes
        is no drift: an earlier attempt may have made it without a record.

        Raises:
            Drifted: something differs from the rehearsal.
        """
        if self.mark and (step.transactional or watermark(connection) == self.mark):
            return
        mark = watermark(connection)
        self._compare(connection, step, set() if step.transactional else self._own(step.key))
        self.mark = mark

    def before_commit(
        self, connection: Connection, seen: Callable[[], str], fresh: Callable[[], Connection], step: Step
    ) -> None:
        """Look at the catalogs inside the step's transaction, right before its COMMIT.

        Args:
            connection: the runner's session; its transaction is open.
            seen: returns the watermark as another session sees it, which does not see that transaction.
            fresh: opens a session of its own for a whole comparison.

        Raises:
            Drifted: somebody else changed the target since the last COMMIT of the run.
        """
        ours = watermark(connection)
        if (outside := seen()) != self.mark:
            with fresh() as session:
                self._compare(session, step, set())
            self.mark = outside
        self.next_mark = ours

    def committed_step(self, step: Step) -> None:
        """Start the next step from what this one left; after a concurrent index from a full comparison."""
        self.committed.add(step.key)
        self.mark = self.next_mark if step.transactional else ""

    def sentences(self, connection: Connection, allowed: Iterable[str] = ()) -> list[str]:
        """Return what differs from the rehearsal now, ``allowed`` aside; nothing where it cannot be told."""
        expected = self.expected()
        if expected is None:
            return []
        now = catalog.snapshot(connection)
        found, own = set(differences(self.before, now)), set(allowed)
        foreign, missing = found - expected - own, expected - found
        other = _other(added(self.before, now), self._added(), own) if self.same_major else []
        return [*sorted(foreign), *other, *(f"missing: {sentence}" for sentence in sorted(missing))]

    def _compare(self, connection: Connection, step: Step, own: set[str]) -> None:
        if sentences := self.sentences(connection, own):
            raise Drifted(step.key, sentences)


def _other(now: dict[str, str], rehearsed: dict[str, str], own: set[str]) -> list[str]:
    """Say how objects that the run added differ from the rehearsed ones, part by part.

    ``own``: what the step at work may have added already. Whole objects too many or too few are differences already.
    """
    if not rehearsed:
        return []
    found = []
    for name in sorted(now.keys() | rehearsed.keys()):
        thing, _, part = name.partition(": ")
        if not (thing in now and thing in rehearsed) or f"{name} added" in own or now.get(name) == rehearsed.get(name):
            continue
        if part and name not in now:
            found.append(f"missing: {name}")
        elif part and name not in rehearsed:
            found.append(f"{name} added")
        else:
            found.append(f"{name} is not as rehearsed")
    return found
