"""Rows of file_audit and files of the tree find each other, however the paths are written."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from v7migration.source import matching
from v7migration.source.matching import Audited, match, normal

TREE = sorted(
    [f"models/{name}.py" for name in ("__init__", "domain", "page", "job")]
    + [f"services/{name}.py" for name in ("__init__", "domain", "page", "mail")]
    + ["main.py"]
)


def rows(*paths: str) -> list[Audited]:
    """Return rows with these paths."""
    return [Audited(number, path) for number, path in enumerate(paths, 1)]


@pytest.mark.parametrize(
    "written",
    [
        "{}", "./{}", "/{}", "src/{}", "./src/{}", "/app/src/{}", "C:\\project\\{}", "..\\src\\.\\{}", "a/b/../{}",
        " {} ",
    ],
)  # fmt: skip
def test_paths_are_matched_however_they_are_written(written: str) -> None:
    found = match(TREE, rows(*(written.format(path) for path in TREE)))
    assert sorted(found.rows) == TREE
    assert (found.orphans, found.phantoms, found.doubled) == ((), (), ())


def test_backslashes_become_slashes() -> None:
    found = match(TREE, rows(*(path.replace("/", "\\") for path in TREE)))
    assert (len(found.rows), found.orphans) == (len(TREE), ())


def test_paths_relative_to_a_folder_of_the_tree_get_it_back() -> None:
    tree = [f"backend/app/{path}" for path in TREE]
    found = match(tree, rows(*TREE))
    assert sorted(found.rows) == tree
    assert (found.rules[0].taken, found.rules[0].put) == ("", "backend/app/")
    assert str(found.rules[0]) == "with “backend/app/” before them (9 rows)"


def test_rows_and_tree_with_different_parents_are_matched() -> None:
    found = match([f"backend/{path}" for path in TREE], rows(*(f"/srv/app/{path}" for path in TREE)))
    assert (found.rules[0].taken, found.rules[0].put) == ("srv/app/", "backend/")
    assert found.orphans == ()


def test_orphans_and_phantoms_are_what_is_left() -> None:
    found = match([*TREE, "new.py"], rows(*(f"src/{path}" for path in TREE if path != "main.py"), "src/gone.py"))
    assert found.orphans == ("main.py", "new.py")
    assert [(row.path, path) for row, path in found.phantoms] == [("src/gone.py", "gone.py")]


def test_paths_written_in_two_ways_are_matched_by_two_rules() -> None:
    half = len(TREE) // 2
    found = match(TREE, rows(*TREE[:half], *(f"/app/src/{path}" for path in TREE[half:]), "else/where.py"))
    assert (found.orphans, len(found.phantoms), len(found.rules)) == ((), 1, 2)


def test_a_copy_elsewhere_does_not_take_the_place_of_the_file() -> None:
    found = match(TREE, rows(*TREE, *(f"backup/{path}" for path in TREE[:4])))
    assert len(found.rows) == len(TREE)
    assert {row.path for row in found.rows.values()} == set(TREE)
    assert len(found.phantoms) + len(found.doubled) == 4


def test_one_row_alone_is_no_evidence_for_a_second_rule() -> None:
    found = match(TREE, rows(*(path for path in TREE if path != "main.py"), "old/main.py"))
    assert found.orphans == ("main.py",)
    assert [row.path for row, _ in found.phantoms] == ["old/main.py"]


def test_two_rows_of_one_file_are_told() -> None:
    found = match(TREE, rows(*TREE, "./main.py"))
    assert [row.path for row in found.doubled] == ["./main.py"]
    assert found.rows["main.py"].path == "main.py"


def test_nothing_meets_nothing() -> None:
    assert match([], []).rules == ()
    assert match(TREE, []).orphans == tuple(TREE)
    assert [row.path for row, _ in match([], rows("a.py")).phantoms] == ["a.py"]
    assert len(match(TREE, rows("", "/", "..", "x/")).phantoms) == 4


def test_letters_with_marks_are_the_same_in_both_spellings() -> None:
    assert match(["gro\u0308\u00dfe.py"], rows("gr\u00f6\u00dfe.py")).orphans == ()


@given(
    st.lists(st.text(alphabet="ab/\\.: \u00e9", max_size=12), max_size=12), st.lists(st.text(max_size=8), max_size=5)
)
def test_any_paths_are_counted_once(paths: list[str], strange: list[str]) -> None:
    tree = sorted({path for raw in paths if (path := normal(raw)) and not path.startswith("..")})
    found = match(tree, rows(*paths, *strange))
    assert sorted([*found.rows, *found.orphans]) == tree
    keys = [row.key for row in (*found.rows.values(), *found.doubled, *(row for row, _ in found.phantoms))]
    assert sorted(keys) == list(range(1, len(paths) + len(strange) + 1))


def test_a_hundred_thousand_rows_are_matched_in_moments() -> None:
    tree = sorted(f"pkg{n % 97}/mod{n % 89}/__init__.py" if n % 5 else f"pkg{n % 97}/f{n}.py" for n in range(100_000))
    tree = sorted(set(tree))
    found = match(tree, rows(*(f"/srv/app/{path}" for path in tree)))
    assert (found.orphans, found.phantoms) == ((), ())


@settings(deadline=None)
@given(st.randoms(use_true_random=False), st.sampled_from(["", "src/", "/srv/app/", "a/b/", "C:/x/"]))
def test_rows_taken_at_once_are_those_taken_one_by_one(chance: random.Random, before: str) -> None:
    folders = ["", "a/", "a/b/", "b/", "src/", "src/a/"]
    tree = sorted({f"{chance.choice(folders)}{chance.choice('fgh')}{chance.randrange(9)}.py" for _ in range(30)})
    paths = [before + path for path in chance.sample(tree, max(1, len(tree) - 4))] + ["gone.py", "a/gone.py"]
    paths += chance.sample(
        ["./f1.py", "src\\f2.py", "x/g3.py", paths[0], "src/src/h1.py", " g1.py"], chance.randrange(4)
    )
    chance.shuffle(paths)
    found = match(tree, rows(*paths))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(matching, "_at_once", lambda *_: None)
        assert match(tree, rows(*paths)) == found


@pytest.mark.parametrize("put", ["copy/", "old/copy/"])
def test_a_tree_that_stands_in_it_twice_is_matched_as_if_every_file_were_looked_at(put: str) -> None:
    tree = sorted([*TREE, *(f"{put}src/{path}" for path in TREE)])
    found = match(tree, rows(*(f"src/{path}" for path in TREE)))
    assert (found.rules[0].taken, found.rules[0].put) == ("", put)
