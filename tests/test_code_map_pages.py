"""The pages of the code map: what each change touches, filtered, paged, safe to look at and quick for large trees."""

from __future__ import annotations

import re
import time
from typing import Any
from uuid import uuid4

import pytest
from django.db import connections
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.world import World
from tracking.models import EnumMigration
from v7migration.ledger.models import Inventory
from v7migration.pipeline import consolidation, inventory
from v7migration.pipeline.consolidation import change_of
from v7migration.pipeline.inventory import mapped_code
from v7migration.pipeline.inventory.code_map import described
from v7migration.pipeline.inventory.mapped_code import PER_PAGE, Filter

QUERIES = 20
"""How many queries of the control plane a page of the map may make, however large the map is."""


@pytest.fixture
def proposed(world: World) -> World:
    """The inventory's groups are accepted, and no map is taken yet."""
    inventory.take(actor=world.actor("ada"), only="enums")
    world.accept_groups()
    return world


@pytest.fixture
def mapped(proposed: World) -> World:
    """The accepted changes are mapped onto the demo's source tree."""
    inventory.take(actor=proposed.actor("ada"), only="code")
    return proposed


def shown(world: World, name: str = "code-map", key: Any = None, **query: Any) -> str:
    """Return the text of a page of the map as somebody without a persona sees it."""
    answer = world.client("otto").get(reverse(name, args=[key] if key else []), query)
    assert answer.status_code == 200
    return answer.content.decode()


def row(name: str = "place_curation_status") -> EnumMigration:
    return EnumMigration.objects.get(current_enum_name=name)


def places(page: str) -> list[str]:
    """Return path:line of the lines of a page, in their order."""
    found, path = [], ""
    for heading, number in re.findall(
        r'<h3 class="mono v7-label"><a [^>]*>([^<]*)</a>|<span class="num mono">:(\d+)</span>', page
    ):
        path = heading or path
        found += [f"{path}:{number}"] if number else []
    return found


def line(number: int, *, confidence: str = "certain", breaking: bool = False, what: str = "uses it") -> dict[str, Any]:
    return {"line": number, "confidence": confidence, "breaking": breaking, "what": what}


def file(
    path: str, *lines: dict[str, Any], layer: int | None = 1, workflows: tuple[str, ...] = ("WF4",)
) -> dict[str, Any]:
    return {"path": path, "layer": layer, "workflows": list(workflows), "confidence": "certain",
            "breaking": any(entry["breaking"] for entry in lines), "lines": list(lines)}  # fmt: skip


def keep(*files: dict[str, Any], faults: int = 0, **parts: Any) -> EnumMigration:
    """Keep a map of one change that touches some files, and return the change's row."""
    change = row()
    lines = [entry for found in files for entry in found["lines"]]
    counts = {word: sum(entry["confidence"] == word for entry in lines) for word in ("certain", "likely", "possible")}
    share = {"files": len(files), "lines": len(lines), "breaking": 0, "certain": 0, "likely": 0, "possible": 0}
    entry = {
        **described(change_of(change)), "counts": counts | {"breaking": sum(entry["breaking"] for entry in lines)},
        "layers": [{"layer": 1, "name": "Models", **share}], "workflows": [{"workflow": "WF4", "name": "", **share}],
        "files": list(files), "left_out": parts.pop("left_out", 0),
    }  # fmt: skip
    document = {"root": "/tree", "totals": {"faults": faults, "files": len(files), "read": len(files)}, **parts}
    Inventory.objects.create(part=Inventory.Part.CODE, subject="/tree", document={**document, "changes": [entry]})
    return change


def test_before_the_first_map_the_pages_say_who_takes_one(proposed: World) -> None:
    assert "No code map was taken yet" in shown(proposed)
    assert "No code map was taken yet" in shown(proposed, "code-map-change", row().pk)


