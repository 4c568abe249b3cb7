"""From bytes to a ``Script``: the file is read exactly once, and every fault is reported with its line."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from functools import lru_cache

from . import commented, disguise, objects, order
from .grammar import Token
from .headers import MARKER, STEP, Comment, Header, comments, headers
from .model import (
    ADVICE,
    POPULATION,
    POPULATION_TITLE,
    REFUSE,
    ROLLBACK,
    Problem,
    Script,
    ScriptInvalid,
    Section,
    Statement,
    Step,
)
from .source import MOST_FAULTS, Source, opened, scanned, statements, without_copied_rows

MOST_SECTIONS = 200
BOM = b"\xef\xbb\xbf"
Placed = tuple[int, int, Statement]  # first byte, end, statement


@dataclass
class _File:
    """The file while it is being read."""

    source: Source
    data: bytes
    tokens: list[Token]
    comments: list[Comment]
    headers: list[Header]
    placed: list[Placed]
    notes: list[Problem] = field(default_factory=list)

    def advise(self, identifier: str, offset: int, message: str, hint: str) -> None:
        self.notes.append(Problem(identifier, ADVICE, None, self.source.line(offset), message, hint))

    def end_of(self, index: int) -> int:
        """Where the region of a header ends."""
        return self.headers[index + 1].start if index + 1 < len(self.headers) else len(self.data)

    def inside(self, start: int, end: int) -> list[Placed]:
        return [item for item in self.placed if start <= item[0] < end]


@lru_cache(maxsize=8)
def parse(content: bytes) -> Script:
    """Read a script from its bytes, once.

    Raises ``ScriptInvalid`` with every fault found: NUL, BOM, invalid UTF-8, psql commands, syntax errors,
    broken structure (section numbers, markers, a circle of needs). Never raises anything else.
    """
    try:
        source = opened(content)
    except ScriptInvalid as invalid:
        if content.startswith(BOM) and [fault.id for fault in invalid.problems] == ["V7S002"]:
            raise _without_mark(content, invalid) from None
        raise
    file = _read(source)
    _refuse_disguise(file)
    population = _population(file)
    sections, rollback = _sections(file)
    if not file.placed and not source.faults:
        source.refuse("V7S025", 0, "the file holds no statement", "Name the script that builds the tables.")
    if b"\r" in content:
        at = content.find(b"\r")
        file.advise("V7S004", at, "lines end with CR LF", "Any change of line endings is another changeset.")
    digest = hashlib.sha256(content).hexdigest()
    if source.faults:
        faults = sorted(_located(source.faults, file), key=lambda fault: fault.line)
        rest = Script(content, digest, tuple(sections), rollback, population, tuple(_located(file.notes, file)))
        raise ScriptInvalid(faults, rest if sections else None)
    script = Script(content, digest, _linked(sections), rollback, population, tuple(_located(file.notes, file)))
    order.plan_order(script)
    return script


def _without_mark(content: bytes, invalid: ScriptInvalid) -> ScriptInvalid:
    """The fault of a byte order mark, with what stands behind it: the mark changes no line."""
    try:
        return ScriptInvalid(invalid.problems, parse(content.removeprefix(BOM)))
    except ScriptInvalid as more:
        return ScriptInvalid([*invalid.problems, *more.problems], more.rest)


def _read(source: Source) -> _File:
    data, tokens = scanned(source, without_copied_rows(source), 0)
    lines = {token.start: source.line(token.start) for token in tokens if token.is_comment}
    found = comments(data, tokens, lines)
    placed = statements(source, data, tokens, 0)
    return _File(source, data, tokens, found, _boundaries(source, tokens, headers(found), placed), placed)


def _refuse_disguise(file: _File) -> None:
    pair = markers(Source(file.data), file.tokens)
    rows = (pair[0].end, pair[1].start) if pair else None
    for offset, point in disguise.found(file.source.content, file.tokens, rows):
        message = f"the character {point} makes the script look like another one"
        file.source.refuse("V7S006", offset, message, "Remove it; end lines with LF.")
        if len(file.source.faults) >= MOST_FAULTS:
            break


def _boundaries(source: Source, tokens: list[Token], found: list[Header], placed: list[Placed]) -> list[Header]:
    """The headers that stand between statements; one within an unfinished statement is a fault."""
    result = []
    for header in found:
        around = next((item for item in placed if item[0] < header.start < item[1]), None)
        if around is None:
            result.append(header)
            continue
        kinds = [token.kind for token in tokens if around[0] <= token.start < header.start]
        if kinds.count("ASCII_40") == kinds.count("ASCII_41") and "ATOMIC" not in kinds:
            message = f"the statement before Section {header.number} does not end with a semicolon"
            source.refuse("V7S013", header.start, message, "End it before the header.")
    if len(result) > MOST_SECTIONS:
        source.refuse("V7S020", result[MOST_SECTIONS].start, "the file has too many sections", "Split the script.")
    return result[:MOST_SECTIONS]


def markers(source: Source, tokens: list[Token]) -> tuple[Token, Token] | None:
    """The two comments around the population block; None when there are none; faults go to ``source``."""
    found: dict[str, list[Token]] = {"begin": [], "end": []}
    for token in tokens:
        start = source.content.rfind(b"\n", 0, token.start) + 1
        match = MARKER.match(source.content, start) if token.kind == "SQL_COMMENT" else None
        if match and not source.content[start : token.start].strip():
            found[match[1].decode().lower()].append(token)
    begin, end = found["begin"], found["end"]
    if not begin and not end:
        return None
    hint = "Write '-- Population: begin' and '-- Population: end' once each, in this order."
    if len(begin) != 1 or len(end) != 1:
        at = (begin[1:] + end[1:] + begin + end)[0].start
        source.refuse("V7S026", at, "the population markers do not stand exactly once each", hint)
        return None
    if begin[0].start > end[0].start:
        source.refuse("V7S026", end[0].start, "the population ends before it begins", hint)
        return None
    return begin[0], end[0]


def _population(file: _File) -> Section | None:
    pair = markers(file.source, file.tokens)
    if pair is None:
        return None
    start, end = pair[0].start, pair[1].end
    inside = file.inside(start, end)
    file.placed = [item for item in file.placed if not start <= item[0] < end]
    if any(item[1] > end for item in inside):
        message = "the last statement of the population does not end with a semicolon"
        file.source.refuse("V7S013", pair[1].start, message, "End it before the marker.")
    header = next((item for item in file.headers if item.number == POPULATION or item.title == POPULATION_TITLE), None)
    if header and not file.inside(header.start, file.end_of(file.headers.index(header))):
        file.headers.remove(header)
    else:
        header = None
    for item in [item for item in file.headers if start < item.start < end]:
        message = "a section header stands inside the population block"
        file.source.refuse("V7S026", item.start, message, "Move it out of the block.")
    keys = header.keys if header else {}
    body = tuple(statement for _, _, statement in inside)
    line = file.source.line(start)
    step = Step(f"{POPULATION}.1", POPULATION_TITLE, body, all(item.transactional for item in body), line)
    purpose = keys.get("purpose", "")
    return Section(POPULATION, POPULATION_TITLE, purpose, (), (), keys.get("task", "2.2.3"), "stop", (step,), line)


def _sections(file: _File) -> tuple[list[Section], Section | None]:
    way_back = _rollback_header(file)
    rollback, result = None, []
    forward = [header for header in file.headers if header is not way_back]
    if not forward and any(way_back is None or item[0] < way_back.start for item in file.placed):
        forward = [Header(1, "Script", 0, 0)]
        file.headers.insert(0, forward[0])
    if way_back is not None:
        rollback = _rollback(file, way_back)
    seen: set[int] = set()
    for header in forward:
        if header.number in seen:
            message = f"Section {header.number} stands twice"
            file.source.refuse("V7S021", header.start, message, "Give each section its own number.")
            continue
        seen.add(header.number)
        section = _section(file, header, first=header is forward[0])
        if section.steps:
            result.append(section)
        else:
            message = f"Section {header.number} holds no statement"
            file.advise("V7S022", header.start, message, "Remove the header, or write what it announces.")
    _check_keys(file, result)
    _check_needs(file, result, seen)
    return result, rollback


def _section(file: _File, header: Header, *, first: bool) -> Section:
    end = file.end_of(file.headers.index(header))
    placed = file.inside(0 if first else header.start, end)
    needs, keys = header.keys.get("needs", ""), header.keys
    if re.sub(r"(?i)\bsections?\b|\band\b|\bnone\b|\bnothing\b|[\s\d,;.–—-]", "", needs) != "":
        message = f"'Needs: {needs[:60]}' does not list section numbers"
        file.source.refuse("V7S023", header.start, message, "Write for example 'Needs: 1, 2'.")
    on_failure = keys.get("on failure", "stop").lower().rstrip(".") or "stop"
    if on_failure not in ("stop", "continue"):
        message = f"'On failure: {on_failure[:60]}' is neither stop nor continue"
        file.source.refuse("V7S027", header.start, message, "Write 'On failure: stop' or 'On failure: continue'.")
    creates = [name.strip(" .") for name in re.split(r"[,;\s]+", keys.get("creates", "")) if name.strip(" .-–—")]
    return Section(
        header.number,
        header.title or f"Section {header.number}",
        keys.get("purpose", ""),
        tuple(creates),
        tuple(sorted({int(number) for number in re.findall(r"\d{1,4}", needs)})),
        keys.get("task", ""),
        on_failure,
        _steps(file, header.number, header.title, placed, header.start, end),
        file.source.line(header.start),
    )


def _steps(file: _File, number: int, title: str, placed: list[Placed], start: int, end: int) -> tuple[Step, ...]:
    """Statements grouped by step headers; one that cannot be in a transaction is a step of its own."""
    marks = [(item.token.start, item.line, match) for item in file.comments if start <= item.token.start < end
             and (match := STEP.match(item.text))]  # fmt: skip
    groups: list[tuple[str, str, int, list[Statement]]] = []
    opening = [item[2] for item in placed if not marks or item[0] < marks[0][0]]
    if opening:
        groups.append((f"{number}.0" if marks else "", title, opening[0].line, opening))
    for index, (at, line, match) in enumerate(marks):
        until = marks[index + 1][0] if index + 1 < len(marks) else end
        body = [item[2] for item in placed if at <= item[0] < until]
        if body:
            groups.append((match[1], match["title"], line, body))
        else:
            file.advise("V7S022", at, f"Step {match[1]} holds no statement", "Remove its line.")
    result: list[Step] = []
    for key, name, line, body in groups:
        result.extend(_runs(number, key, name, line, body))
    return tuple(result)


def _runs(number: int, key: str, title: str, line: int, body: list[Statement]) -> list[Step]:
    runs: list[list[Statement]] = []
    for statement in body:
        if runs and statement.transactional and runs[-1][-1].transactional:
            runs[-1].append(statement)
        else:
            runs.append([statement])
    result = []
    for index, run in enumerate(runs, start=1):
        name = f"{number}.{index}" if not key else key if len(runs) == 1 else f"{key}.{index}"
        result.append(Step(name, title, tuple(run), run[0].transactional, line if index == 1 else run[0].line))
    return result


def _check_keys(file: _File, sections: list[Section]) -> None:
    seen: set[str] = set()
    for step in (step for section in sections for step in section.steps):
        if step.key in seen:
            hint = "Give each step its own number."
            file.source.faults.append(Problem("V7S021", REFUSE, None, step.line, f"Step {step.key} stands twice", hint))
        seen.add(step.key)


def _check_needs(file: _File, sections: list[Section], known: set[int]) -> None:
    for section in sections:
        for number in sorted(set(section.needs) - known):
            message = f"Section {section.number} needs Section {number}, which does not exist"
            hint = "Correct the line 'Needs:'."
            file.source.faults.append(Problem("V7S023", REFUSE, section.number, section.line, message, hint))


def _rollback_header(file: _File) -> Header | None:
    """The header of the way back: named so, or number 9 with nothing outside comments."""
    named = [header for header in file.headers if header.says_rollback]
    if named:
        return next((header for header in named if header.number == ROLLBACK), named[-1])
    nine = next((header for header in file.headers if header.number == ROLLBACK), None)
    if nine is None or file.inside(nine.start, file.end_of(file.headers.index(nine))):
        return None
    return nine


def _rollback(file: _File, header: Header) -> Section | None:
    end = file.end_of(file.headers.index(header))
    start = header.start if header.block else header.end
    body = [item[2] for item in file.inside(start, end)]
    if body:
        message = f"Section {header.number} stands outside a comment: psql would undo what the script has just made"
        file.notes.append(Problem("V7S050", REFUSE, None, body[0].line, message, "Put it into one block comment."))
        file.placed = [item for item in file.placed if not start <= item[0] < end]
    else:
        body = _commented(file, start, end)
    if not body:
        return None
    line = file.source.line(header.start)
    step = Step(f"{header.number}.1", header.title or "Rollback", tuple(body), True, line)
    title, keys = header.title or "Rollback", header.keys
    task = keys.get("task", "")
    return Section(header.number, title, keys.get("purpose", ""), (), (), task, "stop", (step,), line)


def _commented(file: _File, start: int, end: int) -> list[Statement]:
    text = commented.without_marks(file.data, file.tokens, start, end)
    trial = Source(file.source.content)
    found = _statements(trial, text, start, prose=False)
    if (trial.faults or not found) and b"$" not in text:
        trial = Source(file.source.content)
        found = _statements(trial, commented.without_prose(text), start, prose=True)
    file.source.faults.extend(trial.faults)
    return found


def _statements(source: Source, text: bytes, base: int, *, prose: bool) -> list[Statement]:
    data, tokens = scanned(source, text, base)
    return [item[2] for item in statements(source, data, tokens, base, prose=prose)]


def _linked(sections: list[Section]) -> tuple[Section, ...]:
    """Join what the headers declare with what the statements show."""
    reasons = order.derived_needs(tuple(sections))
    result = []
    for section in sections:
        made = [name for _, name in objects.section_objects(section)]
        creates = tuple(dict.fromkeys([*section.creates, *made]))
        needs = tuple(sorted({*section.needs, *reasons.get(section.number, ())}))
        result.append(replace(section, creates=creates, needs=needs))
    return tuple(result)


def _located(problems: list[Problem], file: _File) -> list[Problem]:
    """Fill in the section of each problem by its line."""
    starts = [(file.source.line(header.start), header.number) for header in file.headers]
    result = []
    for problem in problems:
        before = [number for line, number in starts if line <= problem.line]
        section = problem.section if problem.section is not None else (before[-1] if before else None)
        result.append(replace(problem, section=section))
    return result


def with_population(content: bytes, block: str) -> bytes:
    """The same bytes with ``block`` between the line of the begin marker and the line of the end marker.

    Raises ``ScriptInvalid`` when the file cannot be read or the markers do not stand exactly once each.
    """
    source = opened(content)
    _, tokens = scanned(source, content, 0)
    pair = markers(source, tokens)
    if pair is None and not source.faults:
        source.refuse("V7S026", 0, "the file has no population markers", "Add them after Section 8.")
    if source.faults or pair is None:
        raise ScriptInvalid(source.faults)
    first = content.index(b"\n", pair[0].start) + 1
    last = content.rfind(b"\n", 0, pair[1].start) + 1
    body = block.encode()
    if body and not body.endswith(b"\n"):
        body += b"\n"
    return content[:first] + body + content[last:]
