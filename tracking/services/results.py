"""Test results: what was measured is recorded once and corrected by recording again; remarks may change."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
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
    return test_results_record(actor=actor, results=[content], reason=reason)[0]


def test_results_record(
    *,
    actor: Actor,
    results: Iterable[Mapping[str, Any]],
    reason: str = "",
    only_if: Callable[[str], bool] = lambda alias: True,
) -> list[TestResult]:
    """Record test results in the actor's name in one transaction, all or none, and return them.

    Args:
        results: the fields of each (see ``CONTENT``).
        only_if: asked inside the transaction, with the database's alias; where it says no, nothing is recorded.

    Raises:
        TransitionRefused: the actor holds no persona.
        Refused: a value is not valid; nothing was recorded.
        Fenced: the rows are being moved.
    """
    if not actor.personas:
        raise TransitionRefused(f"{actor.username} holds no persona and may not record results.")
    rows = []
    with writing(actor=actor, reason=reason) as alias:
        for content in results if only_if(alias) else ():
            row = TestResult(tested_by=actor.username)
            change(row, content, CONTENT)
            row.save()
            rows.append(row)
    return rows


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


def test_results_delete(*, results: Iterable[TestResult], actor: Actor, reason: str) -> int:
    """Delete results that nobody can stand for any more, in one transaction, and return how many; see
    :func:`test_result_delete`."""
    with writing(actor=actor, reason=reason) as alias:
        found = list(results)
        for result in found:
            row = locked(result, alias)
            _require_recorder(actor, row, "delete")
            row.delete(using=alias)
    return len(found)


def _require_recorder(actor: Actor, row: TestResult, deed: str) -> None:
    if not actor.personas or (actor.username != row.tested_by and TEST_SENTINEL not in actor.personas):
        raise TransitionRefused(
            f"{actor.username or 'Nobody'} may not {deed} “{row}”.", f"Ask {row.tested_by} or a {TEST_SENTINEL}."
        )


_SERVICES: tuple[Any, ...] = (
    test_result_record, test_results_record, test_result_update, test_result_delete, test_results_delete,
)  # fmt: skip
for _service in _SERVICES:
    _service.__test__ = False
