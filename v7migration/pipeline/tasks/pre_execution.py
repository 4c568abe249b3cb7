"""Evidence of the pre-execution tasks: the inventory, the reviewed and rehearsed script, the assessed impacts (2.1)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from tracking.actors import ARCHITECT
from v7migration.errors import Refused
from v7migration.ledger.models import Baseline, EnumDecision, Inventory, Rehearsal, Review
from v7migration.pipeline import acceptance, consolidation, coverage, gatekeeper
from v7migration.pipeline.tasks.proof import Facts, actor_named, lacking, there

REVIEW = "A DB Team Lead reviews it: v7_review --as USERNAME."
CODE = "/code/"
Part = Inventory.Part


# -- 2.1.1 -----------------------------------------------------------------------------------------------------


def documented() -> Iterator[Facts]:
    """Evidence of 2.1.1: the parts of an inventory that The Architect took."""
    schema = _newest(Part.SNAPSHOT)
    facts: dict[str, Any] = schema.document if schema else {}
    yield _part(schema, "Exported.", bool(facts.get("exported")), facts.get("statement", ""))
    yield _part(_newest(Part.ENUMS), "ENUM types and their usage were read.", page=consolidation.PAGE)
    yield _part(_newest(Part.DEPENDENCIES), "Dependencies were read.", page="/dependencies/")
    yield _part(Baseline.objects.filter(run=None).first(), "Measured.")
    commit = str(facts.get("commit") or "")
    yield _part(schema, f"Archived in commit {commit[:12]}.", bool(facts.get("archived")), "The archive has no commit.")
    yield _part(schema, facts.get("statement", ""), bool(facts.get("verified")), facts.get("statement", ""))


def _newest(part: str) -> Inventory | None:
    """Return the newest inventory of a part; those of the database are read without what they found."""
    found = Inventory.objects.filter(part=part)
    return (found if part == Part.SNAPSHOT else found.defer("document")).first()


def _part(
    row: Inventory | Baseline | None, said: str, is_good: bool = True, why_not: str = "", page: str = ""
) -> Facts:
    how = f"{ARCHITECT} takes it: v7_inventory --as USERNAME."
    if row is None:
        return lacking(f"There is none. {how}")
    if not is_good:
        return lacking(f"{why_not} {how}", page)
    if ARCHITECT not in actor_named(row.taken_by).personas:
        return lacking(f"It was taken by {row.taken_by or 'nobody by name'}. {how}", page)
    return there(said, row.taken_by, row.taken_at, page)


# -- 2.1.2 -----------------------------------------------------------------------------------------------------


def reviewed() -> Iterator[Facts]:
    """Evidence of 2.1.2: rehearsal and review of the script exactly as it would be frozen now."""
    sha256 = _script()
    rehearsal = Rehearsal.objects.filter(script_id=sha256).first() if sha256 else None
    review = Review.objects.filter(script_id=sha256).first() if sha256 else None
    yield _read(review, rehearsal)
    yield _compared(review)
    yield _rehearsed(rehearsal, "It runs on a scratch copy of the target.", bool(rehearsal and rehearsal.ok))
    yield _rehearsed(rehearsal, "Section 9 led back to the same catalogs.", bool(rehearsal and rehearsal.led_back))
    yield _accepted(review)
    yield _rehearsed(rehearsal, "The rehearsal is green.", bool(rehearsal and rehearsal.ok))


def _script() -> str:
    """Return the SHA-256 of the script as it would be frozen now, empty where it cannot be read."""
    with suppress(Refused):
        return hashlib.sha256(gatekeeper.rendered_script(gatekeeper.source_bytes())).hexdigest()
    return ""


def _read(review: Review | None, rehearsal: Rehearsal | None) -> Facts:
    if review is None:
        return lacking(f"The script as it is now was not reviewed. {REVIEW}", "/reviews/")
    page = f"/reviews/{review.pk}/"
    if review.verdict == Review.Verdict.REFUSE:
        return lacking("The review refuses the script: it must be corrected.", page)
    if rehearsal is not None and review.rehearsal_id is None:
        return lacking(f"The review is older than the rehearsal, so it lacks what only a server knows. {REVIEW}", page)
    return there(f"Read: {len(review.document['findings'])} findings, none refuses it.", review.by, review.at, page)


def _compared(review: Review | None) -> Facts:
    if review is None:
        return lacking(REVIEW)
    page, conflicts = f"/reviews/{review.pk}/", review.document["conflicts"]
    if conflicts is None:
        return lacking(f"The target did not answer when the script was reviewed. {REVIEW}", page)
    what = f"{len(conflicts)} conflicts, documented" if conflicts else "no conflict"
    return there(f"Compared with the target: {what}.", review.by, review.at, page)


def _rehearsed(rehearsal: Rehearsal | None, said: str, is_good: bool) -> Facts:
    if rehearsal is None:
        return lacking("There is no rehearsal of exactly these bytes. v7_rehearse makes one.")
    if not is_good:
        failures = rehearsal.report["failures"]
        return lacking(f"The rehearsal is red: {failures[0]['message'] if failures else 'Section 9 leads elsewhere'}")
    return there(said, rehearsal.by, rehearsal.finished_at)


def _accepted(review: Review | None) -> Facts:
    if review is None:
        return lacking(REVIEW)
    page = f"/reviews/{review.pk}/"
    waiting = acceptance.waiting(review.script_id, review.document["findings"])
    if waiting:
        return lacking(f"{len(waiting)} findings wait to be accepted by name, or to be corrected.", page)
    known = acceptance.of_script(review.script_id)
    last = max([(review.at, review.by), *((row.at, row.by) for row in acceptance.accepted(review.script_id).values())])
    counts = f"{len(known['acceptances'])} findings accepted by name, {len(known['modifications'])} modifications"
    return there(f"{counts} required.", last[1], last[0], page)


# -- 2.1.3 -----------------------------------------------------------------------------------------------------


def assessed() -> Iterator[Facts]:
    """Evidence of 2.1.3: decided groups, the code map of the accepted changes, their assessments, the graph."""
    yield _decided()
    found = coverage.look()
    yield _mapped(found, "{changes} accepted changes touch {files} files.")
    yield _mapped(found, "{breaking} lines break.")
    yield _covered(found)
    yield _drawn()
    yield _covered(found)


def _decided() -> Facts:
    inventory = consolidation.latest()
    if inventory is None:
        return lacking("There is no ENUM inventory. v7_inventory --as USERNAME takes one.", consolidation.PAGE)
    left, decisions = len(consolidation.waiting(inventory)), EnumDecision.objects.all()
    if left:
        return lacking(f"{left} groups of ENUM types wait for a Guardian's decision.", consolidation.PAGE)
    last = decisions.first()
    if last is None:
        said = "No group of duplicated ENUM types was found."
        return there(said, inventory.taken_by, inventory.taken_at, consolidation.PAGE)
    return there(f"Every group is decided ({decisions.count()} decisions).", last.by, last.at, consolidation.PAGE)


def _mapped(found: coverage.Coverage, said: str) -> Facts:
    """Say whether the newest code map was made for the accepted changes, and what it shows of them."""
    if found.code_map is None:
        return lacking("The code was not mapped. v7_inventory --only code --as USERNAME maps it.", CODE)
    if found.gaps:
        return lacking(found.gaps[0], CODE)
    lines = {line for layers in found.code_map.touched.values() for lines in layers.values() for line in lines}
    said = said.format(
        changes=len(found.code_map.digests), files=len({line.path for line in lines}),
        breaking=sum(line.breaking for line in lines),
    )  # fmt: skip
    return there(said, found.code_map.taken_by, found.code_map.taken_at, CODE)


def _drawn() -> Facts:
    row = _newest(Part.DEPENDENCIES)
    if row is None:
        return lacking("There is no dependency graph. v7_inventory --as USERNAME takes one.", "/dependencies/")
    return there("The graph is drawn.", row.taken_by, row.taken_at, "/dependencies/")


def _covered(found: coverage.Coverage) -> Facts:
    """Say whether every accepted change is assessed in every layer that it touches, with its mitigation."""
    if not found.is_complete:
        return lacking(coverage.reasons(found)[0], coverage.PAGE)
    if found.last is not None:
        return there(found.sentence, found.last.by, found.last.at, coverage.PAGE)
    mapped = _mapped(found, found.sentence)
    return mapped | {"page": coverage.PAGE}
