"""The tree of sources is listed as it is: loops, odd names and unreadable folders are reported, the rest is done."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Iterable
from pathlib import Path

import django
import pytest

from v7migration.errors import Refused
from v7migration.source import tree
from v7migration.source.reading import read
from v7migration.source.tree import Fault, Tree, scan


def plant(root: Path, *paths: str) -> None:
    """Make empty files below a root."""
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def reasons(root: Path) -> dict[str, str]:
    """Return the faults of a tree by path."""
    return {fault.path: fault.reason for fault in scan(root).faults}


def test_only_python_files_are_listed_sorted(tmp_path: Path) -> None:
    plant(tmp_path, "b/x.py", "a/y.py", "a/readme.md", "z.py", "a/stub.pyi", "odd.PY")
    assert scan(tmp_path) == Tree(tmp_path.resolve(), ("a/y.py", "b/x.py", "odd.PY", "z.py"), ())


def test_folders_without_sources_are_skipped(tmp_path: Path) -> None:
    plant(tmp_path, ".git/x.py", "__pycache__/x.py", "node_modules/x.py", "env/pyvenv.cfg", "env/lib/x.py", "env/x.py")
    plant(tmp_path, "deep/er/env/pyvenv.cfg", "deep/er/env/lib/site-packages/x.py", "deep/kept.py", ".hidden.py")
    assert scan(tmp_path).paths == (".hidden.py", "deep/kept.py")


def test_a_root_that_is_itself_an_environment_keeps_its_sources(tmp_path: Path) -> None:
    plant(tmp_path, "pyvenv.cfg", "lib/python3/site-packages/x.py", "bin/tool.py", "src/lib/kept.py")
    assert scan(tmp_path).paths == ("src/lib/kept.py",)


def test_a_loop_of_links_is_reported_and_ends(tmp_path: Path) -> None:
    plant(tmp_path, "a/b/x.py")
    (tmp_path / "a/b/up").symlink_to("..")
    (tmp_path / "self").symlink_to("self")
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    assert scan(tmp_path).paths == ("a/b/x.py",)
    found = reasons(tmp_path)
    assert "loop" in found["a/b/up"]
    assert set(found) == {"a/b/up", "self", "one", "two"}


def test_links_to_folders_are_not_followed_and_links_to_files_of_the_tree_count(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    plant(root, "a/x.py")
    plant(outside, "y.py")
    (root / "b").symlink_to("a")
    (root / "out").symlink_to(outside)
    (root / "x2.py").symlink_to("a/x.py")
    (root / "y.py").symlink_to(outside / "y.py")
    (root / "gone.py").symlink_to("nowhere.py")
    (root / ".venv").symlink_to(outside)
    assert scan(root).paths == ("a/x.py", "x2.py")
    found = reasons(root)
    assert set(found) == {"b", "out", "y.py", "gone.py"}
    assert "its own place" in found["b"]
    assert "outside the tree" in found["out"]
    assert "outside the tree" in found["y.py"]
    assert "leads nowhere" in found["gone.py"]


def test_odd_names_are_reported_so_that_they_can_be_stored_and_the_rest_is_done(tmp_path: Path) -> None:
    plant(tmp_path, "kept.py", "new\nline.py", "tab\tbed/x.py", "größe/ö x.py", "no\xa0break.py", "notes\n.txt")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.py")).touch()
    os.mkfifo(tmp_path / "pipe.py")
    assert scan(tmp_path).paths == ("größe/ö x.py", "kept.py", "no\xa0break.py")
    found = reasons(tmp_path)
    assert set(found) == {"new\\nline.py", "tab\\tbed", "caf\\xe9.py", "pipe.py"}
    assert "line break" in found["new\\nline.py"]
    assert "UTF-8" in found["caf\\xe9.py"]
    assert found["pipe.py"] == "not a regular file"
    "".join(found).encode()


def test_an_unreadable_folder_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plant(tmp_path, "closed/x.py", "open/y.py")
    real = tree._entries

    def entries(top: str, folder: str) -> list[os.DirEntry[str]]:
        if folder == "closed/":
            raise PermissionError(13, "Permission denied")
        return real(top, folder)

    monkeypatch.setattr(tree, "_entries", entries)  # as root every folder is readable
    assert scan(tmp_path).paths == ("open/y.py",)
    assert scan(tmp_path).faults == (Fault("closed", "permission denied"),)


@pytest.mark.parametrize("name", ["missing", "file.txt", "nul\0byte", "self/below", "caf\udce9"])
def test_a_root_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    plant(tmp_path, "file.txt")
    (tmp_path / "self").symlink_to("self")
    with pytest.raises(Refused, match="cannot be read") as refused:
        scan(tmp_path / name)
    assert "V7_SOURCE_DIR" in refused.value.next_step
    refused.value.message.encode()


def test_a_folder_too_deep_for_the_system_is_reported(tmp_path: Path) -> None:
    here = os.open(tmp_path, os.O_RDONLY)
    for _ in range(30):
        os.mkdir("d" * 200, dir_fd=here)
        below = os.open("d" * 200, os.O_RDONLY, dir_fd=here)
        os.close(os.open("x.py", os.O_CREAT | os.O_WRONLY, dir_fd=below))
        os.close(here)
        here = below
    os.close(here)
    found = scan(tmp_path)
    assert len(found.paths) > 10
    assert any("too long" in fault.reason for fault in found.faults)


def test_a_tree_of_thousands_of_files_is_the_one_that_find_sees() -> None:
    root = Path(django.__file__).parent
    command = ["find", str(root), "-name", "__pycache__", "-prune", "-o", "-type", "f", "-name", "*.py", "-print0"]
    done = subprocess.run(command, capture_output=True, check=True)
    seen = sorted(path for path in done.stdout.decode().split("\0") if path)
    assert [f"{root}/{path}" for path in scan(root).paths] == seen
    assert len(seen) > 800


def test_a_file_that_vanishes_between_listing_and_reading_is_told_and_the_rest_is_read(tmp_path: Path) -> None:
    for name in ("a.py", "gone.py", "folder/b.py", "folder/gone.py", "other/c.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("import os\n")
    found = scan(tmp_path)
    (tmp_path / "gone.py").unlink()
    shutil.rmtree(tmp_path / "folder")
    with read(found) as reading:
        assert reading.paths == ("a.py", "other/c.py")
        assert [(f.path, f.reason) for f in reading.faults] == [
            (path, "unreadable: No such file or directory") for path in ("folder/b.py", "folder/gone.py", "gone.py")
        ]
        assert reading.imports("a.py")[0].module == "os"


def test_folders_that_somebody_deletes_during_the_scan_are_told_and_the_rest_is_listed(tmp_path: Path) -> None:
    folders = [f"part{number:04}" for number in range(400)]
    doomed = folders[200:]
    for _ in range(20):  # until the deletion and the listing have met
        for folder in folders:
            (tmp_path / folder).mkdir(exist_ok=True)
            (tmp_path / folder / "a.py").touch()
        begins = threading.Event()
        vandal = threading.Thread(target=_delete, args=(begins, tmp_path, doomed[::-1]))
        vandal.start()
        begins.set()
        found = scan(tmp_path)
        vandal.join()
        assert set(found.paths) >= {f"{folder}/a.py" for folder in folders[:200]}
        assert {fault.path for fault in found.faults} <= set(doomed)
        assert {fault.reason for fault in found.faults} <= {"no such file or directory"}
        if found.faults:
            return
    pytest.fail("no folder vanished while the tree was listed")


def _delete(begins: threading.Event, root: Path, folders: Iterable[str]) -> None:
    begins.wait()
    for folder in folders:
        shutil.rmtree(root / folder)
