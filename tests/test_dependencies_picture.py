"""The picture of the dependencies: layers, no overlap, few crossings, readable words; the pages and files around it."""

from __future__ import annotations

import json
import random
import re
import time
from io import StringIO
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from tests.world import World
from v7migration import demo
from v7migration.errors import Refused, UsageError
from v7migration.ledger.models import Inventory
from v7migration.pipeline import inventory
from v7migration.pipeline.inventory import dependency_graph
from v7migration.pipeline.inventory.dependency_graph import Question
from v7migration.postgres.acyclic import components, cycles, depths, layers_of, opened
from v7migration.postgres.dependency_picture import one_line, short
from v7migration.postgres.dependency_view import MOST_BOXES, find, view
from v7migration.postgres.layered import Drawing, draw

SVG = "{http://www.w3.org/2000/svg}"


def graph_of(edges: list[tuple[str, str]], *, kind: str = "foreign key", alone: int = 0) -> dict[str, Any]:
    """Return a graph of tables in ``public``."""
    names = sorted({end for edge in edges for end in edge} | {f"alone_{n}" for n in range(alone)})
    return {
        "nodes": [{"id": f"public.{name}", "kind": "table", "schema": "public"} for name in names],
        "edges": [{"from": f"public.{a}", "to": f"public.{b}", "kind": kind} for a, b in edges],
    }


def read(text: str) -> ElementTree.Element:
    """Read a picture of ours strictly, as XML."""
    return ElementTree.fromstring(text)  # noqa: S314


def drawn(edges: list[tuple[str, str]], *more: str) -> Drawing:
    return draw(dict.fromkeys(sorted({end for e in edges for end in e} | set(more)), (90.0, 28.0)), edges)


def test_what_needs_stands_left_of_what_is_needed() -> None:
    found = drawn([("c", "b"), ("b", "a"), ("c", "a")])
    assert found.boxes["c"].x < found.boxes["b"].x < found.boxes["a"].x
    assert depths("abc", [("c", "b"), ("b", "a"), ("c", "a")]) == {"a": 0, "b": 1, "c": 2}


def test_a_cycle_is_one_place_in_the_depth_and_is_drawn_with_few_edges_turned() -> None:
    edges = [("hen", "egg"), ("egg", "hen"), ("nest", "egg"), ("hen", "corn")]
    assert cycles(["hen", "egg", "nest", "corn"], edges) == [["egg", "hen"]]
    found = depths(["hen", "egg", "nest", "corn"], edges)
    assert (found["corn"], found["egg"], found["hen"], found["nest"]) == (0, 1, 1, 2)
    assert sum(opened(["hen", "egg", "nest", "corn"], edges)) == 1
    assert all(drawn(edges).paths)


def test_a_chain_of_thousands_needs_no_recursion() -> None:
    chain = [(f"v{n:05}", f"v{n + 1:05}") for n in range(4000)]
    names = sorted({end for edge in chain for end in edge})
    assert max(depths(names, chain).values()) == 4000
    assert len(cycles(names, [*chain, ("v04000", "v00000")])[0]) == 4001


def sorted_ends(x1: float, y1: float, x2: float, y2: float) -> tuple[float, float, float, float]:
    """Return the rectangle in which a curve lies: left, top, right, bottom."""
    return min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)


