"""What people do about cells (documents 2.1.3 and 3).

A Guardian files or signs "no impact", a Workflow Persona says what it means, The Architect approves: Guardians advise,
they do not decide.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from approvals.gates import Reason, Subject
from approvals.refusals import SigningRefused
from approvals.selectors import signing_personas_of
from approvals.services import attested
from tracking.actors import Actor, require
from tracking.choices import ImpactStatus
from tracking.models import GlobalImpact
from tracking.services import impact_approve, impact_create, impact_update
from v7migration.errors import InvalidValue, Refused, StaleForm, TransitionRefused, UsageError
from v7migration.ledger.models import BusinessImpact, NoImpact
from v7migration.ledger.services import append_event
from v7migration.pipeline.coverage import evidence
from v7migration.pipeline.coverage.cells import BREAKING, CHANGES, CODE_MAP, Cell, Places, layer_word, look
from v7migration.pipeline.coverage.speaking import voices

LONGEST = 20_000
SEAT = "no-impact"
RESERVED = (CHANGES, CODE_MAP, BREAKING)


@dataclass(frozen=True)
class Assessed:
    """What an assessment covers: changes by the names of their V7 types, whether they break, and the map it is for."""

    changes: tuple[str, ...] = ()
    breaking: bool = False
    code_map: str = ""


def assessed_in(detail: Mapping[str, Any]) -> Assessed:
    """Return what a ``change_detail`` says that its impact covers.

    Raises:
        InvalidValue: it does not say so in the form in which an impact keeps it.
    """
    changes, breaking, code_map = detail.get(CHANGES, []), detail.get(BREAKING, False), detail.get(CODE_MAP, "")
    is_list = isinstance(changes, list) and all(isinstance(name, str) for name in changes)
    if not is_list or not isinstance(breaking, bool) or not isinstance(code_map, str):
        raise InvalidValue(
            f"In change_detail {CHANGES} is a list of names, {BREAKING} true or false, {CODE_MAP} a map's id.",
            "Leave them out, or file the assessment from /coverage/.",
        )
    return Assessed(tuple(changes), breaking, code_map)


# -- filing --------------------------------------------------------------------------------------------------------


def file_impact(*, actor: Actor, assessed: Assessed, content: Mapping[str, Any], reason: str = "") -> GlobalImpact:
    """File an impact; one that covers changes is filed by the guardians of its layers.

    Args:
        content: the fields of the row; what ``assessed`` says takes its place in ``change_detail``.

    Raises:
        TransitionRefused: another guardian answers for one of the layers, or the actor may not file at all.
        Refused: a change is not accepted, something breaks without a mitigation, or a value is not valid.
        StaleForm: the code map that the form showed is not known.
    """
    _refuse_unfit(actor, assessed, content)
    return impact_create(actor=actor, reason=reason, **{**content, "change_detail": _detail(content, assessed)})


def change_impact(
    *,
    impact: GlobalImpact,
    actor: Actor,
    assessed: Assessed,
    content: Mapping[str, Any],
    reason: str = "",
    seen_at: datetime | None = None,
) -> GlobalImpact:
    """Change what an impact says, as :func:`file_impact` files it.

    Raises:
        TransitionRefused, Refused, StaleForm: as there; also when somebody saved it after ``seen_at``.
    """
    changes = {**content, "change_detail": _detail(content, assessed)}
    return amend_impact(impact=impact, actor=actor, changes=changes, reason=reason, seen_at=seen_at)


def amend_impact(
    *,
    impact: GlobalImpact,
    actor: Actor,
    changes: Mapping[str, Any],
    reason: str = "",
    seen_at: datetime | None = None,
) -> GlobalImpact:
    """Change some fields of an impact; one that covers changes stays with the guardians of its layers.

    Raises:
        TransitionRefused, Refused, StaleForm: as :func:`file_impact`; also when somebody saved it after ``seen_at``.
    """
    whole = {
        "affected_layers": impact.affected_layers, "mitigation_strategy": impact.mitigation_strategy,
        "change_detail": impact.change_detail, **changes,
    }  # fmt: skip
    _refuse_unfit(actor, assessed_in(whole["change_detail"]), whole)
    return impact_update(impact=impact, actor=actor, changes=changes, reason=reason, seen_at=seen_at)


def _detail(content: Mapping[str, Any], assessed: Assessed) -> dict[str, Any]:
    rest = {key: value for key, value in content.get("change_detail", {}).items() if key not in RESERVED}
    if not assessed.changes:
        return rest
    said = {CHANGES: list(assessed.changes), CODE_MAP: assessed.code_map, BREAKING: assessed.breaking}
    return {**rest, **said}


def _refuse_unfit(actor: Actor, assessed: Assessed, content: Mapping[str, Any]) -> None:
    if not assessed.changes:
        return
    known = {row.v7_enum_name for row in evidence.accepted()}
    if strange := [name for name in assessed.changes if name not in known]:
        raise Refused(f"No accepted change is called {', '.join(strange[:3])}.", "Choose among the accepted changes.")
    if evidence.find(assessed.code_map) is None:
        raise StaleForm("The form does not say which code map it shows.", "Open it again from /coverage/.")
    places = Places()
    wanted: list[int | None] = [*content["affected_layers"]] or [None]
    for layer in wanted:
        place = places.of(layer)
        require(actor, frozenset({place.persona}), f"assess changes for {place.title}")
    if assessed.breaking and not content.get("mitigation_strategy", "").strip():
        raise Refused("Something breaks, and the assessment does not say what is done about it.", "Enter a mitigation.")


# -- "no impact" ---------------------------------------------------------------------------------------------------


def statement_for(cell: Cell) -> str:
    """Return the sentence that a guardian signs."""
    return (
        f"I read the {cell.evidence.size} that the code map shows of {cell.change} in {cell.place.title}, and find "
        f"that this change has no impact there. Evidence {cell.evidence.digest}."
    )


def refusal_of(cell: Cell, personas: Iterable[str]) -> Reason | None:
    """Return why a person who holds ``personas`` may not sign "no impact" for a cell, or None."""
    if cell.place.persona not in set(personas):
        return Reason("wrong-persona", f"{cell.place.persona} answers for {cell.place.title}.", SEAT)
    if cell.is_covered:
        return Reason("already-signed", f"{cell.change} in {cell.place.title} is {cell.label.lower()} already.", SEAT)
    if count := cell.evidence.breaks_for_certain:
        lines = "1 line breaks" if count == 1 else f"{count} lines break"
        return Reason("breaking", f"{lines} for certain: that is an impact. File an assessment at {cell.form}.", SEAT)
    return None


def sign_no_impact(
    *,
    person: User,
    password: str,
    change: str,
    layer: int | None,
    reason: str,
    shown_digest: str,
    address: str = "",
) -> NoImpact:
    """Sign that a change has no impact in a layer, for the lines that the page showed; the password is asked again.

    ``shown_digest`` is the digest of the evidence on the page. Raises :class:`SigningRefused`, after which nothing
    stands but the attempt. Opens its own transaction.
    """
    about = Subject("coverage", f"{change}@{layer_word(layer)}")
    with attested(person=person, password=password, subject=about, seat=SEAT, address=address):
        cell = look().find(change, layer)
        if cell is None or cell.evidence.digest != shown_digest:
            raise SigningRefused(Reason("stale-page", "The page shows other lines than there are now.", SEAT))
        if refusal := refusal_of(cell, signing_personas_of(person)):
            raise SigningRefused(refusal)
        if not reason.strip():
            raise SigningRefused(Reason("reason-missing", "“No impact” says why.", SEAT))
        row: NoImpact = NoImpact.objects.create(
            change=change, layer=layer, by=person.get_username(), person_name=person.get_full_name() or str(person),
            persona=cell.place.persona, reason=reason.strip()[:LONGEST], statement=statement_for(cell),
            evidence=shown_digest, code_map_id=_map_of(cell), address=address,
        )  # fmt: skip
        told = {"change": change, "layer": layer, "reason": row.reason, "evidence": row.evidence}
        append_event(kind="coverage.no_impact", actor=row.by, subject=about.id[:120], payload=told)
    return row


def _map_of(cell: Cell) -> str:
    found = evidence.newest()
    if found is None:
        raise SigningRefused(Reason("stale-page", f"There is no code map that shows {cell.change}.", SEAT))
    return found.id


# -- what it means for the business ----------------------------------------------------------------------------------


def record_business_impact(*, impact: GlobalImpact, actor: Actor, said: Mapping[str, str]) -> list[BusinessImpact]:
    """Record what an impact means for the business of some workflows, each by its Workflow Persona.

    Args:
        said: the text by the code of the workflow; empty texts are left out.

    Raises:
        TransitionRefused: the actor does not speak for one of the workflows, or the impact is decided already.
        UsageError: nothing was said, or a workflow is not among those that the impact affects.
    """
    texts = {code: text.strip()[:LONGEST] for code, text in said.items() if text.strip()}
    affected = {voice.workflow: voice for voice in voices(impact)}
    if not texts or texts.keys() - affected.keys():
        raise UsageError(
            "The business impact needs a text for at least one workflow that this impact affects.",
            f"It affects {', '.join(affected) or 'none'}.",
        )
    for code in texts:
        require(actor, frozenset({affected[code].persona}), f"say what it means for {code}")
    if impact.approval_status in (ImpactStatus.APPROVED, ImpactStatus.IMPLEMENTED):
        raise TransitionRefused(f"“{impact}” is approved; what was said of it stands.", "File a new impact.")
    with transaction.atomic(using="default"):
        rows = [
            BusinessImpact.objects.create(
                impact=impact.pk, workflow=code, persona=affected[code].persona, by=actor.username, text=text
            )
            for code, text in texts.items()
        ]
        append_event(
            kind="impact.business", actor=actor.username, subject=str(impact.pk), payload={"said": texts}
        )  # fmt: skip
    return rows


def approve(*, impact: GlobalImpact, actor: Actor, reason: str = "", seen_at: datetime | None = None) -> GlobalImpact:
    """Approve a reviewed impact as The Architect, once the personas of the affected workflows have spoken.

    A persona that nobody holds is not waited for; the page names it.

    Raises:
        TransitionRefused: wrong persona or state, or somebody has not said what it means for a workflow.
        StaleForm: somebody saved it after ``seen_at``.
    """
    return impact_approve(impact=impact, actor=actor, reason=reason, seen_at=seen_at, unless=_unspoken)


def _unspoken(impact: GlobalImpact) -> str:
    missing = [voice for voice in voices(impact) if voice.is_missing]
    if not missing:
        return ""
    named = ", ".join(f"{voice.persona} ({', '.join(voice.people)})" for voice in missing)
    spoke = any(voice.said for voice in missing)
    return f"the business impact is not recorded {'of the assessment as it reads now ' if spoke else ''}by {named}"
