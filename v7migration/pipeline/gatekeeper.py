"""The gate's keeper: what is known of a changeset and of a run, and the one check that everybody asks.

Pages, commands and the runner call :func:`check`. An :class:`Authorization` is made here and nowhere else.
"""

from __future__ import annotations

import difflib
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings

from approvals import gates
from approvals import selectors as approvals_selectors
from tracking import home, moving
from tracking import selectors as tracking_selectors
from tracking.catalogue import PRE_EXECUTION
from v7migration.errors import GateClosed, Refused
from v7migration.ledger.models import Changeset, Run
from v7migration.pipeline import acceptance, coverage, escalation
from v7migration.pipeline.target import TargetState, describe
from v7migration.postgres import script as scripts
from v7migration.postgres.fingerprint import differences, fingerprint

COVERAGE = "Impact coverage"
_HERE = object()


@dataclass(frozen=True)
class Authorization:
    """The proof that the gate was open for a changeset; only :func:`authorize` makes one."""

    changeset: Changeset
    decision: gates.Granted
    _made_by: object = field(repr=False)

    def __post_init__(self) -> None:
        if self._made_by is not _HERE:
            raise TypeError("an Authorization is granted by the gate, never made")


@dataclass(frozen=True)
class Staleness:
    """One thing that is no longer as it was signed, with the difference for people to read."""

    sentence: str
    difference: tuple[str, ...] = ()


def source_bytes() -> bytes:
    """Read the reviewed script once (``V7_SCRIPT``).

    Raises:
        Refused: the file cannot be read.
    """
    try:
        content: bytes = settings.V7_SCRIPT.read_bytes()
    except OSError as error:
        raise Refused(f"The script {settings.V7_SCRIPT} cannot be read: {error.strerror}.", "Set V7_SCRIPT.") from error
    return content


def rendered_script(source: bytes) -> bytes:
    """Return the script with the population block replaced by all planning rows, rendered by the server."""
    return scripts.with_population(source, moving.render_population())


