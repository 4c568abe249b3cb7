"""The inventory's ENUM analysis: uses as facts beside the words, subsets as hints, unused types, rows per label."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.management import call_command

from tests.world import World
from v7migration.ledger.models import Inventory
from v7migration.postgres.enum_groups import EnumType, group_key, subset_hints


def inventory(capsys: pytest.CaptureFixture[str], *arguments: str) -> Any:
    call_command("v7_inventory", *arguments, "--json")
    return json.loads(capsys.readouterr().out)["enums"]


def enum(name: str, *labels: str) -> EnumType:
    return EnumType("public", name, labels)


def test_a_subset_is_a_hint_for_the_smallest_type_that_holds_it() -> None:
    types = [enum("a", "x", "y"), enum("b", "y", "x", "z"), enum("c", "x", "y", "z", "w"), enum("d", "x"), enum("e")]
    assert subset_hints(types) == [
        {"type": "public.a", "within": "public.b", "missing": ["z"]},
        {"type": "public.b", "within": "public.c", "missing": ["w"]},
    ]


def test_equal_sets_are_no_subsets() -> None:
    assert subset_hints([enum("a", "x", "y"), enum("b", "y", "x")]) == []


def test_a_group_is_named_by_its_members_and_their_labels_alone() -> None:
    members = {"public.a": ["x", "y"], "public.b": ["x", "y"]}
    assert group_key(members) == group_key(dict(reversed(members.items())))
    others = [
        members | {"public.b": ["y", "x"]},
        members | {"public.c": ["x", "y"]},
        {"public.a": ["x", "y"]},
        {"public.a": ["x,y"], "public.b": ["x", "y"]},
    ]
    assert len({group_key(m) for m in (members, *others)}) == 5


def test_the_inventory_tells_uses_hints_unused_types_and_rows(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with world.owner() as owner:
        owner.execute("CREATE TYPE public.lonely AS ENUM ('q1', 'q2')")
        owner.execute("CREATE TYPE public.wider AS ENUM ('q1', 'q2', 'q3')")
        owner.execute("CREATE TABLE public.q (w public.wider DEFAULT 'q1' CHECK (w <> 'q3'))")
        owner.execute("INSERT INTO public.q SELECT 'q2' FROM generate_series(1, 7)")
    found = inventory(capsys, "--only", "enums")
    types = {f"{t['schema']}.{t['name']}": t for t in found["types"]}
    assert {"type": "public.lonely", "within": "public.wider", "missing": ["q3"]} in found["hints"]
    assert "public.lonely" in found["unused"] and "public.wider" not in found["unused"]
    uses = {(u["kind"], u["object"], u["column"]) for u in types["public.wider"]["uses"]}
    assert uses == {("column", "public.q", "w"), ("default", "public.q", "w"), ("check", "public.q", None)}
    assert len(types["public.wider"]["used_by"]) == len(types["public.wider"]["uses"])
    assert types["public.wider"]["columns"][0]["default"] == "'q1'::public.wider"
    rows = {entry["type"]: entry for entry in found["rows"]}
    assert rows["public.wider"]["method"] == "unknown"  # nobody analyzed the table
    assert {entry["method"] for name, entry in rows.items() if name != "public.wider"} == {"estimated"}
    assert Inventory.objects.filter(part="enums").count() == 1

    counted = inventory(capsys, "--only", "enums", "--count")
    rows = {entry["type"]: entry for entry in counted["rows"]}
    assert rows["public.wider"]["labels"] == {"q1": 0, "q2": 7, "q3": 0}
    assert {rows[name]["method"] for name in ("public.wider", "public.lonely")} == {"counted"}


def test_the_shapes_that_others_read_stay(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    found = inventory(capsys, "--only", "enums")
    assert {"schema", "name", "labels", "used_by"} <= set(found["types"][0])
    assert {"reason", "also", "types", "near"} == set(found["groups"][0])
    assert {"name", "types", "values"} == set(found["conflicts"][0])
    assert {"hints", "unused", "rows", "code"} <= set(found)
    assert {entry["type"] for entry in found["rows"]} == {f"{t['schema']}.{t['name']}" for t in found["types"]}


def test_the_command_says_how_the_rows_are_known(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("v7_inventory", "--only", "enums", "--count")
    said = capsys.readouterr().out
    assert "ENUM rows" in said and "counted" in said
    assert "subsets" in said


def test_code_stands_against_the_database(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    code = inventory(capsys, "--only", "enums")["code"]
    assert code["state"] == "scanned"
    matched = {match["type"]: match for match in code["matches"]}
    assert "public.curation_status" in matched and matched["public.curation_status"]["evidence"]
    assert set(matched).isdisjoint(code["only_in_database"])


def test_a_source_tree_that_cannot_be_read_leaves_the_database_s_part(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    found = inventory(capsys, "--only", "enums", "--source", "/nowhere/at/all")
    assert found["code"]["state"] == "not scanned" and found["code"]["reason"]
    assert found["types"] and found["groups"]
