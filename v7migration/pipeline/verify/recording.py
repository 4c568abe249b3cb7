"""Each check of a validation as a row of v7_test_results, with its evidence, written in one transaction."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import DatabaseError

from tracking.actors import Actor
from tracking.choices import TestStatus, TestType
from tracking.models import TestResult
from tracking.services import test_results_delete, test_results_record
from tracking.services.writing import writing
from v7migration.errors import V7Error
from v7migration.ledger.models import Validation
from v7migration.pipeline.grading import grade
from v7migration.postgres.queries import Check

PREFIX = "v7_verify: "
MOST = 500
"""Rows at most; a validation of more checks records the failed ones first, and the rest as one row."""
ROWS = 60
"""Rows of a check's result that a row keeps as evidence; the validation itself keeps them all."""
LONGEST = 4_000
TYPES = (
    ("rows ", TestType.SMOKE), ("view ", TestType.PERFORMANCE), ("rollback proof", TestType.REGRESSION),
    ("integrity", TestType.REGRESSION), ("home", TestType.REGRESSION), ("4.", TestType.SMOKE), ("2.", TestType.SMOKE),
)  # fmt: skip
"""By the beginning of a check's name: rows and the document's queries are tried, views timed, what was there kept."""


def record(checks: Sequence[Check], *, validation: UUID, actor: Actor) -> tuple[int, str]:
    """Write the rows and return how many, or none and why they could not be written."""
    chosen = sorted(checks, key=lambda check: check.ok)[:MOST] if len(checks) > MOST else list(checks)
    results = [_result(check, validation) for check in chosen]
    why = f"v7_verify, validation {validation}"
    try:
        with writing(actor=actor, reason=why):
            _clear(actor)
            test_results_record(actor=actor, results=results, reason=why)
    except V7Error as error:
        return 0, error.message
    except DatabaseError as error:
        return 0, str(error).strip().splitlines()[0]
    return len(results), ""


def _clear(actor: Actor) -> None:
    """Delete the rows of validations that died before they were on file; their history keeps them."""
    rows = TestResult.objects.filter(component_tested__startswith=PREFIX, performance_metrics__has_key="validation")
    told = set(rows.values_list("performance_metrics__validation", flat=True).distinct())
    lost = told - {str(key) for key in Validation.objects.values_list("pk", flat=True)}
    if lost:
        again = rows.filter(performance_metrics__validation__in=sorted(map(str, lost)))
        test_results_delete(results=again, actor=actor, reason="v7_verify: it was interrupted and is not on file")


def _result(check: Check, validation: UUID) -> dict[str, Any]:
    kind = next((kind for start, kind in TYPES if check.name.startswith(start)), TestType.SYSTEM)
    wrong = f"expected {check.expected}; found {check.actual}" if not check.ok else ""
    more = "\n".join(check.differences)
    return {
        "test_type": str(kind),
        "component_tested": f"{PREFIX}{check.name}"[:500],
        "test_status": str(TestStatus.PASS if check.ok else TestStatus.FAIL),
        "error_details": _clean(f"{wrong}\n{more}".strip()) if wrong else "",
        "performance_metrics": _evidence(check) | {"validation": str(validation)},
        "backwards_compatible": check.ok if kind == TestType.REGRESSION else None,
        "retest_required": not check.ok,
        "notes": f"{check.title}. Validation {validation}." + ("" if check.ok else f" Graded {grade(check)}."),
    }


def _evidence(check: Check) -> dict[str, Any]:
    """Return what was expected and found, the query, its result and its time, each within bounds."""
    found = {
        "expected": check.expected, "actual": check.actual, "sql": check.sql, "milliseconds": check.milliseconds,
        "columns": list(check.columns), "rows": [list(row) for row in check.rows[:ROWS]], "of_rows": len(check.rows),
        "note": check.note, "repair": "\n".join(check.repair),
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(found, default=str), object_hook=_shortened)
    return plain


def _shortened(found: dict[str, Any]) -> dict[str, Any]:
    rows = [[_clean(str(value)) for value in row] for row in found["rows"]]
    texts = {key: _clean(value) for key, value in found.items() if isinstance(value, str)}
    return {**found, **texts, "rows": rows}


def _clean(text: str) -> str:
    """Shorten a text, without the one character that PostgreSQL cannot store."""
    return text.replace("\x00", "")[:LONGEST]
