"""What the naming rule says of every file of a tree, with the names the files would get (document 2.1.3)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from v7migration.source.assigning import Assigner, Assignment
from v7migration.source.matching import Audited, Matching
from v7migration.source.naming import NameSet, Reading, Registry, read, sets_of
from v7migration.source.proposing import Candidate, propose

COMPLIANT, VIOLATION, EXEMPT = "compliant", "violation", "exempt"


@dataclass(frozen=True, slots=True)
class Judged:
    """A file, where it belongs, what is wrong with its name, and the name proposed for it (empty: it needs none).

    ``verdict`` is one of ``compliant``, ``violation`` and ``exempt``; ``near`` says that the name itself
    nearly follows the rule. ``reasons`` is empty for a compliant file.
    """

    path: str
    verdict: str
    near: bool
    reasons: tuple[str, ...]
    assignment: Assignment
    target: str = ""


@dataclass(frozen=True, slots=True)
class Judgement:
    """The files in the order of their paths, and the sets that names of the right shape form."""

    files: tuple[Judged, ...]
    sets: tuple[NameSet, ...]


def judge(paths: Sequence[str], matching: Matching, registry: Registry) -> Judgement:
    """Judge the names of all files of a tree.

    Args:
        paths: of the tree, sorted.
        matching: which row of file_audit speaks of which file.
        registry: the registered workflows and layers.
    """
    assigner = Assigner(registry)
    readings = {path: read(path.rpartition("/")[2], registry) for path in paths}
    sets = sets_of((path, found.name) for path, found in readings.items() if found.name and not found.reasons)
    of_set = {path: reasons for found in sets if (reasons := found.reasons) for path in found.paths}
    assigned = {path: assigner.assign(path, readings[path], matching.rows.get(path)) for path in paths}
    targets = propose(_candidates(readings, assigned, matching, registry), registry.layers)
    return Judgement(
        tuple(
            _judged(
                path, readings[path], assigned[path], matching.rows.get(path), of_set.get(path, ()),
                str(targets[path]) if path in targets else "", registry,
            )
            for path in paths
        ),
        tuple(sets),
    )  # fmt: skip


def _candidates(
    readings: dict[str, Reading], assigned: dict[str, Assignment], matching: Matching, registry: Registry
) -> list[Candidate]:
    found = []
    for path, given in assigned.items():
        if given.workflow is not None and given.layer in registry.layers and given.layer is not None:
            row = matching.rows.get(path)
            found.append(Candidate(path, given.workflow, given.layer, readings[path], row.target if row else None))
    return found


def _judged(
    path: str,
    reading: Reading,
    given: Assignment,
    audited: Audited | None,
    of_set: tuple[str, ...],
    target: str,
    registry: Registry,
) -> Judged:
    if given.exempt:
        return Judged(path, EXEMPT, False, (given.exempt,), given)
    if reading.near:
        reasons = (*reading.reasons, *_contradictions(reading, audited, registry), *of_set)
        return Judged(path, VIOLATION if reasons else COMPLIANT, bool(reading.reasons), reasons, given, target)
    return Judged(path, VIOLATION, False, (*reading.reasons, *_no_name(given, registry)), given, target)


def _contradictions(reading: Reading, audited: Audited | None, registry: Registry) -> list[str]:
    """Return where the name says something else than file_audit."""
    if audited is None:
        return []
    found = []
    if audited.layer is not None and reading.layer is not None and reading.layer != audited.layer:
        named = registry.layers.get(audited.layer)
        found.append(
            f"the name says L{reading.layer}, file_audit says L{audited.layer}" + (f" ({named})" if named else "")
        )
    if audited.workflows and reading.workflow is not None and reading.workflow not in audited.workflows:
        found.append(f"the name says {reading.workflow}, file_audit says {', '.join(audited.workflows)}")
    return found


def _no_name(given: Assignment, registry: Registry) -> list[str]:
    missing = [word for word, value in (("workflow", given.workflow), ("layer", given.layer)) if value is None]
    found = ["it has no V7 name" + (f", and no {' and no '.join(missing)} is known for it" if missing else "")]
    if given.layer is not None and given.layer not in registry.layers:
        found.append(f"file_audit says layer {given.layer}, which is not registered")
    return [*found, given.note] if given.note and missing else found


@dataclass(slots=True)
class Share:
    """How many files of a layer or workflow there are, by verdict; ``near`` counts near misses among violations."""

    files: int = 0
    compliant: int = 0
    violation: int = 0
    exempt: int = 0
    near: int = 0


def shares(files: Sequence[Judged], *, by: str) -> dict[str | int | None, Share]:
    """Count files by ``layer`` or ``workflow``; None stands for those of which it is not known."""
    found: dict[str | int | None, Share] = defaultdict(Share)
    for file in files:
        share = found[getattr(file.assignment, by)]
        share.files += 1
        setattr(share, file.verdict, getattr(share, file.verdict) + 1)
        share.near += file.near
    return dict(found)
