"""What the seats after an execution are about: the run, its evidence, and what each seat waits for (document 9)."""

from __future__ import annotations

from collections.abc import Iterator

from approvals import gates
from approvals.seats import COMPLETE_SEAT, INTEGRATION_SEAT
from v7migration.ledger.models import Run, RunState
from v7migration.pipeline import gatekeeper, review_gates, validation
from v7migration.pipeline.criteria import criteria_of
from v7migration.pipeline.tasks import integration_missing


def run_facts(run: Run) -> gates.SubjectFacts:
    """Return what the seats after execution, and the rollback seat, are about: a run."""
    changeset = run.changeset
    ledger = sorted(run.steps.filter(state="committed").values_list("key", "transaction_id", "digest"))
    evidence = {"run": str(run.pk), "changeset": changeset.digest, "steps": [list(row) for row in ledger]}
    accepted = validation.covered(run)
    digest = gatekeeper.sha256_of({**evidence, "accepted": accepted} if accepted else evidence)
    finished = run.state == RunState.FINISHED
    return gates.SubjectFacts(
        kind="run",
        id=str(run.pk),
        digest=digest,
        author=run.operator,
        frozen_at=run.started_at,
        target_name=changeset.snapshot.target_name,
        system_identifier=changeset.snapshot.system_identifier,
        fingerprint=changeset.snapshot.fingerprint,
        nonce=changeset.nonce,
        expires_at=None,
        prerequisites=tuple(_prerequisites(run)),
        stale_reasons=() if finished or run.state in ("stopped", "failed") else (f"The run is {run.state}.",),
    )


def _prerequisites(run: Run) -> Iterator[gates.Prerequisite]:
    """Yield what each seat waits for: the validation, the proofs of the integration, the ten criteria."""
    yield from validation.prerequisites(run)
    if run.state != RunState.FINISHED:
        return  # the seats are closed anyway, and the way back asks for none of it
    for said in integration_missing(run):
        yield gates.Prerequisite(f"Integration: {said}", met=False, seat=INTEGRATION_SEAT, reason=said)
    for criterion in criteria_of(run):
        if not criterion.met:
            name = f"Criterion {criterion.number}: {criterion.title}"
            yield gates.Prerequisite(name, met=False, seat=COMPLETE_SEAT, reason=f"{name}: {criterion.said}")
    yield from review_gates.database_phase()
