"""What pages show of a script; scripts never change, so what was read once is kept."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from v7migration.ledger.models import Script
from v7migration.pipeline.planning import plan_of
from v7migration.postgres import script as scripts


@dataclass(frozen=True)
class Part:
    """A piece of the script's text as a page shows it: the lines from one section's header to the next."""

    anchor: str
    number: int | None
    title: str
    purpose: str
    first: int
    lines: tuple[str, ...]

    @property
    def last(self) -> int:
        """Return the number of the last line."""
        return self.first + len(self.lines) - 1


@lru_cache(maxsize=8)
def parsed(sha256: str) -> scripts.Script:
    """Return the parsed script that is stored under a SHA-256."""
    return scripts.parse(bytes(Script.objects.get(pk=sha256).content))


@lru_cache(maxsize=8)
def plan(sha256: str) -> dict[str, Any]:
    """Return the plan of a stored script: sections in execution order with the reason of each deviation."""
    return plan_of(parsed(sha256))


@lru_cache(maxsize=8)
def sections(sha256: str) -> tuple[Part, ...]:
    """Return the script's text, every line of it, cut at the sections."""
    script = parsed(sha256)
    lines = script.content.decode(errors="replace").removesuffix("\n").split("\n")  # as the server counts lines
    named = [*script.sections, *(s for s in (script.population, script.rollback) if s is not None)]
    starts = sorted((_header(lines, section.line), section) for section in named)
    cuts: list[tuple[int, Any]] = list(starts)
    if not cuts or cuts[0][0] > 1:
        cuts.insert(0, (1, None))
    ends = [first for first, _ in cuts[1:]] + [len(lines) + 1]
    return tuple(
        Part(
            anchor=f"section-{section.number}" if section else "head",
            number=section.number if section else None,
            title=section.title if section else "Head of the file",
            purpose=section.purpose if section else "",
            first=first,
            lines=tuple(lines[first - 1 : end - 1]),
        )
        for (first, section), end in zip(cuts, ends, strict=True)
        if end > first
    )


def _header(lines: list[str], line: int) -> int:
    """Return the line on which a section's header begins: a rule above its title belongs to it."""
    above = line - 2
    return line - 1 if 0 <= above < len(lines) and lines[above].startswith(("-- ==", "-- --", "----")) else line
