"""The files of the source tree beside file_audit: the rule of names, orphans and phantoms, target names (2.1.3)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tracking import home
from tracking.actors import Actor
from tracking.services import files_record
from v7migration.ledger.inventories import keep_inventory
from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.inventory.source_tree import Document, Sources, in_order
from v7migration.source import impact, judging, naming
from v7migration.source.impact import Impact
from v7migration.source.judging import COMPLIANT, EXEMPT, Judged
from v7migration.source.matching import Matching
from v7migration.source.tree import Tree, unlisted_reason

MANY_IMPORTS, LISTED = 500_000, 20
"""Of a tree with more imports than that, each file lists this many files on either side: a document has its limits."""
EMPTY: Document = {"compliant": [], "violations": [], "orphans": [], "phantoms": []}


def take_files(tree: Sources, *, snapshot: Snapshot | None, actor: Actor | None) -> Document:
    """Compare a source tree with the target's file_audit, store what was found and, after the run, record it there.

    Args:
        tree: what was read of the tree, with the rows of file_audit.
        snapshot: the snapshot of the target that was taken with it.
        actor: who takes it; without one nothing is recorded in file_audit.

    Returns:
        ``compliant``, ``violations``, ``orphans``, ``phantoms`` and more, as ``--json`` prints them.

    Raises:
        TransitionRefused: the actor's personas may not record target names.
    """
    document = _document(tree)
    impacts = weighed(tree)
    most = LISTED if len(tree.survey.graph.edges) > MANY_IMPORTS else None
    document["impacts"] = [
        {
            "path": path, "score": found.score, "reasons": list(found.reasons), "enums": list(found.enums),
            "dependencies": found.dependencies[:most], "dependents": found.dependents[:most],
        }
        for path, found in impacts.items()
    ]  # fmt: skip
    document["inventory"] = keep_inventory(
        part=Inventory.Part.FILES, subject=document["root"][-300:], snapshot=snapshot, document=document,
        taken_by=actor.username if actor else "",
    )  # fmt: skip
    document["recorded"] = record(tree.matched, tree.judgement.files, impacts, actor=actor)
    return document


def _document(tree: Sources) -> Document:
    """Return what a tree and file_audit say together."""
    found, files, registry = tree.survey.tree, tree.judgement.files, tree.registry
    document = {
        "root": str(found.root),
        "audit": tree.audit.problem or f"{len(tree.audit.rows)} rows",
        **_verdicts(files),
        **_beside(found, tree.matched),
        "sets": [_set(each) for each in tree.judgement.sets],
        "by_layer": _shares(files, "layer", {n: f"L{n} {name}" for n, name in registry.layers.items()}),
        "by_workflow": _shares(files, "workflow", {c: f"{c} {n}" for c, n in registry.workflows.items()}),
        "faults": [{"path": fault.path, "reason": fault.reason} for fault in found.faults],
    }
    document["totals"] = _totals(document, len(found.paths), len(tree.audit.rows))
    return document


def weighed(tree: Sources) -> dict[str, Impact]:
    """Return what changing each file of a tree touches, by its path."""
    rows = tree.matched.rows.items()
    shared = {path: [code for code in row.workflows if code.startswith("WF")] for path, row in rows}
    return dict(impact.weigh(tree.survey, tree.compared.matches, shared))


def record(
    matched: Matching, files: Iterable[Judged], impacts: Mapping[str, Impact], *, actor: Actor | None
) -> Document:
    """Write target names and impacts to file_audit where they differ, once the run has added its columns.

    Before the run, without an actor, and while the tracking rows are being moved nothing is written, and why is said.
    """
    if home.current() == home.PLANNING:
        return {"written": 0, "note": "file_audit gets its V7 columns with the run; until then this is only shown"}
    if actor is None:
        return {"written": 0, "note": "name yourself with --as to record target names and impacts in file_audit"}
    if not home.is_open():
        return {"written": 0, "note": "the tracking rows are fenced: run v7_inventory again after the run"}
    targets = {file.path: file.target for file in files if file.target}
    values = {
        row.key: _values(targets.get(path), impacts.get(path)) for path, row in matched.rows.items() if row.key > 0
    }
    return {"written": files_record(values=values, actor=actor, reason="inventory of the source tree"), "note": ""}


def _values(target: str | None, found: Impact | None) -> Document:
    """Return what file_audit is told of a file, by column."""
    values: Document = {"v7_target_name": target} if target else {}
    if found is not None:
        values |= {
            "v7_dependencies": list(found.dependencies),
            "v7_dependents": list(found.dependents),
            "v7_database_enums": list(found.enums),
            "v7_impact_score": found.score,
        }
    return values


def _verdicts(files: Iterable[Judged]) -> Document:
    compliant: list[str] = []
    violations: list[Document] = []
    exempt: list[Document] = []
    proposals: list[Document] = []
    for file in files:
        given = file.assignment
        where: Document = {"layer": given.layer, "workflow": given.workflow}
        if file.verdict == COMPLIANT:
            compliant.append(file.path)
        elif file.verdict == EXEMPT:
            exempt.append({"path": file.path, "reason": file.reasons[0]})
        else:
            reason = "; ".join(file.reasons)
            violations.append({"path": file.path, "reason": reason, "near": file.near, **where})
        if file.target and file.target != file.path.rpartition("/")[2]:
            known = {"layer_from": given.layer_from, "workflow_from": given.workflow_from, "note": given.note}
            proposals.append({"path": file.path, "target": file.target, **where, **known})
    return {"compliant": compliant, "violations": violations, "exempt": exempt, "proposals": proposals}


def _beside(found: Tree, matched: Matching) -> Document:
    """Return orphans, phantoms, and the rows of file_audit that are neither, with the rules paths were compared by."""
    phantoms, unlisted = [], []
    for row, path in matched.phantoms:
        if reason := unlisted_reason(found, path):
            unlisted.append({"path": row.path, "reason": reason})
        else:
            phantoms.append(row.path)
    return {
        "orphans": list(matched.orphans),
        "phantoms": phantoms,
        "unlisted": unlisted,
        "doubled": [row.path for row in matched.doubled],
        "matching": [
            {"taken": rule.taken, "put": rule.put, "rows": rule.rows, "said": str(rule)} for rule in matched.rules
        ],
    }


def _set(found: naming.NameSet) -> Document:
    return {
        "workflow": found.workflow, "layer": found.layer, "files": len(found.paths), "totals": list(found.totals),
        "missing": list(found.missing), "doubled": list(found.doubled), "reason": "; ".join(found.reasons),
    }  # fmt: skip


def _shares(files: tuple[Judged, ...], by: str, names: Mapping[Any, str]) -> list[Document]:
    """Return a line for each registered layer or workflow, then for others that were found, then for unknown ones."""
    found = judging.shares(files, by=by)
    return [
        {
            by: key,
            "name": names.get(key, "not known" if key is None else str(key)),
            "files": share.files,
            "compliant": share.compliant,
            "violations": share.violation,
            "near": share.near,
            "exempt": share.exempt,
        }
        for key in in_order(found, names, with_all_named=True)
        for share in [found.get(key, judging.Share())]
    ]


def _totals(document: Document, files: int, audited: int) -> Document:
    counted = ("compliant", "violations", "exempt", "proposals", "orphans", "phantoms", "unlisted", "doubled", "faults")
    return {
        "files": files,
        "audited": audited,
        **{name: len(document[name]) for name in counted},
        "near_misses": sum(entry["near"] for entry in document["violations"]),
        "sets": len(document["sets"]),
        "broken_sets": sum(bool(entry["reason"]) for entry in document["sets"]),
    }
