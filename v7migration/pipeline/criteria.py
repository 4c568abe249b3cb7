"""The ten success criteria of the Database Phase (document 7), each computed from evidence, never ticked by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals import gates, selectors
from approvals.gates import AFTER, APPROVED, ARCHITECT, BEFORE, SeatState
from approvals.seats import COUNTERSIGN_SEAT, INTEGRATION_SEAT
from tracking.models import EnumMigration, GlobalImpact, Phase, SubworkflowTask, TestResult
from v7migration.ledger.models import Rehearsal, Run
from v7migration.pipeline import gatekeeper, performance, validation
from v7migration.pipeline.kickoff import kickoff
from v7migration.pipeline.runs import DONE, last_attempts, page_of, standing_run
from v7migration.postgres import shape

TABLE_SECTIONS = (1, 3, 4, 5, 6)
FILE_SECTION = 2
VIEW_SECTION = 8
SHAPE, PROOF = "shape", "rollback proof"
_TABLES = tuple(str(m._meta.db_table) for m in (Phase, EnumMigration, GlobalImpact, SubworkflowTask, TestResult))
TABLES = (
    "2.2.1", "tables", *(f"{SHAPE} of public.{name}" for name in _TABLES), *(f"rows of {name}" for name in _TABLES),
)  # fmt: skip
FILES = ("2.2.2", "integrity", f"{SHAPE} of public.file_audit", "rows of file_audit")
POPULATION = ("4.3 phases", "4.3 enums", "home")
VIEWS = (
    "4.2", "views", *(f"{SHAPE} of v7_monitoring.{name}" for name in performance.VIEWS),
    *(f"view {name}" for name in performance.VIEWS),
)  # fmt: skip
"""The checks of a validation that each of the first four criteria needs."""
SHOWN = 5


@dataclass(frozen=True)
class Criterion:
    """One criterion: the document's words, whether it is met, what stands behind it or is missing, by whom and when."""

    number: int
    title: str
    met: bool
    said: str
    page: str = ""
    by: str = ""
    at: datetime | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the criterion as ``v7_status --json`` prints it."""
        return {**vars(self), "at": self.at.isoformat() if self.at else None}


TITLES = (
    "All V7 tracking tables created successfully",
    "File audit table enhanced with V7 columns",
    "Initial migration data populated",
    "Monitoring views functional",
    "Rollback capability verified",
    "Integration with application confirmed",
    "Performance baselines established",
    "All validation tests passing",
    "DART task created for Phase 5 kickoff",
    "Architect approval documented",
)


def criteria() -> tuple[Criterion, ...]:
    """Return the ten criteria as they stand now, about the newest execution that was not taken back."""
    run = standing_run()
    return criteria_of(run) if run is not None else _numbered(_without_run())


def criteria_of(run: Run) -> tuple[Criterion, ...]:
    """Return the ten criteria as they stand now, about one execution."""
    return _numbered(_of(run))


def _numbered(found: Iterable[dict[str, Any]]) -> tuple[Criterion, ...]:
    titled = zip(TITLES, found, strict=True)
    return tuple(Criterion(number, title, **facts) for number, (title, facts) in enumerate(titled, 1))


def _without_run() -> list[dict[str, Any]]:
    nothing = _open("Nothing was executed, or it was taken back: v7_execute.", "/runs/")
    newest = gatekeeper.latest()
    found = [dict(nothing) for _ in TITLES]
    if newest is not None:
        found[4] = _rehearsed(newest.rehearsal, f"/changesets/{newest.digest}/")
    return found


def _of(run: Run) -> Iterator[dict[str, Any]]:
    page = page_of(run)
    found = _Validated(run)
    yield found.sections_hold(TABLE_SECTIONS, "Sections 1 and 3 to 6 are committed", TABLES)
    yield found.sections_hold((FILE_SECTION,), "Section 2 is committed", FILES)
    yield found.populated()
    yield found.sections_hold((VIEW_SECTION,), "Section 8 is committed", VIEWS)
    yield found.proven(_rehearsed(run.changeset.rehearsal, f"/changesets/{run.changeset_id}/"))
    before, after = _seats(run)
    yield _signed(after.get(INTEGRATION_SEAT), "Integration Verified is not signed (Dev Team).", page)
    yield _measured(run, page)
    yield found.whole()
    yield _kickoff(run)
    yield _approved([before["execution"], after[COUNTERSIGN_SEAT]], page)


def _open(said: str, page: str = "") -> dict[str, Any]:
    return {"met": False, "said": said, "page": page}


class _Validated:
    """What the run committed, and what its newest validation, with whatever failed since, says of it."""

    def __init__(self, run: Run) -> None:
        self.run, self.page = run, validation.page_of(run)
        self.sections = last_attempts(run)
        self.newest = validation.newest(run)
        self.names = {check["name"] for check in self.newest.document["checks"]} if self.newest else set()
        self.failures = validation.failures(run, self.newest)

    def _committed(self, sections: Iterable[int]) -> bool:
        return all(self.sections.get(s) and all(step.state in DONE for step in self.sections[s]) for s in sections)

    def sections_hold(self, sections: Iterable[int], said: str, names: Iterable[str]) -> dict[str, Any]:
        """Say whether sections are committed and the checks of what they made hold."""
        if not self._committed(sections):
            return _open(f"Not all of it is committed: the run is {self.run.state}.", page_of(self.run))
        return self._hold(said, names)

    def populated(self) -> dict[str, Any]:
        """Say whether the population committed and the document's counts hold."""
        if not self.run.populated:
            return _open("The population is not committed.", page_of(self.run))
        return self._hold("The rows are in the target", POPULATION)

    def whole(self) -> dict[str, Any]:
        """Say whether every check of the validation holds, or is accepted by name."""
        if self.newest is None:
            return _open("No Test Sentinel has validated the run: v7_verify --as USERNAME.", self.page)
        waiting = [failure["name"] for failure in validation.unaccepted(self.failures)]
        if waiting:
            more = f" and {len(waiting) - SHOWN} more" if len(waiting) > SHOWN else ""
            return _open(f"Checks that fail and are not accepted: {', '.join(waiting[:SHOWN])}{more}.", self.page)
        return self._met(f"{len(self.names) - len(self.failures)} checks hold.", self.failures)

    def proven(self, rehearsed: dict[str, Any]) -> dict[str, Any]:
        """Say whether the way back that was rehearsed is proven on the target as it is, once it was tried there."""
        if not rehearsed["met"] or PROOF not in self.names:
            return rehearsed
        found = self._hold("Section 9 was tried on a copy of the target after the run", (PROOF,))
        return {**found, "said": f"{rehearsed['said']} {found['said']}"}

    def _hold(self, said: str, names: Iterable[str]) -> dict[str, Any]:
        """Say whether each named check was made, and holds or is accepted by name."""
        if self.newest is None:
            return _open(f"{said}, but not validated by a Test Sentinel: v7_verify --as USERNAME.", self.page)
        made = {name: self._made(name) for name in names}
        if missing := [name for name, check in made.items() if not check]:
            return _open(f"{said}, but the validation did not check: {', '.join(missing)}.", self.page)
        failed = [failure for failure in self.failures if failure["name"] in made.values()]
        waiting = dict.fromkeys(failure["name"] for failure in validation.unaccepted(failed))
        if waiting:
            return _open(f"{said}, but a check failed: {', '.join(waiting)}.", self.page)
        count = len(set(made.values())) - len(failed)
        return self._met(f"{said}; {count} check{'s of it hold' if count != 1 else ' of it holds'}.", failed)

    def _made(self, name: str) -> str:
        """Return the check that stands for a name: the one of all shapes where each could not be compared alone."""
        found = (name, *((SHAPE, f"{SHAPE} of {shape.REST}") if name.startswith(f"{SHAPE} of ") else ()))
        return next((check for check in found if check in self.names), "")

    def _met(self, said: str, accepted: Iterable[dict[str, Any]]) -> dict[str, Any]:
        assert self.newest is not None  # noqa: S101
        names = ", ".join(f"{failure['name']} ({failure['accepted'].by})" for failure in accepted)
        words = f"{said} Accepted by name: {names}." if names else said
        return {"met": True, "said": words, "page": self.page, "by": self.newest.by, "at": self.newest.at}


