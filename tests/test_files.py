"""The inventory of files: the tree beside file_audit, shown before the run and recorded there after it."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from pytest_django import Settings

from tests.cast import PASSWORD
from tests.world import World
from tracking.models import File, Layer, WorkflowCode
from tracking.services import file_move, file_update, files_record
from v7migration.errors import InvalidValue, Refused, TransitionRefused
from v7migration.ledger.models import Inventory
from v7migration.pipeline import inventory

SERVICE = "src/services/domain_service.py"
NEEDED = {"compliant", "violations", "orphans", "phantoms"}


def taken(world: World, name: str | None = None, source: Path | None = None) -> dict[str, Any]:
    """Take the inventory of files, as a person or as nobody, and return what it found."""
    actor = world.actor(name) if name else None
    found: dict[str, Any] = inventory.take(actor=actor, only="files", source=source)[1]["files"]
    return found


def reason(found: dict[str, Any], path: str) -> str:
    """Return why a file violates the standard, empty for one that does not."""
    return "; ".join(entry["reason"] for entry in found["violations"] if entry["path"] == path)


def plant(root: Path, *paths: str) -> Path:
    """Make empty files below a root and return it."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()
    return root


def test_the_demo_has_compliant_files_violations_orphans_and_phantoms(world: World, settings: Settings) -> None:
    found = taken(world)
    tree = {str(path.relative_to(settings.V7_SOURCE_DIR)) for path in settings.V7_SOURCE_DIR.rglob("*.py")}
    with world.owner() as connection:
        audited = {str(path) for (path,) in connection.execute("SELECT file_path FROM file_audit").fetchall()}
    assert set(found["orphans"]) == tree - audited
    assert set(found["phantoms"]) == audited - tree
    assert len(found["compliant"]) + len(found["violations"]) + len(found["exempt"]) == len(tree)
    assert "src/models/WF4_V7_L1_1of2_DomainModel.py" in found["compliant"]
    assert "V2 instead of V7" in reason(found, "src/models/WF3_V2_L1_1of2_LocalBusinessModel.py")
    assert "unknown workflow WF12" in reason(found, "src/routers/WF12_V7_L3_1of1_TaskRouter.py")
    assert "the set WF5 L1 lacks 2of2" in reason(found, "src/models/WF5_V7_L1_1of2_SitemapModel.py")
    assert "file_audit says L4 (Services)" in reason(found, "src/services/WF4_V7_L3_1of1_DomainCheckService.py")
    assert "src/models/__init__.py" in {entry["path"] for entry in found["exempt"]}
    targets = {entry["path"]: entry["target"] for entry in found["proposals"]}
    assert targets[SERVICE] == "WF4_V7_L4_2of2_DomainService.py"
    assert "src/models/base.py" not in targets
    assert {path for path in targets if path in found["compliant"]} == {"src/schemas/WF7_V7_L2_1of1_PageExport.py"}


def test_layers_and_workflows_are_those_that_staff_registered(world: World) -> None:
    before = taken(world)
    assert "unknown workflow WF8" in reason(before, "src/models/WF8_V7_L1_1of2_ContactModel.py")
    WorkflowCode.objects.create(code="WF8", name="Contacts", persona="WF8 Persona")
    Layer.objects.create(number=9, name="Jobs", guardian="Data Sentinel")
    found = taken(world)
    assert "src/models/WF8_V7_L1_1of2_ContactModel.py" in found["compliant"]
    assert "unknown layer" not in reason(found, "src/services/WF6_V7_L9_1of1_SitemapImportService.py")
    by_workflow = {entry["workflow"]: entry for entry in found["by_workflow"]}
    assert by_workflow["WF8"]["compliant"] == 2
    assert [entry["layer"] for entry in found["by_layer"]] == [0, 1, 2, 3, 4, 5, 6, 7, 9]


def test_what_was_found_is_kept_as_evidence_of_its_person(world: World) -> None:
    found = taken(world, "ada")
    row = Inventory.objects.get(pk=found["inventory"])
    assert (row.part, row.taken_by, row.snapshot is not None) == (Inventory.Part.FILES, "ada", True)
    assert set(row.document) >= NEEDED
    assert row.document["totals"] == found["totals"]


def test_before_the_run_nothing_is_recorded(world: World) -> None:
    assert taken(world, "ada")["recorded"]["written"] == 0


