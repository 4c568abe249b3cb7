"""The page of the performance baseline: what was measured, before a run and after it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from django.urls import reverse

from tests.world import World
from v7migration.ledger.models import Baseline
from v7migration.pipeline import inventory


def shown(world: World, *key: object) -> str:
    answer = world.client("otto").get(reverse("baseline", args=key))
    assert answer.status_code == 200
    return answer.content.decode()


def test_before_the_first_measurement_the_page_says_how_one_is_taken(world: World) -> None:
    assert "Nothing was measured yet" in shown(world)


def test_queries_sizes_and_indexes_of_the_newest_baseline_are_shown(world: World) -> None:
    _, found = inventory.take(actor=world.actor("ada"), only="baseline")
    page = shown(world)
    assert "by ada" in page and "before a run" in page
    assert found["baseline"]["queries"] and all(query["name"] in page for query in found["baseline"]["queries"])
    assert all(size["name"] in page for size in found["baseline"]["sizes"])
    assert all(index["name"] in page for index in found["baseline"]["indexes"])


def test_an_earlier_measurement_has_an_address_of_its_own(world: World) -> None:
    first = inventory.take(actor=world.actor("ada"), only="baseline")[1]["baseline"]["id"]
    inventory.take(actor=world.actor("lena"), only="baseline")
    assert "by lena" in shown(world) and "by ada" in shown(world, first)
    assert reverse("baseline", args=[first]) in shown(world)
    assert world.client("otto").get(reverse("baseline", args=[uuid4()])).status_code == 404


def test_what_a_role_may_not_read_and_older_documents_are_shown_as_far_as_they_go(world: World) -> None:
    query: dict[str, Any] = {
        "name": "q",
        "error": "permission denied for table x",
        "milliseconds_min": None,
        "plan": [],
    }
    Baseline.objects.create(target_name="t", document={"queries": [query], "faults": ["sizes stayed locked"]})
    page = shown(world)
    assert "permission denied for table x" in page and "sizes stayed locked" in page and "None could be read" in page
