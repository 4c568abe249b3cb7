"""The ten success criteria of the Database Phase (document 7), each computed from evidence, never ticked by hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals import gates, selectors
from approvals.gates import AFTER, APPROVED, ARCHITECT, BEFORE, SeatState
from v7migration.ledger.models import Event, Rehearsal, Run, RunState, RunStep
from v7migration.pipeline import gatekeeper, performance

TABLE_SECTIONS = (1, 3, 4, 5, 6)
FILE_SECTION = 2
VIEW_SECTION = 8
POPULATION = "population"


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
    runs = Run.objects.filter(kind=Run.Kind.EXECUTE).exclude(state=RunState.ROLLED_BACK)
    run = runs.select_related("changeset__rehearsal").first()
    found = zip(TITLES, _of(run) if run is not None else _without_run(), strict=True)
    return tuple(Criterion(number, title, **facts) for number, (title, facts) in enumerate(found, 1))


def _without_run() -> list[dict[str, Any]]:
    nothing = _open("Nothing was executed, or it was taken back: v7_execute.", "/runs/")
    newest = gatekeeper.latest()
    found = [dict(nothing) for _ in TITLES]
    if newest is not None:
        found[4] = _rehearsed(newest.rehearsal, f"/changesets/{newest.digest}/")
    return found


def _of(run: Run) -> Iterator[dict[str, Any]]:
    page = f"/runs/{run.pk}/"
    verified = _Verified(run, page)
    yield verified.about(TABLE_SECTIONS, "Sections 1 and 3 to 6 are committed", ("2.2.1", "shape", "tables"))
    yield verified.about((FILE_SECTION,), "Section 2 is committed", ("2.2.2", "integrity"))
    yield verified.populated()
    yield verified.about((VIEW_SECTION,), "Section 8 is committed", ("4.2", "views"))
    yield _rehearsed(run.changeset.rehearsal, f"/changesets/{run.changeset_id}/")
    before, after = _seats(run)
    yield _signed(after.get("integration"), "Integration Verified is not signed (Dev Team).", page)
    yield _measured(run, page)
    yield verified.whole()
    yield _kickoff()
    yield _approved([before["execution"], after["validation-countersign"]], page)


def _open(said: str, page: str = "") -> dict[str, Any]:
    return {"met": False, "said": said, "page": page}


class _Verified:
    """What the run committed and the newest verification found of it."""

    def __init__(self, run: Run, page: str) -> None:
        self.run, self.page = run, page
        self.report: dict[str, Any] = run.report.get("verify", {})
        steps = RunStep.objects.filter(run=run).order_by("id").values_list("section", "key", "state", "finished_at")
        last = {key: (section, state, at) for section, key, state, at in steps}
        self.sections: dict[int, list[tuple[str, datetime | None]]] = {}
        for section, state, at in last.values():
            self.sections.setdefault(section, []).append((state, at))
        event = Event.objects.filter(kind="verify.finished", subject=str(run.pk)).first()
        self.at = event.at if event else None

    def _committed(self, sections: Iterable[int]) -> bool:
        done = (RunStep.State.COMMITTED, RunStep.State.SKIPPED)
        return all(self.sections.get(s) and all(state in done for state, _ in self.sections[s]) for s in sections)

    def _failed(self, names: Iterable[str]) -> list[str]:
        """Return the named checks that failed; those of a table or a view are named after it."""
        wanted = tuple(names)
        return [
            f"{check['name']} ({check['title']})"
            for check in self.report["checks"]
            if not check["ok"] and any(check["name"] == name or check["name"].startswith(f"{name} ") for name in wanted)
        ]

    def about(self, sections: Iterable[int], said: str, names: Iterable[str]) -> dict[str, Any]:
        """Say whether sections are committed and what the verification says of them holds."""
        if not self._committed(sections):
            return _open(f"Not all of it is committed: the run is {self.run.state}.", self.page)
        if not self.report:
            return _open(f"{said}, but not verified: v7_verify.", self.page)
        if failed := self._failed(names):
            return _open(f"{said}, but a check failed: {', '.join(failed)}.", self.page)
        return self._met(f"{said} and verified.")

    def populated(self) -> dict[str, Any]:
        """Say whether the population committed and the document's counts hold."""
        if not self.run.populated:
            return _open("The population is not committed.", self.page)
        if not self.report:
            return _open("The population is committed, but not verified: v7_verify.", self.page)
        if failed := self._failed(("4.3", "home")):
            return _open(f"A check failed: {', '.join(failed)}.", self.page)
        return self._met("The rows are in the target, counted and compared.")

    def whole(self) -> dict[str, Any]:
        """Say whether the whole verification holds."""
        if not self.report:
            return _open("v7_verify has not run since the execution.", self.page)
        if not self.report["ok"]:
            failed = [check["name"] for check in self.report["checks"] if not check["ok"]]
            return _open(f"{len(failed)} checks failed: {', '.join(failed[:5])}.", self.page)
        return self._met(f"{len(self.report['checks'])} checks hold.")

    def _met(self, said: str) -> dict[str, Any]:
        return {"met": True, "said": said, "page": self.page, "by": self.report.get("by") or "", "at": self.at}


def _rehearsed(rehearsal: Rehearsal, page: str) -> dict[str, Any]:
    if not rehearsal.led_back:
        return _open("No rehearsal led back to equal catalogs: v7_rehearse.", page)
    said = f"Section 9 led back to fingerprint {rehearsal.fingerprints['back'][:12]}, equal to the start."
    return {"met": True, "said": said, "page": page, "by": rehearsal.by, "at": rehearsal.finished_at}


def _seats(run: Run) -> tuple[dict[str, SeatState], dict[str, SeatState]]:
    of_changeset = selectors.signature_facts(gates.Subject("changeset", run.changeset_id))
    of_run = selectors.signature_facts(gatekeeper.run_facts(run).subject)
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


def _kickoff() -> dict[str, Any]:
    return _open("No DART task for the kickoff of Phase 5 is recorded.", "/phases/5/")


def _approved(seats: list[SeatState], page: str) -> dict[str, Any]:
    """Every earlier seat of The Architect must be signed; the last one is the end of the phase itself."""
    missing = [seat.seat.meaning for seat in seats if seat.state != APPROVED]
    if missing:
        return _open(f"{ARCHITECT} has not signed: {', '.join(missing)}.", page)
    last = max(seats, key=lambda seat: seat.signed_at or datetime.min)  # noqa: DTZ901 (signed seats have a time)
    said = "Signed: " + ", ".join(seat.seat.meaning for seat in seats) + "."
    return {"met": True, "said": said, "page": page, "by": last.signed_by, "at": last.signed_at}
