"""How bad a failed check is, and the incident it becomes (document 5.3: document failures, assess criticality)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from tracking.choices import Risk, highest
from v7migration.postgres.queries import Check

GRADES: dict[str, str] = {
    **dict.fromkeys(("integrity", "home", "tables", "2.2.1", "2.2.2", "4.3 phases"), Risk.CRITICAL),
    **dict.fromkeys(("constraints", "triggers", "grants", "shape", "4.1", "4.4"), Risk.HIGH),
    **dict.fromkeys(("rollback proof", "record"), Risk.HIGH),
    **dict.fromkeys(("indexes", "invalid indexes", "views", "unexpected objects", "4.2"), Risk.MEDIUM),
    "rest of the schema": Risk.MEDIUM,
}
"""Critical: data, integrity, home, missing tables. High: what guards rows, and their way back. Medium: what finds and
shows them."""
ROWS, SHAPE, VIEW = "rows ", "shape", "view "
ONLY_INDEX_OR_VIEW = re.compile(r"(?:(?:unexpected|missing): )?(?:view |[^:]+: index )")


def grade(check: Check) -> str:
    """Return how bad it is that this check fails: ``low``, ``medium``, ``high`` or ``critical``.

    A shape that differs in indexes and views only is no worse than those.
    """
    if check.name.startswith(SHAPE):
        only = check.differences and all(ONLY_INDEX_OR_VIEW.match(sentence) for sentence in check.differences)
        return Risk.MEDIUM if only else Risk.HIGH
    if check.name.startswith(ROWS):
        return Risk.HIGH
    if check.name.startswith(VIEW):
        return Risk.MEDIUM
    return GRADES.get(check.name, Risk.LOW)


def graded(checks: Iterable[Check]) -> list[dict[str, Any]]:
    """Return ``name``, ``title``, ``expected``, ``actual``, ``grade``, ``repair`` of each failed check, worst first."""
    order = [Risk.CRITICAL, Risk.HIGH, Risk.MEDIUM, Risk.LOW]
    failed = [
        {
            "name": c.name,
            "title": c.title,
            "expected": c.expected,
            "actual": c.actual,
            "grade": str(grade(c)),
            "repair": list(c.repair),
        }
        for c in checks
        if not c.ok
    ]
    return sorted(failed, key=lambda failure: order.index(Risk(failure["grade"])))


def worst(failures: Sequence[dict[str, Any]]) -> str:
    """Return the highest grade of some failures, ``low`` of none."""
    return highest([failure["grade"] for failure in failures]) or Risk.LOW