def test_each_change_stands_in_the_list_with_its_layers_and_workflows(mapped: World) -> None:
    page = shown(mapped)
    assert "knows the changes of now" in page
    for change in EnumMigration.objects.all()[:50]:
        assert reverse("code-map-change", args=[change.pk]) in page
    assert f"{reverse('code-map-change', args=[row().pk])}?layer=1" in page
    assert f"{reverse('code-map-change', args=[row().pk])}?workflow=WF2" in page


def test_the_page_of_a_change_shows_the_lines_that_the_map_holds(mapped: World) -> None:
    page = shown(mapped, "code-map-change", row().pk)
    assert "src/models/places_staging.py:23" in places(page)
    document = Inventory.objects.filter(part="code").first().document  # type: ignore[union-attr]
    change = next(entry for entry in document["changes"] if entry["migration"] == str(row().pk))
    held = [f"{found['path']}:{entry['line']}" for found in change["files"] for entry in found["lines"]]
    assert sorted(places(page)) == sorted(held)
    assert f'href="{reverse("dependencies")}?table=places_staging"' in page


def test_what_breaks_comes_first_and_is_named(proposed: World) -> None:
    change = keep(
        file("a.py", line(1), line(2)), file("b.py", line(1), line(9, breaking=True, what="the value 'New' is dropped"))
    )
    page = shown(proposed, "code-map-change", change.pk)
    assert places(page) == ["b.py:9", "b.py:1", "a.py:1", "a.py:2"]
    assert page.count("the value &#x27;New&#x27; is dropped") == 2


FILTERS: list[tuple[dict[str, str], list[str]]] = [
    ({"layer": "2"}, ["b.py:1", "b.py:2"]),
    ({"layer": "none"}, ["c.py:1"]),
    ({"workflow": "WF5"}, ["b.py:1", "b.py:2"]),
    ({"workflow": "none"}, ["c.py:1"]),
    ({"confidence": "possible"}, ["b.py:2"]),
    ({"breaking": "1"}, ["a.py:1"]),
    ({"path": "B.P"}, ["b.py:1", "b.py:2"]),
    ({"layer": "2", "confidence": "certain"}, ["b.py:1"]),
    ({"layer": "9"}, []),
]
NONSENSE: list[dict[str, str]] = [
    {"page": "99999999999999999999"}, {"page": "-1"}, {"page": "²"}, {"page": "x"}, {"layer": "\0"}, {"layer": "٣"},
    {"path": "%_\\'"}, {"workflow": "WF4' OR 1=1"}, {"confidence": "sure"}, {"breaking": ""}, {"show": "nothing"},
    {"sort": "-x"}, {"path": "x" * 5_000},
]  # fmt: skip


def test_a_filter_keeps_its_lines_and_no_other(proposed: World) -> None:
    change = keep(
        file("a.py", line(1, breaking=True)),
        file("b.py", line(1), line(2, confidence="possible"), layer=2, workflows=("WF4", "WF5")),
        file("c.py", line(1), layer=None, workflows=()),
    )
    for query, kept in FILTERS:
        page = shown(proposed, "code-map-change", change.pk, **query)
        assert places(page) == kept, query
        assert ("No line is like that" in page) == (not kept), query


def test_a_question_without_sense_gets_a_page(mapped: World) -> None:
    for query in NONSENSE:
        shown(mapped, **query)
        shown(mapped, "code-map-change", row().pk, **query)


def test_a_change_that_nobody_knows_is_not_found(mapped: World) -> None:
    assert mapped.client("otto").get(reverse("code-map-change", args=[uuid4()])).status_code == 404


def test_a_map_that_is_older_than_the_changes_says_so(mapped: World) -> None:
    change = row()
    EnumMigration.objects.filter(pk=change.pk).update(v7_enum_name="another_name")
    assert "older than the changes" in shown(mapped)
    assert "altered after the map was taken" in shown(mapped, "code-map-change", change.pk)
    for status in ("approved", "implemented", "validated"):
        EnumMigration.objects.filter(pk=change.pk).update(status=status)
    assert "not proposed any more" in shown(mapped, "code-map-change", change.pk)


