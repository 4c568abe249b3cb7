"""Which layer and workflow a file belongs to: as the audit says, else by its name, its folders, its words.

Registered layers and workflows are data. Their names are compared with folder and file names word by word; the few
other words that Python projects use for the same thing are in :data:`SAME_MEANING`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from v7migration.source.matching import Audited
from v7migration.source.naming import Reading, Registry

FIXED = frozenset({"__init__.py", "__main__.py"})
"""Names that Python itself looks for: they never change."""
FOUND_BY_NAME = frozenset({"conftest.py", "manage.py", "setup.py", "noxfile.py", "asgi.py", "wsgi.py"})
"""Names that tools look for: infrastructure, unless the audit gives such a file a workflow."""
INFRASTRUCTURE = "SYSTEM"
"""What the audit writes in place of a workflow."""
SAME_MEANING = (
    frozenset({"model", "entity"}),
    frozenset({"schema", "dto", "serializer"}),
    frozenset({"router", "route", "endpoint", "api"}),
    frozenset({"configuration", "setting"}),
    frozenset({"ui", "component", "widget", "panel"}),
    frozenset({"documentation", "guide"}),
)
SHORTEST_PREFIX = 3
_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z](?!s(?![a-z]))[a-z])")
_WORDS = re.compile(r"[^\W\d_]+|[0-9]+")
_WORKFLOW_CODE = re.compile(r"(?<![0-9A-Za-z])wf[-_ ]?0*([0-9]+)(?![0-9])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Assignment:
    """Layer and workflow of a file with where each is known from: ``audit``, ``name``, ``folder``, ``words``, empty.

    ``exempt`` says why a file needs no V7 name, empty where it needs one. ``note`` tells what a person may decide
    otherwise.
    """

    layer: int | None = None
    layer_from: str = ""
    workflow: str | None = None
    workflow_from: str = ""
    exempt: str = ""
    note: str = ""


class Assigner:
    """Assigns layer and workflow to files, given what is registered."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self._folders: dict[str, int | None] = {"": None}

    def assign(self, path: str, reading: Reading, audited: Audited | None) -> Assignment:
        """Return the layer and the workflow of a file.

        Args:
            path: relative to the root of the tree, with slashes.
            reading: what the rule says of its name.
            audited: its row of file_audit, if it has one.
        """
        folder, _, name = path.rpartition("/")
        layer, layer_from = self._layer(folder, name, reading, audited)
        if name in FIXED:
            return Assignment(layer, layer_from, exempt=f"Python looks for {name}")
        if not reading.near and (exempt := self._exemption(name, audited.workflows if audited else ())):
            return Assignment(layer, layer_from, exempt=exempt)
        workflow, workflow_from, note = self._workflow(folder, name, reading, audited)
        return Assignment(layer, layer_from, workflow, workflow_from, note=note)

    @staticmethod
    def _exemption(name: str, workflows: Sequence[str]) -> str:
        if workflows and set(workflows) <= {INFRASTRUCTURE}:
            return "infrastructure without a workflow, as file_audit says"
        return f"tools look for {name}" if name in FOUND_BY_NAME and not workflows else ""

    def _layer(self, folder: str, name: str, reading: Reading, audited: Audited | None) -> tuple[int | None, str]:
        if audited is not None and audited.layer is not None:
            return audited.layer, "audit"
        if reading.layer is not None:
            return reading.layer, "name"
        if (found := self._layer_of_folder(folder)) is not None:
            return found, "folder"
        for word in reversed(words(name.rpartition(".")[0])):
            if (found := self._layer_words.get(word)) is not None:
                return found, "words"
        return None, ""

    def _layer_of_folder(self, folder: str) -> int | None:
        """Return the layer of the folder next to the file that names one; a folder of tests holds tests throughout."""
        if folder not in self._folders:
            found = [layer for part in folder.split("/") if (layer := self._layer_of_part(part)) is not None]
            testing = self._layer_words.get("test")
            is_test = testing is not None and testing in found
            self._folders[folder] = testing if is_test else (found[-1] if found else None)
        return self._folders[folder]

    def _layer_of_part(self, part: str) -> int | None:
        if match := re.fullmatch(r"(?:layer|l)[-_ ]?([0-9]{1,6})(?:[-_ ].*)?", part, re.IGNORECASE):
            return int(match[1]) if int(match[1]) in self.registry.layers else None
        here = words(part)
        return next((found for word in reversed(here) if (found := self._layer_words.get(word)) is not None), None)

    @cached_property
    def _layer_words(self) -> _Vocabulary:
        return _Vocabulary({number: words(name) for number, name in self.registry.layers.items()})

    def _workflow(
        self, folder: str, name: str, reading: Reading, audited: Audited | None
    ) -> tuple[str | None, str, str]:
        if audited is not None and audited.workflows:
            return self._of_audit(folder, name, reading, audited.workflows)
        if reading.workflow is not None:
            return reading.workflow, "name", ""
        if reading.near:
            return None, "", ""
        for text in (name, *reversed(folder.split("/"))):
            if (match := _WORKFLOW_CODE.search(text)) and f"WF{match[1]}" in self.registry.workflows:
                return f"WF{match[1]}", "folder", ""
        for text in (name.rpartition(".")[0], *reversed(folder.split("/"))):
            codes = self._told_by(words(text))
            if len(codes) == 1:
                return codes[0], "words", f"{codes[0]} is a guess by the words of “{text}”"
            if codes:
                return None, "", f"the words of “{text}” fit {' and '.join(codes)}"
        return None, "", ""

    def _of_audit(self, folder: str, name: str, reading: Reading, codes: Sequence[str]) -> tuple[str | None, str, str]:
        known = [code for code in codes if code in self.registry.workflows]
        unknown = sorted(set(codes) - set(known) - {INFRASTRUCTURE})
        note = f"file_audit names {', '.join(unknown)}, which is not registered" if unknown else ""
        if len(known) > 1:
            told = [code for code in self._told_by(words(name.rpartition(".")[0])) if code in known]
            first = reading.workflow if reading.workflow in known else (told or known)[0]
            return first, "audit", f"shared by {', '.join(known)}; {first} gives the name"
        return (known[0] if known else None), "audit" if known else "", note

    def _told_by(self, found: Sequence[str]) -> list[str]:
        """Return the workflows whose names share the most telling words; a word of several workflows tells less."""
        score: dict[str, int] = defaultdict(int)
        for word in set(found):
            codes = self._workflow_words.get(word, ())
            for code in codes:
                score[code] += 60 // len(codes)
        best = max(score.values(), default=0)
        return sorted(code for code, points in score.items() if points == best) if best >= 30 else []

    @cached_property
    def _workflow_words(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = defaultdict(list)
        for code, name in self.registry.workflows.items():
            for word in dict.fromkeys(words(name)):
                found[word].append(code)
        return {word: tuple(codes) for word, codes in found.items()}


class _Vocabulary:
    """Which layer a word speaks of: a word of its name, the beginning of one, or a word of the same meaning."""

    def __init__(self, named: dict[int, list[str]]) -> None:
        self._named = {word: number for number in sorted(named, reverse=True) for word in named[number]}
        self._meant: dict[str, int] = {}
        for kin in SAME_MEANING:
            if (number := next((self._named[word] for word in sorted(kin) if word in self._named), None)) is not None:
                self._meant |= dict.fromkeys(kin - set(self._named), number)

    def get(self, word: str) -> int | None:
        """Return the layer a word speaks of, None for a word of none."""
        if word in self._named:
            return self._named[word]
        if len(word) >= SHORTEST_PREFIX:
            beginning = {number for name, number in self._named.items() if name.startswith(word)}
            if len(beginning) == 1:
                return beginning.pop()
        return self._meant.get(word)


@lru_cache(maxsize=65_536)
def _words(text: str) -> tuple[str, ...]:
    return tuple(singular(word.lower()) for word in _WORDS.findall(_BORDER.sub(" ", text)))


def words(text: str) -> list[str]:
    """Return the words of a name in snake_case, PascalCase or plain text: lower case, in the singular, no symbols."""
    return list(_words(text))


def singular(word: str) -> str:
    """Return an English noun in the singular, as far as its ending tells."""
    if word.endswith("ies") and len(word) > 4:
        return word[:-3] + "y"
    if word.endswith(("sses", "xes", "ches", "shes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 3:
        return word[:-1]
    return word


def role_of(name: str) -> str:
    """Return the word with which a layer ends the names of its classes: ``Model`` for “Models & ENUMs”."""
    head = re.split(r"\s*(?:&|,|/|\band\b)\s*", name)[0]
    found = words(head)
    return found[-1].capitalize() if found else ""
