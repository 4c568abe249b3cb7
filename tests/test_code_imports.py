"""The import graph of a tree: what each import means, who depends on whom, and what a rename breaks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.source_trees import SHOP, surveyed, write
from v7migration.source.imports import Break, Edge, Graph, Lost, cycles
from v7migration.source.survey import survey


def graph_of(folder: Path, files: Mapping[str, str | bytes]) -> Graph:
    """Return the import graph of some files."""
    with surveyed(folder, files) as found:
        return found.graph


def test_dependencies_and_dependents_mirror_each_other(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, SHOP)
    assert graph.dependencies("app/models/order.py") == ("app/models/base.py",)
    assert graph.dependencies("app/services/orders.py") == ("app/models/__init__.py",)
    assert graph.dependents("app/models/order.py") == ("app/models/__init__.py",)
    assert graph.dependents("app/ui/panel.py") == ()
    assert graph.roots == ("",) and graph.lost == ()


@pytest.mark.parametrize(
    ("line", "target"),
    [
        ("import pkg", "pkg/__init__.py"),
        ("import pkg.sub.mod", "pkg/sub/mod.py"),
        ("import pkg.sub.mod as m", "pkg/sub/mod.py"),
        ("from pkg import sub", "pkg/sub/__init__.py"),
        ("from pkg.sub import mod", "pkg/sub/mod.py"),
        ("from pkg.sub import NAME", "pkg/sub/__init__.py"),
        ("from pkg.sub.mod import *", "pkg/sub/mod.py"),
        ("from . import near", "pkg/sub/near.py"),
        ("from .near import x", "pkg/sub/near.py"),
        (". import x".join(["from ", ""]), "pkg/sub/__init__.py"),
        ("from .. import sub", "pkg/sub/__init__.py"),
        ("from ..bare import inside", "pkg/bare/inside.py"),
        ("from pkg.bare import inside", "pkg/bare/inside.py"),
        ("from pkg.bare.inside import x", "pkg/bare/inside.py"),
        ("import importlib; importlib.import_module('pkg.sub.mod')", "pkg/sub/mod.py"),
        ("def f():\n    from pkg.sub import mod", "pkg/sub/mod.py"),
        ("import both", "both/__init__.py"),
        ("import logging", ""),
        ("from django.db import models", ""),
        ("import self_", ""),
    ],
)
def test_an_import_means_the_file_that_python_would_find(tmp_path: Path, line: str, target: str) -> None:
    files = {
        "pkg/__init__.py": "", "pkg/sub/__init__.py": "", "pkg/sub/mod.py": "", "pkg/sub/near.py": "",
        "pkg/bare/inside.py": "", "both.py": "", "both/__init__.py": "", "pkg/sub/logging.py": "", "logging.py": "",
        "user.py": "import pkg.sub.mod", "pkg/sub/self_.py": "import self_", "pkg/sub/asks.py": line,
    }  # fmt: skip
    graph = graph_of(tmp_path, files)
    assert graph.dependencies("pkg/sub/asks.py") == ((target,) if target else ())
    assert graph.dependencies("pkg/sub/self_.py") == ()


@pytest.mark.parametrize(
    ("files", "roots", "path", "dependencies"),
    [
        # src layout: tests find the package although no folder above them holds it.
        ({"src/app/__init__.py": "", "src/app/a.py": "from app import b", "src/app/b.py": "",
          "tests/test_a.py": "from app.a import x"}, {"src"}, "tests/test_a.py", ("src/app/a.py",)),
        # a package that is named in imports from the tree's root
        ({"src/__init__.py": "", "src/a.py": "from src.b import x", "src/b.py": ""}, {""}, "src/a.py", ("src/b.py",)),
        # two services with a package of one name: each finds its own
        ({"one/app/a.py": "from app.b import x", "one/app/b.py": "", "two/app/a.py": "from app.b import x",
          "two/app/b.py": ""}, {"one", "two"}, "two/app/a.py", ("two/app/b.py",)),
        # a folder of scripts
        ({"bin/run.py": "import steps", "bin/steps.py": ""}, {"bin"}, "bin/run.py", ("bin/steps.py",)),
        # a module beside a package's own is not what a single name means there
        ({"app/__init__.py": "", "app/celery.py": "", "app/tasks.py": "import celery"}, {""}, "app/tasks.py", ()),
    ],
)  # fmt: skip
def test_the_imports_decide_which_folders_are_on_the_path(
    tmp_path: Path, files: dict[str, str], roots: set[str], path: str, dependencies: tuple[str, ...]
) -> None:
    graph = graph_of(tmp_path, files)
    assert set(graph.roots) == roots
    assert graph.dependencies(path) == dependencies


def test_a_module_of_the_same_name_inside_a_package_is_not_what_a_distribution_means(tmp_path: Path) -> None:
    inside = {"shop/__init__.py": "", "shop/packaging/__init__.py": "", "shop/packaging/utils.py": "X = 1\n"}
    users = {f"shop/user{n}.py": "from shop.packaging import utils\n" for n in range(25)}
    graph = graph_of(tmp_path, {**inside, **users, "shop/other.py": "from packaging.utils import canonicalize_name\n"})
    assert graph.dependencies("shop/other.py") == () and graph.roots == ("",)
    few = graph_of(tmp_path / "few", {**inside, "shop/main.py": "from packaging.utils import X\n"})
    assert few.dependencies("shop/main.py") == ("shop/packaging/utils.py",), "nothing names it from outside"


def test_a_tree_may_begin_inside_its_package(tmp_path: Path) -> None:
    write(tmp_path, {"back/app/__init__.py": "", "back/app/a.py": "from back.app.b import x\nimport app.c",
                     "back/app/b.py": "", "back/app/c.py": ""})  # fmt: skip
    with survey(tmp_path / "back" / "app") as found:
        assert found.graph.dependencies("a.py") == ("b.py", "c.py")


def test_imports_of_the_tree_that_find_nothing_are_named(tmp_path: Path) -> None:
    files = {
        "app/__init__.py": "",
        "app/a.py": "import app.gone\nfrom . import b\nfrom .lost import x\nfrom .... import y\n",
        "app/b.py": "import unknown\nimport queue\nfrom app.a import gone",
        "app/broken.py": "(", "app/c.py": "import app.broken",
    }  # fmt: skip
    graph = graph_of(tmp_path, files)
    assert graph.lost == (
        Lost("app/a.py", 1, "app.gone"),
        Lost("app/a.py", 3, ".lost.x"),
        Lost("app/a.py", 4, "....y"),
    )
    assert graph.dependencies("app/c.py") == ("app/broken.py",)


def test_only_imports_that_run_at_the_start_make_a_cycle(tmp_path: Path) -> None:
    files = {
        "a.py": "import b", "b.py": "import c", "c.py": "import a\nimport d", "d.py": "def f():\n    import c\n",
        "e.py": "from typing import TYPE_CHECKING\nimport f_\nif TYPE_CHECKING:\n    import d",
        "f_.py": "def g(): import e",
    }  # fmt: skip
    graph = graph_of(tmp_path, files)
    assert graph.cycles() == [("a.py", "b.py", "c.py")]
    assert Edge("e.py", "d.py", 4, "typing") in graph.edges
    assert Edge("d.py", "c.py", 2, "function") in graph.edges


@given(st.dictionaries(st.integers(0, 8), st.lists(st.integers(0, 8), max_size=4), max_size=9))
def test_cycles_are_the_groups_that_reach_each_other(links: dict[int, list[int]]) -> None:
    targets = {str(node): [str(goal) for goal in goals] for node, goals in links.items()}
    reach = {str(n): {str(n)} for n in range(9)}
    for _ in range(9):
        for node, goals in targets.items():
            reach[node] |= set().union(*(reach[goal] for goal in goals))
    expected = {tuple(sorted(b for b in reach if b in reach[a] and a in reach[b])) for a in reach}
    assert set(cycles(targets)) == {group for group in expected if len(group) > 1}


def test_a_long_chain_of_imports_is_no_problem() -> None:
    targets = {str(n): [str(n + 1)] for n in range(20_000)} | {"20000": ["0"]}
    assert [len(group) for group in cycles(targets)] == [20_001]


def test_a_rename_breaks_every_import_of_the_file(tmp_path: Path) -> None:
    graph = graph_of(tmp_path, SHOP | {"app/late.py": "def f():\n    import app.models.order\n"})
    new = "WF1_V7_L1_1of1_OrderModel.py"
    assert graph.breaks({"app/models/order.py": new, "app/models/base.py": "base.py"}) == [
        Break("app/late.py", 2, "app/models/order.py", f"app/models/{new}", "the module gets another name"),
        Break("app/models/__init__.py", 1, "app/models/order.py", f"app/models/{new}", "the module gets another name"),
    ]


def test_a_new_name_that_no_import_can_say_is_named(tmp_path: Path) -> None:
    (found,) = graph_of(tmp_path, SHOP).breaks({"app/models/order.py": "WF1-V7-L1.py"})
    assert found.reason == "WF1-V7-L1 cannot be imported: it is no Python name"
