"""The source tree of an inventory is read once for all parts, and nobody holds a session on the target meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.source_trees import write
from tests.world import World
from v7migration.pipeline import inventory
from v7migration.pipeline.inventory import source_tree
from v7migration.pipeline.inventory.source_tree import in_order
from v7migration.source.survey import Survey, survey

SESSIONS = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'v7_inventory' AND pid <> pg_backend_pid()"


@pytest.fixture
def readings(world: World, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """For each reading of a tree: how many sessions of the inventory are open on the target's server."""
    found: list[int] = []

    @contextmanager
    def watched(root: Path, **options: Any) -> Iterator[Survey]:
        with world.owner() as connection:
            row = connection.execute(SESSIONS).fetchone()
        found.append(int(str(row[0])) if row else -1)
        with survey(root, **options) as lent:
            yield lent

    monkeypatch.setattr(source_tree, "survey", watched)
    return found


def test_a_whole_inventory_reads_the_tree_once_after_the_session_on_the_target_is_closed(readings: list[int]) -> None:
    _, result = inventory.take(actor=None)
    assert readings == [0]
    assert result["files"]["totals"]["files"] == result["code"]["totals"]["files"] == 139
    assert result["enums"]["code"]["state"] == "scanned"


@pytest.mark.parametrize("part", inventory.PARTS)
def test_a_part_alone_reads_the_tree_only_if_it_speaks_of_the_code(readings: list[int], part: str) -> None:
    inventory.take(actor=None, only=part)
    assert readings == ([0] if part in ("enums", "files", "code") else [])


def test_the_enums_alone_need_no_file_audit(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(connection: object) -> None:
        raise AssertionError("file_audit is read")

    monkeypatch.setattr(inventory, "read_file_audit", never)
    source = write(tmp_path, {"a.py": "from enum import Enum\nclass Mood(Enum):\n    SAD = 'sad'\n"})
    _, result = inventory.take(actor=None, only="enums", source=source)
    assert [enum["name"] for enum in result["enums"]["code"]["only_in_code"]] == ["Mood"]


def test_registered_names_come_first_then_others_then_what_nobody_knows() -> None:
    names = {4: "Services", 1: "Models", 7: "Testing"}
    assert in_order([None, 12, 1, 9, 4], names) == [4, 1, 9, 12, None]
    assert in_order([2], names, with_all_named=True) == [4, 1, 7, 2]
