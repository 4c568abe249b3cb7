"""Which label of one enum type stands for which of another. Pure rules, no database."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from v7migration.postgres.enum_groups import plain_words, stems

SAME, SPELLING, STEM, NONE = "same", "spelling", "stem", ""
"""How a suggestion was found: the same text; but for case or punctuation; but for a word that all labels share."""


@dataclass(frozen=True)
class Suggestion:
    """The canonical label that a label is taken for, None where nothing fits, and how that was found."""

    target: str | None
    how: str


def suggest(labels: Sequence[str], canonical: Sequence[str]) -> dict[str, Suggestion]:
    """Suggest a canonical label for each: the same text, else the only one of the same spelling, else of a stem."""
    spelled = _only(canonical, [plain_words(label) for label in canonical])
    stemmed = _only(canonical, stems(canonical))
    own_stems = dict(zip(labels, stems(labels), strict=True))
    found = {}
    for label in labels:
        if label in canonical:
            found[label] = Suggestion(label, SAME)
        elif (target := spelled.get(plain_words(label))) is not None:
            found[label] = Suggestion(target, SPELLING)
        elif (target := stemmed.get(own_stems[label])) is not None:
            found[label] = Suggestion(target, STEM)
        else:
            found[label] = Suggestion(None, NONE)
    return found


def _only(labels: Sequence[str], words: Sequence[str]) -> dict[str, str]:
    """Return the labels by a key of theirs, where the key is not empty and belongs to one of them alone."""
    known: dict[str, list[str]] = defaultdict(list)
    for label, key in zip(labels, words, strict=True):
        known[key].append(label)
    return {key: found[0] for key, found in known.items() if key and len(found) == 1}


def merged_labels(mapping: Mapping[str, str]) -> dict[str, list[str]]:
    """Return the canonical labels that two or more labels become: what they told apart is lost."""
    sources: dict[str, list[str]] = defaultdict(list)
    for label, target in mapping.items():
        sources[target].append(label)
    return {target: labels for target, labels in sources.items() if len(labels) > 1}


def inverse(mapping: Mapping[str, str]) -> dict[str, str]:
    """Return the way back: for each canonical label the label of the same text that became it, else the first one."""
    back: dict[str, str] = {}
    for label, target in mapping.items():
        if target not in back or label == target:
            back[target] = label
    return back


@dataclass(frozen=True)
class Cell:
    """What one member has for a canonical label: ``same``, ``renamed``, ``merged`` or ``missing``, and its labels."""

    state: str
    labels: tuple[str, ...]


def align(
    canonical: Sequence[str], mappings: Mapping[str, Mapping[str, str | None]]
) -> list[tuple[str, dict[str, Cell]]]:
    """Lay members side by side: for each canonical label what each member has for it.

    Args:
        canonical: the canonical labels in order.
        mappings: by member, the canonical label (or None) of each of its labels.
    """
    back: dict[str, dict[str, list[str]]] = {}
    for name, mapping in mappings.items():
        back[name] = defaultdict(list)
        for label, target in mapping.items():
            if target is not None:
                back[name][target].append(label)
    return [(label, {name: _cell(label, back[name].get(label, [])) for name in mappings}) for label in canonical]


def _cell(label: str, found: Sequence[str]) -> Cell:
    if not found:
        return Cell("missing", ())
    if len(found) > 1:
        return Cell("merged", tuple(found))
    return Cell("same" if found[0] == label else "renamed", tuple(found))


def replacements(mapping: Mapping[str, str]) -> list[tuple[str, str]]:
    """Order replacements so that doing one after the other never touches a label twice; a cycle goes by a detour.

    Returns pairs (from, to). A detour's label is the first text of the form ``v7 detour n`` that is nobody's label.
    """
    left = {label: target for label, target in mapping.items() if label != target}
    known = set(mapping) | set(mapping.values())
    steps: list[tuple[str, str]] = []
    while left:
        free = next((label for label, target in left.items() if target not in left), None)
        if free is not None:
            steps.append((free, left.pop(free)))
            continue
        label, target = next(iter(left.items()))
        detour = next(name for n in range(len(known) + 1) if (name := f"v7 detour {n}") not in known)
        known.add(detour)
        del left[label]
        steps.append((label, detour))
        left[detour] = target
    return steps
