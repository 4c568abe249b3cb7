"""Sign: freeze the changeset and take the signatures (document 9)."""

from __future__ import annotations

import hashlib
import json
import secrets
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, OperationalError, transaction
from django.utils import timezone

from approvals import gates
from approvals import services as approvals_services
from approvals.gates import Subject
from approvals.models import Revocation, Signature
from approvals.seats import COMPLETE_SEAT
from tracking import home
from tracking.actors import Actor
from tracking.catalogue import DATABASE_PHASE
from tracking.services import phase_carry, phase_note_approval, phase_return
from v7migration.errors import Fenced, GateClosed, Refused
from v7migration.ledger.models import Changeset, Rehearsal, Run
from v7migration.ledger.services import append_event, store_script
from v7migration.pipeline import acceptance, coverage, findings, review_gates, sign_off
from v7migration.pipeline.gatekeeper import (
    facts,
    rendered_script,
    sha256_of,
    source_bytes,
    staleness,
)
from v7migration.pipeline.target import TargetState, describe, observe, observe_from_web, runner
from v7migration.postgres import script as scripts
from v7migration.postgres.fingerprint import FINGERPRINT_VERSION, differences


def freeze(*, person: User) -> Changeset:
    """Freeze script, planning rows, target, rehearsal, findings and coverage into a changeset.

    Raises:
        GateClosed: a change that is not assessed in a layer, no green rehearsal of exactly these bytes on this
            schema, or a finding that nobody accepted.
        Refused: findings that forbid it, the live home is current, or the target cannot be used.
    """
    if home.read() != home.PLANNING or not home.is_open():
        raise Refused(
            "The tracking rows are not in the planning home, so there is nothing to freeze.",
            "A run is finished or under way: see v7_status; v7_rollback brings the rows home.",
        )
    source = source_bytes()
    content = rendered_script(source)
    _refuse_unfit(content)
    assessed = _assessed()
    with runner(application_name="v7_freeze") as connection:
        target = observe(connection)
    rehearsal = _green_rehearsal(content, target)
    found = findings.collect(content, document=target.document, rehearsal=rehearsal)
    _refuse(found.findings)
    acceptance.require_accepted(hashlib.sha256(content).hexdigest(), found.findings)
    changeset = _store(person, source, content, found.findings, target, rehearsal, assessed)
    append_event(
        kind="changeset.frozen", actor=person.get_username(), subject=changeset.digest,
        payload={"number": changeset.number, "target": describe(target.identity)},
    )  # fmt: skip
    return changeset


def _refuse_unfit(content: bytes) -> None:
    """Refuse what no review of these bytes could allow, before the target is asked."""
    script = scripts.parse(content)
    _refuse([{"severity": p.severity, "line": p.line, "message": p.message, "hint": p.hint}
             for p in scripts.problems(script)])  # fmt: skip
    makes = {name for section in script.sections for name in section.creates}
    if "migration_gate.run_ledger" not in makes or script.rollback is None or script.population is None:
        raise Refused(
            "The script lacks Section 0 (migration_gate.run_ledger), the population block or Section 9.",
            "v7_rehearse and v7_review take any script; only one that keeps the run's account can be executed.",
        )


def _assessed() -> coverage.Coverage:
    """Return the coverage of the impacts; it is first: an assessment is a planning row, so it changes the bytes."""
    found = coverage.look()
    if not found.is_complete:
        raise GateClosed(coverage.reasons(found), f"See {coverage.PAGE} ; then run v7_rehearse and freeze.")
    return found


def _refuse(found: list[dict[str, Any]]) -> None:
    refused = [finding for finding in found if finding["severity"] == scripts.REFUSE]
    if refused:
        first = refused[0]
        raise Refused(
            f"The script may not be frozen: line {first['line']}: {first['message']} ({len(refused)} such findings).",
            first["hint"] or "Run v7_review and correct the script.",
        )


