"""The phase document line by line, each with the evidence for it as it stands now (``v7_status --document``)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from approvals.gates import APPROVED, SeatState
from approvals.seats import COUNTERSIGN_SEAT, VALIDATION_SEAT
from tracking.catalogue import DATABASE_PHASE
from tracking.models import EnumMigration, GlobalImpact, TestResult
from tracking.selectors import dashboard, phase_tasks
from v7migration.ledger.models import Changeset, Incident, Inventory, Run
from v7migration.pipeline import consolidation, coverage, gatekeeper, tasks, validation
from v7migration.pipeline.criteria import criteria
from v7migration.pipeline.runs import DONE, last_attempts, last_checks, page_of
from v7migration.pipeline.standing import DOCUMENT_VERSION, Standing, nothing_frozen, standing
from v7migration.postgres.script import parse

SECTIONS = (
    (1, "Master workflow table"), (2, "File audit enhancements"), (3, "ENUM migration tracking"),
    (4, "Global impact assessment"), (5, "Sub-workflow tasks"), (6, "Test results tracking"),
    (7, "Performance indexes"), (8, "Monitoring views"),
)  # fmt: skip
"""The script's sections as the document lists them (section 6); Section 9 is the rollback."""


CHAPTERS = {
    "1": "Purpose", "2": "Tasks", "3": "Approval chain", "4": "Verification steps", "5": "Error handling",
    "6": "Script", "7": "Success criteria", "8": "Guardian's Paradox compliance", "9": "Approval signatures",
    "": "Status",
}  # fmt: skip
"""The document's chapters by their numbers."""


@dataclass(frozen=True)
class Line:
    """One line of the document: where it stands, its words, whether its evidence is there, and what that is.

    ``by`` and ``at`` name who left the evidence and when (UTC), ``page`` shows it; each may be empty.
    """

    place: str
    text: str
    met: bool
    said: str
    by: str = ""
    at: datetime | None = None
    page: str = ""

    @property
    def chapter(self) -> str:
        """Return the number of the chapter it stands in; the end of the document has none."""
        return self.place.partition(".")[0]

    def as_dict(self) -> dict[str, Any]:
        """Return the line as ``v7_status --document --json`` prints it."""
        return {**vars(self), "at": self.at.isoformat() if self.at else None}


def document() -> tuple[Line, ...]:
    """Return the lines of the phase document in its order, about the newest changeset and its run."""
    changeset = gatekeeper.latest()
    now = standing(changeset) if changeset is not None else None
    run = now.run if now is not None else None
    parts = (
        _purpose(changeset), _tasks(), _chain(now), _verification(changeset, run), _errors(),
        _sections(changeset, run), _criteria(), _principles(now), _signatures(now), _end(now),
    )  # fmt: skip
    return tuple(line for part in parts for line in part)


# -- 1 Purpose ---------------------------------------------------------------------------------------------------


def _purpose(changeset: Changeset | None) -> Iterator[Line]:
    rows = dashboard()
    yield Line("1", "Migration progress tracking across 7 phases", len(rows) == 7, f"{len(rows)} phases", page="/")
    yield _consolidated()
    files = Inventory.objects.filter(part=Inventory.Part.FILES).first()
    said = "The names were checked." if files else "No file was looked at: v7_inventory --only files."
    by, at = (files.taken_by, files.taken_at) if files else ("", None)
    yield Line("1", "File naming convention compliance", files is not None, said, by, at, "/files/")
    covered = coverage.look()
    count = GlobalImpact.objects.count()
    assessed = f"{covered.sentence} {count} impacts are on file."
    yield Line("1", "Global impact assessment across all layers", covered.is_complete, assessed, page=coverage.PAGE)
    results = TestResult.objects.count()
    yield Line("1", "Test results and validation metrics", results > 0, f"{results} test results", page="/results/")
    back = changeset is not None and changeset.rehearsal.led_back
    said = "Section 9 led back to the same catalogs." if back else "No changeset was rehearsed there and back."
    yield Line("1", "Rollback capabilities per Guardian's Paradox requirements", back, said, page=_changeset(changeset))


