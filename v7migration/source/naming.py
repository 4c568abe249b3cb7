"""The rule of file names, ``WF{X}_V7_L{Y}_{K}of{N}_{Component}.py``, on each name and on the set (document 2.1.3).

A set is what one workflow has in one layer: its files share one N, and every K from 1 to N occurs once. Which
workflows and layers there are is data (:class:`Registry`). A name that nearly follows the rule is read as far as it
goes, so that each of its mistakes can be named.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

SUFFIX = ".py"
LONGEST = 255
"""Characters that a file name has at most, on every file system that matters here."""
_EXACT = re.compile(r"(WF[0-9A-Za-z]+)_V7_L([0-9]+)_([0-9]+)of([0-9]+)_([0-9A-Za-z_]+)\.py")
_GAP = r"[\W_]*"
_MARKS = {
    "workflow": re.compile(rf"(wf){_GAP}([0-9]+)", re.IGNORECASE),
    "version": re.compile(rf"(v){_GAP}([0-9]+)", re.IGNORECASE),
    "layer": re.compile(rf"(l(?:ayer)?){_GAP}([0-9]+)(?!{_GAP}of{_GAP}[0-9])", re.IGNORECASE),
    "place": re.compile(rf"([0-9]+){_GAP}of{_GAP}([0-9]+)", re.IGNORECASE),
}
_MISSING = {
    "workflow": "the workflow (WF and its number) is missing",
    "version": "V7 is missing",
    "layer": "the layer (L and its number) is missing",
    "place": "the place in the set (such as 1of2) is missing",
}
_SEPARATORS = re.compile(_GAP)
_DIGIT = re.compile(r"[0-9]")
_WORD = re.compile(r"[^\W_]+")
_ODD = re.compile(r"[^0-9A-Za-z_]")


@dataclass(frozen=True, slots=True)
class Registry:
    """The registered workflows (code to name) and layers (number to name)."""

    workflows: Mapping[str, str]
    layers: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class V7Name:
    """What a name of the right shape says; its workflow and layer need not be registered."""

    workflow: str
    layer: int
    position: int
    total: int
    component: str

    def __str__(self) -> str:
        return f"{self.workflow}_V7_L{self.layer}_{self.position}of{self.total}_{self.component}{SUFFIX}"


@dataclass(frozen=True, slots=True)
class Reading:
    """What the rule says of one name.

    ``reasons`` is empty for a name that follows the rule. ``near`` says that it tries to. ``workflow``, ``layer``
    and ``position`` are what the name says where it can be read and, for workflow and layer, is registered; ``rest``
    is what stands after the last part that could be read.
    """

    name: V7Name | None
    reasons: tuple[str, ...]
    near: bool
    workflow: str | None = None
    layer: int | None = None
    position: int | None = None
    rest: str = ""


@dataclass(frozen=True, slots=True)
class NameSet:
    """The files of one workflow and layer: the totals they name, places that are missing, places taken twice."""

    workflow: str
    layer: int
    totals: tuple[int, ...]
    missing: tuple[int, ...]
    doubled: tuple[int, ...]
    paths: tuple[str, ...]

    @property
    def reasons(self) -> tuple[str, ...]:
        """Return what is wrong with the set; empty for one that is whole."""
        here = f"the set {self.workflow} L{self.layer}"
        found = []
        if len(self.totals) > 1:
            found.append(f"{here} names different totals: {_listed(self.totals)}")
        if self.missing:
            found.append(f"{here} lacks {_listed(f'{k}of{self.totals[-1]}' for k in _first(self.missing))}")
        if self.doubled:
            found.append(f"{here} has more than one file in place {_listed(_first(self.doubled))}")
        return tuple(found)


def parse(name: str) -> V7Name | None:
    """Return what a file name of exactly the right shape says, None for any other name."""
    match = _EXACT.fullmatch(name)
    if match is None or len(name) > LONGEST:
        return None
    found = V7Name(match[1], int(match[2]), int(match[3]), int(match[4]), match[5])
    return found if str(found) == name else None


def read(name: str, registry: Registry) -> Reading:
    """Return what the rule says of a file's name (without its folders)."""
    if len(name) > LONGEST:
        return Reading(None, (f"the name has more than {LONGEST} characters",), False)
    exact = parse(name)
    if exact is None:
        return _near(name, registry)
    reasons = [*_unregistered(exact.workflow, exact.layer, registry), *_out_of_place(exact.position, exact.total)]
    if not any(map(str.isalpha, exact.component)):
        reasons.append(f"the component {exact.component} describes nothing")
    return Reading(
        exact, tuple(reasons), True,
        workflow=exact.workflow if exact.workflow in registry.workflows else None,
        layer=exact.layer if exact.layer in registry.layers else None,
        position=exact.position,
    )  # fmt: skip


