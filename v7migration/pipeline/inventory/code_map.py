"""The code map: for each proposed change the files and lines that touch it, by layer and workflow (document 2.1.3)."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tracking.models import Layer, WorkflowCode
from v7migration.ledger.inventories import keep_inventory
from v7migration.ledger.models import Inventory, Snapshot
from v7migration.pipeline.consolidation import change_of, standing_rows
from v7migration.pipeline.inventory.source_tree import Document, Sources, in_order
from v7migration.postgres.qualified import joined
from v7migration.source.assigning import INFRASTRUCTURE
from v7migration.source.changes import RANK, Change, Touch, Usage
from v7migration.source.enums import defined_twice
from v7migration.source.imports import Graph
from v7migration.source.judging import Judgement
from v7migration.source.matching import Matching
from v7migration.source.survey import Survey
from v7migration.source.tree import shown
from v7migration.source.usage import counted, usages

EMPTY: Document = {"changes": []}

RENAMES = 5_000  # breaking imports of renamed files that are listed; the rest is counted
NAMED = 500  # lost imports, cycles and faults that are listed; the rest is counted


@dataclass(frozen=True)
class Place:
    """Where a file belongs: its layer, all its workflows, and the name that is proposed for it ('' for none)."""

    layer: int | None = None
    workflows: tuple[str, ...] = ()
    target: str = ""


NOWHERE = Place()


def take_code(tree: Sources, *, snapshot: Snapshot | None, person: str) -> Document:
    """Map the proposed changes onto a source tree, and store and return the map.

    Args:
        tree: what was read of the tree, with the rows of file_audit.
        snapshot: the snapshot of the target that was taken with it.
        person: who takes it.

    Returns:
        ``root``, ``totals``, ``changes`` (for each ``layers``, ``workflows``, ``files`` with their lines, confidence
        and what breaks), ``renames``, ``defined_twice``, ``lost``, ``cycles`` and ``faults``.
    """
    places = places_of(tree.matched, tree.judgement)
    document = _document(tree.survey, [change_of(row) for row in standing_rows()], places)
    kept = keep_inventory(
        part=Inventory.Part.CODE, subject=document["root"][-300:], snapshot=snapshot, document=document, taken_by=person
    )
    return {**document, "inventory": kept}


def places_of(matched: Matching, judgement: Judgement) -> dict[str, Place]:
    """Return where each file of a tree belongs: the layer and the workflows of file_audit, else the derived ones."""
    found = {}
    for file in judgement.files:
        audited = matched.rows.get(file.path)
        told = [code for code in audited.workflows if code != INFRASTRUCTURE] if audited else []
        given = file.assignment
        workflows = dict.fromkeys([*([given.workflow] if given.workflow else []), *told])
        found[file.path] = Place(given.layer, tuple(workflows), file.target)
    return found


def latest() -> Document | None:
    """Return the newest code map with its ``inventory`` (the row's id) and ``taken_at``; None before the first."""
    row = Inventory.objects.filter(part=Inventory.Part.CODE).first()
    if row is None:
        return None
    return {**row.document, "inventory": str(row.pk), "taken_at": row.taken_at.isoformat()}


def _document(found: Survey, changes: list[Change], places: Mapping[str, Place]) -> Document:
    mapped = usages(changes, names=found.names, graph=found.graph, enums=found.enums)
    cycles = found.graph.cycles()
    renames = _renames(found.graph, places)
    faults = found.reading.faults
    beside = {
        "root": str(found.tree.root),
        "totals": {
            "files": len(found.tree.paths),
            "read": len(found.reading.paths),
            "parsed": found.reading.parsed,
            "faults": len(faults),
            "imports": len(found.graph.edges),
            "lost_imports": len(found.graph.lost),
            "cycles": len(cycles),
            "changes": len(changes),
            "renames": renames.pop("files"),
            "breaking_imports": renames.pop("total"),
        },
        "renames": renames["renames"],
        "defined_twice": defined_twice(found.enums)[:NAMED],
        "lost": [{"path": lost.path, "line": lost.line, "module": lost.module} for lost in found.graph.lost[:NAMED]],
        "cycles": [list(group) for group in cycles[:NAMED]],
        "roots": list(found.graph.roots),
        "faults": [{"path": fault.path, "reason": fault.reason} for fault in faults[:NAMED]],
    }
    return {**storable(beside), "changes": [storable(_change(usage, places)) for usage in mapped]}


def described(change: Change) -> Document:
    """Return what a code map says of a change itself, before its files: ``migration`` is the row's id."""
    return {
        "migration": change.key,
        "digest": change.digest,
        "kind": change.kind,
        "name": joined(*filter(None, (change.schema, change.name))),
        "becomes": change.renamed,
        "values": dict.fromkeys(change.labels, "stays") | {old: new or "dropped" for old, new in change.fates.items()},
        "columns": [list(pair) for pair in change.columns],
    }


def _change(usage: Usage, places: Mapping[str, Place]) -> Document:
    files = [_file(path, touches, places.get(path, NOWHERE)) for path, touches in usage.files.items()]
    return {
        **described(usage.change),
        "counts": counted(usage),
        "layers": _shares(files, "layer", dict(Layer.objects.values_list("number", "name"))),
        "workflows": _shares(files, "workflows", dict(WorkflowCode.objects.values_list("code", "name"))),
        "files": files,
        "left_out": usage.left_out,
    }


def _file(path: str, touches: list[Touch], place: Place) -> Document:
    return {
        "path": path,
        "layer": place.layer,
        "workflows": list(place.workflows),
        "confidence": max((touch.confidence for touch in touches), key=RANK.__getitem__),
        "breaking": any(touch.breaking for touch in touches),
        "lines": [touch.as_dict() for touch in touches],
    }


def _shares(files: list[Document], by: str, names: Mapping[Any, str]) -> list[Document]:
    """Files, lines and breaking lines by layer or workflow, the known ones in their order, then those without one."""
    found: dict[Any, Counter[str]] = defaultdict(Counter)
    for file in files:
        keys = file[by] if isinstance(file[by], list) else [file[by]]
        for key in keys or [None]:
            found[key].update(
                {"files": 1, "lines": len(file["lines"]), "breaking": sum(line["breaking"] for line in file["lines"])}
            )
            found[key][file["confidence"]] += 1
    word = "layer" if by == "layer" else "workflow"
    return [
        {
            word: key,
            "name": names.get(key, "not known"),
            **{count: found[key][count] for count in ("files", "lines", "breaking", *RANK)},
        }
        for key in in_order(found, names)
    ]


def _renames(graph: Graph, places: Mapping[str, Place]) -> Document:
    """The files that get another name, with the imports that break; most breaking first, up to a limit."""
    new = {path: place.target for path, place in places.items() if place.target and not path.endswith(place.target)}
    broken: dict[str, list[Document]] = defaultdict(list)
    breaks = graph.breaks(new)
    for found in breaks[:RENAMES]:
        broken[found.target].append({"path": found.path, "line": found.line, "reason": found.reason})
    listed = [{"path": path, "target": new[path], "breaks": lines} for path, lines in broken.items()]
    return {
        "renames": sorted(listed, key=lambda r: (-len(r["breaks"]), r["path"])),
        "files": len(new),
        "total": len(breaks),
    }


def storable(value: Any) -> Any:
    """Return a document without what jsonb cannot keep: NUL and lone surrogates become escapes."""
    if isinstance(value, str):
        return value if value.isprintable() else shown(value)
    if isinstance(value, dict):
        return {storable(key): storable(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [storable(inner) for inner in value]
    return value
