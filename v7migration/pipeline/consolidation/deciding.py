"""A decision on a group: who was first, the ledger row, and the proposals in v7_enum_migrations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import IntegrityError, transaction

from tracking import home
from tracking.actors import DB_TEAM_LEAD, Actor, assessors, require
from tracking.choices import EnumMigrationStatus
from tracking.models import EnumMigration
from tracking.services import enum_migration_propose, enum_migration_withdraw
from v7migration.errors import Fenced, Refused, StaleForm, UsageError
from v7migration.ledger.models import EnumDecision
from v7migration.ledger.services import append_event
from v7migration.pipeline.consolidation.groups import Group, Member
from v7migration.pipeline.consolidation.plans import Choice, Plan, conversion, plan, proposed, risk
from v7migration.postgres.enum_conversion import by_hand, scripts

ONCE = "ledger_enumdecision_once"
Verdict = EnumDecision.Verdict


def deciders() -> frozenset[str]:
    """Return the personas that may decide on a group."""
    return assessors() | {DB_TEAM_LEAD}


def decide(
    *, actor: Actor, group: Group, verdict: str, reason: str, choice: Choice | None = None, seen: int | None = None
) -> EnumDecision:
    """Record a decision on a group; accepting or splitting writes the rows of v7_enum_migrations.

    A group is decided again only while every row of its last decision is still an open proposal.

    Args:
        group: as :func:`find` returned it.
        verdict: one of ``EnumDecision.Verdict``; a choice that takes a member out is a split.
        choice: needed unless the group is rejected.
        seen: how many decisions the person saw; None takes those of ``group``.

    Raises:
        TransitionRefused: the person may not decide, or rows of an earlier decision have moved on.
        UsageError: no reason for a rejection or a split, a label that ends nowhere, or a choice that cannot be.
        StaleForm: somebody else decided first, or the group is not there any more.
        Fenced: the tracking rows are being moved.
    """
    require(actor, deciders(), "decide on a group of ENUM types")
    if not home.is_open():
        raise Fenced(*home.MOVING)
    if seen is not None and seen != len(group.decisions):
        raise _taken(group)
    if verdict not in Verdict.values:
        raise UsageError("A group is accepted, split or rejected.", "Choose one of the three.")
    if verdict != Verdict.ACCEPTED and not reason.strip():
        raise UsageError(f"To say {verdict} needs a reason.", "Enter why; the ledger keeps it.")
    work = _work(group, verdict, choice)
    try:
        with transaction.atomic(using="default"):
            return _record(actor, group, verdict, reason.strip(), work)
    except IntegrityError as error:
        if ONCE not in str(error):
            raise
        raise _taken(group) from error


def accept(*, actor: Actor, group: Group, reason: str = "") -> EnumDecision:
    """Accept a group as it is proposed: the most used type stays and every label has its suggestion."""
    return decide(actor=actor, group=group, verdict=Verdict.ACCEPTED, reason=reason, choice=proposed(group))


def _taken(group: Group) -> StaleForm:
    last = EnumDecision.objects.filter(group=group.key).order_by("number").last()
    said = f": {last.verdict} by {last.by}" if last else ""
    return StaleForm(
        f"Somebody else decided on this group first{said}.", "Load the page again to see what was decided."
    )


@dataclass(frozen=True)
class Work:
    """What a decision writes: the document of the ledger row and the proposals."""

    document: dict[str, Any]
    proposals: list[dict[str, Any]]


def _work(group: Group, verdict: str, choice: Choice | None) -> Work:
    document: dict[str, Any] = {"members": {m.name: list(m.labels) for m in group.members}, "why": group.reason}
    if verdict == Verdict.REJECTED:
        return Work(document, [])
    choice = choice or proposed(group)
    if (verdict == Verdict.SPLIT) != bool(choice.taken_out):
        raise UsageError(
            "A split takes members out; an accepted group keeps all of them.",
            "Tick the members to take out and choose split, or untick them and accept.",
        )
    found = plan(group, choice)
    if missing := found.unmapped:
        name, label = missing[0]
        raise UsageError(
            f"{len(missing)} values end nowhere yet, such as {label!r} of {name}.",
            "Map each to a value of the V7 type, or add it.",
        )
    rows = [_proposal(group, found, member) for member in found.going]
    document |= {
        "canonical": {
            "schema": found.target.schema, "name": found.target.name, "base": choice.base, "is_new": found.is_new,
            "labels": list(found.labels), "added": list(found.added),
        },
        "mapping": {name: dict(mapping) for name, mapping in found.mappings.items()},
        "taken_out": sorted(choice.taken_out),
        "rows": [facts for _, facts in rows],
    }  # fmt: skip
    return Work(document, [row for row, _ in rows])


def _proposal(group: Group, found: Plan, member: Member) -> tuple[dict[str, Any], dict[str, Any]]:
    level, reasons = risk(found, member)
    head = [f"Risk {level}.", *(f"{reason.level.capitalize()}: {reason.sentence}" for reason in reasons)]
    work = conversion(found, member)
    migration, rollback = scripts(replace(work, head=head))
    stay = {m.name: m.type.short for m in group.members if m.name in found.mappings or m.type == found.target}
    row = {
        "current_enum_name": member.type.short,
        "current_enum_values": list(member.labels),
        "v7_enum_name": found.target.short,
        "v7_enum_values": list(found.labels),
        "consolidates_with": [short for name, short in stay.items() if name != member.name],
        "affected_tables": list(member.tables),
        "affected_columns": member.tables,
        "risk_level": level,
        "migration_script": migration,
        "rollback_script": rollback,
    }
    facts = {
        "type": member.name, "risk": level, "by_hand": by_hand(work),
        "reasons": [{"level": reason.level, "sentence": reason.sentence} for reason in reasons],
    }  # fmt: skip
    return row, facts


def _record(actor: Actor, group: Group, verdict: str, reason: str, work: Work) -> EnumDecision:
    """Write the ledger row, which decides who was first, then the tracked rows, in one transaction."""
    decision = EnumDecision.objects.create(
        group=group.key, number=len(group.decisions) + 1, by=actor.username, verdict=verdict, reason=reason,
        inventory=group.inventory, document=work.document,
    )  # fmt: skip
    why = f"ENUM group {group.key} {verdict}" + (f": {reason}" if reason else "")
    with home.writing(person=actor.username, reason=why):
        _write(actor, group, why, work.proposals)
    append_event(
        kind=f"enum_group.{verdict}", actor=actor.username, subject=group.key,
        payload={"reason": reason, "types": sorted(group.by_name), "number": decision.number},
    )  # fmt: skip
    return decision


def _write(actor: Actor, group: Group, why: str, proposals: Sequence[Mapping[str, Any]]) -> None:
    kept = {proposal["current_enum_name"] for proposal in proposals}
    for row in group.decision.document.get("rows", ()) if group.decision else ():
        member = group.by_name[row["type"]].type.short
        if member not in kept:
            enum_migration_withdraw(current_enum_name=member, actor=actor, reason=why)
    rows = []
    for proposal in proposals:
        row = enum_migration_propose(actor=actor, reason=why, **proposal)
        if row.migration_script != proposal["migration_script"] or row.v7_enum_name != proposal["v7_enum_name"]:
            raise Refused(
                f"“{row}” is {row.get_status_display().lower()} already and stays as it is.",
                "Take that type out of the group, or let the row be rolled back and proposed again.",
            )
        rows.append(row)
    for row in rows:
        _refuse_chain(row)


def _refuse_chain(row: EnumMigration) -> None:
    """Refuse a type that goes away and takes another's place at the same time."""
    standing = EnumMigration.objects.exclude(status=EnumMigrationStatus.ROLLED_BACK)
    chained = row if standing.filter(current_enum_name=row.v7_enum_name).exists() else None
    chained = chained or standing.filter(v7_enum_name=row.current_enum_name).first()
    if chained is not None:
        raise Refused(
            f"{chained.v7_enum_name} is to go itself, so {chained.current_enum_name} cannot become it.",
            "Choose as the V7 type one that stays, or decide on the other group again.",
        )