def sets_of(names: Iterable[tuple[str, V7Name]]) -> list[NameSet]:
    """Return the sets that files form, given those (path, name) that follow the rule on names, in order."""
    members: dict[tuple[str, int], list[tuple[str, V7Name]]] = defaultdict(list)
    for path, name in names:
        members[name.workflow, name.layer].append((path, name))
    return [_set(*key, found) for key, found in sorted(members.items())]


def _set(workflow: str, layer: int, members: list[tuple[str, V7Name]]) -> NameSet:
    taken: dict[int, int] = defaultdict(int)
    for _, name in members:
        taken[name.position] += 1
    totals = tuple(sorted({name.total for _, name in members}))
    missing = _gaps(sorted(taken), totals[-1])
    doubled = tuple(sorted(place for place, count in taken.items() if count > 1))
    return NameSet(workflow, layer, totals, missing, doubled, tuple(sorted(path for path, _ in members)))


def _gaps(taken: list[int], total: int, most: int = 1_000) -> tuple[int, ...]:
    """Return the places from 1 to the total that nobody takes, at most some: a total can be absurd."""
    found: list[int] = []
    for before, after in pairwise([0, *taken, total + 1]):
        found.extend(range(before + 1, min(after, before + 1 + most)))
    return tuple(found[:most])


@dataclass(frozen=True, slots=True)
class _Marks:
    """A name taken apart: marks by kind in the order of the name, gaps with their neighbours, strays, the rest."""

    found: dict[str, re.Match[str]]
    gaps: list[tuple[str, str, str]]
    strays: list[str]
    rest: str

    @property
    def is_near(self) -> bool:
        """Say whether the name tries to follow the rule."""
        is_v7 = "version" in self.found and self.found["version"][2] == "7"
        return "workflow" in self.found or len(self.found) > 2 or (is_v7 and len(self.found) > 1)


def _near(name: str, registry: Registry) -> Reading:
    """Read a name of another shape mark by mark, in whatever order, case and punctuation they come."""
    if not _DIGIT.search(name):
        return Reading(None, (), False)
    stem, suffix = _split(name)
    marks = _marks(stem)
    if not marks.is_near:
        return Reading(None, (), False)
    found = marks.found
    reasons = [*_wrong_marks(found, registry), *(f"“{word}” does not belong there" for word in marks.strays)]
    order = [kind for kind in _MARKS if kind in found]
    if list(found) != order:
        reasons.append(f"the parts stand in another order than {', '.join(order)}")
    reasons += [*_wrong_gaps(marks.gaps), *_wrong_component(marks.rest)]
    if suffix != SUFFIX:
        reasons.append(f"the extension {suffix} is not {SUFFIX}")
    workflow = f"WF{_plain(found['workflow'][2])}" if "workflow" in found else None
    layer = int(found["layer"][2]) if "layer" in found else None
    return Reading(
        None, tuple(reasons) or ("it is not of the form WF{X}_V7_L{Y}_{K}of{N}_{Component}.py",), True,
        workflow=workflow if workflow in registry.workflows else None,
        layer=layer if layer in registry.layers else None,
        position=int(found["place"][1]) if "place" in found else None,
        rest=marks.rest,
    )  # fmt: skip


def _split(name: str) -> tuple[str, str]:
    if name.lower().endswith(SUFFIX):
        return name[: -len(SUFFIX)], name[-len(SUFFIX) :]
    return name, ""


