"""Everything that is known against exactly these bytes: by reading, by the target's catalogs, by Squawk, by rehearsal.

The review shows it, the freeze keeps it; neither stage imports the other.
"""

from __future__ import annotations

import bisect
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from v7migration.ledger.models import Rehearsal, Run, RunState, RunStep
from v7migration.postgres import squawk
from v7migration.postgres.script import (
    ACCEPT,
    ADVICE,
    REFUSE,
    Problem,
    Script,
    ScriptInvalid,
    parse,
    problems,
    problems_besides,
)
from v7migration.postgres.script.against import CONFLICT
from v7migration.postgres.script.objects import dropped

HELD_LONG = 100  # milliseconds for which a lock that stops others is worth a word
STOPS_WRITERS = frozenset({"ShareLock", "ShareRowExclusiveLock", "ExclusiveLock", "AccessExclusiveLock"})
Finding = dict[str, Any]


@dataclass(frozen=True)
class Found:
    """The findings, the script where it can be read, and what could not be asked."""

    findings: list[Finding]
    script: Script | None
    squawk: dict[str, Any] = field(default_factory=dict)

    @property
    def verdict(self) -> str:
        """Return ``refuse``, ``accept`` (a person must accept something) or ``clean``."""
        severities = {finding["severity"] for finding in self.findings}
        return REFUSE if REFUSE in severities else ACCEPT if ACCEPT in severities else "clean"


def collect(content: bytes, *, document: Mapping[str, Any] | None, rehearsal: Rehearsal | None) -> Found:
    """Collect the findings about a script, by line.

    Args:
        content: the script.
        document: the catalogs of the target; None leaves that comparison out.
        rehearsal: a rehearsal of exactly these bytes, if there is one.

    Returns:
        Findings ``{"id", "key", "severity", "section", "line", "message", "hint", "statement"}``: ``id`` names the
        rule, ``key`` the finding, whatever moves above it; ``line`` is 1-based, ``statement`` is the SHA-256 of the
        text of the statement on which it stands ('' for none).
    """
    try:
        script = parse(content)
    except ScriptInvalid as invalid:
        told, texts = problems_besides(invalid, document), _texts(invalid.rest) if invalid.rest else []
        note = "Squawk was not asked: the script cannot be read as a whole."
        return Found(
            _named([_finding(problem, _text_at(texts, problem.line)) for problem in told]), None, {"note": note}
        )
    ours = problems(script, document)
    if _own_run_stands():
        ours = [problem for problem in ours if problem.id != CONFLICT]
    linted = squawk.lint(script, ours)
    everything = [*ours, *linted.problems, *(rehearsed(script, rehearsal.report) if rehearsal else ())]
    everything.sort(key=lambda problem: (problem.line, problem.id, problem.message))
    texts = _texts(script)
    found = _named([_finding(problem, _text_at(texts, problem.line)) for problem in everything])
    return Found(found, script, linted.as_dict())


def newest_rehearsal(sha256: str) -> Rehearsal | None:
    """Return the newest rehearsal of a script, green or red."""
    newest: Rehearsal | None = Rehearsal.objects.filter(script_id=sha256).first()
    return newest


def _own_run_stands() -> bool:
    """Say whether a run of ours stands: what the script makes is there, and is its own."""
    runs = Run.objects.filter(kind=Run.Kind.EXECUTE, steps__state=RunStep.State.COMMITTED)
    return bool(runs.exclude(state=RunState.ROLLED_BACK).exists())


def _finding(problem: Problem, statement: str) -> Finding:
    return {
        "id": problem.id, "severity": problem.severity, "section": problem.section, "line": problem.line,
        "message": problem.message, "hint": problem.hint,
        "statement": hashlib.sha256(statement.encode()).hexdigest() if statement else "",
    }  # fmt: skip


def _named(found: list[Finding]) -> list[Finding]:
    """Give each finding a ``key``, its name of its own: from rule, statement and message, and so without its line."""
    seen: Counter[str] = Counter()
    for finding in found:
        whole = "\n".join((finding["id"], finding["statement"], finding["message"]))
        seen[whole] += 1
        finding["key"] = hashlib.sha256(f"{whole}\n{seen[whole]}".encode()).hexdigest()[:16]
    return found