def _green_rehearsal(content: bytes, target: TargetState) -> Rehearsal:
    sha256 = hashlib.sha256(content).hexdigest()
    whole = Rehearsal.objects.filter(script_id=sha256, report__own_script=True).select_related("snapshot")
    rehearsal: Rehearsal | None = whole.filter(ok=True).first()
    if rehearsal is None:
        last = Rehearsal.objects.first()
        reason = "no rehearsal of exactly these bytes and planning rows is green"
        if last is not None and not last.ok and last.script_id == sha256:
            reason = f"the last rehearsal of these bytes failed: {last.report['failures'][0]['message']}"
        raise GateClosed([reason], "Run v7_rehearse, then freeze.")
    snapshot = rehearsal.snapshot
    if snapshot.fingerprint != target.fingerprint or snapshot.system_identifier != target.identity.system_identifier:
        changed = differences(snapshot.document, target.document)
        raise GateClosed(
            [f"the target is not as it was rehearsed: {'; '.join(changed[:5]) or 'another server'}"],
            "Find out who changed it, then run v7_rehearse and freeze again.",
        )
    return rehearsal


def _store(
    person: User,
    source: bytes,
    content: bytes,
    found: list[dict[str, Any]],
    target: TargetState,
    rehearsal: Rehearsal,
    assessed: coverage.Coverage,
) -> Changeset:
    script, original = store_script(content), store_script(source)
    identity = target.identity
    nonce = secrets.token_hex(16)
    expires_at = timezone.now() + timedelta(days=settings.V7_CHANGESET_DAYS)
    for _ in range(5):
        number = (Changeset.objects.values_list("number", flat=True).first() or 0) + 1
        manifest = json.dumps(
            {
                "format": 1, "number": number, "script": script.sha256, "source": original.sha256,
                "target": {
                    "name": describe(identity), "system_identifier": identity.system_identifier,
                    "database": identity.database, "server_version": identity.server_version_num,
                },
                "fingerprint": target.fingerprint, "fingerprint_version": FINGERPRINT_VERSION,
                "rehearsal": {"id": str(rehearsal.pk), "sha256": sha256_of(rehearsal.report)},
                "findings": found, **acceptance.of_script(script.sha256),
                "coverage": coverage.document(assessed), "author": person.get_username(),
                "expires_at": expires_at.isoformat(), "nonce": nonce,
            },
            sort_keys=True, indent=1,
        )  # fmt: skip
        digest = hashlib.sha256(manifest.encode()).hexdigest()
        try:
            with transaction.atomic():
                return Changeset.objects.create(
                    digest=digest, number=number, manifest=manifest, script=script, source=original,
                    snapshot=rehearsal.snapshot, rehearsal=rehearsal, author=person.get_username(),
                    expires_at=expires_at, nonce=nonce,
                )  # fmt: skip
        except IntegrityError:
            continue  # somebody froze at the same moment and took the number
    raise Refused("Other people keep freezing at the same moment.", "Try again.")


def sign_changeset(
    *, changeset: Changeset, seat: str, person: User, password: str, decision: str, reason: str, shown_digest: str,
    address: str = "", user_agent: str = "",
) -> Signature:  # fmt: skip
    """Approve or reject a seat of a changeset; :func:`approvals.services.sign` says what is refused."""
    target = observe_from_web()
    return approvals_services.sign(
        subject=Subject("changeset", changeset.digest), seat=seat, person=person, password=password,
        decision=cast(Any, decision), reason=reason, address=address, user_agent=user_agent, shown_digest=shown_digest,
        facts=lambda: facts(changeset, stale=staleness(changeset, target=target)),
    )  # fmt: skip


def sign_run(
    *, run: Run, seat: str, person: User, password: str, decision: str, reason: str, shown_digest: str,
    address: str = "", user_agent: str = "",
) -> Signature:  # fmt: skip
    """Approve or reject a seat after execution, or the rollback; the decision is noted on the phase's row.

    The signature of the last seat completes the Database Phase. Nothing is signed while its row cannot be written.
    """
    return approvals_services.sign(
        subject=Subject("run", str(run.pk)), seat=seat, person=person, password=password,
        decision=cast(Any, decision), reason=reason, address=address, user_agent=user_agent, shown_digest=shown_digest,
        facts=lambda: sign_off.run_facts(run), then=_decide_database_phase,
    )  # fmt: skip


