"""List 200,000 Python files and match them with the rows of file_audit: the product against ``find``."""

from __future__ import annotations

import resource
import shutil
import subprocess
import tempfile
from functools import partial
from pathlib import Path

from tests.benchmarks.measuring import Result, compared, in_turns, limited, processor_seconds
from v7migration.source.judging import judge
from v7migration.source.matching import Audited, Matching, match
from v7migration.source.naming import Registry
from v7migration.source.tree import scan

FILES = 200_000
REPEAT = 11
AIM = 2.0
MEMORY = 1024
IN_A_FOLDER = 40
REGISTRY = Registry({"WF1": "Single Search", "WF4": "Domain Curation"}, {1: "Models & ENUMs", 4: "Services"})


def make(root: Path, files: int) -> list[Audited]:
    """Make a tree of empty files; return a row of file_audit for all but one in a hundred, and as many phantoms."""
    rows = []
    for number in range(files):
        package, layer = number // IN_A_FOLDER, ("services", "models")[number % 2]
        folder = root / f"part{package // 40}" / f"package{package}" / layer
        if number % IN_A_FOLDER < 2:
            folder.mkdir(parents=True)
        path = folder / f"domain_{number}.py"
        path.touch()
        audited = path.relative_to(root) if number % 100 else Path(f"gone_{number}.py")
        rows.append(Audited(number, f"src/{audited}", 4 - 3 * (number % 2), ("WF1",)))
    return rows


def find(root: Path) -> None:
    """List the Python files with ``find``."""
    command = ["find", str(root), "-name", "*.py"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def list_and_match(root: Path, rows: list[Audited]) -> Matching:
    """List the files and match them with the rows."""
    return match(scan(root).paths, rows)


def whole(root: Path, rows: list[Audited]) -> None:
    """List, match, judge every name and propose target names."""
    paths = scan(root).paths
    judge(paths, match(paths, rows), REGISTRY)


def measure(*, rows: int | None, repeat: int | None) -> Result:
    """Make the tree and measure; what is listed and matched is compared with what was made."""
    files, turns = min(rows or FILES, FILES), repeat or REPEAT
    root = Path(tempfile.mkdtemp(prefix="v7-scan-"))
    try:
        audited = make(root, files)
        listed = in_turns(turns, partial(scan, root), partial(find, root))
        both, peer = partial(list_and_match, root, audited), partial(find, root)
        matched = in_turns(turns, both, peer)
        worked = in_turns(turns, both, peer, clock=processor_seconds)
        judged = in_turns(max(1, turns // 3), partial(whole, root, audited), partial(find, root))
        found = list_and_match(root, audited)
        assert len(found.rows) + len(found.orphans) == files
        assert len(found.orphans) == len(found.phantoms) == (files + 99) // 100
    finally:
        shutil.rmtree(root)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Result(
        name="scan", title="List and match a source tree", peer="find -name '*.py'",
        rows=[
            compared(f"{files:,} files listed", listed, aim=AIM),
            compared("and matched with file_audit", matched, aim=AIM),
            compared("the same in processor time", worked, aim=AIM),
            compared("and names judged, targets proposed", judged, aim=None),
            limited("memory at its highest", [memory], aim=MEMORY, measures="MB", unit="MB"),
        ],
        settings={"files": files},
        figures={"listed": listed, "matched": matched, "worked": worked, "judged": judged},
    )  # fmt: skip