def sha256_of(document: Any) -> str:
    """Return the SHA-256 (hex) of a document's canonical JSON."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, default=str).encode()).hexdigest()


def manifest(changeset: Changeset) -> dict[str, Any]:
    """Return the manifest: everything a signature covers."""
    found: dict[str, Any] = json.loads(changeset.manifest)
    return found


def intact(changeset: Changeset) -> bool:
    """Say whether manifest and scripts still give the digests under which they are stored, and the row says the same.

    The gate decides with the row's columns (author, expiry, nonce, fingerprint, rehearsal), people sign the
    manifest: what differs between the two was never signed.
    """
    if hashlib.sha256(changeset.manifest.encode()).hexdigest() != changeset.digest:
        return False
    signed, snapshot, rehearsal = manifest(changeset), changeset.snapshot, changeset.rehearsal
    stored = {
        "script": hashlib.sha256(bytes(changeset.script.content)).hexdigest(),
        "source": hashlib.sha256(bytes(changeset.source.content)).hexdigest(),
        "fingerprint": fingerprint(snapshot.document),
        "rehearsal": {"id": str(rehearsal.pk), "sha256": sha256_of(rehearsal.report)},
        "author": changeset.author,
        "expires_at": changeset.expires_at.isoformat(),
        "nonce": changeset.nonce,
        "number": changeset.number,
    }
    return (
        all(signed.get(key) == value for key, value in stored.items())
        and (stored["script"], stored["source"]) == (changeset.script_id, changeset.source_id)
        and stored["fingerprint"] == snapshot.fingerprint
        and signed["target"]["system_identifier"] == snapshot.system_identifier
        and rehearsal.snapshot_id == snapshot.pk
    )


def staleness(changeset: Changeset, *, target: TargetState | None = None) -> list[Staleness]:
    """Compare what was frozen with what is there now: script file, planning rows, target.

    ``target``: the target as just read; None leaves that comparison out.
    """
    found = []
    if taken_back := Run.objects.filter(changeset=changeset, kind=Run.Kind.EXECUTE, state="rolled_back").first():
        found.append(Staleness(f"It was executed by run {taken_back.pk} and taken back: freeze a new one."))
    if not intact(changeset):
        found.append(Staleness("The stored changeset does not match its digest."))
    frozen, source = bytes(changeset.script.content), bytes(changeset.source.content)
    try:
        now = source_bytes()
    except Refused as error:
        found.append(Staleness(error.message))
        now = source
    if now != source:
        found.append(Staleness("The script file changed since the freeze.", _diff(source, now)))
    elif home.current() == home.PLANNING and (rendered := rendered_script(source)) != frozen:
        found.append(Staleness("Planning rows changed since the freeze.", _diff(frozen, rendered)))
    if target is not None:
        found += _target_staleness(changeset, target)
    return found


def _target_staleness(changeset: Changeset, target: TargetState) -> list[Staleness]:
    snapshot = changeset.snapshot
    identity = (target.identity.system_identifier, target.identity.database)
    if identity != (snapshot.system_identifier, snapshot.database):
        return [Staleness(f"This is another target: {describe(target.identity)}, not {snapshot.target_name}.")]
    if target.fingerprint == snapshot.fingerprint:
        return []
    changed = differences(snapshot.document, target.document)
    return [Staleness("The target changed since the freeze.", tuple(changed))]


def _diff(before: bytes, after: bytes) -> tuple[str, ...]:
    left, right = (b.decode(errors="replace").splitlines() for b in (before, after))
    lines = difflib.unified_diff(left, right, "as frozen", "as it is now", lineterm="", n=1)
    return tuple(line if line.isprintable() else repr(line)[1:-1] for line in lines) or ("only line endings differ",)


def prerequisites(changeset: Changeset) -> tuple[gates.Prerequisite, ...]:
    """Return what must be done before execution: tasks 2.1.1 to 2.1.3, rehearsal, coverage, no critical risk open."""
    found = [
        gates.Prerequisite(
            name=f"Task {task.document_number} {task.task_name}",
            met=task.status == "completed",
            reason=f"Task {task.document_number} {task.task_name} is {task.get_status_display().lower()}, "
            f"not completed ({task.responsible_persona}).",
        )
        for task in tracking_selectors.pre_execution_tasks()
    ]
    if len(found) != len(PRE_EXECUTION):
        found.append(
            gates.Prerequisite("Tasks 2.1.1 to 2.1.3", met=False, reason="The pre-execution tasks are missing.")
        )
    rehearsal = changeset.rehearsal
    green = rehearsal.ok and rehearsal.script_id == changeset.script_id
    found.append(gates.Prerequisite("Rehearsal", met=green, reason="No green rehearsal of exactly these bytes."))
    found += _coverage(changeset)
    stops = escalation.what_stops_all_work()
    found.append(gates.Prerequisite("No critical risk is open", met=not stops, reason=" ".join(stops)))
    return tuple(found)


def _coverage(changeset: Changeset) -> list[gates.Prerequisite]:
    """Every accepted change is assessed in every layer; once a run has committed, what was signed stands."""
    if run_of(changeset) is not None:
        return [gates.Prerequisite(f"{COVERAGE}, as it was signed", met=True)]
    now = coverage.look()
    if now.is_complete:
        return [gates.Prerequisite(f"{COVERAGE}: {now.sentence}", met=True)]
    return [gates.Prerequisite(COVERAGE, met=False, reason=reason) for reason in coverage.reasons(now)]


def facts(changeset: Changeset, *, stale: list[Staleness] | None = None) -> gates.SubjectFacts:
    """Return what the gate needs to know of a changeset."""
    snapshot = changeset.snapshot
    return gates.SubjectFacts(
        kind="changeset",
        id=changeset.digest,
        digest=changeset.digest,
        author=changeset.author,
        frozen_at=changeset.frozen_at,
        target_name=snapshot.target_name,
        system_identifier=snapshot.system_identifier,
        fingerprint=snapshot.fingerprint,
        nonce=changeset.nonce,
        expires_at=changeset.expires_at,
        prerequisites=prerequisites(changeset),
        stale_reasons=tuple(s.sentence + _first(s) for s in stale or ()),
    )


def _first(stale: Staleness) -> str:
    return f" ({'; '.join(stale.difference[:3])})" if stale.difference and len(stale.difference) <= 3 else ""


def check(changeset: Changeset, *, target: TargetState | None = None) -> gates.Decision:
    """Say whether the changeset may be executed now: Granted, or Denied with every reason by name.

    ``target``: the target as just read; without it the target is not compared.
    """
    return approvals_selectors.decision_on(
        seats=gates.BEFORE, facts=facts(changeset, stale=staleness(changeset, target=target))
    )


def still_granted(known: gates.SubjectFacts) -> gates.Decision:
    """Ask the gate again in the middle of a run: people may have revoked since.

    ``known``: the changeset's facts, which cannot change any more: its rows are fenced, its bytes are fixed.
    """
    return approvals_selectors.decision_on(seats=gates.BEFORE, facts=known)


def authorize(changeset: Changeset, *, target: TargetState | None) -> Authorization:
    """Grant the Authorization to execute.

    ``target`` is compared when the run has not touched it yet; None when a run of this changeset goes on.

    Raises:
        GateClosed: with every missing seat and task by name.
    """
    decision = check(changeset, target=target) if target is not None else still_granted(facts(changeset))
    if not isinstance(decision, gates.Granted):
        raise GateClosed(
            [reason.sentence for reason in decision.reasons],
            f"The people named sign or revoke at /changesets/{changeset.digest}/ ; v7_gate lists them.",
        )
    return Authorization(changeset, decision, _HERE)


def latest() -> Changeset | None:
    """Return the newest changeset."""
    return Changeset.objects.select_related("snapshot", "rehearsal", "script", "source").first()


def find(digest: str | None) -> Changeset:
    """Return the changeset of a digest (or a unique beginning of it), or the newest.

    Raises:
        GateClosed: nothing has been frozen.
        Refused: no changeset has this digest.
    """
    if not digest:
        if (newest := latest()) is None:
            waiting = acceptance.newest_waiting()
            reasons = ["no changeset is frozen, so nobody can have signed", *(waiting.reasons if waiting else ())]
            raise GateClosed(reasons, "Run v7_rehearse, v7_review and v7_freeze.")
        return newest
    found: list[Changeset] = list(Changeset.objects.filter(digest__startswith=digest)[:2])
    if len(found) != 1:
        raise Refused(f"{len(found) or 'No'} changesets begin with {digest}.", "v7_status names the newest.")
    return found[0]


def run_of(changeset: Changeset) -> Run | None:
    """Return the execution of a changeset that has committed something, if any."""
    return Run.objects.filter(changeset=changeset, kind=Run.Kind.EXECUTE, steps__state="committed").first()
