"""What is known of one file: name, audit and score, the impacts filed for its layer, the changes that touch it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tracking import home
from tracking.models import File, GlobalImpact
from v7migration.ledger.models import Inventory
from v7migration.pipeline.inventory import mapped_code
from v7migration.pipeline.inventory.mapped_code import asked
from v7migration.pipeline.inventory.source_tree import Document

LISTS = ("compliant", "violations", "exempt", "orphans", "phantoms", "proposals", "impacts", "faults", "unlisted")
VERDICTS = ("compliant", "violations", "exempt", "phantoms", "faults", "unlisted")
IMPACTS = 50


@dataclass(frozen=True)
class Known:
    """What is known of a path; a part that nobody has told of yet is empty or None."""

    path: str
    verdict: str = ""
    """The list of the inventory that holds it, one of :data:`VERDICTS`; '' where none does."""
    reason: str = ""
    target: str = ""
    is_orphan: bool = False
    score: int | None = None
    reasons: tuple[str, ...] = ()
    enums: tuple[str, ...] = ()
    dependencies: tuple[str, ...] = ()
    """The files of the tree that it imports, and in ``dependents`` those that import it, as the inventory read them."""
    dependents: tuple[str, ...] = ()
    layer: int | None = None
    workflows: tuple[str, ...] = ()
    audited: File | None = None
    is_live: bool = False
    """Whether file_audit has its V7 columns: before the run there is nothing to read in them."""
    impacts: list[GlobalImpact] = field(default_factory=list)
    filed: int = 0
    """How many impacts name its layer; ``impacts`` holds the newest of them."""
    changes: list[Document] = field(default_factory=list)
    """The changes of the newest code map that touch it, with their ``lines`` here and ``counts`` of these."""
    taken_at: Any = None
    mapped_at: Any = None


def known(path: str) -> Known | None:
    """Return what is known of a path of the source tree or of file_audit; None if nobody knows it."""
    newest = Inventory.objects.filter(part=Inventory.Part.FILES).values("pk", "taken_at", "document__matching").first()
    found: Document = {}
    if newest:
        ((found,),) = asked("code_map/known", inventory=newest["pk"], lists=list(LISTS), path=path)
    audited = _audited(path, (newest or {}).get("document__matching") or ())
    mapped = mapped_code.newest()
    changes = [_counted(row) for (row,) in asked("code_map/file", inventory=mapped["pk"], path=path)] if mapped else []
    if not (found or audited or changes):
        return None
    verdict = next((name for name in VERDICTS if name in found), "")
    said = found.get(verdict)
    weighed, proposed = found.get("impacts", {}), found.get("proposals", {})
    layer, workflows = _place([proposed, said if isinstance(said, dict) else {}], audited)
    impacts = GlobalImpact.objects.filter(affected_layers__contains=[layer]) if layer is not None else None
    return Known(
        path=path, verdict=verdict, reason=said.get("reason", "") if isinstance(said, dict) else "",
        target=proposed.get("target", ""), is_orphan="orphans" in found, score=weighed.get("score"),
        reasons=tuple(weighed.get("reasons", ())), enums=tuple(weighed.get("enums", ())),
        dependencies=tuple(weighed.get("dependencies", ())), dependents=tuple(weighed.get("dependents", ())),
        layer=layer, workflows=workflows, audited=audited, is_live=home.current() == home.LIVE,
        impacts=list(impacts[:IMPACTS]) if impacts is not None else [],
        filed=impacts.count() if impacts is not None else 0, changes=changes,
        taken_at=newest["taken_at"] if newest else None, mapped_at=mapped["taken_at"] if mapped else None,
    )  # fmt: skip


def _audited(path: str, rules: Iterable[Document]) -> File | None:
    """Return the row of file_audit for a path of the tree, compared as the inventory compared them."""
    paths = [path]
    for rule in rules:
        if path.startswith(rule["put"]):
            paths.append(rule["taken"] + path.removeprefix(rule["put"]))
    return File.objects.filter(file_path__in=paths).first()


def _place(told: Iterable[Document], audited: File | None) -> tuple[int | None, tuple[str, ...]]:
    """Return layer and workflows: those of file_audit, else those that the inventory derived."""
    layer = audited.layer_number if audited else None
    workflows = tuple(audited.workflows or ()) if audited else ()
    for entry in told:
        layer = entry.get("layer") if layer is None else layer
        workflows = workflows or ((entry["workflow"],) if entry.get("workflow") else ())
    return layer, workflows


def _counted(change: Document) -> Document:
    counts = Counter(line["confidence"] for line in change["lines"])
    breaking = sum(line["breaking"] for line in change["lines"])
    return {**change, "counts": {**counts, "lines": len(change["lines"]), "breaking": breaking}}
