"""The demo without DART: people record by hand the ids of the tasks that they made there."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING

from tracking.catalogue import DATABASE_PHASE
from tracking.selectors import phase_tasks
from v7migration.ledger.models import Run
from v7migration.pipeline.integrate.dart.recording import overview
from v7migration.pipeline.tasks import integration_missing

if TYPE_CHECKING:
    from v7migration.demo.scenario import Scenario

PERSON = "dev"
INTEGRATION = "2.3.2"


def record_what_waits(scenario: Scenario) -> None:
    """Record an id for the request for review, and for the kickoff of Phase 5, where one of them waits for it."""
    for row in overview()["by_hand"]:
        dart_id = secrets.token_hex(6)
        scenario.browser(PERSON).post("dart/record/", form="dart/", delivery=str(row.pk), dart_id=dart_id)
        scenario.say(f"DART            “{row.words}”: {PERSON} recorded {dart_id} by hand")


def record_task(scenario: Scenario, run: Run) -> None:
    """Record an id for the integration's own task, where people executed before anything else of it was in DART."""
    if not integration_missing(run):
        return
    task = next(task for task in phase_tasks(DATABASE_PHASE) if task.document_number == INTEGRATION)
    page, dart_id = f"tasks/{task.pk}/", secrets.token_hex(6)
    scenario.browser(PERSON).post(f"{page}dart/", form=page, dart_id=dart_id)
    scenario.say(f"DART            “{task.task_name}”: {PERSON} recorded {dart_id} by hand")
