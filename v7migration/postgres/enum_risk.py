"""How risky it is to put one enum type in the place of another, computed from what is known. Pure, with its reasons.

The risk is the worst of these, each with the sentence that explains it:

==================  ======================  =====================  ==================
what                medium from             high from              critical from
==================  ======================  =====================  ==================
rows to rewrite     100,000 (or unknown)    1,000,000              10,000,000
dependants          3                       10
code uses           5                       50
by hand             1                       5
lost information                            one merged label       with rows in it
==================  ======================  =====================  ==================

Rows are those of every table whose column changes its type: PostgreSQL writes each table anew under an ACCESS EXCLUSIVE
lock. Dependants are views, functions, constraints, indexes, triggers and whatever else the catalogs record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

LEVELS = ("low", "medium", "high", "critical")
ROWS = (100_000, 1_000_000, 10_000_000)
DEPENDANTS = (3, 10)
CODE_USES = (5, 50)
BY_HAND = (1, 5)


@dataclass(frozen=True)
class Facts:
    """What the risk of one type rests on."""

    rows: int | None
    """Rows of the tables that are written anew; None where that is not known."""
    dependants: int
    """Objects that use the type, its columns aside."""
    code_uses: int | None
    """Places in the source that name the type or its values; None where no source was scanned."""
    by_hand: int
    """Objects that no script changes."""
    merged: Mapping[str, Sequence[str]]
    """Canonical labels that two or more labels become."""
    merged_rows: int | None
    """Rows that hold a merged label; None where that is not known."""


@dataclass(frozen=True)
class Reason:
    """One ground of a risk: its level and a sentence."""

    level: str
    sentence: str


def assess(facts: Facts) -> tuple[str, list[Reason]]:
    """Return the risk (``low`` to ``critical``) and its grounds, the worst first."""
    reasons = [
        _rows(facts.rows),
        _counted(facts.dependants, DEPENDANTS, "{} object{} depend on it beside its columns"),
        _code(facts.code_uses),
        _counted(facts.by_hand, BY_HAND, "{} object{} need hand work: no script changes them"),
    ]
    if facts.merged:
        lossy = facts.merged_rows is None or facts.merged_rows > 0
        held = "an unknown number of rows" if facts.merged_rows is None else f"about {facts.merged_rows:,} rows"
        pairs = "; ".join(f"{', '.join(map(repr, old))} become {new!r}" for new, old in facts.merged.items())
        reasons.append(Reason(LEVELS[3 if lossy else 2], f"Information is lost for {held}: {pairs}."))
    reasons.sort(key=lambda reason: -LEVELS.index(reason.level))
    return reasons[0].level, reasons


def _rows(rows: int | None) -> Reason:
    if rows is None:
        return Reason("medium", "How many rows are rewritten is not known: analyze the tables or count.")
    level = LEVELS[sum(rows >= least for least in ROWS)]
    return Reason(level, f"About {rows:,} row{'' if rows == 1 else 's'} are rewritten under an exclusive lock.")


def _counted(number: int, steps: Sequence[int], words: str) -> Reason:
    return Reason(
        LEVELS[sum(number >= least for least in steps)], words.format(number, "" if number == 1 else "s") + "."
    )


def _code(uses: int | None) -> Reason:
    if uses is None:
        return Reason("low", "No source was scanned: code that names it is not counted.")
    return _counted(uses, CODE_USES, "{} place{} in the source name it or its values")