def _consolidated() -> Line:
    text, inventory = "ENUM consolidation to eliminate duplicates", consolidation.latest()
    if inventory is None:
        said = "There is no ENUM inventory: v7_inventory --as USERNAME."
        return Line("1", text, met=False, said=said, page=consolidation.PAGE)
    waiting = len(consolidation.waiting(inventory))
    said = f"{EnumMigration.objects.count()} consolidations, {waiting} groups wait for a decision"
    return Line("1", text, not waiting, said, inventory.taken_by, inventory.taken_at, consolidation.PAGE)


def _changeset(changeset: Changeset | None) -> str:
    return f"/changesets/{changeset.digest}/" if changeset is not None else "/changesets/"


# -- 2 Tasks, 3 Approval chain -----------------------------------------------------------------------------------


def _tasks() -> Iterator[Line]:
    for task in phase_tasks(DATABASE_PHASE):
        for proof in tasks.proofs(task):
            yield Line(task.document_number, proof.action, proof.met, proof.said, proof.by, proof.at, proof.page)
        done = task.status == "completed"
        said = f"{task.responsible_persona}: {task.get_status_display().lower()}"
        title = f"Task {task.document_number}: {task.task_name}"
        yield Line(task.document_number, title, done, said, "", task.completed_at, f"/tasks/{task.pk}/")


def _chain(now: Standing | None) -> Iterator[Line]:
    seats = {state.seat.key: state for state in ((*now.before, *now.after) if now is not None else ())}
    yield _chained("Script Review: DB Team Lead → The Architect", seats, ("script-review", "execution"))
    yield _chained("Execution Approval: The Architect (written approval required)", seats, ("execution",))
    validated = (VALIDATION_SEAT, COUNTERSIGN_SEAT)
    yield _chained("Validation Sign-off: Test Sentinel → The Architect", seats, validated)


def _chained(text: str, seats: dict[str, SeatState], keys: tuple[str, ...]) -> Line:
    signed = [seats[key] for key in keys if key in seats and seats[key].state == APPROVED]
    met = len(signed) == len(keys)
    said = ", then ".join(f"{state.signed_by} ({state.seat.persona})" for state in signed) or "Nobody has signed."
    last = signed[-1] if signed else None
    return Line("3", text, met, said, "", last.signed_at if last else None, "")


# -- 4 Verification, 5 Errors ------------------------------------------------------------------------------------


def _verification(changeset: Changeset | None, run: Run | None) -> Iterator[Line]:
    yield _none_before(changeset)
    checked = last_checks(run) if run is not None else None
    for place, name, text in (
        ("4.2", "4.2", "Verify all V7 infrastructure created"),
        ("4.3", "4.3 phases", "Verify migration phases loaded"),
        ("4.3", "4.3 enums", "Verify ENUM mappings documented"),
    ):
        check = checked.named(name) if checked is not None else None
        if check is None or checked is None:
            yield Line(place, text, met=False, said="The query was not run.", page=page_of(run))
        else:
            said = f"expected {check['expected']}, found {check['actual']}"
            yield Line(place, text, check["ok"], said, checked.by, checked.at, page_of(run))
    yield _way_back(changeset, run)


def _none_before(changeset: Changeset | None) -> Line:
    """Say whether the target that was signed had any v7 table or view."""
    text = "Verify no V7 tables exist"
    if changeset is None:
        return Line("4.1", text, met=False, said="No target was frozen.", page="/changesets/")
    relations = changeset.snapshot.document.get("relations", {})
    names = [name for name in relations if name.rpartition(".")[2].strip('"').startswith("v7_")]
    said = f"The signed target has {len(names)} of them: {', '.join(names[:3])}." if names else "expected 0, found 0"
    return Line("4.1", text, not names, said, changeset.author, changeset.frozen_at, _changeset(changeset))


def _way_back(changeset: Changeset | None, run: Run | None) -> Line:
    text = "Execute rollback script in test environment and verify clean removal"
    newest = validation.newest(run) if run is not None else None
    checks = newest.document["checks"] if newest is not None else ()
    proof = next((check for check in checks if check["name"] == "rollback proof"), None)
    if run is not None and newest is not None and proof is not None:
        said = f"On a copy of the target after the run: {proof['actual']}"
        return Line("4.4", text, proof["ok"], said, newest.by, newest.at, validation.page_of(run))
    if changeset is None or not changeset.rehearsal.led_back:
        return Line("4.4", text, met=False, said="No rehearsal led back to equal catalogs.", page=_changeset(changeset))
    rehearsal = changeset.rehearsal
    said = f"Rehearsed: back to fingerprint {rehearsal.fingerprints['back'][:12]}, equal to the start."
    return Line("4.4", text, True, said, rehearsal.by, rehearsal.finished_at, _changeset(changeset))


