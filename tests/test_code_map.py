"""The code map: for each proposed change the files and lines that touch it, by layer and workflow."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.source_trees import write
from tests.world import World
from tracking.models import EnumMigration
from v7migration.errors import Refused
from v7migration.ledger.models import Inventory
from v7migration.pipeline import inventory
from v7migration.pipeline.inventory import code_map


def taken(*words: str) -> dict[str, Any]:
    """Take the inventory with ``--json`` and return its code map."""
    out = StringIO()
    call_command("v7_inventory", "--json", *words, stdout=out, stderr=StringIO())
    return dict(json.loads(out.getvalue())["code"])


def printed(*words: str) -> str:
    """Take the inventory and return what people read."""
    out = StringIO()
    call_command("v7_inventory", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


@pytest.fixture
def proposed(world: World) -> World:
    """The inventory's groups are accepted."""
    inventory.take(actor=world.actor("ada"), only="enums")
    world.accept_groups()
    return world


def change_named(document: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the change of a type."""
    return next(change for change in document["changes"] if change["name"] == name)


def test_each_proposed_change_has_its_layers_workflows_and_lines(proposed: World) -> None:
    document = taken("--only", "code")
    assert {change["name"] for change in document["changes"]} == {
        row.current_enum_name for row in EnumMigration.objects.all()
    }
    change = change_named(document, "place_curation_status")
    certain = {f["path"]: f for f in change["files"] if f["confidence"] == "certain"}
    assert set(certain) == {
        "src/models/places_staging.py",
        "src/schemas/places_staging_schemas.py",
        "src/services/places_staging_service.py",
        "tests/test_staging_editor.py",
    }
    model = certain["src/models/places_staging.py"]
    assert (model["layer"], model["workflows"]) == (1, ["WF2"])
    binding = next(line for line in model["lines"] if line["line"] == 23)
    assert (binding["confidence"], binding["breaking"]) == ("certain", True)
    assert "places_staging.curation_status" in binding["what"]
    assert {1, 2, 4, 7} <= {share["layer"] for share in change["layers"]}
    assert "WF2" in {share["workflow"] for share in change["workflows"]}


def test_the_map_is_kept_as_evidence_and_given_back(proposed: World) -> None:
    assert code_map.latest() is None
    first, second = taken("--only", "code"), taken("--only", "code")
    kept = code_map.latest()
    assert kept is not None and kept["inventory"] == second["inventory"] != first["inventory"]
    assert kept["changes"] == second["changes"] and "taken_at" in kept
    row = Inventory.objects.get(pk=second["inventory"])
    assert row.part == "code" and row.snapshot is not None


def test_a_second_map_parses_nothing_anew(proposed: World) -> None:
    taken("--only", "code")
    assert taken("--only", "code")["totals"]["parsed"] == 0


def test_faults_and_what_a_rename_breaks_are_told(proposed: World) -> None:
    document = taken("--only", "code")
    assert [fault["path"] for fault in document["faults"]] == ["src/services/broken_merge.py"]
    assert "syntax error in line 5" in document["faults"][0]["reason"]
    renamed = {entry["path"]: entry for entry in document["renames"]}
    breaks = renamed["src/models/place_search.py"]["breaks"]
    assert {key: value for key, value in breaks[-1].items() if key != "reason"} == {
        "path": "tests/WF1_V7_L7_1of1_test_single_search.py",
        "line": 1,
    }
    assert document["totals"]["breaking_imports"] == sum(len(entry["breaks"]) for entry in document["renames"])


def test_the_terminal_shows_the_map(proposed: World) -> None:
    text = printed("--only", "code")
    assert "138 of 139 read" in text and "not read: src/services/broken_merge.py" in text
    assert "imports break" in text and "places_staging.py:" in text


def test_the_whole_inventory_maps_what_was_accepted(proposed: World) -> None:
    _, result = inventory.take(actor=proposed.actor("ada"))
    assert (result["proposed"]["added"], result["proposed"]["waiting"]) == (0, 0)
    assert EnumMigration.objects.count() == len(result["code"]["changes"]) > 0


def test_changes_that_are_over_are_not_mapped(proposed: World) -> None:
    row = EnumMigration.objects.order_by("pk").first()
    assert row is not None
    for status in ("approved", "implemented", "validated"):
        assert row.current_enum_name in {change["name"] for change in taken("--only", "code")["changes"]}
        EnumMigration.objects.filter(pk=row.pk).update(status=status)
    assert row.current_enum_name not in {change["name"] for change in taken("--only", "code")["changes"]}


def test_a_strange_tree_is_mapped_as_far_as_it_can_be_read(proposed: World, tmp_path: Path) -> None:
    write(tmp_path, {
        "a/odd.py": 'Kind = Literal["\\ud800", "\\0", "New"]\nfrom a.gone import x\nimport_module("a.\\0")\n',
        "a/__init__.py": "", "bin.py": b"\0\1", "deep.py": "x = " + "-" * 100_000 + "1",
        "two.py": "class E(Enum):\n    A = '\\0'\n", "twin.py": "class E(Enum):\n    A = '\\0'\n",
    })  # fmt: skip
    document = taken("--only", "code", "--source", str(tmp_path))
    assert {fault["path"] for fault in document["faults"]} == {"bin.py", "deep.py"}
    assert [lost["module"] for lost in document["lost"]] == ["a.gone.x", "a.\\x00"]
    assert document["defined_twice"][0]["enums"][0]["values"] == ["\\x00"]


def test_a_tree_that_is_not_there_is_refused_alone_and_left_out_of_the_whole(world: World, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    with pytest.raises(Refused, match="cannot be read"):
        inventory.take(actor=None, only="code", source=gone)
    _, result = inventory.take(actor=None, source=gone)
    assert result["code"]["changes"] == [] and "cannot be read" in result["code"]["faults"][0]["reason"]
    assert "Code map     not taken" in printed("--source", str(gone))


def test_a_state_directory_that_is_full_is_refused_with_the_next_step(
    proposed: World, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "cache").write_text("a file where a directory should be")
    settings.STATE_DIR = tmp_path
    with pytest.raises(Refused, match="V7_STATE_DIR"):
        inventory.take(actor=None, only="code")


@pytest.mark.parametrize("columns", [{"t": None}, {"t": ["c", 1, None]}, {"s.t": ["c"]}, {"": [""]}])
def test_odd_rows_of_the_proposals_are_mapped_too(proposed: World, columns: dict[str, Any]) -> None:
    EnumMigration.objects.update(affected_columns=columns, v7_enum_values=[], current_enum_name="odd.name.")
    document = taken("--only", "code")
    assert all(change["counts"]["certain"] == 0 for change in document["changes"])
