"""The order of execution: the document's order, deviated from only where a section needs an earlier one."""

from __future__ import annotations

import re
from functools import lru_cache

from . import objects
from .model import REFUSE, Problem, Script, ScriptInvalid, Section
from .objects import Named

Reasons = dict[int, dict[int, Named | None]]  # section -> needed section -> what it needs of it


def derived_needs(sections: tuple[Section, ...]) -> Reasons:
    """Which sections each section needs, by the objects its statements use and another section makes."""
    makers: dict[Named, int] = {}
    own: dict[int, set[Named]] = {}
    for section in sorted(sections, key=lambda section: section.number):
        own[section.number] = set(objects.section_objects(section))
        for named in objects.section_objects(section):
            makers.setdefault(named, section.number)
    result: Reasons = {}
    for section in sections:
        used = [objects.uses(statement) for statement in section.statements]
        for named, maker in sorted(makers.items(), key=lambda item: item[0][0] != "column"):
            if maker == section.number or named in own[section.number]:
                continue
            if any(use.names(named) for use in used):
                result.setdefault(section.number, {}).setdefault(maker, named)
    return result


def _task_key(task: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d{1,9}", task))


def document_order(script: Script) -> list[Section]:
    """By task of the document, then by number; a section without a task stays with the one before it."""
    keyed, task = [], _task_key("")
    for section in sorted(script.sections, key=lambda section: section.number):
        task = _task_key(section.task) or task
        keyed.append((task, section.number, section))
    return [section for _, _, section in sorted(keyed, key=lambda item: item[:2])]


@lru_cache(maxsize=8)
def plan_order(script: Script) -> tuple[tuple[Section, str], ...]:
    """The sections in the order of execution, population last, each with the reason of its deviation ('' for none).

    Raises ``ScriptInvalid`` when sections need each other in a circle.
    """
    by_number = {section.number: section for section in script.sections}
    reasons = derived_needs(script.sections)
    placed: dict[int, str] = {}
    for section in document_order(script):
        _place(section, by_number, reasons, placed, (), "")
    order = tuple((by_number[number], reason) for number, reason in placed.items())
    return (*order, (script.population, "")) if script.population else order


def _place(
    section: Section,
    by_number: dict[int, Section],
    reasons: Reasons,
    placed: dict[int, str],
    waiting: tuple[int, ...],
    reason: str,
) -> None:
    if section.number in placed:
        return
    if section.number in waiting:
        circle = [*waiting[waiting.index(section.number) :], section.number]
        message = "sections need each other in a circle: " + " → ".join(map(str, circle))
        hint = "Move the statements so that each section needs only earlier ones."
        raise ScriptInvalid([Problem("V7S024", REFUSE, section.number, section.line, message, hint)])
    for number in sorted(set(section.needs) & by_number.keys() - {section.number}):
        why = _sentence(number, section.number, reasons.get(section.number, {}).get(number))
        _place(by_number[number], by_number, reasons, placed, (*waiting, section.number), why)
    placed[section.number] = reason


def _sentence(first: int, second: int, named: Named | None) -> str:
    start = f"Section {first} runs before Section {second}: Section {second} "
    if named is None:
        return f"{start}declares that it needs Section {first}"
    verb = "adds" if named[0] in ("column", "constraint") else "creates"
    return f"{start}needs {named[1].removeprefix('public.')}, which Section {first} {verb}"