def _errors() -> Iterator[Line]:
    """Nothing of section 5 is open: what happened is documented, and reviewed where it blocks."""
    kind = Incident.Kind
    kinds = (
        ("5.1", "Pre-Execution Errors", (kind.CONFLICT, kind.ENVIRONMENT)),
        ("5.2", "Execution Errors", (kind.EXECUTION, kind.INDEX)),
        ("5.3", "Post-Execution Errors", (kind.VALIDATION, kind.PERFORMANCE, kind.INTEGRATION)),
        ("5.4", "Emergency Rollback Protocol", (kind.ROLLBACK, kind.EMERGENCY)),
    )
    for place, text, mine in kinds:
        states = list(Incident.objects.filter(kind__in=mine).values_list("state", flat=True))
        waiting = sum(state in Incident.UNREVIEWED for state in states)
        said = f"{len(states)} documented, {waiting} open" if states else "nothing happened"
        yield Line(place, text, not waiting, said, page="/incidents/")


# -- 6 Script ----------------------------------------------------------------------------------------------------


def _sections(changeset: Changeset | None, run: Run | None) -> Iterator[Line]:
    if changeset is None:
        yield Line("6", "Main Script", met=False, said="No changeset is frozen.", page="/changesets/")
        return
    script, attempts = parse(bytes(changeset.script.content)), last_attempts(run) if run is not None else {}
    known = {section.number for section in script.sections}
    for number, words in SECTIONS:
        steps = attempts.get(number, [])
        committed = sum(step.state in DONE for step in steps)
        said = f"{committed} of {len(steps)} steps committed" if steps else "not executed"
        met = number in known and bool(steps) and committed == len(steps)
        ended = max((step.finished_at for step in steps if step.finished_at), default=None)
        by = run.operator if run is not None and steps else ""
        yield Line("6", f"Section {number}: {words}", met, said, by, ended, page_of(run))
    said = "It stands in a comment block that only v7_rollback reads." if script.rollback else "The script has none."
    yield Line("6", "Section 9: Rollback scripts", script.rollback is not None, said, page=_changeset(changeset))


# -- 7 to 9 ------------------------------------------------------------------------------------------------------


def _criteria() -> Iterator[Line]:
    for item in criteria():
        yield Line(f"7.{item.number}", item.title, item.met, item.said, item.by, item.at, item.page)


def _principles(now: Standing | None) -> Iterator[Line]:
    if now is None:
        yield Line("8", "Guardian's Paradox compliance", met=False, said="No changeset is frozen.", page="/changesets/")
        return
    for number, principle in enumerate(now.principles, 1):
        met, page = principle.state == "ok", _changeset(now.changeset)
        yield Line(f"8.{number}", principle.name, met, principle.evidence, page=page)


def _signatures(now: Standing | None) -> Iterator[Line]:
    if now is None:
        yield Line("9", "Approval signatures", met=False, said="No changeset is frozen.", page="/changesets/")
        return
    for line in now.lines:
        said = " ".join(filter(None, [f"{line.group}: {line.state}", f"({line.note})" if line.note else ""]))
        page = page_of(now.run) if line.group.startswith("Post") and now.run else _changeset(now.changeset)
        yield Line("9", line.title, line.state == APPROVED, said, line.name, line.at, page)


def _end(now: Standing | None) -> Iterator[Line]:
    status = now.label if now is not None else "NOTHING FROZEN"
    turn = now.next_action if now is not None else nothing_frozen()
    complete = now is not None and bool(now.after) and all(state.state == APPROVED for state in now.after)
    yield Line("", f"Document Status (version {DOCUMENT_VERSION})", complete, status)
    yield Line("", "Next Action", complete, f"{turn.persona}: {turn.sentence}")
