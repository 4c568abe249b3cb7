"""The page of one file, and its way from the lists: score with reasons, impacts of its layer, changes that touch it."""

from __future__ import annotations

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.world import World
from tracking.models import EnumMigration, File
from tracking.services import impact_create
from v7migration.ledger.models import Inventory
from v7migration.pipeline import inventory
from v7migration.pipeline.inventory import known_file

MODEL = "src/models/places_staging.py"
QUERIES = 24


@pytest.fixture
def surveyed(world: World) -> World:
    """Files and code of the demo are surveyed, groups are accepted, and an impact is filed for the models."""
    inventory.take(actor=world.actor("ada"), only="enums")
    world.accept_groups()
    for part in ("files", "code"):
        inventory.take(actor=world.actor("ada"), only=part)
    impact_create(
        actor=world.actor("dana"), change_type="enum", impact_description="The status types of models merge.",
        affected_layers=[1, 2], affected_workflows=["WF4"], risk_assessment="medium", mitigation_strategy="Cast first.",
    )  # fmt: skip
    return world


def shown(world: World, path: str, status: int = 200) -> str:
    answer = world.client("otto").get(reverse("file"), {"path": path} if path else {})
    assert answer.status_code == status
    return answer.content.decode()


def test_the_score_stands_with_its_reasons(surveyed: World) -> None:
    document = Inventory.objects.get(part="files").document
    entry = next(entry for entry in document["impacts"] if entry["path"] == MODEL)
    page = shown(surveyed, MODEL)
    assert f"{entry['score']} of 10" in page
    assert entry["reasons"] and all(reason in page for reason in entry["reasons"])
    assert f'href="{reverse("dependencies")}?table={entry["enums"][0]}"' in page


def test_before_the_run_imports_and_dependents_stand_on_the_page_and_in_the_document(surveyed: World) -> None:
    document = Inventory.objects.get(part="files").document
    entries = {entry["path"]: entry for entry in document["impacts"]}
    needed = entries[MODEL]["dependencies"]
    assert needed and MODEL in entries[needed[0]]["dependents"]
    page = shown(surveyed, MODEL)
    assert all(f">{path}</a>" in page for path in needed)
    assert f">{MODEL}</a>" in shown(surveyed, needed[0])


def test_impacts_that_name_the_layer_are_reached_from_the_file_and_others_are_not(surveyed: World) -> None:
    assert "The status types of models merge." in shown(surveyed, MODEL)
    router = File.objects.filter(layer_number=3).first()
    assert router is not None
    assert "The status types of models merge." not in shown(surveyed, router.file_path)


def test_the_changes_that_touch_a_file_lead_to_its_lines(surveyed: World) -> None:
    change = EnumMigration.objects.get(current_enum_name="place_curation_status")
    page = shown(surveyed, MODEL)
    address = f"{reverse('code-map-change', args=[change.pk])}?path="
    assert address in page
    found = known_file.known(MODEL)
    assert found is not None
    mine = next(entry for entry in found.changes if entry["migration"] == str(change.pk))
    assert mine["counts"]["lines"] == len(mine["lines"]) > 5 and mine["counts"]["breaking"] > 0


def test_orphans_phantoms_and_violations_are_named_as_such(surveyed: World) -> None:
    document = Inventory.objects.get(part="files").document
    assert "orphan: not in file_audit" in shown(surveyed, document["orphans"][0])
    assert "phantom: no such file" in shown(surveyed, document["phantoms"][0])
    wrong = document["violations"][0]
    assert "violates the standard" in shown(surveyed, wrong["path"])


def test_a_path_of_the_audit_with_another_root_is_found(surveyed: World) -> None:
    rules = [{"taken": "old/", "put": "src/", "rows": 1}]
    assert known_file._audited("src/models/base.py", rules) == File.objects.get(file_path="src/models/base.py")
    with surveyed.owner() as owner:
        owner.execute("UPDATE file_audit SET file_path = 'old/models/base.py' WHERE file_path = 'src/models/base.py'")
    found = known_file._audited("src/models/base.py", rules)
    assert found is not None and found.file_path == "old/models/base.py"


def test_a_file_that_nobody_knows_gets_a_page_that_says_so(surveyed: World) -> None:
    for path in ("nothing.py", "\0", "x" * 9_000, "../../etc/passwd", "\u202e", "%' OR 1=1", "[]"):
        page = shown(surveyed, path, 200 if path == "\0" else 404)
        assert "Nobody knows this file" in page or "Which file?" in page


def test_before_any_inventory_a_file_of_the_audit_has_a_page(world: World) -> None:
    page = shown(world, MODEL)
    assert "Not weighed" in page and "no code map was taken yet" in page


def test_the_lists_lead_to_the_page_of_each_file(surveyed: World) -> None:
    client = surveyed.client("otto")
    link = f"{reverse('file')}?path="
    assert link in client.get(reverse("files")).content.decode()
    page = client.get(reverse("file-inventory"), {"show": "impacts"}).content.decode()
    assert link in page
    scores = [entry["score"] for entry in Inventory.objects.get(part="files").document["impacts"]]
    assert f'<td class="num">{max(scores)}</td>' in page
    change = EnumMigration.objects.get(current_enum_name="place_curation_status")
    assert link in client.get(reverse("code-map-change", args=[change.pk])).content.decode()


def test_the_page_of_a_file_asks_few_questions(surveyed: World) -> None:
    client = surveyed.client("otto")
    with CaptureQueriesContext(connections["default"]) as asked, CaptureQueriesContext(connections["target"]) as there:
        assert client.get(reverse("file"), {"path": MODEL}).status_code == 200
    assert len(asked) + len(there) <= QUERIES


def test_after_the_run_imports_and_dependents_stand_on_the_page(executed: World) -> None:
    inventory.take(actor=executed.actor("ada"), only="files")
    page = shown(executed, MODEL)
    assert "Is imported by" in page and "V7 status" in page