def _rehearsed(rehearsal: Rehearsal, page: str) -> dict[str, Any]:
    if not rehearsal.led_back:
        return _open("No rehearsal led back to equal catalogs: v7_rehearse.", page)
    said = f"Section 9 led back to fingerprint {rehearsal.fingerprints['back'][:12]}, equal to the start."
    return {"met": True, "said": said, "page": page, "by": rehearsal.by, "at": rehearsal.finished_at}


def _seats(run: Run) -> tuple[dict[str, SeatState], dict[str, SeatState]]:
    of_changeset = selectors.signature_facts(gates.Subject("changeset", run.changeset_id))
    of_run = selectors.signature_facts(gates.Subject("run", str(run.pk)))
    before = {state.seat.key: state for state in gates.seat_states(BEFORE, of_changeset)}
    return before, {state.seat.key: state for state in gates.seat_states(AFTER, of_run)}


def _signed(seat: SeatState | None, missing: str, page: str) -> dict[str, Any]:
    if seat is None or seat.state != APPROVED:
        return _open(missing, page)
    said = f"“{seat.seat.meaning}” is signed."
    return {"met": True, "said": said, "page": page, "by": seat.signed_by, "at": seat.signed_at}


def _measured(run: Run, page: str) -> dict[str, Any]:
    known = performance.before(run)
    if known is None:
        return _open(performance.NO_BASELINE, page)
    if not run.report.get("performance"):
        return _open("A baseline was taken, but not compared: v7_verify.", page)
    said = f"{len(known.document['queries'])} queries were timed before the run and again after it."
    return {"met": True, "said": said, "page": page, "by": known.taken_by, "at": known.taken_at}


def _kickoff(run: Run) -> dict[str, Any]:
    found = kickoff(run)
    if found is None:
        return _open(
            "The kickoff of Phase 5 is not in DART: deliver it (v7_integrate dart), or record its id.", "/dart/"
        )
    return {"met": True, "said": found.said, "page": "/dart/", "by": found.by, "at": found.at}


def _approved(seats: list[SeatState], page: str) -> dict[str, Any]:
    """Every earlier seat of The Architect must be signed; the last one is the end of the phase itself."""
    missing = [seat.seat.meaning for seat in seats if seat.state != APPROVED]
    if missing:
        return _open(f"{ARCHITECT} has not signed: {', '.join(missing)}.", page)
    last = max(seats, key=lambda seat: seat.signed_at or datetime.min)  # noqa: DTZ901 (signed seats have a time)
    said = "Signed: " + ", ".join(seat.seat.meaning for seat in seats) + "."
    return {"met": True, "said": said, "page": page, "by": last.signed_by, "at": last.signed_at}