def _decide_database_phase(signature: Signature) -> None:
    if signature.seat not in {seat.key for seat in gates.AFTER}:
        return
    said = f"{gates.SEATS[signature.seat].meaning}: {signature.decision}"[:50]
    if signature.seat == COMPLETE_SEAT and signature.decision == gates.APPROVED:
        _carry(DATABASE_PHASE, signature, said, is_complete=True)
        return
    phase_note_approval(
        phase_number=DATABASE_PHASE, actor=signature.person.get_username(), approval_status=said,
        approved_by=signature.person_name, note=_line(signature),
    )  # fmt: skip


def sign_phase(
    *, number: int, seat: str, person: User, password: str, decision: str, reason: str, shown_digest: str,
    address: str = "", user_agent: str = "",
) -> Signature:  # fmt: skip
    """Approve or reject the results of a phase: its row becomes approved, or goes back to work.

    Raises:
        Refused: the Database Phase, which has the seats of its run.
        TransitionRefused, Fenced: the row cannot be moved now; nothing is signed then.
    """
    if number == DATABASE_PHASE:
        raise Refused(
            "The Database Phase is not approved here but on its run.",
            "The Architect signs “Phase 4 complete” there: see /phases/4/ .",
        )

    def move(signature: Signature) -> None:
        if signature.decision == gates.APPROVED:
            _carry(number, signature, gates.APPROVED, is_complete=False)
            return
        phase_return(
            phase_number=number, actor=Actor(person.get_username()), reason=f"Rejected: {signature.reason}",
            approval_status=gates.REJECTED, note=f"{_line(signature)} {signature.reason}",
        )  # fmt: skip

    return approvals_services.sign(
        subject=review_gates.subject(number), seat=seat, person=person, password=password,
        decision=cast(Any, decision), reason=reason, address=address, user_agent=user_agent, shown_digest=shown_digest,
        facts=lambda: review_gates.facts(number), then=move,
    )  # fmt: skip


def _carry(number: int, signature: Signature, said: str, *, is_complete: bool) -> None:
    phase_carry(
        phase_number=number, actor=Actor(signature.person.get_username()), approval_status=said,
        reason=f"Signed: {gates.SEATS[signature.seat].meaning}", approved_by=signature.person_name,
        note=_line(signature), is_complete=is_complete,
    )  # fmt: skip


def _line(signature: Signature) -> str:
    return f"{signature.signed_at:%Y-%m-%d %H:%M:%S} UTC {signature.persona}: {signature.statement}"


def revoke(*, signature: Signature, person: User, password: str, reason: str, address: str = "") -> Revocation:
    """Take a signature back; see :func:`approvals.services.revoke`. An approved phase goes back to review with it.

    A completed phase stays completed, but nothing starts on it until its gate is signed again.

    Raises:
        Fenced: the row of the phase cannot be moved now; the signature of its own gate stands then.
    """
    return approvals_services.revoke(
        signature=signature, person=person, password=password, reason=reason, address=address, then=_undo
    )


def _undo(revocation: Revocation) -> None:
    signature = revocation.signature
    meaning, actor = gates.SEATS[signature.seat].meaning, revocation.by.get_username()
    note = f"{revocation.at:%Y-%m-%d %H:%M:%S} UTC {revocation.by_name} revoked “{meaning}”: {revocation.reason}"
    if signature.subject_kind == "phase":
        number = review_gates.number_of(signature.subject_id)
        if review_gates.subject(number).id == signature.subject_id:  # of this round
            phase_return(
                phase_number=number, actor=Actor(actor), approval_status="revoked",
                reason=f"“{meaning}” was revoked: {revocation.reason}", note=note,
            )  # fmt: skip
    elif signature.seat in {seat.key for seat in gates.AFTER}:
        with suppress(Fenced, OperationalError):  # no row of a phase keeps anybody from revoking
            phase_note_approval(
                phase_number=DATABASE_PHASE, actor=actor, approval_status=f"{meaning}: revoked"[:50],
                approved_by=None, note=note,
            )  # fmt: skip
