"""Test results: what was measured is recorded once and corrected by recording again; remarks may change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tracking.actors import TEST_SENTINEL, Actor
from tracking.models import TestResult
from tracking.services.writing import NOT_SEEN, SeenAt, change, locked, refuse_stale, writing
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
REMARKS = frozenset({"backwards_compatible", "retest_required", "notes"})


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


def test_result_update(
    *, result: TestResult, actor: Actor, changes: Mapping[str, Any], reason: str = "", seen_at: SeenAt = NOT_SEEN
) -> TestResult:
    """Change the remarks on a result (see ``REMARKS``): by whoever recorded it, or the Test Sentinel.

    Raises:
        TransitionRefused: somebody else.
        InvalidValue: a field that is what was measured, or an invalid value.
        StaleForm: somebody changed it after it was read.
    """
    with writing(actor=actor, reason=reason) as alias:
        row = locked(result, alias)
        refuse_stale(row, alias, seen_at)
        _require_recorder(actor, row, "change")
        change(row, changes, REMARKS)
        row.save()
    return row


def test_result_delete(*, result: TestResult, actor: Actor, reason: str, seen_at: SeenAt = NOT_SEEN) -> None:
    """Delete a result that was recorded by mistake, with a reason; its history keeps it.

    Raises:
        TransitionRefused: neither who recorded it nor the Test Sentinel, or no reason.
        StaleForm: somebody changed it after it was read.
    """
    if not reason.strip():
        raise TransitionRefused("To delete a test result needs a reason.", "Enter why; the history keeps it.")
    with writing(actor=actor, reason=reason) as alias:
        row = locked(result, alias)
        refuse_stale(row, alias, seen_at)
        _require_recorder(actor, row, "delete")
        row.delete(using=alias)


def _require_recorder(actor: Actor, row: TestResult, deed: str) -> None:
    if not actor.personas or (actor.username != row.tested_by and TEST_SENTINEL not in actor.personas):
        raise TransitionRefused(
            f"{actor.username or 'Nobody'} may not {deed} “{row}”.", f"Ask {row.tested_by} or a {TEST_SENTINEL}."
        )


_SERVICES: tuple[Any, ...] = (test_result_record, test_result_update, test_result_delete)
for _service in _SERVICES:
    _service.__test__ = False