Texts = list[tuple[int, int, str]]


def _texts(script: Script) -> Texts:
    sections = [*script.sections, *(part for part in (script.population, script.rollback) if part is not None)]
    statements = [statement for section in sections for statement in section.statements]
    return sorted((item.line, item.line + item.text.count("\n"), item.text) for item in statements)


def _text_at(texts: Texts, line: int) -> str:
    place = bisect.bisect_right(texts, (line, float("inf"), "")) - 1
    return texts[place][2] if place >= 0 and texts[place][0] <= line <= texts[place][1] else ""


# -- what only a server knows ----------------------------------------------------------------------------------


def rehearsed(script: Script, report: Mapping[str, Any]) -> Iterable[Problem]:
    """What a rehearsal of exactly these bytes saw.

    V7R001 it failed, V7R002 a table that was there is rewritten, V7R003 it is scanned while a lock stops its writers,
    V7R004 such a lock is held for long, V7R005 others depend on what the rollback drops.
    """
    lines = {
        statement.line: section.number for section in script.sections for statement in section.statements
    }  # fmt: skip
    yield from _failures(report)
    yield from _locks(report, lines)
    yield from _dependents(script, report)


def _failures(report: Mapping[str, Any]) -> Iterable[Problem]:
    for failure in report.get("failures", ()):
        state = f" [{failure['sqlstate']}]" if failure.get("sqlstate") else ""
        message = f"the rehearsal failed: {failure['message']}{state}"
        hint = "Correct the script, then rehearse again."
        yield Problem("V7R001", REFUSE, failure.get("section"), max(int(failure.get("line") or 0), 1), message, hint)


def _locks(report: Mapping[str, Any], lines: Mapping[int, int]) -> Iterable[Problem]:
    for lock in report.get("locks", ()):
        place = (lines.get(lock["line"]), lock["line"])
        table, took = lock["relation"].removeprefix("public."), f"{lock['milliseconds']:.0f} ms in the rehearsal"
        stops = lock["mode"] in STOPS_WRITERS
        if lock["rewrote"]:
            message, hint = f"every row of {table} is written anew ({took})", "Fill a new column in batches instead."
            yield Problem("V7R002", ACCEPT, *place, message, hint)
        elif lock["scanned"] and stops:
            message = f"{table} is scanned while {lock['mode']} stops its writers ({took})"
            yield Problem("V7R003", ACCEPT, *place, message, "Validate, or build the index, without that lock.")
    for key, step in report.get("steps", {}).items():
        yield from _held_long(key, step.get("statements", ()), lines)


def _held_long(key: str, statements: Any, lines: Mapping[int, int]) -> Iterable[Problem]:
    """Locks live until the end of their step: the time of the statement itself and of all after it."""
    left = sum(float(account.get("milliseconds", 0)) for account in statements)
    told: set[str] = set()
    for account in statements:
        for lock in account.get("locks", ()):
            if left >= HELD_LONG and lock["mode"] in STOPS_WRITERS and lock["relation"] not in told:
                told.add(lock["relation"])
                table = lock["relation"].removeprefix("public.")
                message = f"{lock['mode']} on {table} was held for {left:.0f} ms in the rehearsal, to the end of {key}"
                hint = "Split the step, or run it when few people write: the rehearsal holds only a sample of the rows."
                line = int(account["line"])
                yield Problem("V7R004", ADVICE, lines.get(line), line, message, hint)
        left -= float(account.get("milliseconds", 0))


def _dependents(script: Script, report: Mapping[str, Any]) -> Iterable[Problem]:
    if script.rollback is None:
        return
    places = {f"{kind} {name}": item.line for item in script.rollback.statements for kind, name in dropped(item)}
    for entry in report.get("dependents", {}).get("target", ()):
        line = places.get(entry["depends_on"], script.rollback.line)
        effect = "stops the rollback" if entry["effect"] == "stops the drop" else "is lost with the rollback"
        message = f"{entry['object']} depends on {entry['depends_on']} and {effect}"
        hint = "Ask whoever made it: it must go, or move, before the rollback can run."
        yield Problem("V7R005", ACCEPT, script.rollback.number, line, message, hint)
