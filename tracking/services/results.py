"""Test results: recorded once, corrected by recording again."""

from __future__ import annotations

from typing import Any

from tracking.actors import Actor
from tracking.models import TestResult
from tracking.services.writing import change, writing
from v7migration.errors import TransitionRefused

CONTENT = frozenset(
    {
        "test_type",
        "component_tested",
        "v7_file_path",
        "test_status",
        "error_details",
        "performance_metrics",
        "backwards_compatible",
        "retest_required",
        "notes",
    }
)


def test_result_record(*, actor: Actor, reason: str = "", **content: Any) -> TestResult:
    """Record a test result in the actor's name; ``content`` holds its fields (see ``CONTENT``).

    Raises:
        TransitionRefused: the actor holds no persona.
        Refused: a value is not valid.
        Fenced: the rows are being moved.
    """
    if not actor.personas:
        raise TransitionRefused(f"{actor.username} holds no persona and may not record results.")
    result = TestResult(tested_by=actor.username)
    with writing(actor=actor, reason=reason):
        change(result, content, CONTENT)
        result.save()
    return result


test_result_record.__test__ = False  # type: ignore[attr-defined]
