"""The V7 names that files would get: from workflow, layer, place in the set and stem (document 2.1.3).

Names that follow the rule, and names that people have stored as targets, keep their component and, as far as it is
free, their place; so a second proposal, made after files were renamed, changes nothing.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from v7migration.source.assigning import SAME_MEANING, role_of, words
from v7migration.source.naming import Reading, V7Name, parse

LONGEST_COMPONENT = 120
_PARTS = re.compile(r"[0-9A-Za-z]+")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that needs a V7 name: its path, where it belongs, what its name says, the target stored for it."""

    path: str
    workflow: str
    layer: int
    reading: Reading
    target: str | None = None


def propose(files: Iterable[Candidate], layers: Mapping[int, str]) -> dict[str, V7Name]:
    """Return a name for each file; no two files get the same, and each set is whole.

    Args:
        files: those with workflow and layer; the others have no target name.
        layers: the registered layers, number to name.
    """
    groups: dict[tuple[str, int], list[Candidate]] = defaultdict(list)
    for file in files:
        groups[file.workflow, file.layer].append(file)
    found: dict[str, V7Name] = {}
    for (workflow, layer), members in groups.items():
        members.sort(key=lambda file: file.path)
        for file, place in _places(members).items():
            component = _component(file, role_of(layers.get(layer, "")))
            found[file.path] = V7Name(workflow, layer, place, len(members), component)
    return found


def _places(members: list[Candidate]) -> dict[Candidate, int]:
    """Give each file of a set a place: the one it has, else the one stored for it, else the one it nearly has."""
    free = set(range(1, len(members) + 1))
    places: dict[Candidate, int] = {}
    for claim in (_place_of_name, _place_of_target, _place_nearly):
        for file in members:
            if file not in places and (place := claim(file)) in free:
                places[file] = place
                free.discard(place)
    left = sorted(free)
    for file in members:
        if file not in places:
            places[file] = left.pop(0)
    return places


def _place_of_name(file: Candidate) -> int:
    name = file.reading.name
    return name.position if name and not file.reading.reasons and _is_of_set(name, file) else 0


def _place_of_target(file: Candidate) -> int:
    name = parse(file.target or "")
    return name.position if name and _is_of_set(name, file) else 0


def _place_nearly(file: Candidate) -> int:
    return file.reading.position or 0


def _is_of_set(name: V7Name, file: Candidate) -> bool:
    return (name.workflow, name.layer) == (file.workflow, file.layer)


def _component(file: Candidate, role: str) -> str:
    """Return the component that the name has, else the one stored, else one made of stem and role."""
    name, stored = file.reading.name, parse(file.target or "")
    if name is not None and _has_letter(name.component):
        return name.component
    if stored is not None and _is_of_set(stored, file):
        return stored.component
    folder, _, last = file.path.rpartition("/")
    stem = file.reading.rest if file.reading.near else last.rpartition(".")[0]
    return component(stem, folder=folder.rpartition("/")[2], role=role)


def component(stem: str, *, folder: str = "", role: str = "") -> str:
    """Return a component: a stem in PascalCase, with the role of its layer where that is missing.

    ``domain`` among models becomes ``DomainModel``, ``domain_router`` among routers ``DomainRouter``. A stem without
    a letter is preceded by its folder's name.
    """
    parts = _PARTS.findall(_in_ascii(stem))
    if not any(map(_has_letter, parts)):
        parts = _PARTS.findall(_in_ascii(folder)) + parts
    text = "".join(part[0].upper() + part[1:] for part in parts)
    if role and not _says(text, role):
        text += "".join(_PARTS.findall(_in_ascii(role)))
    if not _has_letter(text):
        text = f"Module{text}"
    return text[:LONGEST_COMPONENT]


def _in_ascii(text: str) -> str:
    """Return a text without what no component may hold; letters with marks lose the marks."""
    return unicodedata.normalize("NFKD", text.replace("ß", "ss")).encode("ascii", "ignore").decode()


def _has_letter(text: str) -> bool:
    return any(map(str.isalpha, text))


def _says(text: str, role: str) -> bool:
    """Say whether a name has the role's word in it, or one of the same meaning."""
    wanted = set(words(role))
    wanted |= {word for kin in SAME_MEANING if kin & wanted for word in kin}
    here = words(text)
    return bool(wanted & set(here)) or any(w.startswith(h) for w in wanted for h in here[-1:] + here[:1] if len(h) > 3)