def test_after_the_run_target_names_are_recorded_once_with_person_and_history(executed: World) -> None:
    first = taken(executed, "ada")["recorded"]
    file = File.objects.get(file_path=SERVICE)
    assert file.v7_target_name == "WF4_V7_L4_2of2_DomainService.py"
    latest = file.history.first()
    assert (latest.history_user_id, latest.history_change_reason) == ("ada", "inventory of the source tree")
    assert first["written"] == File.objects.exclude(v7_impact_score=None).count() == 130
    assert File.objects.exclude(v7_target_name=None).count() > 80
    model = File.objects.get(file_path="src/models/WF4_V7_L1_1of2_DomainModel.py")
    assert SERVICE in (model.v7_dependents or [])
    assert file.v7_dependencies == [model.file_path]
    assert "src/models/base.py" in (model.v7_dependencies or [])
    assert model.v7_database_enums == ["public.domain_curation_status"]
    assert 3 <= (model.v7_impact_score or 0) <= 10
    count = File.history.count()
    assert taken(executed, "ada")["recorded"] == {"written": 0, "note": ""}
    assert File.history.count() == count


def test_what_an_inventory_does_not_say_of_a_file_stands_and_a_wrong_value_records_nothing(executed: World) -> None:
    first, second = File.objects.order_by("pk")[:2]
    guardian = executed.actor("ada")
    told: dict[int, dict[str, object]] = {first.pk: {"v7_impact_score": 3, "v7_dependents": ["a.py", 'ü, "b".py']}}
    assert files_record(values=told, actor=guardian, reason="found") == 1
    assert files_record(values={first.pk: {"v7_impact_score": 4}}, actor=guardian, reason="found") == 1
    first.refresh_from_db()
    assert (first.v7_impact_score, first.v7_dependents, first.v7_target_name) == (4, ["a.py", 'ü, "b".py'], None)
    latest = first.history.first()
    assert (latest.v7_impact_score, latest.v7_dependents, latest.file_path) == (4, first.v7_dependents, first.file_path)
    told = {first.pk: {"v7_impact_score": 5}, second.pk: {"v7_impact_score": 11}}
    with pytest.raises(InvalidValue, match="less than or equal to 10"):
        files_record(values=told, actor=guardian, reason="found")
    with pytest.raises(InvalidValue, match="cannot be changed here: v7_workflow_status"):
        files_record(values={first.pk: {"v7_workflow_status": "retired"}}, actor=guardian, reason="found")
    assert (File.history.filter(id=first.pk).count(), File.history.filter(id=second.pk).count()) == (2, 0)


def test_nobody_records_without_a_name_or_the_persona(executed: World) -> None:
    assert "--as" in taken(executed)["recorded"]["note"]
    with pytest.raises(TransitionRefused, match="may not record"):
        taken(executed, "carl")
    assert not File.objects.exclude(v7_target_name=None).exists()


def test_what_people_designed_stands(executed: World) -> None:
    guardian = executed.actor("ada")
    file = File.objects.get(file_path=SERVICE)
    file_update(file=file, actor=guardian, changes={"v7_target_name": "WF4_V7_L4_1of2_Domains.py"})
    found = taken(executed, "ada")
    targets = {entry["path"]: entry["target"] for entry in found["proposals"]}
    assert targets[SERVICE] == "WF4_V7_L4_1of2_Domains.py"
    for name in ("assess", "design"):
        file = file_move(file=file, name=name, actor=guardian)
    file_update(file=file, actor=guardian, changes={"v7_target_name": "WF4_V7_L4_7of9_Odd.py"})
    taken(executed, "ada")
    assert File.objects.get(file_path=SERVICE).v7_target_name == "WF4_V7_L4_7of9_Odd.py"


def test_a_fence_that_closes_stops_the_recording(executed: World) -> None:
    with executed.runner() as connection:
        connection.execute("UPDATE migration_gate.fence SET is_open = false")
    found = taken(executed, "ada")
    assert "fenced" in found["recorded"]["note"]


def test_a_target_without_file_audit_has_only_orphans(migrated: World, tmp_path: Path) -> None:
    found = taken(migrated, source=plant(tmp_path, "models/domain.py", "x/WF1_V7_L1_1of1_A.py"))
    assert found["audit"] == "the target has no file_audit"
    assert found["orphans"] == ["models/domain.py", "x/WF1_V7_L1_1of1_A.py"]
    assert (found["phantoms"], found["compliant"]) == ([], ["x/WF1_V7_L1_1of1_A.py"])


