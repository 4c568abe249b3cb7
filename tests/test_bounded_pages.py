"""The pages of review and inventory ask the databases the same number of questions, however much there is to show."""

from __future__ import annotations

import uuid

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.world import World
from tracking.models import EnumMigration
from tracking.services import impact_create
from v7migration.ledger.models import Baseline, EnumDecision, Inventory, Review
from v7migration.pipeline import acceptance, consolidation

MANY = 12


def questions(world: World, address: str) -> int:
    """Return how many queries a page makes in both databases, once its caches are warm."""
    client = world.client("otto")
    client.get(address)
    with CaptureQueriesContext(connections["default"]) as here, CaptureQueriesContext(connections["target"]) as there:
        assert client.get(address).status_code == 200
    return len(here) + len(there)


def more(world: World) -> None:
    """Add much more of everything that these pages show."""
    review, group = Review.objects.latest("at"), consolidation.groups()[0]
    inventory = Inventory.objects.filter(part="code").first()
    assert inventory is not None
    for number in range(MANY):
        Review.objects.create(script=review.script, by="lena", verdict=review.verdict, document=review.document)
        Baseline.objects.create(target_name="t", document={"queries": []})
        EnumDecision.objects.create(
            group=f"gone{number}", number=1, by="dana", verdict="rejected", reason="x", inventory=group.inventory,
            document={"members": []},
        )  # fmt: skip
        impact_create(
            actor=world.actor("dana"), change_type="enum", impact_description=f"Impact {number}", affected_layers=[1],
            affected_workflows=["WF4"], risk_assessment="low", mitigation_strategy="None needed.",
        )  # fmt: skip
    document = inventory.document
    document["changes"] += [{**document["changes"][0], "migration": str(uuid.uuid4())} for _ in range(MANY)]
    Inventory.objects.create(part="code", subject=inventory.subject, document=document)


@pytest.fixture
def addresses(frozen: World) -> list[str]:
    change = EnumMigration.objects.get(current_enum_name="place_curation_status")
    group = next(group for group in consolidation.groups() if len(group.members) > 3)
    return [
        reverse("reviews"), reverse("review", args=[Review.objects.latest("at").pk]), reverse("enum-groups"),
        reverse("enum-group", args=[group.key]), reverse("dependencies"), reverse("file-inventory"),
        f"{reverse('file')}?path=src/models/places_staging.py", reverse("baseline"), reverse("code-map"),
        reverse("code-map-change", args=[change.pk]),
    ]  # fmt: skip


def test_more_to_show_never_asks_more_questions(frozen: World, addresses: list[str]) -> None:
    before = {address: questions(frozen, address) for address in addresses}
    more(frozen)
    after = {address: questions(frozen, address) for address in addresses}
    assert {
        address: (before[address], after[address]) for address in addresses if after[address] > before[address]
    } == {}


def test_the_list_of_reviews_counts_what_the_reviews_hold(frozen: World) -> None:
    review = Review.objects.latest("at")
    (row,) = [row for row in acceptance.listed(100) if row["review"].pk == review.pk]
    assert row["findings"] == len(review.document["findings"]) > 0
    assert row["waiting"] == len(acceptance.waiting(review.script_id, review.document["findings"])) == 0
    other = {"id": "V7S999", "line": 1, "severity": "accept", "message": "not accepted yet", "hint": ""}
    document = {**review.document, "findings": [other, *review.document["findings"]]}
    Review.objects.create(script=review.script, by="lena", verdict="accept", document=document)
    assert [row["waiting"] for row in acceptance.listed(2)] == [1, 0]
