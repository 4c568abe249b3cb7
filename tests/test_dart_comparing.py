"""Both sides of a task: who changed what, whose word holds, and that both values are shown."""

from __future__ import annotations

import pytest

from tests.dart import StandIn
from tests.test_dart import dart, passed
from tests.world import World
from tracking.choices import TaskStatus
from tracking.machines import TASK
from tracking.models import SubworkflowTask
from tracking.services import task_block, task_start
from v7migration.ledger.models import DartLink, Event
from v7migration.pipeline.integrate.dart import comparing, content

__all__ = ["dart"]


@pytest.fixture
def twins(rolled_back: World, dart: StandIn) -> World:
    """Every task has its twin in DART; what the test writes is taken back."""
    passed(rolled_back)
    return rolled_back


def task(phase: int, number: int) -> SubworkflowTask:
    """Return a task as it stands."""
    return SubworkflowTask.objects.get(parent_phase__phase_number=phase, task_number=number)


def twin(held: StandIn, row: SubworkflowTask) -> dict[str, object]:
    """Return what the stand-in holds of a task."""
    return held.tasks[row.dart_task_id or ""]


def test_a_state_that_only_dart_changed_comes_into_the_table_as_the_operator(twins: World, dart: StandIn) -> None:
    twin(dart, task(1, 2))["status"] = "Doing"
    (said,) = passed(twins, "dana")["differences"]
    assert (said["table"], said["dart"], said["kept"]) == ("pending", "Doing", "DART")
    row = task(1, 2)
    assert (row.status, row.started_at is None) == (TaskStatus.IN_PROGRESS, False)
    newest = row.history.first()
    assert (newest.history_user_id, "Doing" in newest.history_change_reason) == ("dana", True)
    assert Event.objects.get(kind="dart.taken").actor == "dana"
    assert passed(twins, "dana")["differences"] == []
    assert twin(dart, row)["startAt"] == f"{row.started_at:%Y-%m-%d}"


def test_a_card_that_was_dragged_to_done_takes_every_step_of_the_way(twins: World, dart: StandIn) -> None:
    twin(dart, task(1, 1))["status"] = "Done"
    passed(twins, "ada")
    assert task(1, 1).status == TaskStatus.COMPLETED
    states = list(task(1, 1).history.order_by("history_date").values_list("status", flat=True))
    assert list(dict.fromkeys(states)) == ["pending", "in_progress", "review", "completed"]


def test_without_a_person_who_may_the_difference_stands_and_both_values_are_shown(twins: World, dart: StandIn) -> None:
    twin(dart, task(1, 2))["status"] = "Doing"
    for name in ("", "otto", ""):
        (said,) = passed(twins, name)["differences"]
        assert (said["kept"], said["dart"]) == ("", "Doing")
    assert (task(1, 2).status, twin(dart, task(1, 2))["status"]) == (TaskStatus.PENDING, "Doing")
    page = twins.client("otto").get("/dart/").content.decode()
    assert "nobody decided" in page
    assert "holder of Data Sentinel" in page
    passed(twins, "dana")
    assert task(1, 2).status == TaskStatus.IN_PROGRESS
    assert DartLink.objects.exclude(differences=[]).count() == 0


def test_on_conflict_the_table_wins_and_both_values_are_shown(twins: World, dart: StandIn) -> None:
    task_start(task=task(1, 2), actor=twins.actor("dana"))
    task_block(task=task(1, 2), actor=twins.actor("dana"), reason="no access")
    twin(dart, task(1, 2))["status"] = "Review"
    (said,) = passed(twins, "dana")["differences"]
    assert (said["table"], said["dart"], said["kept"]) == ("blocked", "Review", "table")
    held = twin(dart, task(1, 2))
    assert (held["status"], "blocker" in held["tags"], "layer-1" in held["tags"]) == ("Blocked", True, True)  # type: ignore[operator]
    event = Event.objects.get(kind="dart.conflict")
    assert (event.payload["table"], event.payload["dart"]) == ("blocked", "Review")
    page = twins.client("otto").get("/dart/").content.decode()
    assert "blocked" in page
    assert "the table wins on state" in page


def test_a_state_that_follows_evidence_is_never_taken_from_dart(twins: World, dart: StandIn) -> None:
    twin(dart, task(4, 1))["status"] = "Done"
    (said,) = passed(twins, "ada")["differences"]
    assert (said["kept"], said["why"]) == ("table", "The state follows the evidence.")
    assert (task(4, 1).status, twin(dart, task(4, 1))["status"]) == (TaskStatus.PENDING, "To-do")


def test_a_step_that_must_wait_is_refused_and_the_table_wins(twins: World, dart: StandIn) -> None:
    twin(dart, task(1, 5))["status"] = "Doing"
    passed(twins, "ada")
    assert task(1, 5).status == TaskStatus.PENDING
    event = Event.objects.get(kind="dart.conflict")
    assert "it waits for" in event.payload["why"]
    passed(twins, "ada")
    assert twin(dart, task(1, 5))["status"] == "To-do"


def test_an_unknown_state_of_dart_changes_nothing_in_the_table(twins: World, dart: StandIn) -> None:
    dart.statuses.append("Marinating")
    twin(dart, task(1, 2))["status"] = "Marinating"
    (said,) = passed(twins, "dana")["differences"]
    assert said["kept"] == "table"
    assert (task(1, 2).status, twin(dart, task(1, 2))["status"]) == (TaskStatus.PENDING, "To-do")


def test_titles_are_the_tables_and_tags_dates_and_people_are_darts(twins: World, dart: StandIn) -> None:
    held = twin(dart, task(1, 1))
    title = held["title"]
    held |= {"title": "renamed", "tags": ["urgent"], "dueAt": "2026-12-01", "assignees": ["sam@example.org"]}
    said = {found["field"]: found for found in passed(twins)["differences"]}
    assert (said["title"]["kept"], said["title"]["dart"]) == ("table", "renamed")
    assert (said["assignee"]["kept"], said["assignee"]["dart"]) == ("DART", "sam@example.org")
    assert (held["title"], held["dueAt"], held["assignees"]) == (title, "2026-12-01", ["sam@example.org"])
    assert held["tags"] == ["urgent", "v7-assessment"]
    assert [found["field"] for found in passed(twins)["differences"]] == ["assignee"]


def test_a_description_belongs_to_the_people_in_dart(twins: World, dart: StandIn) -> None:
    held = twin(dart, task(1, 1))
    held["description"] = "our own words"
    task_start(task=task(1, 1), actor=twins.actor("ada"))
    passed(twins)
    assert (held["description"], held["status"]) == ("our own words", "Doing")


def test_every_state_has_a_word_in_every_usual_workspace() -> None:
    for offered in (["To-do", "Doing", "Done"], ["Todo", "In Progress", "Done"], ["Backlog", "Started", "Completed"]):
        assert all(content.status_title(status, offered) for status in TaskStatus.values), offered
    assert content.status_title("pending", ["A", "B"]) == ""
    assert content.statuses_meant("Nonsense") == []


def test_every_way_between_two_states_is_one_of_transitions() -> None:
    jumps = {(jump.name, jump.source): jump.target for jump in TASK.jumps}
    for start in TaskStatus.values:
        for end in TaskStatus.values:
            state = start
            for name in comparing.way(start, end):
                state = jumps[name, state]
            assert state in (start, end)
    assert comparing.way("pending", "completed") == ["start", "submit", "complete"]
    assert comparing.way("completed", "pending") == comparing.way("cancelled", "pending") == []