def test_another_file_audit_is_read_with_the_columns_it_has(migrated: World, tmp_path: Path) -> None:
    root = plant(tmp_path, "models/domain.py", "models/base.py", "notes.txt", ".hidden/x.py")
    with migrated.owner() as connection:
        connection.execute("CREATE TABLE file_audit (file_path text, layer_number text, status text)")
        connection.execute(
            "INSERT INTO file_audit VALUES ('src\\models\\domain.py', 'L4', 'NOVEL'), ('/src/models/base.py', NULL, "
            "'SYSTEM'), ('src/gone.py', '7', NULL), ('src/notes.txt', NULL, NULL), ('src/.hidden/x.py', '', '')"
        )
    found = taken(migrated, source=root)
    assert (found["orphans"], found["phantoms"]) == ([], ["src/gone.py"])
    assert [entry["path"] for entry in found["unlisted"]] == ["src/.hidden/x.py", "src/notes.txt"]
    assert [entry["path"] for entry in found["exempt"]] == ["models/base.py"]
    assert [entry["target"] for entry in found["proposals"]] == ["WF4_V7_L4_1of1_DomainService.py"]
    assert found["matching"][0]["taken"] == "src/"


@pytest.mark.parametrize("table", ["CREATE TABLE file_audit (id int)", "CREATE VIEW file_audit AS SELECT 1 AS id"])
def test_a_file_audit_without_paths_is_told(migrated: World, tmp_path: Path, table: str) -> None:
    with migrated.owner() as connection:
        connection.execute(table.encode())
    found = taken(migrated, source=plant(tmp_path, "a.py"))
    assert "cannot be read" in found["audit"]
    assert found["orphans"] == ["a.py"]


def test_faults_of_the_tree_are_reported_and_make_no_phantoms(world: World, tmp_path: Path) -> None:
    root = plant(tmp_path, "src/models/domain.py", "bad\nname.py")
    (root / "src/services").symlink_to(tmp_path)
    found = taken(world, source=root)
    assert {fault["path"] for fault in found["faults"]} == {"bad\\nname.py", "src/services"}
    assert not any(path.startswith("src/services/") for path in found["phantoms"])
    assert any(entry["path"] == SERVICE and "loop" in entry["reason"] for entry in found["unlisted"])


def test_a_missing_tree_refuses_an_inventory_of_files_and_stops_no_other_part(world: World, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="cannot be read"):
        taken(world, source=tmp_path / "missing")
    result = inventory.take(actor=None, source=tmp_path / "missing")[1]
    assert result["enums"]["types"]
    assert set(result["files"]) >= NEEDED
    assert "missing" in result["files"]["faults"][0]["reason"]


def test_the_command_prints_a_summary_and_one_object(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("V7_PASSWORD", PASSWORD)
    root = plant(tmp_path, "a/WF1_V2_L1_1of1_[x].py")
    out = StringIO()
    call_command("v7_inventory", "--only", "files", "--source", str(root), "--as", "ada", stdout=out)
    assert "a/WF1_V2_L1_1of1_[x].py: V2 instead of V7" in out.getvalue()
    assert "1: 0 compliant, 1 violations (1 near misses)" in out.getvalue()
    out = StringIO()
    call_command("v7_inventory", "--only", "files", "--json", stdout=out)
    assert set(json.loads(out.getvalue())["files"]) >= NEEDED


def test_the_page_shows_shares_and_drills_down_to_each_list(world: World) -> None:
    client = world.client("ada")
    assert "No inventory of files was taken yet" in client.get("/files/inventory/").content.decode()
    found = taken(world, "ada")
    page = client.get("/files/inventory/").content.decode()
    assert "L1 Models &amp; ENUMs" in page
    assert "WF4 Domain Curation" in page
    near = client.get("/files/inventory/", {"show": "near", "layer": "1"}).content.decode()
    assert "V2 instead of V7" in near
    assert "WF12_V7_L3" not in near
    for shown, text in (
        ("proposals", found["proposals"][0]["target"]), ("orphans", found["orphans"][0]), ("sets", "lacks 2of2"),
        ("phantoms", found["phantoms"][0]), ("exempt", "Python looks for"), ("faults", "Nothing of this kind"),
        ("violations", "it has no V7 name"), ("nonsense", "it has no V7 name"),
    ):  # fmt: skip
        assert text in client.get("/files/inventory/", {"show": shown}).content.decode(), shown
    assert (
        client.get("/files/inventory/", {"show": "near", "layer": "x", "page": "99", "sort": "nothing"}).status_code
        == 200
    )
    assert "/files/inventory/" in client.get("/files/").content.decode()