def _marks(stem: str) -> _Marks:
    """Take a name apart; a word between two marks that is none itself is a stray."""
    marks: dict[str, re.Match[str]] = {}
    gaps: list[tuple[str, str, str]] = []
    strays: list[str] = []
    at, before = 0, ""
    while True:
        start = _after_gap(stem, at)
        kind, match = _mark(stem, start, marks)
        if match is None and (word := _WORD.match(stem, start)):
            kind, match = _mark(stem, _after_gap(stem, word.end()), marks)
            if match is not None:
                strays.append(word[0])
                at, before = match.start(), ""
        if match is None:
            break
        if at < match.start() or before:
            gaps.append((before, stem[at : match.start()], match[0]))
        marks[kind], at, before = match, match.end(), match[0]
    if before and at < len(stem):  # one underscore parts the marks from the component, which may begin with another
        end = at + 1 if stem[at] == "_" else _after_gap(stem, at)
        gaps.append((before, stem[at:end], stem[end:]))
        at = end
    return _Marks(marks, gaps, strays, stem[at:])


def _mark(stem: str, start: int, taken: Mapping[str, object]) -> tuple[str, re.Match[str] | None]:
    for kind, pattern in _MARKS.items():
        if kind not in taken and (match := pattern.match(stem, start)):
            return kind, match
    return "", None


def _after_gap(stem: str, at: int) -> int:
    gap = _SEPARATORS.match(stem, at)
    return gap.end() if gap else at


def _wrong_marks(marks: Mapping[str, re.Match[str]], registry: Registry) -> Iterable[str]:
    for kind, sentence in _MISSING.items():
        if kind not in marks:
            yield sentence
    if workflow := marks.get("workflow"):
        code = f"WF{_plain(workflow[2])}"
        if workflow[0] != code:
            yield _instead(workflow[0], code)
        yield from _unregistered(code, None, registry)
    if (version := marks.get("version")) and version[0] != "V7":
        yield _instead(version[0], "V7")
    if layer := marks.get("layer"):
        wanted = f"L{_plain(layer[2])}"
        if layer[0] != wanted:
            yield _instead(layer[0], wanted)
        yield from _unregistered(None, int(layer[2]), registry)
    if place := marks.get("place"):
        position, total = int(place[1]), int(place[2])
        if place[0] != f"{position}of{total}":
            yield _instead(place[0], f"{position}of{total}")
        yield from _out_of_place(position, total)


def _instead(found: str, wanted: str) -> str:
    why = "lower case: " if found == wanted.lower() else ""
    return f"{why}{found} instead of {wanted}"


def _unregistered(workflow: str | None, layer: int | None, registry: Registry) -> Iterable[str]:
    if workflow is not None and workflow not in registry.workflows:
        yield f"unknown workflow {workflow}: it is not registered"
    if layer is not None and layer not in registry.layers:
        yield f"unknown layer L{layer}: it is not registered"


def _out_of_place(position: int, total: int) -> Iterable[str]:
    if position < 1 or total < 1:
        yield f"{position}of{total}: places count from 1"
    elif position > total:
        yield f"{position}of{total}: the place is greater than the total"


def _wrong_gaps(gaps: list[tuple[str, str, str]]) -> Iterable[str]:
    inner = [gap for before, gap, _ in gaps if before]
    for before, gap, after in gaps:
        if gap and not before:
            yield f"it begins with {_quoted(gap)}"
        if not gap and after:
            yield f"an underscore is missing between {before} and {after}"
    odd = dict.fromkeys(gap for gap in inner if gap not in ("_", ""))
    if set(odd) == {"-"}:
        yield "hyphens instead of underscores"
    elif odd:
        yield f"{' and '.join(map(_quoted, odd))} instead of “_”"


def _wrong_component(rest: str) -> Iterable[str]:
    if not rest.strip("_"):
        yield "the component is missing"
    elif odd := dict.fromkeys(_ODD.findall(rest)):
        yield f"the component {rest} holds {' '.join(map(_quoted, odd))}: only letters, digits and underscores"
    elif not any(map(str.isalpha, rest)):
        yield f"the component {rest} describes nothing"


def _quoted(text: str) -> str:
    return f"“{text}”"


def _plain(digits: str) -> str:
    return digits.lstrip("0") or "0"


def _first(places: tuple[int, ...], most: int = 5) -> list[int | str]:
    return [*places[:most], *(["more"] if len(places) > most else [])]


def _listed(words: Iterable[object]) -> str:
    found = [str(word) for word in words]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)