@pytest.mark.parametrize("seed", range(6))
def test_boxes_never_overlap_and_lines_keep_clear_of_them(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    names = [f"t{n}" for n in range(30)]
    edges = [(chance.choice(names), chance.choice(names)) for _ in range(45)]
    found = draw({name: (60.0 + 7 * chance.randint(0, 20), 28.0) for name in names}, edges)
    for one, other in combinations(found.boxes.values(), 2):
        apart = one.x + one.width < other.x or other.x + other.width < one.x
        assert apart or one.y + one.height < other.y or other.y + other.height < one.y
    for path, (source, target) in zip(found.paths, edges, strict=True):
        points = [(float(x), float(y)) for x, y in re.findall(r"([-\d.]+) ([-\d.]+)", path)]
        assert all(0 <= x <= found.width and -14 <= y <= found.height for x, y in points)
        for x1, x2, y in re.findall(r"(?:^M|[ ,])([\d.]+) [\d.]+ L([\d.]+) ([\d.]+)", path):
            for name, box in found.boxes.items():
                within = box.x + 1 < float(x2) and float(x1) < box.x + box.width - 1
                assert name in (source, target) or not (within and box.y < float(y) < box.y + box.height)
        curves = re.findall(r"([\d.]+) ([\d.]+) C[-\d.]+ [-\d.]+, [-\d.]+ [-\d.]+, ([\d.]+) ([\d.]+)", path)
        for x1, y1, x2, y2 in (sorted_ends(*map(float, curve)) for curve in curves if source != target):
            for box in found.boxes.values():
                clear = box.x + box.width <= x1 + 0.2 or x2 <= box.x + 0.2
                assert clear or box.y + box.height < y1 or y2 < box.y


def test_lines_that_pass_below_all_boxes_lie_within_the_picture() -> None:
    names = [f"c{n}" for n in range(9)]
    found = draw(dict.fromkeys(names, (60.0, 28.0)), [(a, b) for a in names for b in names if a != b])
    lowest = max(float(y) for path in found.paths for y in re.findall(r"[-\d.]+ ([-\d.]+)", path))
    assert max(box.y + box.height for box in found.boxes.values()) < lowest <= found.height


def test_layers_lead_down_and_the_drawing_is_the_same_every_time() -> None:
    chance = random.Random(7)  # noqa: S311
    names = [f"t{n}" for n in range(60)]
    edges = [(a, b) for a, b in ((chance.choice(names), chance.choice(names)) for _ in range(90)) if a < b]
    layer = layers_of(names, edges)
    assert all(layer[a] > layer[b] for a, b in edges)
    assert drawn(edges, *names) == drawn(list(edges), *names)
    assert len(components(names, edges)) > 1


def test_a_tree_is_drawn_without_a_crossing() -> None:
    edges = [(f"leaf{n}{m}", f"node{n}") for n in range(4) for m in range(3)] + [(f"node{n}", "root") for n in range(4)]
    boxes = drawn(edges).boxes
    leaves = sorted((name for name in boxes if name.startswith("leaf")), key=lambda name: boxes[name].y)
    parents = [name[4] for name in leaves]
    assert [p for p, before in zip(parents, ["", *parents], strict=False) if p != before] == sorted(
        set(parents), key=lambda p: boxes[f"node{p}"].y
    )


def test_partitions_and_many_alike_become_one_box_but_what_is_asked_about_does_not() -> None:
    graph = graph_of([(f"leaf{n}", "hub") for n in range(200)])
    graph["nodes"] += [
        {"id": f"public.hub_{n}", "kind": "table", "schema": "public", "partition_of": "public.hub"} for n in range(3)
    ]
    graph["edges"] += [{"from": f"public.hub_{n}", "to": "public.hub", "kind": "inheritance"} for n in range(3)]
    whole = view(graph, Question())
    assert [(box.label, len(box.members), box.partitions) for box in whole.boxes] == [
        ("200 tables", 200, 0), ("public.hub", 1, 3),
    ]  # fmt: skip
    assert (len(whole.nodes), len(whole.edges)) == (204, 203)
    leaf = view(graph, Question(table="public.leaf7", steps=2, direction="needs"))
    assert {box.id for box in leaf.boxes} == {"public.leaf7", "public.hub"}
    assert len(view(graph, Question(table="public.leaf7", unfolded=True)).boxes) == 2


def test_a_neighbourhood_has_the_steps_and_the_direction_that_were_asked_for() -> None:
    graph = graph_of([("a", "b"), ("b", "c"), ("c", "d"), ("x", "c"), ("c", "y")])

    def around(**question: Any) -> set[str]:
        return {node["id"].removeprefix("public.") for node in view(graph, Question("public.c", **question)).nodes}

    assert around() == {"b", "c", "d", "x", "y"}
    assert around(steps=2) == {"a", "b", "c", "d", "x", "y"}
    assert around(direction="needs", steps=3) == {"c", "d", "y"}
    assert around(direction="needed by") == {"b", "c", "x"}
    assert around(kinds=frozenset({"view"})) == {"c"}


def test_what_is_too_much_for_one_picture_is_shown_as_clusters() -> None:
    edges = [(f"{app}_{n}", f"{app}_{n // 2}") for app in ("shop", "auth", "blog") for n in range(1, 80)]
    graph = graph_of([*edges, ("shop_3", "auth_1"), ("blog_5", "auth_1"), ("lonely", "auth_0")])
    found = view(graph, Question())
    assert found.summary and {box.label for box in found.boxes} == {
        "public.auth_*", "public.blog_*", "public.shop_*", "public.*",
    }  # fmt: skip
    assert found.hubs[0]["id"] == "public.auth_1" and found.hubs[0]["needed_by"] == 4
    inside = view(graph, Question(cluster="public.auth_*"))
    assert not inside.summary and len(inside.nodes) == 80


@pytest.mark.parametrize(
    "edges",
    [
        [(f"t{n}", f"t{n // 3}") for n in range(1, 2000)],
        [(f"t{n}", f"t{m}") for n in range(1, 1500) for m in (0, n // 2, n * 7 % 1500) if m != n],
        [(f"t{n}", f"t{m}") for n in range(150) for m in range(n)],
        [(f"t{n}", "t0") for n in range(1, 900)] + [(f"t{n}", f"u{n}") for n in range(1, 900)],
    ],
    ids=["a tree", "one that all need", "each needs each", "a star of pairs"],
)
def test_a_thousand_tables_whose_names_say_nothing_fall_into_clusters_that_can_be_opened(
    edges: list[tuple[str, str]],
) -> None:
    graph = graph_of(edges)
    found = view(graph, Question())
    assert found.summary and 1 < len(found.boxes) <= MOST_BOXES
    assert sorted(name for box in found.boxes for name in box.members) == sorted(n["id"] for n in found.nodes)
    for box in found.boxes:
        inside = view(graph, Question(cluster=box.id))
        assert {node["id"] for node in inside.nodes} == set(box.members)
        assert not inside.summary or len(inside.boxes) > 1
        if inside.summary:
            deeper = view(graph, Question(cluster=inside.boxes[0].id))
            assert {node["id"] for node in deeper.nodes} == set(inside.boxes[0].members)
    assert view(graph, Question(cluster="around public.nobody")).nodes == []


def test_objects_without_a_dependency_give_way_to_those_that_can_be_read() -> None:
    graph = graph_of([("a", "b"), ("c", "b")], alone=400)
    found = view(graph, Question())
    assert not found.summary and found.apart == 400
    assert {box.id for box in found.boxes} == {"public.a", "public.b", "public.c"} and len(found.nodes) == 403


def test_between_many_clusters_only_the_strongest_lines_are_drawn_and_the_rest_is_counted() -> None:
    apps = [f"app{n:02}" for n in range(20)]
    within = [(f"{app}_{n}", f"{app}_{n - 1}") for app in apps for n in range(1, 11)]
    between = [(f"{one}_1", f"{other}_2") for one in apps for other in apps if one != other]
    strong = [(f"app00_{n}", f"app01_{n}") for n in range(11)]
    found = view(graph_of([*within, *between, *strong]), Question())
    assert found.summary and len(found.lines) == 40 and found.thinner == 380 - 40
    assert max(len(line.edges) for line in found.lines) == 12
    assert {line.source for line in found.lines} == {f"public.{app}_*" for app in apps}


@pytest.mark.parametrize("tables", [1500, 3000])
def test_a_large_schema_is_answered_in_seconds(tables: int) -> None:
    chance = random.Random(1)  # noqa: S311
    names = [f"t{n:04}" for n in range(tables)]
    graph = graph_of([(chance.choice(names), chance.choice(names)) for _ in range(5000)])
    started = time.monotonic()
    found = dependency_graph.answer(graph, Question(), subject="x")
    assert len(found.view.boxes) <= MOST_BOXES and time.monotonic() - started < 5
    near = dependency_graph.answer(graph, Question(table="public.t0001", steps=6), subject="x")
    assert len(near.view.boxes) <= MOST_BOXES and time.monotonic() - started < 20


def test_a_picture_of_the_oddest_names_is_well_formed_and_says_them(tmp_path: Path) -> None:
    odd = [
        '<script>alert("1")</script>',
        "a&b'c",
        "line\nbreak\x01\x7f",
        "漢字" * 10,
        "x" * 63,
        "\u202eback",
        "]]>",
        "",
    ]
    graph = graph_of([(name, "hub") for name in odd[:-1]])
    path = tmp_path / "odd.svg"
    dependency_graph.write_picture(graph, path=path, subject="<b>&")
    tree = read(path.read_text())
    words = [text.text or "" for text in tree.iter(f"{SVG}text")]
    titles = " ".join(title.text or "" for title in tree.iter(f"{SVG}title"))
    assert '<script>alert("1")</script>' in titles and "line␊break␁␡" in titles and "\u202e" not in titles
    assert not list(tree.iter(f"{SVG}script")) and all("\n" not in word for word in words)


def test_labels_are_short_and_lie_within_their_boxes() -> None:
    graph = graph_of([("w" * 63, "h" * 63), ("漢" * 21, "h" * 63)])
    found = dependency_graph.answer(graph, Question(), subject="x").picture
    for box in found.boxes:
        cells = sum(2 if ord(c) > 0x2E80 else 1 for c in box["label"])
        assert box["text_x"] + 7.3 * cells <= box["x"] + box["width"]
    assert short("public." + "w" * 63).count("…") == 1 and one_line("a\tb") == "a␉b"


def test_an_empty_database_has_an_empty_picture() -> None:
    found = dependency_graph.answer({"nodes": [], "edges": []}, Question(), subject="nothing")
    assert "Dependencies in nothing" in dependency_graph.svg(found)
    assert read(dependency_graph.svg(found)).tag == f"{SVG}svg"


def test_typed_words_find_the_name_the_same_name_or_those_that_contain_it() -> None:
    graph = graph_of([("Order", "orders"), ("orders_old", "orders")])
    assert find(graph, "public.orders") == ["public.orders"]
    assert find(graph, "ORDERS") == ["public.orders"]
    assert find(graph, "order") == ["public.Order"]
    assert len(find(graph, "rder")) == 3 and find(graph, "nowhere") == []


def told(*words: str) -> str:
    out = StringIO()
    call_command("v7_inventory", *words, stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_inventory_keeps_the_dependencies_and_writes_their_picture(world: World, tmp_path: Path) -> None:
    path = tmp_path / "demo.svg"
    text = told("--only", "dependencies", "--svg", str(path))
    assert "/dependencies/" in text and str(path) in text
    kept = Inventory.objects.get(part=Inventory.Part.DEPENDENCIES)
    document = json.loads(told("--only", "dependencies", "--json"))["dependencies"]
    assert document == kept.document and kept.snapshot is not None
    tree = read(path.read_text())
    labels = {text.text for text in tree.iter(f"{SVG}text")}
    assert {"file_audit", "tenants", "foreign key", "view reads"} <= labels
    assert tree.find(f"{SVG}title") is not None and tree.find(f"{SVG}desc") is not None
    assert list(tree.iter(f"{SVG}a")) == [] and "prefers-color-scheme: dark" in path.read_text()


def test_the_picture_in_the_repository_is_the_one_that_the_command_draws_of_the_demo(
    world: World, tmp_path: Path
) -> None:
    told("--only", "dependencies", "--svg", str(tmp_path / "now.svg"))
    assert (tmp_path / "now.svg").read_text() == (Path(demo.__file__).parent / "dependencies.svg").read_text()


def test_a_picture_without_dependencies_or_without_a_place_is_refused(world: World, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--svg draws the dependencies"):
        told("--only", "enums", "--svg", str(tmp_path / "x.svg"))
    with pytest.raises(Refused, match="cannot be written"):
        told("--only", "dependencies", "--svg", str(tmp_path / "no" / "x.svg"))


def test_the_page_asks_for_an_inventory_where_there_is_none(world: World) -> None:
    client = world.client("carl")
    answer = client.get(reverse("dependencies"))
    assert answer.status_code == 200 and "Nothing was read yet" in answer.content.decode()
    assert client.get("/dependencies.svg").status_code == 404
    assert Client().get("/dependencies.json").status_code == 302


def test_the_page_shows_the_picture_and_the_same_as_a_table(world: World) -> None:
    inventory.take(actor=None, only="dependencies")
    client = world.client("carl")
    page = client.get(reverse("dependencies")).content.decode()
    assert page.count("<svg") >= 1 and 'class="v7g' in page and "public.tenants" in page
    found = client.get(reverse("dependencies"), {"table": "domains", "steps": "2", "scale": "150"}).content.decode()
    assert "Dependencies of public.domains" in found and "v7g-box focus" in found
    assert "public.task_queue" not in found.split("</datalist>")[1]
    several = client.get(reverse("dependencies"), {"table": "sitemap_file"}).content.decode()
    assert "Which one?" in several and "public.sitemap_files" in several
    assert "No object has" in client.get(reverse("dependencies"), {"table": "<b>no"}).content.decode()


def test_nonsense_in_the_address_is_left_out(world: World) -> None:
    inventory.take(actor=None, only="dependencies")
    client = world.client("carl")
    for query in (
        "steps=99&kind=nothing&direction=up&scale=1e9",
        "cluster=none",
        "table=%00",
        "sort=x&page=-1",
        "kind=type",
    ):
        assert client.get(f"/dependencies/?{query}").status_code == 200, query
    assert client.get("/dependencies.svg?table=sitemap").status_code == 404


def test_picture_and_graph_can_be_taken_away(world: World) -> None:
    inventory.take(actor=None, only="dependencies")
    client = world.client("carl")
    picture = client.get("/dependencies.svg", {"table": "public.domains"})
    assert picture.headers["Content-Type"] == "image/svg+xml; charset=utf-8"
    assert "attachment" in picture.headers["Content-Disposition"]
    assert read(picture.content.decode()).tag == f"{SVG}svg"
    graph = json.loads(client.get("/dependencies.json", {"table": "public.domains"}).content)
    assert {"from": "public.domains", "to": "public.tenants", "kind": "foreign key"}.items() <= next(
        edge for edge in graph["edges"] if edge["to"] == "public.tenants"
    ).items()