def test_a_change_that_was_accepted_after_the_map_has_a_page_that_says_so(proposed: World) -> None:
    Inventory.objects.create(
        part="code", subject="/tree", document={"changes": [], "totals": {"faults": 0}, "root": "/"}
    )
    assert "does not know this change" in shown(proposed, "code-map-change", row().pk)
    assert row().current_enum_name in shown(proposed)


def test_strange_files_and_lines_are_shown_as_what_they_are(proposed: World) -> None:
    word = "x" * 20_000
    change = keep(
        file("a\u202eyp.py", line(1, what="<script>alert(1)</script>\u0007\u202e")),
        file(word + ".py", line(2, what=word)),
        left_out=3, faults=2,
    )  # fmt: skip
    page = shown(proposed, "code-map-change", change.pk)
    assert "<script>alert" not in page and "\u202e" not in page and "\u0007" not in page
    assert "a⟨U+202E⟩yp.py" in page
    assert "3 lines that may be meant were too many" in page and "2 files could not be read" in page


def test_what_else_the_reading_found_has_a_list(mapped: World) -> None:
    for name in ("renames", "twice", "lost", "cycles", "faults"):
        page = shown(mapped, show=name)
        assert "Nothing of this kind" not in page or name in ("twice", "lost", "cycles")


def test_broken_imports_of_renamed_files_are_named(mapped: World) -> None:
    page = shown(mapped, show="renames", sort="place")
    assert "tests/WF1_V7_L7_1of1_test_single_search.py:1" in page + shown(mapped, show="renames", sort="-place")


def test_pages_follow_each_other_without_gap_or_double(proposed: World) -> None:
    change = keep(*(file(f"f{n:02}.py", *(line(at) for at in range(1, 31))) for n in range(20)))
    pages = [places(shown(proposed, "code-map-change", change.pk, page=number)) for number in (1, 2, 3, 4)]
    assert [len(page) for page in pages] == [PER_PAGE, PER_PAGE, PER_PAGE, PER_PAGE]
    assert pages[3] == pages[2] and len({*pages[0], *pages[1], *pages[2]}) == 600
    assert "10 of them on this page" not in shown(proposed, "code-map-change", change.pk, page=2, path="f00")


def test_fifty_thousand_lines_are_read_within_a_second_and_few_queries(proposed: World) -> None:
    lines = [line(at, breaking=at == 7, what=f"names v{at}") for at in range(1, 11)]
    change = keep(
        *(
            file(f"src/a{n % 70}/module_{n:05}.py", *lines, layer=n % 8, workflows=(f"WF{n % 7}",))
            for n in range(5_000)
        )
    )  # fmt: skip
    client = proposed.client("otto")
    for address in (reverse("code-map"), reverse("code-map-change", args=[change.pk])):
        client.get(address)
        started = time.perf_counter()
        with CaptureQueriesContext(connections["default"]) as asked:
            answer = client.get(address, {"layer": "3"})
        seconds = time.perf_counter() - started
        assert answer.status_code == 200
        assert len(asked) <= QUERIES, [query["sql"][:90] for query in asked]
        assert len(answer.content) < 400_000
        assert seconds < 3  # a busy machine; about a third of a second on a quiet one
    found = mapped_code.lines(Inventory.objects.filter(part="code")[0].pk, str(change.pk), Filter(layer="3"))
    assert (found.lines, found.files, found.breaking, found.pages) == (6_250, 625, 625, 32)


def test_the_map_is_reached_from_navigation_enum_and_file_pages(mapped: World) -> None:
    client, change = mapped.client("otto"), row()
    assert f'href="{reverse("code-map")}"' in client.get("/").content.decode()
    assert f'href="{reverse("code-map")}"' in client.get(reverse("file-inventory")).content.decode()
    address = reverse("code-map-change", args=[change.pk])
    assert address in client.get(reverse("enum", args=[change.pk])).content.decode()
    group = next(group for group in consolidation.groups() if "public.place_curation_status" in group.by_name)
    page = client.get(reverse("enum-group", args=[group.key])).content.decode()
    assert address in page
    assert f'href="{reverse("dependencies")}?table=places_staging"' in page
